package callout

import (
	"encoding/json"
	"time"
)

// Status is the state of an execution (design: section 5).
type Status string

// The states. A call that needs an approval begins as PendingApproval, any other
// as Sending. From PendingApproval it goes on to Approved, Denied, Expired or, when
// its configuration has changed, Failed; from Approved to Sending or Failed; from
// Sending to one of the last three.
const (
	PendingApproval Status = "pendingApproval"
	Approved        Status = "approved"
	Denied          Status = "denied"
	Expired         Status = "expired"
	Sending         Status = "sending"
	Succeeded       Status = "succeeded"
	Failed          Status = "failed"
	Unknown         Status = "unknown"
)

// Statuses are all states, in the order of a call's life.
var Statuses = []Status{PendingApproval, Approved, Denied, Expired, Sending, Succeeded, Failed, Unknown}

// Final reports whether an execution in the state stays in it.
func (s Status) Final() bool { return s != PendingApproval && s != Approved && s != Sending }

// Execution is one call: what was asked, what was sent, what came back. It
// never holds a secret: what is in it has been redacted.
type Execution struct {
	ID         string            `json:"executionId"`
	Config     string            `json:"config"`
	Status     Status            `json:"status"`
	Request    *Request          `json:"request"`
	Response   *Response         `json:"response"`
	Error      *CallError        `json:"error"`
	Attempts   int               `json:"attempts"`
	DurationMS int64             `json:"durationMs"`
	CreatedAt  time.Time         `json:"createdAt,omitzero"`
	Context    map[string]string `json:"context,omitempty"`
	// Approval is nil for a call that needed none.
	Approval *Approval `json:"approval,omitempty"`
	// Callback is nil if the result is to be posted nowhere.
	Callback *Callback `json:"callback,omitempty"`
	// Stages says what the time went into.
	Stages []StageTime `json:"stages,omitempty"`
	// Recorded is false when the history could not take the outcome, else nil.
	Recorded *bool `json:"recorded,omitempty"`
	// ConfigID outlives the name: a deleted and re-created configuration is another.
	ConfigID string `json:"-"`
	// Deadline is when a sending execution counts as unknown.
	Deadline time.Time `json:"-"`
}

// Request is a request as it may be shown: secrets are masked.
type Request struct {
	Method  string          `json:"method"`
	URL     string          `json:"url"`
	Headers []HeaderValue   `json:"headers,omitempty"`
	Body    json.RawMessage `json:"body,omitempty"`
}

// HeaderValue is a header as it may be shown.
type HeaderValue struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// Response is what the upstream answered, redacted. Body is the JSON that was
// sent, a JSON string for text, or null when there was none.
type Response struct {
	Status      int             `json:"status"`
	ContentType string          `json:"contentType"`
	Body        json.RawMessage `json:"body"`
	// Bytes is the size of the decoded body as far as it was read.
	Bytes     int64 `json:"bytes"`
	Truncated bool  `json:"truncated"`
	// Location is where a redirect, which is never followed, points to.
	Location string `json:"location,omitempty"`
}

// StageTime is how long all of a stage took, in milliseconds.
type StageTime struct {
	Stage      Stage   `json:"stage"`
	DurationMS float64 `json:"durationMs"`
}

// CallError says why a call did not succeed and what to do next.
type CallError struct {
	Code              Code   `json:"code"`
	Message           string `json:"message"`
	Retryable         bool   `json:"retryable"`
	RetryAfterSeconds int    `json:"retryAfterSeconds,omitempty"`
	// Reason is Message without its advice.
	Reason string `json:"-"`
}

// At returns the execution as it is to be read at the time now: one that was
// being sent past its deadline has an unknown outcome, and one that waits for a
// decision past its time has expired.
func (e *Execution) At(now time.Time) *Execution {
	out := *e
	switch {
	case e.Status == Sending && !e.Deadline.IsZero() && !now.Before(e.Deadline):
		out.Status, out.Error = Unknown, UnknownOutcome()
	case e.Status == PendingApproval && !now.Before(e.Approval.ExpiresAt):
		out.Status, out.Error = Expired, NewCallError(ApprovalExpired, "No technician decided in time, so nothing was sent.")
	default:
		return e
	}
	return &out
}

// Brief returns the execution without what only a person who looks into the history
// needs: the times, parts of the request, and whether its result was posted.
func (e *Execution) Brief() *Execution {
	out := *e
	out.Stages, out.Callback = nil, nil
	if e.Request != nil {
		out.Request = &Request{Method: e.Request.Method, URL: e.Request.URL}
	}
	return &out
}

// Row returns what a list shows of the execution: no bodies.
func (e *Execution) Row() *Execution {
	out := e.Brief()
	out.Callback = e.Callback
	if e.Response != nil {
		short := *e.Response
		short.Body = nil
		out.Response = &short
	}
	return out
}

// UnknownOutcome is the error of an execution that may have been sent.
func UnknownOutcome() *CallError {
	return NewCallError(OutcomeUnknown, "The request may have reached the API, and its answer is not known.")
}
