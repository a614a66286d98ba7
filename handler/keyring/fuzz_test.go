package keyring_test

import (
	"bytes"
	"errors"
	"testing"

	"callout/handler/keyring"
)

// Whatever is in the place of a sealed value, it is what was sealed or an error
// that says why not, and the vault is not asked again and again.
func FuzzOpen(f *testing.F) {
	h := embedded(f)
	at := h.instance()
	sealed := h.seal(at, "row", "canary")
	f.Add([]byte(nil), "row")
	f.Add(sealed, "row")
	f.Add(sealed, "another row")
	f.Add(sealed[:keyring.Overhead], "row")
	f.Add(bytes.Repeat([]byte{1}, 200), "row")
	f.Add(append([]byte{2}, sealed[1:]...), "row")
	f.Fuzz(func(t *testing.T, data []byte, place string) {
		got, err := at.Open(t.Context(), keyring.Arguments, place, data)
		known := errors.Is(err, keyring.ErrDamaged) || errors.Is(err, keyring.ErrNewer) || errors.Is(err, keyring.ErrKeyGone)
		switch {
		case err == nil && (!bytes.Equal(data, sealed) || place != "row" || string(got) != "canary"):
			t.Errorf("%x opened as %q", data, got)
		case err != nil && (!known || got != nil):
			t.Errorf("%x gives %q, %v", data, got, err)
		case bytes.Equal(data, sealed) && place == "row" && err != nil:
			t.Error(err)
		}
		if n := h.vault.listings.Load(); n > 1 { // the clock stands still
			t.Errorf("the versions were listed %d times", n)
		}
	})
}
