package keyvault

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"callout/handler/secret"
	"callout/handler/store"
	"callout/handler/storetest"
	"callout/handler/storetest/vaultserver"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
)

// credential is a credential that is a function.
type credential func(context.Context, policy.TokenRequestOptions) (azcore.AccessToken, error)

func (c credential) GetToken(ctx context.Context, options policy.TokenRequestOptions) (azcore.AccessToken, error) {
	return c(ctx, options)
}

// tokensOf gives out the server's tokens without a request.
func tokensOf(server *vaultserver.Server) credential {
	return func(context.Context, policy.TokenRequestOptions) (azcore.AccessToken, error) {
		return azcore.AccessToken{Token: server.Token(), ExpiresOn: time.Now().Add(time.Hour)}, nil
	}
}

// managedIdentity is the real credential on the server's identity endpoint. The
// identity is another each time, because the SDK remembers tokens by identity
// for the whole process.
func managedIdentity(t *testing.T, server *vaultserver.Server) azcore.TokenCredential {
	t.Helper()
	for _, variable := range server.IdentityEnv() {
		name, value, _ := strings.Cut(variable, "=")
		t.Setenv(name, value)
	}
	identity, err := azidentity.NewManagedIdentityCredential(&azidentity.ManagedIdentityCredentialOptions{ID: azidentity.ClientID(rand.Text())})
	if err != nil {
		t.Fatal(err)
	}
	return identity
}

// transport is a transport that is a function.
type transport func(*http.Request) (*http.Response, error)

func (f transport) Do(req *http.Request) (*http.Response, error) { return f(req) }

// direct hands requests to the server without a network between, so that a test
// can run on synctest's clock.
func direct(server *vaultserver.Server) transport {
	return func(req *http.Request) (resp *http.Response, err error) {
		defer func() {
			if recover() != nil { // http.ErrAbortHandler
				resp, err = nil, errors.New("the connection broke off")
			}
		}()
		received := req.Clone(req.Context())
		if received.Body == nil {
			received.Body = http.NoBody
		}
		recorder := httptest.NewRecorder()
		server.ServeHTTP(recorder, received)
		resp = recorder.Result()
		resp.Request = req
		return resp, req.Context().Err()
	}
}

// open opens the server's vault, through the options as change leaves them.
func open(t testing.TB, server *vaultserver.Server, change ...func(*Options)) *Vault {
	t.Helper()
	opts := Options{URL: server.URL(), Credential: tokensOf(server), Transport: server.Client(), AnyDomain: true}
	for _, c := range change {
		c(&opts)
	}
	vault, err := New(opts)
	if err != nil {
		t.Fatalf("New: %v", err)
	}
	return vault
}

// through replaces the transport.
func through(f transport) func(*Options) { return func(o *Options) { o.Transport = f } }

// set stores a value that must be accepted.
func set(t testing.TB, vault *Vault, name, value string) string {
	t.Helper()
	version, err := vault.Set(t.Context(), name, secret.New(value))
	if err != nil {
		t.Fatalf("Set: %v", err)
	}
	return version
}

// holds fails the test unless the version has that value.
func holds(t testing.TB, vault *Vault, name, version, value string) {
	t.Helper()
	if got, err := vault.Get(t.Context(), name, version); err != nil || got.Reveal() != value {
		t.Errorf("Get: %d bytes, %v; want the value", got.Len(), err)
	}
}

// requests is what is to have been counted since the last look.
type requests map[vaultserver.Kind]int

func counts(t testing.TB, server *vaultserver.Server, want requests) {
	t.Helper()
	if got := server.Requests(); !maps.Equal(got, want) {
		t.Errorf("the requests are %v, want %v", got, want)
	}
	server.Reset()
}

func TestVault(t *testing.T) {
	storetest.Vault(t, func(t *testing.T) storetest.SecretVault { return open(t, vaultserver.Start(t)) })
}

// callouts puts Prefix before the names that the suite takes: this vault lists
// no others.
type callouts struct{ *Vault }

func (c callouts) Set(ctx context.Context, name string, value secret.Secret) (string, error) {
	return c.Vault.Set(ctx, Prefix+name, value)
}

func (c callouts) Get(ctx context.Context, name, version string) (secret.Secret, error) {
	return c.Vault.Get(ctx, Prefix+name, version)
}

func (c callouts) Disable(ctx context.Context, name, version string) error {
	return c.Vault.Disable(ctx, Prefix+name, version)
}

func (c callouts) Delete(ctx context.Context, name string) error {
	return c.Vault.Delete(ctx, Prefix+name)
}

func (c callouts) Versions(ctx context.Context, name string) ([]store.Version, error) {
	return c.Vault.Versions(ctx, Prefix+name)
}

func (c callouts) Names(ctx context.Context) ([]string, error) {
	names, err := c.Vault.Names(ctx)
	for i := range names {
		names[i] = strings.TrimPrefix(names[i], Prefix)
	}
	return names, err
}

func TestListing(t *testing.T) {
	storetest.Listing(t, func(t *testing.T) (storetest.SecretVault, storetest.SecretLister) {
		vault := callouts{open(t, vaultserver.Start(t))}
		return vault, vault
	})
}

func TestNew(t *testing.T) {
	complete := Options{
		URL: "https://name.vault.azure.net", Tenant: vaultserver.Tenant,
		Credential: credential(nil), Transport: http.DefaultClient,
	}
	for _, tt := range []struct {
		what   string
		change func(*Options)
		want   error
	}{
		{"complete", func(*Options) {}, nil},
		{"a slash at the end", func(o *Options) { o.URL += "/" }, nil},
		{"a port", func(o *Options) { o.URL += ":8443" }, nil},
		{"another cloud", func(o *Options) { o.URL = "https://name.vault.azure.cn" }, nil},
		{"a domain as tenant", func(o *Options) { o.Tenant = "example.onmicrosoft.com" }, nil},
		{"no tenant", func(o *Options) { o.Tenant = "" }, nil},
		{"no address", func(o *Options) { o.URL = "" }, errURL},
		{"http", func(o *Options) { o.URL = "http://name.vault.azure.net" }, errURL},
		{"no scheme", func(o *Options) { o.URL = "name.vault.azure.net" }, errURL},
		{"no host", func(o *Options) { o.URL = "https://:443" }, errURL},
		{"a user", func(o *Options) { o.URL = "https://canary@name.vault.azure.net" }, errURL},
		{"a path", func(o *Options) { o.URL += "/secrets" }, errURL},
		{"a query", func(o *Options) { o.URL += "?a=b" }, errURL},
		{"an empty query", func(o *Options) { o.URL += "?" }, errURL},
		{"a fragment", func(o *Options) { o.URL += "#a" }, errURL},
		{"no URL at all", func(o *Options) { o.URL = "https://%zz" }, errURL},
		{"a tenant that breaks the challenge", func(o *Options) { o.Tenant = `a", resource="https://canary` }, errTenant},
		{"no credential", func(o *Options) { o.Credential = nil }, errIncomplete},
		{"no transport", func(o *Options) { o.Transport = nil }, errIncomplete},
	} {
		t.Run(tt.what, func(t *testing.T) {
			opts := complete
			tt.change(&opts)
			vault, err := New(opts)
			if !errors.Is(err, tt.want) || (vault == nil) != (tt.want != nil) {
				t.Errorf("New: %v; want %v", err, tt.want)
			}
			if err != nil && strings.Contains(err.Error(), "canary") {
				t.Errorf("the error quotes what was given: %v", err)
			}
		})
	}
}

func TestSecretsAreMarked(t *testing.T) {
	server := vaultserver.Start(t)
	var body string
	vault := open(t, server, through(func(req *http.Request) (*http.Response, error) {
		if req.Method == http.MethodPut && req.ContentLength > 0 {
			body = read(t, req.Body)
			req.Body = io.NopCloser(strings.NewReader(body))
		}
		return server.Client().Do(req)
	}))
	set(t, vault, "callout-1", "value")
	if want := `{"contentType":"application/json","tags":{"callout":"secrets"},"value":"value"}`; body != want {
		t.Errorf("sent was %s, want %s", body, want)
	}
}

func TestNamesLeavesOutWhatIsNotCallouts(t *testing.T) {
	server := vaultserver.Start(t)
	vault, people := open(t, server), client(t, server)
	set(t, vault, "callout-01J", "value")
	set(t, vault, "Callout-02J", "value")
	set(t, vault, "another-program", "value of another Callout's making")
	for i := range 60 {
		put(t, people, fmt.Sprint("app-", i))
	}
	put(t, people, "callout-callback-key")

	names, err := vault.Names(t.Context())
	if err != nil || strings.Join(names, " ") != "callout-01j callout-02j" {
		t.Errorf("Names: %q, %v", names, err)
	}
}

func TestVersionsAreOldestFirst(t *testing.T) {
	server := vaultserver.Start(t)
	var want []string
	for i := range 40 {
		want = append(want, set(t, open(t, server), "callout-1", fmt.Sprint(i)))
	}
	day := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	created := regexp.MustCompile(`([0-9a-f]{32})(".*?"created":)\d+`)
	dated := open(t, server, through(func(req *http.Request) (*http.Response, error) {
		resp, err := server.Client().Do(req)
		return edited(t, resp, err, func(body string) string {
			return created.ReplaceAllStringFunc(body, func(item string) string {
				part := created.FindStringSubmatch(item)
				return fmt.Sprint(part[1], part[2], day.AddDate(0, 0, slices.Index(want, part[1])).Unix())
			})
		})
	}))
	versions, err := dated.Versions(t.Context(), "callout-1")
	if err != nil || len(versions) != len(want) {
		t.Fatalf("%d versions, %v", len(versions), err)
	}
	for i, version := range versions {
		if version != (store.Version{ID: want[i], Created: day.AddDate(0, 0, i), Enabled: true}) {
			t.Fatalf("version %d is %v", i, version)
		}
	}
}
