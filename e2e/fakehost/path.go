package fakehost

import (
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"unicode/utf8"
)

// A path has three forms on its way. Kestrel decodes it once, keeps %2F, and
// removes dot segments: keys are checked against that form. Each mode then
// encodes it anew for the handler. In proxying nothing is lost. In forwarding
// the text goes through System.Uri a second time, and may name another route
// than the one whose key was checked: `\` becomes a slash, %2e a dot, dot
// segments are removed again, and a decoded `?` ends the path.

// routingPath returns the path as routing sees it, false if the host answers 400.
func routingPath(r *http.Request) (string, bool) {
	raw, _, _ := strings.Cut(r.RequestURI, "?")
	if !strings.HasPrefix(raw, "/") {
		raw = r.URL.EscapedPath()
	}
	decoded, ok := decodePath(raw)
	return removeDotSegments(decoded), ok
}

// decodePath decodes percent escapes as Kestrel's UrlDecoder does: %2F and
// what is no UTF-8 stay as they are, and a NUL is refused.
func decodePath(raw string) (string, bool) {
	var b strings.Builder
	for len(raw) > 0 {
		decoded, width := decodeRune(raw)
		if decoded == "\x00" {
			return "", false
		}
		b.WriteString(decoded)
		raw = raw[width:]
	}
	return b.String(), true
}

// decodeRune decodes the character at the start of raw, and returns it with
// the number of bytes that spelled it.
func decodeRune(raw string) (decoded string, width int) {
	var octets []byte
	for at := raw; len(octets) < utf8.UTFMax; at = at[3:] {
		octet, ok := unescapeOctet(at)
		if !ok {
			break
		}
		octets = append(octets, octet)
	}
	r, size := utf8.DecodeRune(octets)
	if size == 0 || r == '/' || r == utf8.RuneError && size == 1 {
		return raw[:1], 1
	}
	return string(r), 3 * size
}

func unescapeOctet(s string) (byte, bool) {
	if len(s) < 3 || s[0] != '%' {
		return 0, false
	}
	n, err := strconv.ParseUint(s[1:3], 16, 8)
	return byte(n), err == nil
}

// removeDotSegments is RFC 3986, section 5.2.4, for a path with a leading slash.
func removeDotSegments(path string) string {
	segments := strings.Split(strings.TrimPrefix(path, "/"), "/")
	var kept []string
	for i, s := range segments {
		isDots := s == "." || s == ".."
		if s == ".." && len(kept) > 0 {
			kept = kept[:len(kept)-1]
		}
		if !isDots {
			kept = append(kept, s)
		} else if i == len(segments)-1 {
			kept = append(kept, "")
		}
	}
	return "/" + strings.Join(kept, "/")
}

// proxiedPath encodes like YARP (RequestUtilities.EncodePath). It escapes a
// percent sign too, so that a %2F of the client arrives as %252F.
func proxiedPath(path string) string {
	return escapePath(path, func(string) bool { return false })
}

// forwardedPath is what is left of new Uri(request.GetDisplayUrl()).AbsolutePath.
func forwardedPath(path string) string {
	if end := strings.IndexAny(path, "?#"); end >= 0 {
		path = path[:end]
	}
	path = strings.ReplaceAll(path, `\`, "/")
	path = removeDotSegments(unescapeUnreserved(path))
	return escapePath(path, func(rest string) bool {
		_, isEscape := unescapeOctet(rest)
		return isEscape
	})
}

func unescapeUnreserved(path string) string {
	var b strings.Builder
	for len(path) > 0 {
		octet, ok := unescapeOctet(path)
		if !ok || !isAlphanumeric(octet) && !strings.ContainsRune("-._~", rune(octet)) {
			b.WriteByte(path[0])
			path = path[1:]
			continue
		}
		b.WriteByte(octet)
		path = path[3:]
	}
	return b.String()
}

// escapePath escapes what may not stand in a path. keeps is asked about a
// percent sign, with what begins there.
func escapePath(path string, keeps func(rest string) bool) string {
	var b strings.Builder
	for i := range len(path) {
		c := path[i]
		if isAlphanumeric(c) || strings.IndexByte("!$&'()*+,-./:;=@_~", c) >= 0 || c == '%' && keeps(path[i:]) {
			b.WriteByte(c)
			continue
		}
		fmt.Fprintf(&b, "%%%02X", c)
	}
	return b.String()
}

func isAlphanumeric(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
}

// setPath makes u send exactly the escaped path.
func setPath(u *url.URL, escaped string) {
	// What escapePath wrote can always be unescaped.
	u.Path, _ = url.PathUnescape(escaped)
	u.RawPath = escaped
}
