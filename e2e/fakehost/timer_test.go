package fakehost

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"
)

// envelope is what a handler makes of a timer's request.
type envelope struct {
	Data     map[string]json.RawMessage
	Metadata struct {
		Sys struct{ MethodName string }
	}
}

func tick(t *testing.T, h *Host, options ...TimerOption) (TimerResult, envelope) {
	t.Helper()
	result, err := h.Timer(deadline(t), "tick", options...)
	if err != nil {
		t.Fatal(err)
	}
	var sent envelope
	if err := json.Unmarshal(result.ReturnValue, &sent); err != nil {
		t.Fatal(err)
	}
	return result, sent
}

func TestTimerEnvelope(t *testing.T) {
	last := time.Date(2026, 11, 23, 13, 55, 0, 0, time.UTC)
	const schedule = `"Schedule":{"AdjustForDST":true}`
	tests := []struct {
		rule    string
		options []TimerOption
		want    string
	}{
		{"a first run", nil, `{` + schedule + `,"ScheduleStatus":null,"IsPastDue":false}`},
		{"past due", []TimerOption{PastDue()}, `{` + schedule + `,"ScheduleStatus":null,"IsPastDue":true}`},
		{"a later run", []TimerOption{LastRun(last, last.Add(5*time.Minute))}, `{` + schedule +
			`,"ScheduleStatus":{"Last":"2026-11-23T13:55:00Z","LastUpdated":"2026-11-23T13:55:00Z","Next":"2026-11-23T14:00:00Z"},"IsPastDue":false}`},
		{"encoded twice", []TimerOption{EncodedTwice()}, `"{\"Schedule\":{\"AdjustForDST\":true},\"ScheduleStatus\":null,\"IsPastDue\":false}"`},
	}
	h := start(t, "echo", everything(), Options{})
	for _, test := range tests {
		t.Run(test.rule, func(t *testing.T) {
			_, sent := tick(t, h, test.options...)
			if got := string(sent.Data["timer"]); got != test.want {
				t.Errorf("got  %s\nwant %s", got, test.want)
			}
			if sent.Metadata.Sys.MethodName != "tick" {
				t.Errorf("metadata %+v", sent.Metadata)
			}
		})
	}
}

func TestTimerAnswer(t *testing.T) {
	for _, mode := range []Mode{Forwarding, Proxying} {
		t.Run(mode.String(), func(t *testing.T) {
			h := start(t, "echo", everything(), Options{Mode: mode})
			result, _ := tick(t, h)
			if got := string(result.Outputs["path"]); got != `"/tick"` {
				t.Errorf("posted to %s", got)
			}
			for _, text := range []string{"swept 3 rows", "warn: one was locked"} {
				if !slices.Contains(h.Logs(), Line{Level: Information, Text: text, Stream: Invocation}) {
					t.Errorf("%q is no line: %+v", text, h.Logs())
				}
			}
		})
	}
}

func TestTimerFails(t *testing.T) {
	h := start(t, "echo", everything(), Options{})
	for function, want := range map[string]string{
		"broken":  "answered 500, so its logs are lost",
		"garbled": `answer {"Outputs"`,
		"all":     "no function of that name has a timerTrigger",
		"unknown": "no function of that name has a timerTrigger",
	} {
		if _, err := h.Timer(deadline(t), function); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want … %s …", function, err, want)
		}
	}
	if got := count(h.Logs(), "never seen"); got != 0 {
		t.Error("the logs of a failed timer were kept")
	}
}

func TestTimerOfADeadHandler(t *testing.T) {
	h := start(t, "echo", everything(), Options{Mode: Forwarding})
	statusOf(t, h, "POST /api/exit/0 HTTP/1.1\nContent-Length: 0\n\n")
	if _, err := h.Timer(deadline(t), "tick"); err == nil {
		t.Error("a dead handler answered")
	}
}
