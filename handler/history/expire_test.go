package history_test

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"callout/handler/callout"
	"callout/handler/store"
)

// newAgedHouse is a house a month after the beginning.
func newAgedHouse(t *testing.T) *house {
	t.Helper()
	h := newHouse(t)
	h.now = begin.Add(30 * 24 * time.Hour)
	return h
}

// takes is how long after its beginning a call has ended (its deadline).
const takes = 45 * time.Second

// expire removes what is older than a time, in one run.
func (h *house) expire(before time.Time, budget int) (removed int) {
	h.t.Helper()
	removed, err := h.Expire(h.t.Context(), before, budget)
	if err != nil {
		h.t.Fatalf("Expire: %v", err)
	}
	return removed
}

// wantLeft checks which executions there are, by all ways to find them, and that
// nothing points to others.
func (h *house) wantLeft(want []string) {
	h.t.Helper()
	for way, q := range ways {
		if got := h.visit(q, nil); !slices.Equal(got, want) {
			h.t.Errorf("%s: %d are left, want %d", way, len(got), len(want))
		}
	}
	for _, partition := range []string{"c:01CONFIG", byTicket("T20261123.0042")} {
		if got := h.pointers(partition); !slices.Equal(got, want) {
			h.t.Errorf("%s points to %d, want %d", partition, len(got), len(want))
		}
	}
}

func TestExpire(t *testing.T) {
	h := newAgedHouse(t)
	ids := h.fill(50)
	if n := h.expire(begin.Add(takes), 1000); n != 0 {
		t.Errorf("%d were removed that are not older", n)
	}
	if n := h.expire(begin.Add(takes+20*time.Millisecond), 1000); n != 20 {
		t.Errorf("%d of 20 were removed", n)
	}
	h.wantLeft(ids[:30])
	if n := h.expire(begin.Add(takes+20*time.Millisecond), 1000); n != 0 {
		t.Errorf("%d were removed by the second run", n)
	}
	for _, id := range ids[30:] {
		_, err := h.Get(t.Context(), id)
		wantCode(t, err, callout.ExecutionNotFound)
	}
	if n := h.expire(begin.Add(time.Hour), 1000); n != 30 {
		t.Errorf("%d of 30 were removed", n)
	}
	h.wantLeft([]string{})
}

// What is not over stays, however old, with what points to it.
func TestExpireLeavesWhatIsNotOver(t *testing.T) {
	const done, silent = takes + 26*time.Hour + 1, 24*time.Hour + 26*time.Hour + 1 // 26 hours after the end
	for _, c := range []struct {
		status callout.Status
		gone   []time.Duration // how long after the beginning it may go
		stays  []time.Duration
	}{
		{callout.Succeeded, []time.Duration{done}, []time.Duration{0, done - 1}},
		{callout.Failed, []time.Duration{done}, []time.Duration{0, done - 1}},
		{callout.Denied, []time.Duration{done}, []time.Duration{0, done - 1}},
		{callout.Expired, []time.Duration{silent}, []time.Duration{0, done, silent - 1}},
		{callout.Unknown, []time.Duration{done}, []time.Duration{0, done - 1}},
		{callout.Sending, []time.Duration{done}, []time.Duration{0, takes, done - 1}},
		{callout.PendingApproval, []time.Duration{silent}, []time.Duration{0, 24 * time.Hour, done, silent - 1}},
		{callout.Approved, nil, []time.Duration{0, done, silent, 1000 * time.Hour}},
	} {
		for _, after := range slices.Concat(c.stays, c.gone) {
			h := newHouse(t)
			e := waiting(begin)
			e.Status, e.Deadline = c.status, begin.Add(takes)
			h.begins(e)
			h.now = begin.Add(after)
			want := 0
			if slices.Contains(c.gone, after) {
				want = 1
			}
			if n := h.expire(h.now, 10); n != want {
				t.Errorf("%s, after %v: %d were removed, want %d", c.status, after, n, want)
			}
			left := h.pointers("c:01CONFIG")
			if pending := h.pointers("pending"); want == 1 && len(pending) > 0 || len(left) != 1-want {
				t.Errorf("%s, after %v: %v points to it, and of what waits %v", c.status, after, left, pending)
			}
		}
	}
}

// One that waits does not keep others from going, and is not touched by them.
func TestExpireGoesPastWhatStays(t *testing.T) {
	h := newAgedHouse(t)
	var stay []string
	for i := range 30 {
		e := call(begin.Add(time.Duration(i) * time.Second))
		if i%3 == 0 {
			e = waiting(begin.Add(time.Duration(i) * time.Second))
			e.Status = callout.Approved
			stay = append([]string{e.ID}, stay...)
		}
		h.begins(e)
	}
	h.executions.longest = 2 // several pages
	removed := 0
	for range 10 {
		removed += h.expire(begin.Add(time.Hour), 3)
	}
	if removed != 20 {
		t.Errorf("%d of 20 were removed", removed)
	}
	for _, partition := range []string{"pending", "c:01CONFIG"} {
		if got := h.pointers(partition); !slices.Equal(got, stay) {
			t.Errorf("%s points to %d, want %d", partition, len(got), len(stay))
		}
	}
}

// A run removes as many as it may and no more. They are the oldest of their
// partitions, however many pages of them there are.
func TestExpireWithinABudget(t *testing.T) {
	h := newHouse(t)
	const n, budget = 240, 40
	h.executions.longest = 5
	span := 300 * 24 * time.Hour
	h.now = begin.Add(2 * span)
	all := make([]*callout.Execution, n)
	for i := range all {
		all[i] = call(begin.Add(time.Duration(i) * span / n))
	}
	h.begin(all)
	left := h.byPartition()
	for round := 0; len(left) > 0; round++ {
		if round > n/8 {
			t.Fatal("it comes to no end")
		}
		removed := h.expire(begin.Add(span), budget)
		for partition, ids := range left {
			left[partition] = ids[:len(ids)-min(len(ids), budget/8)]
			removed -= len(ids) - len(left[partition])
			if len(left[partition]) == 0 {
				delete(left, partition)
			}
		}
		if got := h.byPartition(); removed != 0 || !reflect.DeepEqual(got, left) {
			t.Fatalf("round %d: %d too many were removed; left are\n%v\nwant\n%v", round, removed, got, left)
		}
	}
	h.wantLeft([]string{})
	if removed := h.expire(begin.Add(span), budget); removed != 0 {
		t.Errorf("%d of nothing were removed", removed)
	}
}

// byPartition returns the ids of all partitions that have any, newest first.
func (h *house) byPartition() map[string][]string {
	h.t.Helper()
	ids := map[string][]string{}
	for i := range 8 {
		page, err := h.executions.Table.List(h.t.Context(), store.Range{Partition: fmt.Sprint("b", i), Heads: true})
		if err != nil {
			h.t.Fatal(err)
		}
		for _, row := range page.Rows {
			ids[row.Partition] = append(ids[row.Partition], idOf(row.Key))
		}
	}
	return ids
}

// More than a page within one millisecond: none of them is older than the others.
func TestExpireWhatHappenedAllAtOnce(t *testing.T) {
	h := newAgedHouse(t)
	h.executions.longest = 3
	all := make([]*callout.Execution, 100)
	for i := range all {
		all[i] = call(begin)
	}
	h.begin(all)
	for range 100 {
		h.expire(begin.Add(time.Minute), 16)
	}
	h.wantLeft([]string{})
}

func TestManyExpireAtOnce(t *testing.T) {
	h := newAgedHouse(t)
	ids := h.many(600, func(int, *callout.Execution) {})
	var removed atomic.Int64
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			n, err := h.Expire(t.Context(), begin.Add(takes+400*time.Second), 1000)
			if err != nil {
				t.Error(err)
			}
			removed.Add(int64(n))
		})
	}
	all.Wait()
	if removed.Load() != 400 {
		t.Errorf("%d were removed in all, want 400", removed.Load())
	}
	h.wantLeft(ids[:200])
}

// Expiry may end between any two of its steps; the next run does what is left, and
// in between no list is wrong.
func TestExpireIsInterruptedAtEveryStep(t *testing.T) {
	const n = 3
	for step := range 3 * n {
		h := newAgedHouse(t)
		ids := h.fill(n + 2)
		var deletes atomic.Int64
		died := errors.New("the process has died")
		fails := func(string, string) error {
			if deletes.Add(1) > int64(step) {
				return died
			}
			return nil
		}
		h.index.fails, h.executions.fails = fails, fails
		removed, err := h.Expire(t.Context(), begin.Add(takes+n*time.Millisecond), 100)
		if !errors.Is(err, died) {
			t.Fatalf("step %d: %v", step, err)
		}
		h.index.fails, h.executions.fails = nil, nil
		for way, q := range ways {
			if got := h.visit(q, nil); !slices.Contains(got, ids[0]) || !slices.Contains(got, ids[1]) || len(got) > n+2-removed {
				t.Errorf("step %d: %s lists %d, and %d were removed", step, way, len(got), removed)
			}
		}
		if again := h.expire(begin.Add(takes+n*time.Millisecond), 100); removed+again != n {
			t.Errorf("step %d: %d, then %d were removed", step, removed, again)
		}
		h.wantLeft(ids[:2])
	}
}

// An execution that changes while it is about to be removed stays.
func TestExpireDoesNotRemoveWhatHasJustChanged(t *testing.T) {
	h := newAgedHouse(t)
	record := h.begins(call(begin))
	h.index.fails = func(string, string) error {
		h.index.fails = nil
		return h.Write(t.Context(), record)
	}
	if n := h.expire(begin.Add(time.Hour), 10); n != 0 {
		t.Errorf("%d were removed", n)
	}
	h.read(record.ID)
	if n := h.expire(begin.Add(time.Hour), 10); n != 1 {
		t.Errorf("then %d were removed", n)
	}
}

func TestExpireWithAContextThatIsDone(t *testing.T) {
	h := newAgedHouse(t)
	h.fill(3)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if n, err := h.Expire(ctx, begin.Add(time.Hour), 10); n != 0 || !errors.Is(err, context.Canceled) {
		t.Errorf("%d, %v", n, err)
	}
}

// A run that has nothing to do asks each partition once, whatever there is.
func TestWhatExpireCosts(t *testing.T) {
	h, there := newAgedHouse(t), 0
	for _, n := range []int{100, 2000} {
		h.grow(there, n)
		there = n
		h.executions.asked()
		h.index.asked()
		h.expire(begin, 1000)
		if executions, index := h.executions.asked(), h.index.asked(); executions != 8 || index != 0 {
			t.Errorf("of %d: %d requests for executions and %d to the index", n, executions, index)
		}
	}
}

// What cannot be read is not removed: a newer version may know what it is.
func TestExpireLeavesWhatItCannotRead(t *testing.T) {
	h := newAgedHouse(t)
	e := call(begin)
	h.write(e)
	row := h.rowOf(e.ID)
	for what, head := range map[string]string{"newer": `{"schema":9}`, "damaged": `{`} {
		row.Head = []byte(head)
		var err error
		if row.ETag, err = h.executions.Table.Put(t.Context(), row); err != nil {
			t.Fatal(err)
		}
		if n := h.expire(begin.Add(time.Hour), 10); n != 0 {
			t.Errorf("%s: %d were removed", what, n)
		}
	}
}

// rowOf returns the row of an execution.
func (h *house) rowOf(id string) store.Row {
	h.t.Helper()
	for i := range 8 {
		page, err := h.executions.Table.List(h.t.Context(), store.Range{Partition: fmt.Sprint("b", i)})
		if err != nil {
			h.t.Fatal(err)
		}
		for _, row := range page.Rows {
			if idOf(row.Key) == id {
				return row
			}
		}
	}
	h.t.Fatalf("there is no execution %s", id)
	return store.Row{}
}
