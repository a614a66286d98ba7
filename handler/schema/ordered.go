package schema

import (
	"bytes"
	"encoding/json"
)

// Object is a JSON object whose members keep their order, which the maps of Parse
// do not.
type Object []Member

// Member is one of an Object.
type Member struct {
	Name  string
	Value any
}

// MarshalJSON writes the members in their order, without the escapes of HTML.
func (o Object) MarshalJSON() ([]byte, error) {
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	out.WriteByte('{')
	for i, m := range o {
		if i > 0 {
			out.WriteByte(',')
		}
		_ = enc.Encode(m.Name)
		out.WriteByte(':')
		if err := enc.Encode(m.Value); err != nil {
			return nil, err
		}
	}
	out.WriteByte('}')
	return out.Bytes(), nil
}

// ParseOrdered reads JSON that Parse has accepted: an object becomes an Object, all
// else what Parse makes of it.
func ParseOrdered(data []byte) any {
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	return nextValue(dec)
}

func nextValue(dec *json.Decoder) any {
	switch token := nextToken(dec); token {
	case json.Delim('{'):
		out := Object{}
		for dec.More() {
			name, _ := nextToken(dec).(string)
			out = append(out, Member{name, nextValue(dec)})
		}
		nextToken(dec)
		return out
	case json.Delim('['):
		out := []any{}
		for dec.More() {
			out = append(out, nextValue(dec))
		}
		nextToken(dec)
		return out
	default:
		return token
	}
}

func nextToken(dec *json.Decoder) json.Token {
	token, _ := dec.Token() // has been read before
	return token
}
