package callout_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"callout/handler/callout"
)

func execution() *callout.Execution {
	return &callout.Execution{
		ID: "01J", Config: "crm", Status: callout.Succeeded, Attempts: 1,
		Request: &callout.Request{Method: "POST", URL: "https://api.example.com/x",
			Headers: []callout.HeaderValue{{Name: "Accept", Value: "*/*"}}, Body: json.RawMessage(`{"a":1}`)},
		Response: &callout.Response{Status: 200, ContentType: "application/json", Body: json.RawMessage(`{"id":7}`), Bytes: 8},
	}
}

func TestAt(t *testing.T) {
	deadline := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for _, tt := range []struct {
		name     string
		status   callout.Status
		deadline time.Time
		now      time.Time
		want     callout.Status
	}{
		{"sending, before its deadline", callout.Sending, deadline, deadline.Add(-1), callout.Sending},
		{"sending, at its deadline", callout.Sending, deadline, deadline, callout.Unknown},
		{"sending, long after", callout.Sending, deadline, deadline.AddDate(1, 0, 0), callout.Unknown},
		{"sending, without a deadline", callout.Sending, time.Time{}, deadline, callout.Sending},
		{"succeeded, after its deadline", callout.Succeeded, deadline, deadline.Add(1), callout.Succeeded},
		{"failed, after its deadline", callout.Failed, deadline, deadline.Add(1), callout.Failed},
		{"unknown, after its deadline", callout.Unknown, deadline, deadline.Add(1), callout.Unknown},
	} {
		t.Run(tt.name, func(t *testing.T) {
			e := &callout.Execution{Status: tt.status, Deadline: tt.deadline}
			got := e.At(tt.now)
			if got.Status != tt.want || e.Status != tt.status {
				t.Errorf("is %s, was made %s; want %s", got.Status, e.Status, tt.want)
			}
			if overdue := tt.want != tt.status; overdue != (got.Error != nil) {
				t.Errorf("the error is %v", got.Error)
			}
		})
	}
}

func TestUnknownOutcome(t *testing.T) {
	e := callout.UnknownOutcome()
	if e.Code != callout.OutcomeUnknown || e.Retryable || e.Message != e.Reason+" "+callout.Advice(callout.OutcomeUnknown) || e.Reason == "" {
		t.Errorf("got %+v", e)
	}
}

func TestBriefLeavesOutWhatOnlyAHistoryNeeds(t *testing.T) {
	e := execution()
	got := e.Brief()
	if got.Request.Method != "POST" || got.Request.URL != "https://api.example.com/x" || got.Request.Headers != nil || got.Request.Body != nil {
		t.Errorf("the request is %+v", got.Request)
	}
	if got.Response != e.Response || e.Request.Headers == nil {
		t.Error("more than the request was touched")
	}
	if bare := (&callout.Execution{}).Brief(); bare.Request != nil {
		t.Errorf("a request came up: %+v", bare.Request)
	}
}

func TestRowHasNoBodies(t *testing.T) {
	e := execution()
	got := e.Row()
	if got.Request.Body != nil || got.Response.Body != nil || got.Response.Status != 200 || got.Response.Bytes != 8 {
		t.Errorf("got %+v, %+v", got.Request, got.Response)
	}
	if e.Response.Body == nil || e.Request.Body == nil {
		t.Error("the execution itself was changed")
	}
	if bare := (&callout.Execution{}).Row(); bare.Request != nil || bare.Response != nil {
		t.Errorf("something came up: %+v", bare)
	}
}

// The shape of design section 5: what is not there is null, not left out.
func TestExecutionAsJSON(t *testing.T) {
	data, err := json.Marshal((&callout.Execution{ID: "01J", Config: "crm", Status: callout.Failed,
		ConfigID: "hidden", Deadline: time.Now(), Error: callout.NewCallError(callout.TimedOut, "It took too long.")}).Brief())
	if err != nil {
		t.Fatal(err)
	}
	const want = `{"executionId":"01J","config":"crm","status":"failed","request":null,"response":null,` +
		`"error":{"code":"TimedOut","message":"It took too long. Retry later, or ask an operator to raise timeoutSeconds.","retryable":true},` +
		`"attempts":0,"durationMs":0}`
	if string(data) != want {
		t.Errorf("got  %s\nwant %s", data, want)
	}
	if strings.Contains(string(data), "hidden") {
		t.Error("what only the store needs is shown")
	}
}
