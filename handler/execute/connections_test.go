package execute_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"callout/handler/callout"
	"callout/handler/egress"
	"callout/handler/execute"
)

// onWire is an API that is one function of each connection. It is closed with the
// test.
func (h *house) onWire(serve func(net.Conn, *bufio.Reader)) (origin string) {
	h.t.Helper()
	l, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{h.roots.issue(h.t, apiHost, time.Hour)}})
	if err != nil {
		h.t.Fatal(err)
	}
	var served sync.WaitGroup
	served.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			served.Go(func() { defer conn.Close(); serve(conn, bufio.NewReader(conn)) })
		}
	})
	h.t.Cleanup(func() { _ = l.Close(); h.Executor.Egress.CloseIdleConnections(); served.Wait() })
	_, port, _ := strings.Cut(l.Addr().String(), ":")
	return "https://" + apiHost + ":" + port
}

// take reads a request to its end.
func take(in *bufio.Reader) (*http.Request, bool) {
	r, err := http.ReadRequest(in)
	if err != nil {
		return nil, false
	}
	_, err = io.Copy(io.Discard, r.Body)
	return r, err == nil
}

func plain(body string) string {
	return fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
}

// An API that answers once too often, with a credential in it, answers the next
// request on that connection by that. It must not be one of another configuration,
// which would not know what to mask.
func TestAnAnswerTooManyReachesNoOtherConfiguration(t *testing.T) {
	h := newHouse(t, fine)
	connections := make(map[string]string) // the first request of each, by the local end
	var mu sync.Mutex
	origin := h.onWire(func(conn net.Conn, in *bufio.Reader) {
		for {
			r, ok := take(in)
			if !ok {
				return
			}
			mu.Lock()
			first, known := connections[conn.RemoteAddr().String()]
			if !known {
				connections[conn.RemoteAddr().String()] = r.URL.Path
			} else if first != r.URL.Path {
				t.Errorf("a request of %s came on a connection of %s", r.URL.Path, first)
			}
			mu.Unlock()
			_, _ = io.WriteString(conn, plain("{}"))
			if auth := r.Header.Get("Authorization"); auth != "" {
				_, _ = io.WriteString(conn, plain(auth))
			}
		}
	})
	h.configure(fmt.Sprintf(`"endpoint": "%s/one", "auth": {"type": "bearer", "token": "canary-token"}`, origin))
	h.configure(fmt.Sprintf(`"name": "other", "method": "POST", "endpoint": "%s/other"`, origin))
	for range 20 {
		h.call(`{}`)
		wantEnd(t, h.callOther("other"), callout.Succeeded, "")
	}
}

// However many idle connections break one after the other, net/http repeats a GET
// once: the rest are given up with the first.
func TestManyBrokenConnectionsAreOneRepetition(t *testing.T) {
	const many = 8
	h := newHouse(t, fine)
	var armed atomic.Bool
	var arrived, seen atomic.Int64
	gate := make(chan struct{})
	origin := h.onWire(func(conn net.Conn, in *bufio.Reader) {
		for {
			if _, ok := take(in); !ok {
				return
			}
			if armed.Load() {
				seen.Add(1)
				return
			}
			if arrived.Add(1) == many {
				close(gate) // now there are as many connections
			}
			<-gate
			_, _ = io.WriteString(conn, plain("{}"))
		}
	})
	h.configure(fmt.Sprintf(`"endpoint": %q`, origin))
	var all sync.WaitGroup
	for range many {
		all.Go(func() { h.call(`{}`) })
	}
	all.Wait()
	armed.Store(true)
	e := h.call(`{}`)
	wantEnd(t, e, callout.Failed, callout.RequestFailed)
	if seen.Load() != 2 || e.Attempts != 2 {
		t.Errorf("the API saw it %d times, in %d attempts", seen.Load(), e.Attempts)
	}
}

// stale is a connection that turns out to be dead before anything is written.
type stale struct {
	net.Conn
	dead *atomic.Bool
}

func (s stale) Write(p []byte) (int, error) {
	if s.dead.Load() {
		return 0, &net.OpError{Op: "write", Net: "tcp", Err: syscall.EPIPE}
	}
	return s.Conn.Write(p)
}

// A change that a dead connection took nothing of is sent on a new one, which is
// one attempt; if there is none, it has failed for certain.
func TestAConnectionThatTakesNothing(t *testing.T) {
	for _, works := range []bool{true, false} {
		h := newHouse(t, fine)
		var dead atomic.Bool
		var dials atomic.Int64
		client := egress.New(egress.Options{Resolver: h.names, RootCAs: h.roots.pool(), Policy: egress.Policy{Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}},
			Dial: func(ctx context.Context, network, address string) (net.Conn, error) {
				first := dials.Add(1) == 1
				if !first && !works {
					return nil, &net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}
				}
				conn, err := (&net.Dialer{}).DialContext(ctx, network, address)
				if first && err == nil {
					conn = stale{conn, &dead}
				}
				return conn, err
			}})
		t.Cleanup(client.CloseIdleConnections)
		h.Executor.Egress = client
		h.configure(`"method": "POST"`)
		wantEnd(t, h.call(`{}`), callout.Succeeded, "")
		dead.Store(true)
		e := h.call(`{}`)
		if works {
			wantEnd(t, e, callout.Succeeded, "")
			wantSeen(t, h.api, 2)
		} else {
			wantEnd(t, e, callout.Failed, callout.ConnectFailed)
			wantSeen(t, h.api, 1)
		}
		if e.Attempts != 1 {
			t.Errorf("works %t: %d attempts", works, e.Attempts)
		}
	}
}

// An answer that came whole and cannot be read is no reason to send again.
func TestAnUnreadableAnswerIsNotAskedForAgain(t *testing.T) {
	for _, encoding := range []string{"br", "gzip", "gzip, gzip"} {
		h := newHouse(t, says(http.StatusCreated, "", strings.Repeat("xyz", 20), "Content-Encoding", encoding))
		h.waits()
		h.configure(`"method": "POST", "retries": 5` + keyed)
		wantEnd(t, h.call(`{}`), callout.Unknown, callout.OutcomeUnknown)
		wantSeen(t, h.api, 1)
	}
}

// A body without any, and a key by which net/http would repeat it: no chunks, and
// nothing is repeated.
func TestAnEmptyBodyWithAKeyHasALength(t *testing.T) {
	for _, name := range []string{"Idempotency-Key", "X-Idempotency-Key"} {
		h := newHouse(t, func(u *upstream, w http.ResponseWriter, r *http.Request) {
			if len(r.TransferEncoding) > 0 || r.Header.Get(name) == "" {
				t.Errorf("it came in %v, with the key %q", r.TransferEncoding, r.Header.Get(name))
			}
			fine(u, w, r)
		})
		h.configure(fmt.Sprintf(`"method": "POST", "bodyFormat": "none", "idempotencyHeader": %q`, name))
		wantEnd(t, h.call(`{}`), callout.Succeeded, "")
	}
}

// JSON that is nested as deep as no reader goes is passed on as text, and can be
// read in the history.
func TestAnAnswerNestedVeryDeep(t *testing.T) {
	for _, n := range []int{900, 1001, 9998, 200_000} {
		h := newHouse(t, says(200, "application/json", strings.Repeat("[", n)+strings.Repeat("]", n)))
		h.configure(`"method": "GET"`)
		e := h.call(`{}`)
		wantEnd(t, e, callout.Succeeded, "")
		h.wantRecord(e)
		if text := e.Response.Body[0] == '"'; text != (n > 1000) {
			t.Errorf("%d levels: the body begins %.20s", n, e.Response.Body)
		}
		if len(h.history()) != 1 {
			t.Error("it is not listed")
		}
	}
}

// A secret that is JSON is found however the API spaces it.
func TestASecretThatIsJSON(t *testing.T) {
	const key = `{"type":"service_account","private_key":"canaryAAAAAAAAAAAA"}`
	for _, body := range []string{
		`{"sent": {"type": "service_account", "private_key":"canaryAAAAAAAAAAAA"}}`,
		"{\"sent\":\n{\"type\":\"service_account\",\n\"private_key\":\"canaryAAAAAAAAAAAA\"}}",
	} {
		h := newHouse(t, says(200, "application/json", body))
		h.configure(`"secretValues": {"sa": ` + encode(t, key) + `}, "method": "POST", "body": {"credentials": "{{secret.sa}}"}`)
		if e := h.call(`{}`); strings.Contains(string(e.Response.Body), "canary") {
			t.Errorf("the answer is %s", e.Response.Body)
		}
	}
}

// What a caller wants to be kept may hold a secret by mistake.
func TestASecretInTheContextIsMasked(t *testing.T) {
	h := newHouse(t, fine)
	h.configure(`"method": "POST", "auth": {"type": "bearer", "token": "canary-token"}`)
	e, err := h.Do(t.Context(), execute.Call{Config: "api", Context: map[string]string{"ticket": "T1", "why": "the token canary-token"}})
	if err != nil || e.Context["why"] != "the token [secret]" || e.Context["ticket"] != "T1" {
		t.Errorf("kept is %v, %v", e.Context, err)
	}
}
