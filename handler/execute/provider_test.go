package execute_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"callout/handler/callout"
	"callout/handler/catalog"
	"callout/handler/execute"
	"callout/handler/store"
)

// authHost is the name under which the provider of tokens is found.
const authHost = "auth.example.com"

// The client that a provider knows from the start.
const (
	clientID     = "callout-client"
	clientSecret = "canary-client-secret"
)

// provider gives out tokens to clients it knows, and knows which are valid.
type provider struct {
	*upstream

	mu      sync.Mutex
	secrets []string // of the client
	given   int
	valid   map[string]bool
	// instead, if any, answers in place of a token.
	instead func(*upstream, http.ResponseWriter, *http.Request)
	// next, if any, is the next token in place of one with a number.
	next string
}

// newOffice returns a house whose API takes nothing but the tokens of the
// provider, each with the scheme Bearer, and answers what fine does.
func newOffice(t *testing.T) (*house, *provider) {
	t.Helper()
	p := &provider{secrets: []string{clientSecret}, valid: map[string]bool{}}
	h := newHouse(t, p.guards(fine))
	p.upstream = newUpstream(t, h.roots.issue(t, authHost, time.Hour), p.answer)
	h.names[authHost] = addresses("127.0.0.1")
	return h, p
}

// guards lets whoever brings a valid token through.
func (p *provider) guards(through func(*upstream, http.ResponseWriter, *http.Request)) func(*upstream, http.ResponseWriter, *http.Request) {
	return func(u *upstream, w http.ResponseWriter, r *http.Request) {
		if p.accepts(r.Header.Get("Authorization")) {
			through(u, w, r)
			return
		}
		says(http.StatusUnauthorized, "application/json", `{"why": "expired"}`)(u, w, r)
	}
}

func (p *provider) accepts(authorization string) bool {
	token, ok := strings.CutPrefix(authorization, "Bearer ")
	p.mu.Lock()
	defer p.mu.Unlock()
	return ok && p.valid[token]
}

// answer reads the token request as RFC 6749, section 4.4.2 has it.
func (p *provider) answer(u *upstream, w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	instead := p.instead
	p.mu.Unlock()
	switch {
	case instead != nil:
		instead(u, w, r)
	case r.Header.Get("Content-Type") != "application/x-www-form-urlencoded" || r.PostFormValue("grant_type") != "client_credentials":
		says(http.StatusBadRequest, "application/json", `{"error": "invalid_request"}`)(u, w, r)
	case !p.knows(r):
		says(http.StatusUnauthorized, "application/json", `{"error": "invalid_client"}`)(u, w, r)
	default:
		answer, _ := json.Marshal(map[string]any{"access_token": p.give(), "token_type": "bearer", "expires_in": 3600})
		says(http.StatusOK, "application/json", string(answer))(u, w, r)
	}
}

func (p *provider) knows(r *http.Request) bool {
	id, secret := r.PostFormValue("client_id"), r.PostFormValue("client_secret")
	if name, password, ok := r.BasicAuth(); ok {
		id, secret = name, password
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return id == clientID && slices.Contains(p.secrets, secret)
}

func (p *provider) give() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.given++
	token := p.next
	if token == "" {
		token = fmt.Sprintf("canary-access-token-%d", p.given)
	}
	p.next, p.valid[token] = "", true
	return token
}

// says answers so in place of tokens; nil gives tokens again.
func (p *provider) says(instead func(*upstream, http.ResponseWriter, *http.Request)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.instead = instead
}

// gives makes this the next token.
func (p *provider) gives(token string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.next = token
}

// accept makes the provider know another secret of the client.
func (p *provider) accept(secret string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.secrets = append(p.secrets, secret)
}

// revokeAll makes invalid what was given out.
func (p *provider) revokeAll() {
	p.mu.Lock()
	defer p.mu.Unlock()
	clear(p.valid)
}

// tokenURL is where tokens are asked for.
func (p *provider) tokenURL() string {
	return strings.Replace(p.origin(), apiHost, authHost, 1) + "/token"
}

// oauth is a credential with the client's parameters, and others in their place.
func (p *provider) oauth(others string) string {
	members := map[string]any{"type": "oauth2ClientCredentials", "tokenUrl": p.tokenURL(), "parameters": []map[string]any{
		{"name": "grant_type", "value": "client_credentials"},
		{"name": "client_id", "value": clientID},
		{"name": "client_secret", "value": clientSecret},
		{"name": "scope", "value": "contacts.write"},
	}}
	if err := json.Unmarshal([]byte("{"+others+"}"), &members); err != nil {
		panic(err)
	}
	text, _ := json.Marshal(members) // was just decoded
	return `"auth": ` + string(text)
}

// parameters are those of the client with another secret.
func parameters(secret string) string {
	return fmt.Sprintf(`"parameters": [{"name": "grant_type", "value": "client_credentials"}, {"name": "client_id", "value": %q}, {"name": "client_secret", "value": %s}]`, clientID, secret)
}

// callOther makes a call of a configuration that is not api.
func (h *house) callOther(name string) *callout.Execution {
	h.t.Helper()
	e, err := h.Do(h.t.Context(), execute.Call{Config: name})
	if err != nil {
		h.t.Fatalf("Do: %v", err)
	}
	return e
}

// warm gets the token of api, and lets it grow so old that a refusal may mean that
// it has expired.
func (h *house) warm() {
	h.t.Helper()
	h.test(execute.Trial{Send: no()})
	h.clock.pass(2 * time.Minute)
}

// another returns an API beside that of the house.
func (h *house) another(answer func(*upstream, http.ResponseWriter, *http.Request)) *upstream {
	h.t.Helper()
	return newUpstream(h.t, h.roots.issue(h.t, apiHost, time.Hour), answer)
}

// refusingTheFirst answers so to the first token that a provider has given, and
// lets others through.
func refusingTheFirst(refuse, through func(*upstream, http.ResponseWriter, *http.Request)) func(*upstream, http.ResponseWriter, *http.Request) {
	return func(u *upstream, w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.Header.Get("Authorization"), "-token-1") {
			refuse(u, w, r)
			return
		}
		through(u, w, r)
	}
}

// change merges members into the configuration api, as a PATCH of its
// credential does.
func (h *house) change(edit func(*callout.Auth)) {
	h.t.Helper()
	_, err := h.Catalog.Patch(h.t.Context(), "api", catalog.Condition{}, func(now *callout.Config) (*callout.Config, error) {
		next := *now
		next.Auth.Parameters = slices.Clone(now.Auth.Parameters)
		edit(&next.Auth)
		return &next, nil
	})
	if err != nil {
		h.t.Fatalf("Patch: %v", err)
	}
}

// wantAsked checks how many token requests were made.
func (p *provider) wantAsked(t *testing.T, n int) {
	t.Helper()
	if got := p.requests(); len(got) != n {
		t.Errorf("%d token requests were made, want %d: %v", len(got), n, got)
	}
}

// wantCredentials checks what the API was called with, from the first call on.
func wantCredentials(t *testing.T, u *upstream, want ...string) {
	t.Helper()
	var got []string
	for _, request := range u.requests() {
		got = append(got, request.header.Get("Authorization"))
	}
	if !slices.Equal(got, want) {
		t.Errorf("the API was called with %q, want %q", got, want)
	}
}

// form is what a token request had in its body.
func (r received) form(t *testing.T) url.Values {
	t.Helper()
	values, err := url.ParseQuery(r.body)
	if err != nil {
		t.Fatal(err)
	}
	return values
}

// storedTokens lists the rows of tokens, that of the key's maker among them.
func (h *house) storedTokens() []store.Row {
	h.t.Helper()
	var out []store.Row
	partitions := []string{"key"}
	for i := range 256 {
		partitions = append(partitions, fmt.Sprintf("%02x", i))
	}
	for _, partition := range partitions {
		page, err := h.store.Table(store.Tokens).List(h.t.Context(), store.Range{Partition: partition})
		if err != nil {
			h.t.Fatal(err)
		}
		out = append(out, page.Rows...)
	}
	return out
}
