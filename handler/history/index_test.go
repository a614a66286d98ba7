package history_test

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"
	"testing"
	"time"

	"callout/handler/callout"
	"callout/handler/history"
	"callout/handler/store"
)

// pointers returns the ids that a partition of the index points to, newest first.
func (h *house) pointers(partition string) []string {
	h.t.Helper()
	page, err := h.index.Table.List(h.t.Context(), store.Range{Partition: partition})
	if err != nil {
		h.t.Fatal(err)
	}
	ids := []string{}
	for _, row := range page.Rows {
		if len(row.Head)+len(row.Data) > 0 {
			h.t.Errorf("a pointer of %s holds something", partition)
		}
		ids = append(ids, idOf(row.Key))
	}
	return ids
}

// idOf is the id whose key of reversed digits this is.
func idOf(key string) string {
	const digits = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
	return strings.Map(func(r rune) rune { return rune(digits[31-strings.IndexRune(digits, r)]) }, key)
}

func byTicket(ticket string) string {
	sum := sha256.Sum256([]byte(ticket))
	return "t:" + hex.EncodeToString(sum[:])
}

// waiting is a call that a technician is asked about.
func waiting(at time.Time) *callout.Execution {
	e := call(at)
	e.Status, e.Response, e.Deadline = callout.PendingApproval, nil, time.Time{}
	e.Approval = &callout.Approval{Digest: "digest", ExpiresAt: at.Add(24 * time.Hour)}
	return e
}

func (h *house) wantPointers(what string, e *callout.Execution, partitions ...string) {
	h.t.Helper()
	for _, partition := range []string{"c:" + e.ConfigID, byTicket(e.Context["ticket"]), "pending"} {
		if got := slices.Contains(h.pointers(partition), e.ID); got != slices.Contains(partitions, partition) {
			h.t.Errorf("%s: in %s is a pointer: %v", what, partition, got)
		}
	}
}

func TestAnnounce(t *testing.T) {
	h := newHouse(t)
	const byConfig = "c:01CONFIG"
	ticket := byTicket("T20261123.0042")
	for what, c := range map[string]struct {
		e    *callout.Execution
		want []string
	}{
		"a call":        {call(begin), []string{byConfig, ticket}},
		"one to decide": {waiting(begin), []string{byConfig, ticket, "pending"}},
		"one without a ticket": {func() *callout.Execution { e := call(begin); e.Context = map[string]string{"who": "me"}; return e }(),
			[]string{byConfig}},
	} {
		for range 2 { // the second changes nothing
			if err := h.Announce(t.Context(), c.e); err != nil {
				t.Fatalf("%s: %v", what, err)
			}
		}
		h.wantPointers(what, c.e, c.want...)
	}
	if n := len(h.pointers(byConfig)); n != 3 {
		t.Errorf("%d pointers", n)
	}
}

// A ticket may be any text.
func TestTicketsOfEveryKind(t *testing.T) {
	h := newHouse(t)
	tickets := []string{"T1", "t1", "T1 ", "T1/2#?'\"\x00", "Störung", strings.Repeat("é", 1024), "c:01CONFIG"}
	for i, ticket := range tickets {
		e := call(begin.Add(time.Duration(i) * time.Second))
		e.Context = map[string]string{"ticket": ticket}
		h.begins(e)
	}
	for _, ticket := range tickets {
		page := h.list(history.Query{Ticket: ticket})
		if len(page.Executions) != 1 || page.Executions[0].Context["ticket"] != ticket {
			t.Errorf("%.20q: %d executions", ticket, len(page.Executions))
		}
	}
}

// A process that dies between announcing and writing leaves a pointer to nothing:
// lists pass it over, and remove it when no key of idempotency can lead to its id.
func TestAPointerToNothing(t *testing.T) {
	h := newHouse(t)
	lost := waiting(begin)
	if err := h.Announce(t.Context(), lost); err != nil {
		t.Fatal(err)
	}
	there := waiting(begin.Add(time.Second))
	there.Approval.ExpiresAt = begin.Add(48 * time.Hour)
	h.begins(there)
	all := []string{"c:01CONFIG", byTicket("T20261123.0042"), "pending"}
	queries := []history.Query{{ConfigID: "01CONFIG"}, {Ticket: "T20261123.0042"}, {Status: callout.PendingApproval}}
	for _, c := range []struct {
		after time.Duration
		left  []string
	}{{0, all}, {24 * time.Hour, all}, {25 * time.Hour, all}, {25*time.Hour + time.Millisecond, nil}} {
		h.now = begin.Add(c.after)
		for _, q := range queries {
			if got := h.visit(q, nil); !slices.Equal(got, []string{there.ID}) {
				t.Errorf("after %v: %+v lists %v", c.after, q, got)
			}
		}
		h.wantPointers("after "+c.after.String(), lost, c.left...)
		h.wantPointers("after "+c.after.String(), there, all...)
	}
}

// The id of a call may be a day old when it is written: a key of idempotency keeps it.
func TestAnExecutionThatComesLate(t *testing.T) {
	h := newHouse(t)
	e := call(begin)
	if err := h.Announce(t.Context(), e); err != nil {
		t.Fatal(err)
	}
	h.now = begin.Add(24*time.Hour + 50*time.Minute)
	if got := h.visit(history.Query{ConfigID: e.ConfigID}, nil); len(got) != 0 {
		t.Errorf("before it is written are listed %v", got)
	}
	h.write(e)
	h.now = begin.Add(26 * time.Hour)
	if got := h.visit(history.Query{ConfigID: e.ConfigID}, nil); !slices.Equal(got, []string{e.ID}) {
		t.Errorf("then are listed %v", got)
	}
}

// Among what waits are those that are approved and not yet sent: who finds them
// sends them. The rest leaves the list at once, and its pointers with the next
// look. What has expired and does not say so yet is kept for whoever writes that.
func TestWhatWaits(t *testing.T) {
	h := newHouse(t)
	h.now = begin.Add(time.Hour)
	kept := map[callout.Status]bool{callout.PendingApproval: true, callout.Approved: true}
	var records []*history.Record
	for i, status := range callout.Statuses {
		record := h.begins(waiting(begin.Add(time.Duration(i) * time.Second)))
		record.Status = status
		if err := h.Write(t.Context(), record); err != nil {
			t.Fatal(err)
		}
		records = append(records, record)
	}
	h.index.asked()
	for _, status := range []callout.Status{callout.Approved, callout.PendingApproval} {
		page := h.list(history.Query{Status: status})
		if len(page.Executions) != 1 || page.Executions[0].Status != status {
			t.Errorf("listed as %s are %d", status, len(page.Executions))
		}
	}
	for _, record := range records {
		partitions := []string{"c:01CONFIG", byTicket("T20261123.0042")}
		if kept[record.Status] {
			partitions = append(partitions, "pending")
		}
		h.wantPointers(string(record.Status), record.Execution, partitions...)
	}
	h.now = begin.Add(48 * time.Hour)
	if page := h.list(history.Query{Status: callout.PendingApproval}); len(page.Executions) != 0 {
		t.Errorf("after they have expired, %d wait", len(page.Executions))
	}
	h.wantPointers("expired", records[0].Execution, "c:01CONFIG", byTicket("T20261123.0042"), "pending")
	if got := h.visit(history.Query{Status: callout.Expired}, nil); !slices.Contains(got, records[0].ID) {
		t.Errorf("listed as expired are %v", got)
	}
}

// A list does not fail because it cannot tidy up.
func TestStalePointersThatCannotBeRemoved(t *testing.T) {
	h := newHouse(t)
	if err := h.Announce(t.Context(), call(begin)); err != nil {
		t.Fatal(err)
	}
	h.now = begin.Add(26 * time.Hour)
	h.index.fails = func(string, string) error { return store.ErrUnavailable }
	if page := h.list(history.Query{ConfigID: "01CONFIG"}); len(page.Executions) != 0 || page.Next != "" {
		t.Errorf("listed is %+v", page)
	}
	if n := len(h.pointers("c:01CONFIG")); n != 1 {
		t.Errorf("%d pointers are left", n)
	}
}

// A page of pointers of which most point to nothing is filled from the next.
func TestAPageBehindManyPointersToNothing(t *testing.T) {
	h := newHouse(t)
	want := h.fill(10)
	for i := range 50 {
		if err := h.Announce(t.Context(), call(begin.Add(time.Minute+time.Duration(i)*time.Millisecond))); err != nil {
			t.Fatal(err)
		}
	}
	page := h.list(history.Query{ConfigID: "01CONFIG", Top: 5})
	if len(page.Executions) != 5 || page.Executions[0].ID != want[0] || page.Next != want[4] {
		t.Errorf("the page has %d, and %s comes next", len(page.Executions), page.Next)
	}
}
