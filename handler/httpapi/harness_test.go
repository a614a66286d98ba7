package httpapi

import (
	"bytes"
	"context"
	"crypto/x509"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"callout/functions"
	"callout/handler/assembly"
	"callout/handler/egress"
	"callout/handler/history"
	"callout/handler/localstore"
	"callout/handler/logline"
	"callout/handler/route"
	"callout/handler/store"
)

// doc is a JSON object.
type doc = map[string]any

// service is Callout wired as main does it: a real store on disk, a real
// upstream behind TLS, called over HTTP.
type service struct {
	t        testing.TB
	api      *API
	handler  http.Handler
	store    *localstore.Store
	dir      string
	log      *journal
	upstream *upstream
	url      string
	client   *http.Client
}

// newService starts Callout. Changes are made to the API before it is served.
func newService(t testing.TB, changes ...func(*API)) *service {
	t.Helper()
	up := newUpstream(t)
	s := wire(t, egress.Options{RootCAs: up.roots(), Policy: egress.Policy{
		Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}}}, changes...)
	s.upstream = up
	server := httptest.NewServer(s.handler)
	t.Cleanup(server.Close)
	s.url, s.client = server.URL, server.Client()
	s.client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return s
}

// wire puts the packages together, without a listener.
func wire(t testing.TB, out egress.Options, changes ...func(*API)) *service {
	t.Helper()
	dir := t.TempDir()
	local, err := localstore.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = local.Close() })
	out.Resolver = noNames{}
	client := egress.New(out)
	t.Cleanup(client.CloseIdleConnections)
	log := &journal{}
	lines := logline.New(&log.out, &log.errs, slog.LevelDebug)
	all := assembly.New(assembly.Parts{Table: func(name string) history.Rows { return local.Table(name) }, Vault: local.Vault(),
		Client: client, Log: lines, ConfigTTL: 10 * time.Second, CallbackURLs: []string{"https://agents.example.com/results"}})
	api := &API{Catalog: all.Catalog, History: all.History, Execute: all.Execute, Sweep: all.Sweep, Log: lines, Now: time.Now}
	if api.Functions, err = route.Load(functions.FS); err != nil {
		t.Fatal(err)
	}
	for _, change := range changes {
		change(api)
	}
	routes, err := route.New(api.Functions, api.Handlers(), route.Options{Alone: !api.Proxied, Fail: Fail})
	if err != nil {
		t.Fatal(err)
	}
	return &service{t: t, api: api, handler: api.Observe(routes), store: local, dir: dir, log: log}
}

// noNames is a resolver that knows no name, so that no test asks a real one.
type noNames struct{}

func (noNames) LookupNetIP(context.Context, string, string) ([]netip.Addr, error) {
	return nil, errors.New("no test looks up names")
}

// journal is what Callout wrote to its two streams.
type journal struct{ out, errs lines }

func (j *journal) String() string { return j.out.String() + j.errs.String() }

type lines struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// upstream is the API that is called. It remembers the newest request.
type upstream struct {
	*httptest.Server
	mu     sync.Mutex
	header http.Header
	query  string
	path   string
	body   string
	asked  string // the newest token request
	calls  int
}

func newUpstream(t testing.TB) *upstream {
	u := &upstream{}
	mux := http.NewServeMux()
	mux.HandleFunc("/ok", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `{"id": 7}`)
	})
	mux.HandleFunc("/oauth/", func(w http.ResponseWriter, r *http.Request) {
		form, _ := io.ReadAll(r.Body)
		u.mu.Lock()
		u.asked = r.URL.RequestURI() + " " + string(form)
		u.mu.Unlock()
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `{"access_token": "canary-access", "expires_in": 3600}`)
	})
	mux.HandleFunc("/echo/", func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, r.URL.RequestURI()+"\n")
		_ = r.Header.WriteSubset(w, nil)
		_, _ = io.Copy(w, r.Body)
	})
	mux.HandleFunc("/echo", func(w http.ResponseWriter, r *http.Request) {
		_ = r.Header.WriteSubset(w, nil)
		_, _ = io.Copy(w, r.Body)
	})
	mux.HandleFunc("/refuse", func(w http.ResponseWriter, _ *http.Request) {
		http.Error(w, "no", http.StatusUnauthorized)
	})
	mux.HandleFunc("/moved", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "/ok", http.StatusFound)
	})
	u.Server = httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		r.Body = io.NopCloser(bytes.NewReader(body))
		u.mu.Lock()
		u.header, u.query, u.path, u.body, u.calls = r.Header.Clone(), r.URL.RawQuery, r.URL.EscapedPath(), string(body), u.calls+1
		u.mu.Unlock()
		mux.ServeHTTP(w, r)
	}))
	t.Cleanup(u.Close)
	return u
}

func (u *upstream) roots() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(u.Certificate())
	return pool
}

// got returns a header of the newest request.
func (u *upstream) got(header string) string {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.header.Get(header)
}

// config is a configuration that calls the upstream's path, as JSON.
func (s *service) config(name, path string, more doc) string {
	c := doc{"name": name, "endpoint": s.upstream.URL + path, "method": "GET", "approval": "none"}
	maps.Copy(c, more)
	return encoded(c)
}

func encoded(v any) string {
	data, err := encode(v)
	if err != nil {
		panic(err)
	}
	return strings.TrimSuffix(string(data), "\n")
}

// answer is a response that was read to its end.
type answer struct {
	status int
	header http.Header
	body   []byte
}

// call makes a request of a path below /api. Every answer is held against the
// conventions and the OpenAPI document. headers are names and values in turn.
func (s *service) call(method, path, body string, headers ...string) answer {
	s.t.Helper()
	got := s.send(method, "/api"+path, body, headers...)
	s.conventional(got)
	s.promised(method, "/api"+path, got)
	return got
}

// want calls and demands a status.
func (s *service) want(status int, method, path, body string, headers ...string) answer {
	s.t.Helper()
	got := s.call(method, path, body, headers...)
	if got.status != status {
		s.t.Fatalf("%s %s: status %d, want %d\n%s", method, path, got.status, status, got.body)
	}
	return got
}

// send makes a request and judges nothing.
func (s *service) send(method, target, body string, headers ...string) answer {
	s.t.Helper()
	req, err := http.NewRequest(method, s.url+target, strings.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	for i := 0; i < len(headers); i += 2 {
		req.Header.Add(headers[i], headers[i+1])
		if headers[i] == "Host" {
			req.Host = headers[i+1]
		}
	}
	resp, err := s.client.Do(req)
	if err != nil {
		s.t.Fatal(err)
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return answer{resp.StatusCode, resp.Header, data}
}

// conventional demands what design section 7 says of every answer.
func (s *service) conventional(a answer) {
	s.t.Helper()
	if !isID(a.header.Get("x-callout-request-id")) {
		s.t.Errorf("x-callout-request-id is %q", a.header.Get("x-callout-request-id"))
	}
	if a.status == http.StatusNoContent {
		if len(a.body) > 0 {
			s.t.Errorf("204 with a body: %s", a.body)
		}
		return
	}
	if got := a.header.Get("Content-Type"); got != "application/json; charset=utf-8" {
		s.t.Errorf("Content-Type is %q", got)
	}
	if got := a.header.Get("Cache-Control"); got != "no-store" {
		s.t.Errorf("Cache-Control is %q", got)
	}
	if a.status >= 400 && a.header.Get("x-ms-error-code") != a.problem().Code {
		s.t.Errorf("x-ms-error-code is %q, the body says %q", a.header.Get("x-ms-error-code"), a.problem().Code)
	}
}

// problem is the error in an answer.
type problem struct {
	Code, Message, Target string
	Details               []struct{ Code, Target, Message string }
}

func (a answer) problem() problem {
	var shape struct{ Error problem }
	if err := json.Unmarshal(a.body, &shape); err != nil {
		return problem{Message: "not JSON: " + err.Error()}
	}
	return shape.Error
}

// targets lists the places that an error names, in order.
func (p problem) targets() []string {
	var out []string
	for _, d := range p.Details {
		out = append(out, d.Target)
	}
	slices.Sort(out)
	return out
}

// object is the answer's body.
func (a answer) object(t testing.TB) doc {
	t.Helper()
	var out doc
	if err := json.Unmarshal(a.body, &out); err != nil {
		t.Fatalf("not a JSON object: %v\n%s", err, a.body)
	}
	return out
}

// without returns an object without some of its members.
func without(d doc, names ...string) doc {
	out := maps.Clone(d)
	for _, name := range names {
		delete(out, name)
	}
	return out
}

// untouched fails the test if anything is stored.
func (s *service) untouched() {
	s.t.Helper()
	page, err := s.store.Table(store.Configs).List(context.Background(), store.Range{Partition: "config", Top: 1})
	if err != nil {
		s.t.Fatal(err)
	}
	if len(page.Rows) > 0 {
		s.t.Errorf("the configuration %q was stored", page.Rows[0].Key)
	}
	names, err := s.store.Vault().Names(context.Background())
	if err != nil {
		s.t.Fatal(err)
	}
	if len(names) > 0 {
		s.t.Errorf("%d secrets were stored", len(names))
	}
}

// closed is a way out that leads nowhere.
var closed = egress.Options{Policy: egress.Policy{Hosts: []string{"nowhere.invalid"}}}
