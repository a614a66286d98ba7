package e2e

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"
)

// bank is a provider of tokens and, at the same address, the API that takes
// them. It counts on its own clock.
type bank struct {
	*httptest.Server

	mu     sync.Mutex
	life   time.Duration
	asked  []time.Time          // when token requests came
	issued map[string]time.Time // tokens, and when they end
	hold   chan struct{}        // if not nil, the next token request is not answered
	// refused counts calls without a token that is valid, late is by how much the
	// latest of the others was over.
	refused int
	late    time.Duration
}

// leeway is for how long an API goes on taking a token that is over: clocks
// differ, and calls are on their way for a while.
const leeway = 5 * time.Second

func newBank(t *testing.T, life time.Duration) *bank {
	t.Helper()
	b := &bank{life: life, issued: map[string]time.Time{}}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /token", b.token)
	mux.HandleFunc("GET /resource", b.resource)
	b.Server = httptest.NewServer(mux)
	t.Cleanup(func() { b.CloseClientConnections(); b.Close() })
	return b
}

func (b *bank) token(w http.ResponseWriter, r *http.Request) {
	if r.PostFormValue("client_secret") != "the-client-secret" {
		http.Error(w, `{"error": "invalid_client"}`, http.StatusUnauthorized)
		return
	}
	held, token, life := b.issue()
	if held != nil {
		close(held)
		<-r.Context().Done() // until whoever asked is gone
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = fmt.Fprintf(w, `{"access_token": %q, "token_type": "bearer", "expires_in": %d}`, token, int(life.Seconds()))
}

// issue notes a token request, and makes a token unless the request is to be held.
func (b *bank) issue() (held chan struct{}, token string, life time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.asked = append(b.asked, time.Now())
	if held, b.hold = b.hold, nil; held != nil {
		return held, "", 0
	}
	token = fmt.Sprintf("access-token-%d", len(b.asked))
	b.issued[token] = time.Now().Add(b.life)
	return nil, token, b.life
}

func (b *bank) resource(w http.ResponseWriter, r *http.Request) {
	b.mu.Lock()
	defer b.mu.Unlock()
	end, ok := b.issued[strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")]
	over := time.Since(end)
	if !ok || over > leeway {
		b.refused++
		http.Error(w, "no", http.StatusUnauthorized)
		return
	}
	b.late = max(b.late, over)
	w.WriteHeader(http.StatusNoContent)
}

// holdNext makes the next token request one that is never answered, and the
// tokens after it long-lived. The channel is closed when it has come.
func (b *bank) holdNext(life time.Duration) <-chan struct{} {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.life, b.hold = life, make(chan struct{})
	return b.hold
}

func (b *bank) given() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.issued)
}

// requests returns when token requests came.
func (b *bank) requests() []time.Time {
	b.mu.Lock()
	defer b.mu.Unlock()
	return append([]time.Time(nil), b.asked...)
}

// client is a configuration that calls the bank's API.
func (b *bank) client(name string) string {
	return fmt.Sprintf(`{"name": %q, "endpoint": "%s/resource", "method": "GET", "approval": "none", "auth": {"type": "oauth2ClientCredentials",
		"tokenUrl": "%[2]s/token", "parameters": [{"name": "grant_type", "value": "client_credentials"}, {"name": "client_id", "value": "callout"},
		{"name": "client_secret", "value": "the-client-secret"}]}}`, name, b.URL)
}
