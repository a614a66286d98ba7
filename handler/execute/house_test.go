package execute_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"callout/handler/assembly"
	"callout/handler/callout"
	"callout/handler/catalog"
	"callout/handler/egress"
	"callout/handler/execute"
	"callout/handler/history"
	"callout/handler/localstore"
	"callout/handler/request"
	"callout/handler/schema"
	"callout/handler/secret"
	"callout/handler/store"
	"callout/handler/sweep"
)

// house is an Executor over a real store, which calls a real API on loopback.
type house struct {
	*execute.Executor
	t          *testing.T
	api        *upstream
	names      names
	roots      *authority
	store      *localstore.Store
	configs    *table
	executions *table
	vault      *vault
	sweeper    *sweep.Sweeper
	clock      *clock
	log        *journal
}

// begin is when the clock of the tests starts.
var begin = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

func newHouse(t *testing.T, answer func(*upstream, http.ResponseWriter, *http.Request)) *house {
	t.Helper()
	opened, err := localstore.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = opened.Close() })
	h := &house{t: t, store: opened, roots: newAuthority(t), clock: &clock{}, log: &journal{}}
	h.clock.pass(begin.Sub(time.Unix(0, 0)))
	h.api = newUpstream(t, h.roots.issue(t, apiHost, time.Hour), answer)
	h.names = names{apiHost: addresses("127.0.0.1")}
	h.start()
	t.Cleanup(h.wantNoCanary)
	return h
}

// start wires an Executor that has nothing in memory.
func (h *house) start() {
	h.configs = &table{Table: h.store.Table(store.Configs)}
	h.executions = &table{Table: h.store.Table(store.Executions)}
	h.vault = &vault{Vault: h.store.Vault()}
	client := egress.New(egress.Options{RootCAs: h.roots.pool(), Resolver: h.names,
		Policy: egress.Policy{Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}}})
	h.t.Cleanup(client.CloseIdleConnections)
	hooked := map[string]history.Rows{store.Configs: h.configs, store.Executions: h.executions}
	all := assembly.New(assembly.Parts{Vault: h.vault, Client: client, Now: h.clock.now, ConfigTTL: time.Hour, ApprovalTime: day,
		CallbackURLs: []string{h.api.origin() + "/results"},
		Log:          slog.New(slog.NewJSONHandler(h.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
		Table: func(name string) history.Rows {
			if rows := hooked[name]; rows != nil {
				return rows
			}
			return h.store.Table(name)
		}})
	h.Executor, h.sweeper = all.Execute, all.Sweep
	h.t.Cleanup(h.Settle)
}

const day = 24 * time.Hour

// clock moves when a test says so.
type clock struct{ nanoseconds atomic.Int64 }

func (c *clock) now() time.Time       { return time.Unix(0, c.nanoseconds.Load()) }
func (c *clock) pass(d time.Duration) { c.nanoseconds.Add(int64(d)) }

// journal is what was logged.
type journal struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (j *journal) Write(p []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.Write(p)
}

func (j *journal) String() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.String()
}

// quiet is for servers whose complaints a test causes on purpose.
func quiet() *log.Logger { return log.New(io.Discard, "", 0) }

// names is a Resolver that knows these names.
type names map[string][]netip.Addr

func (n names) LookupNetIP(_ context.Context, _, host string) ([]netip.Addr, error) {
	if addrs, ok := n[host]; ok {
		return addrs, nil
	}
	return nil, &net.DNSError{Err: "no such host", Name: host, IsNotFound: true}
}

func addresses(list ...string) []netip.Addr {
	var out []netip.Addr
	for _, text := range list {
		out = append(out, netip.MustParseAddr(text))
	}
	return out
}

// table is the real table, of which a test can make writes fail.
type table struct {
	*localstore.Table
	beforePut func() error

	mu        sync.Mutex
	failing   bool
	countdown int  // writes until one fails
	committed bool // it is done all the same
}

func (t *table) Put(ctx context.Context, row store.Row) (string, error) {
	if t.beforePut != nil {
		if err := t.beforePut(); err != nil {
			return "", err
		}
	}
	fail, done := t.fails()
	if fail && !done {
		return "", store.ErrUnavailable
	}
	etag, err := t.Table.Put(ctx, row)
	if fail {
		return "", store.ErrUnavailable
	}
	return etag, err
}

func down() error { return store.ErrUnavailable }

// after lets n writes through and makes the others fail.
func after(n int) func() error {
	var count atomic.Int64
	return func() error {
		if count.Add(1) > int64(n) {
			return store.ErrUnavailable
		}
		return nil
	}
}

// vault is the real vault, which a test can make fail.
type vault struct {
	*localstore.Vault
	down bool
}

func (v *vault) Get(ctx context.Context, name, version string) (secret.Secret, error) {
	if v.down {
		return secret.Secret{}, store.ErrUnavailable
	}
	return v.Vault.Get(ctx, name, version)
}

// document is a configuration of the test's API with further members. Without a
// method among them it is a GET.
func (h *house) document(members string) string {
	out := map[string]any{"name": "api", "method": "GET", "endpoint": h.api.origin() + "/v1/items", "approval": "none"}
	if err := json.Unmarshal([]byte("{"+members+"}"), &out); err != nil {
		h.t.Fatalf("%s: %v", members, err)
	}
	data, err := json.Marshal(out)
	if err != nil {
		h.t.Fatal(err)
	}
	return string(data)
}

func (h *house) decode(document string) *callout.Config {
	h.t.Helper()
	config := &callout.Config{}
	if err := json.Unmarshal([]byte(document), config); err != nil {
		h.t.Fatal(err)
	}
	return config
}

// configure stores the configuration api.
func (h *house) configure(members string) *callout.Config {
	h.t.Helper()
	saved, _, err := h.Catalog.Put(h.t.Context(), h.decode(h.document(members)), catalog.Condition{})
	if err != nil {
		h.t.Fatalf("Put: %v", err)
	}
	return saved
}

func (h *house) arguments(text string) request.Arguments {
	h.t.Helper()
	v, err := schema.Parse([]byte(text))
	if err != nil {
		h.t.Fatal(err)
	}
	return v.(map[string]any)
}

func (h *house) try(arguments string) (*callout.Execution, error) {
	return h.Do(h.t.Context(), execute.Call{Config: "api", Arguments: h.arguments(arguments)})
}

func (h *house) call(arguments string) *callout.Execution {
	h.t.Helper()
	e, err := h.try(arguments)
	if err != nil {
		h.t.Fatalf("Do: %v", err)
	}
	return e
}

// read reads one execution as it is on record.
func (h *house) read(id string) *callout.Execution {
	h.t.Helper()
	e, err := h.History.Get(h.t.Context(), id)
	if err != nil {
		h.t.Fatalf("Get: %v", err)
	}
	return e
}

// history lists what is on record, newest first.
func (h *house) history() []*callout.Execution {
	h.t.Helper()
	page, err := h.History.List(context.Background(), history.Query{})
	if err != nil {
		h.t.Fatalf("List: %v", err)
	}
	return page.Executions
}

// wantRecord checks that the history holds what was answered.
func (h *house) wantRecord(e *callout.Execution) {
	h.t.Helper()
	recorded, err := h.History.Get(h.t.Context(), e.ID)
	if err != nil {
		h.t.Errorf("the record: %v", err)
		return
	}
	if got, want := encode(h.t, recorded), encode(h.t, e); got != want {
		h.t.Errorf("recorded is\n%s\nanswered was\n%s", got, want)
	}
}

// wantNoCanary looks for secrets, all of which have canary in them, wherever
// something was left.
func (h *house) wantNoCanary() {
	wantClean(h.t, "the log", h.log.String())
	for _, e := range h.history() {
		wantClean(h.t, "the history", encode(h.t, e))
	}
	page, err := h.store.Table(store.Configs).List(context.Background(), store.Range{Partition: "test", Top: 10})
	if err != nil {
		h.t.Error(err)
	}
	for _, row := range page.Rows {
		wantClean(h.t, "the newest test", string(row.Data))
	}
}

func wantClean(t *testing.T, what, text string) {
	t.Helper()
	if strings.Contains(text, "canary") {
		t.Errorf("%s holds a secret: %s", what, text)
	}
}

func wantCode(t *testing.T, err error, code string) *callout.Error {
	t.Helper()
	var refusal *callout.Error
	if !errors.As(err, &refusal) || refusal.Code != code {
		t.Fatalf("got %v, want %s", err, code)
	}
	return refusal
}

func wantSeen(t *testing.T, u *upstream, n int) {
	t.Helper()
	if got := u.requests(); len(got) != n {
		t.Errorf("the API saw %d requests, want %d: %v", len(got), n, got)
	}
}

// wantEnd checks how an execution ended; code is empty for none.
func wantEnd(t *testing.T, e *callout.Execution, status callout.Status, code callout.Code) {
	t.Helper()
	var got callout.Code
	if e.Error != nil {
		got = e.Error.Code
	}
	if e.Status != status || got != code {
		t.Errorf("it is %s %s, want %s %s", e.Status, got, status, code)
	}
	if e.Error != nil && (!strings.Contains(e.Error.Message, callout.Advice(code)) || !strings.HasSuffix(e.Error.Message, ".")) {
		t.Errorf("it does not say what to do next: %q", e.Error.Message)
	}
}

func encode(t *testing.T, v any) string {
	t.Helper()
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		t.Fatal(fmt.Errorf("what is answered cannot be encoded: %w", err))
	}
	return strings.TrimSpace(b.String())
}
