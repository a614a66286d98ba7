package execute_test

import (
	"bytes"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	"callout/handler/egress"
)

// apiHost is the name under which the test's API is found.
const apiHost = "api.example.com"

// received is a request as it reached an API. What every request has for the
// transport's sake (Accept-Encoding, Callout-Loop, Content-Length) is left out.
type received struct {
	method, uri, body string
	header            http.Header
}

// upstream is an API on loopback. It takes down what reaches it and answers as
// the test says.
type upstream struct {
	*httptest.Server
	// over is closed when the test is, to end handlers that block.
	over chan struct{}

	mu   sync.Mutex
	seen []received
}

func newUpstream(t *testing.T, certificate tls.Certificate, answer func(*upstream, http.ResponseWriter, *http.Request)) *upstream {
	t.Helper()
	u := &upstream{over: make(chan struct{})}
	u.Server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		u.note(r)
		answer(u, w, r)
	}))
	u.TLS = &tls.Config{Certificates: []tls.Certificate{certificate}}
	u.Config.ErrorLog = quiet()
	u.StartTLS()
	t.Cleanup(func() { close(u.over); u.Close() })
	return u
}

// note takes a request down and leaves its body to be read once more.
func (u *upstream) note(r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	r.Body = io.NopCloser(bytes.NewReader(body))
	header := r.Header.Clone()
	header.Del("Accept-Encoding")
	header.Del(egress.LoopHeader)
	header.Del("Content-Length")
	u.mu.Lock()
	defer u.mu.Unlock()
	u.seen = append(u.seen, received{r.Method, r.RequestURI, string(body), header})
}

func (u *upstream) requests() []received {
	u.mu.Lock()
	defer u.mu.Unlock()
	return slices.Clone(u.seen)
}

func (u *upstream) forget() {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.seen = nil
}

func (u *upstream) last() received {
	all := u.requests()
	return all[len(all)-1]
}

// origin is the URL of the API by its name.
func (u *upstream) origin() string {
	_, port, _ := strings.Cut(u.Listener.Addr().String(), ":")
	return "https://" + apiHost + ":" + port
}

// The ways in which an API may answer.

func says(status int, contentType, body string, header ...string) func(*upstream, http.ResponseWriter, *http.Request) {
	return func(_ *upstream, w http.ResponseWriter, _ *http.Request) {
		w.Header()["Content-Type"] = nil // nothing is guessed
		if contentType != "" {
			w.Header().Set("Content-Type", contentType)
		}
		for i := 0; i < len(header); i += 2 {
			w.Header().Set(header[i], header[i+1])
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

var fine = says(http.StatusOK, "application/json", `{"id": 7}`)

// echo answers with the body that it was sent.
func echo(_ *upstream, w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	_, _ = io.Copy(w, r.Body)
}

// hangs reads the request and never answers.
func hangs(u *upstream, _ http.ResponseWriter, _ *http.Request) { <-u.over }

// hangsHalfway answers, and stops in the middle of the body.
func hangsHalfway(u *upstream, w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	_, _ = io.WriteString(w, `{"id": `)
	_ = http.NewResponseController(w).Flush()
	<-u.over
}

// hangsUp reads the request and closes the connection.
func hangsUp(_ *upstream, w http.ResponseWriter, _ *http.Request) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err == nil {
		_ = conn.Close()
	}
}

// hangsUpHalfway closes the connection in the middle of the body.
func hangsUpHalfway(_ *upstream, w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Length", "100")
	_, _ = io.WriteString(w, `{"id": `)
	_ = http.NewResponseController(w).Flush()
	panic(http.ErrAbortHandler)
}

// closedPort returns an address on loopback at which nobody listens.
func closedPort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}
