package request_test

import (
	"encoding/json"
	"net/url"
	"reflect"
	"strings"
	"testing"

	"callout/handler/request"
	"callout/handler/schema"
)

// given reads what a fuzzer made for arguments.
func given(data []byte) (request.Arguments, bool) {
	v, err := schema.Parse(data)
	args, ok := v.(map[string]any)
	return args, err == nil && ok
}

// FuzzBody checks that a body is its template filled in as data, whatever
// template and arguments are.
func FuzzBody(f *testing.F) {
	for _, seed := range []struct{ template, args string }{
		{`{"s": "{{s}}", "t": "n is {{n}}, l {{ l }}", "a": [{"o": "{{o}}"}, "{{b}}"]}`, `{"s": "\"\\\n\u2028{{n}}", "n": -0, "l": [1e5, null], "o": {"é": {}}, "b": true}`},
		{`[[[[]]], {}, null, 9007199254740993, ""]`, `{}`}, {`"{{l}}"`, `{"l": []}`}, {`"{{s}}"`, `{}`},
		{`{"{{s}}": 1}`, `{}`}, {`{"a": "{{secret.s}}"}`, `{}`}, {`{"a": "{{"}`, `{}`}, {`{"a": 1, "a": 2}`, `{}`}, {`{`, `{}`}, {`{} {}`, `{}`},
		{`{"metadata[key]": "{{l}}", "b&c=": ["x {{s}}", false, 1.50]}`, `{"s": "&d=e", "l": ["a=b", [1, {"a": 2}]]}`},
	} {
		f.Add([]byte(seed.template), []byte(seed.args), false)
		f.Add([]byte(seed.template), []byte(seed.args), true)
	}
	f.Fuzz(func(t *testing.T, template, data []byte, form bool) {
		args, ok := given(data)
		if !ok || len(template) == 0 {
			return
		}
		changes := doc{"fields": fields("s:string:query", "n:number:query", "b:boolean:query", "l:array:query", "o:object:query")}
		if form {
			changes["bodyFormat"] = "form"
		}
		c := config(t, changes)
		c.Body = template
		compiled, faults := request.Compile(c)
		if len(faults) > 0 || len(compiled.Validate(args)) > 0 {
			return
		}
		req, err := compiled.Build(t.Context(), c, args)
		if err != nil {
			t.Fatal(err)
		}
		if got := body(t, req); form {
			wantForm(t, got, template)
		} else if want, present := expected(numbers(string(template)), args); present && !reflect.DeepEqual(tokens(t, got), tokens(t, want)) {
			t.Errorf("the body is %s, want %s", got, want)
		}
	})
}

// wantForm asks that no name is in a form but those of the template.
func wantForm(t *testing.T, got string, template []byte) {
	t.Helper()
	values, err := url.ParseQuery(got)
	if err != nil {
		t.Errorf("the form %s is none: %v", got, err)
	}
	var names map[string]json.RawMessage
	if err := json.Unmarshal(template, &names); err != nil {
		t.Errorf("the template %s was accepted: %v", template, err)
	}
	for name := range values {
		if _, ok := names[name]; !ok {
			t.Errorf("%q is in the form %s", name, got)
		}
	}
}

// FuzzPath checks that an argument in a path is either refused or data.
func FuzzPath(f *testing.F) {
	for _, seed := range []string{"a", "", ".", "..", "../..", `..\`, "a/b", "%2e%2e", "%2f", "a b+c", "é😀", "\x00", "a#b?c=d", "{{x}}", "@evil.example", "a;b", "\u2024\u2024", "\ufffd", "\xff"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, x string) {
		const endpoint = "/v1/a%2fb/{{x}}/.{{x}}.json"
		c := config(t, doc{"endpoint": "https://api.example.com:8443" + endpoint, "fields": list{doc{"name": "x", "type": "string", "required": true}}})
		template := compile(t, c)
		args := request.Arguments{"x": x}
		if len(template.Validate(args)) > 0 {
			if fitsPath(x) && len(x) < 1<<10 { // a URL has its limit
				t.Errorf("%q is refused", x)
			}
			return
		}
		req, err := template.Build(t.Context(), c, args)
		if err != nil {
			t.Fatal(err)
		}
		checkPlace(t, req, endpoint, args)
	})
}

// FuzzEndpoint checks that a request goes where an endpoint that was accepted says,
// whatever the arguments are.
func FuzzEndpoint(f *testing.F) {
	for _, seed := range []struct{ endpoint, args string }{
		{"https://api.example.com/v1/{{x}}", `{"x": "a b"}`}, {"https://api.example.com:8443/a%2fb/{{ x }}.json?q={{y}}&n=x{{n}}&&c=%2f", `{"x": "a;b", "y": "a&b#", "n": -0}`},
		{"https://{{x}}.example.com/", `{"x": "a"}`}, {"https://api.example.com{{x}}", `{"x": "a"}`}, {"https://api.example.com/?{{x}}={{y}}", `{"x": "a"}`},
		{"https://api.example.com/%2{{x}}", `{"x": "e"}`}, {"https://api.example.com//{{x}}//?", `{"x": "e"}`}, {"https://[2001:db8::1]/{{x}}|\"<", `{"x": "a"}`},
		{"HTTPS://API.example.com/{{x}}", `{"x": "a"}`}, {"https://api.example.com?x={{x}}/../", `{"x": "a"}`}, {"https://api.example.com/../{{x}}/./%2e", `{"x": "..."}`},
	} {
		f.Add(seed.endpoint, []byte(seed.args), false)
		f.Add(seed.endpoint, []byte(seed.args), true)
	}
	f.Fuzz(func(t *testing.T, endpoint string, data []byte, hidden bool) {
		args, ok := given(data)
		if !ok {
			return
		}
		c := config(t, doc{"method": "GET", "endpoint": endpoint, "endpointSecret": hidden,
			"fields": list{doc{"name": "x", "type": "string", "required": true}, doc{"name": "y", "type": "string"}, doc{"name": "n", "type": "number"}}})
		template, faults := request.Compile(c)
		if len(faults) > 0 || len(c.Validate(nil)) > 0 || len(template.Validate(args)) > 0 {
			return
		}
		req, err := template.Build(t.Context(), c, args)
		if err != nil {
			t.Fatalf("%s with %v: %v", endpoint, args, err)
		}
		plain, err := url.Parse(placeholder.ReplaceAllString(endpoint, "x"))
		if err != nil {
			t.Fatal(err)
		}
		sent := req.URL
		if sent.Scheme != plain.Scheme || sent.Host != plain.Host || sent.User != nil || sent.Fragment != "" || len(req.Header) != 2 ||
			strings.Count(sent.EscapedPath(), "/") != strings.Count(plain.EscapedPath(), "/") ||
			!strings.HasPrefix(sent.Path, unescaped(prefixOf(endpoint, plain))) {
			t.Errorf("%s with %v is sent to %s", endpoint, args, sent)
		}
	})
}

// prefixOf is the path of an endpoint up to its first placeholder.
func prefixOf(endpoint string, plain *url.URL) string {
	before, _, _ := strings.Cut(endpoint, "{{")
	before, _, _ = strings.Cut(before, "?")
	return strings.TrimPrefix(before, endpoint[:len(plain.Scheme)+len("://")+len(plain.Host)])
}
