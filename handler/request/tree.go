package request

import (
	"bytes"
	"encoding/json"
)

// object is a JSON object whose members keep their order, which the maps of
// schema.Parse do not.
type object []member

type member struct {
	name  string
	value any
}

// parseOrdered reads JSON that schema.Parse has accepted: objects become object,
// all else what schema.Parse makes of it.
func parseOrdered(data []byte) any {
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	return nextValue(dec)
}

func nextValue(dec *json.Decoder) any {
	switch t := nextToken(dec); t {
	case json.Delim('{'):
		out := object{}
		for dec.More() {
			name, _ := nextToken(dec).(string)
			out = append(out, member{name, nextValue(dec)})
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
		return t
	}
}

func nextToken(dec *json.Decoder) json.Token {
	t, _ := dec.Token() // has been read before
	return t
}
