package storetest

import (
	"bytes"
	"slices"

	"callout/handler/store"
)

// headed is a row of partition p with a head.
func headed(key, head, data, etag string) store.Row {
	return store.Row{Partition: "p", Key: key, Head: []byte(head), Data: []byte(data), ETag: etag}
}

// is fails the test unless the row is that of partition p with that head and that
// data.
func (t table) is(what string, row store.Row, key, head, data string) {
	t.Helper()
	if row.Partition != "p" || row.Key != key || string(row.Head) != head || string(row.Data) != data {
		t.Errorf("%s: the row %q %q has the head %.40q (%d bytes) and the data %.40q (%d bytes)",
			what, row.Partition, row.Key, row.Head, len(row.Head), row.Data, len(row.Data))
	}
}

// only lists a range that must have one row.
func (t table) only(r store.Range) store.Row {
	t.Helper()
	page := t.list(r)
	if len(page.Rows) != 1 || page.More {
		t.Fatalf("%d rows are listed, More %v; want one", len(page.Rows), page.More)
	}
	return page.Rows[0]
}

// heads is everything in partition p, without data.
var heads = store.Range{Partition: "p", Heads: true}

var headCases = []tableCase{
	{"a row is found with its head", func(t table) {
		etag := t.write(headed("k", "head", "data", ""))
		row := t.holds("k", "data")
		t.is("Get", row, "k", "head", "data")
		t.is("List", t.only(store.Range{Partition: "p"}), "k", "head", "data")
		if row.ETag != etag {
			t.Errorf("its ETag is %s, and %s was given", row.ETag, etag)
		}
	}},
	{"heads are listed without data", func(t table) {
		etag := t.write(headed("k", "head", "data", ""))
		row := t.only(heads)
		t.is("List", row, "k", "head", "")
		if row.Data != nil || row.ETag != etag {
			t.Errorf("the data is %q, the ETag %s; want nil and %s", row.Data, row.ETag, etag)
		}
	}},
	{"a row without a head is listed among heads", func(t table) {
		t.put("k", "data", "")
		t.is("List", t.only(heads), "k", "", "")
		t.is("Get", t.holds("k", "data"), "k", "", "data")
	}},
	{"a head of no bytes is none", func(t table) {
		t.write(store.Row{Partition: "p", Key: "k", Head: []byte{}, Data: []byte("data")})
		t.is("List", t.only(heads), "k", "", "")
	}},
	{"head and data are replaced together", func(t table) {
		first := t.write(headed("k", "first", "first", ""))
		t.write(headed("k", "2nd", "2nd", first))
		_, err := t.rows.Put(t.Context(), headed("k", "third", "third", first))
		refused(t.T, "Put with a stale ETag", err, store.ErrConflict)
		t.is("Get", t.holds("k", "2nd"), "k", "2nd", "2nd")
		t.is("List", t.only(heads), "k", "2nd", "")
	}},
	{"a row that is written without a head has none any more", func(t table) {
		etag := t.write(headed("k", "head", "data", ""))
		t.put("k", "data", etag)
		t.is("Get", t.holds("k", "data"), "k", "", "data")
		t.is("List", t.only(heads), "k", "", "")
	}},
	{"the ETag of a listed head replaces and deletes the row", func(t table) {
		t.write(headed("k", "head", "data", ""))
		etag := t.put("k", "new", t.only(heads).ETag)
		t.refusesDelete("k", `"another"`, store.ErrConflict)
		if got := t.only(heads).ETag; got != etag {
			t.Errorf("the listed ETag is %s, and %s was given", got, etag)
		}
		t.delete("k", t.only(heads).ETag)
		t.lacks("k")
	}},
	{"a head is any bytes, and as long as it may be", func(t table) {
		for key, head := range map[string][]byte{
			"byte": {0}, "zeros": make([]byte, 300), "quote": []byte(`"`), "largest": pattern(largestHead), "not-utf8": {0xff, 0xfe},
		} {
			t.write(store.Row{Partition: "p", Key: key, Head: head, Data: pattern(largestRow)})
			got := t.only(store.Range{Partition: "p", Heads: true, Keys: []string{key}})
			if row := t.holds(key, string(pattern(largestRow))); !bytes.Equal(row.Head, head) || !bytes.Equal(got.Head, head) {
				t.Errorf("%s: the head has %d bytes, in the list %d; want %d", key, len(row.Head), len(got.Head), len(head))
			}
		}
	}},
	{"a head that is too large is refused before anything is written", func(t table) {
		large := string(pattern(largestHead + 1))
		_, err := t.rows.Put(t.Context(), headed("new", large, "data", ""))
		refused(t.T, "an insert", err, store.ErrTooLarge)
		t.lacks("new")
		etag := t.write(headed("k", "head", "data", ""))
		for _, state := range []string{etag, store.Any} {
			_, err = t.rows.Put(t.Context(), headed("k", large, "data", state))
			refused(t.T, "a replacement", err, store.ErrTooLarge)
		}
		t.is("Get", t.holds("k", "data"), "k", "head", "data")
	}},
	{"data that nobody asked for does not end a page", func(t table) {
		want := fillLarge(t)
		page := t.list(heads)
		if got := keysOf(page.Rows); !slices.Equal(got, want) || page.More {
			t.Errorf("listed are %v, More %v", got, page.More)
		}
		for _, row := range page.Rows {
			t.is("List", row, row.Key, row.Key, "")
		}
	}},
	{"a walk over the largest heads misses nothing", func(t table) {
		keys := make([]string, 150) // more than 4 MiB
		together(t.T, func(worker int) error {
			for i := worker; i < len(keys); i += workers {
				keys[i] = numbered(i)
				if _, err := t.rows.Put(t.Context(), store.Row{Partition: "p", Key: keys[i], Head: pattern(largestHead)}); err != nil {
					return err
				}
			}
			return nil
		})
		if got := keysOf(t.walk(heads)); !slices.Equal(got, keys) {
			t.Errorf("%d of %d are listed", len(got), len(keys))
		}
	}},
	{"heads are of the range", func(t table) {
		for _, key := range []string{"a", "b", "c", "d", "e"} {
			t.write(headed(key, key, "data", ""))
		}
		page := t.list(store.Range{Partition: "p", After: "a", Before: "e", Top: 2, Heads: true})
		if got := keysOf(page.Rows); !slices.Equal(got, []string{"b", "c"}) || !page.More {
			t.Errorf("listed are %v, More %v", got, page.More)
		}
	}},
}
