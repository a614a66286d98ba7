package route

import (
	"net/http"
	"net/url"
	"strings"
	"unicode"
	"unicode/utf8"
)

// plain reports whether the request's path can be read in one way only. It
// does not say whether there is a route: a trailing slash and the spelling of
// the fixed text are judged when the route is known.
func plain(r *http.Request) bool {
	path := arrived(r)
	if !strings.HasPrefix(path, "/") || path != r.URL.EscapedPath() {
		return false
	}
	segments := strings.Split(path[1:], "/")
	last := len(segments) - 1
	for i, s := range segments {
		if s == "" && i == last {
			return true
		}
		if !plainSegment(s) {
			return false
		}
	}
	return true
}

// arrived returns the path as it came over the wire. net/url forgets an
// encoded slash when anything beside it in the path is badly encoded, so the
// request line is what counts.
func arrived(r *http.Request) string {
	if strings.HasPrefix(r.RequestURI, "/") {
		path, _, _ := strings.Cut(r.RequestURI, "?")
		return path
	}
	if r.URL.RawPath != "" {
		return r.URL.RawPath
	}
	return r.URL.EscapedPath()
}

// plainSegment refuses what proxies resolve, decode or cut in different ways:
// nothing, dots, slashes, control characters, and text that is not UTF-8.
func plainSegment(encoded string) bool {
	text, err := url.PathUnescape(encoded)
	if err != nil || !utf8.ValidString(text) {
		return false
	}
	if text == "" || text == "." || text == ".." {
		return false
	}
	return !strings.ContainsFunc(text, separates)
}

// separates reports whether some reader ends a segment, or the text, at c.
func separates(c rune) bool {
	return c == '/' || c == '\\' || unicode.IsControl(c)
}

// spelled reports whether the fixed text of the path is written letter by
// letter as in the pattern. http.ServeMux would decode it first.
func spelled(path, pattern string) bool {
	got, want := strings.Split(path, "/"), strings.Split(pattern, "/")
	for i, text := range want {
		if strings.HasPrefix(text, "{") {
			continue
		}
		if i >= len(got) || got[i] != text {
			return false
		}
	}
	return true
}
