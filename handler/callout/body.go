package callout

import (
	"bytes"
	"encoding/json"
)

// tidy writes a JSON value in one form: members in their order and numbers to the
// last digit as they were, but no space, and no escape that is not needed. So it is
// no change when a client that writes JSON in its own way puts back what it read.
// null is none.
func tidy(raw json.RawMessage) json.RawMessage {
	if len(raw) == 0 || string(raw) == "null" {
		return nil
	}
	t := tidier{in: json.NewDecoder(bytes.NewReader(raw))}
	t.in.UseNumber()
	t.enc = json.NewEncoder(&t.out)
	t.enc.SetEscapeHTML(false)
	t.value()
	return t.out.Bytes()
}

// tidier copies a document that has been found to be valid JSON.
type tidier struct {
	in  *json.Decoder
	out bytes.Buffer
	enc *json.Encoder
}

func (t *tidier) value() {
	switch token, _ := t.in.Token(); token {
	case json.Delim('{'):
		t.elements('{', '}', func() {
			t.value()
			t.out.WriteByte(':')
			t.value()
		})
	case json.Delim('['):
		t.elements('[', ']', t.value)
	default:
		_ = t.enc.Encode(token) // text, a number, true, false, null: cannot fail
		t.out.Truncate(t.out.Len() - 1)
	}
}

func (t *tidier) elements(first, last byte, element func()) {
	t.out.WriteByte(first)
	for n := 0; t.in.More(); n++ {
		if n > 0 {
			t.out.WriteByte(',')
		}
		element()
	}
	_, _ = t.in.Token()
	t.out.WriteByte(last)
}
