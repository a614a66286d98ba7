package egress

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"callout/handler/callout"
)

// outline is the steps in short: each stage, with its code if it failed.
func outline(steps []Step) string {
	var parts []string
	for _, s := range steps {
		part := string(s.Stage)
		if s.Err != nil {
			part += ":" + string(s.Err.Code)
		}
		parts = append(parts, part)
	}
	return strings.Join(parts, " ")
}

func TestProbe(t *testing.T) {
	ca := newAuthority(t)
	secure := func(ends time.Duration) string {
		config := &tls.Config{Certificates: []tls.Certificate{ca.issue(t, "127.0.0.1", ends)}}
		return serveTLS(t, config, func(http.ResponseWriter, *http.Request) { t.Error("a request was sent") }).URL
	}
	resolver := names{"inside.example": {addresses("10.0.0.1")}}
	for _, test := range []struct {
		name string
		url  string
		want string
	}{
		{"good", secure(time.Hour), "dns tcp tls"},
		{"expired", secure(-time.Hour), "dns tcp tls:TlsFailed"},
		{"plain http", "http://" + listen(t, func(*net.TCPConn) {}), "dns tcp tls"},
		{"refused", "http://" + closedPort(t), "dns tcp:ConnectFailed"},
		{"no such name", "https://nowhere.example/", "dns:DnsFailed"},
		{"private name", "https://inside.example/", "dns:DestinationNotAllowed"},
		{"not permitted", "https://169.254.169.254/", "policy:DestinationNotAllowed"},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := newClient(t, Options{Policy: onLoopback, RootCAs: ca.pool(), Resolver: resolver})
			steps := c.Probe(context.Background(), mustURL(t, test.url))
			if got := outline(steps); got != test.want {
				t.Fatalf("got %q, want %q", got, test.want)
			}
			for _, s := range steps {
				if (s.Err == nil) != (s.Detail != "") || s.Duration < 0 {
					t.Errorf("%s: detail %q, duration %v, error %v", s.Stage, s.Detail, s.Duration, s.Err)
				}
				if strings.Contains(s.Detail, mustURL(t, test.url).Hostname()) {
					t.Errorf("%s: %q quotes the host", s.Stage, s.Detail)
				}
			}
		})
	}
}

func TestProbeDetails(t *testing.T) {
	ca := newAuthority(t)
	certificate := ca.issue(t, "127.0.0.1", time.Hour)
	s := serveTLS(t, &tls.Config{Certificates: []tls.Certificate{certificate}}, func(http.ResponseWriter, *http.Request) {})
	c := newClient(t, Options{Policy: onLoopback, RootCAs: ca.pool()})
	steps := c.Probe(context.Background(), mustURL(t, s.URL))
	want := []string{
		"1 of 1 addresses may be called",
		"connected to a loopback address",
		"TLS 1.3, certificate valid until " + certificate.Leaf.NotAfter.UTC().Format(time.DateOnly),
	}
	if len(steps) != len(want) {
		t.Fatalf("got %s", outline(steps))
	}
	for i, s := range steps {
		if s.Err != nil || s.Detail != want[i] {
			t.Errorf("%s: got %q, %v, want %q", s.Stage, s.Detail, s.Err, want[i])
		}
	}
	plain := c.Probe(context.Background(), mustURL(t, "http://"+listen(t, func(*net.TCPConn) {})))
	if got := plain[len(plain)-1].Detail; !strings.Contains(got, "none") {
		t.Errorf("TLS of plain http: %q", got)
	}
}

func TestProbeClosesItsConnection(t *testing.T) {
	ended := make(chan error, 1)
	address := listen(t, func(conn *net.TCPConn) {
		_, err := conn.Read(make([]byte, 1))
		ended <- err
	})
	New(Options{Policy: onLoopback}).Probe(context.Background(), mustURL(t, "http://"+address))
	if err := <-ended; err == nil {
		t.Error("something was sent")
	}
}

// What ends is the caller's time, so the server is not blamed for it.
func TestProbeEndsWithItsContext(t *testing.T) {
	ctx := newHourglass()
	c := New(Options{Policy: onLoopback, Dial: func(dialling context.Context, _, _ string) (net.Conn, error) {
		close(ctx.out)
		<-dialling.Done()
		return nil, &net.OpError{Op: "dial", Err: os.ErrDeadlineExceeded}
	}})
	steps := c.Probe(ctx, mustURL(t, "http://127.0.0.1/"))
	if got := outline(steps); got != "dns tcp:TimedOut" {
		t.Fatalf("got %q", got)
	}
	failure{callout.TimedOut, callout.StageTCP, false, "within its time limit"}.check(t, steps[1].Err)
}
