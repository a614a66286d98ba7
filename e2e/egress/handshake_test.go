package egress_test

import (
	"bufio"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"callout/handler/callout"
)

// What is no TLS, or none that is wanted. A call ends before anything of it has
// left, so that one of any method has failed for certain.
func TestHostileHandshakes(t *testing.T) {
	a := newAuthority(t)
	said := func(text string) func(net.Conn) {
		return func(conn net.Conn) { _, _ = io.WriteString(conn, text) }
	}
	speaks := func(change func(*tls.Config)) func(net.Conn) {
		config := a.config()
		change(config)
		return func(conn net.Conn) { _ = tls.Server(conn, config).Handshake() }
	}
	for _, test := range []struct {
		name   string
		answer func(net.Conn)
		code   callout.Code
		says   string
	}{
		{"silence", said(""), callout.TimedOut, "not finished within its time limit"},
		{"half of a record", said("\x16\x03\x03\x40\x00\x02"), callout.TimedOut, "not finished within its time limit"},
		{"plain HTTP", said(sized("", "hello")), callout.TLSFailed, "did not answer in TLS"},
		{"noise", said(string(noise(1000))), callout.TLSFailed, "did not answer in TLS"},
		{"records without an end", func(conn net.Conn) {
			var err error
			for record := []byte("\x16\x03\x03\x40\x00\x02\xff\xff\xff" + strings.Repeat("a", 1<<14-4)); err == nil; {
				_, err = conn.Write(record)
			}
		}, callout.TLSFailed, "TLS handshake"},
		{"end at once", func(conn net.Conn) { _ = conn.Close() }, callout.TLSFailed, "closed the connection during the TLS handshake"},
		{"another protocol only", speaks(func(c *tls.Config) { c.NextProtos = []string{"imap"} }), callout.TLSFailed, "does not speak HTTP/1.1"},
		{"TLS 1.1 only", speaks(func(c *tls.Config) { c.MinVersion, c.MaxVersion = tls.VersionTLS11, tls.VersionTLS11 }), callout.TLSFailed, "no TLS version that is still safe"},
	} {
		t.Run(test.name, func(t *testing.T) {
			upstream := serveTCP(t, test.answer)
			w := newWorldAround(t, corpusPolicy, a, upstream)
			timeout := 30
			if test.code == callout.TimedOut {
				timeout = 1
			}
			w.put(http.StatusCreated, "hostile", doc{"endpoint": "https://api.example.com/v1", "method": "POST", "timeoutSeconds": timeout})
			var e *callout.Execution
			if grown := growth(func() { e = w.execute("hostile", `{}`) }); grown > maxGrowth {
				t.Errorf("the heap grew by %d KiB, want at most %d", grown>>10, maxGrowth>>10)
			}
			w.wantFailed(e, test.code)
			if !strings.Contains(e.Error.Message, test.says) {
				t.Errorf("it says %q, want %q in it", e.Error.Message, test.says)
			}
		})
	}
}

// A server that speaks HTTP/2 as well is called in HTTP/1.1.
func TestHTTP2IsNotAskedFor(t *testing.T) {
	a := newAuthority(t)
	config := a.config()
	config.NextProtos = []string{"h2", "http/1.1"}
	spoken := make(chan string, 1)
	upstream := serveTCP(t, func(conn net.Conn) {
		secured := tls.Server(conn, config)
		if secured.Handshake() != nil {
			return
		}
		spoken <- secured.ConnectionState().NegotiatedProtocol
		if _, err := http.ReadRequest(bufio.NewReader(secured)); err == nil {
			_, _ = io.WriteString(secured, sized("", "hello"))
		}
	})
	w := newWorldAround(t, corpusPolicy, a, upstream)
	w.put(http.StatusCreated, "modern", doc{"endpoint": "https://api.example.com/v1"})
	if e := w.execute("modern", `{}`); e.Status != callout.Succeeded {
		t.Fatalf("it %s with %+v", e.Status, e.Error)
	}
	if got := <-spoken; got != "http/1.1" {
		t.Errorf("agreed on %q", got)
	}
}
