package storetest

import (
	"fmt"
	"slices"

	"callout/handler/store"
)

var rangeCases = []tableCase{
	{"a range gives its rows in the order of their keys", ranges},
	{"a table without rows gives an empty page", func(t table) {
		if page := t.list(store.Range{Partition: "p"}); len(page.Rows) != 0 || page.More {
			t.Errorf("got %d rows, More %v", len(page.Rows), page.More)
		}
	}},
	{"a listed row is whole", func(t table) {
		t.put("k", "data", "")
		rows := t.list(store.Range{Partition: "p"}).Rows
		if len(rows) != 1 {
			t.Fatalf("got %d rows", len(rows))
		}
		if r := rows[0]; r.Partition != "p" || r.Key != "k" || string(r.Data) != "data" {
			t.Errorf("got %q %q %q", r.Partition, r.Key, r.Data)
		}
	}},
	{"a walk page by page misses nothing and repeats nothing", func(t table) {
		want := fill(t, 23)
		for _, top := range []int{1, 2, 22, 23, 24} {
			if got := keysOf(t.walk(store.Range{Partition: "p", Top: top})); !slices.Equal(got, want) {
				t.Errorf("in pages of %d: %v", top, got)
			}
		}
	}},
	{"a page has at most MaxTop rows", func(t table) {
		want := fill(t, store.MaxTop+1)
		for _, top := range []int{0, -1, store.MaxTop, store.MaxTop + 1, 1 << 30} {
			page := t.list(store.Range{Partition: "p", Top: top})
			if len(page.Rows) != store.MaxTop || !page.More {
				t.Errorf("Top %d: %d rows, More %v", top, len(page.Rows), page.More)
			}
		}
		rest := t.list(store.Range{Partition: "p", After: want[store.MaxTop-1]})
		if len(rest.Rows) != 1 || rest.More {
			t.Errorf("after them: %d rows, More %v", len(rest.Rows), rest.More)
		}
	}},
	{"a walk over large rows misses nothing", func(t table) {
		want := fillLarge(t)
		if got := keysOf(t.walk(store.Range{Partition: "p"})); !slices.Equal(got, want) {
			t.Errorf("got %v", got)
		}
	}},
}

// ranges lists a table whose partitions and keys begin like one another, and
// whose keys sort by their bytes: digits, capitals, small letters.
func ranges(t table) {
	for _, partition := range []string{"o", "p", "p-", "p0", "pp", "q"} {
		for _, key := range []string{"b", "aa", "a", "a-", "B", "ab", "1", "c~"} {
			t.write(store.Row{Partition: partition, Key: key, Data: []byte(partition)})
		}
	}
	cases := []struct {
		name string
		in   store.Range
		want string
		more bool
	}{
		{"everything", store.Range{}, "[1 B a a- aa ab b c~]", false},
		{"After is exclusive", store.Range{After: "a"}, "[a- aa ab b c~]", false},
		{"Before is exclusive", store.Range{Before: "ab"}, "[1 B a a- aa]", false},
		{"both", store.Range{After: "B", Before: "b"}, "[a a- aa ab]", false},
		{"After an absent key", store.Range{After: "a0"}, "[aa ab b c~]", false},
		{"Before an absent key", store.Range{Before: "a0"}, "[1 B a a-]", false},
		{"After the last", store.Range{After: "c~"}, "[]", false},
		{"Before the first", store.Range{Before: "1"}, "[]", false},
		{"nothing between", store.Range{After: "a", Before: "a-"}, "[]", false},
		{"After is Before", store.Range{After: "a", Before: "a"}, "[]", false},
		{"After is behind Before", store.Range{After: "b", Before: "a"}, "[]", false},
		{"Top of more", store.Range{Top: 3}, "[1 B a]", true},
		{"Top of exactly that many", store.Range{Top: 8}, "[1 B a a- aa ab b c~]", false},
		{"Top of fewer", store.Range{Top: 9}, "[1 B a a- aa ab b c~]", false},
		{"Top after a key", store.Range{After: "a-", Top: 2}, "[aa ab]", true},
		{"More does not look past Before", store.Range{After: "a-", Before: "b", Top: 2}, "[aa ab]", false},
		{"a partition that has a longer namesake", store.Range{Partition: "p0", Top: 1}, "[1]", true},
		{"a partition without rows", store.Range{Partition: "ppp"}, "[]", false},
		{"a partition that begins others", store.Range{Partition: "p", After: "c"}, "[c~]", false},
	}
	for _, c := range cases {
		if c.in.Partition == "" {
			c.in.Partition = "p"
		}
		page := t.list(c.in)
		if got := fmt.Sprint(keysOf(page.Rows)); got != c.want || page.More != c.more {
			t.Errorf("%s: %s, More %v; want %s, More %v", c.name, got, page.More, c.want, c.more)
		}
		for _, row := range page.Rows {
			if row.Partition != c.in.Partition || string(row.Data) != c.in.Partition {
				t.Errorf("%s: a row of partition %s", c.name, row.Partition)
			}
		}
	}
}

// fillLarge writes rows that are more than a page takes, by their data, and returns
// their keys in order.
func fillLarge(t table) []string {
	keys := make([]string, 8)
	for i := range keys {
		keys[i] = fmt.Sprint("k", i)
		t.write(store.Row{Partition: "p", Key: keys[i], Head: []byte(keys[i]), Data: pattern(largestRow)})
	}
	return keys
}

// fill writes n rows, several at a time, and returns their keys in order.
func fill(t table, n int) []string {
	keys := make([]string, n)
	for i := range keys {
		keys[i] = numbered(i)
	}
	together(t.T, func(worker int) error {
		for i := worker; i < n; i += workers {
			if _, err := t.rows.Put(t.Context(), store.Row{Partition: "p", Key: keys[i]}); err != nil {
				return err
			}
		}
		return nil
	})
	return keys
}

// numbered is the key of the i-th of many rows.
func numbered(i int) string { return fmt.Sprintf("k%05d", i) }
