package request

import (
	"encoding/json"
	"fmt"
	"slices"

	"callout/handler/callout"
	"callout/handler/schema"
)

// checkFields applies to each field what it says itself, and what the places say
// into which it goes: all the values that it lists can be given, and something
// can.
func (w *compiler) checkFields() {
	for i := range w.config.Fields {
		field, at := &w.config.Fields[i], fmt.Sprintf("fields[%d]", i)
		where := w.template.places[field.Name]
		w.checkEnum(&field.Shape, where, at)
		w.checkDefault(field, where, at)
		w.checkLength(field, where, at)
	}
}

// checkDefault says nothing of what is accepted, which was submitted together
// with the default.
func (w *compiler) checkDefault(field *callout.Field, where places, at string) {
	if len(field.Default) == 0 {
		return
	}
	v := decode(field.Default)
	w.template.defaults[field.Name] = v
	if !accepts(&field.Shape, []json.RawMessage{field.Default}) {
		w.fault(callout.InvalidValue, at+".default", "The field itself does not accept this default. Change it, or what the field accepts.")
	} else if problem := where.refuse(v); problem != "" {
		w.fault(callout.InvalidValue, at+".default", problem)
	}
}

// checkEnum finds the values that could never be given, because what stands
// beside enum refuses them, or the place where they would go.
func (w *compiler) checkEnum(s *callout.Shape, where places, at string) {
	others := *s
	others.Enum = nil
	if len(s.Enum) > 0 && !accepts(&others, s.Enum) {
		w.fault(callout.InvalidValue, at+".enum", "One of the values does not fit the type or the bounds beside it. Change it, or these.")
	} else if i := slices.IndexFunc(s.Enum, func(v json.RawMessage) bool { return where.refuse(decode(v)) != "" }); i >= 0 {
		w.fault(callout.InvalidValue, at+".enum", where.refuse(decode(s.Enum[i])))
	}
	if s.Items != nil {
		w.checkEnum(s.Items, 0, at+".items")
	}
}

// accepts reports whether the shape accepts every one of the values.
func accepts(s *callout.Shape, values []json.RawMessage) bool {
	compiled, err := schema.Compile(shape(s), "")
	return err == nil && !slices.ContainsFunc(values, func(v json.RawMessage) bool {
		return len(compiled.Validate(decode(v), "")) > 0
	})
}

// checkLength finds a text that would have to be empty where nothing empty can be.
func (w *compiler) checkLength(field *callout.Field, where places, at string) {
	if where&(inPath|inHeader) != 0 && field.MaxLength != nil && *field.MaxLength == 0 {
		w.fault(callout.InvalidValue, at+".maxLength", "A path and a header hold no empty values. Raise maxLength, or change where the field goes.")
	}
}
