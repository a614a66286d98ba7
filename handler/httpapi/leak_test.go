package httpapi

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A walk through all operations with a canary in every place where a credential
// or personal data can stand. None may be in the log or, unless it is meant to
// be, in an answer; none at all may be in a file.
func TestCanaries(t *testing.T) {
	s := newService(t)
	w := &walk{service: s}
	w.configurations(t)
	w.calls(t)
	w.mistakes()
	for stream, text := range map[string]string{"stdout": s.log.out.String(), "stderr": s.log.errs.String()} {
		if text == "" {
			t.Errorf("%s is empty; was anything logged?", stream)
		}
		s.hunt(t, stream, text, "canary")
	}
	for _, a := range w.answers {
		s.hunt(t, "an answer", string(a.body), "secret-canary")
		for name, values := range a.header {
			s.hunt(t, "header "+name, strings.Join(values, " "), "canary")
		}
	}
	for path, content := range s.files(t) {
		s.hunt(t, path, content, "secret-canary")
	}
}

// hunt fails the test where a canary is found, and says where.
func (s *service) hunt(t *testing.T, where, text, canary string) {
	t.Helper()
	if at := strings.Index(text, canary); at >= 0 {
		t.Errorf("%s holds a canary: …%s…", where, text[max(0, at-100):min(len(text), at+60)])
	}
}

// files reads everything in the data directory.
func (s *service) files(t *testing.T) map[string]string {
	t.Helper()
	out := map[string]string{}
	err := filepath.WalkDir(s.dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		out[filepath.Base(path)] = string(data)
		return err
	})
	if err != nil || len(out["callout.db"]) == 0 {
		t.Fatalf("the data directory cannot be searched: %v", err)
	}
	return out
}

type walk struct {
	*service
	answers []answer
}

// do makes a request with canaries where the host puts keys.
func (w *walk) do(status int, method, path, body string, headers ...string) answer {
	w.t.Helper()
	separator := "?"
	if strings.Contains(path, "?") {
		separator = "&"
	}
	headers = append(headers, "x-functions-key", "secret-canary-key", "Authorization", "Bearer secret-canary-auth",
		"Cookie", "c=secret-canary-cookie", "User-Agent", "canary-agent", "X-MS-CLIENT-PRINCIPAL", "canary-principal",
		"X-Azure-Functions-InvocationId", "canary-invocation", "X-Forwarded-For", "canary-address", "Referer", "https://canary.example.com")
	got := w.call(method, path+separator+"code=secret-canary-code", body, headers...)
	if got.status != status {
		w.t.Errorf("%s %s: status %d, want %d\n%s", method, path, got.status, status, got.body)
	}
	w.answers = append(w.answers, got)
	return got
}

func (w *walk) configurations(t *testing.T) {
	members := doc{
		"method": "POST", "auth": doc{"type": "bearer", "token": "secret-canary-token"},
		"headers": []any{doc{"name": "X-Api-Key", "value": "secret-canary-header"}, doc{"name": "Plain", "value": "canary-plain"}},
		"fields":  []any{doc{"name": "text", "type": "string", "description": "canary-field"}},
	}
	w.do(201, "POST", "/configs", w.config("crm", "/echo", members))
	w.do(409, "POST", "/configs", w.config("crm", "/echo", members))
	w.do(200, "PUT", "/configs/crm", w.config("crm", "/echo", members))
	w.do(200, "PATCH", "/configs/crm", `{"description":"canary-description","auth":{"token":"secret-canary-token-2"}}`)
	w.do(412, "PATCH", "/configs/crm", `{"description":"canary"}`, "If-Match", `"canary"`)
	w.do(400, "PUT", "/configs/crm", w.config("crm", "/echo", members), "If-None-Match", `"canary"`)
	w.do(400, "PATCH", "/configs/crm", `{"endpoint":"https://canary.example.com/"}`)
	w.do(201, "PUT", "/configs/hook", w.config("hook", "/echo/secret-canary-path?sig=secret-canary-sig", nil))
	w.do(201, "PUT", "/configs/query", w.config("query", "/ok", doc{"auth": doc{"type": "apiKey", "in": "query", "query": "k", "key": "secret-canary-query"}}))
	w.do(201, "PUT", "/configs/basic", w.config("basic", "/refuse", doc{"auth": doc{
		"type": "basic", "username": "secret-canary-user", "usernameSecret": true, "password": "secret-canary-password"}}))
	templates := doc{"method": "POST", "endpointSecret": true, "secretValues": doc{"a": "secret-canary-a", "b.c": "secret-canary/b&c"},
		"headers": []any{doc{"name": "X-Secret", "value": "secret-canary-d {{secret.a}} {{id}}"}, doc{"name": "X-Seen", "value": "{{secret.b.c}}"}},
		"fields":  []any{doc{"name": "id", "type": "string", "in": "path", "required": true}},
		"body":    doc{"canary": "{{secret.a}}", "b": "x {{secret.b.c}} {{id}}"}}
	w.do(201, "PUT", "/configs/templates", w.config("templates", "/echo/{{id}}/secret-canary-path?k={{secret.b.c}}", templates))
	w.do(200, "PATCH", "/configs/templates", `{"secretValues":{"a":"secret-canary-e"}}`)
	w.do(400, "PATCH", "/configs/templates", `{"secretValues":{"a":null}}`)
	w.do(400, "PATCH", "/configs/templates", `{"secretValues":{"b.c":"secret-canary\r\n"},"body":"secret-canary {{secret-canary"}`)
	w.do(400, "PATCH", "/configs/templates", `{"endpoint":"https://canary.example.com/{{id}}"}`)
	w.do(200, "GET", "/configs/templates", "")
	w.do(200, "GET", "/configs/crm", "")
	w.do(200, "GET", "/configs?top=1", "")
}

func (w *walk) calls(t *testing.T) {
	body := `{"arguments":{"text":"canary-argument"},"context":{"ticket":"canary-ticket"}}`
	id := w.do(200, "POST", "/execute/crm", body).object(t)["executionId"].(string)
	if got := w.upstream.got("Authorization"); got != "Bearer secret-canary-token-2" {
		t.Errorf("the upstream got %q; is the walk still worth something?", got)
	}
	w.do(200, "POST", "/configs/crm/test", `{"arguments":{"text":"canary-argument"},"send":true}`)
	w.do(200, "GET", "/executions/"+id, "")
	w.do(200, "POST", "/execute/templates", `{"arguments":{"id":"canary-id"}}`)
	if got := w.upstream.got("X-Secret"); got != "secret-canary-d secret-canary-e canary-id" {
		w.t.Errorf("the upstream got %q; is the walk still worth something?", got)
	}
	w.do(200, "POST", "/configs/templates/test", `{"arguments":{"id":"canary-id"},"send":true}`)
	w.do(200, "POST", "/configs/templates/test", "")
	for _, name := range []string{"hook", "query", "basic"} {
		w.do(200, "POST", "/execute/"+name, "")
		w.do(200, "POST", "/configs/"+name+"/test", "")
	}
	draft := doc{"name": "draft", "endpoint": w.upstream.URL + "/echo", "method": "GET", "auth": doc{"type": "bearer", "token": "secret-canary-draft"}}
	w.do(200, "POST", "/test", encoded(doc{"config": draft, "send": true}))
	w.do(200, "GET", "/executions?top=1", "")
	w.do(204, "DELETE", "/configs/query", "")
}

func (w *walk) mistakes() {
	w.do(400, "POST", "/configs", `{"secret-canary`)
	w.do(400, "POST", "/configs", `{"name":"secret-canary","endpoint":"https://secret-canary@x/","method":"secret-canary","auth":{"type":"secret-canary"}}`)
	w.do(413, "POST", "/configs", strings.Repeat("secret-canary", 30000))
	w.do(400, "POST", "/execute/crm", `{"arguments":{"text":["secret-canary"]},"context":"secret-canary"}`)
	w.do(400, "GET", "/configs?top=secret-canary", "")
	w.do(400, "GET", "/configs?after=secret-canary", "")
	w.do(404, "GET", "/configs/secret-canary", "")
	w.do(404, "GET", "/executions/secret-canary", "")
	w.do(404, "POST", "/execute/secret-canary", "")
	w.do(404, "POST", "/secret-canary", "")
	w.do(405, "DELETE", "/configs", "")
	w.disableSecrets("basic")
	w.do(400, "PATCH", "/configs/basic", `{"auth":{"username":"secret-canary-3"}}`)
	_ = w.store.Close()
	w.do(503, "POST", "/configs", `{"name":"late","endpoint":"https://secret-canary.example.com/","method":"GET"}`)
}

func TestALogLineNamesTheRequestAndItsOutcome(t *testing.T) {
	s := newService(t)
	a := s.want(200, "GET", "/configs", "", "X-Azure-Functions-InvocationId", "3F2504E0-4f89-11d3-9a0c-0305e82c3301")
	if got := a.header.Get("X-Azure-Functions-InvocationId"); got != "3F2504E0-4f89-11d3-9a0c-0305e82c3301" {
		t.Errorf("the host's id is returned as %q", got)
	}
	line := s.log.out.String()
	for _, part := range []string{`"requestId":"` + a.header.Get("x-callout-request-id") + `"`, `"function":"configs"`, `"status":200`,
		`"invocationId":"3F2504E0-4f89-11d3-9a0c-0305e82c3301"`, `"durationMs":`} {
		if !strings.Contains(line, part) {
			t.Errorf("the log lacks %s: %s", part, line)
		}
	}
	if n := strings.Count(line, "\n"); n != 1 {
		t.Errorf("%d lines for one request: %s", n, line)
	}
}

func TestTheHostsReadinessProbeIsNotLogged(t *testing.T) {
	s := newService(t)
	s.send("GET", "/", "")
	if s.log.String() != "" {
		t.Errorf("logged: %s", s.log)
	}
}

func TestRequestIDsDiffer(t *testing.T) {
	s := newService(t)
	a, b := s.want(200, "GET", "/health", ""), s.want(200, "GET", "/health", "")
	if a.header.Get("x-callout-request-id") == b.header.Get("x-callout-request-id") {
		t.Error("two requests have one id")
	}
}
