package fakehost

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func hostJSONWith(customHandler string) string {
	return `{"version": "2.0", "customHandler": ` + customHandler + `}`
}

func TestWhatIsFound(t *testing.T) {
	dir := newDist(t, files{
		"config/function.json":         httpTrigger("", "configs/{name}", "get", "Put"),
		"health/function.json":         httpTrigger("ANONYMOUS", ""),
		"sweep/function.json":          timerTrigger,
		"functions/deep/function.json": httpTrigger("anonymous", ""),
		"assets/readme.txt":            "no function",
		"Upper_case-9/function.json":   httpTrigger("admin", "upper"),
	})
	app, err := readApp(Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, f := range app.functions {
		got = append(got, strings.Join([]string{f.Name, f.Route, strings.Join(f.Methods, ","), string(f.AuthLevel), f.Schedule}, "|"))
	}
	want := []string{
		"Upper_case-9|api/upper||admin|",
		"config|api/configs/{name}|GET,PUT|function|",
		"health|api/health||anonymous|",
		"sweep||||0 */5 * * * *",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

func TestWhatTheHostRefuses(t *testing.T) {
	fine := httpTrigger("function", "fine")
	tests := []struct {
		rule  string
		files files
		want  string
	}{
		{"no host.json", files{"host.json": ""}, "has no host.json"},
		{"another version", files{"host.json": `{"version": "1.0"}`}, `"version" must be "2.0"`},
		{"not JSON", files{"host.json": `{`}, "host.json: unexpected end"},
		{"no custom handler", files{"host.json": `{"version": "2.0"}`}, `add "customHandler"`},
		{"routes in host.json", files{"host.json": hostJSONWith(`{"http": {"routes": []}}`)}, `remove "customHandler.http"`},
		{"neither mode", files{"host.json": hostJSONWith(`{"description": {"defaultExecutablePath": "handler"}}`)}, "enableProxyingHttpRequest"},
		{"no executable named", files{"host.json": hostJSONWith(`{"enableProxyingHttpRequest": true}`)}, "defaultExecutablePath"},
		{"executable missing", files{"host.json": strings.ReplaceAll(proxyingHostJSON, "handler\"}", "other\"}")}, "is missing, build it"},
		{"executable without the run bit", files{"other": "x", "host.json": strings.ReplaceAll(proxyingHostJSON, "handler\"}", "other\"}")}, "not an executable file"},
		{"encrypted settings", files{"local.settings.json": `{"IsEncrypted": true}`}, "func settings decrypt"},
		{"no function", files{"fine/function.json": ""}, "no function found"},
		{"functions two levels deep", files{"fine/function.json": "", "functions/fine/function.json": fine}, "one level deep only"},
		{"a name that begins with a digit", files{"1st/function.json": fine}, "1st: rename the folder"},
		{"a name with a dot", files{"a.b/function.json": fine}, "a.b: rename the folder"},
		{"a name of 129 characters", files{strings.Repeat("n", 129) + "/function.json": fine}, "rename the folder"},
		{"the name host", files{"Host/function.json": fine}, "Host: rename the folder"},
		{"names that differ by case", files{"fine/function.json": fine, "Fine/function.json": httpTrigger("function", "other")}, "differ by more than case"},
		{"a route that begins with admin", files{"a/function.json": httpTrigger("function", "administrators")}, "a/function.json: change the route"},
		{"a route that begins with runtime", files{"a/function.json": httpTrigger("function", "Runtime/x")}, "a/function.json: change the route"},
		{"a name that becomes such a route", files{"admins/function.json": httpTrigger("function", "")}, "admins/function.json: change the route"},
		{"the same route and method twice", files{"a/function.json": httpTrigger("function", "x/{id}", "GET"), "b/function.json": httpTrigger("function", "X/{id}", "POST", "GET")}, "b/function.json: its route and a method are those of a"},
		{"the same route, one with every method", files{"a/function.json": httpTrigger("function", "x"), "b/function.json": httpTrigger("function", "x", "GET")}, "b/function.json: its route"},
		{"a route with a slash first", files{"a/function.json": httpTrigger("function", "/x")}, "without a slash"},
		{"an unknown level", files{"a/function.json": httpTrigger("user", "x")}, "authLevel must be"},
		{"a constraint", files{"a/function.json": httpTrigger("function", "x/{id:int}")}, "constraints and defaults"},
		{"text beside a parameter", files{"a/function.json": httpTrigger("function", "x/{id}.json")}, "alone in its segment"},
		{"a catch-all that is not last", files{"a/function.json": httpTrigger("function", "{*rest}/x")}, "must be last"},
		{"no trigger", files{"a/function.json": `{"bindings": []}`}, "add a binding"},
		{"another trigger", files{"a/function.json": `{"bindings": [{"type": "queueTrigger"}]}`}, "not modelled"},
		{"no http output", files{"a/function.json": `{"bindings": [{"type": "httpTrigger", "direction": "in"}]}`}, "exactly an httpTrigger"},
		{"a schedule that is none", files{"a/function.json": strings.ReplaceAll(timerTrigger, "0 */5 * * * *", "soon")}, "CRON expression"},
		{"a timer without a name", files{"a/function.json": strings.ReplaceAll(timerTrigger, `"name": "timer"`, `"name": ""`)}, "needs a \"name\""},
	}
	for _, test := range tests {
		t.Run(test.rule, func(t *testing.T) {
			given := files{"fine/function.json": fine}
			for name, content := range test.files {
				given[name] = content
			}
			_, err := Start(t.Context(), Options{Dir: newDist(t, given)})
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want … %s …", err, test.want)
			}
		})
	}
}

func TestAllFaultsAreReportedTogether(t *testing.T) {
	_, err := Start(t.Context(), Options{Dir: newDist(t, files{
		"host.json":            hostJSONWith(`{}`),
		"local.settings.json":  `{"IsEncrypted": true}`,
		"1st/function.json":    httpTrigger("function", ""),
		"admins/function.json": httpTrigger("function", ""),
	})})
	for _, want := range []string{"enableProxyingHttpRequest", "defaultExecutablePath", "decrypt", "1st", "admins"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q is missing in: %v", want, err)
		}
	}
}

func TestModeIsThatOfHostJSON(t *testing.T) {
	const description = `"description": {"defaultExecutablePath": "handler"}`
	tests := []struct {
		rule, hostJSON string
		asked, want    Mode
	}{
		{"forwarding", hostJSONWith(`{` + description + `, "enableForwardingHttpRequest": true}`), FromHostJSON, Forwarding},
		{"proxying", hostJSONWith(`{` + description + `, "enableProxyingHttpRequest": true}`), FromHostJSON, Proxying},
		{"proxying wins over both", hostJSONWith(`{` + description + `, "enableForwardingHttpRequest": true, "enableProxyingHttpRequest": true}`), FromHostJSON, Proxying},
		{"what is asked for wins over host.json", proxyingHostJSON, Forwarding, Forwarding},
	}
	for _, test := range tests {
		t.Run(test.rule, func(t *testing.T) {
			dir := newDist(t, files{"host.json": test.hostJSON, "fine/function.json": httpTrigger("function", "")})
			app, err := readApp(Options{Dir: dir, Mode: test.asked})
			if err != nil || app.mode != test.want {
				t.Errorf("got %v, %v, want %v", app.mode, err, test.want)
			}
		})
	}
}

func TestRoutePrefix(t *testing.T) {
	for prefix, want := range map[string]string{`"api"`: "api/x", `""`: "x", `"v1/functions"`: "v1/functions/x", `null`: "api/x"} {
		hostJSON := strings.Replace(proxyingHostJSON, `{`, `{"extensions": {"http": {"routePrefix": `+prefix+`}},`, 1)
		app, err := readApp(Options{Dir: newDist(t, files{"host.json": hostJSON, "x/function.json": httpTrigger("function", "")})})
		if err != nil || app.functions[0].Route != want {
			t.Errorf("prefix %s: got %+v, %v, want %s", prefix, app.functions, err, want)
		}
	}
}

func TestEnvironmentOfTheHandler(t *testing.T) {
	t.Setenv("FAKEHOST_TEST_OUTER", "of the environment")
	given := everything()
	given["host.json"] = strings.Replace(proxyingHostJSON, `"handler"`, `"handler", "arguments": ["--serve", "now"]`, 1)
	given["local.settings.json"] = `{"IsEncrypted": false, "Values": {
		"FAKEHOST_TEST_LOCAL": "of local.settings.json",
		"FAKEHOST_TEST_OUTER": "hidden",
		"FAKEHOST_TEST_OPTION": "hidden",
		"FUNCTIONS_CUSTOMHANDLER_PORT": "1"
	}}`
	h := start(t, "echo", given, Options{Env: []string{"FAKEHOST_TEST_OPTION=of Options.Env"}})
	_, body := send(t, h, "GET /api/environment HTTP/1.1\n\n")
	var got map[string]string
	if err := json.Unmarshal([]byte(body), &got); err != nil {
		t.Fatal(err)
	}
	root, err := filepath.EvalSymlinks(h.app.program.root)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"FAKEHOST_TEST_LOCAL":     "of local.settings.json",
		"FAKEHOST_TEST_OUTER":     "of the environment",
		"FAKEHOST_TEST_OPTION":    "of Options.Env",
		"FUNCTIONS_APP_ROOT_PATH": h.app.program.root,
		"working directory":       root,
		"arguments":               "--serve now",
	} {
		if got[name] != want {
			t.Errorf("%s is %q, want %q", name, got[name], want)
		}
	}
	if got["FUNCTIONS_CUSTOMHANDLER_WORKER_ID"] == "" {
		t.Error("the worker has no id")
	}
}

func TestTheHandlerMustBeAFile(t *testing.T) {
	dir := newDist(t, everything())
	handler := filepath.Join(dir, "handler")
	if err := os.Remove(handler); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(handler, 0o755); err != nil {
		t.Fatal(err)
	}
	if _, err := Start(t.Context(), Options{Dir: dir}); err == nil {
		t.Error("a folder was started")
	}
}

func FuzzFunctionJSON(f *testing.F) {
	f.Add([]byte(httpTrigger("function", "configs/{name}", "GET")))
	f.Add([]byte(timerTrigger))
	f.Add([]byte(`{"bindings": null}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		function, err := parseFunction("name", "api", data)
		if err == nil && function.IsTimer() == (function.Route != "") {
			t.Errorf("%+v is both or neither", function)
		}
	})
}
