package localstore

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"callout/handler/secret"
	"callout/handler/store"
)

// FuzzRow: a row is refused, or it is returned exactly, by Get and by List. What it
// holds is cut anywhere into head and data.
func FuzzRow(f *testing.F) {
	for _, seed := range []string{"p", "a/b", "", "'", "c:1", "\x00", "ü", strings.Repeat("k", store.MaxKey+1)} {
		f.Add(seed, "k", []byte("data"), uint16(2))
		f.Add("p", seed, []byte(nil), uint16(0))
	}
	table := open(f, f.TempDir()).Table(people)
	f.Fuzz(func(t *testing.T, partition, key string, content []byte, at uint16) {
		cut := min(len(content), int(at), store.MaxHead)
		head, data := content[:cut], content[cut:]
		etag, err := table.Put(t.Context(), store.Row{Partition: partition, Key: key, Head: head, Data: data})
		if err != nil {
			_, get := table.Get(t.Context(), partition, key)
			if !errors.Is(err, store.ErrInvalidKey) || !errors.Is(get, store.ErrInvalidKey) {
				t.Fatalf("Put: %v, Get: %v", err, get)
			}
			return
		}
		row, err := table.Get(t.Context(), partition, key)
		page, listErr := table.List(t.Context(), store.Range{Partition: partition})
		if err != nil || listErr != nil || len(page.Rows) != 1 {
			t.Fatalf("Get: %v, List: %v, %d rows", err, listErr, len(page.Rows))
		}
		for _, got := range []store.Row{row, page.Rows[0]} {
			if got.Partition != partition || got.Key != key || got.ETag != etag || !bytes.Equal(got.Head, head) || !bytes.Equal(got.Data, data) {
				t.Errorf("got %+v", got)
			}
		}
		if err := table.Delete(t.Context(), partition, key, etag); err != nil {
			t.Fatal(err)
		}
	})
}

// FuzzSecret: a secret is refused, or it is returned exactly.
func FuzzSecret(f *testing.F) {
	for _, seed := range []string{"name", "", "a/b", "\xff", "ü", "\x00"} {
		f.Add(seed, "value")
		f.Add("name", seed)
	}
	vault := open(f, f.TempDir()).Vault()
	f.Fuzz(func(t *testing.T, name, value string) {
		version, err := vault.Set(t.Context(), name, secret.New(value))
		if err != nil {
			badValue := value == "" || !utf8.ValidString(value)
			badName := errors.Is(err, ErrInvalidName)
			tooLarge := len(value) > MaxSecret && errors.Is(err, store.ErrTooLarge)
			if !badName && !tooLarge && !(badValue && errors.Is(err, ErrInvalidSecret)) {
				t.Fatal(err)
			}
			return
		}
		got, err := vault.Get(t.Context(), name, version)
		if err != nil || got.Reveal() != value {
			t.Errorf("Get: %v", err)
		}
	})
}

// FuzzStored: whatever is in the file in the place of a row or of a version is
// an error or what was written, never a panic.
func FuzzStored(f *testing.F) {
	s := open(f, f.TempDir())
	table, vault := s.Table(people), s.Vault()
	row := store.Row{Partition: "p", Key: "k", Head: []byte("head"), Data: []byte("data")}
	version := vault.newVersion("name", secret.New("value"))
	f.Add(table.encodeRow(row, newStamp()))
	f.Add(version.encode())
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, raw []byte) {
		for _, headOnly := range []bool{false, true} {
			got, err := table.decodeRow("p", "k", raw, headOnly)
			foreign := len(got.Head) > 0 && !bytes.Equal(got.Head, row.Head) || got.Data != nil && !bytes.Equal(got.Data, row.Data)
			if err != nil && !errors.Is(err, ErrDamaged) || foreign || pageSize(raw, headOnly) > len(raw) {
				t.Errorf("decodeRow: %+v, %v", got, err)
			}
		}
		decoded, err := decodeVersion(raw)
		if err != nil {
			if !errors.Is(err, ErrDamaged) {
				t.Errorf("decodeVersion: %v", err)
			}
			return
		}
		value, err := vault.reveal("name", decoded)
		if err == nil && value.Reveal() != "value" {
			t.Error("reveal gave another value")
		}
		if again := decoded.encode(); len(again) != len(raw) || !bytes.Equal(again[:stateAt], raw[:stateAt]) {
			t.Errorf("encode gave %s", fmt.Sprintf("%x for %x", again, raw))
		}
	})
}
