package route

import (
	"context"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
)

func TestEveryFunctionIsServedAtItsRoute(t *testing.T) {
	server := startServer(t, false)
	for _, c := range []struct{ method, target, want string }{
		{"GET", "/api/configs", `configs name="" id="" file=""`},
		{"POST", "/api/configs", `configs name="" id="" file=""`},
		{"GET", "/api/configs?top=5&code=%2F..%2F", `configs name="" id="" file=""`},
		{"PATCH", "/api/configs/crm_update", `config name="crm_update" id="" file=""`},
		{"GET", "/api/configs/CRM", `config name="CRM" id="" file=""`},
		{"GET", "/api/configs/a%20b%3F", `config name="a b?" id="" file=""`},
		{"GET", "/api/configs/test", `config name="test" id="" file=""`},
		{"POST", "/api/configs/x/test", `test name="x" id="" file=""`},
		{"POST", "/api/test", `test-draft name="" id="" file=""`},
		{"POST", "/api/execute/x", `execute name="x" id="" file=""`},
		{"GET", "/api/executions/01JD", `execution name="" id="01JD" file=""`},
		{"GET", "/api/executions", `executions name="" id="" file=""`},
		{"GET", "/api/openapi.json", `openapi name="" id="" file=""`},
		{"GET", "/api/health", `health name="" id="" file=""`},
		{"GET", "/api/console", `console name="" id="" file=""`},
		{"GET", "/api/console/", `console name="" id="" file=""`},
		{"GET", "/api/console/js/app.js", `console name="" id="" file="js/app.js"`},
		{"GET", "/api/console/js/", `console name="" id="" file="js/"`},
		{"GET", "http://localhost/api/health", `health name="" id="" file=""`},
		{"POST", "/sweep", `sweep name="" id="" file=""`},
	} {
		got := send(t, server, c.method, c.target)
		if got.status != http.StatusOK || got.body != c.want {
			t.Errorf("%s %s: got %d %s, want %s", c.method, c.target, got.status, got.body, c.want)
		}
	}
}

func TestUnknownPathsAre404(t *testing.T) {
	server := startServer(t, false)
	for _, target := range []string{
		"/", "/api", "/api/", "/configs", "/api/nothing", "/api/configs/a/b", "/api/execute", "/apis/configs",
		"/admin/host/status", "/api/sweep", "/sweep/x",
	} {
		wantError(t, send(t, server, "GET", target), http.StatusNotFound, "NotFound")
	}
}

func TestWrongMethodIs405WithAllow(t *testing.T) {
	server := startServer(t, false)
	for _, c := range []struct{ method, target, allow string }{
		{"DELETE", "/api/configs", "GET, POST"},
		{"POST", "/api/configs/x", "DELETE, GET, PATCH, PUT"},
		{"HEAD", "/api/health", "GET"},
		{"OPTIONS", "/api/configs", "GET, POST"},
		{"TRACE", "/api/configs", "GET, POST"},
		{"CONNECT", "/api/configs", "GET, POST"},
		{"get", "/api/health", "GET"},
		{"GET", "/api/execute/x", "POST"},
		{"POST", "/api/console", "GET"},
		{"GET", "/sweep", "POST"},
	} {
		got := send(t, server, c.method, c.target)
		if allow := got.header.Get("Allow"); allow != c.allow {
			t.Errorf("%s %s: Allow is %q, want %q", c.method, c.target, allow, c.allow)
		}
		if got.status != http.StatusMethodNotAllowed || got.header.Get("x-ms-error-code") != "MethodNotAllowed" {
			t.Errorf("%s %s: got %d %v", c.method, c.target, got.status, got.header)
		}
	}
}

func TestHeadAndOptionsWhenListed(t *testing.T) {
	functions := []Function{{Name: "ping", Route: "ping", Methods: []string{"HEAD", "OPTIONS"}, AuthLevel: "anonymous"}}
	seen := serveOne(t, functions, "HEAD", "/api/ping")
	if seen != "ping" {
		t.Errorf("HEAD reached %q", seen)
	}
	if seen := serveOne(t, functions, "GET", "/api/ping"); seen != "" {
		t.Errorf("GET reached %q", seen)
	}
}

func TestOneRouteWithMethodsOfTwoFunctions(t *testing.T) {
	functions := []Function{
		{Name: "read", Route: "things/{id}", Methods: []string{"GET"}, AuthLevel: "function"},
		{Name: "write", Route: "things/{id}", Methods: []string{"PUT"}, AuthLevel: "function"},
	}
	for method, want := range map[string]string{"GET": "read", "PUT": "write", "POST": ""} {
		if seen := serveOne(t, functions, method, "/api/things/7"); seen != want {
			t.Errorf("%s reached %q, want %q", method, seen, want)
		}
	}
}

func TestFromContextWithoutARoute(t *testing.T) {
	if f, ok := FromContext(context.Background()); ok {
		t.Errorf("got %v from an empty context", f)
	}
}

func TestPath(t *testing.T) {
	for _, c := range []struct {
		f    Function
		want string
	}{
		{Function{Route: "configs/{name}/test"}, "/api/configs/{name}/test"},
		{Function{Route: "console/{*file}"}, "/api/console/{file}"},
		{Function{Name: "sweep", Timer: "0 0 * * * *"}, "/sweep"},
	} {
		if got := c.f.Path(); got != c.want {
			t.Errorf("got %s, want %s", got, c.want)
		}
	}
}

func TestNewNamesAllThatDoesNotPair(t *testing.T) {
	handlers := handlersFor(everything)
	delete(handlers, "config")
	handlers["deny"] = nil
	handlers["ghost"] = http.NotFoundHandler()
	handlers["wraith"] = http.NotFoundHandler()
	_, err := New(everything, handlers, Options{})
	wantErrors(t, err,
		"function config has no handler", "function deny has no handler",
		"handler ghost has no function", "handler wraith has no function",
		"Options.Fail is missing")
}

func TestNewChecksFunctionsThatDidNotComeFromLoad(t *testing.T) {
	functions := []Function{
		{Name: "a", Route: "x/{id}", Methods: []string{"GET"}, AuthLevel: "function"},
		{Name: "b", Route: "{bad", Methods: []string{"get"}, AuthLevel: "owner"},
		{Name: "c", Route: "x/{name}", Methods: []string{"POST"}, AuthLevel: "function"},
	}
	_, err := New(functions, handlersFor(functions), Options{Fail: fail})
	wantErrors(t, err, `function b: route "{bad"`, "function b: methods", "function b: authLevel", "functions a and c: one path can match both")
}

// wantError compares the parts of an error answer.
func wantError(t *testing.T, got answer, status int, code string) {
	t.Helper()
	if got.status != status || got.header.Get("x-ms-error-code") != code {
		t.Errorf("got %d %s, want %d %s", got.status, got.body, status, code)
	}
}

// wantErrors expects one line of err to hold each text, and no line more.
func wantErrors(t *testing.T, err error, texts ...string) {
	t.Helper()
	if err == nil {
		t.Fatalf("no error, want %q", texts)
	}
	lines := strings.Split(err.Error(), "\n")
	for _, text := range texts {
		if !slices.ContainsFunc(lines, func(line string) bool { return strings.Contains(line, text) }) {
			t.Errorf("no line holds %q:\n%v", text, err)
		}
	}
	if len(lines) != len(texts) {
		t.Errorf("got %d errors, want %d:\n%v", len(lines), len(texts), err)
	}
}

func TestEveryHandlerOfEverythingIsReached(t *testing.T) {
	reached := make(map[string]bool)
	for _, f := range everything {
		target := strings.NewReplacer("{name}", "n", "{id}", "i", "{file}", "f").Replace(f.Path())
		for _, method := range append(slices.Clone(f.Methods), "POST") {
			reached[serveOne(t, everything, method, target)] = true
		}
	}
	for name := range maps.Keys(handlersFor(everything)) {
		if !reached[name] {
			t.Errorf("%s is never reached", name)
		}
	}
}
