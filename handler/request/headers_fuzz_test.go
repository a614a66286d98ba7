package request_test

import (
	"bufio"
	"bytes"
	"net/http"
	"strings"
	"testing"

	"golang.org/x/net/http/httpguts"

	"callout/handler/request"
)

// FuzzHeader checks that a header that is accepted is one header on the wire,
// whatever its name, its text and the argument in it are, and changes nothing else
// of the request.
func FuzzHeader(f *testing.F) {
	for _, seed := range []struct{ name, text, argument string }{
		{"X-Request-Id", "abc", ""}, {"X-A", "{{x}}", "a b"}, {"x-a", "v {{x}} w", "é"}, {"X-A", "a\tb{{x}}", "c\td"},
		{"X-A", "a\r\nX-B: c", ""}, {"X-A", "{{x}}", "a\r\nX-B: c"}, {"X-A", "{{x}}", "a\nb"}, {"X-A", "{{x}}", "a\u010ab"}, {"X-A", "{{x}}", "\u560a\u560d"},
		{"X-A", "{{x}}", " a"}, {"X-A", "{{x}}", "a\x00"}, {"X-A", "{{x}}", "\x7f"}, {"X-A", "{{x}}", ""}, {"X-A", "trail ", ""},
		{"Host", "v", ""}, {"transfer-encoding", "chunked", ""}, {"Content-Length", "0", ""}, {"Connection", "X-A", ""}, {"Expect", "100-continue", ""},
		{"X A", "v", ""}, {"X(A)", "v", ""}, {"X\r\nB", "v", ""}, {"", "v", ""}, {"X\u00e9", "v", ""}, {"Authorization", "{{x}}", "a"}, {"content_type", "{{x}}", "a"},
	} {
		f.Add(seed.name, seed.text, seed.argument)
	}
	f.Fuzz(func(t *testing.T, name, text, argument string) {
		c := config(t, doc{"method": "POST", "headers": list{doc{"name": name, "value": text, "secret": false}},
			"fields": list{doc{"name": "x", "type": "string", "in": "query"}}})
		template, faults := request.Compile(c)
		args := request.Arguments{"x": argument}
		if len(faults) > 0 || len(c.Validate(nil)) > 0 || len(template.Validate(args)) > 0 {
			return
		}
		req, err := template.Build(t.Context(), c, args)
		if err != nil {
			t.Fatalf("%q: %q with %q: %v", name, text, argument, err)
		}
		without := config(t, doc{"method": "POST", "fields": list{doc{"name": "x", "type": "string", "in": "query"}}})
		want := wire(t, build(t, without, args)).Header
		got := wire(t, req).Header
		value := strings.ReplaceAll(text, "{{x}}", argument)
		if !strings.Contains(value, "{{") && got.Get(name) != value {
			t.Errorf("%q: %q with %q arrives as %q", name, text, argument, got.Get(name))
		}
		if !httpguts.ValidHeaderFieldName(name) || !httpguts.ValidHeaderFieldValue(got.Get(name)) {
			t.Errorf("%q: %q is sent", name, got.Get(name))
		}
		got.Del(name)
		want.Del(name)
		if len(got) != len(want) {
			t.Errorf("%q: %q with %q sends %v, want %v", name, text, argument, got, want)
		}
	})
}

// wire is a request as a server reads it.
func wire(t *testing.T, req *http.Request) *http.Request {
	t.Helper()
	var b bytes.Buffer
	if err := req.Write(&b); err != nil {
		t.Fatal(err)
	}
	in := bufio.NewReader(&b)
	out, err := http.ReadRequest(in)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := bytes.NewBuffer(nil).ReadFrom(out.Body); err != nil || in.Buffered() > 0 {
		t.Errorf("more than one request is sent (%v)", err)
	}
	return out
}
