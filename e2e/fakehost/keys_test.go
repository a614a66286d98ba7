package fakehost

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
)

// keyedApp has a function of each level. Its handler answers 200 to everything.
func keyedApp(t *testing.T, opts Options) *Host {
	opts.Keys = Keys{
		Master:    "master-key",
		System:    "system-key",
		Host:      "host-key",
		Functions: map[string]map[string]string{"agent": {"default": "agent-key", "second": "agent-key-2"}},
	}
	return start(t, "echo", files{
		"agent/function.json":    httpTrigger("function", "echo/agent/{name}", "GET"),
		"operator/function.json": httpTrigger("function", "echo/operator", "GET"),
		"health/function.json":   httpTrigger("anonymous", "echo/health", "GET"),
		"boss/function.json":     httpTrigger("admin", "echo/boss", "GET"),
		"tick/function.json":     timerTrigger,
	}, opts)
}

func TestKeys(t *testing.T) {
	h := keyedApp(t, Options{})
	const agent, operator, health, boss = "/api/echo/agent/x", "/api/echo/operator", "/api/echo/health", "/api/echo/boss"
	tests := []struct {
		rule, path, header string
		want               int
	}{
		{"no key", agent, "", 401},
		{"a wrong key", agent, "x-functions-key: wrong", 401},
		{"the function's key", agent, "x-functions-key: agent-key", 200},
		{"another key of the function", agent, "x-functions-key: agent-key-2", 200},
		{"the header's name in another case", agent, "X-Functions-Key: agent-key", 200},
		{"a key in another case", agent, "x-functions-key: AGENT-KEY", 401},
		{"a path in another case", "/API/Echo/AGENT/x", "x-functions-key: agent-key", 200},
		{"a path in another case without a key", "/API/Echo/AGENT/x", "", 401},
		{"a path with an escaped letter without a key", "/api/%65cho/agent/x", "", 401},
		{"the key in the query", agent + "?code=agent-key", "", 200},
		{"the query's name in another case", agent + "?CODE=agent-key", "", 200},
		{"a wrong key in the query", agent + "?code=wrong", "", 401},
		{"of two in the query the first counts", agent + "?code=wrong&code=agent-key", "", 401},
		{"the header wins over the query", agent + "?code=agent-key", "x-functions-key: wrong", 401},
		{"even when it is empty", agent + "?code=agent-key", "x-functions-key:", 401},
		{"the key of another function", operator, "x-functions-key: agent-key", 401},
		{"the key that was generated for a function", operator, "x-functions-key: " + h.FunctionKey("operator"), 200},
		{"which opens no other", agent, "x-functions-key: " + h.FunctionKey("operator"), 401},
		{"the host key opens one", agent, "x-functions-key: " + h.HostKey(), 200},
		{"and the other", operator, "x-functions-key: host-key", 200},
		{"so does the system key", operator, "x-functions-key: " + h.SystemKey(), 200},
		{"and the master key", operator, "x-functions-key: " + h.MasterKey(), 200},
		{"anonymous without a key", health, "", 200},
		{"anonymous with a wrong key", health, "x-functions-key: wrong", 200},
		{"admin without a key", boss, "", 401},
		{"admin with the host key", boss, "x-functions-key: host-key", 401},
		{"admin with the system key", boss, "x-functions-key: system-key", 401},
		{"admin with its own key", boss, "x-functions-key: " + h.FunctionKey("boss"), 401},
		{"admin with the master key", boss, "x-functions-key: master-key", 200},
		{"an unknown path is not found, whatever the key", "/api/echo/unknown", "", 404},
		{"a timer cannot be called", "/tick", "x-functions-key: master-key", 404},
		{"nor under the prefix", "/api/tick", "x-functions-key: master-key", 404},
		{"nor the handler's own paths", "/", "x-functions-key: master-key", 404},
		{"a NUL in the path", "/api/echo/agent/%00", "", 400},
	}
	for _, test := range tests {
		t.Run(test.rule, func(t *testing.T) {
			request := fmt.Sprintf("GET %s HTTP/1.1", test.path)
			if test.header != "" {
				request += "\n" + test.header
			}
			response, body := send(t, h, request+"\n\n")
			if response.StatusCode != test.want {
				t.Errorf("got %d, want %d", response.StatusCode, test.want)
			}
			if response.StatusCode >= 400 && body != "" {
				t.Errorf("the body is %q", body)
			}
		})
	}
}

func TestAMethodThatIsNotListed(t *testing.T) {
	h := keyedApp(t, Options{})
	for _, method := range []string{"POST", "HEAD", "OPTIONS"} {
		response, body := send(t, h, method+" /api/echo/health HTTP/1.1\nContent-Length: 0\n\n")
		if response.StatusCode != http.StatusNotFound || body != "" || response.Header.Get("Allow") != "" {
			t.Errorf("%s: %d %q %v", method, response.StatusCode, body, response.Header)
		}
	}
}

func TestDisableAuth(t *testing.T) {
	h := keyedApp(t, Options{DisableAuth: true})
	for _, path := range []string{"/api/echo/agent/x", "/api/echo/boss", "/api/echo/health"} {
		if got := statusOf(t, h, "GET "+path+" HTTP/1.1\n\n"); got != 200 {
			t.Errorf("%s: %d", path, got)
		}
	}
	if got := statusOf(t, h, "POST /tick HTTP/1.1\nContent-Length: 0\n\n"); got != 404 {
		t.Errorf("a timer: %d", got)
	}
}

func TestKeysReachTheHandler(t *testing.T) {
	for _, mode := range []Mode{Forwarding, Proxying} {
		t.Run(mode.String(), func(t *testing.T) {
			h := keyedApp(t, Options{Mode: mode})
			got := ask(t, h, "GET /api/echo/agent/x?code=agent-key HTTP/1.1\nx-functions-key: host-key\n\n")
			if got.URI != "/api/echo/agent/x?code=agent-key" || got.Header.Get("x-functions-key") != "host-key" {
				t.Errorf("got %s %v", got.URI, got.Header)
			}
		})
	}
}

// In forwarding the host's check and the handler's path can differ, so that a
// caller reaches a route whose key he does not have. A handler cannot see this.
func TestForwardingReachesAnotherRoute(t *testing.T) {
	for _, sent := range []string{"/api/open/%252e%252e/echo", `/api/open/x%5C..%5C..%5Cecho`} {
		for mode, want := range map[Mode]string{Forwarding: "/api/echo", Proxying: "404"} {
			h := start(t, "echo", files{
				"open/function.json": httpTrigger("anonymous", "open/{*file}", "GET"),
				"echo/function.json": httpTrigger("function", "echo", "GET"),
			}, Options{Mode: mode})
			if got := statusOf(t, h, "GET /api/echo HTTP/1.1\n\n"); got != 401 {
				t.Fatalf("the route is open: %d", got)
			}
			response, body := send(t, h, "GET "+sent+" HTTP/1.1\n\n")
			got := fmt.Sprint(response.StatusCode, body)
			if !strings.Contains(got, want) {
				t.Errorf("%v, %s: got %s, want %s", mode, sent, got, want)
			}
		}
	}
}

func TestKeysAreGenerated(t *testing.T) {
	functions := []Function{{Name: "one"}, {Name: "two"}, {Name: "tick", Schedule: "0 0 * * * *"}}
	keys, err := Keys{Functions: map[string]map[string]string{"two": {"b": "key-b", "a": "key-a"}}}.withGenerated(functions)
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, key := range []string{keys.Master, keys.Host, keys.System, keys.functionKey("one")} {
		if len(key) < 20 || seen[key] {
			t.Errorf("%q is short or not unique", key)
		}
		seen[key] = true
	}
	if got := keys.functionKey("two"); got != "key-a" {
		t.Errorf("without a default, got %q", got)
	}
	if got := keys.functionKey("tick") + keys.functionKey("unknown"); got != "" {
		t.Errorf("got a key %q", got)
	}
}

func TestKeysForAnUnknownFunction(t *testing.T) {
	keys := Keys{Functions: map[string]map[string]string{"fien": {"default": "key"}}}
	_, err := Start(t.Context(), Options{Dir: newDist(t, files{"fine/function.json": httpTrigger("function", "")}), Keys: keys})
	if err == nil || !strings.Contains(err.Error(), `"fien"`) {
		t.Errorf("got %v", err)
	}
}
