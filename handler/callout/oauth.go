package callout

import (
	"fmt"
	"maps"
	"slices"

	"callout/handler/secret"
)

// OAuth are the members of a credential of type oauth2ClientCredentials
// (RFC 6749, section 4.4): how a token is asked for, and how it is used.
type OAuth struct {
	// TokenURL is where tokens are asked for; its query is sent as it stands.
	TokenURL   string      `json:"tokenUrl,omitempty"`
	Parameters []Parameter `json:"parameters,omitempty"`
	TokenAuth  TokenAuth   `json:"tokenAuth,omitzero"`
	// Format is that of the token request: FormatForm (also when empty) or
	// FormatJSON.
	Format string `json:"format,omitempty"`
	// TokenPath leads to the token in the answer, names with dots between them;
	// empty means access_token.
	TokenPath string `json:"tokenPath,omitempty"`
	// ExpiresInPath leads to the lifetime; empty means expires_in.
	ExpiresInPath string `json:"expiresInPath,omitempty"`
	// DefaultLifetime, in seconds, is that of a token which says none.
	DefaultLifetime int `json:"defaultLifetimeSeconds,omitempty"`
	// RefreshOn lists the statuses that tell an expired token, besides 401.
	RefreshOn []int `json:"refreshOn,omitempty"`
	// Scheme goes before the token in the header Authorization; empty means
	// Bearer.
	Scheme string `json:"scheme,omitempty"`
}

// Formats of a token request.
const (
	FormatForm = "form"
	FormatJSON = "json"
)

// Parameter is one of a token request.
type Parameter struct {
	Name string `json:"name"`
	// Value is empty when Secret; the value is then in Hidden.
	Value  string        `json:"value,omitempty"`
	Secret bool          `json:"secret"`
	Hidden secret.Secret `json:"-"`
}

// TokenAuth is how the token request itself is let in: with AuthBasic or
// AuthBearer, or by its parameters alone when Type is empty.
type TokenAuth struct {
	Type     AuthType      `json:"type,omitempty"`
	Username string        `json:"username,omitempty"`
	Password secret.Secret `json:"password,omitzero"`
	// Encoding of user name and password before they are joined: EncodingRaw
	// (also when empty), or EncodingForm as RFC 6749, section 2.3.1 says and few
	// providers expect.
	Encoding string        `json:"encoding,omitempty"`
	Token    secret.Secret `json:"token,omitzero"`
}

// Encodings of a TokenAuth.
const (
	EncodingRaw  = "raw"
	EncodingForm = "form"
)

// UnmarshalJSON decodes a parameter as a header is decoded: one whose name says
// that its value is a credential is a secret unless "secret": false is said.
func (p *Parameter) UnmarshalJSON(data []byte) error {
	return (*Header)(p).UnmarshalJSON(data)
}

// given lists the members that hold something, secrets included.
func (o *OAuth) given() map[string]bool {
	return map[string]bool{
		"tokenUrl": o.TokenURL != "", "parameters": len(o.Parameters) > 0, "tokenAuth": o.TokenAuth.isGiven(),
		"format": o.Format != "", "tokenPath": o.TokenPath != "", "expiresInPath": o.ExpiresInPath != "",
		"defaultLifetimeSeconds": o.DefaultLifetime != 0, "refreshOn": len(o.RefreshOn) > 0, "scheme": o.Scheme != "",
	}
}

func (t *TokenAuth) given() map[string]bool {
	return map[string]bool{
		"username": t.Username != "", "password": t.Password.IsSet(), "encoding": t.Encoding != "", "token": t.Token.IsSet(),
	}
}

func (t *TokenAuth) isGiven() bool {
	return t.Type != "" || slices.Contains(slices.Collect(maps.Values(t.given())), true)
}

// slots lists the places of the token request that hold a secret.
func (o *OAuth) slots() []slot {
	var out []slot
	for i := range o.Parameters {
		if p := &o.Parameters[i]; p.Secret {
			out = append(out, slot{path: "auth.parameters/" + p.Name, at: fmt.Sprintf("auth.parameters[%d].value", i), value: &p.Hidden})
		}
	}
	switch t := &o.TokenAuth; t.Type {
	case AuthBasic:
		out = append(out, slot{path: "auth.tokenAuth.password", at: "auth.tokenAuth.password", value: &t.Password, short: true})
	case AuthBearer:
		out = append(out, slot{path: "auth.tokenAuth.token", at: "auth.tokenAuth.token", value: &t.Token})
	}
	return out
}
