// Package request turns a configuration and arguments into one HTTP request
// (design: section 4). What is made from a configuration alone is made once.
package request

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
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
// refuse, for one. They quote nothing of it.
func Compile(c *callout.Config) (*Template, []callout.Fault) {
	s, err := schema.Compile(Schema(c), "")
	if err != nil {
		return nil, []callout.Fault{{Code: callout.InvalidValue, Target: "fields",
			Message: "The fields do not make a valid JSON Schema. Check minimum, maximum and enum of each."}}
	}
	t := &Template{config: c, schema: s, defaults: Arguments{}}
	var faults []callout.Fault
	for i := range c.Fields {
		field, at := &c.Fields[i], fmt.Sprintf("fields[%d]", i)
		faults = append(faults, checkEnum(&field.Shape, at)...)
		if len(field.Default) > 0 {
			t.defaults[field.Name] = decode(field.Default)
			faults = append(faults, checkDefault(field, at)...)
		}
	}
	return t, faults
}

// checkDefault applies a field to its own default. The fault says nothing of
// what is accepted, which was submitted together with it.
func checkDefault(field *callout.Field, at string) []callout.Fault {
	if accepts(&field.Shape, []json.RawMessage{field.Default}) {
		return nil
	}
	return []callout.Fault{{Code: callout.InvalidValue, Target: at + ".default",
		Message: "The field itself does not accept this default. Change it, or what the field accepts."}}
}

// checkEnum finds the values that could never be given, because what stands
// beside enum refuses them.
func checkEnum(s *callout.Shape, at string) []callout.Fault {
	var out []callout.Fault
	others := *s
	others.Enum = nil
	if !accepts(&others, s.Enum) {
		out = append(out, callout.Fault{Code: callout.InvalidValue, Target: at + ".enum",
			Message: "One of the values does not fit the type or the bounds beside it. Change it, or these."})
	}
	if s.Items != nil {
		out = append(out, checkEnum(s.Items, at+".items")...)
	}
	return out
}

// accepts reports whether the shape accepts every one of the values.
func accepts(s *callout.Shape, values []json.RawMessage) bool {
	compiled, err := schema.Compile(shape(s), "")
	return err == nil && !slices.ContainsFunc(values, func(v json.RawMessage) bool {
		return len(compiled.Validate(decode(v), "")) > 0
	})
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

// Validate returns every fault of the arguments. Null for a field counts as
// absent.
func (t *Template) Validate(args Arguments) []callout.Fault {
	return t.schema.Validate(t.present(args), "arguments")
}

// complete adds the defaults of what is absent.
func (t *Template) complete(args Arguments) Arguments {
	out := maps.Clone(t.defaults)
	maps.Copy(out, t.present(args))
	return out
}

// present leaves out the fields that are null. Any other name stays, to be found
// unknown.
func (t *Template) present(args Arguments) map[string]any {
	out := make(map[string]any, len(args))
	maps.Copy(out, args)
	for i := range t.config.Fields {
		if name := t.config.Fields[i].Name; out[name] == nil {
			delete(out, name)
		}
	}
	return out
}

// decode reads a value that came in with the configuration and was checked then.
func decode(raw json.RawMessage) any {
	v, _ := schema.Parse(raw)
	return v
}
