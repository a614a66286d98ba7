package history_test

import (
	"slices"
	"testing"
	"time"

	"callout/handler/callout"
	"callout/handler/history"
)

// One row that cannot be read hides no other, and has its place in every list of
// which it is known that it belongs there.
func TestWhatCannotBeReadIsListedInItsPlace(t *testing.T) {
	for what, head := range map[string]string{"newer": `{"schema":9}`, "damaged": `{`} {
		h := newHouse(t)
		ids := h.fill(9)
		row := h.rowOf(ids[4])
		row.Head = []byte(head)
		if _, err := h.executions.Table.Put(t.Context(), row); err != nil {
			t.Fatal(err)
		}
		others := slices.Delete(slices.Clone(ids), 4, 5)
		for _, c := range []struct {
			q    history.Query
			want []string
		}{
			{history.Query{}, ids},
			{history.Query{ConfigID: "01CONFIG"}, ids},
			{history.Query{Ticket: "T20261123.0042"}, ids},
			{history.Query{From: begin, To: begin.Add(time.Hour)}, ids},
			{history.Query{Status: callout.Unknown}, ids[4:5]},
			{history.Query{ConfigID: "01CONFIG", Status: callout.Unknown}, ids[4:5]},
			{history.Query{Status: callout.Succeeded}, others},
			{history.Query{ConfigID: "01CONFIG", Ticket: "T20261123.0042"}, others},
			{history.Query{Decided: true}, []string{}},
			{history.Query{Status: callout.PendingApproval}, []string{}},
		} {
			for _, c.q.Top = range []int{1, 2, 5, 100} {
				if got := h.visit(c.q, nil); !slices.Equal(got, c.want) {
					t.Errorf("%s: %+v lists %d, want %d", what, c.q, len(got), len(c.want))
				}
			}
		}
		for _, e := range h.list(history.Query{ConfigID: "01CONFIG"}).Executions {
			if e.ConfigID != "01CONFIG" {
				t.Errorf("%s: of a configuration is listed one of %q", what, e.ConfigID)
			}
		}
	}
}

// What is not known to be decided, or to wait, is not shown as such, though it is
// pointed to.
func TestWhatCannotBeReadIsNotSaidToBeDecided(t *testing.T) {
	h := newHouse(t)
	e := waiting(begin)
	e.Approval.Decision = callout.DecisionApproved
	h.begins(e)
	row := h.rowOf(e.ID)
	row.Head = []byte("{")
	if _, err := h.executions.Table.Put(t.Context(), row); err != nil {
		t.Fatal(err)
	}
	for _, q := range []history.Query{{Decided: true}, {ApprovedOf: "01CONFIG"}, {Status: callout.PendingApproval}} {
		if got := h.visit(q, nil); len(got) != 0 {
			t.Errorf("%+v lists it", q)
		}
	}
}
