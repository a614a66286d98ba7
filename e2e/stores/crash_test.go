package stores

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"callout/handler/callout"
	"callout/handler/catalog"
	"callout/handler/execute"
	"callout/handler/storetest/azurite"
	"callout/handler/storetest/fault"
	"callout/handler/sweep"
)

// operation is a change that a crash interrupts. A document stands for the
// state that it describes, "" for none.
type operation struct {
	name          string
	before, after string
	put           string // the document that is sent; "" deletes
	first         bool   // there are no tables yet
}

// Documents of one configuration. What kept sends leaves the stored key out.
const (
	whole   = `{"description": "whole", "auth": {"type": "bearer", "token": "token-of-whole"}, "headers": [{"name": "X-Key", "value": "key-of-whole"}]}`
	other   = `{"description": "other", "auth": {"type": "bearer", "token": "token-of-other"}, "headers": [{"name": "X-Key", "value": "key-of-other"}]}`
	keeping = `{"description": "kept", "auth": {"type": "bearer", "token": "token-of-kept"}, "headers": [{"name": "X-Key"}]}`
	kept    = `{"description": "kept", "auth": {"type": "bearer", "token": "token-of-kept"}, "headers": [{"name": "X-Key", "value": "key-of-whole"}]}`
	wording = `{"description": "wording", "auth": {"type": "bearer"}, "headers": [{"name": "X-Key"}]}`
	worded  = `{"description": "wording", "auth": {"type": "bearer", "token": "token-of-whole"}, "headers": [{"name": "X-Key", "value": "key-of-whole"}]}`
	bare    = `{"description": "bare", "auth": {"type": "none"}}`
)

var interrupted = []operation{
	{name: "create the first", put: whole, after: whole, first: true},
	{name: "create", put: whole, after: whole},
	{name: "create without secrets", put: bare, after: bare},
	{name: "change all secrets", before: whole, put: other, after: other},
	{name: "change one secret, keep one", before: whole, put: keeping, after: kept},
	{name: "change no secret", before: whole, put: wording, after: worded},
	{name: "take the secrets away", before: whole, put: bare, after: bare},
	{name: "give the first secrets", before: bare, put: whole, after: whole},
	{name: "delete", before: whole},
	{name: "delete without secrets", before: bare},
}

// TestACrashBetweenAnyTwoSteps stops an operation after each of its requests to
// the stores, or loses the answer to that request and then stops it.
func TestACrashBetweenAnyTwoSteps(t *testing.T) {
	for _, op := range interrupted {
		t.Run(op.name, func(t *testing.T) {
			t.Parallel()
			steps := 0
			t.Run("not at all", func(t *testing.T) {
				w := op.begin(t)
				sent, err := op.crash(w, crash{after: math.MaxInt})
				if steps = sent; err != nil {
					t.Fatal(err)
				}
				w.wantState(w.instance(), op.after)
			})
			t.Logf("%d steps", steps)
			for _, c := range crashes(steps) {
				t.Run(c.String(), func(t *testing.T) {
					t.Parallel()
					for _, useFirst := range []bool{false, true} {
						op.check(t, c, useFirst)
					}
				})
			}
		})
	}
}

// crash ends a process when it sends its request after that many.
type crash struct {
	after int
	lost  bool // the answer to the last one is lost
}

func crashes(steps int) []crash {
	out := []crash{{after: 0}}
	for k := 1; k <= steps; k++ {
		out = append(out, crash{after: k, lost: true})
		if k < steps {
			out = append(out, crash{after: k})
		}
	}
	return out
}

func (c crash) String() string {
	if c.lost {
		return fmt.Sprintf("after step %d, its answer lost", c.after)
	}
	return fmt.Sprintf("after step %d", c.after)
}

// begin makes the state before, beside a configuration that nothing is done to.
func (op operation) begin(t *testing.T) *world {
	w := newWorld(t)
	i := w.instance()
	if !op.first {
		w.create(i, "beside", "GET", "token-of-beside")
	}
	if op.before != "" {
		saved := w.put(i, op.before)
		if err := i.Catalog.SaveTest(t.Context(), saved, callout.LastTest{At: time.Now(), OK: true, Summary: "ok"}); err != nil {
			t.Fatal(err)
		}
	}
	return w
}

// crash does the operation in a process that has proxies of its own, so that
// what it may still send when it is given up never arrives. It returns how many
// requests were sent to the stores, and what the caller was told.
func (op operation) crash(w *world, c crash) (sent int, err error) {
	doomed := &world{t: w.t, names: w.names, noTokens: w.noTokens, server: w.server,
		tables: fault.Start(w.t, azurite.Shared(w.t).URL(), fault.Options{}),
		vault:  fault.Start(w.t, w.server.URL(), fault.Options{TLS: true, Backend: w.server.Client().Transport}),
	}
	ctx, cancel := context.WithCancel(w.t.Context())
	defer cancel()
	var arrived atomic.Int64
	rule := func(fault.Request) fault.Fault {
		switch n := int(arrived.Add(1)); {
		case n > c.after:
			cancel()
			return fault.DropRequest()
		case n == c.after && c.lost:
			return fault.DropReply()
		}
		return fault.Pass()
	}
	doomed.tables.Use(rule)
	doomed.vault.Use(rule)
	i := doomed.instance()
	if op.put == "" {
		err = i.Catalog.Delete(ctx, "api", catalog.Condition{})
	} else {
		_, _, err = i.Catalog.Put(ctx, w.document(op.put), catalog.Condition{})
	}
	return int(arrived.Load()), err
}

// check looks at what a crash leaves, with processes that have nothing in
// memory: before it is swept, or after it has been used further.
func (op operation) check(t *testing.T, c crash, useFirst bool) {
	t.Helper()
	w := op.begin(t)
	_, err := op.crash(w, c)
	i := w.instance()
	state := w.wantState(i, op.before, op.after)
	if err == nil && state != op.after {
		t.Errorf("the change was acknowledged, and is not there: %s", state)
	}
	if c.after == 0 && state != op.before {
		t.Errorf("nothing was sent, and the state is %s", state)
	}
	if useFirst {
		state = w.wantUsable(i)
	}
	i = w.wantSwept(state)
	if !op.first {
		w.call(i, "beside", "token-of-beside")
	}
	if !useFirst {
		w.wantSwept(w.wantUsable(i))
	}
}

// document decodes a document of the configuration api.
func (w *world) document(text string) *callout.Config {
	w.t.Helper()
	c := &callout.Config{}
	head := fmt.Sprintf(`{"name": "api", "endpoint": %q, "method": "GET", "approval": "none", `, w.upstream.URL)
	if err := json.Unmarshal([]byte(head+strings.TrimPrefix(text, "{")), c); err != nil {
		w.t.Fatal(err)
	}
	return c
}

func (w *world) put(i *instance, text string) *callout.Config {
	w.t.Helper()
	saved, _, err := i.Catalog.Put(w.t.Context(), w.document(text), catalog.Condition{})
	if err != nil {
		w.t.Fatal(err)
	}
	return saved
}

// wantState checks that an instance finds one of the states as a whole, calls
// with the token that belongs to it and no other, and returns which.
func (w *world) wantState(i *instance, states ...string) string {
	w.t.Helper()
	found, err := i.Catalog.Get(w.t.Context(), "api")
	if isCode(err, callout.ConfigNotFound) {
		if !slices.Contains(states, "") {
			w.t.Fatalf("the configuration is gone")
		}
		w.wantAbsent(i)
		return ""
	}
	if err != nil {
		w.t.Fatal(err)
	}
	bundle, err := i.Catalog.Secrets(w.t.Context(), found)
	if err != nil {
		w.t.Fatal(err)
	}
	for _, state := range states {
		if state == "" {
			continue
		}
		want := w.document(state)
		if found.Description != want.Description {
			continue
		}
		if got, want := bundle.Encode().Reveal(), want.Given().Encode().Reveal(); got != want {
			w.t.Errorf("%s: its secrets are %s, want %s", found.Description, got, want)
		}
		w.wantToken(i, want.Auth.Token.Reveal())
		return state
	}
	w.t.Fatalf("the configuration is %q, want one of %q", found.Description, states)
	return ""
}

func (w *world) wantAbsent(i *instance) {
	w.t.Helper()
	if _, err := i.Do(w.t.Context(), execute.Call{Config: "api"}); !isCode(err, callout.ConfigNotFound) {
		w.t.Errorf("a call of what is not there: %v", err)
	}
	configs, _, err := i.Catalog.List(w.t.Context(), "", 1000)
	if err != nil || slices.ContainsFunc(configs, func(c *callout.Config) bool { return c.Name == "api" }) {
		w.t.Errorf("what is not there is listed, or %v", err)
	}
}

func (w *world) wantToken(i *instance, token string) {
	w.t.Helper()
	if token != "" {
		w.call(i, "api", token)
		return
	}
	e, err := i.Do(w.t.Context(), execute.Call{Config: "api"})
	if err != nil || e.Response == nil || string(e.Response.Body) != `{"who":""}` {
		w.t.Errorf("a call without a credential: %+v, %v", e, err)
	}
}

// wantUsable changes, deletes and makes the configuration again, and returns the
// state that it is in then.
func (w *world) wantUsable(i *instance) (state string) {
	w.t.Helper()
	for _, state = range []string{other, "", bare, kept} {
		if state != "" {
			w.put(i, state)
		} else if err := i.Catalog.Delete(w.t.Context(), "api", catalog.Condition{}); err != nil {
			w.t.Fatal(err)
		}
		w.wantState(i, state)
	}
	return state
}

// wantSwept lets a day pass and checks that the sweep of another process leaves
// in the vault what rows name and nothing else, and a second one nothing to do.
func (w *world) wantSwept(state string) *instance {
	w.t.Helper()
	w.clock.pass(25 * time.Hour)
	i := w.instance()
	if _, err := i.sweeper.Run(w.t.Context()); err != nil {
		w.t.Fatal(err)
	}
	w.wantOnlyNamed(i)
	w.wantState(i, state)
	if report, err := i.sweeper.Run(w.t.Context()); err != nil || report != (sweep.Report{}) {
		w.t.Errorf("a second sweep: %+v, %v", report, err)
	}
	return i
}

// wantOnlyNamed compares what the vault gives out with what rows name.
func (w *world) wantOnlyNamed(i *instance) {
	w.t.Helper()
	configs, _, err := i.Catalog.List(w.t.Context(), "", 1000)
	if err != nil {
		w.t.Fatal(err)
	}
	named, ids := map[string][]string{}, map[string]bool{}
	for _, c := range configs {
		ids[catalog.VaultName(c.ID)] = true
		if c.SecretVersion != "" {
			named[catalog.VaultName(c.ID)] = []string{c.SecretVersion}
		}
	}
	names, err := i.vault.Names(w.t.Context())
	if err != nil {
		w.t.Fatal(err)
	}
	enabled := map[string][]string{}
	for _, name := range names {
		if !ids[name] {
			w.t.Errorf("the vault holds a secret of no configuration")
		}
		versions, err := i.vault.Versions(w.t.Context(), name)
		if err != nil {
			w.t.Fatal(err)
		}
		for _, v := range versions {
			if v.Enabled {
				enabled[name] = append(enabled[name], v.ID)
			}
		}
	}
	if !maps.EqualFunc(enabled, named, slices.Equal) {
		w.t.Errorf("the vault gives out %v, and rows name %v", enabled, named)
	}
}

func isCode(err error, code string) bool {
	var e *callout.Error
	return errors.As(err, &e) && e.Code == code
}
