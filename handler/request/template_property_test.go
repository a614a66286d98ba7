package request_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"

	"callout/handler/callout"
	"callout/handler/request"
)

// literal is a text without placeholders, which may look as if it had some.
func (r random) literal() string {
	return strings.ReplaceAll(strings.ReplaceAll(r.text(), "{{", "{"), "{{", "{")
}

// templateText names the fields in a text, or is one of them.
func (r random) templateText(fields []string) string {
	if len(fields) == 1 && r.IntN(3) > 0 {
		return r.pick("{{", "{{ ") + fields[0] + r.pick("}}", " }}")
	}
	out := r.literal()
	for _, field := range fields {
		out += "{{" + field + "}}" + r.pick(" ", "-", "}", r.literal())
	}
	return strings.ReplaceAll(out, "{{{", "{ {{")
}

// template is a JSON value that names each of the fields once, and the order of
// its members is that in which they are written.
func (r random) template(fields []string, depth int) string {
	if depth == 0 || len(fields) == 0 && r.IntN(2) == 0 {
		if len(fields) == 0 {
			return r.pick("1.50", "-0", "true", "null", "9007199254740993", "{}", "[]", quoted(r.literal()))
		}
		return quoted(r.templateText(fields))
	}
	var parts []string
	array := r.IntN(3) == 0
	for i := 0; len(fields) > 0 || r.IntN(3) > 0; i++ {
		n := r.IntN(len(fields) + 1)
		part := r.template(fields[:n], depth-1)
		if fields = fields[n:]; !array {
			part = quoted(fmt.Sprint(r.literal(), i)) + ": " + part
		}
		parts = append(parts, part)
	}
	if array {
		return "[" + strings.Join(parts, ", ") + "]"
	}
	return "{" + strings.Join(parts, ", ") + "}"
}

func quoted(s string) string {
	out, _ := json.Marshal(s)
	return string(out)
}

// arguments makes n fields, and arguments for most of them. Texts begin with a
// word that tells whose they are, and may be long.
func (r random) arguments(n int) (specs []string, names []string, args request.Arguments) {
	args = request.Arguments{}
	for i := range n {
		name, typ := fmt.Sprintf("f%d", i), r.pick("string", "string", "number", "integer", "boolean", "array", "object")
		specs, names = append(specs, name+":"+typ), append(names, name)
		if r.IntN(5) == 0 {
			continue
		}
		args[name] = r.fit(typ)
		if s, ok := args[name].(string); ok {
			args[name] = "of-" + name + "-" + s + strings.Repeat(`10 KB "\`+"\n", r.IntN(2)*r.IntN(1500))
		}
	}
	return specs, names, args
}

var placeholder = regexp.MustCompile(`\{\{ *([a-z0-9.]+) *\}\}`)

// expected fills in a template in another way than the one that is tested: word by
// word of the template as it is decoded, and encodes the outcome.
func expected(dec *json.Decoder, args request.Arguments) (out string, present bool) {
	token, _ := dec.Token()
	switch token := token.(type) {
	case json.Delim:
		var parts []string
		for dec.More() {
			key := ""
			if token == '{' {
				name, _ := dec.Token()
				key = quoted(name.(string)) + ":"
			}
			if part, present := expected(dec, args); present {
				parts = append(parts, key+part)
			}
		}
		end, _ := dec.Token()
		return token.String() + strings.Join(parts, ",") + end.(json.Delim).String(), true
	case string:
		if name := placeholder.FindStringSubmatch(token); name != nil && name[0] == token {
			data, _ := json.Marshal(args[name[1]])
			return string(data), args[name[1]] != nil
		}
		return quoted(placeholder.ReplaceAllStringFunc(token, func(p string) string {
			return inText(args[placeholder.FindStringSubmatch(p)[1]])
		})), true
	}
	data, _ := json.Marshal(token)
	return string(data), true
}

// inText is how a value stands within a longer text.
func inText(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		return v
	}
	return jsonText(v)
}

// tokens reads JSON: names and values in their order, escapes undone, and every
// digit of the numbers.
func tokens(t *testing.T, text string) (out []json.Token) {
	t.Helper()
	if !json.Valid([]byte(text)) {
		t.Errorf("this is no JSON: %.200s", text)
		return nil
	}
	dec := json.NewDecoder(strings.NewReader(text))
	dec.UseNumber()
	for {
		token, err := dec.Token()
		if err != nil {
			return out
		}
		out = append(out, token)
	}
}

func numbers(text string) *json.Decoder {
	dec := json.NewDecoder(strings.NewReader(text))
	dec.UseNumber()
	return dec
}

// TestTemplatesAreFilledInAsData: for random templates and arguments the body
// parses, it has the structure of the template, and every argument is where it is
// named, once and unchanged.
func TestTemplatesAreFilledInAsData(t *testing.T) {
	seed := rand.Uint64()
	r := random{rand.New(rand.NewPCG(seed, 0))}
	for range 1000 {
		specs, names, args := r.arguments(r.IntN(8))
		template := r.template(names, 4)
		if template == "null" {
			continue // is no template
		}
		c := config(t, doc{"fields": fields(specs...), "body": raw(template)})
		got := body(t, build(t, c, args))
		want, present := expected(numbers(template), args)
		if !present {
			want = "null"
		}
		if !reflect.DeepEqual(tokens(t, got), tokens(t, want)) {
			t.Errorf("the body is\n%s, want\n%s", got, want)
		}
		for name, v := range args {
			if _, ok := v.(string); ok && strings.Count(got, "of-"+name+"-") != 1 {
				t.Errorf("%s is there %d times", name, strings.Count(got, "of-"+name+"-"))
			}
		}
		if t.Failed() {
			t.Fatalf("seed %d: template %s, arguments %v", seed, template, args)
		}
	}
}

// TestFormsAreFilledInAsData does the same for forms.
func TestFormsAreFilledInAsData(t *testing.T) {
	seed := rand.Uint64()
	r := random{rand.New(rand.NewPCG(seed, 0))}
	for range 500 {
		specs, names, args := r.arguments(r.IntN(8))
		template, want := doc{}, url.Values{}
		for _, name := range names {
			key := fmt.Sprintf("%s[%s]", r.literal(), name)
			template[key] = "{{" + name + "}}"
			if args[name] != nil {
				want[key] = inQuery(args[name])
			}
		}
		c := config(t, doc{"fields": fields(specs...), "body": template, "bodyFormat": "form"})
		got, err := url.ParseQuery(body(t, build(t, c, args)))
		if err != nil || !sameQuery(got, want) {
			t.Fatalf("seed %d: template %v, arguments %v: got %v, want %v, %v", seed, template, args, got, want, err)
		}
	}
}

// endpoint makes a path and a query that name some of the fields.
func (r random) endpoint(names []string) (path, query string) {
	for i := range 1 + r.IntN(4) {
		path += "/" + r.pick("v1", "a%2fb", "", "x-", "c;d", "~", "%2e")
		if len(names) > i && r.IntN(2) == 0 {
			path += "{{" + names[i] + "}}" + r.pick("", ".json", ":x")
		}
	}
	for i, name := range names {
		if r.IntN(2) == 0 {
			query += fmt.Sprintf("&q%d=%s{{%s}}", i, r.pick("", "x%20", "eq+"), name)
		}
	}
	if query != "" {
		query = "?" + query[1:]
	}
	return path, query
}

// fitsPath says which texts can stand in a path.
func fitsPath(s string) bool {
	return s != "" && s != "." && s != ".." && !strings.ContainsAny(s, `/\`) && strings.IndexFunc(s, unicode.IsControl) < 0
}

// TestArgumentsChangeNothingElse: whatever the arguments are, a request goes where
// it is configured to go, with as many segments in its path, and with the headers
// that are configured.
func TestArgumentsChangeNothingElse(t *testing.T) {
	seed := rand.Uint64()
	r := random{rand.New(rand.NewPCG(seed, 0))}
	sent := 0
	for range 3000 {
		names, list, args := []string{}, list{}, request.Arguments{}
		for i := range 1 + r.IntN(4) {
			name := fmt.Sprintf("f%d", i)
			names, list, args[name] = append(names, name), append(list, doc{"name": name, "type": "string", "required": true}), r.text()
		}
		path, query := r.endpoint(names)
		header := "a{{" + names[0] + "}}b"
		c := config(t, doc{"endpoint": "https://api.example.com:8443" + path + query, "endpointSecret": r.IntN(2) == 0, "fields": list, "method": r.pick("GET", "POST"),
			"headers": []any{doc{"name": "X-A", "value": header, "secret": false}}})
		template := compile(t, c)
		if template.Validate(args) != nil {
			checkRefused(t, template.Validate(args), args, path, names[0])
			continue
		}
		sent++
		req, err := template.Build(t.Context(), c, args)
		if err != nil {
			t.Fatalf("seed %d: %s%s with %v: %v", seed, path, query, args, err)
		}
		checkPlace(t, req, path, args)
		checkSameHeaders(t, req, strings.ReplaceAll(header, "{{"+names[0]+"}}", args[names[0]].(string)))
		if t.Failed() {
			t.Fatalf("seed %d: %s%s with %v", seed, path, query, args)
		}
	}
	if sent < 300 {
		t.Errorf("seed %d: only %d were sent", seed, sent)
	}
}

// checkRefused asks that only what cannot stand somewhere was refused.
func checkRefused(t *testing.T, faults []callout.Fault, args request.Arguments, path, inHeader string) {
	t.Helper()
	for _, f := range faults {
		name := strings.TrimPrefix(f.Target, "arguments.")
		s := args[name].(string)
		ascii := strings.IndexFunc(s, func(r rune) bool { return r < 0x20 || r > 0x7e }) < 0 && strings.TrimSpace(s) == s && s != ""
		if (fitsPath(s) || !strings.Contains(path, "{{"+name+"}}")) && (ascii || name != inHeader) {
			t.Errorf("%q was refused for %s: %+v", s, path, f)
		}
	}
}

// checkPlace compares the URL with its template, segment by segment.
func checkPlace(t *testing.T, req *http.Request, path string, args request.Arguments) {
	t.Helper()
	u, err := url.Parse(req.URL.String())
	if err != nil || u.Scheme != "https" || u.Host != "api.example.com:8443" || req.Host != u.Host || u.User != nil || u.Fragment != "" {
		t.Errorf("sent to %s, Host %s, %v", req.URL, req.Host, err)
	}
	got, want := strings.Split(u.EscapedPath(), "/"), strings.Split(path, "/")
	if len(got) != len(want) {
		t.Errorf("%s has %d segments, want %d", u, len(got), len(want))
		return
	}
	prefix, _, _ := strings.Cut(path, "{{")
	if !strings.HasPrefix(u.EscapedPath(), prefix) {
		t.Errorf("%s does not begin with %s", u, prefix)
	}
	for i := range want {
		filled := placeholder.ReplaceAllStringFunc(want[i], func(p string) string {
			return strings.ReplaceAll(url.QueryEscape(args[placeholder.FindStringSubmatch(p)[1]].(string)), "+", "%20")
		})
		if a, err := url.PathUnescape(got[i]); err != nil || a != unescaped(filled) || a == "." && want[i] != "%2e" || a == ".." {
			t.Errorf("segment %d of %s is %q, want %q", i, u, a, unescaped(filled))
		}
	}
}

func unescaped(s string) string {
	out, _ := url.PathUnescape(s)
	return out
}

func checkSameHeaders(t *testing.T, req *http.Request, filled string) {
	t.Helper()
	var names []string
	for name, values := range req.Header {
		names = append(names, name)
		if len(values) != 1 || strings.ContainsAny(values[0], "\r\n") {
			t.Errorf("the header %s is %q", name, values)
		}
	}
	slices.Sort(names)
	want := []string{"Accept", "Content-Type", "User-Agent", "X-A"}
	if req.Method == "GET" {
		want = slices.Delete(want, 1, 2)
	}
	if !slices.Equal(names, want) || req.Header.Get("X-A") != filled {
		t.Errorf("the headers are %q", req.Header)
	}
}
