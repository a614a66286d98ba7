package approval

import (
	"context"
	"slices"

	"callout/handler/callout"
	"callout/handler/history"
)

// Inbox lists what technicians are asked.
type Inbox struct{ History *history.History }

// Item is an execution that needs, or needed, a decision, with its request. The body
// of its response is left out, as in callout.Execution.Row.
type Item struct {
	*callout.Execution
	// LastApproved is the id of the execution of the same configuration that was
	// approved last, before this one; empty if there is none.
	LastApproved string `json:"lastApproved,omitempty"`
	// Changes are what is different in the request of this one.
	Changes []Difference `json:"changes,omitempty"`
	// ChangesTruncated is set when there are more than Changes has.
	ChangesTruncated bool `json:"changesTruncated,omitempty"`
}

// size is about how many bytes the item takes that a caller can make many.
func (i Item) size() int {
	size := len(body(i.Request))
	for _, c := range i.Changes {
		size += len(c.Path) + len(c.Before) + len(c.After)
	}
	return size
}

// Cursor says where a list goes on: first come those that wait, then those that
// are decided, each newest first.
type Cursor struct {
	Decided bool
	After   string // an execution's id; empty is the beginning
}

// MaxPage is after how many bytes of requests and changes a page ends, unless it
// has one item only.
const MaxPage = 4 << 20

// List reads a page of at most top, and the cursor of the next, nil on the last. A
// page is shorter when its requests are large, or when executions are removed while
// it is read. It fails with callout.StorageUnavailable.
func (i Inbox) List(ctx context.Context, at Cursor, top int) ([]Item, *Cursor, error) {
	found, next, err := i.find(ctx, at, top)
	if err != nil {
		return nil, nil, err
	}
	var items []Item
	var last Cursor
	used, reader := 0, newReader(i.History)
	for places := range slices.Chunk(found, parallel) {
		read, err := reader.items(ctx, places)
		if err != nil {
			return nil, nil, err
		}
		for n, item := range read {
			if item.Execution == nil {
				continue
			}
			if len(items) > 0 && used+reader.held+item.size() > MaxPage {
				return items, &last, nil
			}
			items, used, last = append(items, item), used+item.size(), places[n]
		}
		reader.held += reader.fresh
	}
	return items, next, nil
}

// find gives the places of at most top executions, each of which is the cursor of
// what follows it, and the cursor of what follows all.
func (i Inbox) find(ctx context.Context, at Cursor, top int) (found []Cursor, next *Cursor, err error) {
	for {
		q := history.Query{After: at.After, Top: top - len(found), Status: callout.PendingApproval}
		if at.Decided {
			q.Status, q.Decided = "", true
		}
		page, err := i.History.List(ctx, q)
		if err != nil {
			return nil, nil, err
		}
		for _, e := range page.Executions {
			found = append(found, Cursor{at.Decided, e.ID})
		}
		next := &Cursor{at.Decided, page.Next}
		switch {
		case page.Next == "" && at.Decided:
			next = nil
		case page.Next == "":
			next.Decided = true
		}
		if next == nil || len(found) == top || next.Decided == at.Decided {
			return found, next, nil
		}
		at = *next
	}
}
