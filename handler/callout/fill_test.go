package callout_test

import (
	"fmt"
	"math/rand/v2"
	"net/url"
	"reflect"
	"strings"
	"testing"

	"callout/handler/callout"
	"callout/handler/secret"
)

// filledOAuth decodes a token request, and fills it in with the secret values.
func filledOAuth(t *testing.T, members doc, values doc) (row, filled *callout.Config) {
	t.Helper()
	given := decode(t, with(doc{"auth": oauth(members), "secretValues": values}))
	if got := found(given.Validate(nil)); got != "" {
		t.Fatalf("found %q in %v", got, members)
	}
	row = stored(given)
	return row, row.WithSecrets(given.Given())
}

func TestATokenRequestIsFilledIn(t *testing.T) {
	values := doc{"plain": "canary-plain", "signs": "a/b?c=d&e f%2f+é{{x}}"}
	const encoded = "a%2Fb%3Fc%3Dd%26e%20f%252f%2B%C3%A9%7B%7Bx%7D%7D"
	for given, want := range map[string]string{
		"https://auth.example.com/oauth":                              "https://auth.example.com/oauth",
		"https://auth.example.com/{{secret.plain}}/token":             "https://auth.example.com/canary-plain/token",
		"https://auth.example.com/{{ secret.plain }}":                 "https://auth.example.com/canary-plain",
		"https://auth.example.com/a-{{secret.signs}}?a=%2f":           "https://auth.example.com/a-" + encoded + "?a=%2f",
		"https://auth.example.com/?a=b&c={{secret.signs}}&":           "https://auth.example.com/?a=b&c=" + strings.ReplaceAll(encoded, "%20", "+") + "&",
		"https://auth.example.com/{{secret.plain}}?{a}":               "",
		"https://auth.example.com/{{secret.plain}}?":                  "https://auth.example.com/canary-plain?",
		"https://auth.example.com/?x={{secret.plain}}?{{secret.signs": "",
	} {
		if want == "" { // Validate refuses it
			continue
		}
		_, filled := filledOAuth(t, doc{"tokenUrl": given}, values)
		if got := filled.Auth.TokenURL; got != want {
			t.Errorf("%s becomes %s, want %s", given, got, want)
		}
	}
	for given, want := range map[string]string{
		"openid":                           "openid",
		"{{secret.signs}}":                 "a/b?c=d&e f%2f+é{{x}}",
		"a {{secret.plain}}\r\n{b}":        "a canary-plain\r\n{b}",
		"{{secret.plain}}{{secret.plain}}": "canary-plaincanary-plain",
	} {
		for _, hidden := range []bool{false, true} {
			value := given + strings.Repeat(" ", 8)
			_, filled := filledOAuth(t, doc{"parameters": list{doc{"name": "p", "value": value, "secret": hidden}, doc{"name": "q", "value": "", "secret": false}}}, values)
			p := filled.Auth.Parameters[0]
			if got := p.Value + p.Hidden.Reveal(); strings.TrimRight(got, " ") != want || p.Secret != (hidden || strings.Contains(given, "{{")) {
				t.Errorf("%s, secret %t, becomes %q, secret %t", given, hidden, got, p.Secret)
			}
			if filled.Auth.Parameters[1] != (callout.Parameter{Name: "q"}) {
				t.Errorf("its neighbour becomes %+v", filled.Auth.Parameters[1])
			}
		}
	}
}

// Filled in and emptied again, a configuration is what it was, and the one that it
// was made from has not changed.
func TestFillingInIsUndone(t *testing.T) {
	row, filled := filledOAuth(t, doc{"tokenUrl": "https://auth.example.com/{{secret.a}}?b={{secret.a}}",
		"parameters": list{doc{"name": "client_secret", "value": "canary {{secret.a}}"}, doc{"name": "x", "value": "{{secret.a}}"}, doc{"name": "y", "value": "z"}}},
		doc{"a": "canary-a"})
	if got := filled.WithoutSecrets(); !reflect.DeepEqual(got.Auth, row.Auth) || encode(t, got) != encode(t, row) {
		t.Errorf("it was\n%+v\nand is\n%+v", row, got)
	}
	if got := filled.WithSecrets(filled.Given()); !reflect.DeepEqual(got.Auth, filled.Auth) {
		t.Errorf("filled in twice it is\n%+v\nand was\n%+v", got, filled)
	}
	if shown := encode(t, filled.WithoutSecrets()) + encode(t, row); strings.Contains(shown, "canary") {
		t.Errorf("a secret is shown: %s", shown)
	}
	if got := fmt.Sprint(paths(filled.Given())); got != "[auth.parameters/client_secret secretValues/a]" {
		t.Errorf("it holds %s", got)
	}
}

// A value that is not there leaves its placeholder, which no request is made of:
// the place is among those that are not set.
func TestASecretValueWithoutAValueIsMissed(t *testing.T) {
	row, _ := filledOAuth(t, doc{"tokenUrl": "https://auth.example.com/{{secret.a}}/{{secret.b}}"}, doc{"a": "canary-a", "b": "canary-b"})
	filled := row.WithSecrets(callout.Bundle{"secretValues/a": secret.New("canary-a"), "auth.parameters/client_secret": secret.New("canary-s")})
	if got, want := filled.Auth.TokenURL, "https://auth.example.com/canary-a/{{secret.b}}"; got != want {
		t.Errorf("it becomes %s, want %s", got, want)
	}
	if got := fmt.Sprint(filled.Unset()); got != "[secretValues/b]" {
		t.Errorf("not set: %s", got)
	}
}

// Whatever a secret value holds, the token URL stays the one that was configured,
// and the value arrives.
func TestNoSecretValueChangesATokenURL(t *testing.T) {
	seed := rand.Uint64()
	v := valid{rand.New(rand.NewPCG(seed, 0))}
	for range 300 {
		value := v.free() + "/../" + v.free()
		_, filled := filledOAuth(t, doc{"tokenUrl": "https://auth.example.com:8443/a/{{secret.v}}/b?c={{secret.v}}&d=e"}, doc{"v": value})
		u, err := url.Parse(filled.Auth.TokenURL)
		if err != nil {
			t.Fatalf("seed %d: %q: %v", seed, value, err)
		}
		segments := strings.Split(u.EscapedPath(), "/")
		got, err := url.PathUnescape(segments[2])
		if u.Scheme != "https" || u.Host != "auth.example.com:8443" || u.Fragment != "" || len(segments) != 4 || err != nil || got != value {
			t.Errorf("seed %d: %q becomes %s", seed, value, filled.Auth.TokenURL)
		}
		if query, err := url.ParseQuery(u.RawQuery); err != nil || len(query) != 2 || query.Get("c") != value || query.Get("d") != "e" {
			t.Errorf("seed %d: %q becomes %s", seed, value, filled.Auth.TokenURL)
		}
	}
}

// What a provider may echo of a parameter is listed piece by piece.
func TestThePiecesOfAParameterAreAmongItsSecrets(t *testing.T) {
	b := callout.Bundle{
		"auth.parameters/a": secret.New("canary-1 {{secret.x}} short {{secret.x}} canary-2"), "auth.parameters/b": secret.New("canary-3"),
		"auth.token": secret.New("canary-4{{x}}canary-5"), "secretValues/x": secret.New("canary-6"),
	}
	var got []string
	for _, s := range b.Values() {
		got = append(got, s.Reveal())
	}
	want := []string{"canary-1 {{secret.x}} short {{secret.x}} canary-2", "canary-1 ", " canary-2", "canary-3", "canary-4{{x}}canary-5", "canary-6"}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}
