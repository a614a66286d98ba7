package localstore

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"callout/handler/secret"
	"callout/handler/store"
	"callout/handler/storetest"

	bolt "go.etcd.io/bbolt"
)

// people is the table that the tests write to.
const people = "people"

// open opens a store for the length of the test.
func open(t testing.TB, dir string) *Store {
	t.Helper()
	s, err := Open(dir)
	if err != nil {
		t.Fatalf("Open: %v", err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
	return s
}

// put writes a row of partition p that must be accepted.
func put(t testing.TB, s *Store, key string, data []byte) string {
	t.Helper()
	etag, err := s.Table(people).Put(t.Context(), store.Row{Partition: "p", Key: key, Data: data})
	if err != nil {
		t.Fatalf("Put: %v", err)
	}
	return etag
}

// set stores a secret that must be accepted.
func set(t testing.TB, s *Store, name, value string) string {
	t.Helper()
	version, err := s.Vault().Set(t.Context(), name, secret.New(value))
	if err != nil {
		t.Fatalf("Set: %v", err)
	}
	return version
}

// alter changes the database behind the store's back.
func alter(t *testing.T, s *Store, change func(*bolt.Tx) error) {
	t.Helper()
	if err := s.db.Update(change); err != nil {
		t.Fatal(err)
	}
}

func TestTables(t *testing.T) {
	storetest.Tables(t, func(t *testing.T) storetest.Rows { return open(t, t.TempDir()).Table(people) })
}

func TestVault(t *testing.T) {
	storetest.Vault(t, func(t *testing.T) storetest.SecretVault { return open(t, t.TempDir()).Vault() })
}

func TestListing(t *testing.T) {
	storetest.Listing(t, func(t *testing.T) (storetest.SecretVault, storetest.SecretLister) {
		v := open(t, t.TempDir()).Vault()
		return v, v
	})
}

func TestTablesAreApart(t *testing.T) {
	s := open(t, t.TempDir())
	put(t, s, "k", []byte("data"))
	if _, err := s.Table("places").Get(t.Context(), "p", "k"); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("Get from another table: %v", err)
	}
}

func TestTableNames(t *testing.T) {
	s := open(t, t.TempDir())
	for _, name := range []string{"", "ab", "1table", "with-hyphen", "with\x00nul", "a234567890123456789012345678901234567890123456789012345678901234"} {
		if _, err := s.Table(name).Put(t.Context(), store.Row{Partition: "p", Key: "k"}); !errors.Is(err, errTableName) {
			t.Errorf("%q: %v", name, err)
		}
	}
	for _, name := range []string{store.Configs, store.Tokens, store.Executions, store.Index, store.Keys, "abc"} {
		if _, err := s.Table(name).Put(t.Context(), store.Row{Partition: "p", Key: "k"}); err != nil {
			t.Errorf("%q: %v", name, err)
		}
	}
}

func TestEveryCharacterAKeyMayHave(t *testing.T) {
	s := open(t, t.TempDir())
	for c := range 256 {
		key := string([]byte{'k', byte(c)})
		_, err := s.Table(people).Put(t.Context(), store.Row{Partition: "p", Key: key})
		refused := c < ' ' || c > '~' || c == '/' || c == '\\' || c == '#' || c == '?' || c == '\'' || c == '"'
		if errors.Is(err, store.ErrInvalidKey) != refused || err != nil && !refused {
			t.Errorf("%q: %v", key, err)
		}
	}
}

func TestEverythingIsThereAfterReopening(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	etag := put(t, s, "k", []byte("data"))
	disabled, version := set(t, s, "name", "first"), set(t, s, "name", "second")
	set(t, s, "gone", "value")
	if err := errors.Join(s.Vault().Disable(t.Context(), "name", disabled), s.Vault().Delete(t.Context(), "gone"), s.Close()); err != nil {
		t.Fatal(err)
	}

	s = open(t, dir)
	row, err := s.Table(people).Get(t.Context(), "p", "k")
	if err != nil || row.ETag != etag || string(row.Data) != "data" {
		t.Errorf("the row: %v, %v", row, err)
	}
	value, err := s.Vault().Get(t.Context(), "name", version)
	if err != nil || value.Reveal() != "second" {
		t.Errorf("the secret: %v", err)
	}
	if _, err := s.Vault().Get(t.Context(), "name", disabled); !errors.Is(err, store.ErrDisabled) {
		t.Errorf("the disabled version: %v", err)
	}
	if _, err := s.Vault().Set(t.Context(), "gone", secret.New("again")); !errors.Is(err, store.ErrConflict) {
		t.Errorf("the deleted name: %v", err)
	}
}

func TestVersionsAreListedOldestFirst(t *testing.T) {
	s := open(t, t.TempDir())
	var want []string
	for range 300 {
		want = append(want, set(t, s, "name", "value"))
	}
	got, err := s.Vault().Versions(t.Context(), "name")
	if err != nil || len(got) != len(want) {
		t.Fatalf("%d versions, %v", len(got), err)
	}
	for i := range want {
		if got[i].ID != want[i] {
			t.Fatalf("version %d is not the one that was set then", i)
		}
	}
}

func TestFilesAreTheOwnersAlone(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new", DefaultDir)
	open(t, dir)
	for path, want := range map[string]os.FileMode{
		dir:                              os.ModeDir | 0o700,
		filepath.Join(dir, keyFile):      0o600,
		filepath.Join(dir, databaseFile): 0o600,
	} {
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode() != want {
			t.Errorf("%s has mode %v, want %v", filepath.Base(path), info.Mode(), want)
		}
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 2 {
		t.Errorf("the directory holds %v, %v", entries, err)
	}
}

func TestTheDefaultDirectory(t *testing.T) {
	t.Chdir(t.TempDir())
	open(t, "")
	if _, err := os.Stat(filepath.Join(DefaultDir, databaseFile)); err != nil {
		t.Error(err)
	}
}

func TestAPageOfLargeRowsEndsEarly(t *testing.T) {
	s := open(t, t.TempDir())
	for i := range 6 {
		put(t, s, fmt.Sprint("k", i), make([]byte, store.MaxData))
	}
	page, err := s.Table(people).List(t.Context(), store.Range{Partition: "p"})
	if err != nil || len(page.Rows) != maxPageData/store.MaxData || !page.More {
		t.Errorf("%d rows, More %v, %v", len(page.Rows), page.More, err)
	}
}

// endsSoon is a context that ends after it was asked a number of times.
type endsSoon struct {
	context.Context
	left int
}

func (e *endsSoon) Err() error {
	if e.left--; e.left < 0 {
		return context.Canceled
	}
	return nil
}

func TestAContextThatEndsAmidAPageEndsTheList(t *testing.T) {
	s := open(t, t.TempDir())
	for i := range 10 {
		put(t, s, fmt.Sprint("k", i), nil)
	}
	page, err := s.Table(people).List(&endsSoon{t.Context(), 5}, store.Range{Partition: "p"})
	if !errors.Is(err, context.Canceled) || page.Rows != nil {
		t.Errorf("%d rows, %v", len(page.Rows), err)
	}
}

func TestAWriteWithAContextThatIsDoneIsNeverMade(t *testing.T) {
	s := open(t, t.TempDir())
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	put(t, s, "before", nil) // the committer is at its post
	for i := range 100 {
		if _, err := s.Table(people).Put(ctx, store.Row{Partition: "p", Key: fmt.Sprint(i)}); !errors.Is(err, context.Canceled) {
			t.Errorf("Put: %v", err)
		}
	}
	put(t, s, "after", nil) // what was made before it is committed now
	page, err := s.Table(people).List(t.Context(), store.Range{Partition: "p"})
	if err != nil || len(page.Rows) != 2 {
		t.Errorf("%d were made, %v", len(page.Rows)-2, err)
	}
}
