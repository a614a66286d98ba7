package stores

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"callout/handler/callout"
	"callout/handler/history"
	"callout/handler/storetest/azurite"
	"callout/handler/storetest/fault"
)

// past writes executions of those numbers, a second apart, of ten configurations
// and tickets. The first five wait.
func (w *world) past(h *history.History, begin time.Time, from, to int) {
	w.t.Helper()
	var all sync.WaitGroup
	for worker := range workers {
		all.Go(func() {
			for n := from + worker; n < to; n += workers {
				at := begin.Add(time.Duration(n) * time.Second)
				e := &callout.Execution{ID: history.NewID(at), ConfigID: fmt.Sprint("01CONFIG", n%10), Status: callout.Succeeded,
					CreatedAt: at, Context: map[string]string{"ticket": fmt.Sprint("T", n%10)}}
				if n < 5 {
					e.Status, e.Approval = callout.PendingApproval, &callout.Approval{ExpiresAt: at.Add(48 * time.Hour)}
				}
				if err := h.Announce(w.t.Context(), e); err != nil {
					w.t.Error(err)
				}
				if err := h.Write(w.t.Context(), &history.Record{Execution: e}); err != nil {
					w.t.Error(err)
				}
			}
		})
	}
	all.Wait()
}

// shown reads a list to its end and returns the numbers of its executions, which
// their times tell.
func (w *world) shown(h *history.History, begin time.Time, q history.Query) (numbers []int) {
	w.t.Helper()
	for more := true; more; more = q.After != "" {
		page, err := h.List(w.t.Context(), q)
		if err != nil {
			w.t.Fatal(err)
		}
		for _, e := range page.Executions {
			numbers = append(numbers, int(e.CreatedAt.Sub(begin)/time.Second))
		}
		q.After = page.Next
	}
	return numbers
}

// below are the numbers below n of which this is the last digit, in the order of a
// list; any digit will do if it is negative.
func below(n, digit int) (numbers []int) {
	for i := n - 1; i >= 0; i-- {
		if digit < 0 || i%10 == digit {
			numbers = append(numbers, i)
		}
	}
	return numbers
}

// TestHistory: what a page costs does not depend on how many executions there are,
// and nothing is missing when the service gives less than it was asked for.
func TestHistory(t *testing.T) {
	w := newWorld(t)
	h, begin, there := w.instance().History, time.Now().Add(-time.Hour), 0
	for _, n := range []int{100, 1000} {
		w.past(h, begin, there, n)
		there = n
		for _, list := range []struct {
			what           string
			q              history.Query
			want           []int
			queries, reads int // of a page of 5
		}{
			{"the newest", history.Query{}, below(n, -1), 8, 0},
			{"by configuration", history.Query{ConfigID: "01CONFIG3"}, below(n, 3), 1, 5},
			{"by ticket", history.Query{Ticket: "T7"}, below(n, 7), 1, 5},
			{"by both", history.Query{Ticket: "T7", ConfigID: "01CONFIG7"}, below(n, 7), 1, 5},
			{"waiting", history.Query{Status: callout.PendingApproval}, []int{4, 3, 2, 1, 0}, 1, 5},
			{"of a time", history.Query{From: begin.Add(10 * time.Second), To: begin.Add(20 * time.Second)}, below(20, -1)[:10], 8, 0},
		} {
			if got := w.shown(h, begin, list.q); !slices.Equal(got, list.want) {
				t.Errorf("of %d, %s: %v", n, list.what, got)
			}
			list.q.Top = 5
			tables, _ := w.sent(func() { _, _ = h.List(t.Context(), list.q) })
			asked := len(slices.DeleteFunc(slices.Clone(tables), func(s string) bool { return !strings.HasSuffix(s, "()") }))
			if asked != list.queries || len(tables)-asked != list.reads {
				t.Errorf("of %d, %s: a page takes %d queries and %d reads, want %d and %d: %v",
					n, list.what, asked, len(tables)-asked, list.queries, list.reads, tables)
			}
			if n == 100 {
				w.wantShownThroughFaults(h, begin, list.q, list.want)
			}
		}
	}
}

// wantShownThroughFaults lists while pages are short and empty and answers are
// lost.
func (w *world) wantShownThroughFaults(h *history.History, begin time.Time, q history.Query, want []int) {
	w.t.Helper()
	defer w.tables.Use(nil)
	q.Top = 40
	for what, rule := range map[string]fault.Rule{
		"one after the other": fault.Then("GET /"+azurite.Account+"/*", fault.Empty(), fault.Shorten(1), fault.DropReply(), fault.Shorten(3),
			fault.Cut(), fault.Empty(), fault.Shorten(2), fault.Busy(0), fault.Empty(), fault.Shorten(1)),
		"a third short, a third empty": fault.Random(uint64(len(want)), fault.Rates{Shorten: 1. / 3, Empty: 1. / 3}),
	} {
		w.tables.Use(rule)
		if got := w.shown(h, begin, q); !slices.Equal(got, want) {
			w.t.Errorf("%s, %+v: %d are listed, want %d", what, q, len(got), len(want))
		}
	}
}

// Two instances remove what is old at the same time while answers are lost. Nothing
// is left of it, and nothing else is gone.
func TestTwoInstancesExpireAtOnce(t *testing.T) {
	w := newWorld(t)
	first, second := w.instance().History, w.instance().History
	const n, old = 120, 80
	begin := time.Now().Add(-30 * time.Hour) // nothing younger than 26 is ever removed
	w.past(first, begin, 0, n)
	w.tables.Use(fault.Random(5, fault.Rates{DropReply: 0.05, DropRequest: 0.02, Busy: 0.02}))
	var all sync.WaitGroup
	for _, h := range []*history.History{first, second} {
		all.Go(func() {
			if _, err := h.Expire(t.Context(), begin.Add(old*time.Second), 1000); err != nil {
				t.Errorf("Expire: %v", err)
			}
		})
	}
	all.Wait()
	w.tables.Use(nil)
	if _, err := first.Expire(t.Context(), begin.Add(old*time.Second), 1000); err != nil { // what one of them left to the other
		t.Error(err)
	}
	waiting := []int{4, 3, 2, 1, 0}
	if got, want := w.shown(first, begin, history.Query{}), append(below(n, -1)[:n-old], waiting...); !slices.Equal(got, want) {
		t.Errorf("left are %v", got)
	}
	for i := range 10 {
		for _, q := range []history.Query{{ConfigID: fmt.Sprint("01CONFIG", i)}, {Ticket: fmt.Sprint("T", i)}} {
			want := slices.DeleteFunc(append(below(n, -1)[:n-old], waiting...), func(k int) bool { return k%10 != i })
			tables, _ := w.sent(func() {
				if got := w.shown(first, begin, q); !slices.Equal(got, want) {
					t.Errorf("%+v: left are %v, want %v", q, got, want)
				}
			})
			if len(tables) != 1+len(want) {
				t.Errorf("%+v: something points to what is gone: %v", q, tables)
			}
		}
	}
}
