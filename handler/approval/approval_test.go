package approval_test

import (
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"callout/handler/approval"
	"callout/handler/callout"
)

var begin = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

func pending() *callout.Execution {
	e := &callout.Execution{ID: "01J"}
	approval.Ask(e, "digest", 3, begin.Add(time.Hour))
	return e
}

var (
	yes = approval.Verdict{Decision: callout.DecisionApproved, By: "kim", Claimed: true}
	no  = approval.Verdict{Decision: callout.DecisionDenied, By: "lee", Reason: "wrong customer"}
)

// edited is a yes to a request whose arguments were edited.
func edited(digest string) approval.Verdict {
	v := yes
	v.Digest = digest
	return v
}

func TestDecide(t *testing.T) {
	for _, tt := range []struct {
		name    string
		before  []approval.Verdict
		verdict approval.Verdict
		at      time.Duration
		status  callout.Status
		changed bool
		refusal string
	}{
		{"yes", nil, yes, 0, callout.Approved, true, ""},
		{"no", nil, no, 0, callout.Denied, true, ""},
		{"yes, in the last moment", nil, yes, time.Hour - 1, callout.Approved, true, ""},
		{"yes, too late", nil, yes, time.Hour, callout.Expired, false, "expired"},
		{"no, too late", nil, no, time.Hour, callout.Expired, false, "expired"},
		{"yes twice", []approval.Verdict{yes}, yes, 0, callout.Approved, false, ""},
		{"no twice", []approval.Verdict{no}, no, 0, callout.Denied, false, ""},
		{"no after yes", []approval.Verdict{yes}, no, 0, callout.Approved, false, "approved already"},
		{"yes after no", []approval.Verdict{no}, yes, 0, callout.Denied, false, "denied already"},
		{"yes twice, the same edit", []approval.Verdict{edited("a")}, edited("a"), 0, callout.Approved, false, ""},
		{"yes twice, once more as it is", []approval.Verdict{edited("a")}, yes, 0, callout.Approved, false, ""},
		{"yes twice, an edit that is none", []approval.Verdict{yes}, edited("digest"), 0, callout.Approved, false, ""},
		{"yes, then an edit", []approval.Verdict{yes}, edited("a"), 0, callout.Approved, false, "approved already as it was, and that stands: your edit was not taken"},
		{"yes, then another edit", []approval.Verdict{edited("a")}, edited("b"), 0, callout.Approved, false, "with another edit, and that stands: your edit was not taken"},
		{"yes twice, the second late", []approval.Verdict{yes}, yes, 2 * time.Hour, callout.Approved, false, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			e := pending()
			for _, v := range tt.before {
				if _, err := approval.Decide(e, v, begin); err != nil {
					t.Fatal(err)
				}
			}
			now := begin.Add(tt.at)
			e = e.At(now)
			changed, err := approval.Decide(e, tt.verdict, now)
			if e.Status != tt.status || changed != tt.changed {
				t.Errorf("it is %s, changed %t; want %s, %t", e.Status, changed, tt.status, tt.changed)
			}
			var refusal *callout.Error
			if errors.As(err, &refusal) != (tt.refusal != "") || refusal != nil && (refusal.Code != callout.ApprovalNotPending || !strings.Contains(refusal.Message, tt.refusal)) {
				t.Errorf("got %v, want %q", err, tt.refusal)
			}
		})
	}
}

func TestADecisionSaysWhoAndWhy(t *testing.T) {
	e := pending()
	shared := e.Approval
	if _, err := approval.Decide(e, no, begin); err != nil {
		t.Fatal(err)
	}
	want := &callout.Approval{Digest: "digest", ConfigVersion: 3, ExpiresAt: begin.Add(time.Hour),
		Decision: callout.DecisionDenied, DecidedAt: begin, By: "lee", Reason: "wrong customer"}
	if !reflect.DeepEqual(e.Approval, want) || shared.Decision != "" {
		t.Errorf("got %+v", e.Approval)
	}
	if e.Error.Code != callout.ApprovalDenied || !strings.Contains(e.Error.Message, "wrong customer") || e.Error.Retryable {
		t.Errorf("an agent is told %+v", e.Error)
	}
}

func TestEditedArgumentsHaveADigestOfTheirOwn(t *testing.T) {
	for digest, want := range map[string]string{"": "digest <", "digest": "digest <", "other": "other < digest"} {
		e, v := pending(), yes
		v.Digest = digest
		if _, err := approval.Decide(e, v, begin); err != nil {
			t.Fatal(err)
		}
		if got := strings.TrimSpace(e.Approval.Digest + " < " + e.Approval.OriginalDigest); got != strings.TrimSpace(want) {
			t.Errorf("%q: got %s, want %s", digest, got, want)
		}
	}
}

func TestWhatAsksForNoApproval(t *testing.T) {
	_, err := approval.Decide(&callout.Execution{Status: callout.Sending}, yes, begin)
	var refusal *callout.Error
	if !errors.As(err, &refusal) || refusal.Code != callout.ApprovalNotPending {
		t.Errorf("got %v", err)
	}
}

func TestSendAndChange(t *testing.T) {
	e := pending()
	approval.Send(e, begin)
	if e.Status != callout.Sending || !e.Deadline.Equal(begin) {
		t.Errorf("got %+v", e)
	}
	approval.Change(e)
	if e.Status != callout.Failed || e.Error.Code != callout.ConfigChanged || e.Error.Retryable {
		t.Errorf("got %+v", e)
	}
}

// Any change of what would be sent is another digest, also one that moves text
// from one part to its neighbour.
func TestDigest(t *testing.T) {
	bound := func(change func(*approval.Bound)) approval.Bound {
		b := approval.Bound{ConfigID: "01C", ConfigVersion: 12, SecretVersion: "v1", Method: "POST", URL: "https://api.example.com/a",
			Headers: []callout.HeaderValue{{Name: "A", Value: "1"}, {Name: "B", Value: "2"}}, Body: []byte(`{"a":1}`)}
		change(&b)
		return b
	}
	same := bound(func(*approval.Bound) {}).Digest()
	if again := bound(func(*approval.Bound) {}).Digest(); again != same || len(same) != 64 {
		t.Fatalf("got %s and %s", same, again)
	}
	seen := map[string]string{same: "nothing"}
	for name, change := range map[string]func(*approval.Bound){
		"id":              func(b *approval.Bound) { b.ConfigID = "01D" },
		"version":         func(b *approval.Bound) { b.ConfigVersion = 13 },
		"secret":          func(b *approval.Bound) { b.SecretVersion = "v2" },
		"method":          func(b *approval.Bound) { b.Method = "PUT" },
		"url":             func(b *approval.Bound) { b.URL += "b" },
		"body":            func(b *approval.Bound) { b.Body = []byte(`{"a":2}`) },
		"no body":         func(b *approval.Bound) { b.Body = nil },
		"header value":    func(b *approval.Bound) { b.Headers[0].Value = "2" },
		"header name":     func(b *approval.Bound) { b.Headers[0].Name = "C" },
		"one header":      func(b *approval.Bound) { b.Headers = b.Headers[:1] },
		"order":           func(b *approval.Bound) { b.Headers[0], b.Headers[1] = b.Headers[1], b.Headers[0] },
		"moved on":        func(b *approval.Bound) { b.Headers[0] = callout.HeaderValue{Name: "A1", Value: ""} },
		"url into method": func(b *approval.Bound) { b.Method, b.URL = "POSTh", b.URL[1:] },
		"id into version": func(b *approval.Bound) { b.ConfigID, b.ConfigVersion = "01C1", 2 },
	} {
		digest := bound(change).Digest()
		if other, ok := seen[digest]; ok {
			t.Errorf("%s and %s have one digest", name, other)
		}
		seen[digest] = name
	}
}
