package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"callout/handler/assembly"
	"callout/handler/callout"
	"callout/handler/egress"
	"callout/handler/execute"
	"callout/handler/history"
	"callout/handler/localstore"
	"callout/handler/store"
)

var callers = flag.Int("callers", 64, "how many call at a time")

// forgetful is a table that keeps nothing.
type forgetful struct{ writes atomic.Int64 }

func (*forgetful) Get(context.Context, string, string) (store.Row, error) {
	return store.Row{}, store.ErrNotFound
}
func (f *forgetful) Put(context.Context, store.Row) (string, error) {
	return fmt.Sprintf(`"%d"`, f.writes.Add(1)), nil
}
func (*forgetful) Delete(context.Context, string, string, string) error { return nil }
func (*forgetful) List(context.Context, store.Range) (store.Page, error) {
	return store.Page{}, nil
}

// BenchmarkExecute compares calls that are recorded in the embedded store with
// calls that are not, in turns, with an API that answers at once and with one that
// takes a while, for a method that changes something.
func BenchmarkExecute(b *testing.B) {
	for _, answers := range []time.Duration{0, 5 * time.Millisecond, 50 * time.Millisecond} {
		b.Run(fmt.Sprintf("API of %v", answers), func(b *testing.B) {
			recorded, unrecorded := newCaller(b, answers, true), newCaller(b, answers, false)
			var with, without time.Duration
			for b.Loop() {
				with += recorded.load(b)
				without += unrecorded.load(b)
			}
			b.ReportMetric(float64(without)/float64(with), "with/without")
			b.ReportMetric(float64(b.N**callers*callsEach)/with.Seconds(), "calls/s")
			b.ReportMetric(0, "ns/op")
		})
	}
}

// callsEach is how many calls each caller makes in a turn.
const callsEach = 20

type caller struct{ *execute.Executor }

func newCaller(b *testing.B, answers time.Duration, recorded bool) *caller {
	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		time.Sleep(answers)
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `{"id": 7, "name": "a contact of a customer"}`)
	}))
	b.Cleanup(api.Close)
	opened, err := localstore.Open(b.TempDir())
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = opened.Close() })
	client := egress.New(egress.Options{Policy: egress.Policy{Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}, PlainHTTP: true}})
	b.Cleanup(client.CloseIdleConnections)
	none := &forgetful{}
	all := assembly.New(assembly.Parts{Vault: opened.Vault(), Client: client, Log: slog.New(slog.DiscardHandler), ConfigTTL: time.Hour,
		Table: func(name string) history.Rows {
			if !recorded && (name == store.Executions || name == store.Index) {
				return none
			}
			return opened.Table(name)
		}})
	config := &callout.Config{}
	document := fmt.Sprintf(`{"name": "api", "endpoint": %q, "method": "POST", "approval": "none", "auth": {"type": "bearer", "token": "a-token-of-some-length"},
		"fields": [{"name": "note", "type": "string"}]}`, api.URL)
	if err := json.Unmarshal([]byte(document), config); err != nil {
		b.Fatal(err)
	}
	if _, err := all.Catalog.Create(b.Context(), config); err != nil {
		b.Fatal(err)
	}
	return &caller{all.Execute}
}

// load lets all callers make their calls, and returns how long that took.
func (c *caller) load(b *testing.B) time.Duration {
	start := time.Now()
	var everybody sync.WaitGroup
	for range *callers {
		everybody.Go(func() {
			for range callsEach {
				e, err := c.Do(b.Context(), execute.Call{Config: "api", Arguments: map[string]any{"note": "a note from a ticket"}, Context: map[string]string{"ticket": "T20261123.0042"}})
				if err != nil || e.Status != callout.Succeeded {
					b.Errorf("a call: %v, %v", e, err)
					return
				}
			}
		})
	}
	everybody.Wait()
	return time.Since(start)
}
