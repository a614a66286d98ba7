package history

import (
	"context"
	"slices"

	"golang.org/x/sync/errgroup"

	"callout/handler/callout"
	"callout/handler/store"
)

// entry is an execution as it is stored, without its bodies, or why it cannot be
// read.
type entry struct {
	store.Row // without head and data
	execution *callout.Execution
	err       error
}

// noHead says that a row was written before there were heads.
func (e entry) noHead() bool { return e.execution == nil && e.err == nil }

// newEntry reads what a row has: its head, or all of it.
func newEntry(row store.Row, headOnly bool) entry {
	e := entry{Row: store.Row{Partition: row.Partition, Key: row.Key, ETag: row.ETag}}
	stored := row.Head
	if !headOnly {
		stored = row.Data
	} else if len(stored) == 0 {
		return e
	}
	r, err := decode(stored)
	if e.err = err; err == nil {
		e.execution = r.Execution.Row()
	}
	return e
}

// entries reads rows that were asked for by their heads.
func (h *History) entries(ctx context.Context, rows []store.Row) ([]entry, error) {
	entries := make([]entry, len(rows))
	for i, row := range rows {
		entries[i] = newEntry(row, true)
	}
	return h.complete(ctx, entries)
}

// complete reads whole the rows that have no head.
func (h *History) complete(ctx context.Context, entries []entry) ([]entry, error) {
	var keys []string
	for _, e := range entries {
		if e.noHead() {
			keys = append(keys, e.Key)
		}
	}
	if keys == nil {
		return entries, nil
	}
	whole, err := h.named(ctx, keys, false)
	if err != nil {
		return nil, err
	}
	byKey := make(map[string]entry, len(whole))
	for _, e := range whole {
		byKey[e.Key] = e
	}
	for i, e := range entries {
		if e.noHead() {
			entries[i] = byKey[e.Key]
		}
	}
	return slices.DeleteFunc(entries, entry.noHead), nil // those that were removed meanwhile
}

// named reads the executions of these keys, from all partitions at once. It fails
// with callout.StorageUnavailable.
func (h *History) named(ctx context.Context, keys []string, headOnly bool) ([]entry, error) {
	var mine [partitions][]string
	for _, key := range keys {
		i := partitionOf(idOf(key))
		mine[i] = append(mine[i], key)
	}
	var found [partitions][]entry
	var group errgroup.Group
	for i, keys := range mine {
		if keys == nil {
			continue
		}
		group.Go(func() (err error) {
			found[i], err = h.readAll(ctx, store.Range{Partition: partition(i), Keys: keys, Heads: headOnly})
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, callout.Unavailable(err)
	}
	return slices.Concat(found[:]...), nil
}

// readAll reads a range to its end. Bodies are let go of page by page.
func (h *History) readAll(ctx context.Context, r store.Range) (entries []entry, err error) {
	for more := true; more; {
		page, err := h.executions.List(ctx, r)
		if err != nil {
			return nil, err
		}
		for _, row := range page.Rows {
			entries, r.After = append(entries, newEntry(row, r.Heads)), row.Key
		}
		more = page.More
	}
	return entries, nil
}
