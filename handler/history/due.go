package history

import (
	"context"
	"time"

	"callout/handler/callout"
	"callout/handler/store"
)

// Waiting returns the executions that wait, as they are stored and without their
// bodies: for a technician, also those whose time is over, and for whoever sends
// what is approved. A time selects those that were created before it. Of very many
// it returns the newest 5,000, and says that there are more. It fails with
// callout.StorageUnavailable.
func (h *History) Waiting(ctx context.Context, before time.Time) (all []*callout.Execution, more bool, err error) {
	return h.due(ctx, pending, before, func(e *callout.Execution) bool { return waits(e.Status) })
}

// Unposted returns the executions whose result is still to be posted, in the same
// way.
func (h *History) Unposted(ctx context.Context) (all []*callout.Execution, more bool, err error) {
	return h.due(ctx, unposted, time.Time{}, posts)
}

// duePages is how many pages of the index are read for what time may have made due.
const duePages = 5

func (h *History) due(ctx context.Context, partition string, before time.Time, is func(*callout.Execution) bool) (all []*callout.Execution, more bool, err error) {
	r := store.Range{Partition: partition, After: until(before), Top: store.MaxTop}
	for range duePages {
		seen, err := h.pointed(ctx, r)
		if err != nil {
			return nil, false, err
		}
		for _, found := range seen.entries {
			if found.err == nil && is(found.execution) { // what cannot be read is for a newer version
				all = append(all, found.execution)
			}
		}
		if seen.last == "" {
			return all, false, nil
		}
		r.After = seen.last
	}
	return all, true, nil
}
