package history

import (
	"context"
	"errors"
	"slices"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"callout/handler/store"
)

// Expire removes executions that were created before a time, with what points to
// them, and returns how many it has removed: the oldest first, and at most budget,
// rounded up to a multiple of eight. What is not over stays, however old: an
// execution that is approved, and one that waits or is being sent and whose time
// has not run out.
//
// It may be interrupted at any moment and called by many at once; the next call
// does what is left. It fails as the tables do; what it has removed is removed.
func (h *History) Expire(ctx context.Context, before time.Time, budget int) (removed int, err error) {
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

// over reports whether nothing more can happen to an execution. Of one that cannot
// be read that is not known: a newer version of Callout may have written it.
func (x *expiry) over(e entry) bool {
	return e.err == nil && e.execution.At(x.now()).Status.Final()
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
