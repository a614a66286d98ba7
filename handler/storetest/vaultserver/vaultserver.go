// Package vaultserver is a Key Vault for tests: a real HTTPS listener on
// loopback that keeps secrets in versions, soft-deletes them and refuses as
// Key Vault does, so that the real azsecrets client can be driven against it,
// from this process or from another. Beside it stands App Service's managed
// identity endpoint, whose tokens the vault takes.
//
// Facts are from the REST reference of Key Vault secrets and from App Service's
// "How to use managed identities".
package vaultserver

import (
	"crypto/rand"
	"encoding/pem"
	"io"
	"log"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync"
	"testing"
)

// Kind says what a request was.
type Kind string

// The kinds of requests. Each request is counted once, as what it came to:
// those that were let in by what they asked for.
const (
	Token        Kind = "token"     // to the identity endpoint
	Challenge    Kind = "challenge" // answered 401, for want of a token that is good
	Throttled    Kind = "throttled" // answered 429
	Dropped      Kind = "dropped"   // cut off by an outage
	Get          Kind = "get"
	Set          Kind = "set"
	Update       Kind = "update"
	List         Kind = "list"
	ListVersions Kind = "list versions"
	Delete       Kind = "delete"
	GetDeleted   Kind = "get deleted"
	Recover      Kind = "recover"
	Purge        Kind = "purge"
)

// Server is a vault and an identity endpoint. It is safe for concurrent use.
// As an http.Handler it answers as the vault does, without a network: for tests
// that run on an injected clock.
type Server struct {
	vault, identity *httptest.Server
	identityHeader  string
	certFile        string
	operations      http.Handler

	mu         sync.Mutex
	requests   map[Kind]int
	outage     bool
	throttle   int
	retryAfter string
	holding    bool
	secrets    map[string]*kept // by name in lower case
}

// Start starts an empty vault for the length of the test.
func Start(t testing.TB) *Server {
	t.Helper()
	s := &Server{identityHeader: rand.Text(), requests: map[Kind]int{}, secrets: map[string]*kept{}}
	s.operations = s.routes()
	s.vault = httptest.NewUnstartedServer(s)
	s.vault.Config.ErrorLog = log.New(io.Discard, "", 0) // clients that hang up are part of the tests
	s.vault.StartTLS()
	t.Cleanup(s.vault.Close)
	s.identity = httptest.NewServer(http.HandlerFunc(s.serveIdentity))
	t.Cleanup(s.identity.Close)

	s.certFile = filepath.Join(t.TempDir(), "vault.pem")
	certificate := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.vault.Certificate().Raw})
	if err := os.WriteFile(s.certFile, certificate, 0o600); err != nil {
		t.Fatal(err)
	}
	return s
}

// URL is the vault's address: https, on loopback, without a path.
func (s *Server) URL() string { return s.vault.URL }

// IdentityEnv are the variables, as NAME=value, with which App Service tells a
// process where its identity endpoint is.
func (s *Server) IdentityEnv() []string {
	return []string{"IDENTITY_ENDPOINT=" + s.identity.URL + identityPath, "IDENTITY_HEADER=" + s.identityHeader}
}

// CertFile is a file for SSL_CERT_FILE, with which another process trusts the
// vault. All vaults have the same certificate: that of net/http/httptest.
func (s *Server) CertFile() string { return s.certFile }

// Client is an HTTP client that trusts the vault. Its connections are closed
// when the test ends.
func (s *Server) Client() *http.Client { return s.vault.Client() }

// Requests says how many requests of each kind there were since Start or Reset.
func (s *Server) Requests() map[Kind]int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return maps.Clone(s.requests)
}

// Reset starts the count of requests anew.
func (s *Server) Reset() {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.requests)
}

// Outage switches the vault off and on: meanwhile connections break off without
// an answer. The identity endpoint goes on.
func (s *Server) Outage(on bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.outage = on
}

// Throttle answers the next requests that bring a token with 429, and with
// Retry-After unless it is empty.
func (s *Server) Throttle(requests int, retryAfter string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.throttle, s.retryAfter = requests, retryAfter
}

// HoldDeletions keeps deletions under way until CompleteDeletions. Without it a
// deletion is complete when it is answered.
func (s *Server) HoldDeletions() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.holding = true
}

// CompleteDeletions completes the deletions that were held, and holds no more.
func (s *Server) CompleteDeletions() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.holding = false
	for _, secret := range s.secrets {
		if secret.state == deleting {
			secret.state = deleted
		}
	}
}

func (s *Server) count(kind Kind) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests[kind]++
}
