package history

import (
	"context"
	"math/rand/v2"
	"time"

	"callout/handler/callout"
	"callout/handler/store"
)

// Waiting returns the executions that wait, as they are stored and without their
// bodies: for a technician, also those whose time is over, and for whoever sends
// what is approved. A time selects those that were created before it. Of very many
// it returns the newest 5,000 and as many from a place among the older ones that is
// another each time, so that it comes past all of them; it says if there are more.
// It fails with callout.StorageUnavailable.
func (h *History) Waiting(ctx context.Context, before time.Time) (all []*callout.Execution, more bool, err error) {
	return h.due(ctx, pending, before, func(e *callout.Execution) bool { return waits(e.Status) })
}

// Unposted returns the executions whose result is still to be posted, in the same
// way.
func (h *History) Unposted(ctx context.Context) (all []*callout.Execution, more bool, err error) {
	return h.due(ctx, unposted, time.Time{}, posts)
}

// duePages is how many pages of the index are read for what time may have made due:
// so many of the newest, and so many of the rest.
const duePages = 5

func (h *History) due(ctx context.Context, partition string, before time.Time, is func(*callout.Execution) bool) (all []*callout.Execution, more bool, err error) {
	d := &walk{History: h, is: is, pages: duePages}
	last, err := d.read(ctx, store.Range{Partition: partition, After: until(before), Top: store.MaxTop})
	if err != nil || last == "" {
		return d.found, false, err
	}
	rest := store.Range{Partition: partition, After: last, Top: store.MaxTop}
	start, err := h.anywhere(ctx, rest)
	if err != nil {
		return nil, false, err
	}
	d.pages = duePages
	older, younger := rest, rest
	older.After, younger.Before = start, start
	for _, r := range []store.Range{older, younger} { // around the end, to where it began
		if last, err = d.read(ctx, r); err != nil || last != "" {
			break
		}
	}
	return d.found, last != "", err
}

// walk gathers what may be due.
type walk struct {
	*History
	is    func(*callout.Execution) bool
	pages int // how many may still be read
	found []*callout.Execution
}

// read goes through a range. It returns where it stopped for want of pages, empty
// at the end of the range.
func (d *walk) read(ctx context.Context, r store.Range) (last string, err error) {
	for ; d.pages > 0; d.pages-- {
		seen, err := d.pointed(ctx, r)
		if err != nil {
			return "", err
		}
		for _, at := range seen.entries {
			if at.err == nil && d.is(at.execution) { // what cannot be read is for a newer version
				d.found = append(d.found, at.execution)
			}
		}
		if seen.last == "" {
			d.pages--
			return "", nil
		}
		r.After = seen.last
	}
	return r.After, nil
}

// anywhere returns a key among the pointers behind r.After by chance, so that each of
// them has one, however they are spread over the time: it halves the time, and where
// there are pointers on both sides it tosses a coin. So nothing has to be remembered
// from run to run.
func (h *History) anywhere(ctx context.Context, r store.Range) (string, error) {
	newest := createdAt(r.After).Add(time.Millisecond)
	young, old := time.Duration(0), oldestAge // the pointers lie between these ages
	for old-young > time.Millisecond {
		age := (young + old) / 2
		middle := until(newest.Add(-age))
		isYoung, err := h.anyPointer(ctx, store.Range{Partition: r.Partition, After: max(r.After, until(newest.Add(-young))), Before: middle})
		if err != nil {
			return "", err
		}
		isOld := !isYoung
		if isYoung && rand.IntN(2) == 0 {
			isOld, err = h.anyPointer(ctx, store.Range{Partition: r.Partition, After: middle, Before: until(newest.Add(-old))})
			if err != nil {
				return "", err
			}
		}
		if isOld {
			young = age
		} else {
			old = age
		}
	}
	_, key := place(NewID(newest.Add(-old)))
	return max(key, r.After), nil
}

// anyPointer reports whether there is one in a range.
func (h *History) anyPointer(ctx context.Context, r store.Range) (bool, error) {
	r.Top = 1
	page, err := h.index.List(ctx, r)
	if err != nil {
		return false, callout.Unavailable(err)
	}
	return len(page.Rows) > 0, nil
}
