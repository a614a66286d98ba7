package callout

import (
	"encoding/json"
	"maps"
	"slices"

	"callout/handler/secret"
)

// AuthType names a kind of credential.
type AuthType string

// The kinds of credential.
const (
	AuthNone   AuthType = "none"
	AuthBearer AuthType = "bearer"
	AuthBasic  AuthType = "basic"
	AuthAPIKey AuthType = "apiKey"
	AuthOAuth2 AuthType = "oauth2ClientCredentials"
)

// Places of a field, and of an API key the first two.
const (
	InHeader = "header"
	InQuery  = "query"
	InBody   = "body"
	InPath   = "path"
)

// Auth is the credential of a configuration. Which members are used depends on
// Type: Token for bearer (RFC 6750); Username and Password for basic
// (RFC 7617); Key with Header and Prefix, or with Query, for apiKey; those of
// OAuth for oauth2ClientCredentials.
type Auth struct {
	Type           AuthType      `json:"type"`
	Token          secret.Secret `json:"token,omitzero"`
	Username       string        `json:"username,omitempty"`
	UsernameSecret bool          `json:"usernameSecret,omitempty"`
	HiddenUsername secret.Secret `json:"-"`
	Password       secret.Secret `json:"password,omitzero"`
	Key            secret.Secret `json:"key,omitzero"`
	In             string        `json:"in,omitempty"`
	Header         string        `json:"header,omitempty"`
	Prefix         string        `json:"prefix,omitempty"`
	Query          string        `json:"query,omitempty"`
	OAuth                        // in JSON its members stand beside the others
}

// UnmarshalJSON decodes an Auth; a secret user name goes straight into
// HiddenUsername.
func (a *Auth) UnmarshalJSON(data []byte) error {
	type plain Auth
	in := struct {
		plain
		Username secret.Secret `json:"username"`
	}{plain: plain{Type: AuthNone}}
	if err := json.Unmarshal(data, &in); err != nil {
		return err
	}
	*a = Auth(in.plain)
	if a.UsernameSecret {
		a.HiddenUsername = in.Username
	} else {
		a.Username = in.Username.Reveal()
	}
	if a.Type == AuthAPIKey && a.In == "" {
		a.In = InHeader
	}
	return nil
}

// authUse says of each kind which members it takes, and which it cannot do
// without. Paths are relative to auth.
var authUse = map[AuthType]struct{ takes, needs []string }{
	AuthNone:   {},
	AuthBearer: {takes: []string{"token"}, needs: []string{"token"}},
	AuthBasic:  {takes: []string{"username", "usernameSecret", "password"}, needs: []string{"password"}},
	AuthAPIKey: {takes: []string{"key", "in", "header", "prefix", "query"}, needs: []string{"key"}},
	AuthOAuth2: {takes: slices.Collect(maps.Keys((&OAuth{}).given())), needs: []string{"tokenUrl"}},
}

// given lists the members that hold something, secrets included.
func (a *Auth) given() map[string]bool {
	out := map[string]bool{
		"token": a.Token.IsSet(), "password": a.Password.IsSet(), "key": a.Key.IsSet(),
		"username":       a.Username != "" || a.HiddenUsername.IsSet(),
		"usernameSecret": a.UsernameSecret, "in": a.In != "", "header": a.Header != "",
		"prefix": a.Prefix != "", "query": a.Query != "",
	}
	maps.Copy(out, a.OAuth.given())
	return out
}
