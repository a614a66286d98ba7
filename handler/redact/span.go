package redact

import (
	"slices"

	"callout/handler/secret"
)

// span is a part of a text, as places in bytes.
type span struct{ start, end int }

// union puts spans in order and makes one of those that touch or overlap.
func union(spans []span) []span {
	slices.SortFunc(spans, func(a, b span) int { return a.start - b.start })
	out := spans[:0]
	for _, s := range spans {
		out = join(out, s)
	}
	return out
}

// mask replaces spans, which are a union: replacing what overlaps one after the
// other would leave the tail of the second.
func mask(data []byte, spans []span) []byte {
	out := make([]byte, 0, len(data))
	at := 0
	for _, s := range spans {
		out = append(append(out, data[at:s.start]...), secret.Mask...)
		at = s.end
	}
	return append(out, data[at:]...)
}
