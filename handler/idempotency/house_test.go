package idempotency_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"callout/handler/callout"
	"callout/handler/idempotency"
	"callout/handler/localstore"
	"callout/handler/store"
	"callout/handler/storetest/azurite"
	"callout/handler/tablestore"
)

// house is the table of keys on a clock that tests move.
type house struct {
	testing.TB
	rows  idempotency.Rows
	hooks *hooks
	clock *clock
	ids   atomic.Int64
}

// everywhere runs a test on the embedded store and on Azurite.
func everywhere(t *testing.T, test func(*testing.T, *house)) {
	t.Helper()
	t.Run("embedded store", func(t *testing.T) { test(t, embedded(t)) })
	t.Run("Azurite", func(t *testing.T) {
		server := azurite.Shared(t)
		transport := server.Transport()
		t.Cleanup(transport.CloseIdleConnections)
		opened, err := tablestore.New(tablestore.Options{ConnectionString: server.ConnectionString(), Transport: clientOf(transport)})
		if err != nil {
			t.Fatal(err)
		}
		test(t, newHouse(t, opened.Table(azurite.TableName())))
	})
}

func embedded(t testing.TB) *house {
	t.Helper()
	opened, err := localstore.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = opened.Close() })
	return newHouse(t, opened.Table(store.Keys))
}

// noon is when the clock of the tests starts.
var noon = time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)

func newHouse(t testing.TB, rows idempotency.Rows) *house {
	h := &house{TB: t, hooks: &hooks{Rows: rows}, clock: &clock{}}
	h.rows = h.hooks
	h.clock.set(noon)
	return h
}

// instance returns the keys as a process that has just started sees them.
func (h *house) instance() *idempotency.Keys { return idempotency.New(h.rows, h.clock.now) }

// clock moves when a test says so.
type clock struct{ nanoseconds atomic.Int64 }

func (c *clock) now() time.Time       { return time.Unix(0, c.nanoseconds.Load()) }
func (c *clock) set(t time.Time)      { c.nanoseconds.Store(t.UnixNano()) }
func (c *clock) pass(d time.Duration) { c.nanoseconds.Add(int64(d)) }

// hooks is the real table, which can fail, and counts.
type hooks struct {
	idempotency.Rows
	// onPut decides what becomes of a write: what it does not call is not done.
	onPut func(row store.Row, do func() (string, error)) (string, error)
	onGet func() error

	mu    sync.Mutex
	calls []string
}

var errLost = fmt.Errorf("lost on the way: %w", store.ErrUnavailable)

func (h *hooks) count(call string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.calls = append(h.calls, call)
}

func (h *hooks) reset() (calls []string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	calls, h.calls = h.calls, nil
	return calls
}

func (h *hooks) Get(ctx context.Context, partition, key string) (store.Row, error) {
	h.count("read")
	if h.onGet != nil {
		if err := h.onGet(); err != nil {
			return store.Row{}, err
		}
	}
	return h.Rows.Get(ctx, partition, key)
}

func (h *hooks) Put(ctx context.Context, row store.Row) (string, error) {
	what := "insert"
	if row.ETag != "" {
		what = "replace"
	}
	if row.Partition == "days" {
		what += " a day"
	}
	h.count(what)
	do := func() (string, error) { return h.Rows.Put(ctx, row) }
	if h.onPut != nil && row.Partition != "days" {
		return h.onPut(row, do)
	}
	return do()
}

func (h *hooks) Delete(ctx context.Context, partition, key, etag string) error {
	h.count("remove")
	return h.Rows.Delete(ctx, partition, key, etag)
}

func (h *hooks) List(ctx context.Context, r store.Range) (store.Page, error) {
	h.count("list " + r.Partition)
	return h.Rows.List(ctx, r)
}

// digest is that of a call with the one argument.
func digest(t testing.TB, argument any) idempotency.Digest {
	t.Helper()
	d, err := idempotency.DigestOf(map[string]any{"a": argument})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// newID proposes another id in each call.
func (h *house) newID() string { return fmt.Sprintf("execution-%d", h.ids.Add(1)) }

// claim claims a key with the argument.
func (h *house) claim(at *idempotency.Keys, config, key string, argument any) string {
	h.Helper()
	id, err := at.Claim(h.Context(), config, key, digest(h, argument), h.newID())
	if err != nil || id == "" {
		h.Errorf("claiming %q: %q, %v", key, id, err)
	}
	return id
}

// refused checks with which code a claim is refused.
func (h *house) refused(at *idempotency.Keys, config, key string, argument any, code string) {
	h.Helper()
	id, err := at.Claim(h.Context(), config, key, digest(h, argument), h.newID())
	var refusal *callout.Error
	if !errors.As(err, &refusal) || refusal.Code != code || id != "" {
		h.Errorf("claiming %q gives %q, %v; want %s", key, id, err, code)
	}
}

// took checks what has been asked of the table since the last look.
func (h *house) took(want ...string) {
	h.Helper()
	if got := h.hooks.reset(); !slices.Equal(got, want) {
		h.Errorf("it took %q, want %q", got, want)
	}
}

// stored lists the rows of a partition, without being counted.
func (h *house) stored(partition string) []store.Row {
	h.Helper()
	var out []store.Row
	for after, more := "", true; more; {
		page, err := h.hooks.Rows.List(h.Context(), store.Range{Partition: partition, After: after, Top: store.MaxTop})
		if err != nil {
			h.Fatal(err)
		}
		for _, row := range page.Rows {
			after, out = row.Key, append(out, row)
		}
		more = page.More
	}
	return out
}

// dying is a table that cannot be reached after so many removals.
type dying struct {
	idempotency.Rows
	after int
}

func (d *dying) Delete(ctx context.Context, partition, key, etag string) error {
	if d.after--; d.after <= 0 {
		return errLost
	}
	return d.Rows.Delete(ctx, partition, key, etag)
}

// onDelete is a table on which something happens before the removal of a key.
type onDelete struct {
	idempotency.Rows
	do func()
}

func (o *onDelete) Delete(ctx context.Context, partition, key, etag string) error {
	if partition != "days" {
		o.do()
	}
	return o.Rows.Delete(ctx, partition, key, etag)
}
