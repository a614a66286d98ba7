package e2e

import (
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// ledger is an API that books what it is sent. It tells whoever listens when a
// booking has come, and answers when it may.
type ledger struct {
	*httptest.Server
	mu     sync.Mutex
	booked map[string]int // by what was sent
	// came is called with each booking before it is answered; it may be nil.
	came func()
}

func newLedger(t *testing.T) *ledger {
	t.Helper()
	l := &ledger{booked: map[string]int{}}
	l.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var doc struct{ Note string }
		data, err := io.ReadAll(r.Body)
		if err != nil || json.Unmarshal(data, &doc) != nil {
			return // cut off by a kill
		}
		l.mu.Lock()
		l.booked[doc.Note]++
		came := l.came
		l.mu.Unlock()
		if came != nil {
			came()
		}
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprintf(w, `{"booked": %q}`, doc.Note)
	}))
	t.Cleanup(l.Close)
	return l
}

func (l *ledger) watch(came func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.came = came
}

// bookings returns how often each note was booked.
func (l *ledger) bookings() map[string]int {
	l.mu.Lock()
	defer l.mu.Unlock()
	out := map[string]int{}
	for note, n := range l.booked {
		out[note] = n
	}
	return out
}

// config is a configuration of the ledger.
func (l *ledger) config(approval string) string {
	return fmt.Sprintf(`{"name": "book", "endpoint": %q, "method": "POST", "approval": %q, "timeoutSeconds": 5,
		"auth": {"type": "bearer", "token": "canary-bearer-1a2b3c"}, "fields": [{"name": "note", "type": "string", "required": true}]}`, l.URL, approval)
}

// execution is what the tests read of one.
type execution struct {
	ExecutionID string
	Status      string
	Error       *struct{ Code, Message string }
	Request     struct{ Body struct{ Note string } }
	Response    *struct{ Status int }
	Attempts    int
}

func (got answer) execution(t *testing.T) execution {
	t.Helper()
	var e execution
	got.decode(t, &e)
	return e
}

// waiting makes a call that waits for a technician, and returns its id.
func waiting(t *testing.T, a api, note string) string {
	t.Helper()
	got := a.call(t, http.StatusAccepted, "POST", "/api/execute/book", fmt.Sprintf(`{"arguments": {"note": %q}}`, note))
	e := got.execution(t)
	if e.Status != "pendingApproval" || !strings.HasSuffix(got.header.Get("Operation-Location"), "/api/executions/"+e.ExecutionID) || e.Request.Body.Note != note {
		t.Fatalf("the call answered %s, Operation-Location %s", got.body, got.header.Get("Operation-Location"))
	}
	return e.ExecutionID
}

// The rounds of killing, and how many are approved at a time in each.
const together = 4

// TestKilledWhileItSendsWhatWasApproved kills Callout at every moment of approving
// and sending: whatever was approved reaches the API at most once, all that reached
// it is on record, and in the end each execution stands as is true.
func TestKilledWhileItSendsWhatWasApproved(t *testing.T) {
	for name, tt := range map[string]struct {
		rounds int
		run    func(t *testing.T) func() *callout
	}{
		"embedded": {200, func(t *testing.T) func() *callout {
			data := t.TempDir()
			return func() *callout { return startCallout(t, data, "CALLOUT_LOG_LEVEL=error") }
		}},
		"Azurite": {100, func(t *testing.T) func() *callout {
			c := newCloud(t, byKey)
			return func() *callout { return c.alone(t, "CALLOUT_LOG_LEVEL=error") }
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			k := &killing{t: t, ledger: newLedger(t), run: tt.run(t), notes: map[string]string{}}
			k.last = k.run()
			k.last.call(t, 201, "POST", "/api/configs", k.ledger.config("required"))
			for round := range tt.rounds {
				k.round(round)
			}
			k.settle()
			k.check(tt.rounds)
		})
	}
}

// killing is a run of rounds in each of which a process is killed.
type killing struct {
	t      *testing.T
	ledger *ledger
	run    func() *callout
	last   *callout
	notes  map[string]string // by execution
}

// round approves some requests and kills the process: by chance, or as soon as a
// request has reached the API, before or after it is answered.
func (k *killing) round(n int) {
	k.last.kill()
	c := k.run()
	k.last = c
	var ids []string
	for i := range together {
		note := fmt.Sprintf("round %d, request %d", n, i)
		id := waiting(k.t, c.api, note)
		k.notes[id] = note
		ids = append(ids, id)
	}
	kill := sync.OnceFunc(func() { _ = c.cmd.Process.Kill() })
	switch n % 4 {
	case 0: // when one has reached the API
		k.ledger.watch(kill)
	case 1: // when some have
		var came atomic.Int64
		k.ledger.watch(func() {
			if came.Add(1) == together-1 {
				kill()
			}
		})
	default: // at any time
		k.ledger.watch(nil)
		time.AfterFunc(rand.N(15*time.Millisecond), kill)
	}
	var all sync.WaitGroup
	for _, id := range ids {
		all.Go(func() { _, _ = c.try("POST", "/api/approvals/"+id+"/approve", `{"by": "kim"}`) })
	}
	all.Wait()
	k.ledger.watch(nil)
	c.kill()
}

// settle lets a process find out what became of everything: a technician repeats
// what he said of half of it, and the timer comes by for the rest.
func (k *killing) settle() {
	c := k.run()
	k.last = c
	n := 0
	for id := range k.notes {
		if n++; n%2 == 0 {
			_, _ = c.try("POST", "/api/approvals/"+id+"/approve", `{"by": "kim"}`)
		}
	}
	deadline := time.Now().Add(2 * time.Minute)
	for time.Now().Before(deadline) {
		if !k.unsettled() {
			return
		}
		time.Sleep(time.Second) // the timer comes by after 40 s
	}
	k.t.Error("there are executions that never come to an end")
}

// unsettled reports whether an execution is approved or being sent. One whose
// approval was lost in a kill may wait.
func (k *killing) unsettled() bool {
	for _, status := range []string{"approved", "sending"} {
		got := k.last.call(k.t, http.StatusOK, "GET", "/api/executions?top=1&status="+status, "")
		if strings.Contains(got.body, `"executionId"`) || strings.Contains(got.body, `"nextLink"`) && status == "approved" {
			return true
		}
	}
	return false
}

func (k *killing) check(rounds int) {
	counts := map[string]int{}
	booked := k.ledger.bookings()
	for id, note := range k.notes {
		e := k.last.call(k.t, http.StatusOK, "GET", "/api/executions/"+id, "").execution(k.t)
		counts[e.Status]++
		n := booked[note]
		delete(booked, note)
		fits := map[string]bool{"succeeded": n == 1, "unknown": n <= 1, "pendingApproval": n == 0}
		if !fits[e.Status] {
			k.t.Errorf("an execution is %s, and the API was called %d times: %+v", e.Status, n, e)
		}
	}
	for note, n := range booked {
		k.t.Errorf("%q reached the API %d times and is not on record", note, n)
	}
	k.t.Logf("%d rounds, %d approvals, killed in each: %v", rounds, len(k.notes), counts)
	if counts["unknown"] == 0 || counts["succeeded"] == 0 {
		k.t.Error("no kill came in the middle of sending, or each did")
	}
}

// TestTwentyTechniciansDecideAtOnce lets them approve and deny one request by four
// processes: one decision stands, and all are told which.
func TestTwentyTechniciansDecideAtOnce(t *testing.T) {
	cloud, l := newCloud(t, byKey), newLedger(t)
	processes := make([]*callout, 4)
	for i := range processes {
		processes[i] = cloud.alone(t, "CALLOUT_LOG_LEVEL=error")
	}
	processes[0].call(t, 201, "POST", "/api/configs", l.config("required"))
	approved := 0
	for round := range 10 {
		note := fmt.Sprint("round ", round)
		id := waiting(t, processes[0].api, note)
		answers := make([]answer, 20)
		var all sync.WaitGroup
		for i := range answers {
			path, body := "/approve", fmt.Sprintf(`{"by": "technician %d"}`, i)
			if i%2 == 1 {
				path, body = "/deny", fmt.Sprintf(`{"by": "technician %d", "reason": "the wrong customer"}`, i)
			}
			all.Go(func() {
				p := processes[i%len(processes)]
				if round%2 == 1 && path == "/deny" { // who looks first comes later: to deny is the shorter way
					_, _ = p.try("GET", "/api/approvals", "")
				}
				var err error
				if answers[i], err = p.try("POST", "/api/approvals/"+id+path, body); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		e := processes[round%4].call(t, 200, "GET", "/api/executions/"+id, "").execution(t)
		yes := e.Status == "succeeded"
		if !yes && e.Status != "denied" || yes != (l.bookings()[note] == 1) || !yes && l.bookings()[note] > 0 {
			t.Errorf("the request is %s and reached the API %d times", e.Status, l.bookings()[note])
		}
		if yes {
			approved++
		}
		for i, got := range answers {
			if asked := i%2 == 0; asked == yes {
				if got.status != 200 || got.execution(t).Status != e.Status {
					t.Errorf("technician %d, whose decision stands, is told %d %s", i, got.status, got.body)
				}
			} else if word := map[bool]string{true: "approved", false: "denied"}[yes]; got.status != 409 || !strings.Contains(got.body, "has been "+word) {
				t.Errorf("technician %d, whose decision does not stand, is told %d %s", i, got.status, got.body)
			}
		}
	}
	t.Logf("10 rounds: %d approved, %d denied", approved, 10-approved)
}
