package stores

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"callout/handler/callout"
	"callout/handler/catalog"
	"callout/handler/execute"
	"callout/handler/keyvault"
	"callout/handler/request"
	"callout/handler/secret"
	"callout/handler/storetest/fault"
)

const (
	workers   = 16
	load      = 1000 // operations
	patchOnly = 8    // configurations that are never replaced or deleted
	mixed     = 16
)

// TestModel lets two instances do a thousand operations at a time when much of
// what is sent to the stores goes wrong, and then compares what is there with
// what the callers were told.
func TestModel(t *testing.T) {
	for _, rate := range []float64{0.01, 0.10} {
		t.Run(fmt.Sprintf("%.0f%% of each fault", 100*rate), func(t *testing.T) {
			t.Parallel() // most of it is waiting between tries
			s := newStorm(t)
			s.prepare()
			begun := time.Now()
			s.break_(rate)
			s.rage()
			t.Logf("%d operations in %.1f s: %s", load, time.Since(begun).Seconds(), s.tally())
			t.Logf("faults at the tables, of %d requests: %v", len(s.tables.Requests()), s.tables.Faults())
			t.Logf("faults at the vault, of %d requests: %v", len(s.vault.Requests()), s.vault.Faults())
			s.tables.Use(nil)
			s.vault.Use(nil)

			s.wantAnswersDocumented()
			s.wantNoLostUpdate()
			s.wantAnswersExplained()
			s.wantCallsSentAndRecorded()
			cold := s.instance()
			found := s.wantStateExplained(cold)
			s.clock.pass(25 * time.Hour)
			if err := s.sweep(); err != nil {
				t.Fatalf("the sweep: %v", err)
			}
			s.wantVaultTidy(cold)
			for _, i := range []*instance{s.instance(), cold, s.instances[0], s.instances[1]} {
				s.wantFound(i, found)
			}
		})
	}
}

// Kinds of operations.
const (
	create  = "create"
	put     = "put"
	patch   = "patch"
	renew   = "patch of the token"
	remove  = "delete"
	calling = "call"
)

// op is an operation: what was asked for, and what the caller was told.
type op struct {
	kind, name string
	// mark is the operation's own. It stays in what the operation writes.
	mark       string
	by         *instance
	start, end int64 // ticks

	err       error
	saved     *callout.Config
	execution *callout.Execution
}

func (o *op) ok() bool      { return o.err == nil }
func (o *op) inDoubt() bool { return o.code() == callout.StorageUnavailable }
func (o *op) refused() bool { return !o.ok() && !o.inDoubt() }
func (o *op) writes() bool  { return o.kind != calling && o.kind != remove }

// code is that of the error, "" for none.
func (o *op) code() string {
	var e *callout.Error
	switch {
	case o.err == nil:
		return ""
	case errors.As(o.err, &e):
		return e.Code
	}
	return "(no code)"
}

// storm is the load, and what is known of it.
type storm struct {
	*world
	instances [2]*instance
	api       *httptest.Server
	straight  *keyvault.Vault // past the proxy
	ticks     atomic.Int64

	mu   sync.Mutex
	ops  []*op
	seen map[string]int // how often the upstream was called, by the call's mark
}

func newStorm(t *testing.T) *storm {
	s := &storm{world: newWorld(t), seen: map[string]int{}}
	s.api = httptest.NewServer(http.HandlerFunc(s.serveAPI))
	t.Cleanup(s.api.Close)
	s.instances = [2]*instance{s.instance(), s.instance()}
	var err error
	s.straight, err = keyvault.New(keyvault.Options{URL: s.server.URL(), Credential: tokens{s.server}, Transport: s.server.Client(), AnyDomain: true})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// echo is what the upstream saw of a configuration: one part from its row, and
// two from the vault.
type echo struct{ Marks, Token, First string }

func (s *storm) serveAPI(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	s.seen[r.URL.Query().Get("mark")]++
	s.mu.Unlock()
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(echo{Marks: r.Header.Get("X-Marks"),
		Token: backwards(r.Header.Get("Authorization")), First: backwards(r.Header.Get("X-First"))})
}

// describe gives a whole configuration. Its marks are in the row, and in the vault
// the newest one that brought a token and the one that the rest began with.
func (s *storm) describe(name, mark string) *callout.Config {
	method := "GET"
	if strings.HasSuffix(name, "1") {
		method = "POST"
	}
	c := &callout.Config{}
	text := fmt.Sprintf(`{"name": %q, "endpoint": %q, "method": %q, "approval": "none", "description": %q,
		"auth": {"type": "bearer", "token": %q},
		"headers": [{"name": "X-Marks", "value": %[4]q}, {"name": "X-First", "value": %[6]q, "secret": true}],
		"fields": [{"name": "mark", "type": "string", "in": "query", "description": "Who calls", "required": true}]}`,
		name, s.api.URL, method, mark, tokenOf(mark), firstOf(mark))
	if err := json.Unmarshal([]byte(text), c); err != nil {
		panic(err)
	}
	return c
}

func tokenOf(mark string) string { return "the-token-of-" + mark }
func firstOf(mark string) string { return "the-first-of-" + mark }

// prepare creates what is only patched, before anything goes wrong.
func (s *storm) prepare() {
	for i := range patchOnly {
		o := &op{kind: create, name: fmt.Sprintf("patched_%d_%d", i, i%2), mark: fmt.Sprintf("w-%d", i), by: s.instances[0]}
		if s.do(o); !o.ok() {
			s.t.Fatal(o.err)
		}
	}
}

// break_ lets each fault happen at the rate given, to the stores apart.
func (s *storm) break_(rate float64) {
	rates := fault.Rates{DropRequest: rate, DropReply: rate, Cut: rate, Throttle: rate, Busy: rate, Shorten: rate, Empty: rate, RetryAfter: time.Millisecond}
	s.tables.Reset()
	s.vault.Reset()
	s.tables.Use(fault.Random(1, rates))
	s.vault.Use(fault.Random(2, rates))
}

// rage does the operations.
func (s *storm) rage() {
	var next atomic.Int64
	var all sync.WaitGroup
	for range workers {
		all.Go(func() {
			for i := next.Add(1); i <= load; i = next.Add(1) {
				s.do(s.draw(i))
			}
		})
	}
	all.Wait()
}

// draw gives the i-th operation, the same in every run.
func (s *storm) draw(i int64) *op {
	dice := rand.New(rand.NewPCG(3, uint64(i)))
	o := &op{by: s.instances[dice.IntN(2)]}
	n := dice.IntN(patchOnly + mixed)
	kinds := []string{patch, patch, patch, renew, calling}
	o.name = fmt.Sprintf("patched_%d_%d", n, n%2)
	if n >= patchOnly {
		kinds = []string{create, create, put, put, patch, patch, renew, remove, calling, calling, calling}
		o.name = fmt.Sprintf("mixed_%d_%d", n, n%2)
	}
	o.kind = kinds[dice.IntN(len(kinds))]
	letter := map[string]string{create: "w", put: "w", patch: "p", renew: "t", remove: "d", calling: "c"}[o.kind]
	o.mark = fmt.Sprintf("%s%d", letter, i)
	return o
}

// do does an operation and keeps it.
func (s *storm) do(o *op) {
	ctx := s.t.Context()
	o.start = s.ticks.Add(1)
	switch o.kind {
	case create:
		o.saved, o.err = o.by.Catalog.Create(ctx, s.describe(o.name, o.mark))
	case put:
		o.saved, _, o.err = o.by.Catalog.Put(ctx, s.describe(o.name, o.mark), catalog.Condition{})
	case patch, renew:
		o.saved, o.err = o.by.Catalog.Patch(ctx, o.name, catalog.Condition{}, o.edit)
	case remove:
		o.err = o.by.Catalog.Delete(ctx, o.name, catalog.Condition{})
	case calling:
		o.execution, o.err = o.by.Do(ctx, execute.Call{Config: o.name, Arguments: request.Arguments{"mark": o.mark}})
	}
	o.end = s.ticks.Add(1)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ops = append(s.ops, o)
}

// edit adds the mark to those that are there.
func (o *op) edit(now *callout.Config) (*callout.Config, error) {
	next := *now
	next.Description += " " + o.mark
	next.Headers = slices.Clone(now.Headers)
	next.Headers[0].Value = next.Description
	if o.kind == renew {
		next.Auth.Token = secret.New(tokenOf(o.mark))
	}
	return &next, nil
}

// sweep takes away everything that is out of use.
func (s *storm) sweep() error {
	sweeper := s.instances[0].sweeper
	sweeper.Vault = s.straight // the links to the vault's next pages lead there
	for {
		report, err := sweeper.Run(s.t.Context())
		if err != nil || !report.More {
			return err
		}
	}
}

// tally counts what was answered.
func (s *storm) tally() string {
	counts := map[string]int{}
	for _, o := range s.ops {
		answer := "ok"
		switch {
		case !o.ok():
			answer = o.code()
		case o.execution != nil:
			answer = string(o.execution.Status)
		}
		counts[o.kind+": "+answer]++
	}
	var lines []string
	for what, n := range counts {
		lines = append(lines, fmt.Sprintf("%s %d", what, n))
	}
	slices.Sort(lines)
	return strings.Join(lines, ", ")
}
