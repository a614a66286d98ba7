package history_test

import (
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

func TestMoreIsDueThanIsRead(t *testing.T) {
	h := newHouse(t)
	h.index.longest = 2
	var ids []string
	for i := range 12 {
		ids = append([]string{h.begins(waiting(begin.Add(time.Duration(i) * time.Second))).ID}, ids...)
	}
	all, more, err := h.Waiting(t.Context(), time.Time{})
	if err != nil || !more || len(all) != 10 || all[0].ID != ids[0] || all[9].ID != ids[9] {
		t.Errorf("%d wait, more %v, %v", len(all), more, err)
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
