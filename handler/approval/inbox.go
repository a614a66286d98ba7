package approval

import (
	"context"

	"golang.org/x/sync/errgroup"

	"callout/handler/callout"
	"callout/handler/history"
)

// Inbox lists what technicians are asked.
type Inbox struct{ History *history.History }

// Item is an execution that needs, or needed, a decision, with its request.
type Item struct {
	*callout.Execution
	// LastApproved is the id of the execution of the same configuration that was
	// approved last, before this one; empty if there is none.
	LastApproved string `json:"lastApproved,omitempty"`
	// Changes are what is different in the request of this one.
	Changes []Difference `json:"changes,omitempty"`
}

// Cursor says where a list goes on: first come those that wait, then those that
// are decided, each newest first.
type Cursor struct {
	Decided bool
	After   string // an execution's id; empty is the beginning
}

// List reads a page of at most top, and the cursor of the next, nil on the last. It
// fails with callout.StorageUnavailable.
func (i Inbox) List(ctx context.Context, at Cursor, top int) ([]Item, *Cursor, error) {
	var found []*callout.Execution
	for {
		q := history.Query{After: at.After, Top: top - len(found), Status: callout.PendingApproval}
		if at.Decided {
			q.Status, q.Decided = "", true
		}
		page, err := i.History.List(ctx, q)
		if err != nil {
			return nil, nil, err
		}
		found = append(found, page.Executions...)
		next := &Cursor{at.Decided, page.Next}
		switch {
		case page.Next == "" && at.Decided:
			next = nil
		case page.Next == "":
			next.Decided = true
		}
		if next == nil || len(found) == top || next.Decided == at.Decided {
			items, err := i.items(ctx, found)
			return items, next, err
		}
		at = *next
	}
}

// parallel is how many executions are read at a time.
const parallel = 16

func (i Inbox) items(ctx context.Context, found []*callout.Execution) ([]Item, error) {
	items := make([]Item, len(found))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(parallel)
	for n, e := range found {
		group.Go(func() (err error) {
			items[n], err = i.item(ctx, e.ID)
			return err
		})
	}
	return items, group.Wait()
}

// item reads an execution and compares it with the last approved one.
func (i Inbox) item(ctx context.Context, id string) (Item, error) {
	e, err := i.History.Get(ctx, id)
	if err != nil {
		return Item{}, err
	}
	last, err := i.History.List(ctx, history.Query{ApprovedOf: e.ConfigID, After: before(e), Top: 1})
	if err != nil || len(last.Executions) == 0 {
		return Item{Execution: e}, err
	}
	other, err := i.History.Get(ctx, last.Executions[0].ID)
	if err != nil {
		return Item{}, err
	}
	return Item{Execution: e, LastApproved: other.ID, Changes: Differences(other.Request, e.Request)}, nil
}

// before is the cursor from which on an execution is compared: what waits, with all
// that was approved; what was decided, with what is older.
func before(e *callout.Execution) string {
	if e.Status == callout.PendingApproval {
		return ""
	}
	return e.ID
}
