// Package redact takes known secrets out of whatever leaves: answers, history,
// test reports. It looks for values, not for names, in the encodings in which
// an upstream may echo them.
package redact

import (
	"bytes"
	"slices"

	"callout/handler/callout"
	"callout/handler/secret"
)

// minimum is the shortest pattern that is looked for. Anything shorter, such
// as a Basic password of three letters, would be found in ordinary text; the
// encoded pair is looked for instead.
const minimum = callout.MinSecret

// Redactor masks the secrets that it was made for. It may be shared.
type Redactor struct {
	patterns [][]byte
	longest  int
}

// New returns a Redactor for the values.
func New(values ...secret.Secret) *Redactor {
	r := &Redactor{}
	for _, v := range values {
		for _, form := range forms(v.Reveal()) {
			if len(form) >= minimum {
				r.patterns = append(r.patterns, []byte(form))
				r.longest = max(r.longest, len(form))
			}
		}
	}
	slices.SortFunc(r.patterns, bytes.Compare)
	r.patterns = slices.CompactFunc(r.patterns, bytes.Equal)
	return r
}

// String masks the secrets in s.
func (r *Redactor) String(s string) string { return string(r.Bytes([]byte(s))) }

// Bytes returns data with every secret masked, or data itself when it holds
// none. Matches that touch or overlap become one mask: replacing one after the
// other would leave the tail of the second.
func (r *Redactor) Bytes(data []byte) []byte {
	spans := r.find(data)
	if len(spans) == 0 {
		return data
	}
	out := make([]byte, 0, len(data))
	at := 0
	for i := 0; i < len(spans); {
		start, end := spans[i].start, spans[i].end
		for i++; i < len(spans) && spans[i].start <= end; i++ {
			end = max(end, spans[i].end)
		}
		out = append(append(out, data[at:start]...), secret.Mask...)
		at = end
	}
	return append(out, data[at:]...)
}

// Cut returns data without the end that may hold the beginning of a secret. It
// is for a body that was cut off at a limit.
func (r *Redactor) Cut(data []byte) []byte {
	return data[:max(0, len(data)-max(0, r.longest-1))]
}

type span struct{ start, end int }

func (r *Redactor) find(data []byte) []span {
	var out []span
	for _, p := range r.patterns {
		for from := 0; ; {
			i := bytes.Index(data[from:], p)
			if i < 0 {
				break
			}
			out = append(out, span{from + i, from + i + len(p)})
			from += i + 1
		}
	}
	slices.SortFunc(out, func(a, b span) int { return a.start - b.start })
	return out
}
