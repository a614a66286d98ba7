package request

import (
	"encoding/json"

	"callout/handler/callout"
)

// Examples returns args with a plain value for each required field that is
// absent, for a request that is shown before anybody has filled it in.
func (t *Template) Examples(args Arguments) Arguments {
	out := t.complete(args)
	for i := range t.config.Fields {
		field := &t.config.Fields[i]
		if _, ok := out[field.Name]; !ok && field.Required {
			out[field.Name] = example(&field.Shape)
		}
	}
	return out
}

func example(s *callout.Shape) any {
	switch {
	case len(s.Enum) > 0:
		return decode(s.Enum[0])
	case s.Minimum != "":
		return s.Minimum
	}
	switch s.Type {
	case callout.TypeNumber, callout.TypeInteger:
		return json.Number("1")
	case callout.TypeBoolean:
		return true
	case callout.TypeArray:
		return []any{}
	case callout.TypeObject:
		return map[string]any{}
	}
	return "example"
}
