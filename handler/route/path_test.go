package route

import (
	"bufio"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
)

// Each of these is a way to ask for one function with the key of another: the
// host matches some of them, decoded, cleaned or in any letter case.
func TestPathsThatTheHostMayReadDifferentlyAre404(t *testing.T) {
	for _, alone := range []bool{false, true} {
		server := startServer(t, alone)
		for _, target := range []string{
			// letter case of the fixed text
			"/API/configs", "/api/Configs", "/api/CONFIGS/x", "/api/configs/x/Test", "/api/Execute/x", "/api/OpenAPI.json", "/Sweep",
			// empty segments
			"//api/configs", "/api//configs", "/api/configs//x", "/api/configs//", "/api/configs//test", "/api/console//x", "//",
			// dot segments, plain and encoded
			"/api/./configs", "/api/execute/../configs", "/api/configs/..", "/api/configs/.", "/api/configs/%2e%2e", "/api/configs/%2E",
			"/api/execute/%2e%2e/configs", "/api/configs/.%2e/test", "/api/console/../configs", "/api/console/..", "/../api/configs",
			// encoded slashes and backslashes
			"/api%2fconfigs", "/api/configs%2Fx", "/api/configs/a%2Fb", "/api/configs/a%2ftest", "/api/configs/x%5ctest", "/api/configs/x%5C",
			`/api/configs/x\test`, `/api\configs`, "/api/console/a%2fb", "/api/console/%2e%2e%2fconfigs",
			// an encoded slash that net/url forgets, because something beside it is badly encoded
			`/api/configs/a%2fb"c`, `/api/configs/x%2f"`, "/api/configs/a^%2f", "/api/configs/a%2F|",
			// control characters and text that is not UTF-8
			"/api/configs/%00", "/api/configs/a%0d%0ab", "/api/configs/a%7f", "/api/configs/%09", "/api/configs/%c2%85",
			"/api/configs/%ff", "/api/configs/%c0%af", "/api/configs/\xff",
			// a trailing slash
			"/api/configs/", "/api/configs/x/", "/api/configs/x/test/", "/api/openapi.json/", "/sweep/",
			// encoded letters of the fixed text
			"/api/%63onfigs", "/%61pi/configs", "/api/configs/x/%74est", "/api/openapi%2ejson", "/api/openapi%2Ejson", "/%73weep",
			// letters that fold to ASCII ones
			"/api/con%C5%BFole", "/api/te%C5%BFt", "/api/configs/x/te%C5%BFt",
			// a fragment, raw text that needs encoding, parameters of a segment
			"/api/configs#x", `/api/configs/"`, "/api/configs/é", "/api/configs;x=y",
		} {
			for _, method := range []string{"GET", "POST", "CONNECT"} {
				got := send(t, server, method, target)
				if got.status != http.StatusNotFound || got.header.Get("x-ms-error-code") != "NotFound" {
					t.Errorf("alone %v: %s %s: got %d %s %v", alone, method, target, got.status, got.body, got.header)
				}
			}
		}
	}
}

// A request that a program made, not a server, has no request line.
func TestPathsOfRequestsWithoutARequestLine(t *testing.T) {
	for target, want := range map[string]bool{
		"/api/configs/x": true, "/api/configs/a%2fb": false, "/api/configs/a%2fb%22": false, `/api/configs/a%2fb"`: false, "/api/../x": false, "": false,
	} {
		r, err := http.NewRequest("GET", "http://localhost"+target, nil)
		if err != nil {
			t.Fatal(err)
		}
		if got := plain(r); got != want {
			t.Errorf("%s: plain is %v, want %v", target, got, want)
		}
	}
}

// A path that was rewritten on the way no longer is what the host has judged.
func TestARewrittenPathIs404(t *testing.T) {
	h := newHandler(t, everything, false)
	r := httptest.NewRequest("GET", "/api/health", nil)
	r.URL.Path = "/api/configs"
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	if w.Code != http.StatusNotFound {
		t.Errorf("got %d %s", w.Code, w.Body)
	}
}

// serveOne returns the name of the function that a request reaches, or "".
func serveOne(t testing.TB, functions []Function, method, target string) string {
	t.Helper()
	w := httptest.NewRecorder()
	newHandler(t, functions, false).ServeHTTP(w, httptest.NewRequest(method, target, nil))
	if w.Code != http.StatusOK {
		return ""
	}
	return strings.Fields(w.Body.String())[0]
}

// FuzzPath: whatever request line is accepted leads to the only function that
// a host could mean by it.
func FuzzPath(f *testing.F) {
	for _, seed := range []string{
		"/api/configs", "/api/configs/x", "/api/configs/x/test", "/api/test", "/api/execute/x", "/api/executions/1?x=/../", "/sweep",
		"/API/Configs/", "/api/%63onfigs", "/api/configs/x%2ftest", "/api//configs", "/api/execute/..%5cconfigs", "/api/console/../configs",
		"/api/console/a%2e%2e/b", "http://localhost/api/health", "http://x//api/health", "/api/configs/%25%32%65", "/api/te\u017ft",
	} {
		for _, method := range []string{"GET", "POST", "DELETE"} {
			f.Add(method, seed)
		}
	}
	h := newHandler(f, everything, false)
	f.Fuzz(func(t *testing.T, method, target string) {
		r, err := http.ReadRequest(bufio.NewReader(strings.NewReader(method + " " + target + " HTTP/1.1\r\nHost: localhost\r\n\r\n")))
		if err != nil {
			return
		}
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if !slices.Contains([]int{http.StatusOK, http.StatusNotFound, http.StatusMethodNotAllowed}, w.Code) {
			t.Fatalf("%q %q: got %d %v", method, target, w.Code, w.Header())
		}
		if w.Code != http.StatusOK {
			return
		}
		served, candidates := strings.Fields(w.Body.String())[0], hostCandidates(r.Method, r.RequestURI)
		if !slices.Equal(candidates, []string{served}) {
			t.Errorf("%q %q: served by %s, a host could mean %q", method, target, served, candidates)
		}
	})
}
