package request_test

import (
	"encoding/json"
	"fmt"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"callout/handler/callout"
	"callout/handler/request"
)

func asItIs(s string) string { return s }

// show builds a request without secrets, as it is shown.
func show(t *testing.T, c *callout.Config, args string) *callout.Request {
	t.Helper()
	req, err := compile(t, c).Build(t.Context(), c.WithoutSecrets(), arguments(t, args))
	if err != nil {
		t.Fatal(err)
	}
	return request.Show(req, asItIs)
}

func TestShowMasks(t *testing.T) {
	c := config(t, doc{
		"endpoint": "https://hooks.slack.com/services/T0/B0/canary",
		"headers":  list{doc{"name": "X-Key", "value": "canary-key"}, doc{"name": "Api-Version", "value": "2024-01"}},
		"fields":   fields("text:string", "q:string:query"),
	})
	got := show(t, c, `{"text": "hi <b>", "q": "a b"}`)
	want := &callout.Request{
		Method: "POST", URL: "https://hooks.slack.com/[secret]?q=a+b", Body: json.RawMessage(`{"text":"hi <b>"}`),
		Headers: []callout.HeaderValue{{Name: "Accept", Value: "application/json, */*;q=0.5"}, {Name: "Api-Version", Value: "2024-01"},
			{Name: "Content-Type", Value: "application/json"}, {Name: "User-Agent", Value: "Callout/1"}, {Name: "X-Key", Value: "[secret]"}},
	}
	if fmt.Sprintf("%s", got) != fmt.Sprintf("%s", want) {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

// clean is applied to the URL, to each header and to the body, so that an
// argument that happens to hold a secret is not shown either.
func TestShowCleans(t *testing.T) {
	c := config(t, doc{"fields": fields("text:string", "n:number", "q:string:query"), "headers": list{doc{"name": "X-A", "value": "canary"}}})
	mask := func(s string) string {
		return strings.NewReplacer("canary", "[secret]", "12345678", "[secret]").Replace(s)
	}
	for args, want := range map[string]string{
		`{"text": "a canary", "q": "canary"}`: `{"text":"a [secret]"}`,
		`{"n": 12345678, "q": "canary"}`:      `"{\"n\":[secret]}"`, // no JSON any more, so it is shown as a text
	} {
		req := build(t, c, arguments(t, args))
		got := request.Show(req, mask)
		if string(got.Body) != want || got.URL != "https://api.example.com/v1/items?q=[secret]" {
			t.Errorf("%s is shown as %s with %s", args, got.URL, got.Body)
		}
		if i := slices.IndexFunc(got.Headers, func(h callout.HeaderValue) bool { return h.Name == "X-A" }); got.Headers[i].Value != "[secret]" {
			t.Errorf("the header is shown as %+v", got.Headers[i])
		}
		if body(t, req) == "" {
			t.Error("the request that is shown cannot be sent any more")
		}
	}
}

func TestShowWithoutABody(t *testing.T) {
	if got := show(t, config(t, doc{"method": "GET"}), `{}`); got.Body != nil {
		t.Errorf("a body is shown: %s", got.Body)
	}
}

// words lets a shell read a command in which curl is a function that prints what
// it is given.
func words(t *testing.T, command string) []string {
	t.Helper()
	out, err := exec.Command("sh", "-c", `curl() { printf '%s\0' "$@"; }`+"\n"+command).CombinedOutput()
	if err != nil {
		t.Fatalf("%s\n%v: %s", command, err, out)
	}
	return strings.Split(strings.TrimSuffix(string(out), "\x00"), "\x00")
}

// The command that is printed means to a shell what is meant, and nothing else
// is executed.
func TestCurl(t *testing.T) {
	for _, hostile := range []string{
		"plain", "it's", "''", `'; touch /tmp/x; '`, "$(echo canary)", "`echo canary`", "$HOME ${HOME} $1", `back\slash \' \n \\`, "a\nb\r\nc", "!history", "%s%n %%",
		"*?[a-z]{1,2}", "# no comment", "a & b | c > d", `"quoted"`, "é😀", "-o /etc/passwd", "@/etc/passwd", "~root", "\t tab ", "=", "",
	} {
		r := &callout.Request{
			Method: "PATCH", URL: "https://api.example.com/v1?q=" + hostile,
			Headers: []callout.HeaderValue{{Name: "X-A", Value: hostile}, {Name: "Accept", Value: "*/*"}},
			Body:    json.RawMessage(`{"a":"` + hostile + `"}`),
		}
		value := "X-A: " + hostile
		if hostile == "" {
			value = "X-A;"
		}
		want := []string{"-X", "PATCH", r.URL, "-H", value, "-H", "Accept: */*", "--data-raw", string(r.Body)}
		if strings.ContainsAny(hostile, "[]{}") {
			want = slices.Insert(want, 2, "--globoff")
		}
		if got := words(t, request.Curl(r)); !slices.Equal(got, want) {
			t.Errorf("%q:\ngot  %q\nwant %q", hostile, got, want)
		}
	}
}

func TestCurlOfAWholeRequest(t *testing.T) {
	c := config(t, doc{"method": "GET", "endpoint": "https://api.example.com/v1?filter[a]=b", "fields": fields("q:string"),
		"headers": list{doc{"name": "X-Key", "value": "canary-key"}, doc{"name": "X-Empty", "value": ""}}})
	const want = `curl \
  --globoff \
  'https://api.example.com/v1?filter[a]=b&q=it%27s' \
  -H 'Accept: application/json, */*;q=0.5' \
  -H 'User-Agent: Callout/1' \
  -H 'X-Empty;' \
  -H 'X-Key: [secret]'`
	if got := request.Curl(show(t, c, `{"q": "it's"}`)); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	hidden := config(t, doc{"endpoint": "https://hooks.slack.com/services/canary"})
	if got := request.Curl(show(t, hidden, `{}`)); !strings.Contains(got, "\n  'https://hooks.slack.com/[secret]' \\\n") || strings.Contains(got, "--globoff") {
		t.Errorf("got\n%s", got)
	}
}
