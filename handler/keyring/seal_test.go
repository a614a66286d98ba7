package keyring_test

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"callout/handler/keyring"
	"callout/handler/store"
)

// What has been stored stays readable: the subkeys, and a sealed value that node's
// crypto made of the same key.
func TestTheFormOfWhatIsStored(t *testing.T) {
	h := embedded(t)
	h.set(keyring.KeyName, key(0))
	at := h.instance()
	found, err := at.Key(t.Context())
	if err != nil || found.ID() != "db54f12bed285537" {
		t.Fatalf("the key is %v, %v", found, err)
	}
	for use, want := range map[string]string{
		"token fingerprint": "a6556be45e4c11b43ed6e49032dcc6240b145e30c942dae80ebf314a1f7e5b0f",
		"token seal":        "6143579111b384233ac296ec05f348a2db74d502b74b31c2c854b8391e2a0bfd",
		"arguments seal":    "fb9788a35316377642fb71ae8de6dad3592cf7847b4894d2c2adec164c441fa6",
	} {
		if got := hex.EncodeToString(found.Subkey(use)); got != want {
			t.Errorf("the subkey for %q is %s, want %s", use, got, want)
		}
	}
	sealed, _ := hex.DecodeString("01db54f12bed285537000102030405060708090a0b11e171a5c95bdbfb8a70617f3969c35faaba5f6cb9fda7")
	h.opens(at, "01JD", sealed, `{"a":1}`)
}

func TestWhatIsSealedOpensInItsPlaceOnly(t *testing.T) {
	everywhere(t, func(t *testing.T, h *house) {
		for _, plain := range []string{"", "canary", strings.Repeat("long ", 50_000)} {
			sealed := h.seal(h.instance(), "row-1", plain)
			if len(sealed) != len(plain)+keyring.Overhead || plain != "" && bytes.Contains(sealed, []byte(plain)) {
				t.Errorf("sealed were %d bytes as %d", len(plain), len(sealed))
			}
			other := h.instance()
			h.opens(other, "row-1", sealed, plain)
			h.opensNot(other, "row-2", sealed, keyring.ErrDamaged)
			h.opensNot(other, "", sealed, keyring.ErrDamaged)
			if _, err := other.Open(t.Context(), keyring.Tokens, "row-1", sealed); !errors.Is(err, keyring.ErrDamaged) {
				t.Errorf("for another purpose: %v", err)
			}
		}
	})
}

func TestTheSameTwiceIsSealedDifferently(t *testing.T) {
	h := embedded(t)
	at := h.instance()
	if a, b := h.seal(at, "row", "canary"), h.seal(at, "row", "canary"); bytes.Equal(a[9:21], b[9:21]) || bytes.Equal(a[21:], b[21:]) {
		t.Errorf("sealed were %x and %x", a, b)
	}
}

// Whatever bit is changed, and wherever it is cut, it does not open.
func TestWhatWasAltered(t *testing.T) {
	h := embedded(t)
	at := h.instance()
	sealed := h.seal(at, "row", "canary")
	want := func(i int, altered byte) error {
		switch {
		case i == 0 && altered > sealed[0]:
			return keyring.ErrNewer
		case i > 0 && i < 9:
			return keyring.ErrKeyGone
		}
		return keyring.ErrDamaged
	}
	for i := range sealed {
		for bit := range 8 {
			altered := slices.Clone(sealed)
			altered[i] ^= 1 << bit
			h.opensNot(at, "row", altered, want(i, altered[i]))
		}
		h.opensNot(at, "row", sealed[:i], keyring.ErrDamaged)
	}
	h.opensNot(at, "row", append(slices.Clone(sealed), 0), keyring.ErrDamaged)
	h.opensNot(at, "row", nil, keyring.ErrDamaged)
	h.opens(at, "row", sealed, "canary")
}

// The key has got another version: what was sealed before opens at all instances,
// and what is sealed now opens at those that know the old version only.
func TestAKeyWithManyVersions(t *testing.T) {
	everywhere(t, func(t *testing.T, h *house) {
		before := h.instance()
		old := h.seal(before, "row", "old")
		h.set(keyring.KeyName, "what is no key")
		h.set(keyring.KeyName, key(1))
		h.set(keyring.KeyName, key(2))
		after := h.instance()
		recent := h.seal(after, "row", "recent")
		if bytes.Equal(old[:9], recent[:9]) {
			t.Error("the new version is not used")
		}
		for range 3 {
			h.opens(before, "row", old, "old")
			h.opens(before, "row", recent, "recent")
			h.opens(after, "row", recent, "recent")
			h.opens(after, "row", old, "old")
		}
		if n := h.vault.listings.Load(); n != 2 {
			t.Errorf("the versions were listed %d times by two instances", n)
		}
	})
}

// A version that was switched off opens nothing, until it is switched on again or
// for whoever has it in memory.
func TestAVersionThatWasDisabled(t *testing.T) {
	everywhere(t, func(t *testing.T, h *house) {
		version := h.set(keyring.KeyName, key(1))
		before := h.instance()
		old := h.seal(before, "row", "old")
		h.disable(keyring.KeyName, version)
		after := h.instance()
		h.opensNot(after, "row", old, keyring.ErrKeyGone)
		h.opens(before, "row", old, "old")
		h.opens(after, "row", h.seal(after, "row", "new"), "new")
		if n := h.vault.sets.Load(); n != 1 {
			t.Errorf("%d keys were made in its place", n)
		}
		h.set(keyring.KeyName, key(1)) // the same as a new version
		h.clock.pass(2 * time.Second)
		h.opens(after, "row", old, "old")
	})
}

// Whoever writes rows with keys that never were cannot have the vault asked for
// them without end.
func TestKeysThatNeverWere(t *testing.T) {
	everywhere(t, func(t *testing.T, h *house) {
		h.set(keyring.KeyName, key(0)) // whose id begins with none of those
		at := h.instance()
		sealed := h.seal(at, "row", "canary")
		gets := h.vault.gets.Load()
		for i := range 1000 {
			sealed[1], sealed[2] = byte(i), byte(i>>8)
			h.opensNot(at, "row", sealed, keyring.ErrKeyGone)
			if i%100 == 99 {
				h.clock.pass(1500 * time.Millisecond)
			}
		}
		if n := h.vault.listings.Load(); n != 10 {
			t.Errorf("the versions were listed %d times in 15 seconds", n)
		}
		if n := h.vault.gets.Load() - gets; n > 1 {
			t.Errorf("%d versions were read, and there is one", n)
		}
	})
}

// A vault that is out of reach takes nothing from what is in memory, and what
// cannot be opened for that can be opened later.
func TestTheVaultIsDown(t *testing.T) {
	everywhere(t, func(t *testing.T, h *house) {
		before := h.instance()
		old := h.seal(before, "row", "old")
		h.set(keyring.KeyName, key(1))
		after, cold := h.instance(), h.instance()
		recent := h.seal(after, "row", "recent")
		h.vault.down.Store(true)
		h.opens(before, "row", old, "old")
		gets, listings := h.vault.gets.Load(), h.vault.listings.Load()
		for range 100 {
			h.opensNot(after, "row", old, store.ErrUnavailable)
			h.opensNot(before, "row", recent, store.ErrUnavailable)
			h.opensNot(cold, "row", old, store.ErrUnavailable)
			if _, err := cold.Seal(t.Context(), keyring.Arguments, "row", nil); !errors.Is(err, store.ErrUnavailable) {
				t.Errorf("sealed without a key: %v", err)
			}
		}
		if g, l := h.vault.gets.Load()-gets, h.vault.listings.Load()-listings; g > 4 || l > 2 {
			t.Errorf("a vault that is down was asked %d times for a key, and %d times for versions", g, l)
		}
		h.vault.down.Store(false)
		h.clock.pass(11 * time.Second)
		for _, at := range []*keyring.Keyring{before, after, cold} {
			h.opens(at, "row", old, "old")
			h.opens(at, "row", recent, "recent")
		}
	})
}

// Who leaves gets the error of the context, and the next has the key at once.
func TestWhoLeaves(t *testing.T) {
	h := embedded(t)
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	at := h.instance()
	if _, err := at.Seal(gone, keyring.Arguments, "row", nil); !errors.Is(err, context.Canceled) {
		t.Errorf("Seal: %v", err)
	}
	old := h.seal(at, "row", "old")
	h.set(keyring.KeyName, key(1))
	at = h.instance()
	h.seal(at, "row", "recent")
	if _, err := at.Open(gone, keyring.Arguments, "row", old); !errors.Is(err, context.Canceled) {
		t.Errorf("Open: %v", err)
	}
	h.opens(at, "row", old, "old")
}

// A secret that is no key is no reason to make another: somebody put it there.
func TestASecretThatIsNoKey(t *testing.T) {
	for _, value := range []string{"no base64!", "c2hvcnQ=", key(1) + "AAAA", " " + key(1)} {
		h := embedded(t)
		h.set(keyring.KeyName, value)
		_, err := h.instance().Key(t.Context())
		if err == nil || !strings.Contains(err.Error(), keyring.KeyName) || strings.Contains(err.Error(), value) {
			t.Errorf("with %q: %v", value, err)
		}
		if n := h.vault.sets.Load(); n != 0 {
			t.Errorf("%d keys were made", n)
		}
	}
}
