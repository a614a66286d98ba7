package e2e

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"callout/e2e/fakehost"
)

// eachMode runs a test behind the stand-in for the Functions host, in both of
// its modes.
func eachMode(t *testing.T, test func(t *testing.T, host *fakehost.Host)) {
	for name, mode := range map[string]fakehost.Mode{"forwarding": fakehost.Forwarding, "proxying": fakehost.Proxying} {
		t.Run(name, func(t *testing.T) { test(t, startHost(t, mode, t.TempDir())) })
	}
}

func startHost(t *testing.T, mode fakehost.Mode, data string) *fakehost.Host {
	t.Helper()
	return fakehost.New(t, fakehost.Options{Dir: dist(), Mode: mode, Env: []string{
		"CALLOUT_DATA_DIR=" + data, "CALLOUT_EGRESS_ALLOW=127.0.0.1/32", "CALLOUT_EGRESS_HTTP=true"}})
}

// with is the API as the holder of the function's key sees it.
func with(host *fakehost.Host, function string) api {
	return api{base: host.URL(), header: map[string]string{"x-functions-key": host.FunctionKey(function)}}
}

func whoConfig(upstream string) string {
	return fmt.Sprintf(`{"name": "who", "endpoint": %q, "method": "GET", "approval": "none", "auth": {"type": "bearer", "token": "behind-the-host"}}`, upstream)
}

// TestBehindTheHost goes once through what operator and agent do.
func TestBehindTheHost(t *testing.T) {
	upstream := echo(t)
	eachMode(t, func(t *testing.T, host *fakehost.Host) {
		created := with(host, "configs").call(t, 201, "POST", "/api/configs", whoConfig(upstream.URL))
		if created.header.Get("ETag") == "" || created.header.Get("X-Callout-Request-Id") == "" {
			t.Errorf("headers are missing: %v", created.header)
		}
		with(host, "config").call(t, 200, "PATCH", "/api/configs/who", `{"description": "Who is asking."}`)
		with(host, "config").call(t, 200, "GET", "/api/configs/who", "").mustHold(t, "Who is asking.", `"path":"auth.token"`)
		with(host, "test").call(t, 200, "POST", "/api/configs/who/test", `{"send": false}`).mustHold(t, `"ok":true`)
		with(host, "test-draft").call(t, 200, "POST", "/api/test", `{"config": `+whoConfig(upstream.URL)+`}`).mustHold(t, `"ok":true`)

		var e struct{ ExecutionID, Status string }
		executed := with(host, "execute").call(t, 200, "POST", "/api/execute/who", `{"context": {"ticket": "T1"}}`)
		executed.mustHold(t, backwards("Bearer behind-the-host"))
		executed.decode(t, &e)
		with(host, "execution").call(t, 200, "GET", "/api/executions/"+e.ExecutionID, "").mustHold(t, e.ExecutionID, `"ticket":"T1"`)
		with(host, "executions").call(t, 200, "GET", "/api/executions", "").mustHold(t, e.ExecutionID)
		with(host, "config").call(t, 204, "DELETE", "/api/configs/who", "")
		with(host, "execute").call(t, 404, "POST", "/api/execute/who", `{}`).mustHold(t, "ConfigNotFound")
	})
}

func (got answer) mustHold(t *testing.T, texts ...string) {
	t.Helper()
	for _, text := range texts {
		if !strings.Contains(got.body, text) {
			t.Errorf("the answer does not hold %q: %s", text, got.body)
		}
	}
}

// calls are one request to each function that asks for a key.
var calls = map[string][2]string{
	"configs": {"GET", "/api/configs"}, "config": {"GET", "/api/configs/who"},
	"test": {"POST", "/api/configs/who/test"}, "test-draft": {"POST", "/api/test"},
	"execute": {"POST", "/api/execute/who"}, "execution": {"GET", "/api/executions/0"},
	"executions": {"GET", "/api/executions"}, "import": {"POST", "/api/import"},
	"approvals": {"GET", "/api/approvals"}, "approve": {"POST", "/api/approvals/0/approve"}, "deny": {"POST", "/api/approvals/0/deny"},
}

// TestAKeyOpensItsOwnFunctionOnly holds the roles apart, tricks with the path
// included.
func TestAKeyOpensItsOwnFunctionOnly(t *testing.T) {
	eachMode(t, func(t *testing.T, host *fakehost.Host) {
		for _, f := range host.Functions() {
			if _, ok := calls[f.Name]; !ok && f.AuthLevel == fakehost.AuthFunction {
				t.Errorf("%s asks for a key and is not tried", f.Name)
			}
		}
		for function, call := range calls {
			api{base: host.URL()}.call(t, http.StatusUnauthorized, call[0], call[1], "")
			for other := range calls {
				got, err := with(host, other).try(call[0], call[1], "")
				if err != nil {
					t.Fatal(err)
				}
				if opened := got.status != http.StatusUnauthorized; opened != (function == other) {
					t.Errorf("the key of %s on %s: status %d", other, function, got.status)
				}
			}
		}
		for _, open := range []string{"/api/health", "/api/openapi.json"} {
			api{base: host.URL()}.call(t, http.StatusOK, "GET", open, "")
		}
	})
}

// TestNoPathIsReadInTwoWays tries spellings that the host, which authorises, and
// the handler, which serves, could take for different functions. All of them mean
// the list of configurations to somebody: no other key may open it.
func TestNoPathIsReadInTwoWays(t *testing.T) {
	// In forwarding the host itself rewrites a decoded backslash to a slash after
	// it has authorised (docs/running-locally.md), which no handler can see.
	backslashes := []string{`/api/execute/x%5C..%5C..%5Cconfigs`, "/api/execute/%252e%252e/configs"}
	tricks := []string{"/api/Configs", "/API/configs", "/api//configs", "/api/configs/", "/api/execute/../configs", "/api/%63onfigs",
		"/api/execute%2f..%2fconfigs", "/api/configs/who%2ftest", "/api/configs/who/", "/api/executions/../configs"}
	eachMode(t, func(t *testing.T, host *fakehost.Host) {
		paths := tricks
		if host.Mode() == fakehost.Proxying {
			paths = append(paths, backslashes...)
		}
		for _, path := range paths {
			for function := range calls {
				for _, method := range []string{"GET", "POST"} {
					got, err := with(host, function).try(method, path, whoConfig("https://api.example.com/"))
					if err == nil && got.status < 400 && function != "configs" {
						t.Errorf("%s %s with the key of %s: status %d: %s", method, path, function, got.status, got.body)
					}
				}
			}
		}
	})
}

// TestPagesBehindTheHost follows nextLink, which must lead through the host and
// must not carry the key that stood in the query.
func TestPagesBehindTheHost(t *testing.T) {
	eachMode(t, func(t *testing.T, host *fakehost.Host) {
		for i := range 5 {
			body := fmt.Sprintf(`{"name": "c%d", "endpoint": "https://api.example.com/", "method": "GET"}`, i)
			with(host, "configs").call(t, 201, "POST", "/api/configs", body)
		}
		key := host.FunctionKey("configs")
		names, next := "", "/api/configs?top=2&code="+key
		for pages := 0; next != ""; pages++ {
			var page struct {
				Value    []struct{ Name string }
				NextLink string
			}
			with(host, "configs").call(t, 200, "GET", next, "").decode(t, &page)
			for _, c := range page.Value {
				names += c.Name
			}
			if strings.Contains(page.NextLink, key) || page.NextLink != "" && !strings.HasPrefix(page.NextLink, host.URL()) {
				t.Fatalf("nextLink is %q", page.NextLink)
			}
			next = strings.TrimPrefix(page.NextLink, host.URL())
		}
		if names != "c0c1c2c3c4" {
			t.Errorf("the pages hold %s", names)
		}
	})
}

// TestAChunkedBody is a quirk of forwarding: it arrives empty, and the error
// says what to do.
func TestAChunkedBody(t *testing.T) {
	eachMode(t, func(t *testing.T, host *fakehost.Host) {
		body := struct{ *strings.Reader }{strings.NewReader(`{"name": "c", "endpoint": "https://api.example.com/", "method": "GET"}`)}
		req, err := http.NewRequest(http.MethodPost, host.URL()+"/api/configs", body) // a type of its own: no length is known
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("x-functions-key", host.FunctionKey("configs"))
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		want := map[fakehost.Mode]int{fakehost.Forwarding: http.StatusBadRequest, fakehost.Proxying: http.StatusCreated}[host.Mode()]
		if resp.StatusCode != want {
			t.Errorf("status %d, want %d", resp.StatusCode, want)
		}
	})
}

// TestTheHandlerIsKilled: the host shuts down by killing; what was acknowledged
// before is there afterwards.
func TestTheHandlerIsKilled(t *testing.T) {
	upstream := echo(t)
	eachMode(t, func(t *testing.T, host *fakehost.Host) {
		with(host, "configs").call(t, 201, "POST", "/api/configs", whoConfig(upstream.URL))
		before := host.Restarts()
		if err := host.Kill(); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
		defer cancel()
		if _, err := host.Await(ctx, func(s fakehost.Status) bool { return host.Restarts() > before && s.State == fakehost.Ready }); err != nil {
			t.Fatal(err)
		}
		with(host, "execute").call(t, 200, "POST", "/api/execute/who", `{}`).mustHold(t, backwards("Bearer behind-the-host"))
	})
}

// TestTheHostReadsTheLevels: INFO goes to stdout, WARN and ERROR to stderr, so
// that the host files each line under its own level.
func TestTheHostReadsTheLevels(t *testing.T) {
	eachMode(t, func(t *testing.T, host *fakehost.Host) {
		with(host, "configs").call(t, 200, "GET", "/api/configs", "")
		if err := host.Stop(); err != nil { // a line may arrive after the answer it belongs to
			t.Fatal(err)
		}
		seen := false
		for _, line := range host.Logs() {
			if strings.Contains(line.Text, `"level":"INFO"`) {
				seen = true
				if line.Level != fakehost.Information {
					t.Errorf("%s: %s", line.Level, line.Text)
				}
			}
			if strings.Contains(line.Text, `"function":"configs"`) && !strings.Contains(line.Text, `"invocationId":"`) {
				t.Errorf("no invocation id: %s", line.Text)
			}
		}
		if !seen {
			t.Error("no line of INFO was logged")
		}
	})
}
