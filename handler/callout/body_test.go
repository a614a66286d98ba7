package callout_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"callout/handler/callout"
)

// withBody is a configuration whose body is written as it stands.
func withBody(t testing.TB, body string) *callout.Config {
	t.Helper()
	return parse(t, `{"name": "a", "method": "POST", "endpoint": "https://api.example.com", "body": `+body+`}`)
}

// A template is kept in one form, to the last digit, and in the order in which
// its author wrote it.
func TestBodiesAreKeptAsTheyAre(t *testing.T) {
	for given, want := range map[string]string{
		`null`:                          ``,
		` null `:                        ``,
		`{}`:                            `{}`,
		`[]`:                            `[]`,
		`"{{a}}"`:                       `"{{a}}"`,
		`false`:                         `false`,
		`0`:                             `0`,
		`-0`:                            `-0`,
		`[1.0, 1e2, 1E+2, -0.0]`:        `[1.0,1e2,1E+2,-0.0]`,
		`12345678901234567890.12345678`: `12345678901234567890.12345678`,
		`{"b":1, "a" : null,"c": [ {"z":{},"y":[]} ]}`: `{"b":1,"a":null,"c":[{"z":{},"y":[]}]}`,
		`"\u003cb\u003e \u00e9\/ \t\u0041"`:            `"<b> é/ \tA"`,
		`{"\u003c": "&"}`:                              `{"<":"&"}`,
		"\"\u2028\x7f\"":                               "\"\\u2028\x7f\"",
		`["\ud83d\ude00"]`:                             `["😀"]`,
		"{\n\t\"a\": 1\r\n}":                           `{"a":1}`,
	} {
		if got := string(withBody(t, given).Body); got != want {
			t.Errorf("%s is kept as %s, want %s", given, got, want)
		}
	}
}

func TestBodies(t *testing.T) {
	body := func(v any) doc { return doc{"body": v} }
	ofSize := func(n int) doc { return body(text(n - 2)) } // with its quotes
	format := func(method, format string, v any) doc {
		return doc{"method": method, "bodyFormat": format, "body": v, "fields": list{}}
	}
	cases := tests{
		{"an object", body(doc{"a": list{1, nil}}), ""},
		{"a text", body("x"), ""},
		{"null", body(nil), ""},
		{"64 KiB", ofSize(64 << 10), ""},
		{"64 KiB and one", ofSize(64<<10 + 1), "TooLong body"},
		{"null with a format", format("POST", "none", nil), ""},
		{"json", format("POST", "json", doc{}), ""},
		{"form", format("PUT", "form", doc{}), ""},
		{"form without a template", format("PATCH", "form", nil), ""},
		{"none", format("POST", "none", nil), ""},
		{"none with a template", format("POST", "none", doc{}), "InvalidValue body"},
		{"unknown", format("POST", "xml", doc{}), "InvalidValue bodyFormat"},
		{"in capitals", format("POST", "JSON", nil), "InvalidValue bodyFormat"},
		{"unknown with a method that has no body", format("GET", "xml", nil), "InvalidValue bodyFormat"},
	}
	for _, method := range []string{"GET", "DELETE"} {
		cases = append(cases, tests{
			{method + " with a template", format(method, "", doc{}), "InvalidValue body"},
			{method + " with a template and none", format(method, "none", false), "InvalidValue body"},
			{method + " with a form", format(method, "form", nil), "InvalidValue bodyFormat"},
			{method + " with json", format(method, "json", nil), ""},
			{method + " with none", format(method, "none", nil), ""},
		}...)
	}
	cases.run(t)
}

// Whatever JSON is given as a body is kept as the same value, and what is kept
// stays as it is when it is given again.
func FuzzBody(f *testing.F) {
	for _, s := range []string{`{"b":[1.50,{"a":"{{x}}"}],"b":null}`, `"\ud800"`, `[[[]],{}]`, `-0e-7`, `"\u0000\u2029<"`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if !json.Valid(data) {
			return
		}
		once := withBody(t, string(data)).Body
		if once == nil {
			if strings.TrimSpace(string(data)) != "null" {
				t.Errorf("%s is lost", data)
			}
			return
		}
		if twice := withBody(t, string(once)).Body; !bytes.Equal(once, twice) {
			t.Errorf("%s is kept as %s and then as %s", data, once, twice)
		}
		if got, want := exact(t, once), exact(t, data); got != want {
			t.Errorf("%s is kept as %s", want, got)
		}
	})
}

// exact writes a JSON value such that two that differ in a digit differ.
func exact(t *testing.T, data []byte) string {
	t.Helper()
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	var out strings.Builder
	for {
		token, err := dec.Token()
		if err != nil {
			return out.String()
		}
		fmt.Fprintf(&out, "%T %v;", token, token)
	}
}
