package callout

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"callout/handler/secret"
)

// Bundle holds the secret values of one configuration by path, as named in
// Config.Secrets.
type Bundle map[string]secret.Secret

// Encode gives the bundle as the one secret that the vault keeps.
func (b Bundle) Encode() secret.Secret {
	values := make(map[string]string, len(b))
	for path, s := range b {
		values[path] = s.Reveal()
	}
	var text strings.Builder
	enc := json.NewEncoder(&text)
	enc.SetEscapeHTML(false) // six bytes for an ampersand would be lost to the vault's limit
	_ = enc.Encode(values)   // strings only: cannot fail
	return secret.New(strings.TrimSuffix(text.String(), "\n"))
}

// DecodeBundle reads what Encode wrote.
func DecodeBundle(s secret.Secret) (Bundle, error) {
	var values map[string]string
	if err := json.Unmarshal([]byte(s.Reveal()), &values); err != nil {
		return nil, errors.New("callout: the stored secret bundle is not readable")
	}
	b := make(Bundle, len(values))
	for path, v := range values {
		b[path] = secret.New(v)
	}
	return b, nil
}

// Values lists the secrets in the order of their paths. Of a parameter with
// placeholders, which is sent only filled in, it lists what stands around these as
// well, as far as that is long enough to be looked for.
func (b Bundle) Values() []secret.Secret {
	out := make([]secret.Secret, 0, len(b))
	for _, path := range slices.Sorted(maps.Keys(b)) {
		out = append(out, b[path])
		if strings.HasPrefix(path, "auth.parameters/") {
			out = append(out, literals(b[path])...)
		}
	}
	return out
}

func literals(s secret.Secret) []secret.Secret {
	var out []secret.Secret
	text, _ := ParseText(s.Reveal())
	for _, part := range text {
		if len(part.Literal) >= MinSecret && part.Literal != s.Reveal() {
			out = append(out, secret.New(part.Literal))
		}
	}
	return out
}

// slot is a place of a configuration where a secret belongs.
type slot struct {
	path  string
	at    string // where faults of the value are reported
	value *secret.Secret
	short bool // may be shorter than MinSecret
	// needed: Auth.check says when it is missing.
	needed bool
}

// slots lists the places of c that can hold a secret.
func (c *Config) slots() []slot {
	var out []slot
	if c.EndpointSecret {
		out = append(out, slot{path: "endpoint", at: "endpoint", value: &c.HiddenEndpoint})
	}
	out = append(out, c.Auth.slots()...)
	for i := range c.Headers {
		if h := &c.Headers[i]; h.Secret {
			out = append(out, slot{path: "headers/" + h.Name, at: fmt.Sprintf("headers[%d].value", i), value: &h.Hidden})
		}
	}
	for i := range c.SecretValues {
		if v := &c.SecretValues[i]; !v.Value.IsCleared() {
			out = append(out, slot{path: secretValuePath(v.Name), at: v.at(), value: &v.Value})
		}
	}
	return out
}

func (a *Auth) slots() []slot {
	switch a.Type {
	case AuthBearer:
		return []slot{{path: "auth.token", at: "auth.token", value: &a.Token, needed: true}}
	case AuthAPIKey:
		return []slot{{path: "auth.key", at: "auth.key", value: &a.Key, needed: true}}
	case AuthBasic:
		out := []slot{{path: "auth.password", at: "auth.password", value: &a.Password, short: true, needed: true}}
		if a.UsernameSecret {
			out = append(out, slot{path: "auth.username", at: "auth.username", value: &a.HiddenUsername, needed: true})
		}
		return out
	case AuthOAuth2:
		return a.OAuth.slots()
	}
	return nil
}

// Given returns the secret values that c itself holds.
func (c *Config) Given() Bundle {
	b := Bundle{}
	for _, s := range c.asConfigured().slots() {
		if s.value.IsSet() {
			b[s.path] = *s.value
		}
	}
	return b
}

// Kept lists the paths whose stored value stays, because c leaves it out.
func (c *Config) Kept(stored *Config) []string {
	var out []string
	for _, s := range c.slots() {
		if s.value.IsZero() && stored.HasSecret(s.path) {
			out = append(out, s.path)
		}
	}
	return out
}

// Excused lists the paths that need no value in a configuration that replaces
// stored, nil for none: the stored value stays, null clears it, or the place was
// empty before, so that what was read can be put back.
func (c *Config) Excused(stored *Config) []string {
	var out []string
	for _, s := range c.slots() {
		if s.value.IsCleared() || stored.HasSecret(s.path) || stored.lacks(s.path) {
			out = append(out, s.path)
		}
	}
	return out
}

// lacks reports whether the stored configuration has the place, and no value.
func (c *Config) lacks(path string) bool {
	return c != nil && !c.HasSecret(path) && slices.ContainsFunc(c.slots(), func(s slot) bool { return SamePlace(s.path, path) })
}

// Unset lists the paths where a secret belongs and none is.
func (c *Config) Unset() []string {
	var out []string
	for _, s := range c.slots() {
		if !s.value.IsSet() {
			out = append(out, s.path)
		}
	}
	return out
}

// HasSecret reports whether the stored configuration has a value at the path.
func (c *Config) HasSecret(path string) bool {
	return c != nil && slices.ContainsFunc(c.Secrets, func(r SecretRef) bool { return SamePlace(r.Path, path) })
}

// SamePlace reports whether two paths of secrets lead to the same place: the
// names of headers are compared as HTTP compares them, and everything else as it
// stands, because client_secret and Client_Secret are two parameters.
func SamePlace(a, b string) bool {
	return a == b || strings.HasPrefix(a, "headers/") && strings.EqualFold(a, b)
}

// WithSecrets returns a copy of c with the values of b in place, also where the
// token URL and the parameters of a token request name secret values. What
// endpoint, headers and body name stays to be filled in together with arguments.
func (c *Config) WithSecrets(b Bundle) *Config {
	out := c.asConfigured().clone()
	for _, s := range out.slots() {
		if v, ok := b[s.path]; ok {
			*s.value = v
		}
	}
	out.fillOAuth()
	return out
}

// WithoutSecrets returns a copy of c that holds no secret value, and knows which
// placeholders its secret texts hold.
func (c *Config) WithoutSecrets() *Config {
	out := c.asConfigured().clone()
	out.HiddenReferences = out.hiddenReferences()
	out.SecretValues = slices.DeleteFunc(out.SecretValues, func(v SecretValue) bool { return v.Value.IsCleared() })
	for _, s := range out.slots() {
		*s.value = secret.Secret{}
	}
	a := &out.Auth // a kind that takes no secret may still have been given one
	a.Token, a.Password, a.Key, a.HiddenUsername = secret.Secret{}, secret.Secret{}, secret.Secret{}, secret.Secret{}
	a.TokenAuth.Token, a.TokenAuth.Password = secret.Secret{}, secret.Secret{}
	for i := range a.Parameters {
		a.Parameters[i].Hidden = secret.Secret{}
	}
	out.endpointSaid, out.valuesCleared = false, false
	return out
}

// clone returns a copy whose secrets can be changed without changing those of c.
func (c *Config) clone() *Config {
	out := *c
	out.Headers, out.Auth.Parameters = slices.Clone(c.Headers), slices.Clone(c.Auth.Parameters)
	out.SecretValues = slices.Clone(c.SecretValues)
	return &out
}

// URL is the endpoint to call, the hidden one included.
func (c *Config) URL() string {
	if c.EndpointSecret && c.HiddenEndpoint.IsSet() {
		return c.HiddenEndpoint.Reveal()
	}
	return c.Endpoint
}

// soundsSecret reports whether a header or parameter of this name holds a
// credential (design: section 3).
func soundsSecret(name string) bool {
	name = strings.ToLower(name)
	for _, word := range []string{"key", "secret", "token", "password", "assertion", "authorization"} {
		if strings.Contains(name, word) {
			return true
		}
	}
	return false
}
