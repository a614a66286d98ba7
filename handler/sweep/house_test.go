package sweep_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"callout/handler/assembly"
	"callout/handler/callout"
	"callout/handler/catalog"
	"callout/handler/egress"
	"callout/handler/history"
	"callout/handler/keyring"
	"callout/handler/localstore"
	"callout/handler/secret"
	"callout/handler/store"
	"callout/handler/sweep"
)

// house is a catalog over a real store on a clock that tests move, and sweepers
// over the same store.
type house struct {
	*catalog.Catalog
	t     *testing.T
	clock *clock
	table *table
	vault *vault
	// tokens is the table of tokens.
	tokens  *table
	tableOf func(name string) history.Rows
	ids     atomic.Int64
}

func newHouse(t *testing.T) *house {
	t.Helper()
	opened, err := localstore.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = opened.Close() })
	h := &house{t: t, clock: &clock{}}
	h.clock.pass(time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC).Sub(time.Unix(0, 0)))
	h.tokens = &table{Table: opened.Table(store.Tokens)}
	h.table = &table{Table: opened.Table(store.Configs)}
	h.tableOf = func(name string) history.Rows {
		if name == store.Tokens {
			return h.tokens
		}
		return opened.Table(name)
	}
	h.vault = &vault{Vault: opened.Vault(), clock: h.clock, created: map[string]time.Time{}}
	h.Catalog = catalog.New(h.table, h.vault, catalog.Options{TTL: 10 * time.Second, Now: h.clock.now,
		NewID: func() string { return fmt.Sprintf("id-%d", h.ids.Add(1)) }})
	return h
}

// clock moves when a test says so.
type clock struct{ nanoseconds atomic.Int64 }

func (c *clock) now() time.Time       { return time.Unix(0, c.nanoseconds.Load()) }
func (c *clock) pass(d time.Duration) { c.nanoseconds.Add(int64(d)) }

// table is the real table with a hook.
type table struct {
	*localstore.Table
	beforePut func() error // fails in place of a write
	onList    func() error // happens after the rows were listed, or makes that fail
}

func (t *table) Put(ctx context.Context, row store.Row) (string, error) {
	if err := call(t.beforePut); err != nil {
		return "", err
	}
	return t.Table.Put(ctx, row)
}

func (t *table) List(ctx context.Context, r store.Range) (store.Page, error) {
	page, err := t.Table.List(ctx, r)
	return page, errors.Join(err, call(t.onList))
}

// vault is the real vault, which dates its versions by the test's clock and
// counts what is read. The hooks happen before a call, or make it fail; one is
// gone when it has happened.
type vault struct {
	*localstore.Vault
	clock      *clock
	gets       atomic.Int64
	onNames    func() error
	onVersions func() error
	onDisable  func() error
	onDelete   func() error

	mu      sync.Mutex
	created map[string]time.Time
}

func (v *vault) Set(ctx context.Context, name string, value secret.Secret) (string, error) {
	id, err := v.Vault.Set(ctx, name, value)
	v.mu.Lock()
	defer v.mu.Unlock()
	v.created[id] = v.clock.now()
	return id, err
}

func (v *vault) Get(ctx context.Context, name, version string) (secret.Secret, error) {
	v.gets.Add(1)
	return v.Vault.Get(ctx, name, version)
}

func (v *vault) Names(ctx context.Context) ([]string, error) {
	if err := once(&v.onNames); err != nil {
		return nil, err
	}
	return v.Vault.Names(ctx)
}

func (v *vault) Versions(ctx context.Context, name string) ([]store.Version, error) {
	if err := once(&v.onVersions); err != nil {
		return nil, err
	}
	versions, err := v.Vault.Versions(ctx, name)
	v.mu.Lock()
	defer v.mu.Unlock()
	for i := range versions {
		versions[i].Created = v.created[versions[i].ID]
	}
	return versions, err
}

func (v *vault) Disable(ctx context.Context, name, version string) error {
	if err := once(&v.onDisable); err != nil {
		return err
	}
	return v.Vault.Disable(ctx, name, version)
}

func (v *vault) Delete(ctx context.Context, name string) error {
	if err := once(&v.onDelete); err != nil {
		return err
	}
	return v.Vault.Delete(ctx, name)
}

func call(hook func() error) error {
	if hook == nil {
		return nil
	}
	return hook()
}

// once calls a hook and takes it away, so that what it does is not hooked.
func once(hook *func() error) error {
	if *hook == nil {
		return nil
	}
	f := *hook
	*hook = nil
	return f()
}

func down() error { return store.ErrUnavailable }

var errCrash = errors.New("the process is gone")

// put stores a configuration with that token; null clears it.
func (h *house) put(name, token string) *callout.Config {
	h.t.Helper()
	saved, err := h.tryPut(name, token)
	if err != nil {
		h.t.Fatal(err)
	}
	return saved
}

func (h *house) tryPut(name, token string) (*callout.Config, error) {
	h.t.Helper()
	if token != "null" {
		token = fmt.Sprintf("%q", token)
	}
	next := &callout.Config{}
	text := fmt.Sprintf(`{"name": %q, "endpoint": "https://api.example.com/v1", "method": "GET", "auth": {"type": "bearer", "token": %s}}`, name, token)
	if err := json.Unmarshal([]byte(text), next); err != nil {
		h.t.Fatal(err)
	}
	saved, _, err := h.Put(h.t.Context(), next, catalog.Condition{})
	return saved, err
}

// lose writes a version of a configuration's secrets that is never committed,
// and returns its id.
func (h *house) lose(name string) string {
	h.t.Helper()
	before := h.ids.Load()
	h.table.beforePut = func() error { return errCrash } // no outage: that is tried again, with another secret
	_, err := h.tryPut(name, "never-committed")
	h.table.beforePut = nil
	if err == nil {
		h.t.Fatal("the row was written")
	}
	config, err := h.Catalog.Get(h.t.Context(), name)
	id := fmt.Sprintf("id-%d", before+1)
	if err == nil {
		id = config.ID
	}
	versions, err := h.vault.Vault.Versions(h.t.Context(), catalog.VaultName(id))
	if err != nil || len(versions) == 0 {
		h.t.Fatalf("no version was left behind: %v", err)
	}
	return versions[len(versions)-1].ID
}

// keys returns the keyring of a cold instance.
func (h *house) keys() *keyring.Keyring {
	return keyring.New(keyring.Options{Rows: h.tokens, Vault: h.vault, Now: h.clock.now})
}

func (h *house) sweeper() *sweep.Sweeper {
	s := assembly.New(assembly.Parts{Table: h.tableOf, Vault: h.vault, Client: egress.New(egress.Options{}),
		Log: slog.New(slog.DiscardHandler), Now: h.clock.now}).Sweep
	s.Catalog = h.Catalog
	return s
}

// sweep runs once and checks what it took away, and that it read no value.
func (h *house) sweep(want sweep.Report) {
	h.t.Helper()
	gets := h.vault.gets.Load()
	report, err := h.sweeper().Run(h.t.Context())
	if err != nil || report != want {
		h.t.Errorf("a run: %+v, %v; want %+v", report, err, want)
	}
	if n := h.vault.gets.Load() - gets; n != 0 {
		h.t.Errorf("a run read %d secrets", n)
	}
}

// enabled lists the versions that can be read, and names without any.
func (h *house) enabled() map[string][]string {
	h.t.Helper()
	names, err := h.vault.Vault.Names(h.t.Context())
	if err != nil {
		h.t.Fatal(err)
	}
	out := map[string][]string{}
	for _, name := range names {
		versions, err := h.vault.Vault.Versions(h.t.Context(), name)
		if err != nil {
			h.t.Fatal(err)
		}
		out[name] = nil
		for _, v := range versions {
			if v.Enabled {
				out[name] = append(out[name], v.ID)
			}
		}
	}
	return out
}

// wantEnabled checks which versions of a configuration's secrets can be read.
func (h *house) wantEnabled(config *callout.Config, ids ...string) {
	h.t.Helper()
	if got := h.enabled()[catalog.VaultName(config.ID)]; !slices.Equal(got, ids) {
		h.t.Errorf("of %s these are enabled: %v, want %v", config.Name, got, ids)
	}
}

// wantNames checks which secrets there are.
func (h *house) wantNames(configs ...*callout.Config) {
	h.t.Helper()
	var want []string
	for _, config := range configs {
		want = append(want, catalog.VaultName(config.ID))
	}
	slices.Sort(want)
	if got := slices.Sorted(maps.Keys(h.enabled())); !slices.Equal(got, want) {
		h.t.Errorf("the vault holds %v, want %v", got, want)
	}
}
