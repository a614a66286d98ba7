package history

import (
	"context"
	"errors"
	"slices"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"callout/handler/callout"
	"callout/handler/store"
)

const (
	// youngest is the age below which nothing is removed: a key of idempotency leads
	// to its execution for 24 hours (idempotency.Kept), and a call that repeats it
	// would be sent a second time if the execution were gone. The rest is for clocks
	// that differ.
	youngest = 26 * time.Hour
	// postedWithin is how much longer an execution is kept whose result is still to
	// be posted.
	postedWithin = 7 * 24 * time.Hour
)

// Expire removes executions that ended before a time, and at least 26 hours ago, with
// what points to them, and returns how many it has removed: the oldest first, and at
// most budget, rounded up to a multiple of eight. What is not over stays, however
// old: an execution that is approved, and one that waits or is being sent and whose
// time has not run out. One whose result is still to be posted stays seven days
// longer.
//
// It may be interrupted at any moment and called by many at once; the next call
// does what is left. It fails as the tables do; what it has removed is removed.
func (h *History) Expire(ctx context.Context, before time.Time, budget int) (removed int, err error) {
	if latest := h.now().Add(-youngest); latest.Before(before) {
		before = latest
	}
	var total atomic.Int64
	var group errgroup.Group
	for i := range partitions {
		x := &expiry{History: h, before: before, left: (budget + partitions - 1) / partitions, removed: &total}
		group.Go(func() error { return x.run(ctx, partition(i)) })
	}
	err = group.Wait()
	return int(total.Load()), err
}

// expiry is one run of Expire over one partition.
type expiry struct {
	*History
	before  time.Time
	left    int // how many may still be removed
	removed *atomic.Int64
}

func (x *expiry) run(ctx context.Context, partition string) error {
	for r := (store.Range{Partition: partition, After: until(x.before), Heads: true}); x.left > 0; {
		rows, err := x.oldest(ctx, r)
		if err != nil || len(rows) == 0 {
			return err
		}
		if err := x.remove(ctx, rows); err != nil {
			return err
		}
		r.Before = rows[0].Key
	}
	return nil
}

// oldestAge is longer ago than any history goes back.
const oldestAge = 32 * 365 * 24 * time.Hour

// oldest returns the last rows of a range. Mostly they are all there are, what has
// become old since the last run. After a pause there may be many more; then the
// old end, which no list gives, is found by halving the time in which it lies.
func (x *expiry) oldest(ctx context.Context, r store.Range) ([]store.Row, error) {
	page, err := x.executions.List(ctx, r)
	for young, old := time.Duration(0), oldestAge; err == nil && page.More && old-young > time.Millisecond; {
		var older store.Page
		age := (young + old) / 2
		r.After = until(x.before.Add(-age))
		if older, err = x.executions.List(ctx, r); len(older.Rows) == 0 {
			old = age
		} else {
			young, page = age, older
		}
	}
	return page.Rows, err
}

// remove removes of these rows those that are over, the oldest first.
func (x *expiry) remove(ctx context.Context, rows []store.Row) error {
	entries, err := x.entries(ctx, rows)
	if err != nil {
		return err
	}
	var group errgroup.Group
	group.SetLimit(parallelDeletes)
	for _, e := range slices.Backward(entries) {
		if x.left > 0 && x.over(e) {
			x.left--
			group.Go(func() error { return x.removeOne(ctx, e) })
		}
	}
	return group.Wait()
}

// over reports whether nothing more can happen to an execution, and it ended long
// enough ago. Of one that cannot be read that is not known: a newer version of
// Callout may have written it.
func (x *expiry) over(e entry) bool {
	if e.err != nil {
		return false
	}
	now, before := e.execution.At(x.now()), x.before
	if posts(now) {
		before = before.Add(-postedWithin)
	}
	end := ended(now)
	if begun := createdAt(e.Key); begun.After(end) {
		end = begun
	}
	return now.Status.Final() && end.Before(before)
}

// ended is the last time that an execution tells of itself. It may lie long after
// the time of its id: a technician may decide days later.
func ended(e *callout.Execution) time.Time {
	times := []time.Time{e.CreatedAt, e.Deadline}
	if e.Approval != nil {
		times = append(times, e.Approval.DecidedAt)
		if e.Status == callout.Expired {
			times = append(times, e.Approval.ExpiresAt)
		}
	}
	return slices.MaxFunc(times, time.Time.Compare)
}

// removeOne removes what points to an execution and then the execution: as long as
// it is there, the next run finds it and removes the rest. One that somebody else
// has removed or changed is left alone.
func (x *expiry) removeOne(ctx context.Context, e entry) error {
	for _, partition := range pointers(e.execution) {
		if err := x.index.Delete(ctx, partition, e.Key, store.Any); err != nil && !errors.Is(err, store.ErrNotFound) {
			return err
		}
	}
	err := x.executions.Delete(ctx, e.Partition, e.Key, e.ETag)
	if errors.Is(err, store.ErrConflict) || errors.Is(err, store.ErrNotFound) {
		return nil
	}
	if err == nil {
		x.removed.Add(1)
	}
	return err
}
