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

	"callout/handler/assembly"
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

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
)

// world is what all instances of one Callout share: tables, vault, upstream, and
// the proxies in front of the stores.
type world struct {
	t        *testing.T
	server   *vaultserver.Server
	tables   *fault.Proxy
	vault    *fault.Proxy
	names    map[string]string // what the tables are called in Azurite
	noTokens history.Rows      // what a sweep finds
	upstream *httptest.Server
	calls    atomic.Int64 // that the upstream has seen
	clock    clock
}

// clock is moved by tests.
type clock struct{ ahead atomic.Int64 }

func (c *clock) now() time.Time       { return time.Now().Add(time.Duration(c.ahead.Load())) }
func (c *clock) pass(d time.Duration) { c.ahead.Add(int64(d)) }

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{t: t, server: vaultserver.Start(t), names: map[string]string{}}
	for _, name := range []string{store.Configs, store.Tokens, store.Executions, store.Index, store.Keys} {
		w.names[name] = azurite.TableName()
	}
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
func localRows(t *testing.T) history.Rows {
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
	out := egress.New(egress.Options{Policy: egress.Policy{Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}, PlainHTTP: true}})
	w.t.Cleanup(out.CloseIdleConnections)
	parts := assembly.Parts{Table: func(name string) history.Rows { return rows.Table(w.names[name]) }, Vault: vault, Client: out,
		Log: slog.New(slog.DiscardHandler), Now: w.clock.now, Account: rows.Account(), ConfigTTL: ttl,
		Prepare: func(ctx context.Context) { _ = vault.Prepare(ctx) }}
	all := assembly.New(parts)
	parts.Table = func(name string) history.Rows {
		if name == store.Tokens {
			return w.noTokens
		}
		return rows.Table(w.names[name])
	}
	sweeper := assembly.New(parts).Sweep
	sweeper.Catalog = all.Catalog
	return &instance{Executor: all.Execute, sweeper: sweeper, vault: vault}
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
