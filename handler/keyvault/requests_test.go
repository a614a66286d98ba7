package keyvault

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"callout/handler/secret"
	"callout/handler/store"
	"callout/handler/storetest/vaultserver"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
)

// Names of the kinds that the tables are full of.
const (
	challenged = vaultserver.Challenge
	token      = vaultserver.Token
	get        = vaultserver.Get
)

func TestRequestsOfAGet(t *testing.T) {
	for _, tt := range []struct {
		what       string
		tenant     string
		cold, warm requests
	}{
		{"the vault is asked for its directory", "", requests{challenged: 1, token: 1, get: 1}, requests{get: 1}},
		{"the directory is known", vaultserver.Tenant, requests{token: 1, get: 1}, requests{get: 1}},
	} {
		t.Run(tt.what, func(t *testing.T) {
			server := vaultserver.Start(t)
			version := set(t, open(t, server), "callout-1", "value")
			server.Reset()

			vault := open(t, server, func(o *Options) { o.Tenant, o.Credential = tt.tenant, managedIdentity(t, server) })
			counts(t, server, requests{})
			holds(t, vault, "callout-1", version, "value")
			counts(t, server, tt.cold)
			holds(t, vault, "callout-1", version, "value")
			counts(t, server, tt.warm)
		})
	}
}

func TestRequestsOfOtherCalls(t *testing.T) {
	server := vaultserver.Start(t)
	vault := open(t, server)
	if err := vault.Prepare(t.Context()); err != nil {
		t.Fatal(err)
	}
	server.Reset()

	var version string
	for _, tt := range []struct {
		what string
		call func() error
		want requests
	}{
		{"Set", func() (err error) {
			version, err = vault.Set(t.Context(), "callout-1", secret.New("value"))
			return err
		}, requests{vaultserver.Set: 1}},
		{"Disable", func() error { return vault.Disable(t.Context(), "callout-1", version) }, requests{vaultserver.Update: 1}},
		{"Versions", func() error { _, err := vault.Versions(t.Context(), "callout-1"); return err }, requests{vaultserver.ListVersions: 1}},
		{"Names", func() error { _, err := vault.Names(t.Context()); return err }, requests{vaultserver.List: 1}},
		{"Delete", func() error { return vault.Delete(t.Context(), "callout-1") }, requests{vaultserver.Delete: 1}},
	} {
		if err := tt.call(); err != nil {
			t.Errorf("%s: %v", tt.what, err)
		}
		counts(t, server, tt.want)
	}
}

func TestListsAreReadByTheirPagesOnly(t *testing.T) {
	server := vaultserver.Start(t)
	vault, people := open(t, server), client(t, server)
	for i := range 51 {
		put(t, people, "app-"+strings.Repeat("x", i+1))
		set(t, vault, "callout-1", "value")
	}
	server.Reset()
	if names, err := vault.Names(t.Context()); err != nil || len(names) != 1 {
		t.Errorf("Names: %q, %v", names, err)
	}
	counts(t, server, requests{vaultserver.List: 3})
	if versions, err := vault.Versions(t.Context(), "callout-1"); err != nil || len(versions) != 51 {
		t.Errorf("%d versions, %v", len(versions), err)
	}
	counts(t, server, requests{vaultserver.ListVersions: 3})
}

func TestWhatIsRefusedIsNotSent(t *testing.T) {
	server := vaultserver.Start(t)
	vault := open(t, server)
	long, large := strings.Repeat("n", 128), secret.New(strings.Repeat("s", MaxSecret+1))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for _, tt := range []struct {
		what string
		call func() error
		want error
	}{
		{"a name that is too long", func() error { _, err := vault.Set(t.Context(), long, secret.New("v")); return err }, ErrInvalidName},
		{"a bad name and a large value", func() error { _, err := vault.Set(t.Context(), long, large); return err }, ErrInvalidName},
		{"a value that is too large", func() error { _, err := vault.Set(t.Context(), "name", large); return err }, store.ErrTooLarge},
		{"an unset value", func() error { _, err := vault.Set(t.Context(), "name", secret.Secret{}); return err }, ErrInvalidSecret},
		{"a version of another form", func() error { _, err := vault.Get(t.Context(), "name", "../other"); return err }, store.ErrNotFound},
		{"no version to disable", func() error { return vault.Disable(t.Context(), "name", "") }, store.ErrNotFound},
		{"nothing to be deleted", func() error { return vault.Delete(t.Context(), "") }, ErrInvalidName},
		{"a context that is done", func() error { return vault.Prepare(ctx) }, context.Canceled},
	} {
		if err := tt.call(); !errors.Is(err, tt.want) {
			t.Errorf("%s: %v; want %v", tt.what, err, tt.want)
		}
	}
	counts(t, server, requests{})
}

func TestTheLargestSecretIsTaken(t *testing.T) {
	server := vaultserver.Start(t)
	vault := open(t, server)
	for _, largest := range []string{strings.Repeat("s", MaxSecret), strings.Repeat("\x00", MaxSecret)} {
		holds(t, vault, "callout-1", set(t, vault, "callout-1", largest), largest)
	}
}

func TestPrepare(t *testing.T) {
	for _, tt := range []struct {
		what, tenant string
		want         requests
	}{
		{"the vault is asked for its directory", "", requests{challenged: 1, token: 1}},
		{"the directory is known", vaultserver.Tenant, requests{token: 1}},
	} {
		t.Run(tt.what, func(t *testing.T) {
			server := vaultserver.Start(t)
			vault := open(t, server, func(o *Options) { o.Tenant, o.Credential = tt.tenant, managedIdentity(t, server) })
			for _, want := range []requests{tt.want, {}} { // the second time there is nothing to do
				if err := vault.Prepare(t.Context()); err != nil {
					t.Fatal(err)
				}
				counts(t, server, want)
			}
			set(t, vault, "callout-1", "value")
			counts(t, server, requests{vaultserver.Set: 1})
		})
	}
}

func TestTheFirstCallersShareOneSignIn(t *testing.T) {
	server := vaultserver.Start(t)
	version := set(t, open(t, server), "callout-1", "value")
	server.Reset()
	vault := open(t, server, func(o *Options) { o.Credential = managedIdentity(t, server) })
	var callers sync.WaitGroup
	for range 16 {
		callers.Go(func() { holds(t, vault, "callout-1", version, "value") })
	}
	callers.Wait()
	counts(t, server, requests{challenged: 1, token: 1, get: 16})
}

// A caller who gives up must not take the others' sign-in along.
func TestASignInOutlivesTheCallerWhoBeganIt(t *testing.T) {
	inBubble(t, func(t *testing.T, server *vaultserver.Server, _ *Vault, version string) {
		goOn := make(chan struct{})
		hold := sync.OnceFunc(func() { <-goOn })
		vault := open(t, server, through(func(req *http.Request) (*http.Response, error) {
			hold()
			return direct(server)(req)
		}))
		ctx, giveUp := context.WithCancel(t.Context())
		var first error
		go func() { first = vault.Prepare(ctx) }()
		synctest.Wait()
		go holds(t, vault, "callout-1", version, "value")
		synctest.Wait()
		giveUp()
		synctest.Wait()
		if !errors.Is(first, context.Canceled) || !errors.Is(first, store.ErrUnavailable) {
			t.Errorf("Prepare: %v; want the context's error", first)
		}
		close(goOn)
		synctest.Wait()
		counts(t, server, requests{challenged: 1, get: 1})
	})
}

func TestOthersGoOnWhileATokenIsRenewed(t *testing.T) {
	inBubble(t, func(t *testing.T, server *vaultserver.Server, _ *Vault, version string) {
		goOn, renewals := make(chan struct{}), 0
		vault := open(t, server, through(direct(server)), func(o *Options) {
			o.Credential = credential(func(context.Context, policy.TokenRequestOptions) (azcore.AccessToken, error) {
				if renewals++; renewals > 1 {
					<-goOn
				}
				return azcore.AccessToken{Token: server.Token(), ExpiresOn: time.Now().Add(4 * time.Minute)}, nil
			})
		})
		holds(t, vault, "callout-1", version, "value")
		time.Sleep(time.Minute) // on the bubble's clock; the SDK renews after half of that
		for range 2 {
			go holds(t, vault, "callout-1", version, "value")
			synctest.Wait()
		}
		counts(t, server, requests{challenged: 1, get: 2})
		close(goOn)
		synctest.Wait()
		counts(t, server, requests{get: 1})
	})
}

func TestTheTokenIsForTheVaultsOwnCloud(t *testing.T) {
	for _, tt := range []struct{ url, scope string }{
		{"https://name.vault.azure.net", "https://vault.azure.net/.default"},
		{"https://name.vault.azure.cn/", "https://vault.azure.cn/.default"},
		{"https://name.vault.usgovcloudapi.net:443", "https://vault.usgovcloudapi.net/.default"},
	} {
		var asked []policy.TokenRequestOptions
		vault, err := New(Options{
			URL: tt.url, Tenant: vaultserver.Tenant, Transport: transport(nil),
			Credential: credential(func(_ context.Context, options policy.TokenRequestOptions) (azcore.AccessToken, error) {
				asked = append(asked, options)
				return azcore.AccessToken{}, errors.New("no")
			}),
		})
		if err != nil {
			t.Fatal(err)
		}
		if err := vault.Prepare(t.Context()); !errors.Is(err, errNoToken) {
			t.Errorf("Prepare: %v", err)
		}
		if len(asked) != 1 || !slices.Equal(asked[0].Scopes, []string{tt.scope}) || asked[0].TenantID != vaultserver.Tenant {
			t.Errorf("asked for were %v, want %s", asked, tt.scope)
		}
	}
}

// The real challenge is for vault.azure.net, which the server's loopback address
// is not in: without AnyDomain no token may be asked for.
func TestNoTokenForAnotherDomain(t *testing.T) {
	server := vaultserver.Start(t)
	vault := open(t, server, func(o *Options) { o.AnyDomain, o.Credential = false, managedIdentity(t, server) })
	if _, err := vault.Get(t.Context(), "callout-1", ""); !errors.Is(err, errChallenge) {
		t.Errorf("Get: %v; want %v", err, errChallenge)
	}
	counts(t, server, requests{challenged: 1})
}

// A setting that names the wrong directory costs a request, and no more: the
// vault's own challenge counts.
func TestAWrongTenantIsPutRight(t *testing.T) {
	server := vaultserver.Start(t)
	version := set(t, open(t, server), "callout-1", "value")
	server.Reset()
	vault := open(t, server, func(o *Options) {
		o.Tenant = "wrong.example"
		o.Credential = credential(func(ctx context.Context, options policy.TokenRequestOptions) (azcore.AccessToken, error) {
			if options.TenantID == "wrong.example" {
				return azcore.AccessToken{Token: "of.another.directory"}, nil
			}
			return tokensOf(server)(ctx, options)
		})
	})
	holds(t, vault, "callout-1", version, "value")
	counts(t, server, requests{challenged: 1, get: 1})
	holds(t, vault, "callout-1", version, "value")
	counts(t, server, requests{get: 1})
}
