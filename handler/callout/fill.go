package callout

import (
	"net/url"
	"slices"
	"strings"

	"callout/handler/secret"
)

// fill writes the text with the values in the place of its placeholders. What has
// no value stays a placeholder.
func (t Text) fill(values map[string]string) string {
	var out strings.Builder
	for _, part := range t {
		value, ok := values[part.Secret]
		switch {
		case part.Literal != "":
			out.WriteString(part.Literal)
		case ok && part.Secret != "":
			out.WriteString(value)
		default:
			out.WriteString("{{" + part.name() + "}}")
		}
	}
	return out.String()
}

// filled fills in what is found to be placeholders, and says whether there were
// any.
func filled(s string, values map[string]string) (string, bool) {
	text, problem := ParseText(s)
	if problem != "" || !text.HasPlaceholders() {
		return s, false
	}
	return text.fill(values), true
}

// fillOAuth puts secret values where the token request names them.
func (c *Config) fillOAuth() {
	values := map[string]string{}
	for _, v := range c.SecretValues {
		if v.Value.IsSet() {
			values[v.Name] = v.Value.Reveal()
		}
	}
	if c.Auth.Type != AuthOAuth2 || len(values) == 0 {
		return
	}
	o := &c.Auth.OAuth
	before := *o
	before.Parameters = slices.Clone(o.Parameters)
	c.unfilled = &before
	o.TokenURL = fillURL(o.TokenURL, values)
	for i := range o.Parameters {
		p := &o.Parameters[i]
		if text, ok := filled(p.Value+p.Hidden.Reveal(), values); ok {
			p.Value, p.Secret, p.Hidden = "", true, secret.New(text)
		}
	}
}

// asConfigured returns c as it was before fillOAuth.
func (c *Config) asConfigured() *Config {
	if c.unfilled == nil {
		return c
	}
	out := *c
	out.Auth.OAuth, out.unfilled = *c.unfilled, nil
	return &out
}

// fillURL fills in path and query: in either, a value is data. Only what
// RFC 3986, section 2.3 calls unreserved stays as it is.
func fillURL(raw string, values map[string]string) string {
	encoded, inPath := map[string]string{}, map[string]string{}
	for name, value := range values {
		encoded[name] = url.QueryEscape(value)
		inPath[name] = strings.ReplaceAll(encoded[name], "+", "%20")
	}
	path, query, found := strings.Cut(raw, "?")
	path, _ = filled(path, inPath)
	if found {
		query, _ = filled(query, encoded)
		path += "?" + query
	}
	return path
}
