package egress

import (
	"context"
	"crypto/tls"
	"io"
	"log"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"callout/handler/callout"
)

func TestTLSFailures(t *testing.T) {
	ca, other := newAuthority(t), newAuthority(t)
	with := func(certificate tls.Certificate) *tls.Config {
		return &tls.Config{Certificates: []tls.Certificate{certificate}}
	}
	old := with(ca.issue(t, "127.0.0.1", time.Hour))
	old.MinVersion, old.MaxVersion = tls.VersionTLS10, tls.VersionTLS11
	mutual := with(ca.issue(t, "127.0.0.1", time.Hour))
	mutual.ClientAuth, mutual.MaxVersion = tls.RequireAnyClientCert, tls.VersionTLS12

	for _, test := range []struct {
		name    string
		config  *tls.Config
		message string
	}{
		{"expired", with(ca.issue(t, "127.0.0.1", -time.Hour)), "has expired"},
		{"another address", with(ca.issue(t, "127.0.0.2", time.Hour)), "for another host name"},
		{"a name", with(ca.issue(t, "api.example.com", time.Hour)), "for another host name"},
		{"unknown authority", with(other.issue(t, "127.0.0.1", time.Hour)), "not trusted here"},
		{"old protocol versions", old, "no TLS version that is still safe"},
		{"wants a certificate", mutual, "refused the TLS handshake"},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := serveTLS(t, test.config, func(http.ResponseWriter, *http.Request) { t.Error("the request arrived") })
			c := newClient(t, Options{Policy: onLoopback, RootCAs: ca.pool()})
			_, err := get(t, c, context.Background(), s.URL)
			failure{callout.TLSFailed, callout.StageTLS, false, test.message}.check(t, err)
		})
	}
}

func TestServersThatSpeakNoTLS(t *testing.T) {
	plain := serve(t, func(http.ResponseWriter, *http.Request) { t.Error("the request arrived") })
	plain.Config.ErrorLog = log.New(io.Discard, "", 0)
	for _, test := range []struct {
		name    string
		address string
		message string
	}{
		{"plain http", plain.Listener.Addr().String(), "did not answer in TLS"},
		{"silence", listen(t, func(conn *net.TCPConn) { _, _ = io.Copy(io.Discard, conn) }), "did not finish the TLS handshake in time"},
		{"hangs up", listen(t, func(conn *net.TCPConn) { _, _ = conn.Read(make([]byte, 4096)) }), "closed the connection during the TLS handshake"},
		{"resets", listen(t, func(conn *net.TCPConn) { _, _ = conn.Read(make([]byte, 1)); reset(conn) }), "closed the connection during the TLS handshake"},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := newClient(t, Options{Policy: onLoopback, TLSTimeout: shortIf(test.name == "silence")})
			_, err := get(t, c, context.Background(), "https://"+test.address+"/")
			failure{callout.TLSFailed, callout.StageTLS, false, test.message}.check(t, err)
		})
	}
}

// The certificate has to be for the name in the URL, not for the address that
// the name leads to; a trailing dot belongs to neither.
func TestCertificateIsForTheName(t *testing.T) {
	ca := newAuthority(t)
	serverName := make(chan string, 2)
	config := &tls.Config{
		Certificates: []tls.Certificate{ca.issue(t, "api.example.com", time.Hour)},
		GetConfigForClient: func(hello *tls.ClientHelloInfo) (*tls.Config, error) {
			serverName <- hello.ServerName
			return nil, nil
		},
	}
	s := serveTLS(t, config, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) })
	for _, host := range []string{"api.example.com", "api.example.com."} {
		resolver := names{host: {addresses("127.0.0.1")}}
		c := newClient(t, Options{Policy: onLoopback, RootCAs: ca.pool(), Resolver: resolver})
		resp, err := get(t, c, context.Background(), strings.Replace(s.URL, "127.0.0.1", host, 1))
		if err != nil || resp.StatusCode != http.StatusNoContent {
			t.Fatalf("%s: %v, %v", host, resp, err)
		}
		if got := <-serverName; got != "api.example.com" {
			t.Errorf("%s: the server was asked for %q", host, got)
		}
	}
}
