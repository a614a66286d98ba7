package storetest

import (
	"slices"
	"strings"

	"callout/handler/store"
)

var keysCases = []tableCase{
	{"named rows are given in the order of their keys", namedRows},
	{"named rows are whole, or heads", func(t table) {
		t.write(headed("a", "head of a", "data of a", ""))
		etag := t.write(headed("b", "head of b", "data of b", ""))
		t.is("whole", t.only(store.Range{Partition: "p", Keys: []string{"b"}}), "b", "head of b", "data of b")
		row := t.only(store.Range{Partition: "p", Keys: []string{"b"}, Heads: true})
		t.is("the head", row, "b", "head of b", "")
		if row.ETag != etag {
			t.Errorf("the ETag is %s, and %s was given", row.ETag, etag)
		}
	}},
	{"nothing is found in a table without rows", func(t table) {
		if page := t.list(store.Range{Partition: "p", Keys: []string{"a", "b"}}); len(page.Rows) != 0 || page.More {
			t.Errorf("got %d rows, More %v", len(page.Rows), page.More)
		}
	}},
	{"more keys than a page takes", func(t table) {
		want := fill(t, store.MaxTop+1)
		page := t.list(store.Range{Partition: "p", Keys: want})
		if len(page.Rows) != store.MaxTop || !page.More {
			t.Errorf("%d rows, More %v", len(page.Rows), page.More)
		}
		if got := keysOf(t.walk(store.Range{Partition: "p", Keys: want})); !slices.Equal(got, want) {
			t.Errorf("of %d rows %d are found", len(want), len(got))
		}
	}},
	{"a walk over large named rows misses nothing", func(t table) {
		want := fillLarge(t)
		named := append([]string{"absent", "k", "k3-"}, want...)
		if got := keysOf(t.walk(store.Range{Partition: "p", Keys: named})); !slices.Equal(got, want) {
			t.Errorf("found are %v", got)
		}
		page := t.list(store.Range{Partition: "p", Keys: named, Heads: true})
		if got := keysOf(page.Rows); !slices.Equal(got, want) || page.More {
			t.Errorf("of their heads are found %v, More %v", got, page.More)
		}
	}},
}

// namedRows names rows of a table whose partitions and keys begin like one another.
func namedRows(t table) {
	for _, partition := range []string{"o", "p", "pp"} {
		for _, key := range []string{"b", "aa", "a", "B", "1"} {
			t.write(store.Row{Partition: partition, Key: key, Data: []byte(partition)})
		}
	}
	t.write(store.Row{Partition: "pp", Key: "elsewhere"})
	cases := []struct {
		name string
		in   store.Range
		want string
		more bool
	}{
		{"all, in another order", store.Range{Keys: []string{"b", "1", "aa", "B", "a"}}, "1 B a aa b", false},
		{"some", store.Range{Keys: []string{"aa", "1"}}, "1 aa", false},
		{"one", store.Range{Keys: []string{"a"}}, "a", false},
		{"one twice", store.Range{Keys: []string{"a", "b", "a"}}, "a b", false},
		{"absent ones", store.Range{Keys: []string{"0", "a", "a0", "elsewhere", "z"}}, "a", false},
		{"absent ones alone", store.Range{Keys: []string{"0", "z"}}, "", false},
		{"none", store.Range{Keys: []string{}}, "", false},
		{"not said", store.Range{Keys: nil}, "1 B a aa b", false},
		{"After is exclusive", store.Range{Keys: []string{"1", "B", "b"}, After: "B"}, "b", false},
		{"Before is exclusive", store.Range{Keys: []string{"1", "B", "b"}, Before: "B"}, "1", false},
		{"nothing between", store.Range{Keys: []string{"1", "B", "b"}, After: "B", Before: "aa"}, "", false},
		{"Top of more", store.Range{Keys: []string{"b", "a", "1"}, Top: 2}, "1 a", true},
		{"Top of exactly that many", store.Range{Keys: []string{"b", "1"}, Top: 2}, "1 b", false},
		{"Top of fewer, absent ones among them", store.Range{Keys: []string{"b", "0", "1", "z", "z0"}, Top: 2}, "1 b", false},
		{"a partition without rows", store.Range{Partition: "q", Keys: []string{"a"}}, "", false},
	}
	for _, c := range cases {
		if c.in.Partition == "" {
			c.in.Partition = "p"
		}
		given := slices.Clone(c.in.Keys)
		page := t.list(c.in)
		if got := strings.Join(keysOf(page.Rows), " "); got != c.want || page.More != c.more {
			t.Errorf("%s: %s, More %v; want %s, More %v", c.name, got, page.More, c.want, c.more)
		}
		for _, row := range page.Rows {
			if row.Partition != c.in.Partition || string(row.Data) != c.in.Partition {
				t.Errorf("%s: a row of partition %s", c.name, row.Partition)
			}
		}
		if !slices.Equal(given, c.in.Keys) {
			t.Errorf("%s: the caller's keys became %v", c.name, c.in.Keys)
		}
	}
}
