package catalog_test

import (
	"testing"
	"time"

	"callout/handler/callout"
	"callout/handler/catalog"
)

func (h *house) load(name string) *catalog.Entry {
	h.t.Helper()
	entry, err := h.Load(h.t.Context(), name)
	if err != nil {
		h.t.Fatalf("Load: %v", err)
	}
	return entry
}

// reads counts what do reads from the table.
func (h *house) reads(do func()) int64 {
	before := h.table.gets.Load()
	do()
	return h.table.gets.Load() - before
}

func TestLoadIsServedFromMemoryWithinTheTTL(t *testing.T) {
	h := newHouse(t)
	h.create(crm)
	first := h.load("crm")
	if first.Template == nil || first.Config.Name != "crm" || first.Config.Given()["auth.token"].IsSet() {
		t.Errorf("the entry is %+v", first)
	}
	h.clock.pass(ttl - 1)
	if n := h.reads(func() {
		for range 100 {
			if h.load("crm") != first {
				t.Fatal("another entry within the TTL")
			}
		}
	}); n != 0 {
		t.Errorf("the table was read %d times within the TTL", n)
	}
}

func TestLoadRevalidatesAfterTheTTL(t *testing.T) {
	h := newHouse(t)
	h.create(crm)
	first := h.load("crm")
	h.clock.pass(ttl)
	var second *catalog.Entry
	if n := h.reads(func() { second = h.load("crm") }); n != 1 {
		t.Errorf("the table was read %d times after the TTL, want once", n)
	}
	if second.Template != first.Template || second.Config != first.Config {
		t.Error("nothing has changed, and it was compiled anew")
	}
	h.clock.pass(ttl - 1)
	if n := h.reads(func() { h.load("crm") }); n != 0 {
		t.Errorf("the table was read %d times within the next TTL", n)
	}
}

func TestAChangeByAnotherInstanceIsSeenAfterTheTTL(t *testing.T) {
	h := newHouse(t)
	h.create(crm)
	other := h.instance()
	first := h.load("crm")
	other.patch(`{"description": "new"}`)
	if h.load("crm") != first {
		t.Error("it was read within the TTL")
	}
	h.clock.pass(ttl)
	if second := h.load("crm"); second.Config.Description != "new" || second.Template == first.Template {
		t.Errorf("after the TTL it is %+v", second.Config)
	}
	if err := other.Delete(t.Context(), "crm", catalog.Condition{}); err != nil {
		t.Fatal(err)
	}
	h.load("crm")
	h.clock.pass(ttl)
	_, err := h.Load(t.Context(), "crm")
	wantCode(t, err, callout.ConfigNotFound)
}

func TestALocalChangeIsSeenAtOnce(t *testing.T) {
	h := newHouse(t)
	h.create(crm)
	h.load("crm")
	h.patch(`{"description": "patched"}`)
	if got := h.load("crm").Config.Description; got != "patched" {
		t.Errorf("after PATCH it is %q", got)
	}
	h.put(plain("crm"))
	if got := h.load("crm").Config.Description; got != "" {
		t.Errorf("after PUT it is %q", got)
	}
	if err := h.Delete(t.Context(), "crm", catalog.Condition{}); err != nil {
		t.Fatal(err)
	}
	_, err := h.Load(t.Context(), "crm")
	wantCode(t, err, callout.ConfigNotFound)
	h.create(crm)
	h.load("crm")
}

// A reading that found a configuration gone ends its stay in memory.
func TestAReadingThatFindsNothingForgets(t *testing.T) {
	h := newHouse(t)
	h.create(crm)
	h.load("crm")
	if err := h.instance().Delete(t.Context(), "crm", catalog.Condition{}); err != nil {
		t.Fatal(err)
	}
	_, err := h.Get(t.Context(), "crm")
	wantCode(t, err, callout.ConfigNotFound)
	_, err = h.Load(t.Context(), "crm")
	wantCode(t, err, callout.ConfigNotFound)
}

// A read that began before a change and ends after it gives the old state to
// the one who asked, and to nobody else.
func TestARaceWithAChangeIsNotRemembered(t *testing.T) {
	h := newHouse(t)
	h.create(crm)
	h.during(func() { h.patch(`{"description": "new"}`) })
	if got := h.load("crm").Config.Description; got != "" {
		t.Fatalf("the test does not race as it means to: %q", got)
	}
	if got := h.load("crm").Config.Description; got != "new" {
		t.Errorf("the state before the change was remembered: %q", got)
	}
}

func TestNamesThatDoNotExistKeepNobodyOutOfMemory(t *testing.T) {
	h := newHouse(t)
	h.create(crm)
	h.during(func() { _, _ = h.Load(t.Context(), "nope") })
	h.load("crm")
	if n := h.reads(func() { h.load("crm") }); n != 0 {
		t.Errorf("the table was read %d times within the TTL", n)
	}
}

// during does something while the next read of the table is under way.
func (h *house) during(do func()) {
	h.table.afterGet = func() {
		h.table.afterGet = nil
		do()
	}
}

func TestLoadWhileTheTableIsDown(t *testing.T) {
	h := newHouse(t)
	h.create(crm)
	first := h.load("crm")
	h.table.beforeGet = down
	h.clock.pass(ttl - 1)
	if h.load("crm") != first {
		t.Error("another entry within the TTL")
	}
	h.clock.pass(1)
	if h.load("crm") != first {
		t.Error("another entry while nobody can say whether it has changed")
	}
	_, err := h.Load(t.Context(), "never_seen")
	wantCode(t, err, callout.StorageUnavailable)
	h.table.beforeGet = nil
	if err := h.instance().Delete(t.Context(), "crm", catalog.Condition{}); err != nil {
		t.Fatal(err)
	}
	h.clock.pass(ttl)
	_, err = h.Load(t.Context(), "crm")
	wantCode(t, err, callout.ConfigNotFound)
}

func (h *house) wantToken(config *callout.Config, want string) {
	h.t.Helper()
	bundle, err := h.Secrets(h.t.Context(), config)
	if err != nil || bundle["auth.token"].Reveal() != want {
		h.t.Errorf("the token is %q, %v; want %q", bundle["auth.token"].Reveal(), err, want)
	}
}

func TestSecretsAreServedFromMemoryByVersion(t *testing.T) {
	h := newHouse(t)
	first := h.create(crm)
	for range 100 {
		h.wantToken(first, "canary-token-1")
	}
	if n := h.vault.gets.Load(); n != 1 {
		t.Errorf("the vault was read %d times, want once", n)
	}
	second := h.patch(`{"auth": {"token": "canary-token-2"}}`)
	h.wantToken(second, "canary-token-2")
	h.wantToken(first, "canary-token-1") // a call that began before the change
	h.clock.pass(time.Hour - 1)
	before := h.vault.gets.Load()
	h.wantToken(second, "canary-token-2")
	if h.vault.gets.Load() != before {
		t.Error("the vault was read within the hour")
	}
	h.clock.pass(1)
	h.wantToken(second, "canary-token-2")
	if h.vault.gets.Load() != before+1 {
		t.Error("the vault was not read after the hour")
	}
}

func TestADisabledVersionEndsWithinTheHour(t *testing.T) {
	h := newHouse(t)
	config := h.create(crm)
	h.wantToken(config, "canary-token-1")
	h.disable(config)
	h.wantToken(config, "canary-token-1")
	h.clock.pass(time.Hour)
	_, err := h.Secrets(t.Context(), config)
	wantCode(t, err, string(callout.CredentialMissing))
	_, err = h.instance().Secrets(t.Context(), config)
	wantCode(t, err, string(callout.CredentialMissing))
}

func TestASecretThatIsGone(t *testing.T) {
	h := newHouse(t)
	config := h.create(crm)
	if err := h.store.Vault().Delete(t.Context(), "callout-"+config.ID); err != nil {
		t.Fatal(err)
	}
	_, err := h.Secrets(t.Context(), config)
	wantCode(t, err, string(callout.CredentialMissing))
}

func TestSecretsWhileTheVaultIsDown(t *testing.T) {
	h := newHouse(t)
	config := h.create(crm)
	h.wantToken(config, "canary-token-1")
	h.vault.beforeGet = down
	h.wantToken(config, "canary-token-1")
	h.clock.pass(time.Hour)
	h.wantToken(config, "canary-token-1")
	other := h.instance()
	other.vault.beforeGet = down
	_, err := other.Secrets(t.Context(), config)
	wantCode(t, err, callout.StorageUnavailable)
}

func TestAConfigurationWithoutSecretsNeedsNoVault(t *testing.T) {
	h := newHouse(t)
	h.vault.beforeGet, h.vault.beforeSet = down, down
	if bundle, err := h.Secrets(t.Context(), h.create(plain("plain"))); err != nil || len(bundle) != 0 {
		t.Errorf("Secrets gives %v, %v", bundle, err)
	}
}
