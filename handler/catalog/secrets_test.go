package catalog_test

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"callout/handler/callout"
	"callout/handler/catalog"
	"callout/handler/store"
)

// full has a secret in every place that takes one together with basic
// authentication.
const full = `{
	"name": "full", "method": "POST", "endpoint": "https://hooks.slack.com/services/canary-endpoint",
	"auth": {"type": "basic", "username": "canary-user", "usernameSecret": true, "password": "canary-password"},
	"headers": [{"name": "X-Api-Key", "value": "canary-header-1"}, {"name": "Plain", "value": "canary-header-2", "secret": true}]
}`

var fullSecrets = map[string]string{
	"auth.password": "canary-password", "auth.username": "canary-user", "endpoint": "https://hooks.slack.com/services/canary-endpoint",
	"headers/X-Api-Key": "canary-header-1", "headers/Plain": "canary-header-2",
}

var crmSecrets = map[string]string{"auth.token": "canary-token-1", "headers/X-Api-Key": "canary-header-1"}

func TestNoSecretIsInARowOrAReading(t *testing.T) {
	h := newHouse(t)
	h.create(full)
	h.create(crm)
	h.patch(`{"auth": {"token": "canary-token-2"}}`)
	h.create(strings.Replace(plain("q"), `"approval"`, `"auth": {"type": "apiKey", "in": "query", "query": "k", "key": "canary-key"}, "approval"`, 1))
	if err := h.SaveTest(t.Context(), h.get("crm"), callout.LastTest{OK: true}); err != nil {
		t.Fatal(err)
	}
	for _, partition := range []string{"config", "test"} {
		page, err := h.table.List(t.Context(), store.Range{Partition: partition, Top: 100})
		if err != nil || len(page.Rows) == 0 {
			t.Fatalf("%d rows in %s, %v", len(page.Rows), partition, err)
		}
		for _, row := range page.Rows {
			if strings.Contains(string(row.Data), "canary") {
				t.Errorf("the row %s/%s holds a secret: %s", row.Partition, row.Key, row.Data)
			}
		}
	}
	for _, name := range []string{"full", "crm", "q"} {
		if document := h.document(name); strings.Contains(document, "canary") {
			t.Errorf("a reading holds a secret: %s", document)
		}
	}
}

func TestASecretEndpointShowsItsOriginOnly(t *testing.T) {
	h := newHouse(t)
	h.create(full)
	if got := h.get("full"); got.Endpoint != "https://hooks.slack.com" || !got.EndpointSecret {
		t.Errorf("endpoint %q, secret %t", got.Endpoint, got.EndpointSecret)
	}
}

func TestPutOfWhatWasReadChangesNothing(t *testing.T) {
	for name, document := range map[string]string{"full": full, "crm": crm, "plain": plain("plain")} {
		h := newHouse(t)
		before := h.create(document)
		stored := h.versions(before)
		secrets := map[string]string{}
		for path, value := range decode(t, document).Given() {
			secrets[path] = value.Reveal()
		}
		h.clock.pass(time.Hour)
		after := h.put(h.document(name))
		h.wantSecrets(name, secrets)
		if after.SecretVersion != before.SecretVersion || !slices.Equal(h.versions(after), stored) {
			t.Errorf("%s: the vault's version changed from %s to %s", name, before.SecretVersion, after.SecretVersion)
		}
		if !reflect.DeepEqual(after.Secrets, before.Secrets) {
			t.Errorf("%s: secrets were %v and are %v", name, before.Secrets, after.Secrets)
		}
		after.Version, after.ETag, after.UpdatedAt = before.Version, before.ETag, before.UpdatedAt
		if !reflect.DeepEqual(after, before) {
			t.Errorf("%s: it was\n%+v\nand is\n%+v", name, before, after)
		}
	}
}

func TestHowSecretsAreKeptAndCleared(t *testing.T) {
	tests := []struct {
		name, patch string
		want        map[string]string
	}{
		{"another member keeps all", `{"description": "x"}`, crmSecrets},
		{"the type without its token keeps it", `{"auth": {"type": "bearer"}}`, crmSecrets},
		{"a path of the same origin keeps all", `{"endpoint": "https://api.example.com:443/v2/people?x=1"}`, crmSecrets},
		{"the same origin in other letters", `{"endpoint": "https://API.example.com/v1"}`, crmSecrets},
		{"a new token", `{"auth": {"token": "canary-token-2"}}`,
			map[string]string{"auth.token": "canary-token-2", "headers/X-Api-Key": "canary-header-1"}},
		{"an array keeps by name", `{"headers": [{"name": "New", "value": "n"}, {"name": "X-Api-Key"}]}`, crmSecrets},
		{"an array keeps by name, whatever the case", `{"headers": [{"name": "x-api-key"}]}`,
			map[string]string{"auth.token": "canary-token-1", "headers/x-api-key": "canary-header-1"}},
		{"an array with a new value", `{"headers": [{"name": "X-Api-Key", "value": "canary-header-2"}]}`,
			map[string]string{"auth.token": "canary-token-1", "headers/X-Api-Key": "canary-header-2"}},
		{"an array with another name", `{"headers": [{"name": "X-Other-Key", "value": "canary-header-2"}]}`,
			map[string]string{"auth.token": "canary-token-1", "headers/X-Other-Key": "canary-header-2"}},
		{"an empty array", `{"headers": []}`, map[string]string{"auth.token": "canary-token-1"}},
		{"null for the array", `{"headers": null}`, map[string]string{"auth.token": "canary-token-1"}},
		{"a header that is no secret any more", `{"headers": [{"name": "X-Api-Key", "secret": false, "value": "seen"}]}`,
			map[string]string{"auth.token": "canary-token-1"}},
		{"another kind of credential", `{"auth": {"type": "apiKey", "header": "X-Key", "key": "canary-key"}}`,
			map[string]string{"auth.key": "canary-key", "headers/X-Api-Key": "canary-header-1"}},
		{"no credential", `{"auth": {"type": "none"}}`, map[string]string{"headers/X-Api-Key": "canary-header-1"}},
		{"null for the credential", `{"auth": null}`, map[string]string{"headers/X-Api-Key": "canary-header-1"}},
		{"nothing left", `{"auth": null, "headers": []}`, map[string]string{}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			h := newHouse(t)
			h.create(crm)
			h.patch(test.patch)
			h.wantSecrets("crm", test.want)
			h.instance().wantSecrets("crm", test.want)
		})
	}
}

func TestNullClearsASecret(t *testing.T) {
	h := newHouse(t)
	h.create(full)
	h.put(strings.Replace(full, `"canary-header-2"`, `null`, 1))
	want := map[string]string{}
	for path, value := range fullSecrets {
		if path != "headers/Plain" {
			want[path] = value
		}
	}
	h.wantSecrets("full", want)
	h.put(h.document("full"))
	h.wantSecrets("full", want)
}

// Null clears what the credential needs as well; the configuration that is left
// can be read and put back, and says that there is no value.
func TestNullClearsANeededSecret(t *testing.T) {
	h := newHouse(t)
	h.create(crm)
	h.patch(`{"auth": {"token": null}}`)
	want := maps.Clone(crmSecrets)
	delete(want, "auth.token")
	h.wantSecrets("crm", want)
	h.put(h.document("crm"))
	h.wantSecrets("crm", want)
}

// A needed secret that was never given is a fault.
func TestANeededSecretMustBeGiven(t *testing.T) {
	h := newHouse(t)
	h.create(crm)
	_, err := h.tryPatch(`{"auth": {"type": "apiKey", "header": "X-Key"}}`)
	if got := targets(wantCode(t, err, callout.InvalidConfig)); !slices.Equal(got, []string{"auth.key"}) {
		t.Errorf("the faults are at %v", got)
	}
}

// A read that is put back is no change: neither version nor ETag moves.
func TestPuttingBackWhatWasReadChangesNothing(t *testing.T) {
	h := newHouse(t)
	before := h.create(crm)
	after := h.put(h.document("crm"))
	if after.ETag != before.ETag || after.Version != before.Version || !after.UpdatedAt.Equal(before.UpdatedAt) {
		t.Errorf("version %d, ETag %s after version %d, ETag %s", after.Version, after.ETag, before.Version, before.ETag)
	}
}

func TestVersionsOfTheBundle(t *testing.T) {
	h := newHouse(t)
	first := h.create(crm)
	same := h.patch(`{"description": "x", "auth": {"type": "bearer"}}`)
	if same.SecretVersion != first.SecretVersion || len(h.versions(first)) != 1 {
		t.Errorf("no secret was given, and the version changed from %s to %s", first.SecretVersion, same.SecretVersion)
	}
	second := h.patch(`{"auth": {"token": "canary-token-2"}}`)
	if all := h.versions(first); len(all) != 2 || all[1] != second.SecretVersion {
		t.Errorf("the versions are %v, and the row names %s", all, second.SecretVersion)
	}
	third := h.patch(`{"auth": null, "headers": []}`)
	if third.SecretVersion != "" {
		t.Errorf("there is no secret, and the row names version %s", third.SecretVersion)
	}
	if bundle, err := h.Secrets(t.Context(), third); err != nil || len(bundle) != 0 {
		t.Errorf("Secrets gives %v, %v", bundle, err)
	}
}

func TestUpdatedAtIsThatOfEachSecret(t *testing.T) {
	h := newHouse(t)
	h.create(crm)
	first := h.clock.now()
	h.clock.pass(time.Hour)
	h.patch(`{"auth": {"token": "canary-token-2"}, "description": "x"}`)
	h.wantTimes(first, map[string]time.Duration{"auth.token": time.Hour, "headers/X-Api-Key": 0})
	h.clock.pass(time.Hour)
	h.patch(`{"headers": [{"name": "x-api-key"}, {"name": "X-Token", "value": "canary-header-3"}]}`)
	h.wantTimes(first, map[string]time.Duration{"auth.token": time.Hour, "headers/x-api-key": 0, "headers/X-Token": 2 * time.Hour})
	h.clock.pass(time.Hour)
	h.patch(`{"auth": {"token": "canary-token-2"}}`) // the same value, given anew
	h.wantTimes(first, map[string]time.Duration{"auth.token": 3 * time.Hour, "headers/x-api-key": 0, "headers/X-Token": 2 * time.Hour})
}

// wantTimes checks how long after first each secret of crm was given.
func (h *house) wantTimes(first time.Time, want map[string]time.Duration) {
	h.t.Helper()
	got := map[string]time.Duration{}
	for _, ref := range h.get("crm").Secrets {
		got[ref.Path] = ref.UpdatedAt.Sub(first)
	}
	if !reflect.DeepEqual(got, want) {
		h.t.Errorf("the secrets were given after %v, want %v", got, want)
	}
}

func TestAnotherOriginAsksForTheSecretsAgain(t *testing.T) {
	for _, endpoint := range []string{
		"https://evil.example.com/v1/contacts", "https://api.example.com:8443/v1/contacts", "http://api.example.com/v1/contacts",
		"https://api.example.com.evil.com/v1/contacts",
	} {
		h := newHouse(t)
		h.create(crm)
		_, err := h.tryPatch(fmt.Sprintf(`{"endpoint": %q}`, endpoint))
		got := targets(wantCode(t, err, callout.SecretsRequired))
		if want := []string{"auth.token", "headers/X-Api-Key"}; !slices.Equal(got, want) {
			t.Errorf("%s: asks for %v, want %v", endpoint, got, want)
		}
		_, err = h.tryPatch(fmt.Sprintf(`{"endpoint": %q, "auth": {"token": "canary-token-2"}}`, endpoint))
		if got := targets(wantCode(t, err, callout.SecretsRequired)); !slices.Equal(got, []string{"headers/X-Api-Key"}) {
			t.Errorf("%s: with a new token it asks for %v", endpoint, got)
		}
		if now := h.get("crm"); now.Endpoint != "https://api.example.com/v1/contacts" || now.Version != 1 {
			t.Errorf("refused, and yet stored: %+v", now)
		}
		h.wantSecrets("crm", crmSecrets)
		h.patch(fmt.Sprintf(`{"endpoint": %q, "auth": {"token": "canary-token-2"}, "headers": []}`, endpoint))
		h.wantSecrets("crm", map[string]string{"auth.token": "canary-token-2"})
	}
}

func TestASecretEndpointDoesNotMoveWithItsOrigin(t *testing.T) {
	h := newHouse(t)
	h.create(full)
	document := strings.Replace(h.document("full"), "https://hooks.slack.com", "https://evil.example.com", 1)
	_, _, err := h.Put(t.Context(), decode(t, document), catalog.Condition{})
	got := targets(wantCode(t, err, callout.SecretsRequired))
	if want := []string{"auth.password", "auth.username", "endpoint", "headers/Plain", "headers/X-Api-Key"}; !slices.Equal(got, want) {
		t.Errorf("asks for %v, want %v", got, want)
	}
	h.wantSecrets("full", fullSecrets)
}

// A disabled version is a kill switch: it does not live on in a new version, not
// even if this instance still has it in memory.
func TestADisabledSecretIsNotCarriedOver(t *testing.T) {
	h := newHouse(t)
	saved := h.create(crm)
	h.wantSecrets("crm", crmSecrets)
	h.disable(saved)
	_, err := h.tryPatch(`{"auth": {"token": "canary-token-2"}}`)
	if got := targets(wantCode(t, err, callout.SecretsRequired)); !slices.Equal(got, []string{"headers/X-Api-Key"}) {
		t.Errorf("asks for %v", got)
	}
	h.patch(`{"auth": {"token": "canary-token-2"}, "headers": [{"name": "X-Api-Key", "value": "canary-header-2"}]}`)
	h.wantSecrets("crm", map[string]string{"auth.token": "canary-token-2", "headers/X-Api-Key": "canary-header-2"})
}

// Validation sees the secrets that are given; only the vault sees that they and
// the kept ones together are too large.
func TestSecretsThatAreTooLargeTogether(t *testing.T) {
	h := newHouse(t)
	header := func(i int) string {
		return fmt.Sprintf(`{"name": "X-Key-%d", "value": %q}`, i, strings.Repeat("k", callout.MaxSecret))
	}
	h.create(strings.Replace(plain("crm"), `"approval"`, `"headers": [`+header(1)+","+header(2)+`], "approval"`, 1))
	_, err := h.tryPatch(`{"headers": [{"name": "X-Key-1"}, {"name": "X-Key-2"}, ` + header(3) + "," + header(4) + `]}`)
	if fault := wantCode(t, err, callout.InvalidConfig).Details[0]; fault.Code != callout.TooLong {
		t.Errorf("the fault is %+v", fault)
	}
	if now := h.get("crm"); len(now.Secrets) != 2 {
		t.Errorf("it has the secrets %v", now.Secrets)
	}
}

// What a read shows of a secret endpoint, put back without its flag, stands for
// the stored one; a webhook must not be lost by it.
func TestAShownEndpointStandsForTheStoredOne(t *testing.T) {
	h := newHouse(t)
	const hook = `{"name": "hook", "endpoint": "https://hooks.slack.com/services/T0/B0/canary-webhook", "method": "POST"}`
	h.create(hook)
	saved := h.put(`{"name": "hook", "endpoint": "https://hooks.slack.com", "method": "POST"}`)
	if !saved.EndpointSecret || !saved.HasSecret("endpoint") {
		t.Errorf("the endpoint is lost: %+v", saved.Secrets)
	}
	_, _, err := h.Put(t.Context(), decode(t, `{"name": "hook", "endpoint": "https://hooks.slack.com", "endpointSecret": false, "method": "POST"}`), catalog.Condition{})
	if got := targets(wantCode(t, err, callout.SecretsRequired)); !slices.Equal(got, []string{"endpoint"}) {
		t.Errorf("the faults are at %v", got)
	}
}
