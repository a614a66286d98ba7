// Package request turns a configuration and arguments into one HTTP request
// (design: section 4). What is made from a configuration alone is made once.
package request

import (
	"encoding/json"
	"maps"
	"strconv"

	"callout/handler/callout"
	"callout/handler/schema"
)

// Arguments are what the agent filled in, read by schema.Parse.
type Arguments map[string]any

// Template is what a configuration alone decides about its requests. It holds
// no secret and may be shared by any number of goroutines.
type Template struct {
	config   *callout.Config
	schema   *schema.Schema
	defaults Arguments
}

// Compile prepares a configuration. The faults it returns are those that only
// show when the fields become a JSON Schema: a default that its own field would
// refuse, for one.
func Compile(c *callout.Config) (*Template, []callout.Fault) {
	s, err := schema.Compile(Schema(c), "")
	if err != nil {
		return nil, []callout.Fault{{Code: callout.InvalidValue, Target: "fields",
			Message: "The fields do not make a valid JSON Schema. Check minimum, maximum and enum of each."}}
	}
	t := &Template{config: c, schema: s, defaults: Arguments{}}
	for _, field := range c.Fields {
		if len(field.Default) > 0 && string(field.Default) != "null" {
			t.defaults[field.Name] = decode(field.Default)
		}
	}
	return t, t.checkDefaults()
}

// checkDefaults applies the fields to their own defaults.
func (t *Template) checkDefaults() []callout.Fault {
	var out []callout.Fault
	for _, fault := range t.schema.Validate(map[string]any(t.defaults), "default of fields") {
		if fault.Code != callout.MissingValue {
			out = append(out, fault)
		}
	}
	return out
}

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

// Validate returns every fault of the arguments. A null counts as absent.
func (t *Template) Validate(args Arguments) []callout.Fault {
	return t.schema.Validate(present(args), "arguments")
}

// complete adds the defaults of what is absent.
func (t *Template) complete(args Arguments) Arguments {
	out := maps.Clone(t.defaults)
	maps.Copy(out, present(args))
	return out
}

func present(args Arguments) map[string]any {
	out := make(map[string]any, len(args))
	for name, v := range args {
		if v != nil {
			out[name] = v
		}
	}
	return out
}

// decode reads a value that came in with the configuration and was checked then.
func decode(raw json.RawMessage) any {
	v, _ := schema.Parse(raw)
	return v
}
