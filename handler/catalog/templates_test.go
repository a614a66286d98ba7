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
)

// templatedCRM names fields and secret values wherever it can, in secret texts too.
const templatedCRM = `{
	"name": "crm", "method": "POST", "approval": "none",
	"endpoint": "https://api.example.com/canary-tenant/{{id}}?key={{secret.key}}", "endpointSecret": true,
	"auth": {"type": "oauth2ClientCredentials", "tokenUrl": "https://auth.example.com/{{secret.tenant}}/token",
		"parameters": [{"name": "client_secret", "value": "canary-{{secret.client}}"}, {"name": "audience", "value": "{{secret.tenant}}"}]},
	"headers": [{"name": "X-Api-Key", "value": "canary {{who}} {{secret.key}}"}, {"name": "X-Seen", "value": "{{who}}/{{secret.other}}"}],
	"fields": [{"name": "id", "type": "integer", "in": "path", "required": true}, {"name": "who", "type": "string"}, {"name": "X-Trace", "type": "string", "in": "header"}],
	"body": {"zeta": "{{who}}", "alpha": [1.50, null, "{{secret.routing}}"]}, "bodyFormat": "json",
	"secretValues": {"key": "canary-key", "tenant": "canary-tenant", "client": "canary-client", "routing": "canary-routing", "other": "canary-other"}
}`

var templatedSecrets = map[string]string{
	"endpoint":                      "https://api.example.com/canary-tenant/{{id}}?key={{secret.key}}",
	"auth.parameters/client_secret": "canary-{{secret.client}}", "headers/X-Api-Key": "canary {{who}} {{secret.key}}",
	"secretValues/key": "canary-key", "secretValues/tenant": "canary-tenant", "secretValues/client": "canary-client",
	"secretValues/routing": "canary-routing", "secretValues/other": "canary-other",
}

// less returns the secrets of templatedCRM with changes, as but does.
func less(changes ...string) map[string]string {
	out := maps.Clone(templatedSecrets)
	for i := 0; i < len(changes); i += 2 {
		out[changes[i]] = changes[i+1]
	}
	maps.DeleteFunc(out, func(_, value string) bool { return value == gone })
	return out
}

func TestTemplatesAreReadAndPutBack(t *testing.T) {
	h := newHouse(t)
	before := h.create(templatedCRM)
	read := h.document("crm")
	row, err := h.table.Get(t.Context(), "config", "crm")
	if err != nil {
		t.Fatal(err)
	}
	if whole := read + string(row.Data); strings.Contains(whole, "canary") {
		t.Errorf("a secret is shown: read as %s\nkept as %s", read, row.Data)
	}
	for _, part := range []string{`"body":{"zeta":"{{who}}","alpha":[1.50,null,"{{secret.routing}}"]}`, `"tokenUrl":"https://auth.example.com/{{secret.tenant}}/token"`, `"value":"{{secret.tenant}}"`} {
		if !strings.Contains(read, part) {
			t.Errorf("%s is not in %s", part, read)
		}
	}
	if !strings.HasPrefix(string(row.Data), `{"schema":3,`) {
		t.Errorf("the row is %s", row.Data)
	}
	h.clock.pass(time.Hour)
	for _, house := range []*house{h, h.instance()} {
		after := house.put(read)
		if !reflect.DeepEqual(after, before) {
			t.Errorf("it was\n%+v\nand is\n%+v", before, after)
		}
		house.wantSecrets("crm", templatedSecrets)
	}
	entry, err := h.instance().Load(t.Context(), "crm")
	if err != nil || !reflect.DeepEqual(entry.Config, before) || entry.Template == nil {
		t.Errorf("loaded as\n%+v\nwant\n%+v (%v)", entry, before, err)
	}
}

// The order in which secret values are given is none.
func TestTheOrderOfSecretValuesDoesNotMatter(t *testing.T) {
	h := newHouse(t)
	first := h.create(strings.Replace(plain("a"), `"approval"`, `"secretValues": {"x": "canary-x", "y": "canary-y"}, "approval"`, 1))
	again := h.put(strings.Replace(h.document("a"), `"approval"`, `"secretValues": {}, "approval"`, 1))
	if again.ETag != first.ETag {
		t.Error("an empty map is a change")
	}
	second := h.put(strings.Replace(plain("a"), `"approval"`, `"secretValues": {"y": "canary-y", "x": "canary-x"}, "approval"`, 1))
	if fmt.Sprint(paths(second)) != fmt.Sprint(paths(first)) {
		t.Errorf("the secrets are %v and were %v", second.Secrets, first.Secrets)
	}
	h.wantSecrets("a", map[string]string{"secretValues/x": "canary-x", "secretValues/y": "canary-y"})
}

func paths(config *callout.Config) []string {
	var out []string
	for _, ref := range config.Secrets {
		out = append(out, ref.Path)
	}
	return out
}

func TestHowSecretValuesAreKept(t *testing.T) {
	for _, tt := range []struct {
		name, patch string
		want        map[string]string
	}{
		{"another member keeps all", `{"description": "x"}`, templatedSecrets},
		{"an empty map keeps all", `{"secretValues": {}}`, templatedSecrets},
		{"a new value", `{"secretValues": {"key": "canary-key-2"}}`, less("secretValues/key", "canary-key-2")},
		{"one more", `{"secretValues": {"KEY": "canary-key-2"}}`, less("secretValues/KEY", "canary-key-2")},
		{"one that is not there is cleared", `{"secretValues": {"KEY": null}}`, templatedSecrets},
		{"cleared together with the template that names it", `{"secretValues": {"other": null}, "headers": [{"name": "X-Api-Key"}]}`, less("secretValues/other", gone)},
		{"cleared together with the body", `{"secretValues": {"routing": null}, "body": null}`, less("secretValues/routing", gone)},
		{"a path of the same origin", `{"endpoint": "https://api.example.com/{{id}}/canary", "endpointSecret": true}`, less("endpoint", "https://api.example.com/{{id}}/canary")},
		{"a token URL of the same origin", `{"auth": {"tokenUrl": "https://auth.example.com/v2/{{secret.tenant}}"}}`, templatedSecrets},
		{"no more of a token request", `{"auth": null}`, less("auth.parameters/client_secret", gone)},
	} {
		t.Run(tt.name, func(t *testing.T) {
			h := newHouse(t)
			h.create(templatedCRM)
			h.patch(tt.patch)
			h.wantSecrets("crm", tt.want)
			h.instance().wantSecrets("crm", tt.want)
			saved := h.get("crm")
			if again := h.put(h.document("crm")); again.ETag != saved.ETag {
				t.Errorf("put back, it changed to %+v", again)
			}
		})
	}
}

func TestNullClearsAllSecretValues(t *testing.T) {
	h := newHouse(t)
	h.create(strings.Replace(crm, `"approval"`, `"secretValues": {"x": "canary-x", "y": "canary-y"}, "approval"`, 1))
	h.put(strings.Replace(h.document("crm"), `"approval"`, `"secretValues": null, "approval"`, 1))
	h.wantSecrets("crm", crmSecrets)
}

// What a secret text names is known in another instance, which never saw it.
func TestWhatSecretTextsNameCannotBeTakenAway(t *testing.T) {
	for patch, want := range map[string][]string{
		`{"secretValues": {"key": null}}`:                                                    {"InvalidConfig", "endpoint", "headers[0].value"},
		`{"secretValues": {"client": null}}`:                                                 {"InvalidConfig", "auth.parameters[0].value"},
		`{"secretValues": {"tenant": null}}`:                                                 {"InvalidConfig", "auth.parameters[1].value", "auth.tokenUrl"},
		`{"fields": [{"name": "who", "type": "string"}]}`:                                    {"InvalidConfig", "endpoint"},
		`{"fields": [{"name": "id", "type": "integer"}, {"name": "who", "type": "string"}]}`: {"InvalidConfig", "fields[0].required"},
		`{"body": null, "fields": [{"name": "id", "type": "integer", "required": true}]}`:    {"InvalidConfig", "headers[0].value", "headers[1].value"},
	} {
		h := newHouse(t)
		h.create(templatedCRM)
		_, err := h.instance().tryPatch(patch)
		refusal := wantCode(t, err, want[0])
		if got := targets(refusal); !slices.Equal(got, want[1:]) {
			t.Errorf("%s: faults at %v, want %v", patch, got, want[1:])
		}
		if strings.Contains(fmt.Sprintf("%+v", refusal), "canary") {
			t.Errorf("%s: a secret is quoted: %+v", patch, refusal)
		}
		h.wantSecrets("crm", templatedSecrets)
	}
}

func TestAnotherOriginOfTheEndpointAsksForAllSecretValues(t *testing.T) {
	h := newHouse(t)
	h.create(templatedCRM)
	_, err := h.tryPatch(`{"endpoint": "https://evil.example.com/{{id}}", "endpointSecret": false}`)
	want := slices.Sorted(maps.Keys(less("endpoint", gone)))
	if got := targets(wantCode(t, err, callout.SecretsRequired)); !slices.Equal(got, want) {
		t.Errorf("asks for %v, want %v", got, want)
	}
	h.wantSecrets("crm", templatedSecrets)
}

// To the token URL goes what the token request names; that is asked for again
// when the URL leads elsewhere, and when the request names more than before.
func TestSecretValuesAreNotCarriedToAnotherTokenURL(t *testing.T) {
	for _, tt := range []struct {
		name, patch string
		want        []string
	}{
		{"another origin", `{"auth": {"tokenUrl": "https://evil.example.com/{{secret.tenant}}"}}`,
			[]string{"auth.parameters/client_secret", "secretValues/client", "secretValues/tenant"}},
		{"another origin that names another one", `{"auth": {"tokenUrl": "https://evil.example.com/{{secret.key}}", "parameters": []}}`,
			[]string{"secretValues/key"}},
		{"another origin that names nothing", `{"auth": {"tokenUrl": "https://evil.example.com/", "parameters": []}}`, nil},
		{"the same origin names one more in the URL", `{"auth": {"tokenUrl": "https://auth.example.com/{{secret.tenant}}/{{secret.other}}"}}`,
			[]string{"secretValues/other"}},
		{"the same origin names one more in a parameter", `{"auth": {"parameters": [{"name": "scope", "value": "{{secret.key}}{{secret.client}}"}]}}`,
			[]string{"secretValues/key"}},
		{"the same origin names one more in a secret", `{"auth": {"parameters": [{"name": "client_secret", "value": "{{secret.routing}}"}]}}`,
			[]string{"secretValues/routing"}},
		{"the same origin names them elsewhere", `{"auth": {"tokenUrl": "https://auth.example.com/{{secret.client}}", "parameters": [{"name": "scope", "value": "{{secret.tenant}}"}]}}`, nil},
		{"the same origin names one more, which is given", `{"auth": {"tokenUrl": "https://auth.example.com/{{secret.key}}"}, "secretValues": {"key": "canary-key-2"}}`, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			h := newHouse(t)
			h.create(templatedCRM)
			if tt.want == nil {
				h.patch(tt.patch)
				return
			}
			_, err := h.tryPatch(tt.patch)
			if got := targets(wantCode(t, err, callout.SecretsRequired)); !slices.Equal(got, tt.want) {
				t.Errorf("asks for %v, want %v", got, tt.want)
			}
			h.wantSecrets("crm", templatedSecrets)
		})
	}
}

// In two steps neither: a token request that is added later names nothing that
// was stored before.
func TestATokenRequestThatIsAddedGetsNoStoredSecretValue(t *testing.T) {
	h := newHouse(t)
	h.create(strings.Replace(crm, `"approval"`, `"secretValues": {"x": "canary-x"}, "approval"`, 1))
	h.patch(`{"auth": {"type": "oauth2ClientCredentials", "tokenUrl": "https://evil.example.com/"}}`)
	_, err := h.tryPatch(`{"auth": {"tokenUrl": "https://evil.example.com/{{secret.x}}"}}`)
	if got := targets(wantCode(t, err, callout.SecretsRequired)); !slices.Equal(got, []string{"secretValues/x"}) {
		t.Errorf("asks for %v", got)
	}
}

// A PUT that meets another one is made anew on what that one has left: what it
// clears stays cleared, and what the other cleared is not missed.
func TestAChangeThatIsMadeAnewKeepsTheRightSecretValues(t *testing.T) {
	const two = `"secretValues": {"x": "canary-x", "y": "canary-y"}, "approval"`
	h := newHouse(t)
	h.create(strings.Replace(crm, `"approval"`, two, 1))
	other := h.instance()
	interrupted := false
	h.table.beforePut = func() error {
		if !interrupted {
			interrupted = true
			other.patch(`{"secretValues": {"y": null}}`)
		}
		return nil
	}
	next := decode(t, strings.Replace(h.document("crm"), `"approval"`, `"description": "new", "secretValues": {"x": null}, "approval"`, 1))
	if _, _, err := h.Put(t.Context(), next, catalog.Condition{}); err != nil || !interrupted {
		t.Fatalf("Put: %v, interrupted: %t", err, interrupted)
	}
	h.wantSecrets("crm", crmSecrets)
}
