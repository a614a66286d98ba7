// Package stores tests Callout on Table Storage and Key Vault: Azurite and the
// test vault, each behind a proxy that counts what is sent and breaks it.
package stores

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"sync/atomic"
	"testing"
	"time"

	"callout/handler/catalog"
	"callout/handler/egress"
	"callout/handler/execute"
	"callout/handler/history"
	"callout/handler/keyvault"
	"callout/handler/localstore"
	"callout/handler/store"
	"callout/handler/storetest/azurite"
	"callout/handler/storetest/fault"
	"callout/handler/storetest/vaultserver"
	"callout/handler/sweep"
	"callout/handler/tablestore"
	"callout/handler/token"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
)

// world is what all instances of one Callout share: tables, vault, upstream, and
// the proxies in front of the stores.
type world struct {
	t          *testing.T
	server     *vaultserver.Server
	tables     *fault.Proxy
	vault      *fault.Proxy
	configs    string // the tables' names
	executions string
	tokens     string
	noTokens   token.Rows // what a sweep finds
	upstream   *httptest.Server
	calls      atomic.Int64 // that the upstream has seen
	clock      clock
}

// clock is moved by tests.
type clock struct{ ahead atomic.Int64 }

func (c *clock) now() time.Time       { return time.Now().Add(time.Duration(c.ahead.Load())) }
func (c *clock) pass(d time.Duration) { c.ahead.Add(int64(d)) }

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{t: t, server: vaultserver.Start(t), configs: azurite.TableName(), executions: azurite.TableName(), tokens: azurite.TableName()}
	w.tables = fault.Start(t, azurite.Shared(t).URL(), fault.Options{})
	w.vault = fault.Start(t, w.server.URL(), fault.Options{TLS: true, Backend: w.server.Client().Transport})
	w.noTokens = localRows(t)
	w.upstream = httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		w.calls.Add(1)
		rw.Header().Set("Content-Type", "application/json")
		_, _ = rw.Write([]byte(`{"who": "` + backwards(r.Header.Get("Authorization")) + `"}`))
	}))
	t.Cleanup(w.upstream.Close)
	return w
}

// localRows returns a table of the embedded store. A sweep looks for tokens in 256
// partitions, one after the other: in a table of Azurite's that takes seconds, and
// many of these tests sweep.
func localRows(t *testing.T) token.Rows {
	t.Helper()
	opened, err := localstore.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = opened.Close() })
	return opened.Table(store.Tokens)
}

// backwards hides a credential from redaction.
func backwards(s string) string {
	b := []byte(s)
	for i, j := 0, len(b)-1; i < j; i, j = i+1, j-1 {
		b[i], b[j] = b[j], b[i]
	}
	return string(b)
}

// instance is one process of Callout, as main wires it.
type instance struct {
	*execute.Executor
	sweeper *sweep.Sweeper
	vault   *keyvault.Vault
}

const ttl = 10 * time.Second

// instance returns a cold instance.
func (w *world) instance() *instance {
	w.t.Helper()
	rows, err := tablestore.New(tablestore.Options{ConnectionString: azurite.ConnectionString(w.tables.URL()), Transport: client(w, w.tables)})
	if err != nil {
		w.t.Fatal(err)
	}
	vault, err := keyvault.New(keyvault.Options{URL: w.vault.URL(), Credential: tokens{w.server}, Transport: client(w, w.vault), AnyDomain: true})
	if err != nil {
		w.t.Fatal(err)
	}
	configs := catalog.New(rows.Table(w.configs), vault, catalog.Options{TTL: ttl, Now: w.clock.now,
		NewID:   func() string { return history.NewID(time.Now()) },
		Prepare: func(ctx context.Context) { _ = vault.Prepare(ctx) }})
	out := egress.New(egress.Options{Policy: egress.Policy{Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}, PlainHTTP: true}})
	w.t.Cleanup(out.CloseIdleConnections)
	log := slog.New(slog.DiscardHandler)
	options := token.Options{Rows: rows.Table(w.tokens), Vault: vault, Place: rows.Account(), Transport: out, Now: w.clock.now, Log: log}
	tokens := token.New(options)
	options.Rows = w.noTokens
	return &instance{
		Executor: &execute.Executor{Catalog: configs, History: history.New(rows.Table(w.executions), w.clock.now), Egress: out, Tokens: tokens, Now: w.clock.now, Log: log},
		sweeper:  &sweep.Sweeper{Catalog: configs, Vault: vault, Tokens: token.New(options), Now: w.clock.now, Log: log},
		vault:    vault,
	}
}

func client(w *world, p *fault.Proxy) *http.Client {
	transport := p.Transport()
	w.t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport, Timeout: 30 * time.Second}
}

// tokens gives out the vault's tokens without a request.
type tokens struct{ server *vaultserver.Server }

// GetToken implements azcore.TokenCredential.
func (c tokens) GetToken(context.Context, policy.TokenRequestOptions) (azcore.AccessToken, error) {
	return azcore.AccessToken{Token: c.server.Token(), ExpiresOn: time.Now().Add(time.Hour)}, nil
}
