package execute_test

import (
	"errors"
	"fmt"
	"net/http"
	"os/exec"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"callout/handler/callout"
	"callout/handler/execute"
	"callout/handler/store"
)

// allStages in the order of the design, section 6.
var allStages = []callout.Stage{
	callout.StageConfiguration, callout.StageSecrets, callout.StagePolicy, callout.StageDNS, callout.StageTCP,
	callout.StageTLS, callout.StageToken, callout.StageRequest, callout.StageResponse,
}

// before lists the stages up to last.
func before(last callout.Stage) []callout.Stage {
	return allStages[:slices.Index(allStages, last)+1]
}

func yes() *bool { v := true; return &v }
func no() *bool  { v := false; return &v }

// test tries the stored configuration api.
func (h *house) test(trial execute.Trial) *callout.TestReport {
	h.t.Helper()
	report, err := h.Test(h.t.Context(), "api", trial)
	if err != nil {
		h.t.Fatalf("Test: %v", err)
	}
	wantClean(h.t, "the report", encode(h.t, report))
	return report
}

// draft tries a configuration that is not stored.
func (h *house) draft(document string, trial execute.Trial) *callout.TestReport {
	h.t.Helper()
	report, err := h.TestDraft(h.t.Context(), h.decode(document), trial)
	if err != nil {
		h.t.Fatalf("TestDraft: %v", err)
	}
	wantClean(h.t, "the report", encode(h.t, report))
	return report
}

// wantStages checks that these stages were gone through, and all with success
// except the last if ok is false.
func wantStages(t *testing.T, report *callout.TestReport, last callout.Stage, ok bool) {
	t.Helper()
	var got []callout.Stage
	for i, stage := range report.Stages {
		got = append(got, stage.Stage)
		passed := ok || i < len(report.Stages)-1
		if stage.OK != passed || (stage.Advice == "") != passed || stage.Detail == "" || stage.DurationMS < 0 {
			t.Errorf("stage %s: %+v", stage.Stage, stage)
		}
	}
	if !slices.Equal(got, before(last)) {
		t.Errorf("the stages are %v, want those up to %s", got, last)
	}
	if report.OK != ok || (report.Error == nil) != ok || report.Summary == "" {
		t.Errorf("ok %t, error %v, summary %q", report.OK, report.Error, report.Summary)
	}
}

func TestAGetIsSentByDefault(t *testing.T) {
	h := newHouse(t, fine)
	h.configure(`"auth": {"type": "bearer", "token": "canary-token"}`)
	report := h.test(execute.Trial{})
	wantStages(t, report, callout.StageResponse, true)
	if !report.Sent || report.Response == nil || string(report.Response.Body) != `{"id":7}` {
		t.Errorf("the report is %s", encode(t, report))
	}
	if report.Summary != "The API answered 200 OK." {
		t.Errorf("the summary is %q", report.Summary)
	}
	wantSeen(t, h.api, 1)
	if got := h.api.requests()[0].header.Get("Authorization"); got != "Bearer canary-token" {
		t.Errorf("sent was %q", got)
	}
}

func TestWhenATestSends(t *testing.T) {
	tests := []struct {
		method string
		send   *bool
		sent   int
	}{{"GET", nil, 1}, {"GET", no(), 0}, {"GET", yes(), 1}, {"POST", nil, 0}, {"POST", no(), 0}, {"POST", yes(), 1},
		{"PUT", nil, 0}, {"PATCH", nil, 0}, {"DELETE", nil, 0}, {"DELETE", yes(), 1}}
	for _, test := range tests {
		h := newHouse(t, fine)
		h.configure(fmt.Sprintf(`"method": %q`, test.method))
		report := h.test(execute.Trial{Send: test.send})
		last := callout.StageToken
		if test.sent > 0 {
			last = callout.StageResponse
		}
		wantStages(t, report, last, true)
		if report.Sent != (test.sent > 0) || (report.Response != nil) != report.Sent || report.Request.Method != test.method {
			t.Errorf("%s: the report is %s", test.method, encode(t, report))
		}
		wantSeen(t, h.api, test.sent)
		if list := h.history(); len(list) != 0 {
			t.Errorf("%s: the history holds %v", test.method, list)
		}
	}
}

func TestATestAsksForNoApproval(t *testing.T) {
	h := newHouse(t, fine)
	h.configure(`"enabled": false, "approval": "required", "method": "POST"`)
	report := h.test(execute.Trial{Send: yes()})
	wantStages(t, report, callout.StageResponse, true)
	if detail := report.Stages[0].Detail; !strings.Contains(detail, "switched off") {
		t.Errorf("the first stage says %q", detail)
	}
	wantSeen(t, h.api, 1)
}

func TestTheOutcomeIsKeptAsTheNewestTest(t *testing.T) {
	h := newHouse(t, fine)
	for _, endpoint := range []string{"https://no-such-host.example.com", h.api.origin()} {
		before := h.configure(fmt.Sprintf(`"endpoint": %q`, endpoint))
		h.clock.pass(time.Minute)
		report := h.test(execute.Trial{})
		config, err := h.Catalog.Get(t.Context(), "api")
		if err != nil {
			t.Fatal(err)
		}
		want := callout.LastTest{At: h.clock.now().UTC(), OK: report.OK, Summary: report.Summary}
		if config.LastTest == nil || *config.LastTest != want || config.ETag != before.ETag {
			t.Errorf("kept is %+v, want %+v; the ETag was %s and is %s", config.LastTest, want, before.ETag, config.ETag)
		}
	}
}

// A report is worth having even if it cannot be kept: it tells what was sent.
func TestAnOutcomeThatCannotBeKept(t *testing.T) {
	h := newHouse(t, fine)
	h.configure(``)
	h.configs.beforePut = down
	wantStages(t, h.test(execute.Trial{}), callout.StageResponse, true)
	if !strings.Contains(h.log.String(), "could not be kept") {
		t.Errorf("the log says %s", h.log)
	}
}

func TestADraftStoresNothing(t *testing.T) {
	h := newHouse(t, fine)
	wantStages(t, h.draft(h.document(`"auth": {"type": "bearer", "token": "canary-token"}`), execute.Trial{}), callout.StageResponse, true)
	wantStages(t, h.draft(h.document(`"method": "POST", "auth": {"type": "bearer", "token": "canary-token"}`), execute.Trial{Send: yes()}), callout.StageResponse, true)
	h.draft(h.document(`"endpoint": "https://no-such-host.example.com"`), execute.Trial{})
	if got := h.api.requests()[0].header.Get("Authorization"); got != "Bearer canary-token" {
		t.Errorf("sent was %q", got)
	}
	for _, partition := range []string{"config", "test"} {
		page, err := h.configs.List(t.Context(), store.Range{Partition: partition})
		if err != nil || len(page.Rows) != 0 {
			t.Errorf("partition %s holds %v, %v", partition, page.Rows, err)
		}
	}
	names, err := h.store.Vault().Names(t.Context())
	if list := h.history(); err != nil || len(names)+len(list) != 0 {
		t.Errorf("the vault holds %v, the history %v, %v", names, list, err)
	}
}

// A draft has no stored secrets, not even those of a configuration of its name.
func TestADraftTakesNoStoredSecrets(t *testing.T) {
	h := newHouse(t, fine)
	h.configure(`"auth": {"type": "bearer", "token": "canary-token"}`)
	_, err := h.TestDraft(t.Context(), h.decode(h.document(`"auth": {"type": "bearer"}`)), execute.Trial{})
	if refusal := wantCode(t, err, callout.InvalidConfig); refusal.Target != "auth.token" {
		t.Errorf("the fault is at %q", refusal.Target)
	}
	wantSeen(t, h.api, 0)
}

func TestTestsThatAreRefused(t *testing.T) {
	h := newHouse(t, fine)
	_, err := h.Test(t.Context(), "nope", execute.Trial{})
	wantCode(t, err, callout.ConfigNotFound)
	_, err = h.TestDraft(t.Context(), h.decode(`{"name": "Bad", "method": "GET", "endpoint": "x"}`), execute.Trial{})
	if refusal := wantCode(t, err, callout.InvalidConfig); len(refusal.Details) != 2 {
		t.Errorf("the faults are %v", refusal.Details)
	}
	h.configure(`"fields": [{"name": "n", "type": "integer", "required": true}, {"name": "m", "type": "string", "required": true}]`)
	_, err = h.Test(t.Context(), "api", execute.Trial{Arguments: h.arguments(`{"n": "x", "canary": 1}`)})
	if refusal := wantCode(t, err, callout.InvalidArguments); len(refusal.Details) != 2 {
		t.Errorf("the faults are %v", refusal.Details)
	}
	wantSeen(t, h.api, 0)
}

const form = `"method": "POST", "auth": {"type": "apiKey", "in": "query", "query": "key", "key": "canary-key"},
	"headers": [{"name": "X-Token", "value": "canary-header"}, {"name": "X-Quote", "value": "it's \"quoted\" $HOME"}],
	"fields": [{"name": "email", "type": "string", "required": true}, {"name": "kind", "type": "string", "enum": ["a", "b"], "required": true},
		{"name": "page", "type": "integer", "in": "query", "default": 1}]`

// What a test shows is what it sends, apart from the masks: as a request and as
// a command, which a real shell takes apart here.
func TestTheShownRequestIsWhatATestSends(t *testing.T) {
	h := newHouse(t, fine)
	h.configure(form)
	report := h.test(execute.Trial{Send: yes(), Arguments: h.arguments(`{"email": "o'neill@example.com", "kind": "b"}`)})
	wantStages(t, report, callout.StageResponse, true)
	sent := h.api.requests()[0]
	masked := strings.NewReplacer("canary-key", "[secret]", "canary-header", "[secret]")
	url := h.api.origin() + masked.Replace(sent.uri)
	if report.Request.URL != url || string(report.Request.Body) != sent.body {
		t.Errorf("shown is %s, sent was %v", encode(t, report.Request), sent)
	}
	want := []string{"-X", "POST", url}
	shown := http.Header{}
	for _, header := range report.Request.Headers {
		shown.Add(header.Name, header.Value)
		want = append(want, "-H", header.Name+": "+header.Value)
	}
	sent.header.Set("X-Token", masked.Replace(sent.header.Get("X-Token")))
	if !reflect.DeepEqual(shown, sent.header) {
		t.Errorf("shown are %v, sent were %v", shown, sent.header)
	}
	if got := shell(t, report.Curl); !slices.Equal(got, append(want, "--data-raw", sent.body)) {
		t.Errorf("cURL is given %q, want %q", got, want)
	}
}

// shell returns the arguments that a command passes to curl.
func shell(t *testing.T, command string) []string {
	t.Helper()
	out, err := exec.Command("/bin/sh", "-c", `curl() { printf '%s\n' "$@"; }; `+command).Output()
	var failed *exec.ExitError
	if errors.As(err, &failed) {
		t.Fatalf("%s\n%s", command, failed.Stderr)
	}
	if err != nil {
		t.Fatal(err)
	}
	return strings.Split(strings.TrimSuffix(string(out), "\n"), "\n")
}

// Before anybody has filled it in, a request is shown with examples, and not
// sent with them.
func TestWithoutArgumentsExamplesAreShown(t *testing.T) {
	h := newHouse(t, fine)
	h.configure(form)
	report := h.test(execute.Trial{})
	wantStages(t, report, callout.StageToken, true)
	if got := string(report.Request.Body); got != `{"email":"example","kind":"a"}` {
		t.Errorf("the body is %s", got)
	}
	if want := h.api.origin() + "/v1/items?page=1&key=[secret]"; report.Request.URL != want {
		t.Errorf("the URL is %s, want %s", report.Request.URL, want)
	}
	for _, arguments := range []string{`{}`, `{"email": "a@example.com"}`} {
		report = h.test(execute.Trial{Send: yes(), Arguments: h.arguments(arguments)})
		wantStages(t, report, callout.StageRequest, false)
	}
	wantStages(t, h.test(execute.Trial{Send: yes()}), callout.StageRequest, false)
	wantSeen(t, h.api, 0)
}
