package route

import (
	"io/fs"
	"net/http"
	"reflect"
	"strings"
	"testing"
	"testing/fstest"
)

const httpOut = `{"type": "http", "direction": "out", "name": "res"}`

// trigger is a function.json with the given parts of its httpTrigger.
func trigger(parts string) string {
	return `{"bindings": [{"type": "httpTrigger", "direction": "in", "name": "req", ` + parts + `}, ` + httpOut + `]}`
}

func at(route string) string {
	return trigger(`"route": "` + route + `", "methods": ["get"], "authLevel": "function"`)
}

const timer = `{"bindings": [{"type": "timerTrigger", "direction": "in", "name": "timer", "schedule": "0 */15 * * * *"}]}`

// files makes a tree from name, function.json, name, function.json…
func files(namesAndTexts ...string) fs.FS {
	tree := fstest.MapFS{}
	for i := 0; i < len(namesAndTexts); i += 2 {
		tree[namesAndTexts[i]+"/function.json"] = &fstest.MapFile{Data: []byte(namesAndTexts[i+1])}
	}
	return tree
}

func TestLoad(t *testing.T) {
	tree := files(
		"sweep", timer,
		"config", trigger(`"route": "configs/{name}", "methods": ["get", "patch"], "authLevel": "function"`),
		"console", trigger(`"route": "console/{*file}", "methods": ["get"], "authLevel": "anonymous"`),
	)
	got, err := Load(tree)
	if err != nil {
		t.Fatal(err)
	}
	want := []Function{
		{Name: "config", Route: "configs/{name}", Methods: []string{"GET", "PATCH"}, AuthLevel: "function"},
		{Name: "console", Route: "console/{*file}", Methods: []string{"GET"}, AuthLevel: "anonymous"},
		{Name: "sweep", Timer: "0 */15 * * * *"},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %v\nwant %v", got, want)
	}
}

func TestLoadNamesTheFaultOfOneFunction(t *testing.T) {
	for _, c := range []struct{ why, name, text, want string }{
		{"not JSON", "a", `{`, "function a: function.json: unexpected EOF"},
		{"not an object", "a", `[]`, "function a: function.json: json: cannot unmarshal array"},
		{"two documents", "a", timer + timer, "function a: function.json: something follows"},
		{"unknown property", "a", `{"bindings": [], "disabled": true}`, `function a: function.json: json: unknown field "disabled"`},
		{"unknown property of a binding", "a", trigger(`"route": "a", "methods": ["get"], "authLevel": "function", "webHookType": "x"`), `function a: function.json: bindings[0]: json: unknown field "webHookType"`},
		{"no bindings", "a", `{}`, "function a: function.json: bindings must be one httpTrigger and one http"},
		{"no answer", "a", `{"bindings": [{"type": "httpTrigger", "direction": "in", "name": "req", "route": "a", "methods": ["get"], "authLevel": "function"}]}`, "function a: function.json: bindings must be"},
		{"two triggers", "a", strings.Replace(timer, "[", `[{"type": "timerTrigger", "direction": "in", "name": "t", "schedule": "x"}, `, 1), "function a: function.json: bindings must be"},
		{"unknown kind of binding", "a", `{"bindings": [{"type": "queueTrigger", "direction": "in", "name": "q"}]}`, `function a: function.json: bindings[0]: type must be "httpTrigger"`},
		{"binding is no object", "a", `{"bindings": [7]}`, "function a: function.json: bindings[0]: json"},
		{"wrong direction", "a", `{"bindings": [{"type": "http", "direction": "in", "name": "res"}]}`, `function a: function.json: bindings[0]: the direction of http must be "out"`},
		{"wrong direction of a timer", "a", strings.Replace(timer, `"in"`, `"out"`, 1), `function a: function.json: bindings[0]: the direction of timerTrigger must be "in"`},
		{"binding without a name", "a", `{"bindings": [{"type": "http", "direction": "out"}]}`, "function a: function.json: bindings[0]: the http has no name"},
		{"no route", "a", trigger(`"methods": ["get"], "authLevel": "function"`), "function a: the httpTrigger has no route"},
		{"no methods", "a", trigger(`"route": "a", "authLevel": "function"`), "function a: the httpTrigger lists no methods"},
		{"empty methods", "a", trigger(`"route": "a", "methods": [], "authLevel": "function"`), "function a: the httpTrigger lists no methods"},
		{"unknown method", "a", trigger(`"route": "a", "methods": ["fetch"], "authLevel": "function"`), `function a: methods: "fetch" is none of get, head`},
		{"method twice", "a", trigger(`"route": "a", "methods": ["get", "get"], "authLevel": "function"`), `function a: methods: "get" is listed twice`},
		{"method in upper case", "a", trigger(`"route": "a", "methods": ["GET"], "authLevel": "function"`), "function a: function.json: bindings[0]: methods are written in lower case"},
		{"no authLevel", "a", trigger(`"route": "a", "methods": ["get"]`), "function a: authLevel must be"},
		{"master key", "a", trigger(`"route": "a", "methods": ["get"], "authLevel": "admin"`), "function a: authLevel must be"},
		{"timer without schedule", "a", `{"bindings": [{"type": "timerTrigger", "direction": "in", "name": "timer"}]}`, "function a: function.json: bindings[0]: the timerTrigger has no schedule"},
		{"timer with a route", "a", strings.Replace(timer, `"name"`, `"route": "a", "name"`, 1), `function a: function.json: bindings[0]: json: unknown field "route"`},
		{"name in upper case", "Sweep", timer, "function Sweep: the folder's name"},
		{"name begins with a digit", "9a", timer, "function 9a: the folder's name"},
		{"name of the host", "host", timer, "function host: the folder's name"},
		{"name with a dot", "a.b", timer, "function a.b: the folder's name"},
		{"long name", strings.Repeat("a", 129), timer, "function aaa"},
	} {
		t.Run(c.why, func(t *testing.T) {
			_, err := Load(files(c.name, c.text))
			wantErrors(t, err, c.want)
		})
	}
}

func TestLoadRefusesRoutes(t *testing.T) {
	for route, want := range map[string]string{
		"{*all}":         "the first segment must be fixed text",
		"{name}":         "the first segment must be fixed text",
		"{x}/y":          "the first segment must be fixed text",
		"admin":          "the host keeps",
		"Admin/x":        "the host keeps",
		"administrators": "the host keeps",
		"runtime/x":      "the host keeps",
		"a/{*b}/c":       "{*name} takes all that is left, so it must be the last segment",
		"a/{b}/{B}":      "two parameters have one name",
		"/a":             "a segment must be",
		"a/":             "a segment must be",
		"a//b":           "a segment must be",
		"a/..":           "a segment must be",
		"a/.":            "a segment must be",
		"~/a":            "a segment must be",
		"a b":            "a segment must be",
		"a/%62":          "a segment must be",
		"é":              "a segment must be",
		"a/{b?}":         "a segment must be",
		"a/{b=1}":        "a segment must be",
		"a/{b:int}":      "a segment must be",
		"a/{**b}":        "a segment must be",
		"a/{b}.json":     "a segment must be",
		"a/{{b}}":        "a segment must be",
		"a/{}":           "a segment must be",
		"a/{b":           "a segment must be",
		"a/{9b}":         "a segment must be",
	} {
		_, err := Load(files("a", at(route)))
		wantErrors(t, err, `function a: route "`+route+`": `+want)
	}
}

func TestLoadRefusesFunctionsThatOneRequestCouldMean(t *testing.T) {
	for _, c := range []struct{ one, two, want string }{
		{at("x"), at("x"), `functions a and b: both have route "x" and share a method`},
		{at("x"), at("X"), `functions a and b: one path can match both "x" and "X"`},
		{at("x/{a}"), at("x/{b}"), "one path can match both"},
		{at("x/{a}"), at("x/fixed"), "one path can match both"},
		{at("x/{a}/c"), at("x/b/{d}"), "one path can match both"},
		{at("x/{*a}"), at("x/b/c"), "one path can match both"},
		{at("x/{*a}"), at("x"), "one path can match both"},
		{at("x"), at("x/{*a}"), "one path can match both"},
		{at("x/{*a}"), at("x/{b}/{*c}"), "one path can match both"},
		{at("x/{a}"), trigger(`"route": "x/y", "methods": ["post"], "authLevel": "function"`), "one path can match both"},
	} {
		_, err := Load(files("a", c.one, "b", c.two))
		wantErrors(t, err, c.want)
	}
}

func TestLoadTakesRoutesThatOnlyLookAlike(t *testing.T) {
	for _, c := range [][2]string{
		{"x", "x/{a}"},
		{"x/{a}/b", "x/{a}/c"},
		{"x/{a}", "x/{a}/b"},
		{"x", "xy"},
		{"x/{*a}", "xy/{*a}"},
		{"my-admin", "my-runtime"},
	} {
		if _, err := Load(files("a", at(c[0]), "b", at(c[1]))); err != nil {
			t.Errorf("%v: %v", c, err)
		}
	}
	post := trigger(`"route": "x", "methods": ["post"], "authLevel": "function"`)
	if _, err := Load(files("a", at("x"), "b", post)); err != nil {
		t.Errorf("one route, other methods: %v", err)
	}
}

func TestLoadReportsEverythingTogether(t *testing.T) {
	_, err := Load(files(
		"a", `{`,
		"b", trigger(`"methods": ["fetch"]`),
		"c", at("x"),
		"d", at("x"),
	))
	wantErrors(t, err, "function a: function.json", "function b: the httpTrigger has no route", "function b: methods", "function b: authLevel", "functions c and d")
}

func TestLoadWantsFunctions(t *testing.T) {
	_, err := Load(fstest.MapFS{"nested/deep/function.json": &fstest.MapFile{Data: []byte(timer)}, "function.json": &fstest.MapFile{}})
	wantErrors(t, err, "there is no <name>/function.json")
}

func TestLoadWantsFilesThatItCanRead(t *testing.T) {
	_, err := Load(fstest.MapFS{"a/function.json/inner": &fstest.MapFile{}})
	wantErrors(t, err, "function a: read a/function.json")
}

// FuzzLoad: no bytes make Load panic, and what it takes can be served.
func FuzzLoad(f *testing.F) {
	f.Add([]byte(timer))
	f.Add([]byte(at("x/{a}/{*b}")))
	f.Add([]byte(at("configs")))
	f.Add([]byte(`{"bindings": [{"type": "http"}, null, {}]}`))
	f.Add([]byte(trigger(`"route": null, "methods": [null], "authLevel": 7`)))
	f.Fuzz(func(t *testing.T, data []byte) {
		functions, err := Load(files("fuzzed", string(data), "configs", at("configs"), "config", at("configs/{name}")))
		if err == nil {
			newHandler(t, functions, false)
			newHandler(t, functions, true)
		}
	})
}

// FuzzRoutes: http.ServeMux panics over patterns that it cannot tell apart, so
// what New takes must never get that far.
func FuzzRoutes(f *testing.F) {
	f.Add("a/{b}", "a/{c}", "GET", "HEAD")
	f.Add("a/{*b}", "a", "GET", "POST")
	f.Add("a/{b}/c", "a/d/{e}", "PUT", "GET")
	f.Add("a/{b...}", "a/{$}", "GET", "GET")
	f.Fuzz(func(t *testing.T, one, two, method, other string) {
		functions := []Function{
			{Name: "one", Route: one, Methods: []string{method}, AuthLevel: "function"},
			{Name: "two", Route: two, Methods: []string{other}, AuthLevel: "function"},
		}
		_, _ = New(functions, map[string]http.Handler{"one": http.NotFoundHandler(), "two": http.NotFoundHandler()}, Options{Fail: fail})
	})
}
