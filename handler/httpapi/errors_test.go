package httpapi

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"callout/handler/catalog"
	"callout/handler/secret"
	"callout/handler/store"
)

// Each code that this API answers with, and a request that it is the answer to.
func TestEveryCodeIsProduced(t *testing.T) {
	s := newService(t)
	s.want(201, "POST", "/configs", s.config("crm", "/ok", secretive["bearer"]))
	s.want(201, "POST", "/configs", s.config("off", "/ok", doc{"enabled": false}))
	s.want(201, "POST", "/configs", s.config("disabled", "/ok", secretive["bearer"]))
	s.disableSecrets("disabled")
	s.want(201, "POST", "/configs", s.config("keyed", "/ok", doc{"method": "POST", "fields": []any{doc{"name": "text", "type": "string"}}}))
	s.want(200, "POST", "/execute/keyed", `{}`, "Idempotency-Key", "k")
	unasked, _ := s.want(200, "POST", "/execute/crm", "").object(t)["executionId"].(string)
	cases := map[string]struct {
		status             int
		method, path, body string
		headers            []string
	}{
		"InvalidJson":          {400, "POST", "/configs", `{`, nil},
		"InvalidQuery":         {400, "GET", "/configs?top=0", "", nil},
		"InvalidRequest":       {400, "POST", "/execute/crm", `{"argument":{}}`, nil},
		"InvalidConfig":        {400, "POST", "/configs", `{}`, nil},
		"InvalidCurl":          {400, "POST", "/import", `{"curl":"wget"}`, nil},
		"InvalidOpenAPI":       {400, "POST", "/import", `{"openapi":{}}`, nil},
		"InvalidArguments":     {400, "POST", "/execute/crm", `{"arguments":{"unknown":1}}`, nil},
		"SecretsRequired":      {400, "PATCH", "/configs/crm", `{"endpoint":"https://other.example.com"}`, nil},
		"ConfigNotFound":       {404, "GET", "/configs/none", "", nil},
		"ExecutionNotFound":    {404, "GET", "/executions/01J0000000000000000000000A", "", nil},
		"ConfigExists":         {409, "POST", "/configs", s.config("crm", "/ok", nil), nil},
		"ConfigDisabled":       {409, "POST", "/execute/off", "", nil},
		"ApprovalNotPending":   {409, "POST", "/approvals/" + unasked + "/approve", "", nil},
		"CredentialMissing":    {409, "POST", "/execute/disabled", "", nil},
		"IdempotencyKeyReused": {422, "POST", "/execute/keyed", `{"arguments":{"text":"other"}}`, []string{"Idempotency-Key", "k"}},
		"PreconditionFailed":   {412, "DELETE", "/configs/crm", "", []string{"If-Match", `"x"`}},
		"PayloadTooLarge":      {413, "POST", "/configs", strings.Repeat(" ", maxBody+1), nil},
	}
	for code, c := range cases {
		got := s.want(c.status, c.method, c.path, c.body, c.headers...)
		if got.problem().Code != code {
			t.Errorf("%s %s: code %q, want %q", c.method, c.path, got.problem().Code, code)
		}
	}
	covered := append(slices.Collect(maps.Keys(cases)), "StorageUnavailable") // which is below
	slices.Sort(covered)
	if all := slices.Sorted(maps.Keys(statuses)); !slices.Equal(all, covered) {
		t.Errorf("the codes are\n%q\nproduced are\n%q", all, covered)
	}
}

// disableSecrets switches off the secrets of a configuration, as an operator of
// the vault would.
func (s *service) disableSecrets(name string) {
	s.t.Helper()
	ctx := context.Background()
	config, err := s.api.Catalog.Get(ctx, name)
	if err == nil {
		err = s.store.Vault().Disable(ctx, "callout-"+config.ID, config.SecretVersion)
	}
	if err != nil {
		s.t.Fatal(err)
	}
}

func TestAStoreThatIsGoneIs503WithATimeToWait(t *testing.T) {
	s := newService(t)
	s.want(201, "POST", "/configs", s.config("crm", "/ok", secretive["bearer"]))
	if err := s.store.Close(); err != nil {
		t.Fatal(err)
	}
	for _, c := range [][3]string{
		{"GET", "/configs", ""}, {"POST", "/configs", s.config("new", "/ok", nil)}, {"GET", "/configs/crm", ""},
		{"PUT", "/configs/crm", s.config("crm", "/ok", nil)}, {"PATCH", "/configs/crm", "{}"}, {"DELETE", "/configs/crm", ""},
		{"POST", "/configs/crm/test", ""}, {"POST", "/execute/crm", ""},
		{"GET", "/executions", ""}, {"GET", "/executions/01J0000000000000000000000A", ""},
	} {
		got := s.want(503, c[0], c[1], c[2])
		if got.problem().Code != "StorageUnavailable" || got.header.Get("Retry-After") == "" {
			t.Errorf("%s %s: %+v, Retry-After %q", c[0], c[1], got.problem(), got.header.Get("Retry-After"))
		}
	}
	s.want(200, "GET", "/health", "")
	s.want(200, "GET", "/openapi.json", "")
	if n := strings.Count(s.log.errs.String(), "StorageUnavailable"); n != 10 {
		t.Errorf("%d of 10 failures of the store are in the log", n)
	}
}

func TestPathsThatAreNotServed(t *testing.T) {
	s := newService(t)
	for _, path := range []string{"/", "/api", "/api/", "/api/nothing", "/api/configs/", "/api/Configs", "/API/configs",
		"/api//configs", "/api/configs/a/b", "/api/configs/a%2Fb", "/api/configs/../configs", "/api/./configs", "/configs", "/api/executions/a/b"} {
		got := s.send("GET", path, "")
		s.conventional(got)
		if got.status != 404 || got.problem().Code != "NotFound" {
			t.Errorf("%s: %d %s", path, got.status, got.body)
		}
	}
}

func TestAWrongMethodIsToldTheRightOnes(t *testing.T) {
	s := newService(t)
	for path, allow := range map[string]string{
		"/configs": "GET, POST", "/configs/crm": "DELETE, GET, PATCH, PUT", "/configs/crm/test": "POST", "/test": "POST",
		"/execute/crm": "POST", "/executions": "GET", "/executions/x": "GET", "/health": "GET", "/openapi.json": "GET",
	} {
		for _, method := range []string{"GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND"} {
			if slices.Contains(strings.Split(allow, ", "), method) {
				continue
			}
			got := s.want(405, method, path, "")
			if got.header.Get("Allow") != allow || got.problem().Code != "MethodNotAllowed" {
				t.Errorf("%s %s: Allow %q, %s", method, path, got.header.Get("Allow"), got.body)
			}
		}
	}
}

func TestAMethodThatOnlyAFunctionFileListsIsToldTheRightOnes(t *testing.T) {
	s := newService(t)
	rec := httptest.NewRecorder()
	s.api.Handlers()["configs"].ServeHTTP(rec, httptest.NewRequest("HEAD", "/api/configs", nil))
	if rec.Code != 405 || rec.Header().Get("Allow") != "GET, POST" {
		t.Errorf("%d, Allow %q", rec.Code, rec.Header().Get("Allow"))
	}
}

// broken serves one function with a handler of the test's own.
func (s *service) broken(handle func(*http.Request) (reply, error)) answer {
	rec := httptest.NewRecorder()
	req := httptest.NewRequest("POST", "/api/configs/path-canary?code=query-canary", strings.NewReader("body-canary"))
	req.Header.Set("X-Functions-Key", "key-canary")
	s.api.Observe(s.api.serve(methods{"POST": handle})).ServeHTTP(rec, req)
	return answer{rec.Code, rec.Header(), rec.Body.Bytes()}
}

func TestWhatGoesWrongInsideIs500AndSaysNothing(t *testing.T) {
	cases := []struct {
		name   string
		handle func(*http.Request) (reply, error)
		logged string
	}{
		{"a panic", func(r *http.Request) (reply, error) { panic(r.Header.Get("X-Functions-Key")) }, "errors_test.go"},
		{"a panic of the runtime", func(*http.Request) (reply, error) { return reply{status: []int{}[len("canary")]}, nil }, "errors_test.go"},
		{"an error that nobody foresaw", func(*http.Request) (reply, error) { return reply{}, errors.New("what the store said") }, "what the store said"},
		{"a secret in an answer", func(*http.Request) (reply, error) {
			return reply{status: 200, header: map[string]string{"ETag": "canary"}, body: doc{"a": "canary", "b": secret.New("secret-canary")}}, nil
		}, "cannot be marshalled"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			s := wire(t, closed)
			got := s.broken(c.handle)
			s.conventional(got)
			if got.status != 500 || got.problem().Code != "InternalError" {
				t.Errorf("%d %s", got.status, got.body)
			}
			if !strings.Contains(s.log.errs.String(), c.logged) || !strings.Contains(s.log.errs.String(), got.header.Get("x-callout-request-id")) {
				t.Errorf("the log is %s", s.log.errs.String())
			}
			if all := s.log.String() + string(got.body) + got.header.Get("ETag"); strings.Contains(all, "canary") {
				t.Errorf("request data in %s", all)
			}
		})
	}
}

// racing is a table in which somebody else is always faster.
type racing struct{ catalog.Rows }

func (racing) Put(context.Context, store.Row) (string, error) { return "", store.ErrConflict }

// Nobody asked for a state, so it is not the request that is at fault.
func TestAChangeThatIsAlwaysTooLate(t *testing.T) {
	s := newService(t)
	s.api.Catalog = catalog.New(racing{s.store.Table(store.Configs)}, s.store.Vault(), catalog.Options{NewID: func() string { return "id" }})
	if got := s.want(503, "PUT", "/configs/crm", s.config("crm", "/ok", nil)); got.header.Get("Retry-After") == "" {
		t.Error("no Retry-After")
	}
	s.want(412, "PUT", "/configs/crm", s.config("crm", "/ok", nil), "If-Match", `"stale"`)
	s.want(409, "POST", "/configs", s.config("crm", "/ok", nil))
}
