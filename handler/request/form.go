package request

import (
	"callout/handler/callout"
	"callout/handler/schema"
)

// form writes application/x-www-form-urlencoded (WHATWG URL, section 5).
type form []pair

func (f form) contentType() string { return "application/x-www-form-urlencoded" }

func (f form) write(out []byte, v *values) []byte {
	w := pairWriter{out: out}
	for i := range f {
		for _, t := range f[i].values {
			w.text(f[i].name, t, v)
		}
	}
	return w.out
}

// compileForm prepares a form template: an object whose members are single
// values, or arrays of them.
func (w *compiler) compileForm(root any) form {
	members, ok := root.(schema.Object)
	if !ok {
		w.fault(callout.InvalidValue, "body", "The template of a form must be an object. Write one, with a member for each entry of the form.")
	}
	out := make(form, len(members))
	for i, m := range members {
		at := below("body", m.Name)
		w.checkKey(m.Name, at)
		out[i] = pair{name: pairName(m.Name), values: w.compileEntry(m.Value, at)}
	}
	return out
}

func (w *compiler) compileEntry(v any, at string) []text {
	elements, ok := v.([]any)
	if !ok {
		return []text{w.compileScalar(v, at)}
	}
	out := make([]text, len(elements))
	for i, v := range elements {
		out[i] = w.compileScalar(v, element(at, i))
	}
	return out
}

func (w *compiler) compileScalar(v any, at string) text {
	switch v := v.(type) {
	case string:
		return w.compileTemplateText(v, at, appendQueryEscaped)
	case nil, schema.Object, []any:
		w.fault(callout.InvalidValue, at, "A form holds texts, numbers, true and false, and arrays of them. Write what is nested as entries of their own, and leave null out.")
		return nil
	default:
		return text{{Literal: string(appendQueryEscaped(nil, plain(v)))}}
	}
}
