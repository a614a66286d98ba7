package request

import (
	"encoding/json"
	"strconv"

	"callout/handler/callout"
	"callout/handler/schema"
)

// Schema is the JSON Schema (draft 2020-12) of the arguments of c.
func Schema(c *callout.Config) map[string]any {
	properties, required := map[string]any{}, []any{}
	for i := range c.Fields {
		field := &c.Fields[i]
		property := shape(&field.Shape)
		if field.Description != "" {
			property["description"] = field.Description
		}
		if len(field.Default) > 0 {
			property["default"] = decode(field.Default)
		}
		properties[field.Name] = property
		if field.Required && len(field.Default) == 0 {
			required = append(required, field.Name)
		}
	}
	return map[string]any{"type": "object", "properties": properties, "required": required, "additionalProperties": false}
}

func shape(s *callout.Shape) map[string]any {
	out := map[string]any{"type": s.Type}
	if len(s.Enum) > 0 {
		values := make([]any, len(s.Enum))
		for i, v := range s.Enum {
			values[i] = decode(v)
		}
		out["enum"] = values
	}
	if s.Items != nil {
		out["items"] = shape(s.Items)
	}
	if s.Minimum != "" {
		out["minimum"] = s.Minimum
	}
	if s.Maximum != "" {
		out["maximum"] = s.Maximum
	}
	if s.MaxLength != nil {
		out["maxLength"] = json.Number(strconv.Itoa(*s.MaxLength))
	}
	return out
}

// decode reads a value that came in with the configuration and was checked then.
func decode(raw json.RawMessage) any {
	v, _ := schema.Parse(raw)
	return v
}
