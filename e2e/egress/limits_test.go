package egress_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"callout/handler/callout"
)

// maxEscaped is maxGrowth for an answer of which JSON makes six times as much: each
// copy that is JSON, of which there may be four at a time, has 6 MiB.
const maxEscaped = 40 << 20

// Text that is all control characters is the largest answer that there can be.
func TestAnswerThatGrowsAsJSON(t *testing.T) {
	a := newAuthority(t)
	upstream := serveRaw(t, a, endless(ok("Content-Type: text/plain\r\n", ""), "\x01"))
	w := newWorldAround(t, corpusPolicy, a, upstream)
	w.put(http.StatusCreated, "escaped", doc{"endpoint": "https://api.example.com/v1"})
	var e *callout.Execution
	if grown := growth(func() { e = w.execute("escaped", `{}`) }); grown > maxEscaped {
		t.Errorf("the heap grew by %d KiB, want at most %d", grown>>10, maxEscaped>>10)
	}
	if e.Status != callout.Succeeded || !e.Response.Truncated || e.Response.Bytes != 1<<20 {
		t.Errorf("it %s with %+v", e.Status, e.Error)
	}
}

// A token endpoint gets no more than an API does.
func TestHostileTokenEndpoints(t *testing.T) {
	bomb := strings.Repeat(zipped(make([]byte, 1<<20)), 100)
	for _, test := range []struct {
		name    string
		answer  func(*wire)
		says    string
		timeout int
	}{
		{"bomb", say(sized(packed, bomb)), "too large for one with a token", 30},
		{"body without an end", endless(ok("Content-Type: application/json\r\n", `{"a": "`), "a"), "too large for one with a token", 30},
		{"headers without an end", endless("HTTP/1.1 200 OK\r\n", "X-A: b\r\n"), "too large for one with a token", 30},
		{"early hints without an end", endless("", "HTTP/1.1 103 Early Hints\r\n\r\n"), "too large for one with a token", 30},
		{"no gzip", say(sized(packed, "hello, hello")), "not valid gzip", 30},
		{"length too large", hangUp(ok("Content-Length: 6\r\n", "hello")), "ended before its body was complete", 30},
		{"two lengths", say(ok("Content-Length: 4\r\nContent-Length: 5\r\n", "hello")), "not valid HTTP", 30},
		{"another protocol", say("HTTP/1.1 101 Switching Protocols\r\n\r\n"), "switched to another protocol", 30},
		{"a redirect", say("HTTP/1.1 307 Elsewhere\r\nLocation: https://169.254.169.254/\r\nContent-Length: 0\r\n\r\n"), "redirects, which is not followed", 30},
		// The call ends in its time; the token request goes on, for others who wait.
		{"body a byte at a time", trickle(ok("", `{"access_token": "`), "a"), "was no token in time", 1},
	} {
		t.Run(test.name, func(t *testing.T) {
			a := newAuthority(t)
			upstream := serveRaw(t, a, test.answer)
			w := newWorldAround(t, corpusPolicy, a, upstream)
			members := withToken("https://auth.example.com/token")
			members["timeoutSeconds"], members["method"] = test.timeout, "POST"
			w.put(http.StatusCreated, "hostile", members)
			var e *callout.Execution
			if grown := growth(func() { e = w.execute("hostile", `{}`) }); grown > maxGrowth {
				t.Errorf("the heap grew by %d KiB, want at most %d", grown>>10, maxGrowth>>10)
			}
			w.wantFailed(e, callout.TokenRequestFailed)
			if !strings.Contains(e.Error.Message, test.says) {
				t.Errorf("it says %q, want %q in it", e.Error.Message, test.says)
			}
			w.wantLookedUp("auth.example.com")
		})
	}
}

// wantLookedUp demands that nothing else was looked up than these names.
func (w *world) wantLookedUp(names ...string) {
	w.t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	if fmt.Sprint(w.lookups) != fmt.Sprint(names) {
		w.t.Errorf("looked up %q, want %q", w.lookups, names)
	}
}

// An upstream that does not read what it is sent holds a call up for its time, and
// no longer.
func TestUpstreamThatDoesNotRead(t *testing.T) {
	a, over := newAuthority(t), make(chan struct{})
	upstream := serveRaw(t, a, func(w *wire) {
		_, _ = w.in.ReadByte()
		<-over
	})
	w := newWorldAround(t, corpusPolicy, a, upstream)
	w.sendBuffer = 4 << 10
	w.put(http.StatusCreated, "deaf", doc{"endpoint": "https://api.example.com/v1", "method": "POST", "timeoutSeconds": 1,
		"fields": []doc{{"name": "text", "type": "string"}}})
	defer close(over)
	e := w.execute("deaf", argument("text", strings.Repeat("a", 200<<10)))
	if e.Status != callout.Unknown || e.Error.Code != callout.OutcomeUnknown {
		t.Errorf("it %s with %+v, want it unknown: its beginning has arrived", e.Status, e.Error)
	}
}
