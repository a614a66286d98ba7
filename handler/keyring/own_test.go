package keyring_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"callout/handler/keyring"
	"callout/handler/secret"
	"callout/handler/store"
)

// own is a secret that others hold too. Each that is made is another.
func own() keyring.Own {
	var made atomic.Int64
	return keyring.Own{Name: "callout-some-secret", New: func() secret.Secret { return secret.New(fmt.Sprint("made-", made.Add(1))) }}
}

// However many instances look for a secret that is not there, one makes it.
func TestOneInstanceMakesASecret(t *testing.T) {
	everywhere(t, func(t *testing.T, h *house) {
		o := own()
		var all sync.WaitGroup
		for range 20 {
			at := h.instance()
			for range 5 {
				all.Go(func() {
					if got, err := at.Secret(t.Context(), o); err != nil || got.Reveal() != "made-1" {
						t.Errorf("got %q, %v", got.Reveal(), err)
					}
				})
			}
			all.Go(func() { h.seal(at, "row", "the deployment's key is made beside it") })
		}
		all.Wait()
		if n := h.vault.sets.Load(); n != 2 {
			t.Errorf("%d secrets were made, and 2 were asked for", n)
		}
	})
}

func TestASecretThatIsThereIsRead(t *testing.T) {
	everywhere(t, func(t *testing.T, h *house) {
		o := own()
		for _, value := range []string{"set by hand", "set by hand again"} {
			h.set(o.Name, value)
			if got, err := h.instance().Secret(t.Context(), o); err != nil || got.Reveal() != value {
				t.Errorf("got %q, %v", got.Reveal(), err)
			}
		}
		if n := h.vault.sets.Load(); n != 0 {
			t.Errorf("%d secrets were made", n)
		}
	})
}

// What others hold too is not replaced when it is disabled: that would not stop
// anything, and they could not go on.
func TestASecretThatIsDisabled(t *testing.T) {
	everywhere(t, func(t *testing.T, h *house) {
		o := own()
		h.disable(o.Name, h.set(o.Name, "set by hand"))
		if _, err := h.instance().Secret(t.Context(), o); !errors.Is(err, store.ErrDisabled) {
			t.Errorf("got %v", err)
		}
		if n := h.vault.sets.Load(); n != 0 {
			t.Errorf("%d secrets were made", n)
		}
		o.Replace = true
		if got, err := h.instance().Secret(t.Context(), o); err != nil || got.Reveal() != "made-1" {
			t.Errorf("got %q, %v", got.Reveal(), err)
		}
	})
}

// Who was about to make a secret and died holds the others up until its time is
// over.
func TestItsMakerDied(t *testing.T) {
	h, o := embedded(t), own()
	mark, _ := json.Marshal(map[string]any{"owner": "dead", "untilMs": h.clock.now().Add(20 * time.Second).UnixMilli()})
	if _, err := h.rows.Put(t.Context(), store.Row{Partition: "key", Key: "maker-" + o.Name, Data: mark}); err != nil {
		t.Fatal(err)
	}
	h.rows.looked = make(chan struct{})
	done := make(chan error)
	go func() {
		_, err := h.instance().Secret(t.Context(), o)
		close(h.rows.looked)
		done <- err
	}()
	for range 5 {
		<-h.rows.looked
	}
	if n := h.vault.sets.Load(); n != 0 {
		t.Errorf("%d secrets were made while another was about to", n)
	}
	h.clock.pass(21 * time.Second)
	for range h.rows.looked {
	}
	if err, n := <-done, h.vault.sets.Load(); err != nil || n != 1 {
		t.Errorf("%d secrets were made, %v", n, err)
	}
}

// A store that fails now and then is asked again; one that stays down is not
// asked for ever.
func TestStoresThatFail(t *testing.T) {
	h, o := embedded(t), own()
	h.vault.down.Store(true)
	_, err := h.instance().Secret(t.Context(), o)
	if !errors.Is(err, store.ErrUnavailable) || h.vault.gets.Load() != 4 {
		t.Errorf("after %d tries: %v", h.vault.gets.Load(), err)
	}
	h.vault.down.Store(false)
	if _, err := h.instance().Secret(t.Context(), o); err != nil {
		t.Error(err)
	}
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := h.instance().Secret(gone, o); !errors.Is(err, context.Canceled) {
		t.Errorf("to who has left: %v", err)
	}
}
