package localstore

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"callout/handler/secret"
	"callout/handler/store"

	bolt "go.etcd.io/bbolt"
)

// found returns the files below dir that hold text, in any of the forms that a
// value may be written down in.
func found(t *testing.T, dir, text string) []string {
	t.Helper()
	forms := []string{text, hex.EncodeToString([]byte(text)), base64.StdEncoding.EncodeToString([]byte(text))}
	var files []string
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := os.ReadFile(path)
		if slices.ContainsFunc(forms, func(form string) bool { return bytes.Contains(content, []byte(form)) }) {
			files = append(files, entry.Name())
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func TestNothingIsOnDiskInClear(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	canaries := []string{
		"canary-row-kept-91b2", "canary-row-replaced-c3", "canary-row-deleted-e4d5", "canary-row-refused-f6",
		"canary-secret-kept-a7", "canary-secret-older-b8", "canary-secret-disabled", "canary-secret-deleted-d",
		"canary-head-kept-a9c1",
	}
	etag := put(t, s, "kept", []byte(canaries[1]))
	_, replaced := s.Table(people).Put(t.Context(), store.Row{Partition: "p", Key: "kept", ETag: etag, Head: []byte(canaries[8]), Data: []byte(canaries[0])})
	_, refused := s.Table(people).Put(t.Context(), store.Row{Partition: "p", Key: "kept", ETag: etag, Data: []byte(canaries[3])})
	deleted := s.Table(people).Delete(t.Context(), "p", "gone", put(t, s, "gone", []byte(canaries[2])))
	set(t, s, "kept", canaries[5])
	disabled := s.Vault().Disable(t.Context(), "kept", set(t, s, "kept", canaries[6]))
	set(t, s, "kept", canaries[4])
	set(t, s, "gone", canaries[7])
	if err := errors.Join(replaced, deleted, disabled, s.Vault().Delete(t.Context(), "gone")); err != nil {
		t.Fatal(err)
	}
	if !errors.Is(refused, store.ErrConflict) {
		t.Fatal(refused)
	}
	put(t, s, "a-key-that-may-be-read", nil)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}

	for _, canary := range canaries {
		if files := found(t, dir, canary); files != nil {
			t.Errorf("%s is in %v", canary, files)
		}
	}
	if files := found(t, dir, "a-key-that-may-be-read"); !slices.Equal(files, []string{databaseFile}) {
		t.Errorf("the search itself is at fault: it found a row's key in %v", files)
	}
}

func TestTheDatabaseDoesNotHoldItsKey(t *testing.T) {
	dir, _ := closedStore(t)
	key, err := os.ReadFile(filepath.Join(dir, keyFile))
	if err != nil {
		t.Fatal(err)
	}
	if files := found(t, dir, string(key)); !slices.Equal(files, []string{keyFile}) {
		t.Errorf("the key is in %v", files)
	}
}

func TestARowOpensInItsOwnPlaceOnly(t *testing.T) {
	cases := []struct{ name, table, partition, key string }{
		{"another key", people, "p", "other"},
		{"another partition", people, "other", "key"},
		{"another table", "places", "p", "key"},
		{"the same names, cut elsewhere", people + "p", "k", "ey"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			s := open(t, t.TempDir())
			put(t, s, "key", []byte("data"))
			from, to := s.Table(people), s.Table(c.table)
			alter(t, s, func(tx *bolt.Tx) error {
				return to.put(tx, rowKey(c.partition, c.key), bytes.Clone(from.stored(tx, rowKey("p", "key"))))
			})
			if _, err := to.Get(t.Context(), c.partition, c.key); !errors.Is(err, ErrDamaged) {
				t.Errorf("Get: %v", err)
			}
			if _, err := to.List(t.Context(), store.Range{Partition: c.partition}); !errors.Is(err, ErrDamaged) {
				t.Errorf("List: %v", err)
			}
		})
	}
}

func TestAnAlteredRowIsNotReturned(t *testing.T) {
	s := open(t, t.TempDir())
	table, key := s.Table(people), rowKey("p", "k")
	for _, head := range []string{"", "head"} {
		_ = table.Delete(t.Context(), "p", "k", store.Any)
		if _, err := table.Put(t.Context(), store.Row{Partition: "p", Key: "k", Head: []byte(head), Data: []byte("data")}); err != nil {
			t.Fatal(err)
		}
		whole := rawRow(t, s, key)
		for i := range whole {
			flipped := bytes.Clone(whole)
			flipped[i] ^= 1
			for what, raw := range map[string][]byte{"with a bit changed": flipped, "cut short": whole[:i]} {
				alter(t, s, func(tx *bolt.Tx) error { return table.put(tx, key, raw) })
				if row, err := table.Get(t.Context(), "p", "k"); !errors.Is(err, ErrDamaged) || row.Data != nil || row.Head != nil {
					t.Errorf("%s at byte %d, with the head %q: %q %q, %v", what, i, head, row.Head, row.Data, err)
				}
				page, err := table.List(t.Context(), store.Range{Partition: "p", Heads: true})
				if err == nil && len(page.Rows[0].Head) > 0 && string(page.Rows[0].Head) != head {
					t.Errorf("%s at byte %d: the head is %q", what, i, page.Rows[0].Head)
				}
			}
		}
		if _, err := table.Put(t.Context(), store.Row{Partition: "p", Key: "k", ETag: store.Any, Data: []byte("new")}); err != nil {
			t.Errorf("a damaged row cannot be replaced: %v", err)
		}
	}
}

// rawRow returns what is stored under a key.
func rawRow(t *testing.T, s *Store, key []byte) (raw []byte) {
	t.Helper()
	alter(t, s, func(tx *bolt.Tx) error {
		raw = bytes.Clone(s.Table(people).stored(tx, key))
		return nil
	})
	return raw
}

// A head does not go with the data of another state of its row, nor the data
// without its head.
func TestHeadAndDataAreOfOneWrite(t *testing.T) {
	s := open(t, t.TempDir())
	table, key := s.Table(people), rowKey("p", "k")
	var states [2][]byte
	etag := ""
	for i := range states {
		var err error
		row := store.Row{Partition: "p", Key: "k", ETag: etag, Head: []byte("head" + strconv.Itoa(i)), Data: []byte("data" + strconv.Itoa(i))}
		if etag, err = table.Put(t.Context(), row); err != nil {
			t.Fatal(err)
		}
		states[i] = rawRow(t, s, key)
	}
	from := stampSize + headLength + len("head0") + 28 // where the data begins: see seal
	headAt := stampSize + headLength
	for what, raw := range map[string][]byte{
		"the older data":                slices.Concat(states[1][:from], states[0][from:]),
		"the older head":                slices.Concat(states[1][:headAt], states[0][headAt:from], states[1][from:]),
		"the older head with its stamp": slices.Concat(states[0][:from], states[1][from:]),
		"no head":                       slices.Concat(states[1][:stampSize], make([]byte, headLength), states[1][from:]),
	} {
		alter(t, s, func(tx *bolt.Tx) error { return table.put(tx, key, raw) })
		if row, err := table.Get(t.Context(), "p", "k"); !errors.Is(err, ErrDamaged) {
			t.Errorf("%s: %q %q, %v", what, row.Head, row.Data, err)
		}
	}
}

// Of a row whose data is damaged the head can still be listed: its data was not
// touched.
func TestHeadsAreReadWithoutTheData(t *testing.T) {
	s := open(t, t.TempDir())
	table, key := s.Table(people), rowKey("p", "k")
	if _, err := table.Put(t.Context(), store.Row{Partition: "p", Key: "k", Head: []byte("head"), Data: []byte("data")}); err != nil {
		t.Fatal(err)
	}
	raw := rawRow(t, s, key)
	raw[len(raw)-1] ^= 1
	alter(t, s, func(tx *bolt.Tx) error { return table.put(tx, key, raw) })
	for what, in := range map[string]store.Range{"a range": {Partition: "p"}, "a named row": {Partition: "p", Keys: []string{"k"}}} {
		if _, err := table.List(t.Context(), in); !errors.Is(err, ErrDamaged) {
			t.Errorf("%s: %v", what, err)
		}
		in.Heads = true
		page, err := table.List(t.Context(), in)
		if err != nil || len(page.Rows) != 1 || string(page.Rows[0].Head) != "head" {
			t.Errorf("%s, its head: %v, %v", what, page.Rows, err)
		}
	}
}

func TestASecretOpensInItsOwnPlaceOnly(t *testing.T) {
	s := open(t, t.TempDir())
	version := set(t, s, "mine", "value")
	other := set(t, s, "other", "another value")
	alter(t, s, func(tx *bolt.Tx) error {
		_, stolen, err := findVersion(tx, "mine", version)
		return errors.Join(err, appendVersion(tx, "other", stolen))
	})
	if value, err := s.Vault().Get(t.Context(), "other", version); !errors.Is(err, ErrDamaged) || value.IsSet() {
		t.Errorf("under another name: %v", err)
	}
	alter(t, s, func(tx *bolt.Tx) error {
		_, stolen, err := findVersion(tx, "mine", version)
		stolen.ID = other
		return errors.Join(err, appendVersion(tx, "mine", stolen))
	})
	if value, err := s.Vault().Get(t.Context(), "mine", other); !errors.Is(err, ErrDamaged) || value.IsSet() {
		t.Errorf("as another version: %v", err)
	}
}

func TestADamagedVersionIsAnError(t *testing.T) {
	s := open(t, t.TempDir())
	version := set(t, s, "name", "value")
	alter(t, s, func(tx *bolt.Tx) error {
		return secretBucket(tx, "name").Put([]byte("\xff"), []byte("short"))
	})
	_, get := s.Vault().Get(t.Context(), "name", version)
	_, list := s.Vault().Versions(t.Context(), "name")
	disable := s.Vault().Disable(t.Context(), "name", version)
	for _, err := range []error{get, list, disable} {
		if !errors.Is(err, ErrDamaged) {
			t.Errorf("got %v", err)
		}
	}
}

func TestErrorsHoldNoNames(t *testing.T) {
	s := open(t, t.TempDir())
	const canary = "canary"
	_, get := s.Table(people).Get(t.Context(), canary, canary)
	_, secretGet := s.Vault().Get(t.Context(), canary, canary)
	set(t, s, canary, "value")
	deleted := s.Vault().Delete(t.Context(), canary)
	_, again := s.Vault().Set(t.Context(), canary, secret.New("value"))
	if deleted != nil {
		t.Fatal(deleted)
	}
	for _, err := range []error{get, secretGet, again} {
		if err == nil || strings.Contains(err.Error(), canary) {
			t.Errorf("the error is %v", err)
		}
	}
}
