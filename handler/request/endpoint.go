package request

import (
	"errors"
	"net/url"
	"strings"
)

// endpoint is a URL with placeholders in its path and query, taken apart. Its
// scheme, host and port are fixed.
type endpoint struct {
	origin string // as it is written
	base   *url.URL
	path   text
	// segments are the parts of the path between its slashes.
	segments []segment
	query    []pair // without values: one that is sent as it is written
}

type segment struct {
	literal string // as it is sent
	filled  bool   // something is filled in
}

// errNoURL says nothing of the URL, which may be a secret.
var errNoURL = errors.New("request: the endpoint is not a URL that can be called")

// parseEndpoint takes an endpoint apart. It fails with errNoURL, also where a
// placeholder stands elsewhere than in the path or in a value of the query.
func parseEndpoint(raw string) (*endpoint, error) {
	head, query, _ := strings.Cut(raw, "?")
	scheme, host, _ := strings.Cut(head, "://")
	host, path, hasPath := strings.Cut(host, "/")
	if hasPath {
		path = "/" + path
	}
	e := &endpoint{origin: scheme + "://" + host}
	var err error
	if e.base, err = url.Parse(e.origin); err != nil || e.base.Host == "" || e.base.User != nil || strings.ContainsAny(host, "{}") {
		return nil, errNoURL
	}
	if !e.parsePath(path) || query != "" && !e.parseQuery(query) {
		return nil, errNoURL
	}
	return e, nil
}

func (e *endpoint) parsePath(path string) bool {
	for s := range strings.SplitSeq(path, "/") {
		e.segments = append(e.segments, segment{string(appendPathLiteral(nil, s)), strings.Contains(s, "{{")})
	}
	var problem string
	e.path, problem = compileText(path, appendPathLiteral)
	return problem == ""
}

func (e *endpoint) parseQuery(query string) bool {
	for raw := range strings.SplitSeq(query, "&") {
		p, value := pair{name: raw}, ""
		if strings.Contains(raw, "{{") {
			p.name, value, _ = strings.Cut(raw, "=")
			t, problem := compileText(value, asItIs)
			if problem != "" || strings.Contains(p.name, "{{") {
				return false
			}
			p.name, p.values = p.name+"=", []text{t}
		}
		e.query = append(e.query, p)
	}
	return true
}

// fill writes the URL, and leaves the writer at the end of its query. A pair of
// which a field is absent is left out.
func (e *endpoint) fill(v *values) *pairWriter {
	out := make([]byte, 0, 256)
	out = e.path.fill(append(out, e.origin...), v, appendSegment)
	w := &pairWriter{out: out, next: "?"}
	for i := range e.query {
		switch p := &e.query[i]; {
		case p.values == nil:
			w.write(p.name)
		case p.values[0].complete(v):
			w.text(p.name, p.values[0], v)
		}
	}
	return w
}

// admits reports whether u is still the configured URL: of the same scheme, host
// and port, with as many segments in its path, all fixed ones as they were and in
// the others something that is no way up. Nothing that Validate accepts changes
// these; should that ever be wrong, nothing is sent.
func (e *endpoint) admits(u *url.URL) bool {
	if u.Scheme != e.base.Scheme || u.Host != e.base.Host || u.User != nil || u.Opaque != "" || u.Fragment != "" {
		return false
	}
	path, i := u.EscapedPath(), 0
	for s := range strings.SplitSeq(path, "/") {
		if i == len(e.segments) || !e.segments[i].admits(s) {
			return false
		}
		i++
	}
	return i == len(e.segments) && strings.HasPrefix(path, e.prefix())
}

// prefix is the path before the first placeholder.
func (e *endpoint) prefix() string {
	if len(e.path) == 0 {
		return ""
	}
	return e.path[0].Literal
}

func (s segment) admits(sent string) bool {
	if !s.filled {
		return sent == s.literal
	}
	return sent != "" && !isDots(strings.ReplaceAll(strings.ToLower(sent), "%2e", "."))
}

// isDots reports whether a segment leads to another place of the path (RFC 3986,
// section 5.2.4).
func isDots(s string) bool { return s == "." || s == ".." }

// appendSegment writes data into a path: what RFC 3986, section 2.3 calls
// unreserved as it is, all else percent-encoded.
func appendSegment(out []byte, s string) []byte {
	const unreserved = "-._~"
	for i := 0; i < len(s); i++ {
		out = appendPathByte(out, s[i], unreserved)
	}
	return out
}

// appendPathLiteral writes what an operator has written into a path. net/url
// would write the whole path anew if there were a character in it that is not to
// stand in a path, and undo escapes of what was filled in.
func appendPathLiteral(out []byte, s string) []byte {
	const inPath = "-._~!$&'()*+,;=:@/%[]"
	for i := 0; i < len(s); i++ {
		out = appendPathByte(out, s[i], inPath)
	}
	return out
}

func appendPathByte(out []byte, c byte, asItIs string) []byte {
	if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.IndexByte(asItIs, c) >= 0 {
		return append(out, c)
	}
	const upper = "0123456789ABCDEF"
	return append(out, '%', upper[c>>4], upper[c&0xf])
}
