package history

import (
	"context"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"callout/handler/callout"
	"callout/handler/store"
)

// stretch is a part of a list without gaps, newest first.
type stretch struct {
	entries []entry
	// looked is how many executions or pointers it took.
	looked int
	// last is the key up to which everything was seen, empty if nothing follows.
	last string
}

// newest reads the first executions between two keys, from all partitions at once.
func (h *History) newest(ctx context.Context, r store.Range) (stretch, error) {
	var pages [partitions]store.Page
	var group errgroup.Group
	for i := range partitions {
		group.Go(func() (err error) {
			pages[i], err = h.executions.List(ctx, store.Range{Partition: partition(i),
				After: r.After, Before: r.Before, Top: share(r.Top), Heads: true})
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return stretch{}, callout.Unavailable(err)
	}
	rows, last := merge(pages[:], r.Top)
	entries, err := h.entries(ctx, rows)
	return stretch{entries: entries, looked: len(rows), last: last}, err
}

// share is how many rows of each partition are enough to find the first n of all,
// as good as always: they are spread by a hash, and it is twice the average. Where
// it is not, the stretch ends early.
func share(n int) int { return min(n, 2*n/partitions+16) }

// merge puts pages of the partitions into one of at most top rows. Nothing is known
// of a partition beyond the last row of a page that has more: the rows of the
// others end there too, or what follows would begin after rows that were never
// seen.
func merge(pages []store.Page, top int) (rows []store.Row, last string) {
	for _, page := range pages {
		rows = append(rows, page.Rows...)
		if page.More {
			if end := page.Rows[len(page.Rows)-1].Key; last == "" || end < last {
				last = end
			}
		}
	}
	slices.SortFunc(rows, func(a, b store.Row) int { return strings.Compare(a.Key, b.Key) })
	if last != "" {
		rows = slices.DeleteFunc(rows, func(row store.Row) bool { return row.Key > last })
	}
	if len(rows) > top {
		rows, last = rows[:top], rows[top-1].Key
	}
	return rows, last
}

// pointed reads a page of pointers and the executions that they point to. What
// points to nothing any more is removed on the way.
func (h *History) pointed(ctx context.Context, r store.Range) (stretch, error) {
	page, err := h.index.List(ctx, r)
	if err != nil {
		return stretch{}, callout.Unavailable(err)
	}
	keys := make([]string, len(page.Rows))
	for i, pointer := range page.Rows {
		keys[i] = pointer.Key
	}
	found, err := h.lookUp(ctx, keys)
	if err != nil {
		return stretch{}, err
	}
	out := stretch{looked: len(keys)}
	if page.More {
		out.last = keys[len(keys)-1]
	}
	var stale []store.Row
	for _, pointer := range page.Rows {
		at, there := found[pointer.Key]
		if there {
			out.entries = append(out.entries, at)
		}
		if h.stale(pointer, at) {
			stale = append(stale, pointer)
		}
	}
	h.tidy(ctx, stale)
	return out, nil
}

// lookUp gives the executions of these keys, by key. Those that do not exist are
// left out.
func (h *History) lookUp(ctx context.Context, keys []string) (map[string]entry, error) {
	entries, err := h.named(ctx, keys, true)
	if err == nil {
		entries, err = h.complete(ctx, entries)
	}
	found := make(map[string]entry, len(entries))
	for _, e := range entries {
		found[e.Key] = e
	}
	return found, err
}
