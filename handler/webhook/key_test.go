package webhook_test

import (
	"encoding/base64"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"callout/handler/store"
	"callout/handler/webhook"
)

// The first post makes the key, once for all instances, in the form in which
// receivers are given it.
func TestTheKeyIsMadeOnce(t *testing.T) {
	h := newHouse(t)
	var all sync.WaitGroup
	for range 10 {
		at := h.sender()
		for range 3 {
			all.Go(func() {
				if err := at.Post(t.Context(), h.receiver.URL+"/in", "id", nil); err != nil {
					t.Error(err)
				}
			})
		}
	}
	all.Wait()
	signatures := map[string]bool{}
	for _, post := range h.received() {
		signatures[post.header.Get("webhook-signature")] = true
	}
	value, err := h.vault.Get(t.Context(), webhook.KeyName, "")
	if err != nil || h.vault.sets.Load() != 1 || len(signatures) != 1 {
		t.Errorf("%d keys were made, and %d signatures, %v", h.vault.sets.Load(), len(signatures), err)
	}
	text, ok := strings.CutPrefix(value.Reveal(), "whsec_")
	if key, err := base64.StdEncoding.DecodeString(text); !ok || err != nil || len(key) != 32 {
		t.Errorf("the key has %d bytes, %v", len(key), err)
	}
}

// The key is read once in five minutes, so that another version, or the end of
// one, is noticed.
func TestTheKeyIsLookedAtAgain(t *testing.T) {
	h := newHouse(t)
	first := h.setKey(exampleKey)
	at := h.sender()
	before := h.post(at, "id", "{}").header.Get("webhook-signature")
	begin := h.now
	h.setKey("whsec_" + strings.Repeat("QUJD", 8))
	for range 10 {
		if now := h.post(at, "id", "{}").header.Get("webhook-signature"); now != before {
			t.Errorf("it is signed as %s", now)
		}
	}
	if n := h.vault.gets.Load(); n != 1 {
		t.Errorf("the key was read %d times", n)
	}
	h.now = begin.Add(5 * time.Minute)
	h.post(at, "id", "{}")
	h.now = begin
	if now := h.post(at, "id", "{}").header.Get("webhook-signature"); now == before || h.vault.gets.Load() != 3 {
		t.Errorf("it is signed as %s, after %d looks", now, h.vault.gets.Load())
	}
	second := h.setKey(exampleKey)
	for _, version := range []string{first, second} {
		if err := h.vault.Disable(t.Context(), webhook.KeyName, version); err != nil {
			t.Fatal(err)
		}
	}
	h.now = h.now.Add(6 * time.Minute)
	if failure := h.fails(at, h.receiver.URL+"/in", "id"); failure.Final || !errors.Is(failure, store.ErrDisabled) || !strings.Contains(failure.Message, webhook.KeyName) {
		t.Errorf("once it is disabled: %+v", failure)
	}
	if n := h.vault.sets.Load(); n != 0 {
		t.Errorf("%d keys were made in its place", n)
	}
}

func TestKeysThatCannotBeUsed(t *testing.T) {
	for _, value := range []string{
		"MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_", "whsec_canary!", "whsk_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_" + strings.Repeat("QUJD", 7), "whsec_" + strings.Repeat("QUJD", 22), " " + exampleKey, exampleKey + "A",
	} {
		h := newHouse(t)
		h.setKey(value)
		failure := h.fails(h.sender(), h.receiver.URL+"/in", "id")
		if failure.Final || !strings.Contains(failure.Message, webhook.KeyName) || len(h.received()) != 0 {
			t.Errorf("with %q: %+v", value, failure)
		}
	}
	for _, value := range []string{exampleKey, "whsec_" + strings.Repeat("QUJD", 8), "whsec_" + strings.Repeat("QUJD", 21)} {
		h := newHouse(t)
		h.setKey(value)
		h.post(h.sender(), "id", "{}")
	}
}

func TestTheVaultIsDown(t *testing.T) {
	h := newHouse(t)
	at := h.sender()
	h.vault.down.Store(true)
	if failure := h.fails(at, h.receiver.URL+"/in", "id"); failure.Final || !errors.Is(failure, store.ErrUnavailable) {
		t.Errorf("it is %+v", failure)
	}
	h.vault.down.Store(false)
	h.post(at, "id", "{}")
	h.vault.down.Store(true)
	h.post(at, "id", "{}")
}
