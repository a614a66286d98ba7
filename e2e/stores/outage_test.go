package stores

import (
	"slices"
	"sync"
	"testing"
	"time"

	"callout/handler/callout"
	"callout/handler/catalog"
	"callout/handler/execute"
	"callout/handler/history"
	"callout/handler/storetest/fault"
)

// calmWorld has configurations whose secrets an instance has in memory, and one
// that it has never seen.
func calmWorld(t *testing.T) (*world, *instance) {
	t.Helper()
	w := newWorld(t)
	i := w.instance()
	for name, method := range map[string]string{"get_it": "GET", "post_it": "POST"} {
		w.create(i, name, method, "token-of-"+name)
		w.call(i, name, "token-of-"+name)
	}
	w.create(w.instance(), "unseen", "GET", "token-of-unseen")
	return w, i
}

// wantRecords checks how many executions are on record, and that none is on its
// way.
func (w *world) wantRecords(n int) {
	w.t.Helper()
	page, err := w.instance().History.List(w.t.Context(), history.Query{})
	if err != nil {
		w.t.Fatal(err)
	}
	if len(page.Executions) != n {
		w.t.Errorf("%d executions are on record, want %d", len(page.Executions), n)
	}
	for _, e := range page.Executions {
		if e.Status != callout.Succeeded {
			w.t.Errorf("a record of %s says %s", e.Config, e.Status)
		}
	}
}

func recorded(e *callout.Execution) bool { return e.Recorded == nil || *e.Recorded }

// together runs what waits for the SDK's tries at the same time, however many
// processors there are.
func together(t *testing.T, cases map[string]func(t *testing.T)) {
	t.Helper()
	var wait sync.WaitGroup
	for name, check := range cases {
		wait.Go(func() { t.Run(name, check) })
	}
	wait.Wait()
}

func TestTheTablesAreUnreachable(t *testing.T) {
	t.Parallel()
	w, i := calmWorld(t)
	w.tables.Use(fault.Always(fault.DropRequest()))
	w.clock.pass(ttl + time.Second)
	calls := w.calls.Load()
	together(t, map[string]func(*testing.T){
		"a safe call from memory is made, and says that it is not on record": func(t *testing.T) {
			if e := w.call(i, "get_it", "token-of-get_it"); e.Status != callout.Succeeded || recorded(e) {
				t.Errorf("it is %s, recorded %v", e.Status, recorded(e))
			}
		},
		"any other is refused": func(t *testing.T) {
			if _, err := i.Do(t.Context(), execute.Call{Config: "post_it"}); !isCode(err, callout.StorageUnavailable) {
				t.Errorf("a POST: %v", err)
			}
		},
		"what is not in memory cannot be called": func(t *testing.T) {
			if _, err := i.Do(t.Context(), execute.Call{Config: "unseen"}); !isCode(err, callout.StorageUnavailable) {
				t.Errorf("a call: %v", err)
			}
		},
		"nothing can be changed": func(t *testing.T) {
			if _, err := i.Catalog.Create(t.Context(), w.config("fresh", "GET", "token-of-fresh")); !isCode(err, callout.StorageUnavailable) {
				t.Errorf("a new configuration: %v", err)
			}
		},
	})
	if n := w.calls.Load() - calls; n != 1 {
		t.Errorf("the upstream saw %d requests, want the safe one", n)
	}
	w.wantVaultAsBefore(3)

	w.tables.Use(nil)
	w.clock.pass(ttl + time.Second)
	for _, name := range []string{"get_it", "post_it", "unseen"} {
		if e := w.call(i, name, "token-of-"+name); e.Status != callout.Succeeded || !recorded(e) {
			t.Errorf("afterwards a call of %s is %s, recorded %v", name, e.Status, recorded(e))
		}
	}
	w.wantRecords(2 + 3)
}

// wantVaultAsBefore checks that no secret was written.
func (w *world) wantVaultAsBefore(secrets int) {
	w.t.Helper()
	vault := w.instance().vault
	names, err := vault.Names(w.t.Context())
	if err != nil || len(names) != secrets {
		w.t.Errorf("the vault holds %d secrets, want %d, %v", len(names), secrets, err)
	}
	for _, name := range names {
		if versions, err := vault.Versions(w.t.Context(), name); err != nil || len(versions) != 1 {
			w.t.Errorf("a secret has %d versions, want 1, %v", len(versions), err)
		}
	}
}

// A change that was made elsewhere is seen when the outage is over, and not
// covered by what was in memory.
func TestWhatChangedBeforeAnOutageIsSeenAfterIt(t *testing.T) {
	t.Parallel()
	w, i := calmWorld(t)
	if _, _, err := w.instance().Catalog.Put(t.Context(), w.config("get_it", "GET", "token-of-another"), catalog.Condition{}); err != nil {
		t.Fatal(err)
	}
	w.clock.pass(ttl + time.Second)
	w.tables.Use(fault.Always(fault.DropRequest()))
	w.call(i, "get_it", "token-of-get_it")
	w.tables.Use(nil)
	w.clock.pass(ttl + time.Second)
	w.call(i, "get_it", "token-of-another")
}

func TestTheVaultIsUnreachable(t *testing.T) {
	t.Parallel()
	w, i := calmWorld(t)
	w.vault.Use(fault.Always(fault.DropRequest()))
	together(t, map[string]func(*testing.T){
		"calls with secrets from memory are made, also past the hour": func(t *testing.T) {
			for _, ahead := range []time.Duration{0, time.Hour + time.Second} {
				w.clock.pass(ahead)
				for _, name := range []string{"get_it", "post_it"} {
					if e := w.call(i, name, "token-of-"+name); e.Status != callout.Succeeded || !recorded(e) {
						t.Errorf("a call of %s is %s, recorded %v", name, e.Status, recorded(e))
					}
				}
			}
		},
		"what is not in memory cannot be called": func(t *testing.T) {
			if _, err := i.Do(t.Context(), execute.Call{Config: "unseen"}); !isCode(err, callout.StorageUnavailable) {
				t.Errorf("a call: %v", err)
			}
		},
		"nor by a process that has just begun": func(t *testing.T) {
			if _, err := w.instance().Do(t.Context(), execute.Call{Config: "post_it"}); !isCode(err, callout.StorageUnavailable) {
				t.Errorf("a call: %v", err)
			}
		},
		"no secret can be created": func(t *testing.T) {
			if _, err := i.Catalog.Create(t.Context(), w.config("fresh", "GET", "token-of-fresh")); !isCode(err, callout.StorageUnavailable) {
				t.Errorf("a new configuration: %v", err)
			}
			if _, err := i.Catalog.Get(t.Context(), "fresh"); !isCode(err, callout.ConfigNotFound) {
				t.Errorf("afterwards it is there: %v", err)
			}
		},
		"nor changed, and the old state stays": func(t *testing.T) {
			if _, _, err := i.Catalog.Put(t.Context(), w.config("unseen", "GET", "token-of-another"), catalog.Condition{}); !isCode(err, callout.StorageUnavailable) {
				t.Errorf("a change: %v", err)
			}
		},
		"what needs no secret works": func(t *testing.T) { w.wantReadable(i) },
	})
	if n := w.calls.Load(); n != 2+4 {
		t.Errorf("the upstream saw %d requests, want %d", n, 2+4)
	}
	w.wantRecords(2 + 4)

	w.vault.Use(nil)
	w.clock.pass(time.Hour + time.Second)
	w.wantVaultAsBefore(3)
	for _, name := range []string{"get_it", "post_it", "unseen"} {
		w.call(i, name, "token-of-"+name)
	}
	w.create(i, "fresh", "GET", "token-of-fresh")
	w.call(i, "fresh", "token-of-fresh")
}

// wantReadable lists, reads and changes without the vault.
func (w *world) wantReadable(i *instance) {
	w.t.Helper()
	configs, more, err := i.Catalog.List(w.t.Context(), "", 1000)
	if err != nil || more || !slices.ContainsFunc(configs, func(c *callout.Config) bool { return c.Name == "unseen" }) {
		w.t.Errorf("the list has %d configurations, %v", len(configs), err)
	}
	config, err := i.Catalog.Get(w.t.Context(), "unseen")
	if err != nil {
		w.t.Fatal(err)
	}
	config.Labels = map[string]string{"changed": "yes"}
	if _, _, err := i.Catalog.Put(w.t.Context(), config, catalog.Condition{}); err != nil {
		w.t.Errorf("a change that leaves the secrets as they are: %v", err)
	}
}
