package stores

import (
	"context"
	"slices"
	"sync"
	"testing"
	"time"

	"callout/handler/callout"
	"callout/handler/catalog"
	"callout/handler/execute"
	"callout/handler/store"
	"callout/handler/storetest/fault"
)

// rowRead and bundleRead are the shapes of the reads of a cold call.
func (w *world) rowRead() string { return "GET /devstoreaccount1/" + w.names[store.Configs] + "(key)" }

const bundleRead = "GET /secrets/{name}/{version}"

// TestChangesAreSeen: an instance that has a configuration in memory sees what
// another one has done to it when the TTL is over, and what was done by itself
// at once.
func TestChangesAreSeen(t *testing.T) {
	const old, renewed = "the-old-token", "the-new-token"
	for _, row := range []struct {
		what   string
		change func(*world, *catalog.Catalog) error
		token  string // that is sent from then on, or
		code   string // what is answered
	}{
		{"a new secret", func(w *world, c *catalog.Catalog) error {
			_, _, err := c.Put(t.Context(), w.config("api", "GET", renewed), catalog.Condition{})
			return err
		}, renewed, ""},
		{"switched off", func(_ *world, c *catalog.Catalog) error {
			_, err := c.Patch(t.Context(), "api", catalog.Condition{}, func(now *callout.Config) (*callout.Config, error) {
				next := *now
				next.Enabled = false
				return &next, nil
			})
			return err
		}, "", callout.ConfigDisabled},
		{"deleted", func(_ *world, c *catalog.Catalog) error {
			return c.Delete(t.Context(), "api", catalog.Condition{})
		}, "", callout.ConfigNotFound},
		{"deleted and created again", func(w *world, c *catalog.Catalog) error {
			if err := c.Delete(t.Context(), "api", catalog.Condition{}); err != nil {
				return err
			}
			_, err := c.Create(t.Context(), w.config("api", "GET", renewed))
			return err
		}, renewed, ""},
	} {
		t.Run(row.what, func(t *testing.T) {
			w := newWorld(t)
			here, there := w.instance(), w.instance()
			w.create(here, "api", "GET", old)
			w.call(here, "api", old)
			w.call(there, "api", old)
			if err := row.change(w, here.Catalog); err != nil {
				t.Fatal(err)
			}
			w.wantCall(here, row.token, row.code)
			w.clock.pass(ttl)
			w.wantCall(there, row.token, row.code)
			w.wantCall(here, row.token, row.code)
		})
	}
}

// wantCall calls api, and expects the token to arrive or the code to be answered.
func (w *world) wantCall(i *instance, token, code string) {
	w.t.Helper()
	if code == "" {
		w.call(i, "api", token)
		return
	}
	e, err := i.Do(w.t.Context(), execute.Call{Config: "api"})
	if got := (&op{err: err}).code(); got != code {
		w.t.Errorf("the call gives %q, want %q: %v", got, code, e)
	}
}

// held is a request to a store that has arrived and is not let through.
func (w *world) held(p *fault.Proxy, shape string) (open func()) {
	gate := make(chan struct{})
	p.Reset()
	p.Use(fault.Then(shape, fault.Hold(gate)))
	open = sync.OnceFunc(func() { close(gate) })
	w.t.Cleanup(open)
	return open
}

// count returns how many requests of the shape the proxy has seen.
func count(p *fault.Proxy, shape string) int {
	return len(slices.DeleteFunc(p.Requests(), func(s string) bool { return s != shape }))
}

func TestColdCallsShareTheirReads(t *testing.T) {
	const callers = 50
	w := newWorld(t)
	w.create(w.instance(), "api", "GET", "the-token")
	cold := w.instance()
	openRow, openBundle := w.held(w.tables, w.rowRead()), w.held(w.vault, bundleRead)
	var all, begun sync.WaitGroup
	begun.Add(callers)
	for range callers {
		all.Go(func() {
			begun.Done()
			if _, err := cold.Do(t.Context(), execute.Call{Config: "api"}); err != nil {
				t.Error(err)
			}
		})
	}
	begun.Wait()
	await(t, w.tables, w.rowRead(), 1)
	openRow()
	await(t, w.vault, bundleRead, 1)
	openBundle()
	all.Wait()
	if rows, bundles := count(w.tables, w.rowRead()), count(w.vault, bundleRead); rows != 1 || bundles != 1 {
		t.Errorf("%d callers made %d reads of the row and %d of its secrets", callers, rows, bundles)
	}
	if challenges := len(w.vault.Requests()) - 1; challenges != 1 || w.calls.Load() != callers {
		t.Errorf("they made %d challenges and %d calls", challenges, w.calls.Load())
	}
}

// TestWhoLeavesDoesNotEndTheRead: the read that the first caller began goes on
// for the others when that caller leaves.
func TestWhoLeavesDoesNotEndTheRead(t *testing.T) {
	for _, row := range []struct {
		what  string
		proxy func(*world) *fault.Proxy
		shape func(*world) string
	}{
		{"the row", func(w *world) *fault.Proxy { return w.tables }, (*world).rowRead},
		{"the secrets", func(w *world) *fault.Proxy { return w.vault }, func(*world) string { return bundleRead }},
	} {
		t.Run(row.what, func(t *testing.T) {
			w := newWorld(t)
			w.create(w.instance(), "api", "GET", "the-token")
			cold := w.instance()
			proxy, shape := row.proxy(w), row.shape(w)
			open := w.held(proxy, shape)
			ctx, leave := context.WithCancel(t.Context())
			first, second := make(chan error), make(chan error)
			call := func(ctx context.Context, told chan<- error) {
				_, err := cold.Do(ctx, execute.Call{Config: "api"})
				told <- err
			}
			go call(ctx, first)
			await(t, proxy, shape, 1)
			go call(t.Context(), second)
			leave()
			if got := (&op{err: <-first}).code(); got != callout.StorageUnavailable {
				t.Errorf("who left was told %q", got)
			}
			open()
			if err := <-second; err != nil {
				t.Error(err)
			}
			if n := count(proxy, shape); n != 1 {
				t.Errorf("%d reads", n)
			}
		})
	}
}

// TestASlowRevalidationHoldsNobodyUp: when memory has an answer that is past its
// time, a call is made with it rather than wait for a store that is slow, and
// what the store says at last is heeded.
func TestASlowRevalidationHoldsNobodyUp(t *testing.T) {
	w := newWorld(t)
	here, there := w.instance(), w.beside().instance()
	w.create(here, "api", "GET", "the-old-token")
	w.call(here, "api", "the-old-token")
	w.clock.pass(ttl)
	open := w.held(w.tables, w.rowRead())
	if _, _, err := there.Catalog.Put(t.Context(), w.config("api", "GET", "the-new-token"), catalog.Condition{}); err != nil {
		t.Fatal(err)
	}
	w.call(here, "api", "the-old-token") // while the read is held
	if n := count(w.tables, w.rowRead()); n != 1 {
		t.Fatalf("%d reads were held", n)
	}
	open()
	w.call(here, "api", "the-new-token")
}

// A secret is read again every hour, for it may have been disabled.
func TestASlowVaultHoldsNobodyUp(t *testing.T) {
	w := newWorld(t)
	here, there := w.instance(), w.beside().instance()
	saved := w.create(here, "api", "GET", "the-token")
	w.call(here, "api", "the-token")
	w.clock.pass(time.Hour)
	open := w.held(w.vault, bundleRead)
	if err := there.vault.Disable(t.Context(), catalog.VaultName(saved.ID), saved.SecretVersion); err != nil {
		t.Fatal(err)
	}
	w.call(here, "api", "the-token") // while the read is held
	if n := count(w.vault, bundleRead); n != 1 {
		t.Fatalf("%d reads were held", n)
	}
	open()
	w.wantCall(here, "", string(callout.CredentialMissing))
}
