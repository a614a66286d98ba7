package credential_test

import (
	"errors"
	"strings"
	"testing"

	"callout/handler/callout"
	"callout/handler/credential"
	"callout/handler/redact"
	"callout/handler/secret"
)

// client is a credential of OAuth 2.0 whose client has a secret.
func client(change func(*callout.Auth)) callout.Auth {
	a := callout.Auth{Type: callout.AuthOAuth2, OAuth: callout.OAuth{
		TokenURL: "https://auth.example.com/token",
		Parameters: []callout.Parameter{
			{Name: "client_id", Value: "the client"}, {Name: "client_secret", Secret: true, Hidden: secret.New("canary+/=:")}, {Name: "scope", Value: "a b"},
		},
	}}
	if change != nil {
		change(&a)
	}
	return a
}

func revealed(c credential.Credential) []string {
	var out []string
	for _, s := range c.Secrets() {
		out = append(out, s.Reveal())
	}
	return out
}

// What arrives is the token behind its scheme; what is shown is the mask, with
// or without a token.
func TestTokenInItsPlace(t *testing.T) {
	for _, tt := range []struct{ name, scheme, header, masked string }{
		{"scheme unsaid", "", "Authorization: Bearer canary-token", "Authorization: Bearer [secret]"},
		{"another scheme", "Zoho-oauthtoken", "Authorization: Zoho-oauthtoken canary-token", "Authorization: Zoho-oauthtoken [secret]"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			without := create(t, client(func(a *callout.Auth) { a.Scheme = tt.scheme }))
			with := without.WithToken(secret.New("canary-token"))
			checkHeaders(t, send(t, "", with.Apply).header, tt.header)
			checkHeaders(t, send(t, "", with.Mask).header, tt.masked)
			checkHeaders(t, send(t, "", without.Mask).header, tt.masked)
			checkHeaders(t, send(t, "", without.Apply).header, "")
		})
	}
}

func TestWhoNeedsAToken(t *testing.T) {
	bearer := create(t, callout.Auth{Type: callout.AuthBearer, Token: secret.New("canary-bearer")})
	if bearer.NeedsToken() || bearer.WithToken(secret.New("other-token")).Secrets()[0].Reveal() != "canary-bearer" {
		t.Error("a bearer token is not what WithToken gives")
	}
	if none := create(t, callout.Auth{}); none.NeedsToken() || none.WithToken(secret.New("other-token")).Secrets() != nil {
		t.Error("who carries no credential carries a token")
	}
	first := create(t, client(nil))
	second := first.WithToken(secret.New("first-token"))
	third := second.WithToken(secret.New("second-token"))
	if !first.NeedsToken() || second.NeedsToken() || third.NeedsToken() {
		t.Errorf("a token is needed: %t, %t, %t", first.NeedsToken(), second.NeedsToken(), third.NeedsToken())
	}
	for _, tt := range []struct {
		c    credential.Credential
		want string
	}{{second, "first-token"}, {third, "second-token"}} {
		checkHeaders(t, send(t, "", tt.c.Apply).header, "Authorization: Bearer "+tt.want)
		if got := revealed(tt.c); got[len(got)-1] != tt.want || len(got) != len(revealed(first))+1 {
			t.Errorf("the secrets are %q, want %s as the last", got, tt.want)
		}
	}
}

// What a token request derives of the secrets is known to whoever redacts, before
// there is a token.
func TestSecretsOfATokenRequest(t *testing.T) {
	basic := func(username, password string) func(*callout.Auth) {
		return func(a *callout.Auth) {
			a.Parameters, a.TokenAuth = nil, callout.TokenAuth{Type: callout.AuthBasic, Username: username, Password: secret.New(password)}
		}
	}
	ofClient := []string{pair("the client", "canary+/=:"), pair("the+client", "canary%2B%2F%3D%3A")}
	for _, tt := range []struct {
		name string
		auth callout.Auth
		want []string
	}{
		{"a client with a secret", client(nil), ofClient},
		{"a client whose id is a secret", client(func(a *callout.Auth) {
			a.Parameters[0] = callout.Parameter{Name: "client_id", Secret: true, Hidden: secret.New("the client")}
		}), ofClient},
		{"a secret without a client", client(func(a *callout.Auth) { a.Parameters = a.Parameters[1:] }),
			[]string{pair("", "canary+/=:"), pair("", "canary%2B%2F%3D%3A")}},
		{"a client without a secret", client(func(a *callout.Auth) { a.Parameters = a.Parameters[:1] }), nil},
		{"nothing", client(func(a *callout.Auth) { a.Parameters = nil }), nil},
		{"basic", client(basic("u@ä", "p ~")), []string{pair("u@ä", "p ~"), pair("u%40%C3%A4", "p+~")}},
		{"basic, too short to be looked for by itself", client(basic("a", "b")), []string{"Basic YTpi", "Basic YTpi"}},
		{"bearer, which is stored as it is sent", client(func(a *callout.Auth) {
			a.Parameters, a.TokenAuth = nil, callout.TokenAuth{Type: callout.AuthBearer, Token: secret.New("canary-token")}
		}), nil},
		{"basic and a client", client(func(a *callout.Auth) {
			a.TokenAuth = callout.TokenAuth{Type: callout.AuthBasic, Username: "user", Password: secret.New("")}
		}), append([]string{pair("user", ""), pair("user", "")}, ofClient...)},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := create(t, tt.auth)
			if got := revealed(c); strings.Join(got, "|") != strings.Join(tt.want, "|") {
				t.Errorf("got  %q\nwant %q", got, tt.want)
			}
			for _, echoed := range tt.want {
				shown := redact.New(c.Secrets()...).String("said: Basic " + strings.TrimPrefix(echoed, "Basic ") + "\r\n")
				if strings.Contains(shown, strings.TrimPrefix(echoed, "Basic ")) {
					t.Errorf("an echo shows %s", shown)
				}
			}
		})
	}
}

func TestAShortTokenIsLookedForBehindItsScheme(t *testing.T) {
	c := create(t, client(func(a *callout.Auth) { a.Parameters, a.Scheme = nil, "T" })).WithToken(secret.New("abc"))
	if got := revealed(c); len(got) != 1 || got[0] != "T abc" {
		t.Errorf("got %q", got)
	}
}

func TestATokenRequestWithoutASecret(t *testing.T) {
	for name, change := range map[string]func(*callout.Auth){
		"a parameter": func(a *callout.Auth) { a.Parameters[1].Hidden = secret.Secret{} },
		"basic":       func(a *callout.Auth) { a.TokenAuth = callout.TokenAuth{Type: callout.AuthBasic, Username: "u"} },
		"bearer":      func(a *callout.Auth) { a.TokenAuth.Type = callout.AuthBearer },
	} {
		a := client(change)
		c, err := credential.New(&a)
		var refusal *callout.Error
		if !errors.As(err, &refusal) || refusal.Code != string(callout.CredentialMissing) || c.NeedsToken() || c.Secrets() != nil {
			t.Errorf("%s: got %v", name, err)
		}
	}
}
