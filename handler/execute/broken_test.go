package execute_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"callout/handler/callout"
	"callout/handler/execute"
)

// A call that got no whole answer: a GET has failed, whatever happened. Anything
// else has failed only if nothing can have reached the API.
func TestCallsWithoutAnAnswer(t *testing.T) {
	tests := []struct {
		name   string
		answer func(*upstream, http.ResponseWriter, *http.Request)
		get    callout.Code
		status int // what had come of the answer, 0 for nothing
	}{
		{"it never answers", hangs, callout.TimedOut, 0},
		{"it stops in the middle", hangsHalfway, callout.TimedOut, 200},
		{"it closes the connection", hangsUp, callout.RequestFailed, 0},
		{"it closes the connection in the middle", hangsUpHalfway, callout.InvalidResponse, 200},
		{"it answers in another encoding", says(200, "", "xyz", "Content-Encoding", "br"), callout.InvalidResponse, 200},
		{"it sends a bomb", says(200, "", bomb(), "Content-Encoding", "gzip"), callout.ResponseTooLarge, 200},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			h := newHouse(t, test.answer)
			methods, timeout := []string{"GET", "POST", "PUT", "PATCH", "DELETE"}, 30
			if test.get == callout.TimedOut {
				methods, timeout = methods[:2], 1 // each takes a second
			}
			for _, method := range methods {
				h.configure(fmt.Sprintf(`"method": %q, "timeoutSeconds": %d`, method, timeout))
				e := h.call(`{}`)
				if method == "GET" {
					wantEnd(t, e, callout.Failed, test.get)
				} else {
					wantEnd(t, e, callout.Unknown, callout.OutcomeUnknown)
				}
				if method != "GET" && e.Error.Retryable {
					t.Errorf("%s: an agent is told to try again", method)
				}
				if e.Response == nil && test.status != 0 || e.Response != nil && e.Response.Status != test.status {
					t.Errorf("%s: the answer is %s, want status %d", method, encode(t, e.Response), test.status)
				}
				h.wantRecord(e)
			}
		})
	}
}

// bomb is a body that grows a thousandfold.
func bomb() string {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, _ = z.Write(make([]byte, 1<<20))
	_ = z.Close()
	return b.String()
}

// A connection that was used before may turn out to be broken. A safe request is
// then sent again by net/http, which counts; a change never is.
func TestAConnectionThatBreaksWhenItIsUsedAgain(t *testing.T) {
	for _, test := range []struct {
		method         string
		status         callout.Status
		code           callout.Code
		attempts, seen int
	}{{"GET", callout.Succeeded, "", 2, 3}, {"POST", callout.Unknown, callout.OutcomeUnknown, 1, 2}, {"DELETE", callout.Unknown, callout.OutcomeUnknown, 1, 2}} {
		h := newHouse(t, func(u *upstream, w http.ResponseWriter, r *http.Request) {
			if len(u.requests()) == 2 {
				hangsUp(u, w, r)
				return
			}
			fine(u, w, r)
		})
		h.configure(fmt.Sprintf(`"method": %q`, test.method))
		wantEnd(t, h.call(`{}`), callout.Succeeded, "")
		e := h.call(`{}`)
		wantEnd(t, e, test.status, test.code)
		if e.Attempts != test.attempts {
			t.Errorf("%s: %d attempts, want %d", test.method, e.Attempts, test.attempts)
		}
		wantSeen(t, h.api, test.seen)
		h.wantRecord(e)
	}
}

// What never left has failed for certain, whatever the method.
func TestCallsThatNeverLeave(t *testing.T) {
	tests := []struct {
		name, endpoint string
		code           callout.Code
		retryable      bool
	}{
		{"refused connection", "https://" + closedPort(t), callout.ConnectFailed, true},
		{"no such host", "https://no-such-host.example.com", callout.DNSFailed, false},
		{"metadata service", "https://169.254.169.254/latest", callout.DestinationNotAllowed, false},
		{"a name that leads to a private address", "https://intranet.example.com", callout.DestinationNotAllowed, false},
		{"plain http", "http://127.0.0.1:1", callout.DestinationNotAllowed, false},
		{"another name in the certificate", "https://other.example.com:PORT", callout.TLSFailed, false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			h := newHouse(t, fine)
			h.names["intranet.example.com"] = addresses("10.0.0.7")
			h.names["other.example.com"] = addresses("127.0.0.1")
			_, port, _ := strings.Cut(strings.TrimPrefix(h.api.origin(), "https://"), ":")
			for _, method := range []string{"GET", "POST"} {
				h.configure(fmt.Sprintf(`"method": %q, "endpoint": %q`, method, strings.Replace(test.endpoint, "PORT", port, 1)))
				e := h.call(`{}`)
				wantEnd(t, e, callout.Failed, test.code)
				if e.Error.Retryable != test.retryable || e.Response != nil {
					t.Errorf("%s: retryable %t, the answer is %v", method, e.Error.Retryable, e.Response)
				}
				h.wantRecord(e)
			}
			wantSeen(t, h.api, 0)
		})
	}
}

// gate is an API that tells when a request has come, and answers when it may.
type gate struct{ arrived, open chan struct{} }

func newGate() *gate { return &gate{make(chan struct{}, 1), make(chan struct{})} }

func (g *gate) answer(u *upstream, w http.ResponseWriter, _ *http.Request) {
	g.wait(u)
	_, _ = io.WriteString(w, `{"id": 7}`)
}

func (g *gate) wait(u *upstream) {
	g.arrived <- struct{}{}
	select {
	case <-g.open:
	case <-u.over:
	}
}

// begin makes a call whose caller can go away.
func (h *house) begin() (leave context.CancelFunc, outcome func() (*callout.Execution, error)) {
	ctx, cancel := context.WithCancel(h.t.Context())
	h.t.Cleanup(cancel)
	var e *callout.Execution
	var err error
	var done sync.WaitGroup
	done.Go(func() { e, err = h.Do(ctx, execute.Call{Config: "api"}) })
	return cancel, func() (*callout.Execution, error) { done.Wait(); return e, err }
}

// A change that is under way goes on when the caller leaves: its outcome would
// be lost.
func TestACallerWhoLeavesDoesNotEndAChange(t *testing.T) {
	g := newGate()
	h := newHouse(t, g.answer)
	h.configure(`"method": "POST"`)
	leave, outcome := h.begin()
	<-g.arrived
	leave()
	close(g.open)
	e, err := outcome()
	if err != nil {
		t.Fatal(err)
	}
	wantEnd(t, e, callout.Succeeded, "")
	h.wantRecord(e)
}

func TestACallerWhoLeavesEndsAGet(t *testing.T) {
	g := newGate()
	h := newHouse(t, g.answer)
	h.configure(``)
	leave, outcome := h.begin()
	<-g.arrived
	leave()
	e, err := outcome() // the API has not answered
	if err != nil {
		t.Fatal(err)
	}
	wantEnd(t, e, callout.Failed, callout.TimedOut)
	h.wantRecord(e)
}

// While it is under way, everybody can see that it is, and until when.
func TestAChangeUnderWayIsOnRecord(t *testing.T) {
	g := newGate()
	h := newHouse(t, g.answer)
	h.configure(`"method": "POST", "timeoutSeconds": 20, "auth": {"type": "bearer", "token": "canary-token"}`)
	_, outcome := h.begin()
	<-g.arrived
	list := h.history()
	if len(list) != 1 {
		t.Fatalf("%d are on record", len(list))
	}
	wantEnd(t, list[0], callout.Sending, "")
	if want := begin.Add(35 * time.Second); !list[0].Deadline.Equal(want) || list[0].Request == nil || list[0].ConfigID == "" {
		t.Errorf("its deadline is %v, want %v: %+v", list[0].Deadline, want, list[0])
	}
	close(g.open)
	e, err := outcome()
	if err != nil || e.ID != list[0].ID {
		t.Errorf("another execution: %v, %v", e, err)
	}
	h.wantRecord(e)
}

func TestWithoutAnIntentNothingIsSent(t *testing.T) {
	for _, method := range []string{"POST", "PUT", "PATCH", "DELETE"} {
		h := newHouse(t, fine)
		h.configure(`"method": "` + method + `"`)
		h.executions.beforePut = down
		_, err := h.try(`{}`)
		wantCode(t, err, callout.StorageUnavailable)
		wantSeen(t, h.api, 0)
	}
}

func TestAGetWithoutARecordSaysSo(t *testing.T) {
	h := newHouse(t, fine)
	h.configure(``)
	h.executions.beforePut = down
	e := h.call(`{}`)
	wantEnd(t, e, callout.Succeeded, "")
	if e.Recorded == nil || *e.Recorded || string(e.Response.Body) != `{"id":7}` {
		t.Errorf("the answer is %s", encode(t, e))
	}
	if list := h.history(); len(list) != 0 {
		t.Errorf("on record is %s", encode(t, list))
	}
	if !strings.Contains(h.log.String(), e.ID) || !strings.Contains(h.log.String(), "could not be recorded") {
		t.Errorf("the log says %s", h.log)
	}
}

// Of a change whose outcome is not on record, the caller is told what the record
// will say.
func TestAChangeWithoutAnOutcomeOnRecordIsUnknown(t *testing.T) {
	h := newHouse(t, fine)
	h.configure(`"method": "POST", "timeoutSeconds": 20`)
	h.executions.beforePut = after(1)
	e := h.call(`{}`)
	wantEnd(t, e, callout.Unknown, callout.OutcomeUnknown)
	if e.Recorded == nil || *e.Recorded {
		t.Errorf("recorded is %v", e.Recorded)
	}
	for _, step := range []struct {
		after time.Duration
		want  callout.Status
		code  callout.Code
	}{{0, callout.Sending, ""}, {35*time.Second - 1, callout.Sending, ""}, {1, callout.Unknown, callout.OutcomeUnknown}, {time.Hour, callout.Unknown, callout.OutcomeUnknown}} {
		h.clock.pass(step.after)
		recorded, err := h.History.Get(t.Context(), e.ID)
		if err != nil {
			t.Fatal(err)
		}
		wantEnd(t, recorded, step.want, step.code)
	}
	wantSeen(t, h.api, 1)
}
