package httpapi

import (
	"reflect"
	"slices"
	"strings"
	"testing"
)

// tokenRequest is a credential of OAuth 2.0 with everything that it can have.
func tokenRequest() doc {
	return asking(doc{
		"parameters": []any{doc{"name": "client_id", "value": "the-client"}, doc{"name": "client_secret", "value": "secret-canary"},
			doc{"name": "resource", "value": "https://a.example.com"}, doc{"name": "resource", "value": "https://b.example.com"}},
		"tokenAuth": doc{"type": "basic", "username": "the-client", "password": "pass-canary", "encoding": "raw"}, "format": "json",
		"tokenPath": "tokens.access", "expiresInPath": "tokens.lifetime", "defaultLifetimeSeconds": 600, "refreshOn": []any{403}, "scheme": "Token",
	})
}

// secretPaths lists the secrets that a configuration names.
func secretPaths(config doc) []string {
	var out []string
	refs, _ := config["secrets"].([]any)
	for _, ref := range refs {
		out = append(out, ref.(doc)["path"].(string))
	}
	return out
}

func TestATokenRequestIsShownWithoutItsSecrets(t *testing.T) {
	s := newService(t)
	created := s.want(201, "POST", "/configs", s.config("crm", "/ok", tokenRequest()))
	want := doc{
		"type": "oauth2ClientCredentials", "tokenUrl": "https://auth.example.com/token",
		"parameters": []any{doc{"name": "client_id", "value": "the-client", "secret": false}, doc{"name": "client_secret", "secret": true},
			doc{"name": "resource", "value": "https://a.example.com", "secret": false}, doc{"name": "resource", "value": "https://b.example.com", "secret": false}},
		"tokenAuth": doc{"type": "basic", "username": "the-client", "encoding": "raw"}, "format": "json",
		"tokenPath": "tokens.access", "expiresInPath": "tokens.lifetime", "defaultLifetimeSeconds": 600.0, "refreshOn": []any{403.0}, "scheme": "Token",
	}
	if got := created.object(t)["auth"]; !reflect.DeepEqual(got, want) {
		t.Errorf("shown as\n%v, want\n%v", got, want)
	}
	read := s.want(200, "GET", "/configs/crm", "")
	again := s.want(200, "PUT", "/configs/crm", string(read.body), "If-Match", read.header.Get("ETag"))
	for _, a := range []answer{read, again, s.want(200, "PATCH", "/configs/crm", `{"auth":{"scheme":"Token"}}`)} {
		if string(a.body) != string(created.body) {
			t.Errorf("created\n%s\nthen\n%s", created.body, a.body)
		}
	}
	if got := secretPaths(read.object(t)); !slices.Equal(got, []string{"auth.parameters/client_secret", "auth.tokenAuth.password"}) {
		t.Errorf("the secrets are %q", got)
	}
	for path, content := range s.files(t) {
		s.hunt(t, path, content, "canary")
	}
	s.hunt(t, "an answer", string(read.body), "canary")
}

func TestNullsInATokenRequest(t *testing.T) {
	const clientSecret, password = "auth.parameters/client_secret", "auth.tokenAuth.password"
	s := newService(t)
	for _, tt := range []struct {
		name, patch string
		want        []string
	}{
		{"for what is optional", `{"auth":{"format":null,"tokenPath":null,"expiresInPath":null,"defaultLifetimeSeconds":null,"refreshOn":null,"scheme":null}}`, []string{clientSecret, password}},
		{"for the password", `{"auth":{"tokenAuth":{"password":null}}}`, []string{clientSecret}},
		{"for tokenAuth", `{"auth":{"tokenAuth":null}}`, []string{clientSecret}},
		{"for the value of a parameter", `{"auth":{"parameters":[{"name":"client_secret","value":null}]}}`, []string{password}},
		{"for the parameters", `{"auth":{"parameters":null}}`, []string{password}},
		{"for all", `{"auth":null}`, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s.want(204, "DELETE", "/configs/crm", "")
			s.want(201, "POST", "/configs", s.config("crm", "/ok", tokenRequest()))
			after := s.want(200, "PATCH", "/configs/crm", tt.patch)
			if got := secretPaths(after.object(t)); !slices.Equal(got, tt.want) {
				t.Errorf("the secrets are %q, want %q", got, tt.want)
			}
			if again := s.want(200, "PUT", "/configs/crm", string(after.body)); string(again.body) != string(after.body) {
				t.Errorf("put back, it became %s", again.body)
			}
		})
	}
}

// To JSON, 403.0 and 6e2 are whole numbers.
func TestWholeNumbersInATokenRequest(t *testing.T) {
	s := newService(t)
	body := strings.NewReplacer(`:600`, `:6e2`, `[403]`, `[4.03e2,500.0]`).Replace(s.config("crm", "/ok", tokenRequest()))
	auth := s.want(201, "POST", "/configs", body).object(t)["auth"].(doc)
	if auth["defaultLifetimeSeconds"] != 600.0 || !reflect.DeepEqual(auth["refreshOn"], []any{403.0, 500.0}) {
		t.Errorf("read as %v and %v", auth["defaultLifetimeSeconds"], auth["refreshOn"])
	}
}

func TestAnotherOriginOfTheTokenURLAsksForItsSecretsAgain(t *testing.T) {
	s := newService(t)
	s.want(201, "POST", "/configs", s.config("crm", "/ok", tokenRequest()))
	refused := s.want(400, "PATCH", "/configs/crm", `{"auth":{"tokenUrl":"https://elsewhere.example.com/"}}`).problem()
	if refused.Code != "SecretsRequired" || !slices.Equal(refused.targets(), []string{"auth.parameters/client_secret", "auth.tokenAuth.password"}) {
		t.Errorf("got %+v", refused)
	}
}
