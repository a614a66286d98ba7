package route

import (
	"encoding/hex"
	"slices"
	"strings"
	"testing"
)

// hostCandidates returns the functions that ASP.NET's routing in the Functions
// host could pick for a request line: encoded bytes are decoded but for the
// slash, dot segments are resolved, a trailing slash is dropped, and fixed text
// is compared without letter case. It is written apart from the package's own
// matching, and gives all routes that match, because the host takes the first
// one that it registered.
func hostCandidates(method, requestLine string) []string {
	segments := hostSegments(requestLine)
	var names []string
	for _, f := range everything {
		if f.Timer != "" && len(segments) == 1 && strings.EqualFold(segments[0], f.Name) && method == "POST" {
			names = append(names, f.Name)
		}
		if f.Timer == "" && slices.Contains(f.Methods, method) && hostMatches("api/"+f.Route, segments) {
			names = append(names, f.Name)
		}
	}
	return names
}

func hostSegments(requestLine string) []string {
	path, _, _ := strings.Cut(requestLine, "?")
	if _, after, absolute := strings.Cut(path, "://"); absolute && !strings.HasPrefix(path, "/") {
		_, path, _ = strings.Cut(after, "/")
	}
	path = strings.TrimPrefix(hostDecode(path), "/")
	var segments []string
	for s := range strings.SplitSeq(path, "/") {
		switch {
		case s == "..":
			segments = segments[:max(0, len(segments)-1)]
		case s != ".":
			segments = append(segments, s)
		}
	}
	if last := len(segments) - 1; last >= 0 && segments[last] == "" {
		segments = segments[:last]
	}
	return segments
}

func hostDecode(path string) string {
	var b strings.Builder
	for i := 0; i < len(path); i++ {
		if path[i] == '%' && i+2 < len(path) {
			if c, err := hex.DecodeString(path[i+1 : i+3]); err == nil && c[0] != '/' {
				b.WriteByte(c[0])
				i += 2
				continue
			}
		}
		b.WriteByte(path[i])
	}
	return b.String()
}

func hostMatches(route string, segments []string) bool {
	templates := strings.Split(route, "/")
	for i, template := range templates {
		if strings.HasPrefix(template, "{*") {
			return true
		}
		if i >= len(segments) {
			return false
		}
		isParameter := strings.HasPrefix(template, "{")
		if isParameter && segments[i] == "" || !isParameter && !strings.EqualFold(template, segments[i]) {
			return false
		}
	}
	return len(templates) == len(segments)
}

// The model must see through the tricks, or the fuzz test would prove nothing.
func TestTheModelOfTheHost(t *testing.T) {
	for _, c := range []struct{ method, target, want string }{
		{"GET", "/API/Configs/", "configs"},
		{"GET", "/api/%43onfigs", "configs"},
		{"POST", "/api/execute/%2e%2e/test?x", "test-draft"},
		{"GET", "/api/configs/a%2fb", "config"},
		{"GET", "/api/CONSOLE", "console"},
		{"GET", "http://host/api/health", "health"},
		{"POST", "/SWEEP", "sweep"},
		{"GET", "/api//configs", ""},
		{"PUT", "/api/configs", ""},
	} {
		if got := strings.Join(hostCandidates(c.method, c.target), " "); got != c.want {
			t.Errorf("%s %s: got %q, want %q", c.method, c.target, got, c.want)
		}
	}
}
