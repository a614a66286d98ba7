package fakehost

import (
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"
)

// header looks at one header as the handler got it, its lines joined by " | ".
func header(name string) func(received) string {
	return func(r received) string { return strings.Join(r.Header.Values(name), " | ") }
}

func uri(r received) string  { return r.URI }
func body(r received) string { return r.Body }
func host(r received) string { return r.Host }

const anID = `[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}`

// TestModes is the table of the contract. What is wanted is a regular
// expression, and HANDLER stands for the handler's own address.
func TestModes(t *testing.T) {
	const get, post = "GET /api/echo HTTP/1.1", "POST /api/echo HTTP/1.1"
	tests := []struct {
		rule, send           string
		look                 func(received) string
		forwarding, proxying string
	}{
		{"path with the prefix", "GET /api/echo/a/b HTTP/1.1", uri, "/api/echo/a/b", "/api/echo/a/b"},
		{"path in its own case", "GET /api/echo/A%20B/ HTTP/1.1", uri, "/api/echo/A%20B/", "/api/echo/A%20B/"},
		{"query", "GET /api/echo?b=2&a=1 HTTP/1.1", uri, `/api/echo\?b=2&a=1`, `/api/echo\?b=2&a=1`},
		{"repeated query keys", "GET /api/echo?a=1&b=x&a=2 HTTP/1.1", uri, `/api/echo\?a=1%2C2&b=x`, `/api/echo\?a=1&b=x&a=2`},
		{"odd query", "GET /api/echo?flag&c=a+b;d HTTP/1.1", uri, `/api/echo\?flag=&c=a%20b%3Bd`, `/api/echo\?flag&c=a\+b;d`},
		{"body of known length", post + "\nContent-Length: 5\n\nhello", body, "hello", "hello"},
		{"chunked body", post + "\nTransfer-Encoding: chunked\n\n5\r\nhello\r\n0\r\n\r\n", body, "", "hello"},
		{"length of a chunked body", post + "\nTransfer-Encoding: chunked\n\n5\r\nhello\r\n0\r\n\r\n", length, "0", "-1"},
		{"Content-Type with a body", post + "\nContent-Type: a/b\nContent-Length: 2\n\n{}", header("Content-Type"), "a/b", "a/b"},
		{"Content-Type without a body", get + "\nContent-Type: a/b", header("Content-Type"), "", "a/b"},
		{"other headers of content", post + "\nContent-Encoding: gzip\nContent-Length: 2\n\n{}", header("Content-Encoding"), "", "gzip"},
		{"a header of any name", get + "\nX-Any: 1\nX-Any: 2", header("X-Any"), `1 \| 2`, `1 \| 2`},
		{"hop-by-hop headers", get + "\nKeep-Alive: timeout=5", header("Keep-Alive"), "timeout=5", ""},
		{"credentials for a proxy", get + "\nProxy-Authorization: Basic eA==", header("Proxy-Authorization"), "Basic eA==", ""},
		{"headers that Connection names", get + "\nConnection: x-named\nX-Named: 1", header("X-Named"), "1", "1"},
		{"Host", get + "\nHost: callout.example", host, `callout\.example`, "HANDLER"},
		{"X-Forwarded-Host", get + "\nX-Forwarded-Host: forged", header("X-Forwarded-Host"), "forged", `callout\.example`},
		{"X-Forwarded-For", get + "\nX-Forwarded-For: 6.6.6.6", header("X-Forwarded-For"), `6\.6\.6\.6`, `127\.0\.0\.1`},
		{"X-Forwarded-Proto", get + "\nX-Forwarded-Proto: https", header("X-Forwarded-Proto"), "https", "http"},
		{"X-Forwarded-Prefix", get + "\nX-Forwarded-Prefix: /x", header("X-Forwarded-Prefix"), "/x", ""},
		{"Forwarded", get + "\nForwarded: for=6.6.6.6", header("Forwarded"), `for=6\.6\.6\.6`, `for=6\.6\.6\.6`},
		{"X-Forwarded-For without the client's", get, header("X-Forwarded-For"), "", `127\.0\.0\.1`},
		{"InvocationId", get, header(invocationIDHeader), anID, anID},
		{"InvocationId of the client", get + "\nx-azure-functions-invocationid: mine", header(invocationIDHeader), "mine, " + anID, anID},
		{"version of the host", get, header(hostVersionHeader), `4\.\d+\.0`, `4\.\d+\.0`},
		{"User-Agent", get + "\nUser-Agent: curl/8", header("User-Agent"), `curl/8 Azure-Functions-Host/4\.\d+\.0`, "curl/8"},
		{"no User-Agent", get, header("User-Agent"), `Azure-Functions-Host/4\.\d+\.0`, ""},
		{"no compression is asked for", get, header("Accept-Encoding"), "", ""},
		{"a client's claim to be signed in", get + "\nX-MS-CLIENT-PRINCIPAL: forged", header("X-MS-CLIENT-PRINCIPAL"), "forged", "forged"},
		{"an escaped slash", "GET /api/echo/a%2Fb HTTP/1.1", uri, "/api/echo/a%2Fb", "/api/echo/a%252Fb"},
		{"an escaped backslash", "GET /api/echo/a%5Cb HTTP/1.1", uri, "/api/echo/a/b", "/api/echo/a%5Cb"},
	}
	for _, mode := range []Mode{Forwarding, Proxying} {
		h := start(t, "echo", everything(), Options{Mode: mode})
		for _, test := range tests {
			t.Run(mode.String()+"/"+test.rule, func(t *testing.T) {
				want := test.forwarding
				if mode == Proxying {
					want = test.proxying
				}
				want = strings.ReplaceAll(want, "HANDLER", regexp.QuoteMeta(h.app.program.address()))
				request := test.send
				if !strings.Contains(request, "\n\n") {
					request += "\n\n"
				}
				if got := test.look(ask(t, h, request)); !regexp.MustCompile("^(" + want + ")$").MatchString(got) {
					t.Errorf("got %q, want %s", got, want)
				}
			})
		}
	}
}

func length(r received) string { return fmt.Sprint(r.Length) }

func TestEachInvocationHasItsID(t *testing.T) {
	h := start(t, "echo", everything(), Options{})
	id := header(invocationIDHeader)
	if first, second := id(ask(t, h, "GET /api/echo HTTP/1.1\n\n")), id(ask(t, h, "GET /api/echo HTTP/1.1\n\n")); first == second {
		t.Errorf("twice %s", first)
	}
}

// Over a connection that is kept Go sends a request again, and forwarding must not.
func TestForwardingConnectsAnew(t *testing.T) {
	for mode, isKept := range map[Mode]bool{Forwarding: false, Proxying: true} {
		h := start(t, "echo", everything(), Options{Mode: mode})
		first, second := ask(t, h, "GET /api/echo HTTP/1.1\n\n"), ask(t, h, "GET /api/echo HTTP/1.1\n\n")
		if (first.From == second.From) != isKept {
			t.Errorf("%v: from %s, then from %s", mode, first.From, second.From)
		}
	}
}

func TestResponsesPassThrough(t *testing.T) {
	for _, mode := range []Mode{Forwarding, Proxying} {
		t.Run(mode.String(), func(t *testing.T) {
			h := start(t, "echo", everything(), Options{Mode: mode})
			for _, status := range []int{200, 202, 204, 302, 304, 401, 404, 500, 503} {
				response, _ := send(t, h, fmt.Sprintf("GET /api/echo HTTP/1.1\nX-Status: %d\n\n", status))
				if response.StatusCode != status || response.Header.Get("X-Answer") != "yes" || response.Header.Get("Keep-Alive") != "" {
					t.Errorf("sent %d, got %d %v", status, response.StatusCode, response.Header)
				}
			}
			if response, body := send(t, h, "HEAD /api/echo HTTP/1.1\n\n"); response.StatusCode != 200 || body != "" {
				t.Errorf("HEAD: %d %q", response.StatusCode, body)
			}
		})
	}
}

func TestForwardingBuffersTheResponse(t *testing.T) {
	lines := newLineFeed()
	h := start(t, "echo", everything(), Options{Mode: Forwarding, OnLine: lines.onLine})
	answered := make(chan *http.Response, 1)
	go func() {
		response, err := exchange(deadline(t), h, "GET /api/stream HTTP/1.1\n\n")
		if err != nil {
			t.Error(err)
		}
		answered <- response
	}()
	lines.next(t, "first line sent")
	select {
	case <-answered:
		t.Error("the answer came before its end")
	default:
	}
	statusOf(t, h, "GET /api/release HTTP/1.1\n\n")
	// Only who has the whole body knows its length.
	if response := <-answered; response == nil || response.ContentLength != int64(len("first\nsecond\n")) {
		t.Errorf("got %+v", response)
	}
}

func TestProxyingStreamsTheResponse(t *testing.T) {
	for path, length := range map[string]int64{"/api/stream": -1, "/api/stream?length=13": 13} {
		h := start(t, "echo", everything(), Options{Mode: Proxying})
		response, err := exchange(deadline(t), h, "GET "+path+" HTTP/1.1\n\n")
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		first := make([]byte, len("first\n"))
		if _, err := io.ReadFull(response.Body, first); err != nil || string(first) != "first\n" {
			t.Fatalf("%s: got %q, %v", path, first, err)
		}
		statusOf(t, h, "GET /api/release HTTP/1.1\n\n")
		rest, err := io.ReadAll(response.Body)
		if err != nil || string(rest) != "second\n" || response.ContentLength != length {
			t.Errorf("%s: then %q, %v, length %d", path, rest, err, response.ContentLength)
		}
	}
}

func TestProxyingStreamsTheRequest(t *testing.T) {
	lines := newLineFeed()
	h := start(t, "echo", everything(), Options{Mode: Proxying, OnLine: lines.onLine})
	reader, writer := io.Pipe()
	request, err := http.NewRequestWithContext(deadline(t), "POST", h.URL()+"/api/upload", reader)
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() {
		response, err := http.DefaultTransport.RoundTrip(request)
		if err == nil {
			err = response.Body.Close()
		}
		done <- err
	}()
	for _, part := range []string{"one", "two"} {
		if _, err := io.WriteString(writer, part+"\n"); err != nil {
			t.Fatal(err)
		}
		lines.next(t, "read "+part)
	}
	_ = writer.Close()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func TestAHandlerThatDiesMeanwhile(t *testing.T) {
	tests := []struct {
		rule, request string
		mode          Mode
		status, asked int
	}{
		{"forwarding never asks twice", "GET /api/once HTTP/1.1\n\n", Forwarding, 502, 1},
		{"proxying asks again without a body", "GET /api/once HTTP/1.1\n\n", Proxying, 200, 2},
		{"whatever the method", "DELETE /api/once HTTP/1.1\n\n", Proxying, 200, 2},
		{"POST too, if its body is empty", "POST /api/once HTTP/1.1\nContent-Length: 0\n\n", Proxying, 200, 2},
		{"proxying never asks twice with a body", "POST /api/once HTTP/1.1\nContent-Length: 2\n\n{}", Proxying, 502, 1},
		{"nor with a chunked one", "POST /api/once HTTP/1.1\nTransfer-Encoding: chunked\n\n2\r\n{}\r\n0\r\n\r\n", Proxying, 502, 1},
	}
	for _, test := range tests {
		t.Run(test.rule, func(t *testing.T) {
			restarted := make(chan struct{})
			h := start(t, "echo", everything(), Options{Mode: test.mode, backoff: waitFor(restarted)})
			go func() {
				defer close(restarted)
				_, _ = h.Await(deadline(t), func(s Status) bool { return s.Restarts == 1 && s.State == Ready })
			}()
			if got := statusOf(t, h, test.request); got != test.status {
				t.Errorf("got %d, want %d", got, test.status)
			}
			<-restarted
			if got := count(h.Logs(), "asked once"); got != test.asked {
				t.Errorf("the handler was asked %d times, want %d", got, test.asked)
			}
		})
	}
}
