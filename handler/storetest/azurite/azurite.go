// Package azurite starts Azurite's table service for tests: Table Storage as
// far as it can be had on one machine. It comes from npm, pinned in e2e/node,
// and runs in memory.
//
// Azurite is not the service: it never throttles, never gives a short page and
// never says that a table is being deleted. Package fault adds those.
package azurite

import (
	"crypto/x509"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
)

// The account that Azurite has from the start. The key is published, the same
// in every emulator, and opens nothing else
// (learn.microsoft.com/azure/storage/common/storage-use-azurite).
const (
	Account = "devstoreaccount1"
	Key     = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
)

// Server is a running Azurite.
type Server struct {
	address     string
	certificate *x509.Certificate // nil without TLS
	process     *process
}

// Start starts a server of the test's own on a free port of 127.0.0.1, returns
// when it answers, and ends it with the test. It takes 0.7 s; a test that needs
// only a table of its own takes Shared.
func Start(t testing.TB) *Server {
	t.Helper()
	return startFor(t, identity{})
}

// StartWithTokens starts a server of the test's own that speaks HTTPS, with a
// certificate made for it, and takes Microsoft Entra tokens beside the key. It
// looks at a token's times, issuer and audience, and not at its signature.
func StartWithTokens(t testing.TB) *Server {
	t.Helper()
	id, err := newIdentity(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return startFor(t, id)
}

func startFor(t testing.TB, id identity) *Server {
	t.Helper()
	server, err := start(id)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.process.end)
	return server
}

var shared = sync.OnceValues(func() (*Server, error) { return start(identity{}) })

// Shared returns the one server of this test binary, which ends with it. Tests
// keep apart by tables of their own: see TableName.
func Shared(t testing.TB) *Server {
	t.Helper()
	server, err := shared()
	if err != nil {
		t.Fatal(err)
	}
	return server
}

var tables atomic.Int64

// TableName returns the name of a table that no one else in this test binary
// has.
func TableName() string { return fmt.Sprintf("table%d", tables.Add(1)) }

// URL returns the address of the server without a path, for a proxy to forward
// to.
func (s *Server) URL() string {
	if s.certificate != nil {
		return "https://" + s.address
	}
	return "http://" + s.address
}

// Endpoint returns the address of the account's tables.
func (s *Server) Endpoint() string { return s.URL() + "/" + Account }

// ConnectionString returns what opens the account with its key.
func (s *Server) ConnectionString() string { return ConnectionString(s.URL()) }

// ConnectionString returns what opens the account by way of the server at url,
// such as a proxy.
func ConnectionString(url string) string {
	protocol, _, _ := strings.Cut(url, ":")
	return fmt.Sprintf("DefaultEndpointsProtocol=%s;AccountName=%s;AccountKey=%s;TableEndpoint=%s/%[2]s;", protocol, Account, Key, url)
}

// Transport returns a transport that trusts the server's certificate. The
// caller closes its idle connections.
func (s *Server) Transport() *http.Transport {
	transport := &http.Transport{MaxIdleConnsPerHost: 64}
	if s.certificate != nil {
		transport.TLSClientConfig = trusting(s.certificate)
	}
	return transport
}
