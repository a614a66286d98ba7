package history_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"callout/handler/callout"
	"callout/handler/history"
)

// some writes executions of all kinds: n of them, at random times within n
// milliseconds, of three configurations and four tickets, in any state. It returns
// them newest first.
func (h *house) some(n int, random *rand.Rand) []*callout.Execution {
	h.t.Helper()
	var all []*callout.Execution
	for range n {
		at := begin.Add(time.Duration(random.IntN(n)) * time.Millisecond)
		e := call(at)
		e.Status = callout.Statuses[random.IntN(len(callout.Statuses))]
		e.ConfigID = fmt.Sprint("01CONFIG", random.IntN(3))
		e.Context = nil
		if ticket := random.IntN(5); ticket > 0 {
			e.Context = map[string]string{"ticket": fmt.Sprint("T", ticket)}
		}
		switch {
		case e.Status == callout.PendingApproval || e.Status == callout.Expired:
			e.Approval = &callout.Approval{ExpiresAt: at.Add(45 * time.Second)}
		case e.Status == callout.Denied:
			e.Approval = &callout.Approval{Decision: callout.DecisionDenied}
		case e.Status == callout.Approved || random.IntN(2) == 0:
			e.Approval = &callout.Approval{Decision: callout.DecisionApproved}
		}
		all = append(all, e)
	}
	h.begin(all)
	slices.SortFunc(all, func(a, b *callout.Execution) int {
		if a.ID > b.ID {
			return -1
		}
		return 1
	})
	return all
}

// picks says what a query means, one execution at a time.
func picks(q history.Query, e *callout.Execution, now time.Time) bool {
	at := e.CreatedAt.Truncate(time.Millisecond)
	switch {
	case q.ConfigID != "" && e.ConfigID != q.ConfigID,
		q.Ticket != "" && e.Context["ticket"] != q.Ticket,
		q.Status != "" && e.At(now).Status != q.Status,
		(q.Decided || q.ApprovedOf != "") && (e.Approval == nil || e.Approval.Decision == ""),
		q.ApprovedOf != "" && (e.ConfigID != q.ApprovedOf || e.Approval.Decision != callout.DecisionApproved),
		!q.From.IsZero() && at.Before(q.From.Truncate(time.Millisecond)),
		!q.To.IsZero() && !at.Before(q.To.Truncate(time.Millisecond)):
		return false
	}
	return true
}

// anyQuery combines filters at random.
func anyQuery(random *rand.Rand, n int) history.Query {
	q := history.Query{Top: 1 + random.IntN(n)}
	at := func() time.Time { return begin.Add(time.Duration(random.IntN(n*1000)) * time.Microsecond) }
	if random.IntN(2) == 0 {
		q.ConfigID = fmt.Sprint("01CONFIG", random.IntN(4)) // the last has none
	}
	if random.IntN(3) == 0 {
		q.Ticket = fmt.Sprint("T", 1+random.IntN(5))
	}
	if random.IntN(2) == 0 {
		q.Status = callout.Statuses[random.IntN(len(callout.Statuses))]
	}
	switch random.IntN(6) {
	case 0:
		q.Decided = true
	case 1:
		q.ApprovedOf = fmt.Sprint("01CONFIG", random.IntN(4))
	}
	if random.IntN(3) == 0 {
		q.From = at()
	}
	if random.IntN(3) == 0 {
		q.To = at()
	}
	return q
}

// Every combination of filters, in pages of every size, is what a reader of
// everything would find.
func TestAListIsWhatTheFilterSays(t *testing.T) {
	const seed, n = 7, 200
	random := rand.New(rand.NewPCG(seed, seed))
	h := newHouse(t)
	all := h.some(n, random)
	for _, after := range []time.Duration{0, time.Minute} { // some are overdue then
		h.now = begin.Add(after)
		for range 300 {
			q := anyQuery(random, n)
			var want []string
			for _, e := range all {
				if picks(q, e, h.now) {
					want = append(want, e.ID)
				}
			}
			if got := h.visit(q, nil); !slices.Equal(got, want) && len(got)+len(want) > 0 {
				t.Fatalf("seed %d, %v later: %+v\ngives %v\nwant  %v", seed, after, q, got, want)
			}
		}
	}
}

func TestTheBoundsOfTime(t *testing.T) {
	h := newHouse(t)
	ids := h.fill(3) // at 0, 1 and 2 ms
	ms := func(n float64) time.Time { return begin.Add(time.Duration(n * float64(time.Millisecond))) }
	for _, c := range []struct {
		name string
		q    history.Query
		want []string
	}{
		{"from is included", history.Query{From: ms(1)}, ids[:2]},
		{"to is not", history.Query{To: ms(1)}, ids[2:]},
		{"one millisecond", history.Query{From: ms(1), To: ms(2)}, ids[1:2]},
		{"none", history.Query{From: ms(1), To: ms(1)}, nil},
		{"the wrong way round", history.Query{From: ms(2), To: ms(1)}, nil},
		{"less than a millisecond counts for nothing", history.Query{From: ms(1.9), To: ms(2.9)}, ids[1:2]},
		{"before all", history.Query{To: ms(0)}, nil},
		{"after all", history.Query{From: ms(3)}, nil},
		{"from the year 1", history.Query{From: time.Unix(-1<<35, 0)}, ids},
		{"from 1970", history.Query{From: time.UnixMilli(0)}, ids},
		{"to 1970", history.Query{To: time.UnixMilli(0)}, nil},
		{"to the year 1", history.Query{To: time.Unix(-1<<35, 0)}, nil},
		{"to the year 20000", history.Query{To: time.Unix(1<<39, 0)}, ids},
		{"from the year 20000", history.Query{From: time.Unix(1<<39, 0)}, nil},
		{"after a cursor and to", history.Query{After: ids[0], To: ms(2)}, ids[1:]},
		{"after a cursor that is older than to", history.Query{After: ids[1], To: ms(3)}, ids[2:]},
		{"after a cursor that is newer than to", history.Query{After: ids[0], To: ms(1)}, ids[2:]},
	} {
		for _, c.q.Ticket = range []string{"", "T20261123.0042"} {
			if got := h.visit(c.q, nil); !slices.Equal(got, c.want) {
				t.Errorf("%s: %v, want %v", c.name, got, c.want)
			}
		}
	}
}

// A filter that no index serves looks at so many executions a page, finds what is
// among them, and says where to go on.
func TestAPageLooksAtSoManyAndNoMore(t *testing.T) {
	h := newHouse(t)
	const n, top = 2500, 10
	ids := h.many(n, func(i int, e *callout.Execution) {
		if e.Status = callout.Succeeded; i == 0 || i == n/2 || i == n-1 {
			e.Status = callout.Failed
		}
	})
	for name, q := range map[string]history.Query{"all": {}, "configuration": {ConfigID: "01CONFIG"}} {
		q.Status, q.Top, q.After = callout.Failed, top, ""
		var found []string
		pages := 0
		for more := true; more; pages++ {
			page := h.list(q)
			for _, e := range page.Executions {
				found = append(found, e.ID)
			}
			q.After, more = page.Next, page.Next != ""
			if pages == 0 && q.After != ids[1000+top-1] {
				t.Errorf("%s: the first page ends at %d", name, slices.Index(ids, q.After))
			}
		}
		if want := []string{ids[0], ids[n-1-n/2], ids[n-1]}; !slices.Equal(found, want) || pages != 3 {
			t.Errorf("%s: found on %d pages: %v, want %v", name, pages, found, want)
		}
	}
}
