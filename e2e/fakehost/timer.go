package fakehost

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"
)

// TimerResult is what a function answered to its timer.
type TimerResult struct {
	Outputs     map[string]json.RawMessage
	Logs        []string
	ReturnValue json.RawMessage
}

// TimerOption changes the envelope that Timer sends.
type TimerOption func(*timerCall)

type timerCall struct {
	info         timerInfo
	encodedTwice bool
}

// timerInfo is the host's TimerInfo as JSON.
type timerInfo struct {
	Schedule       timerSchedule
	ScheduleStatus *scheduleStatus
	IsPastDue      bool
}

type timerSchedule struct{ AdjustForDST bool }

type scheduleStatus struct{ Last, LastUpdated, Next time.Time }

// EncodedTwice sends the timer's data as a JSON string that holds JSON, which
// the host does when it cannot tell that it is an object.
func EncodedTwice() TimerOption {
	return func(c *timerCall) { c.encodedTwice = true }
}

// PastDue says that the timer fires later than its schedule.
func PastDue() TimerOption {
	return func(c *timerCall) { c.info.IsPastDue = true }
}

// LastRun adds the status that the host keeps in blob storage; without it the
// status is null, as on a first run.
func LastRun(last, next time.Time) TimerOption {
	return func(c *timerCall) {
		c.info.ScheduleStatus = &scheduleStatus{Last: last, LastUpdated: last, Next: next}
	}
}

// Timer fires the timer of a function once and returns its answer, whose Logs
// become lines. An answer that is not 2xx, or not the expected JSON, is an
// error, and its logs are lost.
func (h *Host) Timer(ctx context.Context, function string, options ...TimerOption) (TimerResult, error) {
	call := timerCall{info: timerInfo{Schedule: timerSchedule{AdjustForDST: true}}}
	for _, option := range options {
		option(&call)
	}
	result, err := h.fire(ctx, function, call)
	if err != nil {
		return TimerResult{}, fmt.Errorf("fakehost: timer %s: %w", function, err)
	}
	for _, text := range result.Logs {
		h.lines.record(Invocation, text)
	}
	return result, nil
}

func (h *Host) fire(ctx context.Context, name string, call timerCall) (TimerResult, error) {
	function, err := h.timerFunction(name)
	if err != nil {
		return TimerResult{}, err
	}
	status, err := h.worker.await(ctx, Status.isSettled)
	if err != nil {
		return TimerResult{}, err
	}
	if status.State != Ready {
		return TimerResult{}, fmt.Errorf("the handler is %s: %s", status.State, status.Why)
	}
	envelope, err := call.envelope(function, h.now())
	if err != nil {
		return TimerResult{}, err
	}
	return h.post(ctx, name, envelope)
}

func (h *Host) timerFunction(name string) (Function, error) {
	for _, f := range h.app.functions {
		if f.Name == name && f.IsTimer() {
			return f, nil
		}
	}
	return Function{}, errors.New("no function of that name has a timerTrigger: see Functions for those there are")
}

// envelope is an HttpScriptInvocationContext.
func (c timerCall) envelope(f Function, now time.Time) ([]byte, error) {
	var data any = c.info
	if c.encodedTwice {
		inner, err := json.Marshal(c.info)
		if err != nil {
			return nil, err
		}
		data = string(inner)
	}
	sys := map[string]any{"MethodName": f.Name, "UtcNow": now.UTC(), "RandGuid": newID()}
	return json.Marshal(map[string]any{
		"Data":     map[string]any{f.binding: data},
		"Metadata": map[string]any{"sys": sys},
	})
}

// post sends the envelope to /<function>, without the prefix of routes.
func (h *Host) post(ctx context.Context, function string, envelope []byte) (TimerResult, error) {
	var result TimerResult
	target := "http://" + h.app.program.address() + "/" + function
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, target, bytes.NewReader(envelope))
	if err != nil {
		return result, err
	}
	request.Header.Set("Content-Type", "application/json; charset=utf-8")
	request.Header.Set("User-Agent", "Azure-Functions-Host/"+hostVersion)
	request.Header.Set(invocationIDHeader, newID())
	request.Header.Set(hostVersionHeader, hostVersion)
	response, err := h.client.RoundTrip(request)
	if err != nil {
		return result, err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return result, err
	}
	if response.StatusCode/100 != 2 {
		return result, fmt.Errorf("the handler answered %d, so its logs are lost: answer 200 even when there was nothing to do", response.StatusCode)
	}
	if err := json.Unmarshal(body, &result); err != nil {
		return TimerResult{}, fmt.Errorf(`answer {"Outputs":{},"Logs":[],"ReturnValue":null}: %w`, err)
	}
	return result, nil
}
