// Package redact takes known secrets out of whatever leaves: answers, history,
// test reports. It looks for values, not for names, in the encodings in which
// an upstream may echo them.
package redact

import (
	"slices"

	"callout/handler/callout"
	"callout/handler/secret"
)

// minimum is the shortest pattern that is looked for. Anything shorter, such
// as a Basic password of three letters, would be found in ordinary text; the
// encoded pair is looked for instead.
const minimum = callout.MinSecret

// longestEscape is how many bytes the escape of one byte has, as \u002f.
const longestEscape = 6

// Redactor masks the secrets that it was made for. It may be shared.
type Redactor struct {
	patterns patterns
	longest  int
}

// New returns a Redactor for the values.
func New(values ...secret.Secret) *Redactor {
	r := &Redactor{patterns: patterns{byHead: map[uint32][][]byte{}}}
	known := map[string]bool{}
	for _, v := range values {
		s := v.Reveal()
		r.longest = max(r.longest, longestEscape*len(s))
		for _, form := range forms(s) {
			if len(form) < minimum || known[form] {
				continue
			}
			known[form] = true
			r.patterns.add([]byte(form))
			r.longest = max(r.longest, len(form))
		}
	}
	return r
}

// String masks the secrets in s.
func (r *Redactor) String(s string) string {
	if spans := r.find([]byte(s), 0); len(spans) > 0 {
		return string(mask([]byte(s), spans))
	}
	return s
}

// Bytes returns data with every secret masked, or data itself when it holds
// none.
func (r *Redactor) Bytes(data []byte) []byte {
	if spans := r.find(data, 0); len(spans) > 0 {
		return mask(data, spans)
	}
	return data
}

// Cut returns data without the end that may hold the beginning of a secret. It
// is for a body that was cut off at a limit.
func (r *Redactor) Cut(data []byte) []byte {
	return data[:max(0, len(data)-r.Reach())]
}

// Reach is how many bytes the beginning of a secret can take up before the end of
// a text, and so how many more have to be read than are kept.
func (r *Redactor) Reach() int { return max(0, r.longest-1) }

// span is a part of a text, as places in bytes.
type span struct{ start, end int }

// find returns where the secrets are in data: as they stand there, and as they
// show when up to maxLayers layers of escapes are undone.
func (r *Redactor) find(data []byte, depth int) []span {
	if len(r.patterns.byHead) == 0 {
		return nil
	}
	out := r.patterns.scan(data)
	if depth == maxLayers {
		return out
	}
	if plain := peel(data, nil); plain != nil {
		if inner := r.find(plain, depth+1); len(inner) > 0 {
			out = append(out, sources(data, inner)...)
		}
	}
	return out
}

// mask replaces the spans. Those that touch or overlap become one mask:
// replacing one after the other would leave the tail of the second.
func mask(data []byte, spans []span) []byte {
	slices.SortFunc(spans, func(a, b span) int { return a.start - b.start })
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
