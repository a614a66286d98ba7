package execute_test

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"callout/handler/callout"
	"callout/handler/execute"
	"callout/handler/history"
	"callout/handler/idempotency"
)

func (h *house) keyed(x *execute.Executor, key, arguments string) (*callout.Execution, error) {
	return x.Do(h.t.Context(), execute.Call{Config: "api", Arguments: h.arguments(arguments), Key: key})
}

const booking = `"method": "POST", "fields": [{"name": "note", "type": "string"}, {"name": "n", "type": "number"}]`

// The same key with the same arguments is the same call, for a day.
func TestAKeyMakesOneCall(t *testing.T) {
	for _, config := range []string{booking, `"method": "GET", "fields": [{"name": "note", "type": "string"}, {"name": "n", "type": "number"}]`} {
		h := newHouse(t, fine)
		h.configure(config)
		first, err := h.keyed(h.Executor, "k", `{"note": "a", "n": 1}`)
		if err != nil {
			t.Fatal(err)
		}
		h.wantRecord(first)
		h.start() // another instance
		for _, same := range []string{`{"note": "a", "n": 1}`, `{ "n":1,"note":"\u0061"}`} {
			again, err := h.keyed(h.Executor, "k", same)
			if err != nil || encode(t, again.Brief()) != encode(t, first.Brief()) {
				t.Errorf("%s: got %s, %v; want %s", same, encode(t, again), err, encode(t, first))
			}
		}
		for _, other := range []string{`{}`, `{"note": "b", "n": 1}`, `{"note": "a", "n": 1.0}`} {
			_, err := h.keyed(h.Executor, "k", other)
			wantCode(t, err, callout.IdempotencyKeyReused)
		}
		wantSeen(t, h.api, 1)
		if _, err := h.keyed(h.Executor, "K", `{"note": "a", "n": 1}`); err != nil {
			t.Error(err)
		}
		h.clock.pass(idempotency.Kept)
		if later, err := h.keyed(h.Executor, "k", `{}`); err != nil || later.ID == first.ID {
			t.Errorf("a day later: %v, %v", later, err)
		}
		wantSeen(t, h.api, 3)
	}
}

// A failure is a result too: the key gives it back, and sends nothing.
func TestAKeyOfACallThatFailed(t *testing.T) {
	h := newHouse(t, inTurn(hangsUp, fine))
	h.configure(booking)
	for range 2 {
		e, err := h.keyed(h.Executor, "k", `{}`)
		if err != nil {
			t.Fatal(err)
		}
		wantEnd(t, e, callout.Unknown, callout.OutcomeUnknown)
	}
	wantSeen(t, h.api, 1)
}

// Who claimed a key and died before the intent was on record has sent nothing: the
// next caller goes on in its place.
func TestAClaimThatWasNotFollowedUp(t *testing.T) {
	h := newHouse(t, fine)
	h.configure(booking)
	h.executions.failAt(0, false)
	_, err := h.keyed(h.Executor, "k", `{"note": "a"}`)
	wantCode(t, err, callout.StorageUnavailable)
	wantSeen(t, h.api, 0)
	_, err = h.keyed(h.Executor, "k", `{"note": "b"}`)
	wantCode(t, err, callout.IdempotencyKeyReused)
	e, err := h.keyed(h.Executor, "k", `{"note": "a"}`)
	if err != nil {
		t.Fatal(err)
	}
	wantEnd(t, e, callout.Succeeded, "")
	wantSeen(t, h.api, 1)
}

// The intent of a call was written by somebody who gave up: nobody knows that it
// was not sent, so nobody sends it.
func TestAnIntentInDoubt(t *testing.T) {
	h := newHouse(t, fine)
	h.configure(booking + `, "timeoutSeconds": 1`)
	h.executions.failAt(0, true)
	_, err := h.keyed(h.Executor, "k", `{}`)
	wantCode(t, err, callout.StorageUnavailable)
	h.clock.pass(20 * time.Second)
	e, err := h.keyed(h.Executor, "k", `{}`)
	if err != nil {
		t.Fatal(err)
	}
	wantEnd(t, e, callout.Unknown, callout.OutcomeUnknown)
	wantSeen(t, h.api, 0)
}

// Callers of one key at the same moment, in two instances: one sends, all get what
// it got.
func TestCallersOfAKeyAtTheSameMoment(t *testing.T) {
	h := newHouse(t, echo)
	h.configure(booking)
	one := h.Executor
	h.start()
	for round := range 5 {
		h.api.forget()
		var all sync.WaitGroup
		answers := make([]string, 20)
		for i := range answers {
			all.Go(func() {
				x := []*execute.Executor{one, h.Executor}[i%2]
				e, err := h.keyed(x, fmt.Sprint(round), `{"note": "a"}`)
				if err != nil {
					t.Error(err)
					return
				}
				answers[i] = encode(t, e.Brief())
			})
		}
		all.Wait()
		for _, got := range answers {
			if got != answers[0] {
				t.Errorf("got %s, another %s", got, answers[0])
			}
		}
		wantSeen(t, h.api, 1)
	}
	if n := len(h.history()); n != 5 {
		t.Errorf("%d executions are on record", n)
	}
}

// A call that waits for a technician is one call too.
func TestAKeyOfACallThatWaits(t *testing.T) {
	h := newHouse(t, fine)
	h.configure(careful)
	e, err := h.keyed(h.Executor, "k", `{"note": "a"}`)
	if err != nil || e.Status != callout.PendingApproval {
		t.Fatalf("got %v, %v", e, err)
	}
	again, err := h.keyed(h.Executor, "k", `{"note": "a"}`)
	if err != nil || encode(t, again) != encode(t, e) {
		t.Errorf("got %s, %v", encode(t, again), err)
	}
	h.approve(e.ID, kim)
	done, err := h.keyed(h.Executor, "k", `{"note": "a"}`)
	if err != nil {
		t.Fatal(err)
	}
	wantEnd(t, done, callout.Succeeded, "")
	wantSeen(t, h.api, 1)
	if n := len(h.history()); n != 1 {
		t.Errorf("%d executions are on record", n)
	}
}

// Lists find what was called, by each of their filters.
func TestCallsAreListed(t *testing.T) {
	h := newHouse(t, fine)
	config := h.configure(booking)
	for i := range 3 {
		_, err := h.Do(t.Context(), execute.Call{Config: "api", Context: map[string]string{"ticket": fmt.Sprint("T", i%2)}})
		if err != nil {
			t.Fatal(err)
		}
		h.clock.pass(time.Second)
	}
	for name, tt := range map[string]struct {
		query history.Query
		want  int
	}{
		"all": {history.Query{}, 3}, "configuration": {history.Query{ConfigID: config.ID}, 3}, "another": {history.Query{ConfigID: "01X"}, 0},
		"ticket": {history.Query{Ticket: "T0"}, 2}, "status": {history.Query{Status: callout.Succeeded}, 3}, "waiting": {history.Query{Status: callout.PendingApproval}, 0},
		"from": {history.Query{From: begin.Add(time.Second)}, 2}, "to": {history.Query{To: begin.Add(time.Second)}, 1},
		"both": {history.Query{Ticket: "T0", From: begin.Add(time.Second), ConfigID: config.ID}, 1}, "decided": {history.Query{Decided: true}, 0},
	} {
		page, err := h.History.List(t.Context(), tt.query)
		if err != nil || len(page.Executions) != tt.want {
			t.Errorf("%s: %d are listed, %v, want %d", name, len(page.Executions), err, tt.want)
		}
	}
}
