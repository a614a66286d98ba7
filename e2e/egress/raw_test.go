package egress_test

import (
	"bufio"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"
)

// serveTCP starts a server that hands each connection to do. A connection stays
// open until do closes it or the client does: one that the client keeps fails the
// test.
func serveTCP(t *testing.T, do func(net.Conn)) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &rawServer{do: do}
	t.Cleanup(func() { _ = listener.Close(); s.wantEnd(t) })
	s.running.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			s.running.Go(func() { s.serve(conn) })
		}
	})
	return listener.Addr().String()
}

type rawServer struct {
	do      func(net.Conn)
	running sync.WaitGroup
	mu      sync.Mutex
	open    []net.Conn
}

func (s *rawServer) serve(conn net.Conn) {
	defer conn.Close()
	s.mu.Lock()
	s.open = append(s.open, conn)
	s.mu.Unlock()
	s.do(conn)
	_, _ = io.Copy(io.Discard, conn)
}

// wantEnd demands that all connections have ended by themselves.
func (s *rawServer) wantEnd(t *testing.T) {
	ended := make(chan struct{})
	go func() { s.running.Wait(); close(ended) }()
	select {
	case <-ended:
	case <-time.After(patience):
		t.Error("the client keeps a connection")
		s.mu.Lock()
		defer s.mu.Unlock()
		for _, conn := range s.open {
			_ = conn.Close()
		}
	}
}

// patience is how long a test waits for what is to come at once.
const patience = 20 * time.Second

// wire is a connection of an upstream that speaks TLS, and decides on every byte
// that it says in it.
type wire struct {
	*tls.Conn
	in *bufio.Reader
}

// serveRaw is serveTCP for a server with a certificate of the authority.
func serveRaw(t *testing.T, a *authority, do func(*wire)) string {
	t.Helper()
	config := a.config()
	return serveTCP(t, func(conn net.Conn) {
		secured := tls.Server(conn, config)
		if secured.Handshake() == nil {
			w := &wire{Conn: secured, in: bufio.NewReader(secured)}
			do(w)
			_, _ = io.Copy(io.Discard, w.in)
		}
		_ = secured.Close()
	})
}

// request reads a request to its end.
func (w *wire) request() bool {
	r, err := http.ReadRequest(w.in)
	if err != nil {
		return false
	}
	_, err = io.Copy(io.Discard, r.Body)
	return err == nil
}

// say answers each request with the text and waits for the next.
func say(text string) func(*wire) {
	return func(w *wire) {
		for w.request() {
			_, _ = io.WriteString(w, text)
		}
	}
}

// hangUp answers with the text and closes the connection.
func hangUp(text string) func(*wire) {
	return func(w *wire) {
		if w.request() {
			_, _ = io.WriteString(w, text)
			_ = w.Close()
		}
	}
}

// endless answers with the text, and after it with more, again and again, until
// nobody listens any more.
func endless(text, more string) func(*wire) {
	return func(w *wire) {
		if !w.request() {
			return
		}
		_, err := io.WriteString(w, text)
		block := []byte(more)
		if len(block) > 0 && len(block) < 16<<10 {
			block = []byte(strings.Repeat(more, 16<<10/len(block)))
		}
		for err == nil {
			_, err = w.Write(block)
		}
	}
}

// trickle answers with the text, and after it with more, one byte at a time.
func trickle(text, more string) func(*wire) {
	return func(w *wire) {
		if !w.request() {
			return
		}
		tick := time.NewTicker(2 * time.Millisecond)
		defer tick.Stop()
		_, err := io.WriteString(w, text)
		for i := 0; err == nil; i++ {
			<-tick.C
			_, err = w.Write([]byte{more[i%len(more)]})
		}
	}
}
