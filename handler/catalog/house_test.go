package catalog_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"callout/handler/callout"
	"callout/handler/catalog"
	"callout/handler/localstore"
	"callout/handler/schema"
	"callout/handler/secret"
	"callout/handler/store"
)

// ttl is how long the catalogs of the tests serve from memory.
const ttl = 10 * time.Second

// house is a catalog over a real store, with hooks on the way there.
type house struct {
	*catalog.Catalog
	t     *testing.T
	store *localstore.Store
	table *table
	vault *vault
	clock *clock
	ids   *atomic.Int64
}

func newHouse(t *testing.T) *house {
	t.Helper()
	opened, err := localstore.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = opened.Close() })
	h := &house{t: t, store: opened, clock: &clock{}, ids: &atomic.Int64{}}
	h.clock.pass(time.Date(2026, 1, 2, 3, 4, 5, 678e6, time.UTC).Sub(time.Unix(0, 0)))
	return h.instance()
}

// instance is another process over the same store: it shares nothing in memory.
func (h *house) instance() *house {
	other := *h
	other.table = &table{Table: h.store.Table(store.Configs)}
	other.vault = &vault{Vault: h.store.Vault()}
	other.Catalog = catalog.New(other.table, other.vault, catalog.Options{
		TTL: ttl, Now: h.clock.now,
		NewID: func() string { return fmt.Sprintf("id-%d", h.ids.Add(1)) },
	})
	return &other
}

// clock moves when a test says so.
type clock struct{ nanoseconds atomic.Int64 }

func (c *clock) now() time.Time       { return time.Unix(0, c.nanoseconds.Load()) }
func (c *clock) pass(d time.Duration) { c.nanoseconds.Add(int64(d)) }

// table is the real table. It counts what is read, and a test can make it fail.
// The hooks are set while nothing else happens.
type table struct {
	*localstore.Table
	gets      atomic.Int64
	beforeGet func() error // fails in place of a read
	afterGet  func()       // happens between a read and its return
	beforePut func() error // fails in place of a write
	afterPut  func() error // loses the answer to a write that was made
}

func (t *table) Get(ctx context.Context, partition, key string) (store.Row, error) {
	t.gets.Add(1)
	if err := call(t.beforeGet); err != nil {
		return store.Row{}, err
	}
	row, err := t.Table.Get(ctx, partition, key)
	if t.afterGet != nil {
		t.afterGet()
	}
	return row, err
}

func (t *table) Put(ctx context.Context, row store.Row) (string, error) {
	if err := call(t.beforePut); err != nil {
		return "", err
	}
	etag, err := t.Table.Put(ctx, row)
	if err := call(t.afterPut); err != nil {
		return "", err
	}
	return etag, err
}

// vault is the real vault. It counts what is read, and a test can make it fail.
type vault struct {
	*localstore.Vault
	gets      atomic.Int64
	beforeGet func() error
	beforeSet func() error
}

func (v *vault) Get(ctx context.Context, name, version string) (secret.Secret, error) {
	v.gets.Add(1)
	if err := call(v.beforeGet); err != nil {
		return secret.Secret{}, err
	}
	return v.Vault.Get(ctx, name, version)
}

func (v *vault) Set(ctx context.Context, name string, value secret.Secret) (string, error) {
	if err := call(v.beforeSet); err != nil {
		return "", err
	}
	return v.Vault.Set(ctx, name, value)
}

func call(hook func() error) error {
	if hook == nil {
		return nil
	}
	return hook()
}

func down() error { return store.ErrUnavailable }

// crm has a credential, a header that is a secret by its name, and one that is
// none.
const crm = `{
	"name": "crm", "method": "POST", "endpoint": "https://api.example.com/v1/contacts", "approval": "none",
	"auth": {"type": "bearer", "token": "canary-token-1"},
	"headers": [{"name": "X-Api-Key", "value": "canary-header-1"}, {"name": "Api-Version", "value": "2024-01"}],
	"fields": [{"name": "email", "type": "string", "required": true}]
}`

// plain has no secret.
func plain(name string) string {
	return fmt.Sprintf(`{"name": %q, "method": "GET", "endpoint": "https://api.example.com/v1/status", "approval": "none"}`, name)
}

func decode(t *testing.T, document string) *callout.Config {
	t.Helper()
	config := &callout.Config{}
	if err := json.Unmarshal([]byte(document), config); err != nil {
		t.Fatal(err)
	}
	return config
}

// merge applies a merge patch to a configuration as it is read, as the API does.
func merge(now *callout.Config, patch string) (*callout.Config, error) {
	data, err := json.Marshal(now)
	if err != nil {
		return nil, err
	}
	target, err := schema.Parse(data)
	if err != nil {
		return nil, err
	}
	change, err := schema.Parse([]byte(patch))
	if err != nil {
		return nil, err
	}
	if data, err = json.Marshal(schema.MergePatch(target, change)); err != nil {
		return nil, err
	}
	next := &callout.Config{}
	return next, json.Unmarshal(data, next)
}

func (h *house) create(document string) *callout.Config {
	h.t.Helper()
	saved, err := h.Create(h.t.Context(), decode(h.t, document))
	if err != nil {
		h.t.Fatalf("Create: %v", err)
	}
	return saved
}

func (h *house) put(document string) *callout.Config {
	h.t.Helper()
	saved, _, err := h.Put(h.t.Context(), decode(h.t, document), catalog.Condition{})
	if err != nil {
		h.t.Fatalf("Put: %v", err)
	}
	return saved
}

func (h *house) tryPatch(patch string, match ...string) (*callout.Config, error) {
	return h.Patch(h.t.Context(), "crm", catalog.Condition{Match: match},
		func(now *callout.Config) (*callout.Config, error) { return merge(now, patch) })
}

func (h *house) patch(patch string) *callout.Config {
	h.t.Helper()
	saved, err := h.tryPatch(patch)
	if err != nil {
		h.t.Fatalf("Patch with %s: %v", patch, err)
	}
	return saved
}

func (h *house) get(name string) *callout.Config {
	h.t.Helper()
	config, err := h.Get(h.t.Context(), name)
	if err != nil {
		h.t.Fatalf("Get: %v", err)
	}
	return config
}

// document is what a reader of the configuration is given.
func (h *house) document(name string) string {
	h.t.Helper()
	data, err := json.Marshal(h.get(name))
	if err != nil {
		h.t.Fatalf("a configuration as it is read: %v", err)
	}
	return string(data)
}

// wantSecrets checks the stored values, and that the row names just these.
func (h *house) wantSecrets(name string, want map[string]string) {
	h.t.Helper()
	config := h.get(name)
	bundle, err := h.Secrets(h.t.Context(), config)
	if err != nil {
		h.t.Fatalf("Secrets: %v", err)
	}
	got := map[string]string{}
	for path, value := range bundle {
		got[path] = value.Reveal()
	}
	if !maps.Equal(got, want) {
		h.t.Errorf("the vault holds %v, want %v", got, want)
	}
	var paths []string
	for _, ref := range config.Secrets {
		paths = append(paths, ref.Path)
	}
	if !slices.Equal(paths, slices.Sorted(maps.Keys(want))) {
		h.t.Errorf("the row names %v, want the paths of %v", paths, want)
	}
}

// versions lists the ids of the vault's versions of the secrets of a
// configuration, oldest first.
func (h *house) versions(config *callout.Config) []string {
	h.t.Helper()
	versions, err := h.store.Vault().Versions(h.t.Context(), "callout-"+config.ID)
	if err != nil {
		h.t.Fatal(err)
	}
	var ids []string
	for _, version := range versions {
		ids = append(ids, version.ID)
	}
	return ids
}

// disable switches the present secrets of a configuration off in the vault.
func (h *house) disable(config *callout.Config) {
	h.t.Helper()
	if err := h.store.Vault().Disable(h.t.Context(), "callout-"+config.ID, config.SecretVersion); err != nil {
		h.t.Fatal(err)
	}
}

func wantCode(t *testing.T, err error, code string) *callout.Error {
	t.Helper()
	var refusal *callout.Error
	if !errors.As(err, &refusal) || refusal.Code != code {
		t.Fatalf("got %v, want %s", err, code)
	}
	return refusal
}

// targets lists the places that an error names.
func targets(e *callout.Error) []string {
	var out []string
	for _, fault := range e.Details {
		out = append(out, fault.Target)
	}
	slices.Sort(out)
	return out
}
