// Package credential puts the credential of a configuration on a request. One
// file a kind; each kind says where its value goes, and the rest is common.
package credential

import (
	"errors"
	"net/http"
	"net/url"
	"slices"

	"callout/handler/callout"
	"callout/handler/secret"
)

// Credential is what one request carries to be let in. The zero Credential
// carries nothing.
type Credential struct {
	header string // set one of header and query
	query  string
	prefix string
	value  secret.Secret

	takesToken bool            // the value is a token that WithToken gives
	derived    []secret.Secret // what asking for that token shows of the secrets
}

// New returns the credential of a, whose secrets are in place. It fails with
// callout.CredentialMissing when one is not: an upstream would take an empty
// credential for a wrong one.
func New(a *callout.Auth) (Credential, error) {
	if !complete(a) {
		return Credential{}, &callout.Error{Code: string(callout.CredentialMissing),
			Message: "The credential of this configuration has no value. An operator must give it again."}
	}
	switch a.Type {
	case callout.AuthNone, "":
		return Credential{}, nil
	case callout.AuthBearer:
		return bearer(a), nil
	case callout.AuthBasic:
		return basic(a), nil
	case callout.AuthAPIKey:
		return apiKey(a), nil
	case callout.AuthOAuth2:
		return oauth2(a), nil
	}
	return Credential{}, errors.New("credential: no such kind")
}

func complete(a *callout.Auth) bool {
	switch a.Type {
	case callout.AuthBearer:
		return a.Token.IsSet()
	case callout.AuthBasic:
		return a.Password.IsSet() && (a.HiddenUsername.IsSet() || !a.UsernameSecret)
	case callout.AuthAPIKey:
		return a.Key.IsSet()
	case callout.AuthOAuth2:
		return completeOAuth2(&a.OAuth)
	}
	return true
}

// Apply adds the credential to req, or nothing while it needs a token.
func (c Credential) Apply(req *http.Request) {
	if !c.NeedsToken() {
		c.put(req, c.value.Reveal())
	}
}

// Mask adds a mask in the place of the credential, for a request that is shown.
func (c Credential) Mask(req *http.Request) { c.put(req, secret.Mask) }

// Secrets lists the values that Apply and a token request derive, which have to
// be redacted besides those that are stored.
func (c Credential) Secrets() []secret.Secret {
	out := slices.Clip(c.derived)
	if c.value.IsSet() {
		out = append(out, findable(c.prefix, c.value))
	}
	return out
}

// findable returns what to look for: a value that is too short to be looked for
// by itself together with its prefix.
func findable(prefix string, value secret.Secret) secret.Secret {
	if value.Len() < callout.MinSecret {
		return secret.New(prefix + value.Reveal())
	}
	return value
}

func (c Credential) put(req *http.Request, value string) {
	switch {
	case c.header != "":
		req.Header.Set(c.header, c.prefix+value)
	case c.query != "":
		pair := url.QueryEscape(c.query) + "=" + url.QueryEscape(value)
		if req.URL.RawQuery != "" {
			pair = req.URL.RawQuery + "&" + pair
		}
		req.URL.RawQuery = pair
	}
}
