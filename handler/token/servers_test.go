package token

import (
	"context"
	"crypto/x509"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"sync/atomic"
	"testing"
	"time"

	"callout/handler/callout"
	"callout/handler/egress"
	"callout/handler/secret"
)

// tokenServer is a token endpoint on loopback that counts what it is asked.
type tokenServer struct {
	*httptest.Server
	asked atomic.Int32
}

// quietLog is for servers on which connections break on purpose.
var quietLog = log.New(io.Discard, "", 0)

func newTokenServer(t *testing.T, answer http.HandlerFunc) *tokenServer {
	t.Helper()
	s := &tokenServer{}
	s.Server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.asked.Add(1)
		answer(w, r)
	}))
	s.Config.ErrorLog = quietLog
	s.StartTLS()
	t.Cleanup(s.Close)
	return s
}

// transport is the guarded way out that production has, with a door to loopback.
func (s *tokenServer) transport(t *testing.T) *egress.Client {
	t.Helper()
	roots := x509.NewCertPool()
	roots.AddCert(s.Certificate())
	c := egress.New(egress.Options{
		Policy:  egress.Policy{Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}},
		RootCAs: roots,
	})
	t.Cleanup(c.CloseIdleConnections)
	return c
}

// fetch makes a token request, to the path in the client's token URL, and sees
// that it was not made twice.
func (s *tokenServer) fetch(t *testing.T, ctx context.Context, client callout.OAuth) (grant, error) {
	t.Helper()
	before := s.asked.Load()
	client.TokenURL = s.URL + client.TokenURL
	got, err := fetch(ctx, s.transport(t), &client, time.Now)
	if n := s.asked.Load() - before; n != 1 {
		t.Errorf("%d token requests were made", n)
	}
	return got, err
}

// says is a handler that gives an answer. Headers are names and values in turn.
func says(status int, contentType, body string, header ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header()["Content-Type"] = []string{contentType}
		if contentType == "" {
			w.Header()["Content-Type"] = nil // net/http must not guess either
		}
		for i := 0; i < len(header); i += 2 {
			w.Header().Set(header[i], header[i+1])
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

func plain(name, value string) callout.Parameter { return callout.Parameter{Name: name, Value: value} }

func hidden(name, value string) callout.Parameter {
	return callout.Parameter{Name: name, Secret: true, Hidden: secret.New(value)}
}
