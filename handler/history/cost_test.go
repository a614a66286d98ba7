package history_test

import (
	"fmt"
	"testing"
	"time"

	"callout/handler/callout"
	"callout/handler/history"
)

// many announces and writes n executions, a second apart. It returns the ids newest
// first. change is given the number of each.
func (h *house) many(n int, change func(i int, e *callout.Execution)) []string {
	h.t.Helper()
	all := make([]*callout.Execution, n)
	for i := range n {
		e := call(begin.Add(time.Duration(i) * time.Second))
		change(i, e)
		all[n-1-i] = e
	}
	h.begin(all)
	return idsOf(all)
}

// What a page costs does not depend on how large the history is: requests to the
// tables, counted, for pages of 5. Lists by the index ask every partition that has
// one of the rows, at most 5 here. (Table Storage is asked once for each row.)
func TestWhatAPageCosts(t *testing.T) {
	h, there := newHouse(t), 0
	for _, n := range []int{100, 1000, 5000} {
		h.grow(there, n)
		there = n
		for _, list := range []struct {
			name              string
			q                 history.Query
			shown             int
			executions, index int64 // at most
		}{
			{"the newest", history.Query{}, 5, 8, 0},
			{"in the middle", history.Query{To: begin.Add(50 * time.Second)}, 5, 8, 0},
			{"of an hour", history.Query{From: begin, To: begin.Add(time.Hour)}, 5, 8, 0},
			{"by configuration", history.Query{ConfigID: "01CONFIG3"}, 5, 5, 1},
			{"by ticket", history.Query{Ticket: "T7"}, 5, 5, 1},
			{"by ticket and configuration", history.Query{Ticket: "T7", ConfigID: "01CONFIG7"}, 5, 5, 1},
			{"waiting", history.Query{Status: callout.PendingApproval}, 5, 5, 1},
			{"waiting, by configuration", history.Query{Status: callout.PendingApproval, ConfigID: "01CONFIG9"}, 1, 5 + 5, 2},
			{"a status that all have", history.Query{Status: callout.Succeeded}, 5, 8, 0},
			{"a status that none has", history.Query{Status: callout.Unknown}, 0, 2 * 8, 0},
			{"a status that none has, by configuration", history.Query{Status: callout.Unknown, ConfigID: "01CONFIG3"}, 0, 5 + 8, 2},
			{"a configuration that does not exist", history.Query{ConfigID: "01CONFIGX"}, 0, 0, 1},
		} {
			h.executions.asked()
			h.index.asked()
			list.q.Top = 5
			shown := len(h.list(list.q).Executions)
			if executions, index := h.executions.asked(), h.index.asked(); executions > list.executions || index > list.index || shown != list.shown {
				t.Errorf("of %d, %s: %d requests for executions and %d to the index show %d; want %d, %d and %d",
					n, list.name, executions, index, shown, list.executions, list.index, list.shown)
			}
		}
	}
}

// grow adds executions up to the n-th, a second apart, of ten configurations and
// ten tickets. The first ten wait.
func (h *house) grow(there, n int) {
	h.t.Helper()
	h.many(n-there, func(i int, e *callout.Execution) {
		i += there
		at := begin.Add(time.Duration(i) * time.Second)
		e.ID, e.CreatedAt = history.NewID(at), at
		e.ConfigID, e.Context = fmt.Sprint("01CONFIG", i%10), map[string]string{"ticket": fmt.Sprint("T", i%10)}
		if i < 10 {
			e.Status, e.Approval = callout.PendingApproval, &callout.Approval{ExpiresAt: at.Add(time.Hour)}
		}
	})
}

// No body is read for a list.
func TestAListAsksForHeads(t *testing.T) {
	h := newHouse(t)
	h.fill(20)
	for way, q := range ways {
		h.executions.bodies.Store(0)
		if got := len(h.list(q).Executions); got != 20 {
			t.Errorf("%s: %d are listed", way, got)
		}
		if n := h.executions.bodies.Load(); n != 0 {
			t.Errorf("%s: %d rows were asked for whole", way, n)
		}
	}
}
