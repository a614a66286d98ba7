package execute_test

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"callout/handler/callout"
	"callout/handler/catalog"
	"callout/handler/execute"
	"callout/handler/history"
	"callout/handler/request"
)

// careful is a configuration that asks for approval, with a secret in each place.
const careful = `"method": "POST", "approval": "required", "auth": {"type": "bearer", "token": "canary-token"},
	"headers": [{"name": "X-Key", "value": "canary-header", "secret": true}],
	"fields": [{"name": "note", "type": "string", "required": true}, {"name": "n", "type": "number"}, {"name": "o", "type": "object"}]`

// asked makes a call that waits, and returns it.
func (h *house) asked(arguments string) *callout.Execution {
	h.t.Helper()
	e := h.call(arguments)
	if e.Status != callout.PendingApproval || e.Approval == nil || e.Attempts != 0 || e.Response != nil || e.Error != nil {
		h.t.Fatalf("the call is %s", encode(h.t, e))
	}
	h.wantRecord(e)
	return e
}

var kim = execute.Ruling{By: "kim", Claimed: true}

func (h *house) approve(id string, ruling execute.Ruling) *callout.Execution {
	h.t.Helper()
	e, err := h.Approve(h.t.Context(), id, ruling)
	if err != nil {
		h.t.Fatalf("Approve: %v", err)
	}
	return e
}

func (h *house) deny(id, reason string) *callout.Execution {
	h.t.Helper()
	e, err := h.Deny(h.t.Context(), id, execute.Ruling{By: "lee", Claimed: true, Reason: reason})
	if err != nil {
		h.t.Fatalf("Deny: %v", err)
	}
	return e
}

// What is shown is what is sent, once, when a technician says yes.
func TestAnApprovedRequestIsTheOneThatWasShown(t *testing.T) {
	h := newHouse(t, echo)
	h.configure(careful)
	e := h.asked(`{"note": "for canary-token", "n": 1.50, "o": {"z": [1, {}], "a": null}}`)
	wantSeen(t, h.api, 0)
	shown := encode(t, e.Request)
	if !strings.Contains(shown, `"n":1.50`) || !strings.Contains(shown, `[secret]`) || strings.Contains(shown, "canary") {
		t.Errorf("shown is %s", shown)
	}
	if want := begin.Add(day); !e.Approval.ExpiresAt.Equal(want) || e.Approval.ConfigVersion != 1 || len(e.Approval.Digest) != 64 {
		t.Errorf("it is asked %s", encode(t, e.Approval))
	}
	h.clock.pass(time.Hour)
	done := h.approve(e.ID, kim)
	wantEnd(t, done, callout.Succeeded, "")
	wantSeen(t, h.api, 1)
	sent := h.api.requests()[0]
	if sent.header.Get("Authorization") != "Bearer canary-token" || sent.header.Get("X-Key") != "canary-header" ||
		sent.body != `{"note":"for canary-token","n":1.50,"o":{"a":null,"z":[1,{}]}}` {
		t.Errorf("sent was %+v", sent)
	}
	if a := done.Approval; a.Decision != callout.DecisionApproved || a.By != "kim" || !a.Claimed || !a.DecidedAt.Equal(begin.Add(time.Hour)) || a.Digest != e.Approval.Digest {
		t.Errorf("decided is %s", encode(t, a))
	}
	if encode(t, done.Request) != shown {
		t.Errorf("on record is %s, shown was %s", encode(t, done.Request), shown)
	}
	h.wantRecord(done)
	if again := h.approve(e.ID, execute.Ruling{By: "lee"}); encode(t, again) != encode(t, h.read(e.ID)) {
		t.Errorf("approved once more, it is %s", encode(t, again))
	}
	wantSeen(t, h.api, 1)
}

func TestADeniedRequestIsNotSent(t *testing.T) {
	h := newHouse(t, fine)
	h.configure(careful)
	e := h.asked(`{"note": "a"}`)
	denied := h.deny(e.ID, "the wrong customer")
	wantEnd(t, denied, callout.Denied, callout.ApprovalDenied)
	if !strings.Contains(denied.Error.Message, "the wrong customer") || denied.Approval.Reason != "the wrong customer" {
		t.Errorf("the agent is told %s", encode(t, denied.Error))
	}
	h.wantRecord(denied)
	if again := h.deny(e.ID, "another reason"); encode(t, again) != encode(t, denied) {
		t.Errorf("denied once more, it is %s", encode(t, again))
	}
	_, err := h.Approve(t.Context(), e.ID, kim)
	wantCode(t, err, callout.ApprovalNotPending)
	wantSeen(t, h.api, 0)
}

// Silence is a no, whether or not the timer has come by.
func TestSilenceIsANo(t *testing.T) {
	for _, swept := range []bool{false, true} {
		h := newHouse(t, fine)
		h.configure(careful)
		e := h.asked(`{"note": "a"}`)
		h.clock.pass(day)
		if swept {
			h.sweepOnce(execute.Tended{Expired: 1})
		}
		wantEnd(t, h.read(e.ID), callout.Expired, callout.ApprovalExpired)
		_, err := h.Approve(t.Context(), e.ID, kim)
		wantCode(t, err, callout.ApprovalNotPending)
		_, err = h.Deny(t.Context(), e.ID, execute.Ruling{Reason: "no"})
		wantCode(t, err, callout.ApprovalNotPending)
		wantSeen(t, h.api, 0)
		h.sweepOnce(execute.Tended{Expired: map[bool]int{false: 1}[swept]})
		h.sweepOnce(execute.Tended{})
	}
}

// sweepOnce lets the timer do what is due of calls.
func (h *house) sweepOnce(want execute.Tended) {
	h.t.Helper()
	if got, err := h.Tend(h.t.Context()); err != nil || got != want {
		h.t.Errorf("a run of the timer: %+v, %v; want %+v", got, err, want)
	}
}

// What was approved is bound to the configuration as it was.
func TestAChangedConfigurationEndsAnApproval(t *testing.T) {
	for name, change := range map[string]func(h *house){
		"the description":  func(h *house) { h.configure(careful + `, "description": "changed"`) },
		"the endpoint":     func(h *house) { h.configure(careful + `, "endpoint": "` + h.api.origin() + `/other"`) },
		"a secret":         func(h *house) { h.configure(strings.Replace(careful, "canary-token", "canary-other", 1)) },
		"it is off":        func(h *house) { h.configure(careful + `, "enabled": false`) },
		"it is gone":       func(h *house) { h.remove() },
		"it is another":    func(h *house) { h.remove(); h.configure(careful) },
		"not asked for it": func(h *house) { h.configure(strings.Replace(careful, "required\", \"auth", "none\", \"auth", 1)) },
	} {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t, fine)
			h.configure(careful)
			e := h.asked(`{"note": "a"}`)
			change(h)
			done := h.approve(e.ID, kim)
			wantEnd(t, done, callout.Failed, callout.ConfigChanged)
			if done.Approval.Decision != callout.DecisionApproved || done.Attempts != 0 {
				t.Errorf("got %s", encode(t, done))
			}
			h.wantRecord(done)
			h.approve(e.ID, kim)
			wantSeen(t, h.api, 0)
		})
	}
}

func (h *house) remove() {
	h.t.Helper()
	if err := h.Catalog.Delete(h.t.Context(), "api", catalog.Condition{}); err != nil {
		h.t.Fatal(err)
	}
}

// Edited arguments make another request, which is the one on record.
func TestEditedArguments(t *testing.T) {
	h := newHouse(t, echo)
	h.configure(careful)
	e := h.asked(`{"note": "a", "n": 1}`)
	_, err := h.Approve(t.Context(), e.ID, execute.Ruling{Arguments: request.Arguments{"n": "one", "canary": true}})
	if refusal := wantCode(t, err, callout.InvalidArguments); len(refusal.Details) != 3 {
		t.Errorf("the faults are %+v", refusal.Details)
	}
	if now := h.read(e.ID); now.Status != callout.PendingApproval {
		t.Fatalf("after a refusal it is %s", now.Status)
	}
	done := h.approve(e.ID, execute.Ruling{By: "kim", Arguments: h.arguments(`{"note": "b"}`)})
	wantEnd(t, done, callout.Succeeded, "")
	if sent := h.api.requests()[0].body; sent != `{"note":"b"}` || string(done.Request.Body) != `{"note":"b"}` {
		t.Errorf("sent was %s, on record is %s", sent, done.Request.Body)
	}
	if a := done.Approval; a.OriginalDigest != e.Approval.Digest || a.Digest == e.Approval.Digest {
		t.Errorf("the digests are %s", encode(t, a))
	}
	h.wantRecord(done)
}

func TestASafeMethodMayAskForApproval(t *testing.T) {
	h := newHouse(t, fine)
	h.configure(`"method": "GET", "approval": "required"`)
	e := h.asked(`{}`)
	done := h.approve(e.ID, kim)
	wantEnd(t, done, callout.Succeeded, "")
	h.wantRecord(done)
	wantSeen(t, h.api, 1)
}

func TestDecisionsThatAreRefused(t *testing.T) {
	h := newHouse(t, fine)
	h.configure(`"method": "POST"`)
	unasked := h.call(`{}`)
	for id, code := range map[string]string{
		unasked.ID: callout.ApprovalNotPending, history.NewID(begin): callout.ExecutionNotFound, "canary": callout.ExecutionNotFound,
	} {
		_, err := h.Approve(t.Context(), id, kim)
		wantCode(t, err, code)
		_, err = h.Deny(t.Context(), id, execute.Ruling{Reason: "no"})
		wantCode(t, err, code)
	}
	wantSeen(t, h.api, 1)
}

// When the store fails at the nth write, what is on record is true, nothing is sent
// twice, and to repeat the approval or the timer brings it to its end.
func TestApprovingWhileTheStoreFails(t *testing.T) {
	for n := range 4 {
		for _, committed := range []bool{false, true} {
			t.Run(fmt.Sprintf("write %d, committed %t", n, committed), func(t *testing.T) {
				h := newHouse(t, fine)
				h.configure(careful)
				e := h.asked(`{"note": "a"}`)
				h.executions.failAt(n, committed)
				first, err := h.Approve(t.Context(), e.ID, kim)
				h.executions.failAt(-1, false)
				if n < 2 && err == nil || n >= 2 && err != nil {
					t.Errorf("the first approval: %v, %v", first, err)
				}
				h.clock.pass(time.Minute)
				if n == 1 && !committed { // approved, and nobody has sent it
					h.sweepOnce(execute.Tended{Resumed: 1})
				}
				done := h.approve(e.ID, kim)
				seen := len(h.api.requests())
				switch {
				case n == 1 && committed: // on record as being sent, by somebody who gave up
					wantEnd(t, done, callout.Unknown, callout.OutcomeUnknown)
					wantSeen(t, h.api, 0)
				case n == 2 && !committed:
					wantEnd(t, done, callout.Unknown, callout.OutcomeUnknown)
					wantSeen(t, h.api, 1)
				default:
					wantEnd(t, done, callout.Succeeded, "")
					if seen != 1 {
						t.Errorf("the API was called %d times", seen)
					}
				}
				h.sweepOnce(execute.Tended{})
			})
		}
	}
}

// Many who decide at once, in two instances, send once and are told one thing.
func TestDecisionsAtTheSameMoment(t *testing.T) {
	h := newHouse(t, fine)
	h.configure(careful)
	one := h.Executor
	h.start()
	instances := []*execute.Executor{one, h.Executor}
	for range 10 {
		h.api.forget()
		e := h.asked(`{"note": "a"}`)
		var all sync.WaitGroup
		var mu sync.Mutex
		told := map[string]int{}
		for i := range 20 {
			all.Go(func() {
				x, ruling := instances[i%2], execute.Ruling{By: fmt.Sprint(i), Reason: "no"}
				decide := x.Approve
				if i%4 == 3 {
					decide = x.Deny
				}
				got, err := decide(t.Context(), e.ID, ruling)
				mu.Lock()
				defer mu.Unlock()
				var refusal *callout.Error
				if errors.As(err, &refusal) {
					told[refusal.Code]++
				} else {
					told[string(got.Status)]++
				}
			})
		}
		all.Wait()
		want := map[callout.Status]map[string]int{
			callout.Succeeded: {"succeeded": 15, callout.ApprovalNotPending: 5},
			callout.Denied:    {"denied": 5, callout.ApprovalNotPending: 15},
		}[h.read(e.ID).Status]
		if fmt.Sprint(told) != fmt.Sprint(want) {
			t.Errorf("it is %s, and they were told %v", h.read(e.ID).Status, told)
		}
		wantSeen(t, h.api, told["succeeded"]/15)
	}
}

// Results of decisions are posted, signed, to whoever asked for that.
func TestResultsArePosted(t *testing.T) {
	posts := make(chan *http.Request, 10)
	var fail bool
	h := newHouse(t, func(u *upstream, w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/results/1" {
			fine(u, w, r)
			return
		}
		posts <- r
		if fail {
			w.WriteHeader(http.StatusBadGateway)
		}
	})
	h.configure(careful)
	ask := func() *callout.Execution {
		e, err := h.Do(t.Context(), execute.Call{Config: "api", Arguments: h.arguments(`{"note": "a"}`), CallbackURL: h.api.origin() + "/results/1"})
		if err != nil || e.Callback == nil || e.Callback.State != callout.CallbackWaiting {
			t.Fatalf("got %v, %v", e, err)
		}
		return e
	}
	wantPost := func(e *callout.Execution, status callout.Status) {
		t.Helper()
		h.Settle()
		r := <-posts
		if r.Header.Get("webhook-id") != e.ID || !strings.HasPrefix(r.Header.Get("webhook-signature"), "v1,") || r.Header.Get("Authorization") != "" {
			t.Errorf("posted was %v", r.Header)
		}
		for _, part := range []string{`"type":"execution.` + string(status) + `"`, `"executionId":"` + e.ID + `"`, `"status":"` + string(status) + `"`} {
			if body := h.api.last().body; !strings.Contains(body, part) {
				t.Errorf("%s is not in %s", part, body)
			}
		}
	}
	e := ask()
	h.approve(e.ID, kim)
	wantPost(e, callout.Succeeded)
	if c := h.read(e.ID).Callback; c.State != callout.CallbackDelivered || c.Attempts != 1 {
		t.Errorf("it stands as %+v", c)
	}
	e = ask()
	h.deny(e.ID, "no")
	wantPost(e, callout.Denied)
	e = ask()
	h.clock.pass(day)
	h.sweepOnce(execute.Tended{Expired: 1, Posted: 1})
	wantPost(e, callout.Expired)
	h.sweepOnce(execute.Tended{})

	fail = true
	e = ask()
	h.deny(e.ID, "no")
	wantPost(e, callout.Denied)
	h.sweepOnce(execute.Tended{}) // not due yet
	h.clock.pass(6 * time.Second)
	h.sweepOnceFailing()
	wantPost(e, callout.Denied)
	fail = false
	h.clock.pass(6 * time.Minute)
	h.sweepOnce(execute.Tended{Posted: 1})
	wantPost(e, callout.Denied)
	if c := h.read(e.ID).Callback; c.State != callout.CallbackDelivered || c.Attempts != 3 {
		t.Errorf("it stands as %+v", c)
	}
	if len(posts) > 0 {
		t.Error("more was posted")
	}
}

// A process that dies before it posts leaves that to the timer.
func TestAResultThatNobodyPosted(t *testing.T) {
	h := newHouse(t, fine)
	h.configure(careful)
	e, err := h.Do(t.Context(), execute.Call{Config: "api", Arguments: h.arguments(`{"note": "a"}`), CallbackURL: h.api.origin() + "/results/1"})
	if err != nil {
		t.Fatal(err)
	}
	h.clock.pass(day + time.Hour) // nobody has written that it expired
	h.sweepOnce(execute.Tended{Expired: 1, Posted: 1})
	wantSeen(t, h.api, 1)
	if c := h.read(e.ID).Callback; c.State != callout.CallbackDelivered {
		t.Errorf("it stands as %+v", c)
	}
}

func TestCallbacksThatAreNotAllowed(t *testing.T) {
	h := newHouse(t, fine)
	h.configure(careful)
	for _, url := range []string{"https://evil.example.com/", "https://" + apiHost + ".evil.example.com/", "canary"} {
		_, err := h.Do(t.Context(), execute.Call{Config: "api", Arguments: h.arguments(`{"note": "a"}`), CallbackURL: url})
		wantCode(t, err, callout.InvalidRequest)
	}
	if len(h.history()) > 0 {
		t.Error("there are executions")
	}
}

// sweepOnceFailing lets the timer come by while something is out of reach.
func (h *house) sweepOnceFailing() {
	h.t.Helper()
	if got, err := h.Tend(h.t.Context()); err == nil || got != (execute.Tended{}) {
		h.t.Errorf("a run of the timer: %+v, %v", got, err)
	}
}

// failAt makes the nth write from now on fail, before it is done or after; -1 none.
func (t *table) failAt(n int, committed bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.countdown, t.committed, t.failing = n, committed, n >= 0
}

// fails reports whether a write is to fail, and whether it is to be done first.
func (t *table) fails() (fail, done bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.failing {
		return false, false
	}
	t.countdown--
	if t.countdown >= 0 {
		return false, false
	}
	t.failing = false
	return true, t.committed
}
