package callout_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"

	"callout/handler/callout"
	"callout/handler/secret"
)

// doc is a JSON object, or a change of one: a member that is absent is one that
// is taken away.
type doc map[string]any

type list []any

const absent = "\x00absent"

// base is a configuration with nothing wrong.
func base() doc {
	return doc{
		"name": "crm", "endpoint": "https://api.example.com/v1/contacts", "method": "POST",
		"fields": list{doc{"name": "email", "type": "string"}},
	}
}

// with returns base with the changes.
func with(changes doc) doc {
	out := base()
	maps.Copy(out, changes)
	maps.DeleteFunc(out, func(_ string, v any) bool { return v == absent })
	return out
}

func decode(t testing.TB, d doc) *callout.Config {
	t.Helper()
	data, err := json.Marshal(d)
	if err != nil {
		t.Fatal(err)
	}
	c := &callout.Config{}
	if err := json.Unmarshal(data, c); err != nil {
		t.Fatalf("%s: %v", data, err)
	}
	return c
}

// found writes faults as "Code target", one after the other.
func found(faults []callout.Fault) string {
	var out []string
	for _, f := range faults {
		out = append(out, strings.TrimSpace(f.Code+" "+f.Target))
	}
	return strings.Join(out, ", ")
}

// tests are configurations and what is wrong with them, "" for nothing.
type tests []struct {
	name   string
	change doc
	want   string
}

func (tt tests) run(t *testing.T) {
	t.Helper()
	for _, test := range tt {
		t.Run(test.name, func(t *testing.T) {
			faults := decode(t, with(test.change)).Validate(nil)
			if got := found(faults); got != test.want {
				t.Errorf("found %q, want %q", got, test.want)
			}
			for _, f := range faults {
				if !strings.HasSuffix(f.Message, ".") || strings.Contains(f.Message, "%!") {
					t.Errorf("the message is no sentence: %s", f.Message)
				}
			}
		})
	}
}

func text(n int) string { return strings.Repeat("x", n) }

// listOf makes a list of n elements.
func listOf(n int, element func(i int) doc) list {
	out := list{}
	for i := range n {
		out = append(out, element(i))
	}
	return out
}

func TestDefaults(t *testing.T) {
	c := decode(t, doc{"endpoint": "https://api.example.com", "method": "GET"})
	for what, ok := range map[string]bool{
		"approval is required":   c.Approval == callout.ApprovalRequired,
		"it is enabled":          c.Enabled,
		"30 seconds":             c.TimeoutSeconds == 30,
		"1 MiB":                  c.MaxResponse == 1<<20,
		"no credential":          reflect.DeepEqual(c.Auth, callout.Auth{Type: callout.AuthNone}),
		"the endpoint is shown":  !c.EndpointSecret && c.Endpoint == "https://api.example.com",
		"headers are empty":      c.Headers != nil && len(c.Headers) == 0,
		"fields are empty":       c.Fields != nil && len(c.Fields) == 0,
		"there are no secrets":   len(c.Given()) == 0,
		"the catalog's are zero": c.ID == "" && c.Version == 0 && c.ETag == "" && c.Secrets != nil && len(c.Secrets) == 0,
	} {
		if !ok {
			t.Errorf("not so by default: %s", what)
		}
	}
}

// A null stands for the default wherever it clears no secret.
func TestNullIsTheDefault(t *testing.T) {
	nothing := decode(t, base())
	for _, name := range []string{"description", "endpointSecret", "auth", "headers", "instructions", "approval", "enabled",
		"timeoutSeconds", "maxResponseBytes", "retries", "idempotencyHeader", "labels"} {
		if got := decode(t, with(doc{name: nil})); encode(t, got) != encode(t, nothing) {
			t.Errorf("%s: null gives %s, want %s", name, encode(t, got), encode(t, nothing))
		}
	}
	fields := decode(t, with(doc{"fields": list{doc{"name": "email", "type": "string", "default": nil, "in": nil, "enum": nil}}}))
	if encode(t, fields) != encode(t, nothing) {
		t.Errorf("nulls in a field give %s", encode(t, fields))
	}
	if got := decode(t, with(doc{"fields": nil})); got.Fields == nil {
		t.Error("fields: null is not an empty list")
	}
}

func encode(t testing.TB, c *callout.Config) string {
	t.Helper()
	data, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func TestWhereFieldsGo(t *testing.T) {
	for method, want := range map[string]string{"GET": "query", "DELETE": "query", "POST": "body", "PUT": "body", "PATCH": "body"} {
		c := decode(t, with(doc{"method": method, "fields": list{
			doc{"name": "a", "type": "string"}, doc{"name": "b", "type": "string", "in": "query"}}}))
		if c.Fields[0].Place(method) != want || c.Fields[1].Place(method) != "query" {
			t.Errorf("%s: unsaid goes to %s, said to %s; want %s and query", method, c.Fields[0].Place(method), c.Fields[1].Place(method), want)
		}
	}
}

func TestAPIKeyGoesIntoAHeaderUnlessSaid(t *testing.T) {
	for auth, want := range map[*doc]string{
		{"type": "apiKey"}:                callout.InHeader,
		{"type": "apiKey", "in": "query"}: callout.InQuery,
		{"type": "bearer"}:                "",
	} {
		if got := decode(t, with(doc{"auth": *auth})).Auth.In; got != want {
			t.Errorf("%v goes into %q, want %q", *auth, got, want)
		}
	}
}

func TestHeadersThatSoundSecret(t *testing.T) {
	for name, want := range map[string]bool{
		"X-Api-Key": true, "X-API-KEY": true, "Secret": true, "ClientSecret": true, "X-Auth-Token": true, "Password": true,
		"Client-Assertion": true, "Authorization": true, "Proxy-Authorization": true, "Ocp-Apim-Subscription-Key": true,
		"Api-Version": false, "UserName": false, "Accept": false, "X-Tenant-Id": false, "ApiIntegrationCode": false,
	} {
		for _, said := range []any{absent, nil, true, false} {
			header := doc{"name": name, "value": "canary-value", "secret": said}
			maps.DeleteFunc(header, func(_ string, v any) bool { return v == absent })
			h := decode(t, with(doc{"headers": list{header}})).Headers[0]
			wanted := want
			if b, ok := said.(bool); ok {
				wanted = b
			}
			if h.Secret != wanted || h.Hidden.IsSet() != wanted || (h.Value == "") != wanted {
				t.Errorf("%s, secret %v: secret %t, hidden %t, value %q; want secret %t", name, said, h.Secret, h.Hidden.IsSet(), h.Value, wanted)
			}
			if h.Value+h.Hidden.Reveal() != "canary-value" {
				t.Errorf("%s, secret %v: the value is lost", name, said)
			}
		}
	}
}

func TestSecretUserName(t *testing.T) {
	c := decode(t, with(doc{"auth": doc{"type": "basic", "username": "canary-user", "usernameSecret": true, "password": "p"}}))
	if c.Auth.Username != "" || c.Auth.HiddenUsername.Reveal() != "canary-user" {
		t.Errorf("the user name is in %q and hidden in %q", c.Auth.Username, c.Auth.HiddenUsername.Reveal())
	}
	c = decode(t, with(doc{"auth": doc{"type": "basic", "username": "someone", "password": "p"}}))
	if c.Auth.Username != "someone" || c.Auth.HiddenUsername.IsSet() {
		t.Errorf("the user name is in %q, hidden %t", c.Auth.Username, c.Auth.HiddenUsername.IsSet())
	}
}

func TestMethods(t *testing.T) {
	for method, want := range map[string]struct{ body, safe bool }{
		"GET": {false, true}, "DELETE": {false, false}, "POST": {true, false}, "PUT": {true, false}, "PATCH": {true, false},
	} {
		if callout.HasBody(method) != want.body || callout.Safe(method) != want.safe {
			t.Errorf("%s: body %t, safe %t; want %v", method, callout.HasBody(method), callout.Safe(method), want)
		}
	}
}

// No way of encoding a configuration writes a secret that it holds.
func TestEncodingASecretFails(t *testing.T) {
	for name, change := range map[string]doc{
		"token":                        {"auth": doc{"type": "bearer", "token": "canary-value"}},
		"password":                     {"auth": doc{"type": "basic", "username": "u", "password": "canary-value"}},
		"key":                          {"auth": doc{"type": "apiKey", "header": "X-Key", "key": "canary-value"}},
		"basic at the token endpoint":  tokenAuth(doc{"type": "basic", "password": "canary-value"}),
		"bearer at the token endpoint": tokenAuth(doc{"type": "bearer", "token": "canary-value"}),
		"cleared":                      {"auth": doc{"type": "bearer", "token": nil}},
	} {
		if data, err := json.Marshal(decode(t, with(change))); err == nil {
			t.Errorf("%s: it was encoded as %s", name, data)
		}
	}
	hidden := decode(t, with(doc{
		"endpoint": "https://hooks.slack.com/services/canary-value",
		"headers":  list{doc{"name": "X-Key", "value": "canary-value"}},
		"auth":     doc{"type": "basic", "usernameSecret": true, "username": "canary-value"},
	}))
	parameter := decode(t, with(parameters(doc{"name": "client_secret", "value": "canary-value"})))
	for _, shown := range []string{encode(t, parameter), fmt.Sprintf("%v %+v %#v", parameter, parameter, *parameter), encode(t, hidden), fmt.Sprintf("%v %+v %#v", hidden, hidden, *hidden)} {
		if strings.Contains(shown, "canary-value") {
			t.Errorf("a secret is shown: %s", shown)
		}
	}
}

// same compares two configurations as a caller gives them, the values of their
// secrets included.
func same(t testing.TB, a, b *callout.Config) bool {
	t.Helper()
	x, y := a.WithoutSecrets(), b.WithoutSecrets()
	x.Secrets, y.Secrets = nil, nil
	return encode(t, x) == encode(t, y) && sameBundle(a.Given(), b.Given())
}

func sameBundle(a, b callout.Bundle) bool {
	return maps.EqualFunc(a, b, func(x, y secret.Secret) bool { return x.IsSet() == y.IsSet() && x.Reveal() == y.Reveal() })
}

func paths(b callout.Bundle) []string { return slices.Sorted(maps.Keys(b)) }
