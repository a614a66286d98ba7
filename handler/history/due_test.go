package history_test

import (
	"context"
	"maps"
	"slices"
	"testing"
	"time"

	"callout/handler/callout"
	"callout/handler/history"
)

// What time may have made due: all that waits, also what its time is over for, and
// the results that are still to be posted.
func TestWhatMayBeDue(t *testing.T) {
	h := newHouse(t)
	h.now = begin.Add(48 * time.Hour) // nobody has decided in time
	var records []*history.Record
	for i, status := range callout.Statuses {
		e := waiting(begin.Add(time.Duration(i) * time.Second))
		e.Callback = &callout.Callback{State: callout.CallbackWaiting}
		record := h.begins(e)
		if record.Status = status; i%2 == 0 {
			record.Callback = &callout.Callback{State: callout.CallbackDelivered}
		}
		if err := h.Write(t.Context(), record); err != nil {
			t.Fatal(err)
		}
		records = append(records, record)
	}
	for range 2 { // the second time, what is not due is no longer pointed to
		all, more, err := h.Waiting(t.Context(), time.Time{})
		if want := []*callout.Execution{records[1].Row(), records[0].Row()}; err != nil || more || encoded(t, all) != encoded(t, want) {
			t.Errorf("waiting are\n%s, more %v, %v; want\n%s", encoded(t, all), more, err, encoded(t, want))
		}
		all, more, err = h.Unposted(t.Context())
		want := []*callout.Execution{records[7].Row(), records[5].Row(), records[3].Row(), records[1].Row()}
		if err != nil || more || encoded(t, all) != encoded(t, want) {
			t.Errorf("unposted are\n%s, more %v, %v; want\n%s", encoded(t, all), more, err, encoded(t, want))
		}
	}
	if pending, unposted := h.pointers("pending"), h.pointers("unposted"); len(pending) != 2 || len(unposted) != 4 {
		t.Errorf("%d pointers to what waits and %d to what is unposted are left", len(pending), len(unposted))
	}
}

// Of more than is read at a time, the newest come first, and in the course of some
// runs everything comes, however it is spread and whoever asks: one that lies far
// back, many of one moment, and those in between.
func TestMoreIsDueThanIsRead(t *testing.T) {
	h := newHouse(t)
	h.index.longest = 2
	ages := []time.Duration{9000 * time.Hour}
	for i := range 20 {
		ages = append(ages, 0, time.Duration(i)*time.Millisecond, time.Hour+time.Duration(i)*time.Minute)
	}
	left := map[string]bool{}
	for _, age := range ages {
		e := waiting(begin.Add(-age))
		e.Callback = &callout.Callback{State: callout.CallbackWaiting}
		left[h.begins(e).ID] = true
	}
	newest := h.pointers("pending")[:10]
	before := func(ctx context.Context) ([]*callout.Execution, bool, error) {
		return h.Waiting(ctx, begin.Add(time.Second))
	}
	for _, due := range []func(context.Context) ([]*callout.Execution, bool, error){before, h.Unposted} {
		left := maps.Clone(left)
		for run := 0; len(left) > 0; run++ {
			all, more, err := due(t.Context())
			if err != nil || !more || len(all) < 10 || len(all) > 20 || !slices.Equal(idsOf(all[:10]), newest) || run == 5000 {
				t.Fatalf("run %d: %d are due, more %v, %v; %d were never met", run, len(all), more, err, len(left))
			}
			if ids := slices.Sorted(slices.Values(idsOf(all))); len(slices.Compact(ids)) != len(all) {
				t.Fatalf("run %d: some are given twice", run)
			}
			for _, e := range all {
				delete(left, e.ID)
			}
		}
	}
}

// What is little more than the newest is all given, from wherever it begins.
func TestTheRestThatIsDueIsReadAround(t *testing.T) {
	h := newHouse(t)
	h.index.longest = 2
	for i := range 16 {
		h.begins(waiting(begin.Add(time.Duration(i) * time.Second)))
	}
	all := h.pointers("pending")
	for range 50 {
		got, more, err := h.Waiting(t.Context(), time.Time{})
		ids := idsOf(got)
		slices.Sort(ids)
		slices.Reverse(ids)
		if err != nil || more || !slices.Equal(ids, all) {
			t.Fatalf("%d of %d are due, more %v, %v", len(ids), len(all), more, err)
		}
	}
	h.now = begin.Add(-time.Hour)
	if got, more, err := h.Waiting(t.Context(), begin.Add(4*time.Second)); err != nil || more || len(got) != 4 {
		t.Errorf("before a time: %d, more %v, %v", len(got), more, err)
	}
}

// A decision is announced before it is written, and may not come: the request
// waits, and is not shown among those that are decided. Another decision may come
// instead.
func TestADecisionThatIsAnnounced(t *testing.T) {
	h := newHouse(t)
	record := h.begins(waiting(begin))
	decide := func(decision callout.Decision, status callout.Status) *callout.Execution {
		e := *record.Execution
		approval := *e.Approval
		approval.Decision, e.Approval, e.Status = decision, &approval, status
		if err := h.Announce(t.Context(), &e); err != nil {
			t.Fatal(err)
		}
		return &e
	}
	approved := history.Query{ApprovedOf: record.ConfigID}
	decided := history.Query{Decided: true}
	decide(callout.DecisionApproved, callout.Approved)
	if got := slices.Concat(h.visit(approved, nil), h.visit(decided, nil)); len(got) != 0 {
		t.Errorf("before it is decided, it is listed as such: %v", got)
	}
	if a, d := h.pointers("a:01CONFIG"), h.pointers("decided"); len(a) != 1 || len(d) != 1 {
		t.Errorf("then %d and %d pointers are left", len(a), len(d))
	}
	record.Execution = decide(callout.DecisionDenied, callout.Denied)
	if err := h.Write(t.Context(), record); err != nil {
		t.Fatal(err)
	}
	if got := h.visit(approved, nil); len(got) != 0 {
		t.Errorf("it is denied, and listed as approved")
	}
	if got := h.visit(decided, nil); !slices.Equal(got, []string{record.ID}) {
		t.Errorf("as decided are listed %v", got)
	}
	if a, d := h.pointers("a:01CONFIG"), h.pointers("decided"); len(a) != 0 || len(d) != 1 {
		t.Errorf("in the end %d and %d pointers are left", len(a), len(d))
	}
}
