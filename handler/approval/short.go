package approval

import (
	"encoding/json"
	"strings"
)

// short is a value, or the beginning of one over MaxValue.
func short(value json.RawMessage) json.RawMessage {
	if len(value) <= MaxValue {
		return value
	}
	var s string
	if json.Unmarshal(value, &s) != nil {
		s = string(value) // not a string: its JSON
	}
	out := value
	for size := MaxValue - len(`"…"`); len(out) > MaxValue; size = size * 3 / 4 { // escapes make it longer again
		out = text(beginning(s, size))
	}
	return out
}

// beginning is that of a text of which no more than size bytes are to be shown. It
// ends between two characters.
func beginning(s string, size int) string {
	return strings.ToValidUTF8(s[:min(size, len(s))], "") + "…"
}

func text(s string) json.RawMessage {
	data, _ := json.Marshal(s) // a string: cannot fail
	return data
}
