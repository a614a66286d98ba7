package localstore

import (
	"errors"
	"path/filepath"
	"slices"
	"testing"

	"callout/handler/store"

	bolt "go.etcd.io/bbolt"
)

// olderStore makes a directory as Callout left it before rows had heads: rows of
// partition p with these keys, whose data is the key.
func olderStore(t *testing.T, keys ...string) (dir string) {
	t.Helper()
	dir = t.TempDir()
	s := open(t, dir)
	table := s.Table(people)
	alter(t, s, func(tx *bolt.Tx) (err error) {
		for _, key := range keys {
			stamp := newStamp()
			sealed := s.sealer.seal([]byte(key), "row", people, "p", key, string(stamp))
			err = errors.Join(err, table.put(tx, rowKey("p", key), slices.Concat(stamp, sealed)))
		}
		return err
	})
	if err := errors.Join(s.Close(), writeMeta(filepath.Join(dir, databaseFile), "1")); err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestAnOlderStoreGoesOn(t *testing.T) {
	dir := olderStore(t, "a", "b", "c")
	for range 2 { // it is marked once, and stays so
		s := open(t, dir)
		if err := s.db.View(func(tx *bolt.Tx) error {
			if got := string(tx.Bucket(metaBucket).Get(schemaKey)); got != "2" {
				t.Errorf("its schema is %s", got)
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		for _, heads := range []bool{false, true} {
			page, err := s.Table(people).List(t.Context(), store.Range{Partition: "p", Heads: heads})
			if err != nil || len(page.Rows) != 3 {
				t.Fatalf("%d rows, %v", len(page.Rows), err)
			}
			for _, row := range page.Rows {
				if row.Head != nil || heads != (row.Data == nil) || !heads && string(row.Data) != row.Key {
					t.Errorf("heads %v: %s has the head %q and the data %q", heads, row.Key, row.Head, row.Data)
				}
			}
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestAnOlderRowGetsAHeadWhenItIsWritten(t *testing.T) {
	s := open(t, olderStore(t, "a", "b"))
	table := s.Table(people)
	row, err := table.Get(t.Context(), "p", "a")
	if err != nil || string(row.Data) != "a" {
		t.Fatalf("Get: %q, %v", row.Data, err)
	}
	row.Head = []byte("head")
	if _, err := table.Put(t.Context(), row); err != nil {
		t.Fatalf("Put: %v", err)
	}
	page, err := table.List(t.Context(), store.Range{Partition: "p", Heads: true})
	if err != nil || len(page.Rows) != 2 || string(page.Rows[0].Head) != "head" || page.Rows[1].Head != nil {
		t.Errorf("List: %v, %v", page.Rows, err)
	}
}

func TestAnOlderRowThatWasAlteredIsDamaged(t *testing.T) {
	s := open(t, olderStore(t, "a"))
	table, key := s.Table(people), rowKey("p", "a")
	whole := rawRow(t, s, key)
	for i := range whole {
		flipped := slices.Clone(whole)
		flipped[i] ^= 1
		alter(t, s, func(tx *bolt.Tx) error { return table.put(tx, key, flipped) })
		_, get := table.Get(t.Context(), "p", "a")
		_, list := table.List(t.Context(), store.Range{Partition: "p", Heads: true})
		if !errors.Is(get, ErrDamaged) || !errors.Is(list, ErrDamaged) {
			t.Errorf("byte %d: Get: %v, List: %v", i, get, list)
		}
	}
}
