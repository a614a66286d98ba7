package tree

import (
	"bytes"
	"encoding/json"
)

// JSON writes n as JSON, with its members in their order. It reports false when
// that takes more than limit bytes.
func (n *Node) JSON(limit int) (json.RawMessage, bool) {
	w := writer{limit: limit}
	w.node(n)
	if w.Len() > limit {
		return nil, false
	}
	return w.Bytes(), true
}

// Quote writes text as a JSON string, without the escapes that only HTML needs.
func Quote(text string) string {
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(text) // a string: cannot fail
	return string(bytes.TrimSuffix(out.Bytes(), []byte("\n")))
}

// writer stops soon after its limit.
type writer struct {
	bytes.Buffer
	limit int
}

func (w *writer) node(n *Node) {
	switch {
	case w.Len() > w.limit:
	case n.Kind() == Object:
		w.members(n)
	case n.Kind() == Array:
		w.elements(n)
	case n.Kind() == String:
		w.WriteString(Quote(n.text))
	case n.Kind() == None || n.Kind() == Null:
		w.WriteString("null")
	default:
		w.WriteString(n.text)
	}
}

func (w *writer) members(n *Node) {
	w.WriteByte('{')
	for i, name := range n.names {
		if w.Len() > w.limit {
			return
		}
		if i > 0 {
			w.WriteByte(',')
		}
		w.WriteString(Quote(name))
		w.WriteByte(':')
		w.node(n.values[i])
	}
	w.WriteByte('}')
}

func (w *writer) elements(n *Node) {
	w.WriteByte('[')
	for i, element := range n.values {
		if w.Len() > w.limit {
			return
		}
		if i > 0 {
			w.WriteByte(',')
		}
		w.node(element)
	}
	w.WriteByte(']')
}
