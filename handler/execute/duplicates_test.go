package execute_test

import (
	"bufio"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"callout/handler/callout"
)

// breaker is an API that resets each connection at one moment of a request, once
// it is armed. It counts what reached it.
type breaker struct {
	moment string // "before", "during" or "after" the request is written
	armed  atomic.Bool
	begun  atomic.Int64 // requests of which a byte was read
	whole  atomic.Int64 // requests that were read to their end

	listener net.Listener
	mu       sync.Mutex
	open     []net.Conn
}

func newBreaker(t *testing.T, certificate tls.Certificate, moment string) *breaker {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	b := &breaker{moment: moment, listener: listener}
	config := &tls.Config{Certificates: []tls.Certificate{certificate}}
	var served sync.WaitGroup
	served.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			b.mu.Lock()
			b.open = append(b.open, conn)
			b.mu.Unlock()
			served.Go(func() { b.serve(conn, tls.Server(conn, config)) })
		}
	})
	t.Cleanup(func() { _ = listener.Close(); b.resetAll(); served.Wait() })
	return b
}

// arm makes the API break from now on, "before" also what is open.
func (b *breaker) arm() {
	b.armed.Store(true)
	if b.moment == "before" {
		b.resetAll()
	}
}

func (b *breaker) resetAll() {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, conn := range b.open {
		reset(conn)
	}
}

// reset ends a connection without a farewell.
func reset(conn net.Conn) {
	_ = conn.(*net.TCPConn).SetLinger(0)
	_ = conn.Close()
}

func (b *breaker) serve(socket net.Conn, conn *tls.Conn) {
	defer reset(socket)
	if conn.Handshake() != nil || b.armed.Load() && b.moment == "before" {
		return
	}
	in := bufio.NewReaderSize(conn, 16)
	for {
		if _, err := in.Peek(1); err != nil {
			return
		}
		if b.armed.Load() {
			b.begun.Add(1)
			if b.moment == "during" {
				return
			}
		}
		req, err := http.ReadRequest(in)
		if err != nil {
			return
		}
		if _, err := io.Copy(io.Discard, req.Body); err != nil {
			return
		}
		if b.armed.Load() {
			b.whole.Add(1)
			return
		}
		_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Type: application/json\r\n\r\n{}")
	}
}

// A change reaches an API at most once by itself, whenever the connection breaks:
// only with an idempotencyHeader and retries is it sent again. What is not known
// to have failed is not called failed.
func TestNothingIsSentTwiceByItself(t *testing.T) {
	var n atomic.Int64
	var all sync.WaitGroup
	for _, moment := range []string{"before", "during", "after"} {
		for _, method := range []string{"GET", "POST", "PUT", "PATCH", "DELETE"} {
			all.Add(1)
			t.Run(moment+" "+method, func(t *testing.T) {
				t.Parallel()
				defer all.Done()
				h := newHouse(t, fine)
				h.waits()
				for _, c := range breaches(moment, method) {
					n.Add(1)
					c.check(t, h)
				}
			})
		}
	}
	t.Cleanup(func() { all.Wait(); t.Logf("%d combinations", n.Load()) })
}

// breaches are all ways in which a connection breaks at a moment of a method.
func breaches(moment, method string) []breach {
	var out []breach
	for _, reused := range []bool{false, true} {
		for _, header := range []string{"", "Idempotency-Key", "X-Idempotency-Key", "Request-Token"} {
			for _, retries := range []int{0, 2} {
				out = append(out, breach{moment, reused, method, header, retries})
			}
		}
	}
	return out
}

// breach is one way in which a connection breaks under a request.
type breach struct {
	moment  string
	reused  bool
	method  string
	header  string
	retries int
}

func (c breach) check(t *testing.T, h *house) {
	t.Helper()
	b := newBreaker(t, h.roots.issue(t, apiHost, time.Hour), c.moment)
	_, port, _ := strings.Cut(b.listener.Addr().String(), ":")
	h.configure(fmt.Sprintf(`"endpoint": "https://%s:%s/v1", "method": %q, "retries": %d, "idempotencyHeader": %q,
		"fields": [{"name": "text", "type": "string"}]`, apiHost, port, c.method, c.retries, c.header))
	if c.reused {
		wantEnd(t, h.call(`{}`), callout.Succeeded, "")
	}
	b.arm()
	text := "short"
	if callout.HasBody(c.method) {
		text = strings.Repeat("long", 8_000) // more than one write takes
	}
	e := h.call(fmt.Sprintf(`{"text": %q}`, text))
	h.wantRecord(e)
	c.wantCount(t, b, e)
	c.wantTruth(t, b, e)
	if t.Failed() {
		t.Fatalf("with %+v", c)
	}
}

// wantCount checks how often the request reached the API.
func (c breach) wantCount(t *testing.T, b *breaker, e *callout.Execution) {
	t.Helper()
	most := 1
	if c.method == "GET" || c.header != "" {
		most += c.retries
	}
	if c.method == "GET" && c.reused {
		most++ // net/http itself, once: the next connection is a new one
	}
	begun := int(b.begun.Load())
	if begun > most || begun > e.Attempts {
		t.Errorf("it reached the API %d times in %d attempts, want at most %d", begun, e.Attempts, most)
	}
	if c.moment != "before" && begun != most {
		t.Errorf("it reached the API %d times, want %d", begun, most)
	}
	if c.moment == "after" && int(b.whole.Load()) != most {
		t.Errorf("the API read %d whole requests, want %d", b.whole.Load(), most)
	}
}

// wantTruth checks that the outcome claims no more than is known.
func (c breach) wantTruth(t *testing.T, b *breaker, e *callout.Execution) {
	t.Helper()
	if c.method == "GET" {
		wantEnd(t, e, callout.Failed, callout.RequestFailed)
		return
	}
	if b.begun.Load() > 0 {
		wantEnd(t, e, callout.Unknown, callout.OutcomeUnknown)
	} else if e.Status == callout.Succeeded {
		t.Error("it succeeded, and nothing reached the API")
	}
	if e.Error.Retryable && e.Status == callout.Unknown {
		t.Error("an agent is told to try again")
	}
}
