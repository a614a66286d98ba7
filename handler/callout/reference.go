package callout

import (
	"fmt"
	"slices"
	"strings"
)

// Reference is a placeholder outside of the body: where it stands, and what it
// names. Field or Secret is set.
type Reference struct {
	// In is InPath or InQuery of the endpoint, InHeader, or inToken.
	In     string `json:"in"`
	Field  string `json:"field,omitempty"`
	Secret string `json:"secret,omitempty"`
}

// inToken is the place of what a token request is made of.
const inToken = "token"

// site is configured text outside of the body that may hold placeholders.
type site struct {
	in   string // InHeader or inToken; "" is the endpoint
	path string // of the secret that the text is, if it is one
	at   string // where faults are reported
	text string
	// absent: the text is a stored secret, of which only the references are known.
	absent bool
}

// sites lists where c may hold placeholders outside of the body.
func (c *Config) sites() []site {
	out := []site{{path: "endpoint", at: "endpoint", text: c.URL(), absent: c.EndpointSecret && c.HiddenEndpoint.IsZero()}}
	for i := range c.Headers {
		h := &c.Headers[i]
		out = append(out, site{in: InHeader, path: "headers/" + h.Name, at: fmt.Sprintf("headers[%d].value", i),
			text: h.Value + h.Hidden.Reveal(), absent: h.Secret && h.Hidden.IsZero()})
	}
	if c.Auth.Type != AuthOAuth2 {
		return out
	}
	out = append(out, site{in: inToken, at: "auth.tokenUrl", text: c.Auth.TokenURL})
	for i := range c.Auth.Parameters {
		p := &c.Auth.Parameters[i]
		out = append(out, site{in: inToken, path: "auth.parameters/" + p.Name, at: fmt.Sprintf("auth.parameters[%d].value", i),
			text: p.Value + p.Hidden.Reveal(), absent: p.Secret && p.Hidden.IsZero()})
	}
	return out
}

// references lists the placeholders of a site. A text that is absent has those
// that were noted when it was given. The problem is that of ParseText.
func (c *Config) references(s site) (refs []Reference, problem string) {
	if s.absent {
		for path, noted := range c.HiddenReferences {
			if SamePlace(path, s.path) {
				return noted, ""
			}
		}
		return nil, ""
	}
	if s.in != "" {
		return referencesIn(s.in, s.text)
	}
	path, query, _ := strings.Cut(s.text, "?")
	inPath, problem := referencesIn(InPath, path)
	inQuery, other := referencesIn(InQuery, query)
	if problem == "" {
		problem = other
	}
	return append(inPath, inQuery...), problem
}

func referencesIn(place, s string) (refs []Reference, problem string) {
	text, problem := ParseText(s)
	for _, part := range text {
		if ref := (Reference{In: place, Field: part.Field, Secret: part.Secret}); part.Literal == "" && !slices.Contains(refs, ref) {
			refs = append(refs, ref)
		}
	}
	return refs, problem
}

// References lists the placeholders in the endpoint and in the headers, each
// place and name once or more often. It knows those of secret texts too, also when
// c is as it is stored and does not hold the texts themselves. Whatever a field is
// declared to be, an argument goes where a template names it, and where the field
// says besides; what no Reference and no template of the body names goes where
// Field.Place says.
func (c *Config) References() []Reference {
	var out []Reference
	for _, s := range c.sites() {
		if s.in != inToken {
			refs, _ := c.references(s)
			out = append(out, refs...)
		}
	}
	return out
}

// TokenSecrets lists the paths of the secret values that the token request names:
// what is sent to the token URL.
func (c *Config) TokenSecrets() []string {
	var out []string
	for _, s := range c.sites() {
		refs, _ := c.references(s)
		for _, ref := range refs {
			if s.in == inToken && ref.Secret != "" {
				out = append(out, secretValuePath(ref.Secret))
			}
		}
	}
	return out
}

// CallSecrets lists the paths of the secret values that the request itself names:
// in the endpoint, in headers or in the template of the body.
func (c *Config) CallSecrets() []string {
	inBody, _ := referencesIn(InBody, string(c.Body))
	var out []string
	for _, ref := range slices.Concat(c.References(), inBody) {
		if ref.Secret != "" {
			out = append(out, secretValuePath(ref.Secret))
		}
	}
	return out
}

// hiddenReferences notes what the secret texts of c name, so that it is known
// when they are not at hand.
func (c *Config) hiddenReferences() map[string][]Reference {
	var out map[string][]Reference
	secrets := c.slots()
	for _, s := range c.sites() {
		refs, _ := c.references(s)
		hidden := slices.ContainsFunc(secrets, func(slot slot) bool { return slot.path == s.path })
		if hidden && len(refs) > 0 {
			if out == nil {
				out = map[string][]Reference{}
			}
			out[s.path] = refs
		}
	}
	return out
}
