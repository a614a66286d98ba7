package request_test

import (
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"reflect"
	"strings"
	"testing"

	"callout/handler/callout"
	"callout/handler/request"
	"callout/handler/schema"
)

// doc is a JSON object.
type doc map[string]any

type list []any

// config decodes a configuration: a plain one with the changes.
func config(t testing.TB, changes doc) *callout.Config {
	t.Helper()
	d := doc{"name": "crm", "endpoint": "https://api.example.com/v1/items", "method": "POST"}
	maps.Copy(d, changes)
	data, err := json.Marshal(d)
	if err != nil {
		t.Fatal(err)
	}
	c := &callout.Config{}
	if err := json.Unmarshal(data, c); err != nil {
		t.Fatalf("%s: %v", data, err)
	}
	return c
}

func compile(t testing.TB, c *callout.Config) *request.Template {
	t.Helper()
	if faults := c.Validate(nil); len(faults) > 0 {
		t.Fatalf("the configuration is at fault: %+v", faults)
	}
	template, faults := request.Compile(c)
	if len(faults) > 0 {
		t.Fatalf("the fields are at fault: %+v", faults)
	}
	return template
}

func arguments(t testing.TB, text string) request.Arguments {
	t.Helper()
	v, err := schema.Parse([]byte(text))
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return v.(map[string]any)
}

// build makes the request of a configuration with arguments that fit.
func build(t testing.TB, c *callout.Config, args request.Arguments) *http.Request {
	t.Helper()
	template := compile(t, c)
	if faults := template.Validate(args); len(faults) > 0 {
		t.Fatalf("the arguments are at fault: %+v", faults)
	}
	req, err := template.Build(t.Context(), c, args)
	if err != nil {
		t.Fatal(err)
	}
	return req
}

func body(t testing.TB, req *http.Request) string {
	t.Helper()
	if req.Body == nil {
		return ""
	}
	data, err := io.ReadAll(req.Body)
	if err != nil {
		t.Fatal(err)
	}
	if int64(len(data)) != req.ContentLength {
		t.Errorf("%d bytes, said to be %d", len(data), req.ContentLength)
	}
	return string(data)
}

// fields makes fields of "name:type" or "name:type:in".
func fields(specs ...string) list {
	out := list{}
	for _, spec := range specs {
		part := strings.Split(spec, ":")
		field := doc{"name": part[0], "type": part[1]}
		if len(part) > 2 {
			field["in"] = part[2]
		}
		out = append(out, field)
	}
	return out
}

func TestBodyIsInTheOrderOfTheFields(t *testing.T) {
	c := config(t, doc{"fields": fields("zeta:string", "Alpha:number", "q:string:query", "m.x-1:array", "beta:object", "absent:string", "last:boolean")})
	req := build(t, c, arguments(t, `{"last": false, "beta": {"b": 1, "a": null}, "Alpha": 1.50, "zeta": "z", "m.x-1": [1, "2", null], "q": "q"}`))
	const want = `{"zeta":"z","Alpha":1.50,"m.x-1":[1,"2",null],"beta":{"a":null,"b":1},"last":false}`
	if got := body(t, req); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestNumbersAreExact(t *testing.T) {
	c := config(t, doc{"fields": fields("n:number", "q:number:query")})
	for _, n := range []string{"0", "-0", "9007199254740993", "-9007199254740993", "1e5", "1E+05", "1e-308", "0.1000",
		"3.141592653589793238462643383279", "123456789012345678901234567890"} {
		req := build(t, c, arguments(t, `{"n": `+n+`, "q": `+n+`}`))
		if got, want := body(t, req), `{"n":`+n+`}`; got != want {
			t.Errorf("the body is %s, want %s", got, want)
		}
		if got := req.URL.Query().Get("q"); got != n {
			t.Errorf("in the query stands %s, want %s", got, n)
		}
	}
}

func TestTextsArriveUnchanged(t *testing.T) {
	c := config(t, doc{"fields": fields("s:string", "q:string:query")})
	for _, s := range []string{
		"", " ", "plain", `"quoted" \back\`, "{{s}} {{secret.x}} {x} ${x} %s %00", "line\r\nfeed\ttab\x00\x1f\x7f", "<b>&amp;</b>", "\u2028\u2029",
		"é😀\U0010ffff", `{"json": [1]}`, "a&b=c#d?e/f;g+h", strings.Repeat("x\"\n", 2000), "null", "true", "1e5", "[secret]",
	} {
		quoted, _ := json.Marshal(s)
		req := build(t, c, arguments(t, `{"s": `+string(quoted)+`, "q": `+string(quoted)+`}`))
		var got map[string]string
		if err := json.Unmarshal([]byte(body(t, req)), &got); err != nil || got["s"] != s || len(got) != 1 {
			t.Errorf("%.40q arrives as %.60q, %v", s, got, err)
		}
		if q := req.URL.Query(); q.Get("q") != s || len(q) != 1 {
			t.Errorf("%.40q arrives in the query as %.60q", s, q)
		}
	}
}

func TestQuery(t *testing.T) {
	for _, tt := range []struct{ name, endpoint, arguments, want string }{
		{"none", "", `{}`, ""},
		{"a text", "", `{"s": "a b&c=d/é+%"}`, "s=a+b%26c%3Dd%2F%C3%A9%2B%25"},
		{"an empty text", "", `{"s": ""}`, "s="},
		{"in the order of the fields", "", `{"o": {"b": 1, "a": "x y"}, "n": 1.50, "s": "z", "b": false}`, "s=z&n=1.50&b=false&o=%7B%22a%22%3A%22x+y%22%2C%22b%22%3A1%7D"},
		{"an array is a parameter for each element", "", `{"l": ["a,b", 2, true, null, "é"]}`, "l=a%2Cb&l=2&l=true&l=null&l=%C3%A9"},
		{"an empty array is none", "", `{"l": [], "s": "x"}`, "s=x"},
		{"an array in an array is a list", "", `{"l": [["a", 1], [], [[2, 3], 4]]}`, "l=a%2C1&l=&l=2%2C3%2C4"},
		{"an object in an array is JSON", "", `{"l": [{"a": "<"}]}`, "l=%7B%22a%22%3A%22%3C%22%7D"},
		{"null is absent", "", `{"s": null, "n": null}`, ""},
		{"what is configured stays as it is written", "?c=%2f+%20&a[]=1&&x", `{"s": "1"}`, "c=%2f+%20&a[]=1&&x&s=1"},
		{"what is configured stays alone", "?c=%2f&a[]=1", `{}`, "c=%2f&a[]=1"},
		{"a lone question mark", "?", `{"s": "1"}`, "s=1"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := config(t, doc{"method": "GET", "endpoint": "https://api.example.com/v1/items" + tt.endpoint,
				"fields": fields("s:string", "n:number", "b:boolean", "l:array", "o:object")})
			req := build(t, c, arguments(t, tt.arguments))
			if req.URL.RawQuery != tt.want {
				t.Errorf("got  %s\nwant %s", req.URL.RawQuery, tt.want)
			}
			if req.URL.Path != "/v1/items" || req.Body != nil || req.Header.Get("Content-Type") != "" {
				t.Errorf("path %s, body %v, Content-Type %q", req.URL.Path, req.Body, req.Header.Get("Content-Type"))
			}
		})
	}
}

func TestDefaults(t *testing.T) {
	c := config(t, doc{"fields": list{
		doc{"name": "kind", "type": "string", "default": "note"},
		doc{"name": "count", "type": "integer", "required": true, "default": json.Number("9007199254740993")},
		doc{"name": "tags", "type": "array", "default": list{"a", doc{"b": nil}}},
		doc{"name": "no", "type": "boolean", "default": false, "in": "query"},
		doc{"name": "none", "type": "string", "default": nil},
	}})
	for given, want := range map[string]string{
		`{}`:                            `{"kind":"note","count":9007199254740993,"tags":["a",{"b":null}]}`,
		`{"kind": null, "count": null}`: `{"kind":"note","count":9007199254740993,"tags":["a",{"b":null}]}`,
		`{"kind": "", "count": 0, "tags": [], "none": "x"}`: `{"kind":"","count":0,"tags":[],"none":"x"}`,
	} {
		req := build(t, c, arguments(t, given))
		if got := body(t, req); got != want {
			t.Errorf("%s gives\n%s, want\n%s", given, got, want)
		}
		if req.URL.RawQuery != "no=false" {
			t.Errorf("%s gives the query %s", given, req.URL.RawQuery)
		}
	}
}

func TestMethodsAndHeaders(t *testing.T) {
	for method, hasBody := range map[string]bool{"GET": false, "DELETE": false, "POST": true, "PUT": true, "PATCH": true} {
		req := build(t, config(t, doc{"method": method}), nil)
		want := http.Header{"User-Agent": {"Callout/1"}, "Accept": {"application/json, */*;q=0.5"}}
		text := ""
		if hasBody {
			want["Content-Type"], text = []string{"application/json"}, "{}"
		}
		if req.Method != method || !reflect.DeepEqual(req.Header, want) || body(t, req) != text {
			t.Errorf("%s: %s with %v", method, req.Method, req.Header)
		}
	}
	c := config(t, doc{"headers": list{
		doc{"name": "content-TYPE", "value": "application/vnd.api+json"}, doc{"name": "User-Agent", "value": "Other/2"},
		doc{"name": "X-Empty", "value": ""}, doc{"name": "X-Key", "value": "canary-key"}, doc{"name": "Accept", "value": "text/plain"},
	}})
	want := http.Header{"User-Agent": {"Other/2"}, "Accept": {"text/plain"}, "Content-Type": {"application/vnd.api+json"}, "X-Empty": {""}, "X-Key": {"canary-key"}}
	if req := build(t, c, nil); !reflect.DeepEqual(req.Header, want) {
		t.Errorf("got %v, want %v", req.Header, want)
	}
}

func TestHiddenEndpointIsCalled(t *testing.T) {
	const endpoint = "https://hooks.slack.com/services/T0/B0/xyz?a=%2f"
	req := build(t, config(t, doc{"endpoint": endpoint, "fields": fields("q:string:query")}), arguments(t, `{"q": "1"}`))
	if got := req.URL.String(); got != endpoint+"&q=1" {
		t.Errorf("called: %s", got)
	}
}

// Build may be given what Validate never saw. Then it fails, and quotes nothing.
func TestBuildRefusesWhatIsNoURL(t *testing.T) {
	c := config(t, doc{"endpoint": "https://canary.example:port/"})
	template, _ := request.Compile(c)
	if req, err := template.Build(t.Context(), c, nil); err == nil || strings.Contains(err.Error(), "canary") {
		t.Errorf("got %v, %v", req, err)
	}
}

func BenchmarkBuild(b *testing.B) {
	specs := []string{}
	args := request.Arguments{}
	for _, name := range strings.Split("abcdefghijklmnopqrst", "") {
		specs = append(specs, name+":string")
		args[name] = "Value of " + name + ", with a \"quote\" and a line\n"
	}
	c := config(b, doc{"fields": fields(specs...)})
	template := compile(b, c)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := template.Build(b.Context(), c, args); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkCompile(b *testing.B) {
	c := config(b, doc{"fields": fields(strings.Split(strings.Repeat("x:string ", 19)+"x:string", " ")...)})
	for i := range c.Fields {
		c.Fields[i].Name = string(rune('a' + i))
	}
	b.ReportAllocs()
	for b.Loop() {
		request.Compile(c)
	}
}
