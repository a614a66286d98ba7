package catalog_test

import (
	"errors"
	"fmt"
	"reflect"
	"sync"
	"testing"

	"callout/handler/callout"
	"callout/handler/catalog"
	"callout/handler/store"
)

const writers = 8

// together runs do for each writer at the same time and returns their errors.
func together(do func(i int) error) []error {
	outcomes := make([]error, writers)
	start := make(chan struct{})
	var all sync.WaitGroup
	for i := range writers {
		all.Go(func() { <-start; outcomes[i] = do(i) })
	}
	close(start)
	all.Wait()
	return outcomes
}

func TestConcurrentPatchesLoseNothing(t *testing.T) {
	h := newHouse(t)
	h.create(crm)
	outcomes := together(func(i int) error {
		_, err := h.tryPatch(fmt.Sprintf(`{"labels": {"writer-%d": "was here"}}`, i))
		return err
	})
	if err := errors.Join(outcomes...); err != nil {
		t.Fatal(err)
	}
	now := h.get("crm")
	if len(now.Labels) != writers || now.Version != 1+writers {
		t.Errorf("version %d with the labels %v", now.Version, now.Labels)
	}
	h.wantSecrets("crm", crmSecrets)
}

// Any ETag will do for *, so that nobody who asks for it is told of a conflict.
func TestConcurrentPatchesOfAnyState(t *testing.T) {
	h := newHouse(t)
	h.create(crm)
	outcomes := together(func(i int) error {
		_, err := h.tryPatch(fmt.Sprintf(`{"auth": {"token": "canary-token-by-%d"}}`, i), store.Any)
		return err
	})
	if err := errors.Join(outcomes...); err != nil {
		t.Fatal(err)
	}
	bundle, err := h.Secrets(t.Context(), h.get("crm"))
	if err != nil {
		t.Fatal(err)
	}
	if got := bundle["headers/X-Api-Key"].Reveal(); len(bundle) != 2 || got != "canary-header-1" {
		t.Errorf("%d secrets, the header is %q", len(bundle), got)
	}
}

func TestOneOfManyWithTheSameETagWins(t *testing.T) {
	h := newHouse(t)
	etag := h.create(crm).ETag
	outcomes := together(func(i int) error {
		_, err := h.tryPatch(fmt.Sprintf(`{"auth": {"token": "canary-token-by-%d"}, "description": "by %d"}`, i, i), etag)
		return err
	})
	winner := -1
	for i, err := range outcomes {
		switch {
		case err != nil:
			wantCode(t, err, callout.PreconditionFailed)
		case winner >= 0:
			t.Errorf("both %d and %d won", winner, i)
		default:
			winner = i
		}
	}
	now := h.get("crm")
	if want := fmt.Sprintf("by %d", winner); now.Version != 2 || now.Description != want {
		t.Errorf("version %d is %q, want %q", now.Version, now.Description, want)
	}
	h.wantSecrets("crm", map[string]string{"auth.token": fmt.Sprintf("canary-token-by-%d", winner), "headers/X-Api-Key": "canary-header-1"})
}

func TestOneOfManyCreatesAName(t *testing.T) {
	h := newHouse(t)
	outcomes := together(func(int) error {
		_, err := h.Create(t.Context(), decode(t, crm))
		return err
	})
	created := 0
	for _, err := range outcomes {
		if err != nil {
			wantCode(t, err, callout.ConfigExists)
			continue
		}
		created++
	}
	if created != 1 {
		t.Errorf("%d of %d created it", created, writers)
	}
	h.wantSecrets("crm", crmSecrets)
	names, err := h.store.Vault().Names(t.Context())
	if err != nil || len(names) != 1 {
		t.Errorf("the vault holds %v, %v; want the winner's secret alone", names, err)
	}
}

// A PATCH and a DELETE at the same moment: whoever is second finds what the
// first has left, and nothing is half there.
func TestPatchMeetsDelete(t *testing.T) {
	h := newHouse(t)
	h.create(crm)
	h.vault.beforeSet = func() error {
		h.vault.beforeSet = nil
		return h.instance().Delete(t.Context(), "crm", catalog.Condition{})
	}
	_, err := h.tryPatch(`{"auth": {"token": "canary-token-2"}}`)
	wantCode(t, err, callout.ConfigNotFound)
	_, err = h.Get(t.Context(), "crm")
	wantCode(t, err, callout.ConfigNotFound)
	if names, err := h.store.Vault().Names(t.Context()); err != nil || len(names) != 0 {
		t.Errorf("the vault holds %v, %v", names, err)
	}
}

// A crash between the two writes of a change leaves the old state, whole.
func TestCrashBetweenSecretAndRow(t *testing.T) {
	h := newHouse(t)
	before := h.create(crm)
	h.table.beforePut = down
	_, err := h.tryPatch(`{"auth": {"token": "canary-token-2"}, "description": "new"}`)
	wantCode(t, err, callout.StorageUnavailable)
	if len(h.versions(before)) != 2 {
		t.Fatal("the test does not interrupt where it means to")
	}
	h.table.beforePut = nil
	for _, instance := range []*house{h, h.instance()} {
		if now := instance.get("crm"); !reflect.DeepEqual(now, before) {
			t.Errorf("it reads as %+v", now)
		}
		instance.wantSecrets("crm", crmSecrets)
	}
	h.patch(`{"auth": {"token": "canary-token-3"}}`)
	h.wantSecrets("crm", map[string]string{"auth.token": "canary-token-3", "headers/X-Api-Key": "canary-header-1"})
}

func TestCrashWhileCreating(t *testing.T) {
	h := newHouse(t)
	h.table.beforePut = down
	_, err := h.Create(t.Context(), decode(t, crm))
	wantCode(t, err, callout.StorageUnavailable)
	h.table.beforePut = nil
	_, err = h.Get(t.Context(), "crm")
	wantCode(t, err, callout.ConfigNotFound)
	if configs, _, err := h.List(t.Context(), "", 10); err != nil || len(configs) != 0 {
		t.Errorf("List gives %v, %v", configs, err)
	}
	h.create(crm)
	h.wantSecrets("crm", crmSecrets)
}

// The write was made and its answer was lost: what is read is one whole state.
func TestLostAnswerToAWrite(t *testing.T) {
	h := newHouse(t)
	h.table.afterPut = down
	h.create(crm) // what the insert left is found
	h.wantSecrets("crm", crmSecrets)

	h.load("crm")
	_, err := h.tryPatch(`{"auth": {"token": "canary-token-2"}}`)
	wantCode(t, err, callout.StorageUnavailable)
	h.wantSecrets("crm", map[string]string{"auth.token": "canary-token-2", "headers/X-Api-Key": "canary-header-1"})
	if entry := h.load("crm"); entry.Config.Version != 2 {
		t.Errorf("a call is made with version %d from memory", entry.Config.Version)
	}
}

func TestTheVaultIsDownWhileChanging(t *testing.T) {
	h := newHouse(t)
	h.vault.beforeSet = down
	_, err := h.Create(t.Context(), decode(t, crm))
	wantCode(t, err, callout.StorageUnavailable)
	h.create(plain("no_secrets")) // needs no vault
	h.vault.beforeSet = nil
	before := h.create(crm)
	h.vault.beforeSet = down
	_, err = h.tryPatch(`{"auth": {"token": "canary-token-2"}}`)
	wantCode(t, err, callout.StorageUnavailable)
	if now := h.get("crm"); !reflect.DeepEqual(now, before) {
		t.Errorf("it reads as %+v", now)
	}
	h.patch(`{"description": "needs no vault"}`)
}
