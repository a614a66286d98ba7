package history_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"callout/handler/callout"
	"callout/handler/history"
	"callout/handler/store"
)

func (h *house) list(q history.Query) history.Page {
	h.t.Helper()
	page, err := h.List(h.t.Context(), q)
	if err != nil {
		h.t.Fatalf("List: %v", err)
	}
	return page
}

// visit follows a list to its end and returns the ids in their order. between is
// called after each page, if it is not nil.
func (h *house) visit(q history.Query, between func()) []string {
	h.t.Helper()
	ids := []string{}
	for more := true; more; {
		page := h.list(q)
		if top := q.Top; top > 0 && len(page.Executions) > top {
			h.t.Fatalf("a page of at most %d has %d", top, len(page.Executions))
		}
		if page.Next != "" && q.After != "" && page.Next >= q.After {
			h.t.Fatalf("after %s comes %s", q.After, page.Next)
		}
		for _, e := range page.Executions {
			ids = append(ids, e.ID)
		}
		if between != nil {
			between()
		}
		q.After, more = page.Next, page.Next != ""
	}
	return ids
}

// fill writes n executions, a millisecond apart, and returns the ids newest first.
func (h *house) fill(n int) []string {
	h.t.Helper()
	all := make([]*callout.Execution, n)
	for i := range all {
		all[n-1-i] = call(begin.Add(time.Duration(i) * time.Millisecond))
	}
	h.begin(all)
	return idsOf(all)
}

func idsOf(all []*callout.Execution) []string {
	ids := make([]string, len(all))
	for i, e := range all {
		ids[i] = e.ID
	}
	return ids
}

// ways are the lists in which fill's executions are, all of them alike.
var ways = map[string]history.Query{
	"all":             {},
	"configuration":   {ConfigID: "01CONFIG"},
	"ticket":          {Ticket: "T20261123.0042"},
	"both":            {ConfigID: "01CONFIG", Ticket: "T20261123.0042"},
	"status":          {Status: callout.Succeeded},
	"since then":      {From: begin},
	"until tomorrow":  {To: begin.Add(24 * time.Hour)},
	"all of it":       {ConfigID: "01CONFIG", Ticket: "T20261123.0042", Status: callout.Succeeded, From: begin, To: begin.Add(24 * time.Hour)},
	"a configuration": {ConfigID: "01CONFIG", Status: callout.Succeeded, From: begin},
}

func TestListIsNewestFirst(t *testing.T) {
	h := newHouse(t)
	for way, q := range ways {
		if page := h.list(q); page.Next != "" || len(page.Executions) != 0 {
			t.Errorf("%s: of an empty history: %+v", way, page)
		}
	}
	want := h.fill(40)
	for way, q := range ways {
		for _, q.Top = range []int{1, 2, 7, 8, 39, 40, 41, store.MaxTop, 0, -1, store.MaxTop + 1} {
			if got := h.visit(q, nil); !slices.Equal(got, want) {
				t.Errorf("%s in pages of %d: %v", way, q.Top, got)
			}
		}
	}
}

func TestPagesAreFullAndTheLastSaysSo(t *testing.T) {
	h := newHouse(t)
	h.fill(40)
	for _, way := range []string{"all", "configuration", "ticket", "both", "since then"} {
		q := ways[way]
		for top, pages := range map[int]int{8: 5, 20: 2, 39: 2, 40: 1, 41: 1} {
			q.Top, q.After = top, ""
			n := 1
			for page := h.list(q); page.Next != ""; n++ {
				if len(page.Executions) != top {
					t.Errorf("%s: a page of %d has %d", way, top, len(page.Executions))
				}
				q.After = page.Next
				page = h.list(q)
			}
			if n != pages {
				t.Errorf("%s: 40 take %d pages of %d, want %d", way, n, top, pages)
			}
		}
	}
}

// A store ends a page when it has become large, with rows left, and not in all
// partitions at the same age.
func TestListWhenTheStoreEndsItsPagesEarly(t *testing.T) {
	h := newHouse(t)
	want := h.fill(60)
	for _, longest := range []int{1, 2, 3} {
		h.executions.longest, h.index.longest = longest, longest
		for way, q := range ways {
			for _, q.Top = range []int{1, 5, 20, 100} {
				if got := h.visit(q, nil); !slices.Equal(got, want) {
					t.Errorf("%s in pages of %d, of the store %d: %d of %d executions", way, q.Top, longest, len(got), len(want))
				}
			}
		}
	}
}

func TestNewExecutionsDoNotDisturbPaging(t *testing.T) {
	h := newHouse(t)
	want, at := h.fill(30), begin.Add(time.Hour)
	for way, q := range ways {
		q.Top, q.To = 4, time.Time{}
		known := h.visit(history.Query{From: begin.Add(time.Minute)}, nil) // those of the ways before
		got := h.visit(q, func() {
			at = at.Add(time.Millisecond)
			h.begins(call(at))
		})
		if !slices.Equal(got, slices.Concat(known, want)) {
			t.Errorf("%s: visited %d, want %d", way, len(got), len(known)+len(want))
		}
	}
}

// The cursor is a place, not a row: what it was may be gone.
func TestTheCursorOutlivesItsExecution(t *testing.T) {
	h := newHouse(t)
	h.now = begin.Add(time.Hour)
	ids := h.fill(10)
	for way, q := range ways {
		q.Top, q.After = 3, history.NewID(begin.Add(5*time.Millisecond))
		if got := h.visit(q, nil); len(got) < 5 || !slices.Equal(got[len(got)-5:], ids[5:]) {
			t.Errorf("%s: after a time in the middle: %v", way, got)
		}
	}
}

func TestManyWriteAtTheSameMoment(t *testing.T) {
	h := newHouse(t)
	all := make([]*callout.Execution, 64)
	for i := range all {
		all[i] = call(begin)
	}
	h.begin(all)
	for way, q := range ways {
		q.Top = 10
		ids := h.visit(q, nil)
		if len(ids) != 64 || !slices.IsSortedFunc(ids, func(a, b string) int { return strings.Compare(b, a) }) {
			t.Errorf("%s: %d ids: %v", way, len(ids), ids)
		}
	}
}

// What a list gives is what callout.Execution.Row says, bodies left out.
func TestAListHasNoBodies(t *testing.T) {
	h := newHouse(t)
	e := call(begin)
	h.begins(e)
	for way, q := range ways {
		page := h.list(q)
		if len(page.Executions) != 1 {
			t.Fatalf("%s: %d are listed", way, len(page.Executions))
		}
		got, want := page.Executions[0], e.Row()
		if encoded(t, got) != encoded(t, want) || got.ConfigID != e.ConfigID || !got.Deadline.Equal(e.Deadline) {
			t.Errorf("%s: listed is\n%s\nwant\n%s", way, encoded(t, got), encoded(t, want))
		}
	}
}
