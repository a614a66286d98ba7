// Package redact takes known secrets out of whatever leaves: answers, history,
// test reports. It looks for values, not for names, in the encodings in which
// an upstream may echo them.
package redact

import (
	"callout/handler/callout"
	"callout/handler/secret"
)

// minimum is the shortest pattern that is looked for. Anything shorter, such
// as a Basic password of three letters, would be found in ordinary text; the
// encoded pair is looked for instead.
const minimum = callout.MinSecret

// Redactor masks the secrets that it was made for. It may be shared.
type Redactor struct {
	patterns patterns
	longest  int // secret
}

// New returns a Redactor for the values.
func New(values ...secret.Secret) *Redactor {
	r := &Redactor{}
	for _, v := range values {
		r.longest = max(r.longest, v.Len())
		forms(v.Reveal(), r.patterns.add)
	}
	return r
}

// String masks the secrets in s.
func (r *Redactor) String(s string) string {
	data := []byte(s)
	if spans := r.all(data); len(spans) > 0 {
		return string(mask(data, spans))
	}
	return s
}

// Bytes returns data with every secret masked, or data itself when it holds
// none.
func (r *Redactor) Bytes(data []byte) []byte {
	if spans := r.all(data); len(spans) > 0 {
		return mask(data, spans)
	}
	return data
}

func (r *Redactor) all(data []byte) []span {
	if len(r.patterns.list) == 0 {
		return nil
	}
	return r.search().find(data, layer{}).spans
}

func (r *Redactor) search() *search { return &search{patterns: &r.patterns} }

// Head is Bytes for the beginning of a text of which the rest was cut off. It
// leaves out the end of data as far as that may be the beginning of a secret.
func (r *Redactor) Head(data []byte) []byte {
	if len(r.patterns.list) == 0 {
		return data
	}
	f := r.search().find(data, layer{cut: true})
	spans := union(append(f.spans, span{f.tail, len(data)}))
	if spans[len(spans)-1].start == f.tail { // and nothing found reaches into it
		data, spans = data[:f.tail], spans[:len(spans)-1]
	}
	if len(spans) == 0 {
		return data
	}
	return mask(data, spans)
}
