package execute_test

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"callout/handler/callout"
	"callout/handler/execute"
)

// waits takes down how long an Executor would have waited.
type waits []time.Duration

func (h *house) waits() *waits {
	w := &waits{}
	h.Wait = func(ctx context.Context, d time.Duration) error {
		*w = append(*w, d)
		return ctx.Err()
	}
	return w
}

// inTurn answers in one way after the other, and for ever in the last.
func inTurn(answers ...func(*upstream, http.ResponseWriter, *http.Request)) func(*upstream, http.ResponseWriter, *http.Request) {
	var n atomic.Int64
	return func(u *upstream, w http.ResponseWriter, r *http.Request) {
		answers[min(int(n.Add(1)), len(answers))-1](u, w, r)
	}
}

var (
	busy     = says(http.StatusServiceUnavailable, "", "")
	gateway  = says(http.StatusBadGateway, "", "")
	failing  = says(http.StatusInternalServerError, "", "")
	limiting = says(http.StatusTooManyRequests, "", "", "Retry-After", "7")
)

const keyed = `, "idempotencyHeader": "X-Request-Key"`

// What may have been carried out is repeated only where that does no harm; how it
// ends says what is certain.
func TestWhatIsSentAgain(t *testing.T) {
	type way = func(*upstream, http.ResponseWriter, *http.Request)
	for _, test := range []struct {
		name    string
		config  string
		answers []way
		status  callout.Status
		code    callout.Code
		seen    int
	}{
		{"GET, without retries", `"method": "GET"`, []way{busy, fine}, callout.Failed, callout.UpstreamServerError, 1},
		{"GET, one retry", `"method": "GET", "retries": 1`, []way{busy, fine}, callout.Succeeded, "", 2},
		{"GET, one retry is not enough", `"method": "GET", "retries": 1`, []way{busy, gateway, fine}, callout.Failed, callout.UpstreamServerError, 2},
		{"GET, five retries", `"method": "GET", "retries": 5`, []way{busy, limiting, gateway, hangsUp, hangsUpHalfway, fine}, callout.Succeeded, "", 6},
		{"GET, an error of the API's own", `"method": "GET", "retries": 5`, []way{failing, fine}, callout.Failed, callout.UpstreamServerError, 1},
		{"GET, a refusal", `"method": "GET", "retries": 5`, []way{says(404, "", ""), fine}, callout.Failed, callout.UpstreamClientError, 1},
		{"GET, a redirect", `"method": "GET", "retries": 5`, []way{says(302, "", ""), fine}, callout.Failed, callout.UpstreamRedirect, 1},
		{"GET, an answer nobody can read", `"method": "GET", "retries": 1`, []way{says(200, "", bomb(), "Content-Encoding", "gzip"), fine}, callout.Failed, callout.ResponseTooLarge, 1},
		{"GET, an answer that breaks off after a refusal", `"method": "GET", "retries": 1`, []way{refusesHalfway, fine}, callout.Failed, callout.UpstreamClientError, 1},

		{"POST, busy", `"method": "POST", "retries": 5`, []way{busy, fine}, callout.Failed, callout.UpstreamServerError, 1},
		{"POST, limited", `"method": "POST", "retries": 5`, []way{limiting, fine}, callout.Failed, callout.RateLimited, 1},
		{"POST, no answer", `"method": "POST", "retries": 5`, []way{hangsUp, fine}, callout.Unknown, callout.OutcomeUnknown, 1},
		{"DELETE, half an answer", `"method": "DELETE", "retries": 5`, []way{hangsUpHalfway, fine}, callout.Unknown, callout.OutcomeUnknown, 1},

		{"POST with a key, busy", `"method": "POST", "retries": 1` + keyed, []way{busy, fine}, callout.Succeeded, "", 2},
		{"POST with a key, without retries", `"method": "POST"` + keyed, []way{busy, fine}, callout.Failed, callout.UpstreamServerError, 1},
		{"POST with a key, no answer", `"method": "POST", "retries": 1` + keyed, []way{hangsUp, fine}, callout.Succeeded, "", 2},
		{"POST with a key, half an answer", `"method": "POST", "retries": 1` + keyed, []way{hangsUpHalfway, fine}, callout.Succeeded, "", 2},
		{"POST with a key, never an answer", `"method": "POST", "retries": 2` + keyed, []way{hangsUp}, callout.Unknown, callout.OutcomeUnknown, 3},
		{"PUT with a key, a refusal of the repetition", `"method": "PUT", "retries": 2` + keyed, []way{hangsUp, says(409, "", "")}, callout.Unknown, callout.OutcomeUnknown, 2},
		{"PUT with a key, busy and then no answer", `"method": "PUT", "retries": 1` + keyed, []way{busy, hangsUp}, callout.Unknown, callout.OutcomeUnknown, 2},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			h := newHouse(t, inTurn(test.answers...))
			waited := h.waits()
			h.configure(test.config)
			e := h.call(`{}`)
			wantEnd(t, e, test.status, test.code)
			wantSeen(t, h.api, test.seen)
			// net/http repeats a GET at once when a connection breaks that it had used before.
			if e.Attempts != test.seen || len(*waited) > test.seen-1 || len(*waited) < test.seen-1 && !strings.Contains(test.config, "GET") {
				t.Errorf("%d attempts, waited %v", e.Attempts, *waited)
			}
			if e.Error != nil && !strings.Contains(test.config, "GET") && e.Error.Code != callout.RateLimited && e.Error.Retryable {
				t.Error("an agent is told to try a change again")
			}
			h.wantRecord(e)
			h.wantSameRequest(test.config)
		})
	}
}

// refusesHalfway says no, and breaks off.
func refusesHalfway(u *upstream, w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Length", "100")
	w.WriteHeader(http.StatusBadRequest)
	_ = http.NewResponseController(w).Flush()
	panic(http.ErrAbortHandler)
}

// wantSameRequest checks that all attempts were alike, and that they had the key
// of the execution where there is to be one.
func (h *house) wantSameRequest(config string) {
	h.t.Helper()
	key := ""
	if strings.Contains(config, "idempotencyHeader") {
		key = h.history()[0].ID
	}
	for _, r := range h.api.requests() {
		if got := r.header.Get("X-Request-Key"); got != key {
			h.t.Errorf("the key is %q, want %q", got, key)
		}
	}
}

// What never left can be tried again with any method.
func TestWhatNeverLeftIsTriedAgain(t *testing.T) {
	for _, test := range []struct {
		name, endpoint string
		code           callout.Code
		attempts       int
	}{
		{"refused connection", "https://" + closedPort(t), callout.ConnectFailed, 3},
		{"no such host", "https://no-such-host.example.com", callout.DNSFailed, 3},
		{"a place that is closed", "https://169.254.169.254/latest", callout.DestinationNotAllowed, 1},
		{"a certificate for another name", "https://other.example.com:PORT", callout.TLSFailed, 1},
	} {
		for _, method := range []string{"GET", "POST", "DELETE"} {
			h := newHouse(t, fine)
			h.waits()
			h.names["other.example.com"] = addresses("127.0.0.1")
			_, port, _ := strings.Cut(strings.TrimPrefix(h.api.origin(), "https://"), ":")
			h.configure(fmt.Sprintf(`"method": %q, "retries": 2, "endpoint": %q`, method, strings.Replace(test.endpoint, "PORT", port, 1)))
			e := h.call(`{}`)
			wantEnd(t, e, callout.Failed, test.code)
			if e.Attempts != test.attempts {
				t.Errorf("%s, %s: %d attempts, want %d", test.name, method, e.Attempts, test.attempts)
			}
			wantSeen(t, h.api, 0)
		}
	}
}

// An attempt that never left takes nothing back of what the one before was told.
func TestAnAttemptThatNeverLeftSettlesNothing(t *testing.T) {
	for _, test := range []struct {
		first  func(*upstream, http.ResponseWriter, *http.Request)
		status callout.Status
		code   callout.Code
		answer int
	}{
		{says(503, "", "", "Connection", "close"), callout.Failed, callout.UpstreamServerError, 503},
		{hangsUp, callout.Unknown, callout.OutcomeUnknown, 0},
	} {
		h := newHouse(t, test.first)
		h.configure(`"method": "POST", "retries": 1` + keyed)
		h.Wait = func(context.Context, time.Duration) error {
			delete(h.names, apiHost)
			return nil
		}
		e := h.call(`{}`)
		wantEnd(t, e, test.status, test.code)
		if e.Attempts != 2 || test.answer == 0 != (e.Response == nil) || e.Response != nil && e.Response.Status != test.answer {
			t.Errorf("got %s", encode(t, e))
		}
		wantSeen(t, h.api, 1)
		h.wantRecord(e)
	}
}

// How long is waited: what the API asks for, if it is not too long and there is
// time; else longer from one attempt to the next.
func TestHowLongIsWaited(t *testing.T) {
	asks := func(header, value string, more ...string) func(*upstream, http.ResponseWriter, *http.Request) {
		return says(http.StatusTooManyRequests, "", "", append([]string{header, value}, more...)...)
	}
	reset := fmt.Sprint(begin.Add(9 * time.Second).Unix())
	for _, test := range []struct {
		name   string
		answer func(*upstream, http.ResponseWriter, *http.Request)
		limit  int
		want   []time.Duration // nil: not at all
		after  int
	}{
		{"seconds", asks("Retry-After", "3"), 60, []time.Duration{3 * time.Second}, 3},
		{"a date", asks("Retry-After", begin.Add(5*time.Second).UTC().Format(http.TimeFormat)), 60, []time.Duration{5 * time.Second}, 5},
		{"the time of a reset", asks("X-Ratelimit-Reset", reset, "X-Ratelimit-Remaining", "0"), 60, []time.Duration{9 * time.Second}, 9},
		{"as long as may be", asks("Retry-After", "30"), 60, []time.Duration{30 * time.Second}, 30},
		{"longer than may be", asks("Retry-After", "31"), 60, nil, 31},
		{"longer than there is time", asks("Retry-After", "10"), 10, nil, 10},
		{"busy, for some seconds", says(http.StatusServiceUnavailable, "", "", "Retry-After", "2"), 60, []time.Duration{2 * time.Second}, 2},
	} {
		t.Run(test.name, func(t *testing.T) {
			h := newHouse(t, test.answer)
			waited := h.waits()
			h.configure(fmt.Sprintf(`"method": "GET", "retries": 1, "timeoutSeconds": %d`, test.limit))
			e := h.call(`{}`)
			if !slices.Equal(*waited, test.want) || e.Error == nil || e.Error.RetryAfterSeconds != test.after {
				t.Errorf("waited %v: %s", *waited, encode(t, e.Error))
			}
		})
	}
	h := newHouse(t, busy)
	waited := h.waits()
	h.configure(`"method": "GET", "retries": 5`)
	h.call(`{}`)
	most := 250 * time.Millisecond
	for _, got := range *waited {
		if got > most || got <= most/2 {
			t.Errorf("waited %v, want more than half of %v and no more than that", got, most)
		}
		most *= 2
	}
	if len(*waited) != 5 {
		t.Errorf("waited %v", *waited)
	}
}

// Who leaves while a call waits ends a GET, and not a change.
func TestACallerWhoLeavesWhileACallWaits(t *testing.T) {
	for method, want := range map[string]int{"GET": 1, "POST": 2} {
		h := newHouse(t, inTurn(busy, fine))
		config := `"retries": 1, "method": "` + method + `"`
		if method == "POST" {
			config += keyed
		}
		h.configure(config)
		ctx, leave := context.WithCancel(t.Context())
		h.Wait = func(ctx context.Context, _ time.Duration) error {
			leave()
			return ctx.Err()
		}
		if _, err := h.Do(ctx, execute.Call{Config: "api"}); err != nil {
			t.Fatal(err)
		}
		wantSeen(t, h.api, want)
	}
}

// The time that a call took is told by stages, in the history and the log.
func TestStagesAreTimed(t *testing.T) {
	h := newHouse(t, inTurn(busy, fine))
	start := time.Now()
	h.Now = func() time.Time { return begin.Add(time.Since(start)) }
	h.configure(`"method": "POST", "retries": 1` + keyed)
	e := h.call(`{}`)
	var stages []string
	for _, s := range h.read(e.ID).Stages {
		stages = append(stages, string(s.Stage))
		if s.DurationMS < 0 || s.DurationMS > float64(e.DurationMS)+1 {
			t.Errorf("%s took %v ms of %d", s.Stage, s.DurationMS, e.DurationMS)
		}
	}
	if got, want := strings.Join(stages, " "), "configuration secrets intent token dns tcp tls request response wait"; got != want {
		t.Errorf("the stages are\n%s\nwant\n%s", got, want)
	}
	if line := h.log.String(); !strings.Contains(line, `"stagesMs":{"configuration":`) || !strings.Contains(line, `"outcome":`) {
		t.Errorf("the log is %s", line)
	}
	if brief := e.Brief(); brief.Stages != nil {
		t.Error("an agent is told what the time went into")
	}
}
