package localstore

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	bolt "go.etcd.io/bbolt"
)

// closedStore makes a store with rows in it and returns its directory and the
// length that its database cannot do without.
func closedStore(t *testing.T) (dir string, needed int64) {
	t.Helper()
	dir = t.TempDir()
	s, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 50 {
		put(t, s, fmt.Sprint("k", i), bytes.Repeat([]byte{byte(i)}, 3000))
	}
	read := s.db.View(func(tx *bolt.Tx) error {
		needed = tx.Size()
		return nil
	})
	if err := errors.Join(read, s.Close()); err != nil {
		t.Fatal(err)
	}
	return dir, needed
}

// refusesToOpen fails the test unless Open fails with all of these words.
func refusesToOpen(t *testing.T, dir string, words ...string) {
	t.Helper()
	s, err := Open(dir)
	if err == nil {
		t.Error("the store was opened", s.Close())
		return
	}
	for _, word := range words {
		if !strings.Contains(err.Error(), word) {
			t.Errorf("the error does not say %q: %v", word, err)
		}
	}
}

func TestOpenRefuses(t *testing.T) {
	cases := []struct {
		name    string
		breakIt func(key, database string) error
		words   []string
	}{
		{"a missing key", func(key, _ string) error { return os.Remove(key) },
			[]string{"key file", "is missing", "put the key file back"}},
		{"another store's key", func(key, _ string) error { return os.WriteFile(key, make([]byte, keySize), 0o600) },
			[]string{"does not belong to this store", "put back"}},
		{"an empty key", func(key, _ string) error { return os.Truncate(key, 0) },
			[]string{"0 bytes long and must be 32"}},
		{"a short key", func(key, _ string) error { return os.Truncate(key, 31) },
			[]string{"31 bytes long and must be 32", "put back"}},
		{"a long key", func(key, _ string) error { return os.Truncate(key, 33) },
			[]string{"33 bytes long and must be 32"}},
		{"a key that the group can read", func(key, _ string) error { return os.Chmod(key, 0o640) },
			[]string{"open to other users (mode 0640)", "chmod 600"}},
		{"a key that all can read", func(key, _ string) error { return os.Chmod(key, 0o604) },
			[]string{"open to other users", "chmod 600"}},
		{"a newer schema", func(_, db string) error { return writeMeta(db, "3") },
			[]string{"newer Callout (schema 3, this one knows 2)", "CALLOUT_DATA_DIR"}},
		{"a schema that is no number", func(_, db string) error { return writeMeta(db, "one") },
			[]string{"not a Callout database", "backup"}},
		{"a database of something else", foreignDatabase,
			[]string{"not a Callout database", "backup"}},
		{"a file that is no database", func(_, db string) error {
			return os.WriteFile(db, bytes.Repeat([]byte("no database "), 5000), 0o600)
		}, []string{"not a Callout database", "backup"}},
		{"pages of zeros", zeroPages,
			[]string{"cut short or not a Callout database", "backup"}},
		{"a directory in the place of the database", func(_, db string) error {
			return errors.Join(os.Remove(db), os.Mkdir(db, 0o700))
		}, []string{"not a Callout database", "remove it"}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			dir, _ := closedStore(t)
			if err := c.breakIt(filepath.Join(dir, keyFile), filepath.Join(dir, databaseFile)); err != nil {
				t.Fatal(err)
			}
			refusesToOpen(t, dir, c.words...)
		})
	}
}

// writeMeta changes the schema number of a closed database.
func writeMeta(database, number string) error {
	db, err := bolt.Open(database, 0o600, nil)
	if err != nil {
		return err
	}
	return errors.Join(db.Update(func(tx *bolt.Tx) error {
		return tx.Bucket(metaBucket).Put(schemaKey, []byte(number))
	}), db.Close())
}

// foreignDatabase puts the database of another program in the place of ours.
func foreignDatabase(_, database string) error {
	if err := os.Remove(database); err != nil {
		return err
	}
	db, err := bolt.Open(database, 0o600, nil)
	if err != nil {
		return err
	}
	return errors.Join(db.Update(func(tx *bolt.Tx) error {
		_, err := tx.CreateBucket([]byte("other"))
		return err
	}), db.Close())
}

// zeroPages blanks all but the two pages that describe the database.
func zeroPages(_, database string) error {
	content, err := os.ReadFile(database)
	if err != nil {
		return err
	}
	clear(content[2*os.Getpagesize():])
	return os.WriteFile(database, content, 0o600)
}

func TestOpenRefusesWhatWasCutShort(t *testing.T) {
	dir, needed := closedStore(t)
	database := filepath.Join(dir, databaseFile)
	whole, err := os.ReadFile(database)
	if err != nil {
		t.Fatal(err)
	}
	for _, length := range []int64{0, 1, 4095, 4096, 8191, 8192, 12288, 16384, needed / 2, needed - 4096, needed - 1} {
		if err := os.WriteFile(database, whole[:length], 0o600); err != nil {
			t.Fatal(err)
		}
		refusesToOpen(t, dir, "cut short", "restore it from a backup")
	}

	if err := os.WriteFile(database, whole[:needed], 0o600); err != nil {
		t.Fatal(err)
	}
	s := open(t, dir)
	for i := range 50 {
		row, err := s.Table(people).Get(t.Context(), "p", fmt.Sprint("k", i))
		if err != nil || !bytes.Equal(row.Data, bytes.Repeat([]byte{byte(i)}, 3000)) {
			t.Errorf("row %d: %v", i, err)
		}
	}
}

func TestAKeyWithoutDatabaseBeginsAnEmptyStore(t *testing.T) {
	dir, _ := closedStore(t)
	if err := os.Remove(filepath.Join(dir, databaseFile)); err != nil {
		t.Fatal(err)
	}
	before, err := os.ReadFile(filepath.Join(dir, keyFile))
	if err != nil {
		t.Fatal(err)
	}
	open(t, dir)
	after, err := os.ReadFile(filepath.Join(dir, keyFile))
	if err != nil || !bytes.Equal(before, after) {
		t.Errorf("the key was changed (%v)", err)
	}
}

func TestADatabaseThatWasNotBegunIsBegun(t *testing.T) {
	dir := t.TempDir()
	db, err := bolt.Open(filepath.Join(dir, databaseFile), 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(db.Close(), os.WriteFile(filepath.Join(dir, keyFile), make([]byte, keySize), 0o600)); err != nil {
		t.Fatal(err)
	}
	put(t, open(t, dir), "k", []byte("data"))
}

func TestTheDataDirectoryIsAFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	refusesToOpen(t, path, "data directory cannot be created", "CALLOUT_DATA_DIR")
}

func TestAFailedOpenLeavesTheStoreFree(t *testing.T) {
	dir, _ := closedStore(t)
	key := filepath.Join(dir, keyFile)
	right, err := os.ReadFile(key)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(key, make([]byte, keySize), 0o600); err != nil {
		t.Fatal(err)
	}
	refusesToOpen(t, dir, "does not belong")
	if err := os.WriteFile(key, right, 0o600); err != nil {
		t.Fatal(err)
	}
	open(t, dir)
}
