package storetest

import (
	"bytes"
	"testing"

	"callout/handler/store"
)

// tableCase is one sentence about tables and its proof.
type tableCase struct {
	name string
	test func(table)
}

// table is an open table together with the test that it serves.
type table struct {
	*testing.T
	rows Rows
}

// put writes a row of partition p that must be accepted.
func (t table) put(key, data, etag string) string {
	t.Helper()
	return t.write(store.Row{Partition: "p", Key: key, ETag: etag, Data: []byte(data)})
}

func (t table) write(row store.Row) string {
	t.Helper()
	etag, err := t.rows.Put(t.Context(), row)
	if err != nil {
		t.Fatalf("Put: %v", err)
	}
	return etag
}

// refusesPut writes a row of partition p that must not be accepted.
func (t table) refusesPut(key, data, etag string, want error) {
	t.Helper()
	got, err := t.rows.Put(t.Context(), store.Row{Partition: "p", Key: key, ETag: etag, Data: []byte(data)})
	refused(t.T, "Put", err, want)
	if got != "" {
		t.Errorf("a refused Put returned the ETag %s", got)
	}
}

func (t table) delete(key, etag string) {
	t.Helper()
	if err := t.rows.Delete(t.Context(), "p", key, etag); err != nil {
		t.Fatalf("Delete: %v", err)
	}
}

func (t table) refusesDelete(key, etag string, want error) {
	t.Helper()
	refused(t.T, "Delete", t.rows.Delete(t.Context(), "p", key, etag), want)
}

// holds fails the test unless the row of partition p has exactly that data.
func (t table) holds(key, data string) store.Row {
	t.Helper()
	row, err := t.rows.Get(t.Context(), "p", key)
	if err != nil {
		t.Fatalf("Get: %v", err)
	}
	if row.Partition != "p" || row.Key != key {
		t.Errorf("Get returned the row %q %q", row.Partition, row.Key)
	}
	if !bytes.Equal(row.Data, []byte(data)) {
		t.Errorf("the row holds %.40q (%d bytes), want %.40q (%d bytes)", row.Data, len(row.Data), data, len(data))
	}
	return row
}

// lacks fails the test if partition p has the row.
func (t table) lacks(key string) {
	t.Helper()
	_, err := t.rows.Get(t.Context(), "p", key)
	refused(t.T, "Get", err, store.ErrNotFound)
}

func (t table) list(r store.Range) store.Page {
	t.Helper()
	page, err := t.rows.List(t.Context(), r)
	if err != nil {
		t.Fatalf("List: %v", err)
	}
	return page
}

// walk lists a range page by page, as a reader of everything does.
func (t table) walk(r store.Range) []store.Row {
	t.Helper()
	var rows []store.Row
	for {
		page := t.list(r)
		rows = append(rows, page.Rows...)
		if !page.More {
			return rows
		}
		if len(page.Rows) == 0 {
			t.Fatal("a page is empty and has More")
		}
		r.After = page.Rows[len(page.Rows)-1].Key
	}
}

func keysOf(rows []store.Row) []string {
	keys := []string{}
	for _, row := range rows {
		keys = append(keys, row.Key)
	}
	return keys
}
