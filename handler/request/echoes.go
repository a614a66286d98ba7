package request

import (
	"context"
	"net/url"
	"slices"
	"strings"

	"callout/handler/callout"
	"callout/handler/secret"
)

// longPart is the length, in bytes, from which a part of a secret text is taken
// for a secret of its own: shorter ones are words such as "services".
const longPart = 16

// Echoes lists what an upstream may write back of a secret endpoint and of secret
// headers with placeholders. It sees them as they are filled in, not the texts that
// are stored. filled and args are those of Build.
//
// An argument is no secret: what is listed holds, arguments aside, at least
// callout.MinSecret bytes of what is configured.
func (t *Template) Echoes(filled *callout.Config, args Arguments) []secret.Secret {
	if !filled.EndpointSecret && !slices.ContainsFunc(filled.Headers, hidesPlaceholders) {
		return nil
	}
	v := t.values(filled, args)
	sent, err := t.request(context.Background(), filled, v, nil)
	if err != nil { // then nothing is sent that could be written back
		return nil
	}
	var out echoes
	if filled.EndpointSecret {
		target, _ := t.endpointOf(filled) // has been called
		out.endpoint(target, v.limited(maxURL), sent.URL)
	}
	v.limited(callout.MaxSecret)
	for i := range filled.Headers {
		if h := &filled.Headers[i]; hidesPlaceholders(*h) {
			hidden, _ := compileText(h.Hidden.Reveal(), asItIs) // has been filled in
			out.header(hidden.pieces(v, asItIs), sent.Header.Get(h.Name))
		}
	}
	return out
}

func hidesPlaceholders(h callout.Header) bool { return strings.Contains(h.Hidden.Reveal(), "{{") }

// pieces lists what is configured before, between and behind the arguments of a
// text, with secret values in it.
func (t text) pieces(v *values, escape escape) []string {
	var out []string
	start := 0
	for i := range t {
		if t[i].Field != "" {
			out, start = append(out, string(t[start:i].fill(nil, v, escape))), i+1
		}
	}
	return append(out, string(t[start:].fill(nil, v, escape)))
}

func total(pieces []string) int { return len(strings.Join(pieces, "")) }

// echoes collects what may be written back.
type echoes []secret.Secret

// whole adds texts of which so many bytes are configured.
func (e *echoes) whole(configured int, texts ...string) {
	for _, s := range texts {
		if configured >= callout.MinSecret {
			*e = append(*e, secret.New(s))
		}
	}
}

// long adds the long ones of what stands between the separators.
func (e *echoes) long(s, separators string) {
	for _, part := range strings.FieldsFunc(s, func(r rune) bool { return strings.ContainsRune(separators, r) }) {
		if len(part) >= longPart {
			*e = append(*e, secret.New(part))
		}
	}
}

// header adds a secret header and what stands around its arguments.
func (e *echoes) header(pieces []string, sent string) {
	e.whole(total(pieces), sent)
	for _, piece := range pieces {
		e.whole(len(piece), piece)
		e.long(piece, ` ,;"`)
	}
}

// endpoint adds path and query of a secret endpoint, with and without what is
// appended to it, and their long parts.
func (e *echoes) endpoint(target *endpoint, v *values, sent *url.URL) {
	path := target.path.pieces(v, appendSegment)
	inPath, inQuery := total(path), 0
	for _, piece := range path {
		e.long(unescape(url.PathUnescape, piece), "/")
	}
	for i := range target.query {
		pieces := target.query[i].pieces(v)
		inQuery += total(pieces)
		for _, piece := range pieces {
			e.long(unescape(url.QueryUnescape, piece), "")
		}
	}
	e.whole(inPath, sent.EscapedPath(), sent.Path)
	own := strings.TrimPrefix(string(target.fill(v).out), target.origin)
	e.whole(inPath+inQuery, own, sent.RequestURI())
}

// pieces are those of the value of a pair.
func (p *pair) pieces(v *values) []string {
	if p.values == nil {
		_, value, _ := strings.Cut(p.name, "=")
		return []string{value}
	}
	return p.values[0].pieces(v, appendQueryEscaped)
}

// unescape undoes percent-encoding, and leaves alone what is none.
func unescape(undo func(string) (string, error), s string) string {
	if plain, err := undo(s); err == nil {
		return plain
	}
	return s
}
