package execute_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"callout/handler/callout"
	"callout/handler/execute"
)

const org = `{"name": "org", "type": "string", "required": true}, {"name": "note", "type": "string"}, {"name": "tags", "type": "array", "in": "query"}`

// What is filled in is sent, and shown with masks in the place of the secrets.
func TestTemplatesAreSentAndShown(t *testing.T) {
	const all = `{"org": "a b", "note": "n\"1", "tags": [1, "x"]}`
	for _, tt := range []struct {
		name, members, arguments string
		uri, body, header        string // what the API receives
		shown                    string // the URL, if it is another
	}{
		{"in every place", `"method": "POST", "endpoint": "ORIGIN/orgs/{{org}}/items?t={{tags}}", "headers": [{"name": "X-A", "value": "{{org}}:{{secret.key}}", "secret": false}],
			"secretValues": {"key": "canary-key"}, "body": [{"key": "{{secret.key}}", "note": "{{note}}"}], "fields": [` + org + `]`, all,
			"/orgs/a%20b/items?t=1&t=x", `[{"key":"canary-key","note":"n\"1"}]`, "a b:canary-key", ""},
		{"what is optional is absent", `"method": "POST", "endpoint": "ORIGIN/orgs/{{org}}/items?t={{tags}}", "headers": [{"name": "X-A", "value": "{{note}}"}],
			"body": {"note": "{{note}}", "kind": "it"}, "fields": [` + org + `]`, `{"org": "o"}`, "/orgs/o/items", `{"kind":"it"}`, "", ""},
		{"a form", `"method": "PUT", "bodyFormat": "form", "endpoint": "ORIGIN/{{org}}", "secretValues": {"key": "canary-key"},
			"body": {"metadata[k]": "{{secret.key}} {{note}}"}, "fields": [` + org + `]`, all, "/a%20b?tags=1&tags=x", "metadata%5Bk%5D=canary-key+n%221", "", ""},
		{"a secret endpoint", `"method": "POST", "endpointSecret": true, "endpoint": "ORIGIN/hooks/canary-path-of-the-hook/{{org}}?sig=canary-signature&n={{note}}", "fields": [` + org + `]`, all,
			"/hooks/canary-path-of-the-hook/a%20b?sig=canary-signature&n=n%221&tags=1&tags=x", "{}", "", "/[secret]?tags=1&tags=x"},
		{"a secret header", `"headers": [{"name": "X-A", "value": "canary {{org}} {{secret.key}}", "secret": true}], "secretValues": {"key": "canary-key"}, "fields": [` + org + `, {"name": "q", "type": "string"}]`,
			`{"org": "o", "q": "1"}`, "/v1/items?q=1", "", "canary o canary-key", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			h := newHouse(t, fine)
			h.configure(strings.ReplaceAll(tt.members, "ORIGIN", h.api.origin()))
			h.start() // what was given with the configuration is read back
			e := h.call(tt.arguments)
			wantEnd(t, e, callout.Succeeded, "")
			got := h.api.requests()[0]
			if got.uri != tt.uri || got.body != tt.body || got.header.Get("X-A") != tt.header {
				t.Errorf("the API received %v", got)
			}
			masked := strings.NewReplacer("canary-key", "[secret]", "canary o", "[secret]")
			if want := h.api.origin() + masked.Replace(tt.uri); tt.shown == "" && e.Request.URL != want {
				t.Errorf("shown is %s, want %s", e.Request.URL, want)
			} else if tt.shown != "" && e.Request.URL != h.api.origin()+tt.shown {
				t.Errorf("shown is %s, want %s", e.Request.URL, tt.shown)
			}
			if (e.Request.Body == nil) != (tt.body == "") || tt.header == "" != (headerShown(e, "X-A") == "") {
				t.Errorf("shown is %s", encode(t, e.Request))
			}
			h.wantRecord(e)
			wantClean(t, "the answer", encode(t, e))
		})
	}
}

func headerShown(e *callout.Execution, name string) string {
	for _, h := range e.Request.Headers {
		if h.Name == name {
			return h.Value
		}
	}
	return ""
}

// An API may write back what it received: secret texts as they were filled in,
// and long parts of them.
func TestEchoesOfFilledSecretsAreMasked(t *testing.T) {
	h := newHouse(t, func(_ *upstream, w http.ResponseWriter, r *http.Request) {
		segment := strings.Split(r.URL.Path, "/")[1]
		_, _ = fmt.Fprintf(w, "%s|%s|%s|%s|%s|%s|%s", r.RequestURI, r.URL.Path, segment, r.URL.Query().Get("k"), r.URL.Query().Get("sig"),
			r.Header.Get("X-Key"), strings.TrimPrefix(r.Header.Get("X-Key"), "a b, "))
	})
	h.configure(`"endpointSecret": true, "endpoint": "` + h.api.origin() + `/canary-of-the-hook/{{org}}/{{secret.key}}?sig=canary-sig/nature==x{{note}}&k={{secret.key}}",
		"headers": [{"name": "X-Key", "value": "{{org}}, canary-in-a-header {{org}}"}], "secretValues": {"key": "canary/ %key"}, "fields": [` + org + `]`)
	e := h.call(`{"org": "a b", "note": "n1", "tags": ["one"]}`)
	if got := string(e.Response.Body); got != `"[secret]|[secret]|[secret]|[secret]|[secret]n1|[secret]|[secret] a b"` {
		t.Errorf("the answer is %s", got)
	}
	if sent := h.api.requests()[0].uri; sent != "/canary-of-the-hook/a%20b/canary%2F%20%25key?sig=canary-sig/nature==xn1&k=canary%2F+%25key&tags=one" {
		t.Errorf("sent was %s", sent)
	}
}

// The stored part of the URL is as secret without what is appended to it.
func TestAnEchoOfTheStoredURLIsMasked(t *testing.T) {
	h := newHouse(t, func(_ *upstream, w http.ResponseWriter, r *http.Request) {
		_, _ = fmt.Fprint(w, strings.TrimSuffix(r.RequestURI, "&tags=1"))
	})
	h.configure(`"endpointSecret": true, "endpoint": "` + h.api.origin() + `/hook?sig=canary", "fields": [{"name": "tags", "type": "array"}]`)
	if got := string(h.call(`{"tags": [1]}`).Response.Body); got != `"[secret]"` {
		t.Errorf("the answer is %s", got)
	}
}

// What cannot stand where it goes is refused before anything is on record, also
// when only a stored secret names the place.
func TestArgumentsThatDoNotFitAreRefused(t *testing.T) {
	h := newHouse(t, fine)
	h.configure(`"method": "POST", "endpointSecret": true, "endpoint": "` + h.api.origin() + `/hooks/canary-path/{{org}}",
		"headers": [{"name": "X-Key", "value": "canary {{note}}"}], "fields": [` + org + `]`)
	h.start()
	for arguments, target := range map[string]string{`{"org": "../admin"}`: "arguments.org", `{"org": ""}`: "arguments.org", `{"org": "a", "note": "x\r\nX-Evil: 1"}`: "arguments.note"} {
		_, err := h.Do(t.Context(), execute.Call{Config: "api", Arguments: h.arguments(arguments)})
		if e := wantCode(t, err, callout.InvalidArguments); e.Target != target || strings.Contains(encode(t, e), "admin") {
			t.Errorf("%s: refused is %+v", arguments, e)
		}
	}
	wantSeen(t, h.api, 0)
	if got := h.history(); len(got) != 0 {
		t.Errorf("on record is %s", encode(t, got))
	}
}

// A test without arguments shows examples in every place.
func TestATestFillsInExamples(t *testing.T) {
	h := newHouse(t, fine)
	h.configure(`"method": "POST", "bodyFormat": "form", "endpoint": "` + h.api.origin() + `/{{org}}", "secretValues": {"key": "canary-key"},
		"body": {"k": "{{secret.key}}", "n": "{{note}}"}, "fields": [` + org + `]`)
	report, err := h.Test(t.Context(), "api", execute.Trial{})
	if err != nil || report.Request == nil {
		t.Fatalf("got %+v, %v", report, err)
	}
	if report.Request.URL != h.api.origin()+"/example" || string(report.Request.Body) != `"k=[secret]"` || !strings.Contains(report.Curl, "--data-raw 'k=[secret]'") {
		t.Errorf("shown is %s\n%s", encode(t, report.Request), report.Curl)
	}
}
