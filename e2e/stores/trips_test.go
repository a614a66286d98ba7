package stores

import (
	"encoding/json"
	"fmt"
	"testing"

	"callout/handler/callout"
	"callout/handler/catalog"
	"callout/handler/execute"
)

// config decodes a configuration of the upstream.
func (w *world) config(name, method, token string) *callout.Config {
	w.t.Helper()
	c := &callout.Config{}
	text := fmt.Sprintf(`{"name": %q, "endpoint": %q, "method": %q, "approval": "none", "auth": {"type": "bearer", "token": %q}}`,
		name, w.upstream.URL, method, token)
	if err := json.Unmarshal([]byte(text), c); err != nil {
		w.t.Fatal(err)
	}
	return c
}

func (w *world) create(i *instance, name, method, token string) *callout.Config {
	w.t.Helper()
	saved, err := i.Catalog.Create(w.t.Context(), w.config(name, method, token))
	if err != nil {
		w.t.Fatal(err)
	}
	return saved
}

// call executes and expects the credential to have arrived.
func (w *world) call(i *instance, name, token string) *callout.Execution {
	w.t.Helper()
	e, err := i.Do(w.t.Context(), execute.Call{Config: name})
	if err != nil {
		w.t.Fatal(err)
	}
	var body struct{ Who string }
	if e.Response == nil || json.Unmarshal(e.Response.Body, &body) != nil || backwards(body.Who) != "Bearer "+token {
		w.t.Fatalf("the upstream saw another credential: %+v", e)
	}
	return e
}

// sent counts what was sent to the stores while f ran.
func (w *world) sent(f func()) (tables, vault []string) {
	w.tables.Reset()
	w.vault.Reset()
	f()
	return w.tables.Requests(), w.vault.Requests()
}

// TestRoundTrips is the table of what a call costs, counted at the wire.
func TestRoundTrips(t *testing.T) {
	w := newWorld(t)
	writer := w.instance()
	w.create(writer, "get_it", "GET", "token-of-get-it")
	w.create(writer, "post_it", "POST", "token-of-post-it")
	w.call(writer, "get_it", "token-of-get-it") // creates the table of executions

	cold := w.instance()
	for _, row := range []struct {
		what          string
		do            func()
		tables, vault int
	}{
		{"cold GET: the row, beside the challenge; the bundle, beside the pointer; the record", func() { w.call(cold, "get_it", "token-of-get-it") }, 3, 2},
		{"warm GET: pointer and record", func() { w.call(cold, "get_it", "token-of-get-it") }, 2, 0},
		{"first POST: the row; the bundle, beside the pointer; intent and outcome", func() { w.call(cold, "post_it", "token-of-post-it") }, 4, 1},
		{"warm POST: pointer, intent and outcome", func() { w.call(cold, "post_it", "token-of-post-it") }, 3, 0},
		{"GET past the TTL: the row, pointer and record", func() { w.clock.pass(ttl); w.call(cold, "get_it", "token-of-get-it") }, 3, 0},
		{"a list", func() { _, _, _ = cold.Catalog.List(t.Context(), "", 1000) }, 1, 0},
		{"a read: the row and its test", func() { _, _ = cold.Catalog.Get(t.Context(), "get_it") }, 2, 0},
		{"a change: the row, its replacement, its test; the bundle", func() {
			_, _, _ = cold.Catalog.Put(t.Context(), w.config("get_it", "GET", "another-token"), catalog.Condition{})
		}, 3, 1},
	} {
		tables, vault := w.sent(row.do)
		t.Logf("%-60s %d to the tables, %d to the vault", row.what, len(tables), len(vault))
		if len(tables) != row.tables || len(vault) != row.vault {
			t.Errorf("%s: %v to the tables, want %d; %v to the vault, want %d", row.what, tables, row.tables, vault, row.vault)
		}
	}
}
