package e2e

import (
	"bufio"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// TestAConfigurationThatLeadsBack would call itself without end.
func TestAConfigurationThatLeadsBack(t *testing.T) {
	c := startCallout(t, t.TempDir())
	for name, path := range map[string]string{"itself": "/api/execute/itself", "operator": "/api/test"} {
		c.call(t, 201, "POST", "/api/configs", fmt.Sprintf(`{"name": %q, "endpoint": %q, "method": "POST", "approval": "none"}`, name, c.base+path))
		c.call(t, 200, "POST", "/api/execute/"+name, `{}`).mustHold(t, `"status":"failed"`, "LoopDetected")
	}
	var all struct{ Value []any }
	c.call(t, 200, "GET", "/api/executions", "").decode(t, &all)
	if len(all.Value) != 2 {
		t.Errorf("%d calls for two", len(all.Value))
	}
}

// hangUp answers the first request of each connection and hangs up on the second
// when it has read it. It counts what it read.
func hangUp(t *testing.T) (address string, count *atomic.Int64) {
	t.Helper()
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	count = &atomic.Int64{}
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				r := bufio.NewReader(conn)
				for i := range 2 {
					req, err := http.ReadRequest(r)
					if err != nil {
						return
					}
					_, _ = req.Body.Read(make([]byte, 4096)) // small, and here already
					count.Add(1)
					if i == 0 {
						fmt.Fprint(conn, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
					}
				}
			}()
		}
	}()
	return "http://" + l.Addr().String(), count
}

// TestAChangeIsNotSentTwice: net/http sends a request again by itself when a
// reused connection breaks and the request has an idempotency key.
func TestAChangeIsNotSentTwice(t *testing.T) {
	c := startCallout(t, t.TempDir())
	for _, header := range []string{"", "Idempotency-Key", "X-Idempotency-Key"} {
		for _, method := range []string{"POST", "PUT", "PATCH", "DELETE"} {
			address, count := hangUp(t)
			name := "c" + strings.ToLower(method+strings.ReplaceAll(header, "-", ""))
			headers := ""
			if header != "" {
				headers = fmt.Sprintf(`, "headers": [{"name": %q, "value": "key-of-the-test", "secret": false}]`, header)
			}
			c.call(t, 201, "POST", "/api/configs", fmt.Sprintf(`{"name": %q, "endpoint": %q, "method": %q, "approval": "none"%s}`, name, address, method, headers))
			c.call(t, 200, "POST", "/api/execute/"+name, `{}`).mustHold(t, `"status":"succeeded"`)
			c.call(t, 200, "POST", "/api/execute/"+name, `{}`).mustHold(t, `"status":"unknown"`, "OutcomeUnknown")
			if got := count.Load(); got != 2 {
				t.Errorf("%s with %q: 2 calls were sent %d times", method, header, got)
			}
		}
	}
}

// TestAnAnswerThatNobodyExpects is logged by net/http with the bytes of the
// answer, which may echo the credential.
func TestAnAnswerThatNobodyExpects(t *testing.T) {
	upstream := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			return
		}
		said := r.Header.Get("Authorization")
		fmt.Fprintf(conn, "HTTP/1.1 204 No Content\r\n\r\n%s", said) // a body that must not be
		time.AfterFunc(time.Second, func() { _ = conn.Close() })
	}))
	t.Cleanup(upstream.Close)
	c := startCallout(t, t.TempDir())
	c.call(t, 201, "POST", "/api/configs", fmt.Sprintf(`{"name": "echo", "endpoint": %q, "method": "GET", "approval": "none",
		"auth": {"type": "bearer", "token": "canary-bearer-1a2b3c"}}`, upstream.URL))
	c.call(t, 200, "POST", "/api/execute/echo", `{}`)
	c.call(t, 200, "POST", "/api/execute/echo", `{}`)
	if err := c.stop(t); err != nil {
		t.Error(err)
	}
	if printed := c.out.String(); strings.Contains(printed, "canary") || strings.Contains(printed, "Unsolicited") {
		t.Errorf("it printed %s", printed)
	}
}
