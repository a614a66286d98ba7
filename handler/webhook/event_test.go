package webhook_test

import (
	"testing"
	"time"

	"callout/handler/callout"
	"callout/handler/secret"
	"callout/handler/webhook"
)

func TestEvent(t *testing.T) {
	at := time.Date(2026, 1, 2, 4, 4, 5, 678e6, time.FixedZone("", 3600))
	for _, c := range []struct {
		what string
		data any
		want string
	}{
		{"an object", map[string]any{"a": 1}, `{"a":1}`},
		{"nothing", nil, `null`},
		{"what cannot be encoded", map[string]any{"a": secret.New("canary")}, `null`},
	} {
		want := `{"type":"execution.succeeded","timestamp":"2026-01-02T03:04:05.678Z","data":` + c.want + `}`
		if got := string(webhook.Event("execution.succeeded", at, c.data)); got != want {
			t.Errorf("%s: %s, want %s", c.what, got, want)
		}
	}
}

// A sender allows what it posts to.
func TestAllowed(t *testing.T) {
	h := newHouse(t)
	at := h.sender()
	if err := at.Allowed(h.receiver.URL + "/in/box"); err != nil {
		t.Error(err)
	}
	if err, ok := at.Allowed(h.receiver.URL + "/out").(*callout.Error); !ok || err.Target != "callbackUrl" {
		t.Errorf("%v", err)
	}
	if err := webhook.New(webhook.Options{}).Allowed(h.receiver.URL + "/in"); err == nil {
		t.Error("a sender without options allows it")
	}
}
