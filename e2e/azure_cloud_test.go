package e2e

import (
	"encoding/base64"
	"encoding/json"
	"maps"
	"net/http"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"callout/e2e/fakehost"
	"callout/handler/storetest/azurite"
	"callout/handler/storetest/fault"
	"callout/handler/storetest/vaultserver"
)

// cloud is Azure as far as one machine can have it: Azurite, the test vault and
// App Service's identity endpoint, each behind a proxy that counts and breaks.
type cloud struct {
	azurite                   *azurite.Server
	vault                     *vaultserver.Server
	tables, secrets, identity *fault.Proxy
	atTables, atVault         *wiretap
	settings                  []string
}

// access is how a process reaches the tables.
type access int

const (
	byIdentity access = iota // an https endpoint and a managed identity
	byKey                    // a connection string
)

// newCloud starts a cloud that ends with the test.
func newCloud(t *testing.T, how access) *cloud {
	t.Helper()
	c := &cloud{vault: vaultserver.Start(t)}
	tables := ""
	if how == byIdentity {
		c.azurite = azurite.StartWithTokens(t)
		c.atTables = tap(t, c.azurite.Transport())
		c.tables = fault.Start(t, c.azurite.URL(), fault.Options{TLS: true, Backend: c.atTables})
		tables = c.tables.URL() + "/" + azurite.Account
	} else {
		c.azurite = azurite.Start(t)
		c.atTables = tap(t, c.azurite.Transport())
		c.tables = fault.Start(t, c.azurite.URL(), fault.Options{Backend: c.atTables})
		tables = azurite.ConnectionString(c.tables.URL())
	}
	c.atVault = tap(t, c.vault.Client().Transport.(*http.Transport))
	c.secrets = fault.Start(t, c.vault.URL(), fault.Options{TLS: true, Backend: c.atVault})
	endpoint, err := url.Parse(c.identityVariable("IDENTITY_ENDPOINT"))
	if err != nil {
		t.Fatal(err)
	}
	c.identity = fault.Start(t, "http://"+endpoint.Host, fault.Options{})
	c.settings = []string{"CALLOUT_TABLES=" + tables, "CALLOUT_VAULT=" + c.secrets.URL(),
		"IDENTITY_ENDPOINT=" + c.identity.URL() + endpoint.Path, "IDENTITY_HEADER=" + c.identityVariable("IDENTITY_HEADER"),
		"SSL_CERT_FILE=" + c.vault.CertFile(), // that of all servers of net/http/httptest, the proxies among them
		"CALLOUT_EGRESS_ALLOW=127.0.0.1/32", "CALLOUT_EGRESS_HTTP=true"}
	return c
}

// identityVariable is what App Service puts into a process's environment.
func (c *cloud) identityVariable(name string) string {
	for _, variable := range c.vault.IdentityEnv() {
		if value, ok := strings.CutPrefix(variable, name+"="); ok {
			return value
		}
	}
	return ""
}

// alone starts Callout alone on the cloud. Its data directory is never made.
func (c *cloud) alone(t *testing.T, env ...string) *callout {
	t.Helper()
	return startCallout(t, filepath.Join(t.TempDir(), "unused"), slices.Concat(c.settings, env)...)
}

// hosted starts Callout behind the stand-in for the Functions host.
func (c *cloud) hosted(t *testing.T, mode fakehost.Mode, env ...string) *fakehost.Host {
	t.Helper()
	return fakehost.New(t, fakehost.Options{Dir: dist(), Mode: mode, Env: slices.Concat(c.settings, env)})
}

// settle waits until nothing that a killed process has sent is on its way any
// more.
func (c *cloud) settle(t *testing.T) {
	t.Helper()
	eventually(t, "the stores are at rest", func() bool { return c.atTables.rests() && c.atVault.rests() })
}

// wiretap is a transport that notes with what the requests were authorised, and
// how many are under way.
type wiretap struct {
	next http.RoundTripper

	mu             sync.Mutex
	authorizations map[string]bool
	underWay       int
}

func tap(t *testing.T, next *http.Transport) *wiretap {
	t.Cleanup(next.CloseIdleConnections)
	return &wiretap{next: next, authorizations: map[string]bool{}}
}

// RoundTrip implements http.RoundTripper.
func (w *wiretap) RoundTrip(r *http.Request) (*http.Response, error) {
	w.begin(r.Header.Get("Authorization"))
	defer w.end()
	return w.next.RoundTrip(r)
}

func (w *wiretap) begin(authorization string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.underWay++
	if authorization != "" { // the vault is asked without one for its challenge
		w.authorizations[authorization] = true
	}
}

func (w *wiretap) end() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.underWay--
}

func (w *wiretap) rests() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.underWay == 0
}

// seen returns what requests were authorised with.
func (w *wiretap) seen() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Collect(maps.Keys(w.authorizations))
}

// mustHaveTokensFor checks that requests brought nothing but tokens for one
// resource.
func (w *wiretap) mustHaveTokensFor(t *testing.T, resource string) {
	t.Helper()
	if len(w.seen()) == 0 {
		t.Errorf("no request brought a token for %s", resource)
	}
	for _, authorization := range w.seen() {
		parts := strings.Split(strings.TrimPrefix(authorization, "Bearer ")+"..", ".")
		raw, _ := base64.RawURLEncoding.DecodeString(parts[1]) // what is no token is no JSON either
		var claims struct{ Aud string }
		if err := json.Unmarshal(raw, &claims); err != nil || strings.TrimSuffix(claims.Aud, "/") != resource {
			t.Errorf("a request meant for %s brought %q, %s", resource, authorization, raw)
		}
	}
}

// door gives the API as a caller of that function sees it.
type door func(function string) api

func (c *callout) door() door { return func(string) api { return c.api } }

func doorOf(host *fakehost.Host) door {
	return func(function string) api { return with(host, function) }
}

// eventually polls until something holds.
func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	deadline := time.Now().Add(30 * time.Second)
	for !holds() {
		if time.Now().After(deadline) {
			t.Fatalf("not within 30 s: %s", what)
		}
		time.Sleep(5 * time.Millisecond)
	}
}
