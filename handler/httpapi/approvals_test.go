package httpapi

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"
)

// asked makes a call that waits for a technician, and returns its id.
func (s *service) asked(arguments string) string {
	s.t.Helper()
	got := s.want(202, "POST", "/execute/careful", `{"arguments": `+arguments+`, "context": {"ticket": "T1"}}`)
	id, _ := got.object(s.t)["executionId"].(string)
	if at := got.header.Get("Operation-Location"); at != s.url+"/api/executions/"+id {
		s.t.Errorf("the outcome is at %s", at)
	}
	return id
}

func newCareful(t *testing.T) *service {
	s := newService(t)
	s.want(201, "POST", "/configs", s.config("careful", "/ok", doc{"method": "POST", "approval": "required",
		"auth": doc{"type": "bearer", "token": canary}, "fields": []any{doc{"name": "note", "type": "string", "required": true}}}))
	return s
}

// ids are those of a list that is followed page by page.
func (s *service) ids(t *testing.T, path string) []string {
	t.Helper()
	values, _ := s.follow(t, path, "executionId")
	return values
}

// What waits comes first, then what is decided, each newest first, whatever the
// size of the pages.
func TestApprovalsAreListed(t *testing.T) {
	s := newCareful(t)
	var ids []string
	for i := range 6 {
		ids = append([]string{s.asked(fmt.Sprintf(`{"note": "note %d"}`, i))}, ids...)
	}
	s.want(200, "POST", "/approvals/"+ids[1]+"/approve", `{"by": "kim"}`)
	s.want(200, "POST", "/approvals/"+ids[4]+"/deny", `{"by": "lee", "reason": "no"}`)
	want := []string{ids[0], ids[2], ids[3], ids[5], ids[1], ids[4]}
	for _, top := range []int{1, 2, 4, 5, 6, 100} {
		if got := s.ids(t, fmt.Sprintf("/approvals?top=%d", top)); !slices.Equal(got, want) {
			t.Errorf("in pages of %d:\n%q, want\n%q", top, got, want)
		}
	}
	if got := s.ids(t, "/approvals?decided=true"); !slices.Equal(got, want[4:]) {
		t.Errorf("decided are %q", got)
	}
	first := s.want(200, "GET", "/approvals?top=1", "").object(t)["value"].([]any)[0].(doc)
	if changes := encoded(first["changes"]); first["lastApproved"] != ids[1] || changes != `[{"after":"note 5","before":"note 4","path":"body/note"}]` {
		t.Errorf("compared with %v it has the changes %s", first["lastApproved"], changes)
	}
	if body := encoded(first["request"]); !strings.Contains(body, `"note":"note 5"`) || strings.Contains(body, canary) {
		t.Errorf("the request is shown as %s", body)
	}
	if got := s.ids(t, "/executions?status=pendingApproval&ticket=T1&config=careful&top=1"); !slices.Equal(got, want[:4]) {
		t.Errorf("executions that wait are %q", got)
	}
	if got := s.ids(t, "/executions?status=denied"); !slices.Equal(got, want[5:]) {
		t.Errorf("executions that were denied are %q", got)
	}
}

// A list says when there are more changes than it shows, and leaves out what was
// answered.
func TestApprovalsAreShort(t *testing.T) {
	s := newService(t)
	s.want(201, "POST", "/configs", s.config("careful", "/ok", doc{"method": "POST", "approval": "required",
		"fields": []any{doc{"name": "notes", "type": "array", "required": true}}}))
	older, newer := s.asked(`{"notes": ["`+strings.Repeat("x", 2000)+`"]}`), s.asked(`{"notes": [1`+strings.Repeat(",1", 200)+`]}`)
	s.want(200, "POST", "/approvals/"+older+"/approve", `{"by": "kim"}`)
	items := s.want(200, "GET", "/approvals", "").object(t)["value"].([]any)
	first, second := items[0].(doc), items[1].(doc)
	changes := first["changes"].([]any)
	if before, _ := changes[0].(doc)["before"].(string); first["executionId"] != newer || first["changesTruncated"] != true || !strings.HasSuffix(before, "x…") {
		t.Errorf("of %d changes the first is %s", len(changes), encoded(changes[0]))
	}
	if answer := second["response"].(doc); second["executionId"] != older || answer["status"] != 200.0 || answer["body"] != nil {
		t.Errorf("the answer is shown as %s", encoded(answer))
	}
}

// A decision answers as a call does; what cannot be read is refused, and changes
// nothing.
func TestDecisionsAreAnswered(t *testing.T) {
	s := newCareful(t)
	id := s.asked(`{"note": "a"}`)
	for body, target := range map[string]string{
		`{"arguments": {"note": 7}}`:                       "arguments.note",
		`{"argument": {}}`:                                 "argument",
		`{"by": 7}`:                                        "by",
		`{"by": "` + strings.Repeat("x", 257) + `"}`:       "by",
		`{"arguments": {"note": "b", "` + canary + `":1}}`: "arguments." + canary,
	} {
		if p := s.want(400, "POST", "/approvals/"+id+"/approve", body).problem(); p.Target != target {
			t.Errorf("%s: the fault is at %s", body, p.Target)
		}
	}
	for _, body := range []string{``, `{}`, `{"reason": ""}`, `{"reason": "` + strings.Repeat("x", 1001) + `"}`, `{"reason": "no", "arguments": {}}`} {
		s.want(400, "POST", "/approvals/"+id+"/deny", body)
	}
	s.want(404, "POST", "/approvals/01J0000000000000000000000A/deny", `{"reason": "no"}`)
	s.want(404, "POST", "/approvals/"+strings.ToLower(id)+"/approve", ``)
	if s.upstream.calls > 0 {
		t.Fatal("something was sent")
	}
	got := s.want(200, "POST", "/approvals/"+id+"/approve", `{"by": "kim", "arguments": {"note": "b"}}`).object(t)
	decided := got["approval"].(doc)
	if got["status"] != "succeeded" || decided["by"] != "kim" || decided["claimed"] != true || decided["originalDigest"] == nil {
		t.Errorf("the answer is %s", encoded(got))
	}
	if again := s.want(200, "POST", "/approvals/"+id+"/approve", ``).object(t); encoded(again) != encoded(got) {
		t.Errorf("repeated, the answer is %s, before %s", encoded(again), encoded(got))
	}
	p := s.want(409, "POST", "/approvals/"+id+"/deny", `{"reason": "no"}`).problem()
	if p.Code != "ApprovalNotPending" || !strings.Contains(p.Message, "approved") || s.upstream.calls != 1 {
		t.Errorf("got %+v after %d calls", p, s.upstream.calls)
	}
}

func TestFiltersThatAreNone(t *testing.T) {
	s := newCareful(t)
	for query, target := range map[string]string{
		"status=Failed": "status", "from=yesterday": "from", "to=2026-13-01T00:00:00Z": "to", "after=x": "after", "top=0": "top", "ticket=a&ticket=b": "ticket", "tickets=a": "",
	} {
		if p := s.want(400, "GET", "/executions?"+query, "").problem(); p.Code != "InvalidQuery" || p.Target != target {
			t.Errorf("%s: %+v", query, p)
		}
	}
	if p := s.want(400, "GET", "/approvals?decided=yes", "").problem(); p.Target != "decided" {
		t.Errorf("got %+v", p)
	}
	for _, query := range []string{"config=none", "ticket=none", "from=" + url.QueryEscape("2100-01-01T00:00:00+01:00")} {
		if got := s.ids(t, "/executions?"+query); len(got) > 0 {
			t.Errorf("%s: %q", query, got)
		}
	}
}

func TestCallbacksThatAreRefused(t *testing.T) {
	s := newCareful(t)
	s.want(202, "POST", "/execute/careful", `{"arguments": {"note": "a"}, "callbackUrl": "https://agents.example.com/results/1?`+canary+`"}`)
	for _, address := range []string{"https://agents.example.com.evil.example/results", "https://agents.example.com/other", "http://agents.example.com/results", canary} {
		p := s.want(400, "POST", "/execute/careful", `{"arguments": {"note": "a"}, "callbackUrl": "`+address+`"}`).problem()
		if p.Target != "callbackUrl" {
			t.Errorf("%s: %+v", address, p)
		}
	}
	for _, at := range []string{"/approvals", "/executions"} {
		if got := s.want(200, "GET", at, ""); strings.Contains(string(got.body), canary) {
			t.Errorf("the address is shown: %s", got.body)
		}
	}
}
