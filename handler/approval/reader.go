package approval

import (
	"context"
	"errors"

	"golang.org/x/sync/errgroup"

	"callout/handler/callout"
	"callout/handler/history"
)

// parallel is how many executions are read at a time.
const parallel = 16

// reader reads the items of one page. What many of them are compared with is read
// once.
type reader struct {
	history *history.History
	// lasts are the ids of the last approved executions, empty where there is none.
	lasts map[place]string
	// known are executions that were read, by id; nil is one that was removed.
	known map[string]*callout.Execution
	// held is the size of the requests that were read only to compare with; fresh,
	// that of those of the last call.
	held, fresh int
}

// place is before which execution of a configuration another one was approved; an
// empty one is the end.
type place struct{ configID, before string }

func newReader(h *history.History) *reader {
	return &reader{history: h, lasts: map[place]string{}, known: map[string]*callout.Execution{}}
}

// items reads executions and compares them with the last approved ones. Those that
// were removed meanwhile are zero.
func (r *reader) items(ctx context.Context, at []Cursor) ([]Item, error) {
	ids := make([]string, len(at))
	for n := range at {
		ids[n] = at[n].After
	}
	if err := r.read(ctx, ids); err != nil {
		return nil, err
	}
	lasts, err := r.approved(ctx, ids)
	if err != nil {
		return nil, err
	}
	if err := r.read(ctx, lasts); err != nil {
		return nil, err
	}
	items := make([]Item, len(at))
	for n, id := range ids {
		items[n] = compared(r.known[id], r.known[lasts[n]])
	}
	return items, nil
}

func compared(e, last *callout.Execution) Item {
	item := Item{Execution: e}
	if e != nil && last != nil {
		item.LastApproved = last.ID
		item.Changes, item.ChangesTruncated = Differences(last.Request, e.Request)
	}
	return item
}

// read makes executions known, and says in fresh how large their requests are.
func (r *reader) read(ctx context.Context, ids []string) error {
	missing := lacking(r.known, ids)
	found := make([]*callout.Execution, len(missing))
	err := each(ctx, len(missing), func(ctx context.Context, n int) error {
		e, err := r.history.Get(ctx, missing[n])
		if refusal := (*callout.Error)(nil); errors.As(err, &refusal) && refusal.Code == callout.ExecutionNotFound {
			return nil // its time was over after it had been listed
		}
		found[n] = e
		return err
	})
	if err != nil {
		return err
	}
	r.fresh = 0
	for n, e := range found {
		if e != nil {
			e = withoutAnswer(e)
			r.fresh += len(body(e.Request))
		}
		r.known[missing[n]] = e
	}
	return nil
}

// approved gives for each execution the id of the one that was approved last before
// it, empty if there is none.
func (r *reader) approved(ctx context.Context, ids []string) ([]string, error) {
	at := make([]place, len(ids))
	r.lasts[place{}] = "" // of one that was removed
	for n, id := range ids {
		if e := r.known[id]; e != nil {
			at[n] = place{e.ConfigID, before(e)}
		}
	}
	missing := lacking(r.lasts, at)
	found := make([]string, len(missing))
	err := each(ctx, len(missing), func(ctx context.Context, n int) error {
		page, err := r.history.List(ctx, history.Query{ApprovedOf: missing[n].configID, After: missing[n].before, Top: 1})
		if len(page.Executions) > 0 {
			found[n] = page.Executions[0].ID
		}
		return err
	})
	for n, key := range missing {
		r.lasts[key] = found[n]
	}
	out := make([]string, len(ids))
	for n := range at {
		out[n] = r.lasts[at[n]]
	}
	return out, err
}

// before is the cursor from which on an execution is compared: what waits, with all
// that was approved; what was decided, with what is older.
func before(e *callout.Execution) string {
	if e.Status == callout.PendingApproval {
		return ""
	}
	return e.ID
}

// withoutAnswer leaves out the body of the response.
func withoutAnswer(e *callout.Execution) *callout.Execution {
	if e.Response == nil {
		return e
	}
	out, short := *e, *e.Response
	short.Body = nil
	out.Response = &short
	return &out
}

// lacking are the keys that are not in a map, each once, but for the zero one.
func lacking[K comparable, V any](in map[K]V, keys []K) []K {
	var out []K
	var none K
	seen := map[K]bool{none: true}
	for _, key := range keys {
		if _, ok := in[key]; !ok && !seen[key] {
			out = append(out, key)
		}
		seen[key] = true
	}
	return out
}

// each does something for all numbers below n, several at a time.
func each(ctx context.Context, n int, do func(context.Context, int) error) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(parallel)
	for at := range n {
		group.Go(func() error { return do(ctx, at) })
	}
	return group.Wait()
}
