package egress

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"strings"
	"testing"
	"time"

	"callout/handler/callout"
)

func TestRequestArrivesAsItWasGiven(t *testing.T) {
	seen := make(chan *http.Request, 1)
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		r.Body = io.NopCloser(strings.NewReader(string(body)))
		seen <- r
		_, _ = io.WriteString(w, "done")
	})
	c := newClient(t, Options{Policy: onLoopback})
	req, _ := http.NewRequest(http.MethodPost, s.URL+"/v1/a%2Fb?q=a%20b", strings.NewReader("hello"))
	req.Header.Set("X-Request-Id", "7")
	req.Header.Set("Accept-Encoding", "br")
	req.Host = "somewhere.else"
	resp, err := c.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	body, err := ReadBody(resp, 100)
	if err != nil || string(body.Data) != "done" {
		t.Errorf("got %q, %v", body.Data, err)
	}
	r := <-seen
	sent, _ := io.ReadAll(r.Body)
	if r.Method != "POST" || r.RequestURI != "/v1/a%2Fb?q=a%20b" || string(sent) != "hello" || r.Header.Get("X-Request-Id") != "7" {
		t.Errorf("arrived as %s %s %q %v", r.Method, r.RequestURI, sent, r.Header)
	}
	if r.Host != mustURL(t, s.URL).Host {
		t.Errorf("host is %s, want that of the URL", r.Host)
	}
	if got := r.Header.Values("Accept-Encoding"); len(got) != 1 || got[0] != "gzip" {
		t.Errorf("Accept-Encoding is %q, want gzip", got)
	}
	if req.Header.Get("Accept-Encoding") != "br" || resp.Request != req {
		t.Error("the caller's request was changed or replaced")
	}
}

// What a client is asked to send is checked again, however it was put together.
func TestRoundTripChecksTheURL(t *testing.T) {
	base := func() *http.Request {
		req, _ := http.NewRequest(http.MethodGet, "https://api.example.com/", nil)
		return req
	}
	for name, change := range map[string]func(*http.Request){
		"no URL":       func(r *http.Request) { r.URL = nil },
		"opaque":       func(r *http.Request) { r.URL.Opaque = "//169.254.169.254/" },
		"plain http":   func(r *http.Request) { r.URL.Scheme = "http" },
		"other scheme": func(r *http.Request) { r.URL.Scheme = "file" },
		"address":      func(r *http.Request) { r.URL.Host = "127.0.0.1" },
		"two hosts":    func(r *http.Request) { r.URL.Host = "127.0.0.1/@api.example.com" },
		"fragment":     func(r *http.Request) { r.URL.Fragment = "a" },
	} {
		t.Run(name, func(t *testing.T) {
			dialled, closed := &dials{}, make(closedBody, 1)
			c := newClient(t, Options{Dial: dialled.dial})
			req := base()
			req.Body = closed
			change(req)
			_, err := c.RoundTrip(req)
			failure{code: callout.DestinationNotAllowed, stage: callout.StagePolicy}.check(t, err)
			if dialled.list() != "" || len(closed) != 1 {
				t.Errorf("dialled %q, body closed %d times", dialled.list(), len(closed))
			}
		})
	}
}

// closedBody is an empty body that takes down that it was closed.
type closedBody chan struct{}

func (closedBody) Read([]byte) (int, error) { return 0, io.EOF }
func (c closedBody) Close() error           { c <- struct{}{}; return nil }

func TestRequestWithoutHeaders(t *testing.T) {
	s := serve(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) })
	c := newClient(t, Options{Policy: onLoopback})
	resp, err := c.RoundTrip(&http.Request{URL: mustURL(t, s.URL)})
	if err != nil || resp.StatusCode != http.StatusNoContent {
		t.Fatalf("got %v, %v", resp, err)
	}
}

func TestRedirectIsReturned(t *testing.T) {
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/" {
			t.Error("the redirect was followed")
		}
		http.Redirect(w, r, "/elsewhere", http.StatusTemporaryRedirect)
	})
	resp, err := get(t, newClient(t, Options{Policy: onLoopback}), context.Background(), s.URL+"/")
	if err != nil || resp.StatusCode != http.StatusTemporaryRedirect || resp.Header.Get("Location") != "/elsewhere" {
		t.Fatalf("got %v, %v", resp, err)
	}
}

func TestEnvironmentProxyIsIgnored(t *testing.T) {
	proxy := listen(t, func(*net.TCPConn) { t.Error("the proxy was called") })
	for _, name := range []string{"HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy", "ALL_PROXY"} {
		t.Setenv(name, "http://"+proxy)
	}
	s := serve(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) })
	u := mustURL(t, s.URL)
	u.Host = "api.example.com:" + u.Port() // net/http never uses a proxy for loopback
	c := newClient(t, Options{Policy: onLoopback, Resolver: names{"api.example.com": {addresses("127.0.0.1")}}})
	resp, err := get(t, c, context.Background(), u.String())
	if err != nil || resp.StatusCode != http.StatusNoContent {
		t.Fatalf("got %v, %v", resp, err)
	}
	for scheme, lane := range c.lanes {
		if lane.of(context.Background()).Proxy != nil {
			t.Errorf("%s has a proxy", scheme)
		}
	}
}

func TestClientChecksURLs(t *testing.T) {
	c := New(Options{Policy: Policy{Ports: []uint16{8443}}})
	if u, err := c.CheckURL("https://api.example.com:8443/"); err != nil || u.Port() != "8443" {
		t.Errorf("got %v, %v", u, err)
	}
	_, err := c.CheckURL("https://api.example.com/")
	failure{callout.DestinationNotAllowed, callout.StagePolicy, false, "port"}.check(t, err)
}

func TestBrokenServers(t *testing.T) {
	big := strings.Repeat("a", MaxHeaderBytes)
	for _, test := range []struct {
		name   string
		server func(*net.TCPConn)
		want   failure
	}{
		{"closes after the request", answer(""),
			failure{callout.RequestFailed, callout.StageResponse, true, "closed the connection before it answered"}},
		{"resets after the request", func(conn *net.TCPConn) { answer("")(conn); reset(conn) },
			failure{callout.RequestFailed, callout.StageResponse, true, "closed the connection before it answered"}},
		{"speaks something else", answer("220 smtp.example.com ESMTP\r\n\r\n"),
			failure{callout.InvalidResponse, callout.StageResponse, true, "not valid HTTP"}},
		{"has a header without a colon", answer("HTTP/1.1 200 OK\r\nnonsense\r\n\r\n"),
			failure{callout.InvalidResponse, callout.StageResponse, true, "not valid HTTP"}},
		{"has two lengths", answer("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\na"),
			failure{callout.InvalidResponse, callout.StageResponse, true, "not valid HTTP"}},
		{"sends too many headers", answer("HTTP/1.1 200 OK\r\nX-Big: " + big + "\r\n\r\n"),
			failure{callout.ResponseTooLarge, callout.StageResponse, true, "larger than 64 KiB"}},
		{"switches protocols", answer("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n"),
			failure{callout.InvalidResponse, callout.StageResponse, true, "switched to another protocol"}},
		{"has a status of nothing", answer("HTTP/1.1 000 What\r\nContent-Length: 0\r\n\r\n"),
			failure{callout.InvalidResponse, callout.StageResponse, true, "a status that HTTP does not know"}},
		{"has a status below the first", answer("HTTP/1.1 099 What\r\nContent-Length: 0\r\n\r\n"),
			failure{callout.InvalidResponse, callout.StageResponse, true, "a status that HTTP does not know"}},
		{"hints early without an end", func(conn *net.TCPConn) {
			var err error
			for answer("")(conn); err == nil; {
				_, err = io.WriteString(conn, "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n")
			}
		}, failure{callout.ResponseTooLarge, callout.StageResponse, true, "larger than 64 KiB"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := get(t, newClient(t, Options{Policy: onLoopback}), context.Background(), "http://"+listen(t, test.server)+"/")
			test.want.check(t, err)
		})
	}
}

func TestHeadersWithinTheLimit(t *testing.T) {
	big := strings.Repeat("a", MaxHeaderBytes/2)
	address := listen(t, answer("HTTP/1.1 204 No Content\r\nX-Big: "+big+"\r\n\r\n"))
	resp, err := get(t, newClient(t, Options{Policy: onLoopback}), context.Background(), "http://"+address+"/")
	if err != nil || resp.Header.Get("X-Big") != big {
		t.Fatalf("32 KiB of headers: %v", err)
	}
}

func TestRefusedConnection(t *testing.T) {
	_, err := get(t, newClient(t, Options{Policy: onLoopback}), context.Background(), "http://"+closedPort(t)+"/")
	failure{callout.ConnectFailed, callout.StageTCP, false, "refused the connection"}.check(t, err)
}

// silent starts a server that takes requests and never answers.
func silent(t *testing.T) string {
	return "http://" + listen(t, func(conn *net.TCPConn) { _, _ = io.Copy(io.Discard, conn) }) + "/"
}

func TestSilentServer(t *testing.T) {
	address, c := silent(t), newClient(t, Options{Policy: onLoopback})

	late := newHourglass()
	_, err := get(t, c, onceWritten(late, func() { close(late.out) }), address)
	failure{callout.TimedOut, callout.StageResponse, true, "within its time limit"}.check(t, err)

	cancelled, cancel := context.WithCancel(context.Background())
	_, err = get(t, c, onceWritten(cancelled, cancel), address)
	failure{callout.TimedOut, callout.StageResponse, true, "The caller went away"}.check(t, err)
}

// From the moment that a connection has the request, it may have been sent: the
// headers may be written while the time-out is being reported.
func TestTimeoutBeforeHeadersAreKnownToBeWritten(t *testing.T) {
	late := newHourglass()
	ctx := httptrace.WithClientTrace(late, &httptrace.ClientTrace{
		GotConn: func(httptrace.GotConnInfo) { close(late.out) },
	})
	_, err := get(t, newClient(t, Options{Policy: onLoopback}), ctx, silent(t))
	var e *Error
	if !errors.As(err, &e) || e.Code != callout.TimedOut || !e.Sent {
		t.Errorf("got %#v, want it timed out and perhaps sent", err)
	}
}

// A dial that lost against a connection which became free goes on in the
// background and must not set the request back.
func TestLateDialChangesNoStage(t *testing.T) {
	p := &progress{}
	ctx := p.watching(context.Background())
	at(ctx, callout.StageTCP)
	if stage, _, _ := p.now(); stage != callout.StageTCP {
		t.Errorf("while dialling: %s", stage)
	}
	httptrace.ContextClientTrace(ctx).GotConn(httptrace.GotConnInfo{})
	at(ctx, callout.StageTLS)
	if stage, _, _ := p.now(); stage != callout.StageRequest {
		t.Errorf("with a connection: %s", stage)
	}
}

func TestContextThatIsOverBeforehand(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_, err := get(t, newClient(t, Options{Policy: onLoopback}), ctx, "http://"+closedPort(t)+"/")
	failure{callout.TimedOut, callout.StageDNS, false, "The caller went away"}.check(t, err)
}

// A cause that the caller gave its context must not change what is said of it.
func TestContextWithACause(t *testing.T) {
	ctx, cancel := context.WithCancelCause(context.Background())
	written := onceWritten(ctx, func() { cancel(errors.New("s3cr3t-value")) })
	_, err := get(t, newClient(t, Options{Policy: onLoopback}), written, silent(t))
	failure{callout.TimedOut, callout.StageResponse, true, "The caller went away"}.check(t, err)
}

// A connection that is open already is used again and reported as such.
func TestConnectionIsReused(t *testing.T) {
	s := serve(t, func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, r.RemoteAddr) })
	c := newClient(t, Options{Policy: onLoopback})
	var from [2]string
	for i := range from {
		resp, err := get(t, c, context.Background(), s.URL)
		if err != nil {
			t.Fatal(err)
		}
		body, err := ReadBody(resp, 100)
		if err != nil {
			t.Fatal(err)
		}
		from[i] = string(body.Data)
	}
	if from[0] != from[1] {
		t.Errorf("came from %s and %s", from[0], from[1])
	}
}

// A server that speaks HTTP/2 as well is called in HTTP/1.1, and one that speaks
// nothing else is not called.
func TestHTTP2IsNotSpoken(t *testing.T) {
	ca := newAuthority(t)
	config := &tls.Config{Certificates: []tls.Certificate{ca.issue(t, "127.0.0.1", time.Hour)}}
	s := serveTLS(t, config.Clone(), func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(http.StatusNoContent) })
	c := newClient(t, Options{Policy: onLoopback, RootCAs: ca.pool()})
	resp, err := get(t, c, context.Background(), s.URL)
	if err != nil || resp.ProtoMajor != 1 || resp.StatusCode != http.StatusNoContent {
		t.Fatalf("got %v, %v, want HTTP/1.1", resp, err)
	}
	config.NextProtos = []string{"imap"} // with h2, crypto/tls would fall back to HTTP/1.1
	only := listen(t, func(conn *net.TCPConn) { _ = tls.Server(conn, config).Handshake() })
	_, err = get(t, c, context.Background(), "https://"+only)
	failure{callout.TLSFailed, callout.StageTLS, false, "does not speak HTTP/1.1"}.check(t, err)
}
