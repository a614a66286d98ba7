// Package callout is the domain: what a configuration, a call and a test are,
// and which of them are valid. It imports neither net/http nor a sibling other
// than secret.
package callout

import (
	"encoding/json"
	"slices"
	"strings"
	"time"

	"callout/handler/secret"
)

// Limits of a configuration (design: section 3).
const (
	MaxFields            = 100
	MaxHeaders           = 50
	MaxParameters        = 50
	MaxSecretValues      = 50
	MaxEndpoint          = 2048
	MaxDescription       = 1024
	MaxInstructions      = 8000
	MaxTemplate          = 64 << 10
	MaxLabels            = 50
	MinSecret            = 8
	MaxSecret            = 8 << 10
	MaxSecrets           = 24000
	MaxConfig            = 256 << 10
	MaxTimeoutSeconds    = 200
	MaxMaxResponseBytes  = 4 << 20
	MaxRetries           = 5
	MaxDefaultLifetime   = 365 * 24 * 60 * 60 // seconds
	defaultTimeout       = 30
	defaultResponseBytes = 1 << 20
)

// ApprovalMode says whether a technician looks at each request before it leaves.
// The zero value asks for it.
type ApprovalMode string

// The two modes.
const (
	ApprovalRequired ApprovalMode = "required"
	ApprovalNone     ApprovalMode = "none"
)

// Config describes one external API. As it is read from the catalog it holds no
// secret value; WithSecrets gives the copy that a request is made from.
type Config struct {
	Name        string `json:"name"`
	Description string `json:"description,omitempty"`
	// Endpoint is the URL to call, or only its origin when EndpointSecret.
	Endpoint       string        `json:"endpoint"`
	EndpointSecret bool          `json:"endpointSecret"`
	HiddenEndpoint secret.Secret `json:"-"`
	endpointSaid   bool          // whether EndpointSecret was given, not guessed
	Method         string        `json:"method"`
	Auth           Auth          `json:"auth"`
	Headers        []Header      `json:"headers"`
	Fields         []Field       `json:"fields"`
	// Body is a JSON template of the request's body; empty: the fields that go
	// into the body make a flat object.
	Body json.RawMessage `json:"body,omitempty"`
	// BodyFormat is how the body is written: BodyJSON (also when empty), BodyForm
	// or BodyNone.
	BodyFormat string `json:"bodyFormat,omitempty"`
	// SecretValues are named secrets for templates, in the order of their names.
	SecretValues   []SecretValue `json:"-"`
	valuesCleared  bool          // null was given in the place of all of them
	Instructions   string        `json:"instructions,omitempty"`
	Approval       ApprovalMode  `json:"approval"`
	Enabled        bool          `json:"enabled"`
	TimeoutSeconds int           `json:"timeoutSeconds"`
	MaxResponse    int64         `json:"maxResponseBytes"`
	// Retries is how often a request is sent again at most. One that may have
	// been carried out is repeated only if it is Repeatable.
	Retries int `json:"retries"`
	// IdempotencyHeader names the header by which the API knows a request that it
	// has seen before. It carries the id of the execution, in every attempt.
	IdempotencyHeader string            `json:"idempotencyHeader,omitempty"`
	Labels            map[string]string `json:"labels,omitempty"`

	// What follows is the catalog's to set; a caller's values are ignored.

	ID        string      `json:"id,omitempty"`
	Version   int         `json:"version,omitempty"`
	ETag      string      `json:"etag,omitempty"`
	CreatedAt time.Time   `json:"createdAt,omitzero"`
	UpdatedAt time.Time   `json:"updatedAt,omitzero"`
	LastTest  *LastTest   `json:"lastTest,omitempty"`
	Secrets   []SecretRef `json:"secrets"`
	// SecretVersion names the vault's version of the secret bundle.
	SecretVersion string `json:"-"`
	// HiddenReferences are those of the secret texts, by the paths of these.
	HiddenReferences map[string][]Reference `json:"-"`
	unfilled         *OAuth                 // what is configured, after WithSecrets has filled it in
}

// Formats of a body.
const (
	BodyJSON = "json"
	BodyForm = "form"
	BodyNone = "none"
)

// LastTest is the outcome of the newest test.
type LastTest struct {
	At      time.Time `json:"at"`
	OK      bool      `json:"ok"`
	Summary string    `json:"summary"`
}

// SecretRef names a secret that is set, and when its value was given.
type SecretRef struct {
	Path      string    `json:"path"`
	UpdatedAt time.Time `json:"updatedAt"`
}

// Header is sent with every request of its configuration.
type Header struct {
	Name string `json:"name"`
	// Value is empty when Secret; the value is then in Hidden.
	Value  string        `json:"value,omitempty"`
	Secret bool          `json:"secret"`
	Hidden secret.Secret `json:"-"`
}

// UnmarshalJSON decodes a configuration over its defaults. A secret endpoint
// goes straight into HiddenEndpoint.
func (c *Config) UnmarshalJSON(data []byte) error {
	type plain Config
	in := struct {
		plain
		EndpointSecret *bool        `json:"endpointSecret"`
		SecretValues   secretValues `json:"secretValues"`
	}{plain: plain{
		Approval: ApprovalRequired, Enabled: true, Auth: Auth{Type: AuthNone},
		TimeoutSeconds: defaultTimeout, MaxResponse: defaultResponseBytes,
		Headers: []Header{}, Fields: []Field{}, Secrets: []SecretRef{},
	}}
	if err := json.Unmarshal(data, &in); err != nil {
		return err
	}
	*c = Config(in.plain)
	c.SecretValues, c.valuesCleared = in.SecretValues.list, in.SecretValues.cleared
	c.Body = tidy(c.Body)
	c.replaceNulls()
	c.hideEndpoint(in.EndpointSecret)
	return nil
}

// hideEndpoint moves an endpoint that is a credential out of sight. A bare
// origin with the flag set is what a read gives: it stands for the stored one.
func (c *Config) hideEndpoint(declared *bool) {
	c.EndpointSecret = isWebhook(c.Endpoint)
	if c.endpointSaid = declared != nil; c.endpointSaid {
		c.EndpointSecret = *declared
	}
	if !c.EndpointSecret || c.Endpoint == "" {
		return
	}
	origin := Origin(c.Endpoint)
	if c.Endpoint != origin {
		c.HiddenEndpoint = secret.New(c.Endpoint)
	}
	c.Endpoint = origin
}

// Exposes reports whether c would put in the place of a stored secret endpoint
// what a read shows of it.
func (c *Config) Exposes(stored *Config) bool {
	return stored.EndpointSecret && !c.EndpointSecret && c.Endpoint == stored.Endpoint
}

// replaceNulls makes of a null what it stands for: nothing.
func (c *Config) replaceNulls() {
	if c.Headers == nil {
		c.Headers = []Header{}
	}
	if c.Fields == nil {
		c.Fields = []Field{}
	}
	for i := range c.Fields {
		if string(c.Fields[i].Default) == "null" {
			c.Fields[i].Default = nil
		}
	}
}

// UnmarshalJSON decodes a header. A header whose name says that its value is a
// credential is a secret unless "secret": false is said, or the value is nothing
// but what others fill in.
func (h *Header) UnmarshalJSON(data []byte) error {
	var in struct {
		Name   string        `json:"name"`
		Value  secret.Secret `json:"value"`
		Secret *bool         `json:"secret"`
	}
	if err := json.Unmarshal(data, &in); err != nil {
		return err
	}
	*h = Header{Name: in.Name, Secret: soundsSecret(in.Name) && !onlyPlaceholders(in.Value)}
	if in.Secret != nil {
		h.Secret = *in.Secret
	}
	if h.Secret {
		h.Hidden = in.Value
	} else {
		h.Value = in.Value.Reveal()
	}
	return nil
}

// onlyPlaceholders reports whether text has nothing in it that could be secret.
func onlyPlaceholders(value secret.Secret) bool {
	text, problem := ParseText(value.Reveal())
	literal := func(part Part) bool { return strings.TrimSpace(part.Literal) != "" }
	return len(text) > 0 && problem == "" && !slices.ContainsFunc(text, literal)
}

// HasBody reports whether requests of the method carry a body.
func HasBody(method string) bool {
	return method == "POST" || method == "PUT" || method == "PATCH"
}

// Safe reports whether the method asks for no change (RFC 9110, section 9.2.1).
func Safe(method string) bool { return method == "GET" }

// Repeatable reports whether to send the request twice does no more than to send
// it once: it changes nothing, or the API recognises it.
func (c *Config) Repeatable() bool { return Safe(c.Method) || c.IdempotencyHeader != "" }
