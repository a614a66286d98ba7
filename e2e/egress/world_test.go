// Package egress_test tries the way out as a user meets it: a configuration is
// created, tested and executed in a whole Callout, and what counts is what was
// looked up, dialled and received.
package egress_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	"callout/e2e/whole"
	"callout/handler/callout"
	"callout/handler/egress"
	"callout/handler/localstore"
)

func TestMain(m *testing.M) {
	log.SetOutput(io.Discard) // as main does
	os.Exit(m.Run())
}

// anywhere is a public address. Every name leads to it that a test does not lead
// elsewhere, so that only the policy stands between a request and the API.
const anywhere = "93.184.215.14"

// world is a Callout, and a network in which every address that is dialled is
// that of one upstream.
type world struct {
	*whole.Program
	t        *testing.T
	api      *api   // the upstream, if it is one that answers
	upstream string // its address
	// sendBuffer, unless 0, is how much the system takes that the upstream has not.
	sendBuffer int

	mu      sync.Mutex
	leads   map[string][]string // what each lookup of a name answers, the last one again and again
	lookups []string
	dialled []string
}

// newWorld sets up a world with an API that does answer, over TLS and for any
// host name.
func newWorld(t *testing.T, policy egress.Policy, answer http.HandlerFunc) *world {
	t.Helper()
	a := newAuthority(t)
	api := newAPI(t, a, answer)
	w := newWorldAround(t, policy, a, api.Listener.Addr().String())
	w.api = api
	return w
}

// newWorldAround sets up a world around an upstream whose certificate is of the
// authority.
func newWorldAround(t *testing.T, policy egress.Policy, a *authority, upstream string) *world {
	t.Helper()
	w := &world{t: t, upstream: upstream, leads: map[string][]string{}}
	w.Program = whole.New(t, localstore.Open, whole.Options{Egress: egress.Options{
		Policy: policy, Resolver: w, RootCAs: a.pool(), Dial: w.dial}})
	return w
}

// LookupNetIP implements egress.Resolver.
func (w *world) LookupNetIP(_ context.Context, _, host string) ([]netip.Addr, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.lookups = append(w.lookups, host)
	answers := w.leads[host]
	if len(answers) == 0 {
		answers = []string{anywhere}
	}
	if len(answers) > 1 {
		w.leads[host] = answers[1:]
	}
	return []netip.Addr{netip.MustParseAddr(answers[0])}, nil
}

func (w *world) dial(ctx context.Context, network, address string) (net.Conn, error) {
	w.mu.Lock()
	w.dialled = append(w.dialled, address)
	w.mu.Unlock()
	conn, err := (&net.Dialer{}).DialContext(ctx, network, w.upstream)
	if err == nil && w.sendBuffer > 0 {
		err = conn.(*net.TCPConn).SetWriteBuffer(w.sendBuffer)
	}
	return conn, err
}

// begin forgets what has happened so far.
func (w *world) begin(t *testing.T) {
	w.t = t
	w.mu.Lock()
	defer w.mu.Unlock()
	w.lookups, w.dialled = nil, nil
	w.api.forget()
}

// wantQuiet demands that nothing left: no connection and no request. Unless
// lookups may be made, not even a name server was asked.
func (w *world) wantQuiet(lookups bool) {
	w.t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.dialled) > 0 || len(w.api.requests()) > 0 {
		w.t.Errorf("dialled %q, and the API saw %d requests; want none", w.dialled, len(w.api.requests()))
	}
	if !lookups && len(w.lookups) > 0 {
		w.t.Errorf("looked up %q before the URL was refused", w.lookups)
	}
}

func (w *world) wantDialled(addresses ...string) {
	w.t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	if !slices.Equal(w.dialled, addresses) {
		w.t.Errorf("dialled %q, want %q", w.dialled, addresses)
	}
}

// put stores a configuration and demands a status.
func (w *world) put(status int, name string, members doc) refusal {
	w.t.Helper()
	return w.want(status, "PUT", "/api/configs/"+name, document(members))
}

// doc is a JSON object.
type doc = map[string]any

// document is a configuration that agents may call: a GET unless it says
// otherwise.
func document(members doc) string {
	all := doc{"method": "GET", "approval": "none"}
	maps.Copy(all, members)
	data, err := json.Marshal(all)
	if err != nil {
		panic(err)
	}
	return string(data)
}

// draft is a request to test a configuration that is not stored.
func draft(members doc) string {
	named := maps.Clone(members)
	named["name"] = "draft"
	return `{"config": ` + document(named) + `}`
}

// refusal is an answer in the shape of errors; it is empty for any other.
type refusal struct {
	Error struct {
		Code, Message string
		Details       []callout.Fault
	}
}

// at reports whether one of the faults is there.
func (r refusal) at(target string) bool {
	return slices.ContainsFunc(r.Error.Details, func(f callout.Fault) bool { return f.Target == target })
}

// want makes a request to Callout and demands a status.
func (w *world) want(status int, method, path, body string) refusal {
	w.t.Helper()
	got, _, answer := w.Do(method, path, body)
	if got != status {
		w.t.Fatalf("%s %s: status %d, want %d\n%s", method, path, got, status, answer)
	}
	var r refusal
	if err := json.Unmarshal([]byte(answer), &r); status >= 400 && err != nil {
		w.t.Fatal(err)
	}
	return r
}

// execute has an agent call, and demands an execution that is on record as it was
// answered.
func (w *world) execute(name, arguments string) *callout.Execution {
	w.t.Helper()
	status, _, answer := w.Do("POST", "/api/execute/"+name, `{"arguments": `+arguments+`}`)
	e := &callout.Execution{}
	if err := json.Unmarshal([]byte(answer), e); err != nil || status != http.StatusOK {
		w.t.Fatalf("status %d, %v\n%s", status, err, answer)
	}
	status, _, recorded := w.Do("GET", "/api/executions/"+e.ID, "")
	r := &callout.Execution{}
	if err := json.Unmarshal([]byte(recorded), r); err != nil || status != http.StatusOK {
		w.t.Fatalf("status %d, %v\n%s", status, err, recorded)
	}
	if r.Status != e.Status || fmt.Sprint(r.Error) != fmt.Sprint(e.Error) {
		w.t.Errorf("recorded is %s %v, answered was %s %v", r.Status, r.Error, e.Status, e.Error)
	}
	return e
}

// wantFailed demands that a call ended with the code, and that its error is one
// sentence with the advice of its code.
func (w *world) wantFailed(e *callout.Execution, code callout.Code) {
	w.t.Helper()
	if e.Status != callout.Failed || e.Error == nil || e.Error.Code != code {
		w.t.Fatalf("it %s with %+v, want it to fail with %s", e.Status, e.Error, code)
	}
	reason, said := strings.CutSuffix(e.Error.Message, " "+callout.Advice(code))
	if !said || !strings.HasSuffix(reason, ".") || strings.Contains(reason, ". ") {
		w.t.Errorf("it says %q, want one sentence and the advice", e.Error.Message)
	}
}

// test has an operator test a stored configuration.
func (w *world) test(name string) *callout.TestReport {
	w.t.Helper()
	return w.report("/api/configs/"+name+"/test", `{}`)
}

func (w *world) report(path, body string) *callout.TestReport {
	w.t.Helper()
	status, _, answer := w.Do("POST", path, body)
	r := &callout.TestReport{}
	if err := json.Unmarshal([]byte(answer), r); err != nil || status != http.StatusOK {
		w.t.Fatalf("%s: status %d, %v\n%s", path, status, err, answer)
	}
	return r
}

// wantStopped demands that a test ended at the stage with the code.
func (w *world) wantStopped(r *callout.TestReport, stage callout.Stage, code callout.Code) {
	w.t.Helper()
	last := r.Stages[len(r.Stages)-1]
	if r.OK || last.OK || last.Stage != stage || r.Error == nil || r.Error.Code != code {
		w.t.Errorf("the test ended at %+v with %+v, want %s at %s", last, r.Error, code, stage)
	}
}

// api is the API that is called. It keeps what it was sent.
type api struct {
	*httptest.Server
	mu   sync.Mutex
	seen []*http.Request
}

func newAPI(t *testing.T, ca *authority, answer http.HandlerFunc) *api {
	t.Helper()
	a := &api{}
	a.Server = httptest.NewUnstartedServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		a.mu.Lock()
		a.seen = append(a.seen, r.Clone(context.Background()))
		a.mu.Unlock()
		// Each call is to look up and dial for itself.
		rw.Header().Set("Connection", "close")
		answer(rw, r)
	}))
	a.TLS = ca.config()
	a.StartTLS()
	t.Cleanup(a.Close)
	return a
}

func (a *api) requests() []*http.Request {
	a.mu.Lock()
	defer a.mu.Unlock()
	return slices.Clone(a.seen)
}

func (a *api) forget() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.seen = nil
}

// hello is an API that is content with everything, and gives tokens as well.
func hello(rw http.ResponseWriter, _ *http.Request) {
	rw.Header().Set("Content-Type", "application/json")
	_, _ = io.WriteString(rw, `{"access_token": "canary-access-token", "expires_in": 3600}`)
}

// onlyRequest is the one request that the API saw.
func (w *world) onlyRequest() *http.Request {
	w.t.Helper()
	seen := w.api.requests()
	if len(seen) != 1 {
		w.t.Fatalf("the API saw %d requests, want one", len(seen))
	}
	return seen[0]
}
