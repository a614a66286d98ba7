package history

import (
	"context"
	"errors"
	"time"

	"callout/handler/callout"
	"callout/handler/store"
)

// Query selects executions. The zero value selects all.
type Query struct {
	// ConfigID is the id of a configuration, not its name.
	ConfigID string
	// Ticket is the entry ticket of the context.
	Ticket string
	// Status is compared with what an execution reads as, not with what is stored.
	Status callout.Status
	// Decided selects what a technician has approved or denied; ApprovedOf, what was
	// approved of the configuration of this id.
	Decided    bool
	ApprovedOf string
	// From and To bound the time of creation, to the millisecond: From <= t < To.
	From, To time.Time
	// After is the cursor: an id, of an execution that exists or not. Only older
	// ones are listed.
	After string
	// Top is how many at most; store.MaxTop if it is not positive or is over that.
	Top int
}

// Page is what a Query found, newest first.
type Page struct {
	// Executions are as callout.Execution.Row gives them, without bodies. Very
	// long texts are cut; they end in an ellipsis then. One whose record cannot be
	// read is callout.Unknown and has no more than an ID, a time and an error that
	// says so.
	Executions []*callout.Execution
	// Next is the cursor of the next page, empty if there is none. A page may be
	// short, even empty, and have a next one.
	Next string
}

const (
	// maxLooked is how many executions a page looks at beyond Top, to find those
	// of a filter that no index serves.
	maxLooked = 1000
	// maxRounds bounds the requests of a page: in each, every partition is asked
	// once. Two are enough unless the store ends its own pages early.
	maxRounds = 8
)

// List reads a page of executions. What it costs does not depend on how many there
// are: the newest are read from all partitions at once, those of a configuration,
// of a ticket or waiting ones by the index. It fails with
// callout.StorageUnavailable.
func (h *History) List(ctx context.Context, q Query) (Page, error) {
	if q.Top <= 0 || q.Top > store.MaxTop {
		q.Top = store.MaxTop
	}
	read := h.reader(q)
	var page Page
	r := q.bounds()
	r.Top = q.Top
	for round, left := 0, maxLooked+q.Top; ; round++ {
		seen, err := read(ctx, r)
		if err != nil {
			return Page{}, err
		}
		if h.take(&page, q, seen) {
			return page, nil
		}
		r.After = seen.last
		if left -= seen.looked; left <= 0 || round == maxRounds-1 {
			page.Next = idOf(seen.last)
			return page, nil
		}
		r.Top = min(left, store.MaxTop)
	}
}

// take adds to the page what matches, and reports whether that completes it.
func (h *History) take(page *Page, q Query, seen stretch) (done bool) {
	for i, found := range seen.entries {
		e, shown := q.show(found, h.now())
		if !shown {
			continue
		}
		page.Executions = append(page.Executions, e)
		if len(page.Executions) == q.Top {
			if i < len(seen.entries)-1 || seen.last != "" {
				page.Next = e.ID
			}
			return true
		}
	}
	return seen.last == ""
}

// show gives an execution as a list shows it, and reports whether this one does.
func (q Query) show(found entry, now time.Time) (e *callout.Execution, shown bool) {
	if found.err != nil {
		return q.stub(found), q.mayBe()
	}
	e = found.execution.At(now)
	return e, q.matches(e)
}

// stub stands in for an execution that cannot be read, so that a list neither fails
// nor leaves it out: of it is known only what its key says, and why.
func (q Query) stub(found entry) *callout.Execution {
	reason := "The record of this execution is not readable."
	if errors.Is(found.err, errNewerSchema) {
		reason = "The record of this execution was stored by a newer version of Callout, which this one cannot read; the newer version shows it."
	}
	return &callout.Execution{ID: idOf(found.Key), CreatedAt: createdAt(found.Key).UTC(), ConfigID: q.ConfigID,
		Status: callout.Unknown, Request: &callout.Request{}, Error: callout.NewCallError(callout.OutcomeUnknown, reason)}
}

// mayBe reports whether an execution that cannot be read is shown: where it was
// found by says of one filter that it matches, and more is not known of it.
func (q Query) mayBe() bool {
	return (q.Status == "" || q.Status == callout.Unknown) && (q.Ticket == "" || q.ConfigID == "") &&
		!q.Decided && q.ApprovedOf == ""
}

// matches judges all that is asked for but the time, whichever index the execution
// was found by.
func (q Query) matches(e *callout.Execution) bool {
	return (q.ConfigID == "" || e.ConfigID == q.ConfigID) && (q.Status == "" || e.Status == q.Status) &&
		(q.Ticket == "" || e.Context[ticketName] == q.Ticket) &&
		(!q.Decided || isDecided(e)) && (q.ApprovedOf == "" || isApproved(e) && e.ConfigID == q.ApprovedOf)
}

// bounds are the keys between which the executions lie.
func (q Query) bounds() store.Range {
	r := store.Range{After: until(q.To), Before: since(q.From)}
	if q.After != "" {
		_, after := place(q.After)
		r.After = max(r.After, after)
	}
	return r
}

// reader picks the shortest way to what is asked for: a ticket has few executions,
// few wait at a time, and a configuration has fewer than there are.
func (h *History) reader(q Query) func(context.Context, store.Range) (stretch, error) {
	by := ""
	switch {
	case q.ApprovedOf != "":
		by = approvedOf(q.ApprovedOf)
	case q.Decided:
		by = decided
	case q.Ticket != "":
		by = byTicket(q.Ticket)
	case waits(q.Status):
		by = pending
	case q.ConfigID != "":
		by = byConfig(q.ConfigID)
	default:
		return h.newest
	}
	return func(ctx context.Context, r store.Range) (stretch, error) {
		r.Partition = by
		return h.pointed(ctx, r)
	}
}
