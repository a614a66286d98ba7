package callout_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"callout/handler/callout"
	"callout/handler/secret"
)

func parse(t testing.TB, text string) *callout.Config {
	t.Helper()
	c := &callout.Config{}
	if err := json.Unmarshal([]byte(text), c); err != nil {
		t.Fatal(err)
	}
	return c
}

// full are configurations with a secret in every place that can have one.
func full() map[string]doc {
	headers := list{doc{"name": "X-Key", "value": "canary-header"}, doc{"name": "X-Plain", "value": "plain"},
		doc{"name": "Cookie", "value": "canary-cookie", "secret": true}}
	return map[string]doc{
		"bearer":  with(doc{"headers": headers, "auth": doc{"type": "bearer", "token": "canary-token"}}),
		"basic":   with(doc{"headers": headers, "auth": doc{"type": "basic", "usernameSecret": true, "username": "canary-user", "password": "pw"}}),
		"apiKey":  with(doc{"headers": headers, "auth": doc{"type": "apiKey", "header": "X-Other-Key", "key": "canary-key"}}),
		"webhook": with(doc{"headers": headers, "endpoint": "https://hooks.slack.com/services/canary"}),
		"oauth": with(doc{"headers": headers, "auth": oauth(doc{
			"parameters": list{doc{"name": "client_id", "value": "the-client"}, doc{"name": "client_secret", "value": "canary-secret"},
				doc{"name": "resource", "value": "https://a"}, doc{"name": "resource", "value": "https://b"}, doc{"name": "pin", "value": "canary-pin", "secret": true}},
			"tokenAuth": doc{"type": "basic", "username": "someone", "password": "pw"}})}),
		"oauth behind a token": with(doc{"headers": headers, "auth": oauth(doc{"parameters": absent, "tokenAuth": doc{"type": "bearer", "token": "canary-token"}})}),
		"templates": with(doc{
			"endpoint": "https://api.example.com/canary/{{id}}?key={{secret.key}}", "endpointSecret": true,
			"headers":      append(headers, doc{"name": "X-Token", "value": "canary {{email}} {{secret.key}}"}, doc{"name": "X-Seen", "value": "{{email}}{{secret.other}}"}),
			"fields":       list{doc{"name": "id", "type": "integer", "in": "path", "required": true}, doc{"name": "email", "type": "string"}, doc{"name": "X-A", "type": "string", "in": "header"}},
			"secretValues": doc{"key": "canary-key", "other": "canary-other", "a.b": "canary\r\nof two lines"},
			"body":         doc{"routing": "{{secret.a.b}}", "null": nil, "e": "{{email}}"}, "bodyFormat": "json",
			"auth": oauth(doc{"tokenUrl": "https://auth.example.com/{{secret.other}}",
				"parameters": list{doc{"name": "client_secret", "value": "canary-{{secret.key}}"}, doc{"name": "pin", "value": "{{secret.a.b}}"}}})}),
	}
}

var fullPaths = map[string][]string{
	"bearer":               {"auth.token", "headers/Cookie", "headers/X-Key"},
	"basic":                {"auth.password", "auth.username", "headers/Cookie", "headers/X-Key"},
	"apiKey":               {"auth.key", "headers/Cookie", "headers/X-Key"},
	"webhook":              {"endpoint", "headers/Cookie", "headers/X-Key"},
	"oauth":                {"auth.parameters/client_secret", "auth.parameters/pin", "auth.tokenAuth.password", "headers/Cookie", "headers/X-Key"},
	"oauth behind a token": {"auth.tokenAuth.token", "headers/Cookie", "headers/X-Key"},
	"templates": {"auth.parameters/client_secret", "endpoint", "headers/Cookie", "headers/X-Key", "headers/X-Token",
		"secretValues/a.b", "secretValues/key", "secretValues/other"},
}

// stored is c as the catalog keeps it.
func stored(c *callout.Config) *callout.Config {
	out := c.WithoutSecrets()
	for _, path := range paths(c.Given()) {
		out.Secrets = append(out.Secrets, callout.SecretRef{Path: path})
	}
	return out
}

// What is read and put back is what is stored: every secret is kept, and with
// its values the configuration is the one that was given.
func TestReadAndPutBack(t *testing.T) {
	for name, d := range full() {
		given := decode(t, d)
		bundle := given.Given()
		if got := paths(bundle); !slices.Equal(got, fullPaths[name]) {
			t.Fatalf("%s: secrets at %v, want %v", name, got, fullPaths[name])
		}
		row := stored(given)
		read := encode(t, row)
		if strings.Contains(read, "canary") {
			t.Errorf("%s: a read shows a secret: %s", name, read)
		}
		again := parse(t, read)
		again = again.Replacing(row)
		kept := again.Kept(row)
		slices.Sort(kept)
		if !slices.Equal(kept, fullPaths[name]) {
			t.Errorf("%s: kept %v, want %v", name, kept, fullPaths[name])
		}
		if got := found(again.Validate(kept)); got != "" {
			t.Errorf("%s: put back, found %q", name, got)
		}
		if !same(t, again.WithSecrets(bundle), given) {
			t.Errorf("%s: put back, it is another", name)
		}
		if shown := encode(t, row.WithSecrets(bundle).WithoutSecrets()); shown != read {
			t.Errorf("%s: filled and emptied it is %s\nand was %s", name, shown, read)
		}
	}
}

func TestWhatIsKept(t *testing.T) {
	row := stored(decode(t, full()["bearer"]))
	header := func(members doc) list { members["name"] = "X-Key"; return list{members} }
	bearer := doc{"type": "bearer"}
	for _, tt := range []struct {
		name   string
		change doc
		want   []string
	}{
		{"left out", doc{"auth": bearer, "headers": header(doc{})}, []string{"auth.token", "headers/X-Key"}},
		{"given anew", doc{"auth": doc{"type": "bearer", "token": "new-token"}, "headers": header(doc{"value": "new-value"})}, nil},
		{"cleared", doc{"auth": doc{"type": "bearer", "token": nil}, "headers": header(doc{"value": nil})}, nil},
		{"taken away", doc{}, nil},
		{"no longer a secret", doc{"headers": header(doc{"secret": false})}, nil},
		{"name in another case", doc{"headers": list{doc{"name": "x-KEY"}}}, []string{"headers/x-KEY"}},
		{"another header", doc{"headers": list{doc{"name": "X-New-Key"}}}, nil},
		{"another kind", doc{"auth": doc{"type": "apiKey", "header": "A"}}, nil},
		{"an endpoint that was none", doc{"endpointSecret": true, "endpoint": "https://api.example.com"}, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := decode(t, with(tt.change)).Kept(row); !slices.Equal(got, tt.want) {
				t.Errorf("kept %v, want %v", got, tt.want)
			}
		})
	}
	if got := decode(t, full()["bearer"]).WithoutSecrets().Kept(nil); got != nil {
		t.Errorf("of nothing stored, %v is kept", got)
	}
}

// The copies share nothing with what they were made from that either changes.
func TestCopiesAreIndependent(t *testing.T) {
	for name, d := range full() {
		c := decode(t, d)
		before := c.Given()
		bare := c.WithoutSecrets()
		if len(bare.Given()) != 0 || !sameBundle(c.Given(), before) {
			t.Errorf("%s: WithoutSecrets left %v and made %v of the original", name, paths(bare.Given()), paths(c.Given()))
		}
		filled := bare.WithSecrets(before)
		if len(bare.Given()) != 0 || !sameBundle(filled.Given(), before) {
			t.Errorf("%s: WithSecrets gave %v and made %v of the original", name, paths(filled.Given()), paths(bare.Given()))
		}
	}
}

// A kind of credential that takes none may have been given a secret all the
// same. Nothing of it may be stored.
func TestSuperfluousSecretsAreDropped(t *testing.T) {
	c := decode(t, with(doc{"auth": doc{"type": "none", "token": "canary-1", "password": "canary-2", "key": "canary-3",
		"usernameSecret": true, "username": "canary-4", "parameters": list{doc{"name": "secret", "value": "canary-5"}},
		"tokenAuth": doc{"type": "basic", "password": "canary-6", "token": "canary-7"}}}))
	bare := c.WithoutSecrets()
	if got := encode(t, bare); strings.Contains(got, "canary") || bare.Auth.HiddenUsername.IsSet() || bare.Auth.Parameters[0].Hidden.IsSet() {
		t.Errorf("stored as %s, with a user name %t, with a parameter %t", got, bare.Auth.HiddenUsername.IsSet(), bare.Auth.Parameters[0].Hidden.IsSet())
	}
	if len(c.Given()) != 0 {
		t.Errorf("given: %v", paths(c.Given()))
	}
	if got := found(c.Validate(nil)); got != "InvalidValue auth.key, InvalidValue auth.parameters, InvalidValue auth.password, "+
		"InvalidValue auth.token, InvalidValue auth.tokenAuth, InvalidValue auth.username, InvalidValue auth.usernameSecret" {
		t.Errorf("found %q", got)
	}
}

func TestBundle(t *testing.T) {
	in := callout.Bundle{
		"auth.token":    secret.New(`a"b\c&<é>` + "\u2028\x00\n"),
		"auth.password": secret.New(""),
		"headers/X-Key": secret.New(strings.Repeat("&", 8000)),
	}
	encoded := in.Encode()
	if encoded.Len() > 8200 {
		t.Errorf("%d bytes for 8,000 ampersands", encoded.Len())
	}
	out, err := callout.DecodeBundle(encoded)
	if err != nil || !sameBundle(in, out) {
		t.Errorf("got %v, %v", paths(out), err)
	}
	var values []string
	for _, v := range in.Values() {
		values = append(values, v.Reveal())
	}
	want := []string{"", in["auth.token"].Reveal(), in["headers/X-Key"].Reveal()}
	if !slices.Equal(values, want) {
		t.Errorf("the values are not in the order of their paths: %q", values)
	}
	empty, err := callout.DecodeBundle(callout.Bundle{}.Encode())
	if err != nil || len(empty) != 0 {
		t.Errorf("an empty bundle becomes %v, %v", paths(empty), err)
	}
}

func TestUnreadableBundle(t *testing.T) {
	for _, text := range []string{"", "canary", `["canary"]`, `{"auth.token": {"canary": 1}}`, `{"auth.token": "canary"`} {
		b, err := callout.DecodeBundle(secret.New(text))
		if err == nil || b != nil {
			t.Errorf("%q was read", text)
		} else if strings.Contains(err.Error(), "canary") {
			t.Errorf("the error quotes the bundle: %v", err)
		}
	}
}
