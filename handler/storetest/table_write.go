package storetest

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"callout/handler/store"
)

var writeCases = []tableCase{
	{"a row is found as it was written", func(t table) {
		t.put("k", "data", "")
		t.holds("k", "data")
	}},
	{"a row is found under its own partition and key only", func(t table) {
		t.put("k", "data", "")
		t.lacks("K")
		t.lacks("kk")
		_, err := t.rows.Get(t.Context(), "P", "k")
		refused(t.T, "Get in another partition", err, store.ErrNotFound)
	}},
	{"without an ETag, only an absent row is written", func(t table) {
		t.put("k", "first", "")
		t.refusesPut("k", "second", "", store.ErrConflict)
		t.holds("k", "first")
	}},
	{"with the row's ETag, it is replaced", func(t table) {
		etag := t.put("k", "first", "")
		t.put("k", "second", etag)
		t.holds("k", "second")
	}},
	{"with a stale ETag, it is not", func(t table) {
		stale := t.put("k", "first", "")
		t.put("k", "second", stale)
		t.refusesPut("k", "third", stale, store.ErrConflict)
		t.holds("k", "second")
	}},
	{"with another row's ETag, it is not", func(t table) {
		other := t.put("other", "same", "")
		t.put("k", "same", "")
		t.refusesPut("k", "changed", other, store.ErrConflict)
		t.holds("k", "same")
	}},
	{"with an ETag, an absent row is not written", func(t table) {
		etag := t.put("k", "first", "")
		t.delete("k", etag)
		t.refusesPut("k", "second", etag, store.ErrConflict)
		t.lacks("k")
	}},
	{"the ETag of a row that was deleted and written again with the same data is stale", func(t table) {
		stale := t.put("k", "same", "")
		t.delete("k", stale)
		t.put("k", "same", "")
		t.refusesPut("k", "changed", stale, store.ErrConflict)
		t.refusesDelete("k", stale, store.ErrConflict)
		t.holds("k", "same")
	}},
	{"Any replaces whatever is there", func(t table) {
		t.put("k", "first", "")
		t.put("k", "second", store.Any)
		t.put("k", "third", store.Any)
		t.holds("k", "third")
	}},
	{"Any does not write an absent row", func(t table) {
		t.refusesPut("k", "data", store.Any, store.ErrConflict)
		t.lacks("k")
	}},
	{"every write gives an ETag that the row never had", neverTwice},
	{"Put, Get and List tell the same ETag", func(t table) {
		put := t.put("k", "data", "")
		got := t.holds("k", "data").ETag
		listed := t.list(store.Range{Partition: "p"}).Rows
		if got != put || len(listed) != 1 || listed[0].ETag != put {
			t.Errorf("Put gave %s, Get %s, List %v", put, got, listed)
		}
	}},
	{"an ETag is quoted as in HTTP", func(t table) {
		etag := t.put("k", "data", "")
		if len(etag) < 3 || !strings.HasPrefix(strings.TrimPrefix(etag, "W/"), `"`) || !strings.HasSuffix(etag, `"`) {
			t.Errorf("the ETag is %s", etag)
		}
	}},
	{"the caller keeps the bytes that it wrote", func(t table) {
		data := []byte("data")
		t.write(store.Row{Partition: "p", Key: "k", Data: data})
		clear(data)
		t.holds("k", "data")
	}},
	{"the caller may change the bytes that it read", func(t table) {
		t.put("k", "data", "")
		clear(t.holds("k", "data").Data)
		for _, row := range t.list(store.Range{Partition: "p"}).Rows {
			clear(row.Data)
		}
		t.holds("k", "data")
	}},
	{"a context that is done stops every call before it does anything", doneContext},
}

func neverTwice(t table) {
	seen := map[string]bool{store.Any: true}
	note := func(etag string) string {
		if seen[etag] {
			t.Fatalf("the ETag %s was given twice", etag)
		}
		seen[etag] = true
		return etag
	}
	for range 20 {
		first := note(t.put("k", "same", ""))
		second := note(t.put("k", "same", first))
		t.delete("k", second)
	}
}

func doneContext(t table) {
	etag := t.put("k", "data", "")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, insert := t.rows.Put(ctx, store.Row{Partition: "p", Key: "new"})
	_, replace := t.rows.Put(ctx, store.Row{Partition: "p", Key: "k", ETag: etag})
	_, get := t.rows.Get(ctx, "p", "k")
	_, list := t.rows.List(ctx, store.Range{Partition: "p"})
	remove := t.rows.Delete(ctx, "p", "k", etag)
	for i, err := range []error{insert, replace, get, list, remove} {
		if !errors.Is(err, context.Canceled) {
			t.Errorf("%s: %v; want the context's error", []string{"insert", "replace", "Get", "List", "Delete"}[i], err)
		}
	}
	t.put("later", "data", "") // by when a write that was begun all the same has ended
	t.lacks("new")
	t.holds("k", "data")
}

var deleteCases = []tableCase{
	{"with the row's ETag, it is deleted", func(t table) {
		t.delete("k", t.put("k", "data", ""))
		t.lacks("k")
	}},
	{"with a stale ETag, it is not", func(t table) {
		stale := t.put("k", "first", "")
		t.put("k", "second", stale)
		t.refusesDelete("k", stale, store.ErrConflict)
		t.holds("k", "second")
	}},
	{"Any deletes whatever is there", func(t table) {
		t.put("k", "data", "")
		t.delete("k", store.Any)
		t.lacks("k")
	}},
	{"without an ETag, nothing is deleted", func(t table) {
		t.put("k", "data", "")
		t.refusesDelete("k", "", store.ErrConflict)
		t.holds("k", "data")
	}},
	{"an absent row is not found, whatever the ETag", func(t table) {
		etag := t.put("k", "data", "")
		t.delete("k", etag)
		t.refusesDelete("k", etag, store.ErrNotFound)
		t.refusesDelete("k", store.Any, store.ErrNotFound)
		t.refusesDelete("k", "", store.ErrNotFound)
	}},
	{"nothing but that row is deleted", func(t table) {
		for _, key := range []string{"a", "k", "kk", "z"} {
			t.put(key, "data", "")
		}
		t.delete("k", store.Any)
		if got := fmt.Sprint(keysOf(t.walk(store.Range{Partition: "p"}))); got != "[a kk z]" {
			t.Errorf("left are %s", got)
		}
	}},
	{"a deleted row may be written again", func(t table) {
		t.delete("k", t.put("k", "first", ""))
		t.put("k", "second", "")
		t.holds("k", "second")
	}},
}
