package history

import (
	"context"
	"errors"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"callout/handler/callout"
	"callout/handler/store"
)

// ticketName is the entry of an execution's context that lists go by.
const ticketName = "ticket"

// waits reports whether an execution in the state waits: for a technician, or for
// whoever sends it now that it is approved.
func waits(s callout.Status) bool { return s == callout.PendingApproval || s == callout.Approved }

// Announce writes what lists find an execution by, in its present state: those of
// a configuration, of a ticket, of what waits and of what was decided. It is called
// before the first Write, and before that of a decision, so that no execution is
// ever missing in a list; what points to an execution that does not
// come is passed over, and removed when it is 25 hours old. Repeating it is
// harmless. It fails with callout.StorageUnavailable.
func (h *History) Announce(ctx context.Context, e *callout.Execution) error {
	_, key := place(e.ID)
	var group errgroup.Group // the embedded store commits them together
	for _, partition := range pointers(e) {
		group.Go(func() error {
			_, err := h.index.Put(ctx, store.Row{Partition: partition, Key: key})
			if errors.Is(err, store.ErrConflict) { // it is there
				return nil
			}
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return callout.Unavailable(err)
	}
	return nil
}

// pointers lists the partitions of the index that point to an execution.
func pointers(e *callout.Execution) (partitions []string) {
	if e.ConfigID != "" {
		partitions = append(partitions, byConfig(e.ConfigID))
	}
	if ticket := e.Context[ticketName]; ticket != "" {
		partitions = append(partitions, byTicket(ticket))
	}
	if waits(e.Status) {
		partitions = append(partitions, pending)
	}
	if posts(e) {
		partitions = append(partitions, unposted)
	}
	if isDecided(e) {
		partitions = append(partitions, decided)
	}
	if isApproved(e) {
		partitions = append(partitions, approvedOf(e.ConfigID))
	}
	return partitions
}

// What the partitions of the index are of, besides configuration and ticket.

func posts(e *callout.Execution) bool {
	return e.Callback != nil && e.Callback.State == callout.CallbackWaiting
}

func isDecided(e *callout.Execution) bool { return e.Approval != nil && e.Approval.Decision != "" }

func isApproved(e *callout.Execution) bool {
	return isDecided(e) && e.Approval.Decision == callout.DecisionApproved
}

// staleAfter is how old what points to nothing must be for nobody to be about to
// write the execution. A call is announced when it begins, but its id may be a day
// older: a key of idempotency keeps the id that it was first given for 24 hours
// (idempotency.Kept). The rest is for the call itself, and for clocks that differ.
const staleAfter = 25 * time.Hour

// stale reports whether nothing will ever be found by a pointer again. An entry of
// which nothing was read is one that does not exist.
func (h *History) stale(pointer store.Row, at entry) bool {
	switch {
	case at.Key == "":
		return h.now().Sub(createdAt(pointer.Key)) > staleAfter
	case at.err != nil: // its state is not known
		return false
	}
	// What is about to be decided is pointed to already.
	e, undecided := at.execution, waits(at.execution.Status)
	switch {
	case pointer.Partition == pending:
		return !undecided
	case pointer.Partition == unposted:
		return !posts(e)
	case pointer.Partition == decided:
		return !undecided && !isDecided(e)
	case strings.HasPrefix(pointer.Partition, approvedOf("")):
		return !undecided && !isApproved(e)
	}
	return false
}

// parallelDeletes is how many rows are removed at a time.
const parallelDeletes = 8

// tidy removes pointers from the index. What fails is left to the next who looks.
func (h *History) tidy(ctx context.Context, stale []store.Row) {
	var group errgroup.Group
	group.SetLimit(parallelDeletes)
	for _, pointer := range stale {
		group.Go(func() error { return h.index.Delete(ctx, pointer.Partition, pointer.Key, pointer.ETag) })
	}
	_ = group.Wait()
}
