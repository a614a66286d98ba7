package stores

import (
	"bytes"
	"fmt"
	"slices"
	"sync"
	"testing"

	"callout/handler/catalog"
	"callout/handler/store"
	"callout/handler/storetest/azurite"
	"callout/handler/storetest/fault"
	"callout/handler/tablestore"
)

// fill adds the configurations of those numbers, as copies of what is stored of
// one that is then deleted.
func (w *world) fill(i *instance, from, to int) {
	w.t.Helper()
	rows, err := tablestore.New(tablestore.Options{ConnectionString: azurite.Shared(w.t).ConnectionString()})
	if err != nil {
		w.t.Fatal(err)
	}
	table := rows.Table(w.names[store.Configs])
	w.create(i, "original", "GET", "the-token")
	original, err := table.Get(w.t.Context(), "config", "original")
	if err != nil {
		w.t.Fatal(err)
	}
	if err := i.Catalog.Delete(w.t.Context(), "original", catalog.Condition{}); err != nil {
		w.t.Fatal(err)
	}
	var all sync.WaitGroup
	for worker := range workers {
		all.Go(func() {
			for n := from + worker; n < to; n += workers {
				name := numbered(n)
				data := bytes.ReplaceAll(original.Data, []byte(`"original"`), []byte(`"`+name+`"`))
				if _, err := table.Put(w.t.Context(), store.Row{Partition: original.Partition, Key: name, Data: data}); err != nil {
					w.t.Error(err)
				}
			}
		})
	}
	all.Wait()
}

func numbered(n int) string { return fmt.Sprintf("api_%04d", n) }

// list reads all configurations, in pages of the size, and returns their names.
func (w *world) list(i *instance, top int) (names []string) {
	w.t.Helper()
	for after, more := "", true; more; {
		page, next, err := i.Catalog.List(w.t.Context(), after, top)
		if err != nil {
			w.t.Fatal(err)
		}
		for _, config := range page {
			names = append(names, config.Name)
		}
		more = next && len(page) > 0
		if next && len(page) == 0 {
			w.t.Fatal("an empty page says that there are more")
		}
		if more {
			after = names[len(names)-1]
		}
	}
	return names
}

// TestLists: a list takes a request for each thousand configurations, one at
// least, and none to the vault, however many secrets there are. When the service
// gives less than it was asked for, the list is as complete.
func TestLists(t *testing.T) {
	w := newWorld(t)
	i := w.instance()
	there := 0
	for _, n := range []int{0, 1, 1000, 1001, 2000} {
		w.fill(i, there, n)
		there = n
		want := []string{}
		for k := range n {
			want = append(want, numbered(k))
		}
		var names []string
		tables, vault := w.sent(func() { names = w.list(i, store.MaxTop) })
		if !slices.Equal(names, want) {
			t.Errorf("of %d configurations are listed %d", n, len(names))
		}
		if requests := max(1, (n+999)/1000); len(tables) != requests || len(vault) != 0 {
			t.Errorf("a list of %d takes %d requests to the tables, want %d, and %d to the vault", n, len(tables), requests, len(vault))
		}
		w.wantListThroughFaults(i, want)
	}
}

// wantListThroughFaults lists while pages are short and empty, and answers are
// lost.
func (w *world) wantListThroughFaults(i *instance, want []string) {
	w.t.Helper()
	query := "GET /devstoreaccount1/" + w.names[store.Configs] + "()"
	defer w.tables.Use(nil)
	for what, rule := range map[string]fault.Rule{
		"one after the other": fault.Then(query, fault.Empty(), fault.Shorten(1), fault.Empty(), fault.Empty(),
			fault.Cut(), fault.Shorten(999), fault.DropReply(), fault.Pass(), fault.Empty(), fault.Shorten(500)),
		"a third short, a third empty": fault.Random(uint64(len(want)), fault.Rates{Shorten: 1. / 3, Empty: 1. / 3}),
	} {
		w.tables.Reset()
		w.tables.Use(rule)
		if names := w.list(i, store.MaxTop); !slices.Equal(names, want) {
			w.t.Errorf("%s: of %d configurations are listed %d", what, len(want), len(names))
		}
		w.t.Logf("a list of %d, faults %s: %d requests, %v", len(want), what, len(w.tables.Requests()), w.tables.Faults())
	}
}
