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
	"callout/handler/store"
)

// clientCRM is crm, let in with a token.
const clientCRM = `{
	"name": "crm", "method": "POST", "endpoint": "https://api.example.com/v1/contacts", "approval": "none",
	"auth": {
		"type": "oauth2ClientCredentials", "tokenUrl": "https://auth.example.com/oauth/token?tenant=one",
		"parameters": [
			{"name": "client_id", "value": "the-client"}, {"name": "client_secret", "value": "canary-secret-1"},
			{"name": "resource", "value": "https://a.example.com"}, {"name": "resource", "value": "https://b.example.com"}
		],
		"tokenAuth": {"type": "basic", "username": "the-client", "password": "canary-password-1", "encoding": "form"},
		"format": "json", "tokenPath": "tokens.access", "expiresInPath": "tokens.lifetime", "defaultLifetimeSeconds": 600,
		"refreshOn": [403], "scheme": "Token"
	},
	"headers": [{"name": "X-Api-Key", "value": "canary-header-1"}]
}`

var clientSecrets = map[string]string{
	"auth.parameters/client_secret": "canary-secret-1", "auth.tokenAuth.password": "canary-password-1", "headers/X-Api-Key": "canary-header-1",
}

// gone is the value of a secret that is not there.
const gone = "\x00gone"

// but returns the secrets of clientCRM with changes.
func but(changes ...string) map[string]string {
	out := maps.Clone(clientSecrets)
	for i := 0; i < len(changes); i += 2 {
		out[changes[i]] = changes[i+1]
	}
	maps.DeleteFunc(out, func(_, value string) bool { return value == gone })
	return out
}

func TestATokenRequestIsReadAndPutBack(t *testing.T) {
	h := newHouse(t)
	before := h.create(clientCRM)
	read := h.document("crm")
	row, err := h.table.Get(t.Context(), "config", "crm")
	if err != nil {
		t.Fatal(err)
	}
	if whole := read + string(row.Data); strings.Contains(whole, "canary") || !strings.Contains(read, `"tokenPath":"tokens.access"`) {
		t.Errorf("read as %s\nkept as %s", read, row.Data)
	}
	h.clock.pass(time.Hour)
	after := h.put(read)
	if !reflect.DeepEqual(after, before) {
		t.Errorf("it was\n%+v\nand is\n%+v", before, after)
	}
	h.wantSecrets("crm", clientSecrets)
	h.instance().wantSecrets("crm", clientSecrets)
}

func TestHowTheSecretsOfATokenRequestAreKept(t *testing.T) {
	const clientSecret, password, token = "auth.parameters/client_secret", "auth.tokenAuth.password", "auth.tokenAuth.token"
	parameters := func(list string) string { return `{"auth": {"parameters": [` + list + `]}}` }
	for _, tt := range []struct {
		name, patch string
		want        map[string]string
	}{
		{"another member keeps all", `{"auth": {"scheme": null, "refreshOn": [400]}}`, clientSecrets},
		{"a token URL of the same origin keeps all", `{"auth": {"tokenUrl": "https://AUTH.example.com:443/v2/token"}}`, clientSecrets},
		{"an endpoint of the same origin keeps all", `{"endpoint": "https://api.example.com/v2"}`, clientSecrets},
		{"an array keeps by name", parameters(`{"name": "scope", "value": "x"}, {"name": "client_secret"}`), clientSecrets},
		{"an array with a new value", parameters(`{"name": "client_secret", "value": "canary-secret-2"}`), but(clientSecret, "canary-secret-2")},
		{"an array with the name in capitals", parameters(`{"name": "CLIENT_SECRET", "value": "canary-secret-2"}`),
			but(clientSecret, gone, "auth.parameters/CLIENT_SECRET", "canary-secret-2")},
		{"names that differ in case are two", parameters(`{"name": "CLIENT_SECRET", "value": "canary-secret-2"}, {"name": "client_secret"}`),
			but("auth.parameters/CLIENT_SECRET", "canary-secret-2")},
		{"an empty array", parameters(``), but(clientSecret, gone)},
		{"null for the array", `{"auth": {"parameters": null}}`, but(clientSecret, gone)},
		{"null for a parameter", parameters(`{"name": "client_secret", "value": null}`), but(clientSecret, gone)},
		{"a parameter that is no secret any more", parameters(`{"name": "client_secret", "secret": false, "value": "seen"}`), but(clientSecret, gone)},
		{"a new password", `{"auth": {"tokenAuth": {"password": ""}}}`, but(password, "")},
		{"another user name keeps the password", `{"auth": {"tokenAuth": {"username": "someone"}}}`, clientSecrets},
		{"null for the password", `{"auth": {"tokenAuth": {"password": null}}}`, but(password, gone)},
		{"null for tokenAuth", `{"auth": {"tokenAuth": null}}`, but(password, gone)},
		{"another kind of tokenAuth", `{"auth": {"tokenAuth": {"type": "bearer", "token": "canary-token-2", "username": null, "encoding": null}}}`,
			but(password, gone, token, "canary-token-2")},
		{"no credential", `{"auth": null}`, but(clientSecret, gone, password, gone)},
	} {
		t.Run(tt.name, func(t *testing.T) {
			h := newHouse(t)
			h.create(clientCRM)
			h.patch(tt.patch)
			h.wantSecrets("crm", tt.want)
			h.instance().wantSecrets("crm", tt.want)
			h.put(h.document("crm"))
			h.wantSecrets("crm", tt.want)
		})
	}
}

// Parameters that differ in case have values and times of their own.
func TestParametersThatDifferInCase(t *testing.T) {
	h := newHouse(t)
	h.create(clientCRM)
	first := h.clock.now()
	h.clock.pass(time.Hour)
	h.patch(`{"auth": {"tokenAuth": null, "parameters": [{"name": "Client_Secret", "value": "canary-secret-2"}, {"name": "client_secret"}]}}`)
	want := but("auth.parameters/Client_Secret", "canary-secret-2", "auth.tokenAuth.password", gone)
	for _, value := range []string{"canary-header-2", "canary-header-3", "canary-header-4"} { // for each of which all is written anew
		h.clock.pass(time.Hour)
		h.patch(fmt.Sprintf(`{"headers": [{"name": "X-Api-Key", "value": %q}]}`, value))
		want["headers/X-Api-Key"] = value
		h.wantSecrets("crm", want)
	}
	h.wantTimes(first, map[string]time.Duration{"auth.parameters/Client_Secret": time.Hour, "auth.parameters/client_secret": 0, "headers/X-Api-Key": 4 * time.Hour})
}

// Whoever may change a token URL need not be allowed to learn the client's
// secret. What goes to the endpoint only is not asked for.
func TestAnotherOriginOfTheTokenURLAsksForItsSecretsAgain(t *testing.T) {
	for _, url := range []string{
		"https://evil.example.com/oauth/token", "https://auth.example.com:8443/oauth/token", "http://auth.example.com/oauth/token",
		"https://api.example.com/oauth/token", "https://auth.example.com.evil.com/",
	} {
		h := newHouse(t)
		h.create(clientCRM)
		moved := func(members string) string { return fmt.Sprintf(`{"auth": {"tokenUrl": %q%s}}`, url, members) }
		_, err := h.tryPatch(moved(""))
		refusal := wantCode(t, err, callout.SecretsRequired)
		if got, want := targets(refusal), []string{"auth.parameters/client_secret", "auth.tokenAuth.password"}; !slices.Equal(got, want) {
			t.Errorf("%s: asks for %v, want %v", url, got, want)
		}
		if strings.Contains(fmt.Sprintf("%+v", refusal), "evil") {
			t.Errorf("the URL is quoted: %+v", refusal)
		}
		_, err = h.tryPatch(moved(`, "tokenAuth": {"password": "canary-password-2"}`))
		if got := targets(wantCode(t, err, callout.SecretsRequired)); !slices.Equal(got, []string{"auth.parameters/client_secret"}) {
			t.Errorf("%s: with a new password it asks for %v", url, got)
		}
		h.wantSecrets("crm", clientSecrets)
		h.patch(moved(`, "tokenAuth": null, "parameters": [{"name": "client_secret", "value": "canary-secret-2"}]`))
		h.wantSecrets("crm", map[string]string{"auth.parameters/client_secret": "canary-secret-2", "headers/X-Api-Key": "canary-header-1"})
	}
}

// A token that the stored secrets buy is not sent to another place either.
func TestAnotherOriginOfTheEndpointAsksForTheSecretsOfTheTokenRequest(t *testing.T) {
	h := newHouse(t)
	h.create(clientCRM)
	all := slices.Sorted(maps.Keys(clientSecrets))
	for _, patch := range []string{
		`{"endpoint": "https://evil.example.com/"}`,
		`{"endpoint": "https://evil.example.com/", "auth": {"tokenUrl": "https://evil.example.com/token"}}`,
	} {
		_, err := h.tryPatch(patch)
		if got := targets(wantCode(t, err, callout.SecretsRequired)); !slices.Equal(got, all) {
			t.Errorf("%s: asks for %v, want %v", patch, got, all)
		}
	}
	h.wantSecrets("crm", clientSecrets)
}

// A token URL without secrets may lead anywhere.
func TestATokenURLWithoutSecretsMoves(t *testing.T) {
	h := newHouse(t)
	h.create(strings.NewReplacer(`"canary-secret-1"`, `"public", "secret": false`, `"canary-password-1"`, `null`).Replace(clientCRM))
	h.patch(`{"auth": {"tokenUrl": "https://login.example.com/token"}}`)
	h.wantSecrets("crm", map[string]string{"headers/X-Api-Key": "canary-header-1"})
}

// A change of the kind carries no secret from one to the other.
func TestFromABearerTokenToATokenRequest(t *testing.T) {
	h := newHouse(t)
	h.create(crm)
	_, err := h.tryPatch(`{"auth": {"type": "oauth2ClientCredentials", "tokenUrl": "https://auth.example.com/", "parameters": [{"name": "client_secret"}], "tokenAuth": {"type": "bearer"}}}`)
	if got := targets(wantCode(t, err, callout.InvalidConfig)); !slices.Equal(got, []string{"auth.parameters[0].value", "auth.tokenAuth.token"}) {
		t.Errorf("the faults are at %v", got)
	}
	h.patch(`{"auth": {"type": "oauth2ClientCredentials", "tokenUrl": "https://auth.example.com/", "parameters": [{"name": "client_secret", "value": "canary-secret-2"}]}}`)
	h.wantSecrets("crm", map[string]string{"auth.parameters/client_secret": "canary-secret-2", "headers/X-Api-Key": "canary-header-1"})
	page, err := h.table.List(t.Context(), store.Range{Partition: "config", Top: 10})
	if err != nil || len(page.Rows) != 1 || strings.Contains(string(page.Rows[0].Data), "canary") {
		t.Errorf("rows: %+v, %v", page.Rows, err)
	}
}
