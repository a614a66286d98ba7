// Package apis_test plays each API that a configuration of this folder is for: an
// agent's call goes through Callout to a vendor on loopback, who checks what comes
// and answers as the real one does.
package apis_test

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"callout/functions"
	"callout/handler/assembly"
	"callout/handler/callout"
	"callout/handler/egress"
	"callout/handler/history"
	"callout/handler/httpapi"
	"callout/handler/localstore"
	"callout/handler/route"
)

// stage is Callout, wired as main does it over the embedded store, for one
// configuration. Whatever it sends to the vendor's hosts reaches the vendor that
// is played here.
type stage struct {
	t        *testing.T
	name     string
	document string
	handler  http.Handler
	vendor   *vendor
	clock    *clock
	log      *journal
	hidden   bool // the endpoint is a secret
}

// Every secret of the files begins with placeholder, and every token that is
// given here with canary: wherever one of them shows, a secret shows.
const placeholder, canary = "replace-with-", "canary-"

// newStage sets the stage for a file. Nothing is stored yet.
func newStage(t *testing.T, name string) *stage {
	t.Helper()
	data, err := os.ReadFile(name + ".json")
	if err != nil {
		t.Fatal(err)
	}
	s := &stage{t: t, name: name, document: string(data), clock: &clock{}, log: &journal{}}
	s.vendor = newVendor(t, s.urls())
	s.clock.pass(time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC).Sub(time.Unix(0, 0)))
	s.wire()
	return s
}

// open stores a configuration as a user would, with the vendor's port in its URLs
// and without the approval, which is not what is played. These of its values are
// to be taken for secrets.
func open(t *testing.T, name string, secrets ...string) *stage {
	t.Helper()
	t.Parallel()
	s := newStage(t, name)
	document := strings.Replace(s.document, "{", `{"approval": "none",`, 1)
	for _, raw := range s.urls() {
		document = strings.ReplaceAll(document, `"`+raw+`"`, `"`+s.vendor.withPort(raw)+`"`)
	}
	s.want(http.StatusCreated, "POST", "/configs", document)
	s.wantSecrets(secrets...)
	s.hidden = slices.Contains(secrets, "endpoint")
	t.Cleanup(s.wantNoTrace)
	return s
}

// urls are the endpoint of the file and, if there is one, its token URL.
func (s *stage) urls() []string {
	s.t.Helper()
	var config struct {
		Endpoint string
		Auth     struct{ TokenURL string }
	}
	if err := json.Unmarshal([]byte(s.document), &config); err != nil {
		s.t.Fatal(err)
	}
	return slices.DeleteFunc([]string{config.Endpoint, config.Auth.TokenURL}, func(raw string) bool { return raw == "" })
}

func (s *stage) wire() {
	opened, err := localstore.Open(s.t.TempDir())
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { _ = opened.Close() })
	client := egress.New(egress.Options{RootCAs: s.vendor.roots, Resolver: s.vendor,
		Policy: egress.Policy{Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}}})
	s.t.Cleanup(client.CloseIdleConnections)
	now, log := s.clock.now, slog.New(slog.NewJSONHandler(s.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	all := assembly.New(assembly.Parts{Table: func(name string) history.Rows { return opened.Table(name) }, Vault: opened.Vault(),
		Client: client, Log: log, Now: now, ConfigTTL: time.Hour})
	api := &httpapi.API{Catalog: all.Catalog, History: all.History, Execute: all.Execute, Sweep: all.Sweep, Log: log, Now: now}
	if api.Functions, err = route.Load(functions.FS); err != nil {
		s.t.Fatal(err)
	}
	if s.handler, err = route.New(api.Functions, api.Handlers(), route.Options{Alone: true, Fail: httpapi.Fail}); err != nil {
		s.t.Fatal(err)
	}
}

// want makes a request to Callout and demands a status.
func (s *stage) want(status int, method, path, body string) []byte {
	s.t.Helper()
	answer := httptest.NewRecorder()
	s.handler.ServeHTTP(answer, httptest.NewRequest(method, "http://127.0.0.1/api"+path, strings.NewReader(body)))
	if answer.Code != status {
		s.t.Fatalf("%s %s: status %d, want %d\n%s", method, path, answer.Code, status, answer.Body)
	}
	return answer.Body.Bytes()
}

// wantSecrets checks which values are kept as secrets, and that no other looks
// like one.
func (s *stage) wantSecrets(paths ...string) {
	s.t.Helper()
	shown := s.want(http.StatusOK, "GET", "/configs/"+s.name, "")
	var config struct{ Secrets []callout.SecretRef }
	s.decode(shown, &config)
	var got []string
	for _, ref := range config.Secrets {
		got = append(got, ref.Path)
	}
	slices.Sort(got)
	slices.Sort(paths)
	if !slices.Equal(got, paths) {
		s.t.Errorf("the secrets are %q, want %q", got, paths)
	}
	s.wantClean("the configuration", string(shown))
}

// outcome is what an agent is told.
type outcome struct {
	status callout.Status
	code   callout.Code
	wait   int    // retryAfterSeconds
	body   string // response.body, as JSON; "" when there was no answer
}

func succeeded(body string) outcome { return outcome{status: callout.Succeeded, body: body} }

func failed(code callout.Code, wait int, body string) outcome {
	return outcome{callout.Failed, code, wait, body}
}

// play has an agent call with the arguments. wire is the conversation that is to
// follow with the vendor: a request and its answer, and so on, each as HTTP
// writes it.
func (s *stage) play(arguments string, told outcome, wire ...string) *callout.Execution {
	s.t.Helper()
	s.vendor.expect(wire)
	answer := s.want(http.StatusOK, "POST", "/execute/"+s.name, `{"arguments": `+arguments+`}`)
	s.vendor.wantEnd()
	e := &callout.Execution{}
	s.decode(answer, e)
	s.wantTold(e, told)
	s.wantClean("the answer", string(answer))
	s.wantRecord(e, wire[len(wire)-2])
	return e
}

// refuse has an agent call with arguments that cannot be sent, because of what is
// at these places.
func (s *stage) refuse(arguments string, places ...string) {
	s.t.Helper()
	s.vendor.expect(nil)
	var answer struct{ Error callout.Error }
	s.decode(s.want(http.StatusBadRequest, "POST", "/execute/"+s.name, `{"arguments": `+arguments+`}`), &answer)
	var got []string
	for _, fault := range answer.Error.Details {
		got = append(got, strings.TrimPrefix(fault.Target, "arguments."))
	}
	slices.Sort(got)
	slices.Sort(places)
	if answer.Error.Code != callout.InvalidArguments || !slices.Equal(got, places) {
		s.t.Errorf("%s is refused with %s for %q, want it for %q", arguments, answer.Error.Code, got, places)
	}
}

func (s *stage) wantTold(e *callout.Execution, told outcome) {
	s.t.Helper()
	got := outcome{status: e.Status}
	if e.Error != nil {
		got.code, got.wait = e.Error.Code, e.Error.RetryAfterSeconds
		if !strings.HasSuffix(e.Error.Message, callout.Advice(got.code)) {
			s.t.Errorf("the agent is not told what to do next: %s", e.Error.Message)
		}
	}
	if e.Response != nil {
		got.body = string(e.Response.Body)
	}
	if got.status != told.status || got.code != told.code || got.wait != told.wait || !sameJSON(got.body, told.body) {
		s.t.Errorf("the agent is told\n%+v, want\n%+v", got, told)
	}
}

// wantRecord checks that the history holds what was answered, and shows what was
// sent last with the secrets masked.
func (s *stage) wantRecord(answered *callout.Execution, sent string) {
	s.t.Helper()
	text := s.want(http.StatusOK, "GET", "/executions/"+answered.ID, "")
	s.wantClean("the record", string(text))
	recorded := &callout.Execution{}
	s.decode(text, recorded)
	if got, want := s.encode(recorded.Brief()), s.encode(answered); got != want {
		s.t.Errorf("recorded is\n%s\nanswered was\n%s", got, want)
	}
	if answered.Response != nil { // or it was a token that was asked for last
		s.wantShown(recorded.Request, sent)
	}
}

func (s *stage) wantShown(shown *callout.Request, sent string) {
	s.t.Helper()
	request, body := parseRequest(s.t, sent)
	url := s.vendor.withPort("https://" + request.Host + request.RequestURI)
	if s.hidden {
		url = s.vendor.withPort("https://"+request.Host+"/") + "[secret]"
	}
	if shown.Method != request.Method || shown.URL != url {
		s.t.Errorf("shown is %s %s, want %s %s", shown.Method, shown.URL, request.Method, url)
	}
	body = secretValue.ReplaceAllString(body, "[secret]")
	if body != "" && !json.Valid([]byte(body)) {
		body = s.encode(body)
	}
	if !sameJSON(string(shown.Body), body) {
		s.t.Errorf("shown is the body\n%s\nwant\n%s", shown.Body, body)
	}
}

// wantNoTrace looks for secrets in what is left when all has been played.
func (s *stage) wantNoTrace() {
	s.wantClean("the log", s.log.String())
	s.wantClean("the list of configurations", string(s.want(http.StatusOK, "GET", "/configs", "")))
	s.wantClean("the list of executions", string(s.want(http.StatusOK, "GET", "/executions", "")))
}

func (s *stage) wantClean(what, text string) {
	s.t.Helper()
	for _, secret := range append(s.vendor.credentials(), placeholder, canary) {
		if strings.Contains(text, secret) {
			s.t.Errorf("%s holds a secret, %s: %s", what, secret, text)
		}
	}
}

func (s *stage) decode(data []byte, into any) {
	s.t.Helper()
	if err := json.Unmarshal(data, into); err != nil {
		s.t.Fatalf("%v: %s", err, data)
	}
}

func (s *stage) encode(v any) string {
	s.t.Helper()
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		s.t.Fatal(err)
	}
	return strings.TrimSpace(b.String())
}

// clock moves when a test says so.
type clock struct{ nanoseconds atomic.Int64 }

func (c *clock) now() time.Time       { return time.Unix(0, c.nanoseconds.Load()) }
func (c *clock) pass(d time.Duration) { c.nanoseconds.Add(int64(d)) }

// journal is what was logged.
type journal struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (j *journal) Write(p []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.Write(p)
}

func (j *journal) String() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.String()
}
