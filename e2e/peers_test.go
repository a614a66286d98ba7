package e2e

import (
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"
)

// document is a part of a configuration.
type document map[string]any

// parameters of a token request, by names and values in turn.
func parameters(pairs ...string) []document {
	out := []document{{"name": "grant_type", "value": "client_credentials"}}
	for i := 0; i < len(pairs); i += 2 {
		out = append(out, document{"name": pairs[i], "value": pairs[i+1]})
	}
	return out
}

// byBasic is a client that is let in by a header.
func byBasic(id, secret, encoding string, more ...string) document {
	auth := document{"type": "basic", "username": id, "password": secret}
	if encoding != "" {
		auth["encoding"] = encoding
	}
	return document{"tokenAuth": auth, "parameters": parameters(more...)}
}

// byPost is a client that is let in by its parameters.
func byPost(id, secret string, more ...string) document {
	return document{"parameters": parameters(append([]string{"client_id", id, "client_secret", secret}, more...)...)}
}

// config is a configuration that calls the peer's API as the client.
func (p peer) config(t *testing.T, name string, client document) string {
	t.Helper()
	auth := document{"type": "oauth2ClientCredentials", "tokenUrl": p.URL() + "/token"}
	for property, value := range client {
		auth[property] = value
	}
	text, err := json.Marshal(document{"name": name, "endpoint": p.URL() + "/resource", "method": "GET", "approval": "none", "auth": auth})
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// report is what a test says, as far as tokens go.
type report struct {
	OK     bool
	Stages []struct {
		Stage, Detail, Advice string
		OK                    bool
	}
	Response struct {
		Status int
		Body   json.RawMessage
	}
	whole string
}

// trial tests a draft, and sends.
func trial(t *testing.T, a api, config string) report {
	t.Helper()
	got := a.call(t, 200, "POST", "/api/test", `{"send": true, "config": `+config+`}`)
	r := report{whole: got.body}
	got.decode(t, &r)
	return r
}

// wantTold fails the test unless the token stage failed, with the provider's code
// and with advice that speaks of what is to be mended.
func (r report) wantTold(t *testing.T, code, advice string) {
	t.Helper()
	last := r.Stages[len(r.Stages)-1]
	if r.OK || last.OK || last.Stage != "token" || !strings.Contains(r.whole, code) || !strings.Contains(last.Advice, advice) {
		t.Errorf("want %s with advice on %q at the stage token: %s", code, advice, r.whole)
	}
}

// TestHowAClientIsLetIn: fosite takes one way of authentication from each client,
// and reads the Basic form as RFC 6749 has it: form-encoded. What has none of the
// characters that this changes works both ways.
func TestHowAClientIsLetIn(t *testing.T) {
	const plain, plus, odd = "canary-plain-1a2b3c", "canary+/=4d5e6f", "canary+/=:%&7a8b9c"
	const basic, post = "client_secret_basic", "client_secret_post"
	provider := fosite(t, registration{LifetimeSeconds: 3600, Clients: []registered{
		{ID: "plain", Secret: plain, Method: basic},
		{ID: "plus", Secret: plus, Method: basic},
		{ID: "odd:%&", Secret: odd, Method: basic},
		{ID: "percent", Secret: odd, Method: basic},
		{ID: "posting+:%&", Secret: odd, Method: post},
	}})
	c := startCallout(t, t.TempDir())
	for _, test := range []struct {
		rule         string
		client       document
		code, advice string // none: it gets in
	}{
		{"basic, as it is", byBasic("plain", plain, ""), "", ""},
		{"basic, raw", byBasic("plain", plain, "raw"), "", ""},
		{"basic, form-encoded, with nothing to encode", byBasic("plain", plain, "form"), "", ""},
		{"basic, form-encoded", byBasic("plus", plus, "form"), "", ""},
		{"basic, form-encoded, with a colon in the name", byBasic("odd:%&", odd, "form"), "", ""},
		{"basic, raw, with a plus sign", byBasic("plus", plus, "raw"), "invalid_client", "encoding"},
		{"basic, raw, with a percent sign", byBasic("percent", odd, "raw"), "invalid_request", ""},
		{"post", byPost("posting+:%&", odd), "", ""},
		{"post, of a client for basic", byPost("plain", plain), "invalid_client", "tokenAuth"},
		{"basic, of a client for post", byBasic("posting+:%&", odd, "form"), "invalid_client", "tokenAuth"},
		{"a wrong secret", byBasic("plain", plain+"0", ""), "invalid_client", "secret"},
		{"nobody", byPost("nobody", plain), "invalid_client", "client"},
	} {
		t.Run(test.rule, func(t *testing.T) {
			provider.Reset()
			r := trial(t, c.api, provider.config(t, "who", test.client))
			if test.code != "" {
				r.wantTold(t, test.code, test.advice)
			} else if !r.OK || r.Response.Status != 200 {
				t.Errorf("it was not let in: %s", r.whole)
			}
			if n := provider.tokenRequests(); n != 1 {
				t.Errorf("%d token requests", n)
			}
			if strings.Contains(r.whole, "canary") || strings.Contains(r.whole, "token_endpoint_auth_method") {
				t.Errorf("the answer tells too much: %s", r.whole)
			}
		})
	}
	if err := c.stop(t); err != nil || strings.Contains(c.out.String(), "canary") {
		t.Errorf("%v, after it printed %s", err, c.out.String())
	}
}

// TestWhatATokenIsFor: scope and audience come from the configuration, and the
// provider says so when the client may not have them.
func TestWhatATokenIsFor(t *testing.T) {
	const read, write, contacts = "contacts.read", "contacts.write", "https://api.example.com/contacts"
	const secret = "canary-secret-1a2b3c"
	provider := fosite(t, registration{LifetimeSeconds: 3600, Clients: []registered{
		{ID: "app", Secret: secret, Method: "client_secret_basic", Scopes: []string{read, write}, Audience: []string{contacts}},
	}})
	c := startCallout(t, t.TempDir())
	for _, test := range []struct {
		rule         string
		parameters   []string
		body         string // of the API's answer
		code, advice string
	}{
		{"nothing", nil, `{"audience":[],"client":"app","scope":[]}`, "", ""},
		{"a scope", []string{"scope", read}, `{"audience":[],"client":"app","scope":["contacts.read"]}`, "", ""},
		{"two scopes", []string{"scope", read + " " + write}, `{"audience":[],"client":"app","scope":["contacts.read","contacts.write"]}`, "", ""},
		{"an audience", []string{"audience", contacts, "scope", write},
			`{"audience":["https://api.example.com/contacts"],"client":"app","scope":["contacts.write"]}`, "", ""},
		{"a scope that the client may not have", []string{"scope", "everything"}, "", "invalid_scope", "scope"},
		{"one scope of two", []string{"scope", read + " everything"}, "", "invalid_scope", "scope"},
		{"an audience that the client may not have", []string{"audience", "https://api.example.com/other"}, "", "invalid_request", ""},
	} {
		t.Run(test.rule, func(t *testing.T) {
			r := trial(t, c.api, provider.config(t, "who", byBasic("app", secret, "", test.parameters...)))
			if test.code != "" {
				r.wantTold(t, test.code, test.advice)
			} else if !r.OK || string(r.Response.Body) != test.body {
				t.Errorf("the token is for %s, want %s: %s", r.Response.Body, test.body, r.whole)
			}
			if strings.Contains(r.whole, "canary") || strings.Contains(r.whole, "whitelisted") {
				t.Errorf("the answer tells too much: %s", r.whole)
			}
		})
	}
}

// TestTheResourceOfAToken: oidc-provider gives a token for one resource
// (RFC 8707), which opens that one only.
func TestTheResourceOfAToken(t *testing.T) {
	const id, secret = "contacts-app", "oidc-secret-1a2b3c4d" // as in oidc.mjs
	const contacts = "https://api.example.com/contacts"
	provider := oidcProvider(t)
	c := startCallout(t, t.TempDir())
	for rule, client := range map[string]document{
		"basic": byBasic(id, secret, "", "resource", contacts, "scope", "contacts.read"),
		"post":  byPost(id, secret, "resource", contacts, "scope", "contacts.read"),
	} {
		r := trial(t, c.api, provider.config(t, "who", client))
		if want := `{"client":"contacts-app","audience":"https://api.example.com/contacts","scope":"contacts.read"}`; string(r.Response.Body) != want {
			t.Errorf("%s: %s, want %s", rule, r.whole, want)
		}
	}
	r := trial(t, c.api, provider.config(t, "who", byBasic(id, secret, "", "resource", contacts+"/other")))
	r.wantTold(t, "invalid_target", "resource")
	r = trial(t, c.api, provider.config(t, "who", byBasic(id, secret+"0", "", "resource", contacts)))
	r.wantTold(t, "invalid_client", "secret")

	// A token for nothing opens nothing, and a new one would not either.
	provider.Reset()
	c.call(t, 201, "POST", "/api/configs", provider.config(t, "nowhere", byBasic(id, secret, "")))
	c.call(t, 200, "POST", "/api/execute/nowhere", `{}`).mustHold(t, `"status":"failed"`, "CredentialRejected", `"status":401`)
	if tokens, resources := provider.tokenRequests(), provider.resourceRequests(); tokens != 1 || resources != 1 {
		t.Errorf("%d token requests and %d calls", tokens, resources)
	}
}

// TestOneTokenForAll: all calls of all configurations with the same client, at
// once and after a restart, are made with one token.
func TestOneTokenForAll(t *testing.T) {
	const secret = "canary-secret-1a2b3c"
	provider := fosite(t, registration{LifetimeSeconds: 3600, Clients: []registered{
		{ID: "one", Secret: secret, Method: "client_secret_basic", Scopes: []string{"contacts.read"}},
		{ID: "two", Secret: secret, Method: "client_secret_post"},
	}})
	data := t.TempDir()
	c := startCallout(t, data)
	for name, client := range map[string]document{
		"a": byBasic("one", secret, "", "scope", "contacts.read"), "b": byBasic("one", secret, "raw", "scope", "contacts.read"),
		"c": byPost("two", secret), "d": byPost("two", secret),
	} {
		c.call(t, 201, "POST", "/api/configs", provider.config(t, name, client))
	}
	for range 2 {
		var all sync.WaitGroup
		for i := range 100 {
			name := string("abcd"[i%4])
			all.Go(func() {
				if got, err := c.try("POST", "/api/execute/"+name, `{}`); err != nil || !strings.Contains(got.body, `"status":"succeeded"`) {
					t.Errorf("%s: %s, %v", name, got.body, err)
				}
			})
		}
		all.Wait()
		if err := c.stop(t); err != nil {
			t.Error(err)
		}
		c = startCallout(t, data)
	}
	if tokens, resources := provider.tokenRequests(), provider.resourceRequests(); tokens != 2 || resources != 200 {
		t.Errorf("%d token requests for two clients, and %d calls", tokens, resources)
	}
	if printed := fmt.Sprint(c.out.String()); strings.Contains(printed, "canary") {
		t.Errorf("it printed %s", printed)
	}
}

// TestASecretThatIsCorrected: a client that the provider does not know is not
// tried again and again; whoever has the right secret is not kept waiting for
// that, and a token is out of reach as soon as the secret is another one.
func TestASecretThatIsCorrected(t *testing.T) {
	const secret, wrong = "canary-secret-1a2b3c", "canary-wrong-4d5e6f"
	provider := fosite(t, registration{LifetimeSeconds: 3600, Clients: []registered{{ID: "app", Secret: secret, Method: "client_secret_basic"}}})
	c := startCallout(t, t.TempDir())
	c.call(t, 201, "POST", "/api/configs", provider.config(t, "who", byBasic("app", wrong, "")))
	for _, step := range []struct{ secret, want string }{
		{wrong, "TokenRequestFailed"}, {wrong, "TokenRequestFailed"}, {secret, `"status":"succeeded"`}, {wrong, "TokenRequestFailed"}, {secret, `"status":"succeeded"`},
	} {
		c.call(t, 200, "PATCH", "/api/configs/who", fmt.Sprintf(`{"auth": {"tokenAuth": {"password": %q}}}`, step.secret))
		c.call(t, 200, "POST", "/api/execute/who", `{}`).mustHold(t, step.want)
	}
	if got := provider.tokenRequests(); got != 2 {
		t.Errorf("%d token requests for a wrong secret and a right one", got)
	}
}

// TestNoCallMeetsAnExpiredToken: fosite refuses tokens from the moment that they
// expire. Calls without end see several come and go, and none of them fails.
func TestNoCallMeetsAnExpiredToken(t *testing.T) {
	const secret = "canary-secret-1a2b3c"
	provider := fosite(t, registration{LifetimeSeconds: 3, Clients: []registered{{ID: "app", Secret: secret, Method: "client_secret_basic"}}})
	c := startCallout(t, t.TempDir())
	c.call(t, 201, "POST", "/api/configs", provider.config(t, "who", byBasic("app", secret, "")))
	executed := 0
	eventually(t, "a third token", func() bool {
		executed++
		c.call(t, 200, "POST", "/api/execute/who", `{}`).mustHold(t, `"status":"succeeded"`, `"attempts":1`)
		return provider.tokenRequests() >= 3
	})
	if got := provider.resourceRequests(); got != executed {
		t.Errorf("%d calls were sent for %d", got, executed)
	}
}
