package token_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"callout/handler/callout"
	"callout/handler/keyring"
	"callout/handler/localstore"
	"callout/handler/secret"
	"callout/handler/store"
	"callout/handler/storetest/azurite"
	"callout/handler/storetest/bridge"
	"callout/handler/tablestore"
	"callout/handler/token"
)

// world is what all instances share: a table, a vault, and a provider of tokens.
// Tests live in bubbles, where time moves when all wait, and the stores outside.
type world struct {
	t        *testing.T
	bridge   *bridge.Bridge
	provider *provider
	vault    *vault
	// fault says what happens to the next thing that is sent to the table.
	fault func() (loseRequest, loseReply bool)
	rows  func(i *instance) (token.Rows, func() time.Time)
	// table is that of the embedded store, without faults.
	table bridge.Rows
}

// everywhere runs a test on the embedded store and on Azurite.
func everywhere(t *testing.T, test func(*testing.T, *world)) {
	t.Helper()
	t.Run("embedded store", func(t *testing.T) { embedded(t, test) })
	t.Run("Azurite", func(t *testing.T) { onAzurite(t, test) })
}

// embedded runs a test on the embedded store.
func embedded(t *testing.T, test func(*testing.T, *world)) {
	t.Helper()
	w, local := newWorld(t)
	w.table = bridge.Rows{Bridge: w.bridge, Outside: local.Table(store.Tokens)}
	w.rows = func(i *instance) (token.Rows, func() time.Time) {
		return &lossy{Rows: w.table, instance: i}, time.Now
	}
	w.run(t, test)
}

// onAzurite runs a test on Azurite, by the real adapter.
func onAzurite(t *testing.T, test func(*testing.T, *world)) {
	t.Helper()
	w, _ := newWorld(t)
	connection, name := azurite.Shared(t).ConnectionString(), azurite.TableName()
	outside := azurite.Shared(t).Transport()
	t.Cleanup(outside.CloseIdleConnections)
	w.rows = func(i *instance) (token.Rows, func() time.Time) {
		s, err := tablestore.New(tablestore.Options{ConnectionString: connection,
			Transport: &http.Client{Transport: &bridge.Transport{Bridge: w.bridge, Outside: outside, Fault: i.fault}},
			Now:       func() time.Time { return time.Now().Add(i.skew) }})
		if err != nil {
			w.t.Fatal(err)
		}
		return s.Table(name), s.Now
	}
	w.run(t, test)
}

func newWorld(t *testing.T) (*world, *localstore.Store) {
	t.Helper()
	local, err := localstore.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = local.Close() })
	w := &world{bridge: bridge.New(t)}
	w.vault = &vault{bridge: w.bridge, outside: local.Vault(), context: t.Context()}
	return w, local
}

func (w *world) run(t *testing.T, test func(*testing.T, *world)) {
	synctest.Test(t, func(t *testing.T) {
		w.t = t
		w.provider = &provider{life: 10 * time.Minute, latency: 300 * time.Millisecond, valid: map[string]time.Time{}}
		w.fault = func() (bool, bool) { return false, false }
		test(t, w)
	})
}

// instance is one process of Callout.
type instance struct {
	*token.Cache
	world *world
	skew  time.Duration
	// cut is set when nothing reaches the table any more.
	cut atomic.Bool
	// hang is set when writes get no answer.
	hang atomic.Bool
}

// instance returns a cold instance.
func (w *world) instance() *instance { return w.start(&instance{}, w.provider) }

// instanceOf returns a cold instance with a provider of its own.
func (w *world) instanceOf(provider http.RoundTripper) *instance {
	return w.start(&instance{}, provider)
}

// skewed returns a cold instance whose clock is off.
func (w *world) skewed(skew time.Duration) *instance {
	return w.start(&instance{skew: skew}, w.provider)
}

func (w *world) start(i *instance, provider http.RoundTripper) *instance {
	i.world = w
	rows, now := w.rows(i)
	i.Cache = token.New(token.Options{Rows: rows, Keys: w.keys(rows, now), Place: "a table", Transport: provider, Now: now,
		Log: w.log()})
	return i
}

// keys returns the keyring of a cold instance.
func (w *world) keys(rows token.Rows, now func() time.Time) *keyring.Keyring {
	return keyring.New(keyring.Options{Rows: rows, Vault: w.vault, Now: now})
}

func (w *world) log() *slog.Logger { return slog.New(slog.DiscardHandler) }

func (w *world) instances(n int) []*instance {
	out := make([]*instance, n)
	for i := range out {
		out[i] = w.instance()
	}
	return out
}

func (i *instance) fault(*http.Request) (loseRequest, loseReply bool) {
	if i.cut.Load() {
		return true, false
	}
	return i.world.fault()
}

// lossy is a table that some requests and replies get lost on the way to.
type lossy struct {
	bridge.Rows
	instance *instance
}

var errLost = fmt.Errorf("lost on the way: %w", store.ErrUnavailable)

func (l *lossy) Get(ctx context.Context, partition, key string) (row store.Row, err error) {
	err = l.send(func() error { row, err = l.Rows.Get(ctx, partition, key); return err })
	return row, err
}

func (l *lossy) Put(ctx context.Context, row store.Row) (etag string, err error) {
	if l.instance.hang.Load() {
		<-ctx.Done()
		return "", errLost
	}
	err = l.send(func() error { etag, err = l.Rows.Put(ctx, row); return err })
	return etag, err
}

func (l *lossy) send(do func() error) error {
	loseRequest, loseReply := l.instance.fault(nil)
	if loseRequest {
		return errLost
	}
	if err := do(); !loseReply {
		return err
	}
	return errLost
}

// vault is the embedded one, from within a bubble.
type vault struct {
	bridge  *bridge.Bridge
	outside *localstore.Vault
	context context.Context // of the outside
	down    atomic.Bool
	sets    atomic.Int64
}

func (v *vault) Get(_ context.Context, name, version string) (value secret.Secret, err error) {
	if v.down.Load() {
		return value, errLost
	}
	time.Sleep(20 * time.Millisecond)
	v.bridge.Do(func() { value, err = v.outside.Get(v.context, name, version) })
	return value, err
}

func (v *vault) Set(_ context.Context, name string, value secret.Secret) (version string, err error) {
	v.sets.Add(1)
	time.Sleep(50 * time.Millisecond)
	v.bridge.Do(func() { version, err = v.outside.Set(v.context, name, value) })
	return version, err
}

func (v *vault) Versions(_ context.Context, name string) (versions []store.Version, err error) {
	v.bridge.Do(func() { versions, err = v.outside.Versions(v.context, name) })
	return versions, err
}

// provider gives out tokens and knows which of them are valid.
type provider struct {
	life, latency time.Duration

	mu       sync.Mutex
	requests []time.Time
	valid    map[string]time.Time
	// refuse, if any, answers in place of a token.
	refuse func() (status int, header http.Header, body string)
}

// RoundTrip implements http.RoundTripper.
func (p *provider) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.Body != nil {
		_, _ = io.Copy(io.Discard, req.Body)
		_ = req.Body.Close()
	}
	select {
	case <-time.After(p.latency):
	case <-req.Context().Done():
		return nil, req.Context().Err()
	}
	status, header, body := p.answer()
	return &http.Response{StatusCode: status, Header: header, Body: io.NopCloser(strings.NewReader(body)), Request: req,
		ContentLength: int64(len(body)), Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1}, nil
}

func (p *provider) answer() (int, http.Header, string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.requests = append(p.requests, time.Now())
	if p.refuse != nil {
		return p.refuse()
	}
	name := fmt.Sprintf("canary-token-%d", len(p.requests))
	p.valid[name] = time.Now().Add(p.life)
	return 200, http.Header{"Content-Type": {"application/json"}},
		fmt.Sprintf(`{"access_token": %q, "token_type": "Bearer", "expires_in": %d}`, name, int(p.life.Seconds()))
}

// refuses makes the provider answer so, until gives is called.
func (p *provider) refuses(status int, body string, header ...string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	h := http.Header{"Content-Type": {"application/json"}}
	for i := 0; i < len(header); i += 2 {
		h.Set(header[i], header[i+1])
	}
	p.refuse = func() (int, http.Header, string) { return status, h, body }
}

func (p *provider) gives() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.refuse = nil
}

// accepts reports whether the token is valid now.
func (p *provider) accepts(t token.Token) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return time.Now().Before(p.valid[t.Value.Reveal()])
}

// revokeAll makes all tokens invalid that were given out.
func (p *provider) revokeAll() {
	p.mu.Lock()
	defer p.mu.Unlock()
	clear(p.valid)
}

// times returns when tokens were asked for.
func (p *provider) times() []time.Time {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]time.Time(nil), p.requests...)
}

func (p *provider) wantRequests(t *testing.T, want int) {
	t.Helper()
	if got := len(p.times()); got != want {
		t.Errorf("%d token requests were made, want %d", got, want)
	}
}

// client is a token request with the secret.
func client(secretValue string) *callout.OAuth {
	return &callout.OAuth{TokenURL: "https://auth.example.com/token", Parameters: []callout.Parameter{
		{Name: "client_id", Value: "callout"}, {Name: "client_secret", Secret: true, Hidden: secret.New(secretValue)},
	}}
}

// get returns a token that the provider accepts.
func (i *instance) get(t *testing.T, c *callout.OAuth) token.Token {
	t.Helper()
	got, err := i.Get(t.Context(), c, token.Ask{})
	if err != nil {
		t.Errorf("Get: %v", err)
	} else if !i.world.provider.accepts(got) {
		t.Errorf("a token was given that is not valid any more: it ends in %v", time.Until(got.Expires))
	}
	return got
}

// wantReason checks why there is no token.
func wantReason(t *testing.T, err error, want token.Reason) *token.Error {
	t.Helper()
	var failure *token.Error
	if !errors.As(err, &failure) || failure.Reason != want {
		t.Fatalf("the error is %v, want %s", err, want)
	}
	return failure
}
