package request_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"testing"

	"callout/handler/callout"
	"callout/handler/request"
	"callout/handler/schema"
)

// random makes fields, and arguments that fit them.
type random struct{ *rand.Rand }

func (r random) pick(from ...string) string { return from[r.IntN(len(from))] }

// text is one that some layer might take for something else than text.
func (r random) text() string {
	var b strings.Builder
	for range r.IntN(4) {
		b.WriteString(r.pick("a", "Ünï", "😀", `"`, `\`, "'", "\n", "\r\n", "\x00", "\u2028", "&", "=", "#", "?", "/", "../", "%2f", "%", "+", " ",
			"{{x}}", "{{secret.x}}", "{", "}", "<", "@evil.example", "https://evil.example/", "X-Evil: 1", "[secret]", ",", "\ufffd"))
	}
	return b.String()
}

func (r random) number() json.Number {
	return json.Number(r.pick("0", "-0", "1", "9007199254740993", "1e5", "-1.50", "3.141592653589793238462643383279", fmt.Sprint(r.Int64())))
}

func (r random) value(depth int) any {
	switch r.IntN(6) {
	case 0:
		return nil
	case 1:
		return r.IntN(2) == 0
	case 2:
		return r.number()
	case 3, 4:
		if depth > 0 {
			return r.nested(depth)
		}
	}
	return r.text()
}

func (r random) nested(depth int) any {
	if r.IntN(2) == 0 {
		out := []any{}
		for range r.IntN(4) {
			out = append(out, r.value(depth-1))
		}
		return out
	}
	out := map[string]any{}
	for range r.IntN(4) {
		out[r.text()] = r.value(depth - 1)
	}
	return out
}

// fit makes an argument for a field of the type.
func (r random) fit(typ string) any {
	switch typ {
	case "string":
		return r.text()
	case "number":
		return r.number()
	case "integer":
		return json.Number(r.pick("0", "-7", "9007199254740993", "1e5"))
	case "boolean":
		return r.IntN(2) == 0
	case "array":
		return []any{r.value(2), r.value(1)}
	}
	return map[string]any{r.text(): r.value(2)}
}

// TestArgumentsArriveUnchanged builds requests from random arguments. What the
// body and the query say when they are read again is what was given, and all
// else is as it would be without arguments.
func TestArgumentsArriveUnchanged(t *testing.T) {
	seed := rand.Uint64()
	r := random{rand.New(rand.NewPCG(seed, 0))}
	for range 1000 {
		specs, args := []string{}, request.Arguments{}
		for i := range r.IntN(8) {
			name, typ := fmt.Sprintf("f%d", i), r.pick("string", "number", "integer", "boolean", "array", "object")
			specs = append(specs, name+":"+typ+":"+r.pick("body", "query"))
			if r.IntN(4) > 0 {
				args[name] = r.fit(typ)
			}
		}
		c := config(t, doc{"endpoint": "https://api.example.com:8443/v1/a%2fb?c=%2f", "fields": fields(specs...),
			"headers": list{doc{"name": "X-Key", "value": "canary-key"}}})
		checkBuilt(t, c, args)
		if t.Failed() {
			t.Fatalf("seed %d: fields %v, arguments %v", seed, specs, args)
		}
	}
}

// checkBuilt compares a request with its arguments, and with the request that
// has none.
func checkBuilt(t *testing.T, c *callout.Config, args request.Arguments) {
	t.Helper()
	req, bare := build(t, c, args), build(t, c, nil)
	wantBody, wantQuery := map[string]any{}, url.Values{}
	for _, field := range c.Fields {
		switch v, ok := args[field.Name]; {
		case ok && v != nil && field.Place(c.Method) == callout.InBody:
			wantBody[field.Name] = v
		case ok && v != nil:
			wantQuery[field.Name] = inQuery(v)
		}
	}
	got, err := schema.Parse([]byte(body(t, req)))
	if err != nil || !reflect.DeepEqual(got, any(wantBody)) {
		t.Errorf("the body is %v, want %v, %v", got, wantBody, err)
	}
	added, ok := strings.CutPrefix(req.URL.RawQuery, bare.URL.RawQuery)
	gotQuery, err := url.ParseQuery(added)
	if !ok || err != nil || !sameQuery(gotQuery, wantQuery) {
		t.Errorf("the query is %s, want %v, %v", req.URL.RawQuery, wantQuery, err)
	}
	req.URL.RawQuery = bare.URL.RawQuery
	if req.Method != bare.Method || req.URL.String() != bare.URL.String() || req.Host != bare.Host || !reflect.DeepEqual(req.Header, bare.Header) {
		t.Errorf("the arguments made another request: %s %s, Host %s, %v", req.Method, req.URL, req.Host, req.Header)
	}
}

// inQuery lists what the query is to say of a value: each element of an array.
func inQuery(v any) []string {
	elements, ok := v.([]any)
	if !ok {
		return []string{plain(v)}
	}
	var out []string
	for _, e := range elements {
		out = append(out, plain(e))
	}
	return out
}

func plain(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case []any:
		return strings.Join(inQuery(v), ",")
	}
	return jsonText(v)
}

// jsonText encodes a value without the escapes that JSON does not ask for.
func jsonText(v any) string {
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(v) // came out of JSON
	return strings.NewReplacer(`\u2028`, "\u2028", `\u2029`, "\u2029").Replace(strings.TrimSuffix(b.String(), "\n"))
}

// sameQuery compares the two. An empty array is no parameter at all.
func sameQuery(got, want url.Values) bool {
	maps.DeleteFunc(want, func(_ string, values []string) bool { return len(values) == 0 })
	return maps.EqualFunc(got, want, slices.Equal)
}

// shape makes a shape that some value fits.
func (r random) shape(depth int) doc {
	low := r.IntN(20) - 10
	switch typ := r.pick("string", "number", "integer", "boolean", "array", "object"); typ {
	case "string":
		if r.IntN(3) == 0 {
			return doc{"type": typ, "enum": list{r.text(), "b"}}
		}
		return doc{"type": typ, "maxLength": r.IntN(12)}
	case "number", "integer":
		out := doc{"type": typ}
		if r.IntN(2) == 0 {
			out["minimum"] = json.Number(r.pick(fmt.Sprint(low), fmt.Sprintf("%d.5", low), "-1e-9", "1.000000000000000000001", "1e300"))
		}
		if r.IntN(2) == 0 {
			out["maximum"] = json.Number(r.pick(fmt.Sprint(low+5), fmt.Sprintf("%d.5", low+5), "-0.25", "1e301", "0.999999999999999999999"))
		}
		return out
	case "array":
		if depth > 0 {
			return doc{"type": typ, "items": r.shape(depth - 1)}
		}
		return doc{"type": typ}
	default:
		return doc{"type": typ}
	}
}

// The example that a test shows for a field is one that the field accepts.
func TestExamplesFit(t *testing.T) {
	seed := rand.Uint64()
	r := random{rand.New(rand.NewPCG(seed, 0))}
	tried := 0
	for range 2000 {
		field := r.shape(2)
		field["name"], field["required"] = "f", true
		c := config(t, doc{"fields": list{field, doc{"name": "optional", "type": "string"}, doc{"name": "given", "type": "string", "required": true}}})
		if len(c.Validate(nil)) > 0 { // bounds between which there is nothing
			continue
		}
		tried++
		template := compile(t, c)
		examples := template.Examples(request.Arguments{"given": "mine"})
		if faults := template.Validate(examples); len(faults) > 0 {
			t.Fatalf("seed %d: %v is no example of %v: %+v", seed, examples["f"], field, faults)
		}
		if _, ok := examples["f"]; !ok || examples["given"] != "mine" || len(examples) != 2 {
			t.Fatalf("seed %d: the examples are %v", seed, examples)
		}
	}
	if tried < 1000 {
		t.Errorf("only %d fields were tried", tried)
	}
}

// FuzzArguments checks that no arguments make a request other than the
// configured one, whatever they are.
func FuzzArguments(f *testing.F) {
	for _, seed := range []string{
		`{}`, `{"s": "a", "n": 1e5, "i": 7, "b": true, "l": ["x", null, [1]], "o": {"k": {"": []}}, "q": "a&b", "lq": [1, "é"], "oq": {"a": "\u2028"}}`,
		`{"s": 1}`, `{"x": 1}`, `{"s": null}`, `{"q": "../\r\nX: y", "s": "{{q}}\u0000"}`, `[]`, `{"i": 1.5}`, `{"n": -0}`, `{"lq": []}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		v, err := schema.Parse(data)
		args, ok := v.(map[string]any)
		if err != nil || !ok {
			return
		}
		c := config(t, doc{"endpoint": "https://api.example.com:8443/v1/a%2fb?c=%2f", "headers": list{doc{"name": "X-Key", "value": "canary-key"}},
			"fields": fields("s:string", "n:number", "i:integer", "b:boolean", "l:array", "o:object", "q:string:query", "lq:array:query", "oq:object:query")})
		if faults := compile(t, c).Validate(args); len(faults) == 0 {
			checkBuilt(t, c, args)
		}
	})
}
