package request_test

import (
	"net/http"
	"os"
	"path"
	"strconv"
	"strings"
	"testing"

	"callout/handler/request"
)

// row is one line of testdata/arguments.txt, the columns of which are named there.
type row struct{ verdict, stage, input, extra, note string }

func rows(t *testing.T, stage string) []row {
	t.Helper()
	data, err := os.ReadFile("testdata/arguments.txt")
	if err != nil {
		t.Fatal(err)
	}
	var out []row
	for line := range strings.Lines(string(data)) {
		f := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
		if !strings.HasPrefix(line, "#") && f[1] == stage {
			out = append(out, row{f[0], f[1], unquote(t, f[3]), unquote(t, f[4]), f[5]})
		}
	}
	t.Logf("%d rows of stage %s", len(out), stage)
	if len(out) < 12 {
		t.Fatalf("%d rows of stage %s", len(out), stage)
	}
	return out
}

func unquote(t *testing.T, quoted string) string {
	t.Helper()
	s, err := strconv.Unquote(quoted)
	if err != nil {
		t.Fatalf("%s: %v", quoted, err)
	}
	return s
}

// tried takes a configuration and one argument all the way, and returns nil when
// something on it refuses them.
func tried(t *testing.T, changes doc, name, value string) *http.Request {
	t.Helper()
	c := config(t, changes)
	template, faults := request.Compile(c)
	if len(faults) > 0 || len(c.Validate(nil)) > 0 {
		return nil
	}
	args := request.Arguments{name: value}
	if len(template.Validate(args)) > 0 {
		return nil
	}
	req, err := template.Build(t.Context(), c, args)
	if err != nil {
		t.Errorf("what Validate has passed cannot be built: %v", err)
	}
	return req
}

func TestCorpusTemplates(t *testing.T) {
	for _, r := range rows(t, "template") {
		t.Run(r.note, func(t *testing.T) {
			endpoint := strings.ReplaceAll(r.extra, "{x}", "{{x}}")
			for _, hidden := range []bool{false, true} {
				req := tried(t, doc{"endpoint": endpoint, "endpointSecret": hidden, "fields": list{doc{"name": "x", "type": "string", "required": true}}}, "x", r.input)
				if (req == nil) != (r.verdict == "DENY") {
					t.Fatalf("secret %v: the request is %v, want %s", hidden, req, r.verdict)
				}
				if req != nil {
					wantData(t, req, endpoint, r.input)
				}
			}
		})
	}
}

// wantData checks that an argument arrived as data and changed nothing else.
func wantData(t *testing.T, req *http.Request, endpoint, argument string) {
	t.Helper()
	got, where := req.URL.Query().Get("q"), "https://api.example.com/v1/items"
	if strings.Contains(endpoint, "/{{x}}") {
		got, where = path.Base(req.URL.Path), "https://api.example.com/v1/items/"
	}
	if got != argument {
		t.Errorf("%q arrived as %q", argument, got)
	}
	sent := req.URL.String()
	if !strings.HasPrefix(sent, where) || strings.Count(req.URL.EscapedPath(), "/") != strings.Count(endpoint, "/")-2 || req.URL.Fragment != "" || req.Host != "api.example.com" {
		t.Errorf("sent to %s", sent)
	}
}

func TestCorpusHeaders(t *testing.T) {
	for _, r := range rows(t, "header") {
		t.Run(r.note+" "+r.input, func(t *testing.T) {
			for way, changes := range map[string]doc{
				"a field that is a header": {"fields": list{doc{"name": r.input, "type": "string", "in": "header"}}},
				"a header that is filled in": {"fields": list{doc{"name": "x", "type": "string"}},
					"headers": list{doc{"name": r.input, "value": "{{x}}", "secret": false}}},
				"a secret header that is filled in": {"fields": list{doc{"name": "x", "type": "string"}},
					"headers": list{doc{"name": r.input, "value": "{{x}}{{x}}", "secret": true}}},
			} {
				name, value := changes["fields"].(list)[0].(doc)["name"].(string), r.extra
				if way == "a secret header that is filled in" {
					value += r.extra
				}
				req := tried(t, changes, name, r.extra)
				if (req == nil) != (r.verdict == "DENY") {
					t.Fatalf("%s: the request is %v, want %s", way, req, r.verdict)
				}
				if req != nil && (req.Header.Get(r.input) != value || len(req.Header) != 4) {
					t.Errorf("%s: sent with %q", way, req.Header)
				}
			}
		})
	}
}
