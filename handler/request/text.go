package request

import (
	"encoding/json"
	"strings"

	"callout/handler/callout"
	"callout/handler/secret"
)

// values are what a request is filled in with.
type values struct {
	given, defaults Arguments
	secrets         []callout.SecretValue
	// most is how long, in bytes, what is filled in may be. Once it is longer,
	// nothing more is filled in: it will not be sent.
	most int
}

// limited sets how long what is filled in next may be.
func (v *values) limited(most int) *values {
	v.most = most
	return v
}

func (v *values) isFull(out []byte) bool { return len(out) > v.most }

// of returns the argument for a field, or its default; nil when there is neither.
func (v *values) of(field string) any {
	if given := v.given[field]; given != nil {
		return given
	}
	return v.defaults[field]
}

// secret returns a secret value. The mask stands in for one that is not there.
func (v *values) secret(name string) string {
	for i := range v.secrets {
		if s := &v.secrets[i]; s.Name == name && s.Value.IsSet() {
			return s.Value.Reveal()
		}
	}
	return secret.Mask
}

// text is a configured text whose literal parts are written as they are sent.
type text callout.Text

// escape writes a value into what surrounds it, as nothing but data.
type escape func(out []byte, s string) []byte

func asItIs(out []byte, s string) []byte { return append(out, s...) }

// compileText takes text apart and escapes its literal parts. It fails where
// callout.ParseText does.
func compileText(s string, literal escape) (t text, problem string) {
	parts, problem := callout.ParseText(s)
	for i := range parts {
		parts[i].Literal = string(literal(nil, parts[i].Literal))
	}
	return text(parts), problem
}

// fill writes the text with the values in it, nothing for an absent one. It stops
// when the text is too long.
func (t text) fill(out []byte, v *values, escape escape) []byte {
	for i := range t {
		switch part := &t[i]; {
		case v.isFull(out):
			return out
		case part.Field != "":
			out = escape(out, plain(v.of(part.Field)))
		case part.Secret != "":
			out = escape(out, v.secret(part.Secret))
		default:
			out = append(out, part.Literal...)
		}
	}
	return out
}

// complete reports whether there is a value for every field of the text.
func (t text) complete(v *values) bool {
	for i := range t {
		if t[i].Field != "" && v.of(t[i].Field) == nil {
			return false
		}
	}
	return true
}

// fields lists the fields that the text names.
func (t text) fields() []string {
	var out []string
	for i := range t {
		if t[i].Field != "" {
			out = append(out, t[i].Field)
		}
	}
	return out
}

// field returns the name of the field that the text consists of, "" if it is
// something else or more.
func (t text) field() string {
	if len(t) != 1 {
		return ""
	}
	return t[0].Field
}

// isLiteral reports whether nothing is to be filled in.
func (t text) isLiteral() bool { return !callout.Text(t).HasPlaceholders() }

// plain writes a value of schema.Parse as text: a text as it is, anything else
// as JSON, and nothing for what is absent.
func plain(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		return v
	case json.Number:
		return v.String()
	}
	return string(appendJSON(nil, v))
}

// texts writes a value for a query or a form: an array as a text for each
// element, and an array in it as a list.
func texts(v any) []string {
	elements, ok := v.([]any)
	if !ok {
		return []string{elementText(v)}
	}
	out := make([]string, len(elements))
	for i, element := range elements {
		out[i] = elementText(element)
	}
	return out
}

func elementText(v any) string {
	switch v := v.(type) {
	case nil:
		return "null"
	case []any:
		return strings.Join(texts(v), ",")
	}
	return plain(v)
}
