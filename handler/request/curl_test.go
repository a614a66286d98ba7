package request_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"reflect"
	"strings"
	"sync"
	"testing"

	"callout/handler/request"
)

// upstream keeps what it receives.
type upstream struct {
	*httptest.Server
	mu  sync.Mutex
	got []string
}

func newUpstream(t *testing.T) *upstream {
	u := &upstream{}
	u.Server = httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		data, _ := io.ReadAll(r.Body)
		for _, ofTheClient := range []string{"Accept-Encoding", "Content-Length"} {
			r.Header.Del(ofTheClient)
		}
		u.mu.Lock()
		defer u.mu.Unlock()
		u.got = append(u.got, fmt.Sprintf("%s %s %v %q", r.Method, r.RequestURI, r.Header, data))
	}))
	t.Cleanup(u.Close)
	return u
}

func (u *upstream) received() []string {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.got
}

// What curl makes of the command is the request that Callout sends.
func TestCurlSendsTheSame(t *testing.T) {
	for _, tt := range []struct {
		name      string
		changes   doc
		arguments string
	}{
		{"JSON", doc{"fields": fields("s:string", "l:array")}, `{"s": "it's \"a\" \\ $HOME \n@file", "l": [1.50]}`},
		{"JSON text at the root", doc{"body": raw(`"{{s}}"`), "fields": fields("s:string")}, `{"s": "a\"b"}`},
		{"no fields", doc{}, `{}`},
		{"form", doc{"bodyFormat": "form", "fields": fields("s:string", "l:array")}, `{"s": "it's @file&a=b\n", "l": [1, "é"]}`},
		{"form template", doc{"bodyFormat": "form", "body": raw(`{"metadata[key]": "{{s}}", "b": true}`), "fields": fields("s:string")}, `{"s": "@file"}`},
		{"empty form", doc{"bodyFormat": "form", "fields": fields("s:string")}, `{}`},
		{"no body", doc{"bodyFormat": "none", "fields": fields("s:string:query")}, `{"s": "[1-3]{a,b}"}`},
		{"DELETE", doc{"method": "DELETE", "endpoint": "/v1/{{s}}?a[]=1", "fields": list{doc{"name": "s", "type": "string", "required": true}}}, `{"s": "a b;c"}`},
		{"GET", doc{"method": "GET", "endpoint": "/v1/{{s}}?q={{t}}", "headers": list{doc{"name": "X-A", "value": "{{t}}"}},
			"fields": list{doc{"name": "s", "type": "string", "required": true}, doc{"name": "t", "type": "string"}}}, `{"s": "{x}", "t": "$(id) 'q'"}`},
		{"PATCH with another type", doc{"method": "PATCH", "bodyFormat": "form", "fields": fields("s:string"),
			"headers": list{doc{"name": "Content-Type", "value": "text/plain"}, doc{"name": "X-Empty", "value": ""}}}, `{"s": "\"v\""}`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			u := newUpstream(t)
			path, _ := tt.changes["endpoint"].(string)
			tt.changes["endpoint"] = u.URL + path
			req := build(t, config(t, tt.changes), arguments(t, tt.arguments))
			command := request.Curl(request.Show(req, asItIs))
			resp, err := u.Client().Do(req)
			if err != nil {
				t.Fatal(err)
			}
			_ = resp.Body.Close()
			if out, err := exec.CommandContext(t.Context(), "sh", "-c", strings.Replace(command, "curl", "curl -q -sS", 1)).CombinedOutput(); err != nil {
				t.Fatalf("%v: %s\n%s", err, out, command)
			}
			if got := u.received(); len(got) != 2 || !reflect.DeepEqual(got[0], got[1]) {
				t.Errorf("%s\nsends\n%s", command, strings.Join(got, "\ninstead of\n"))
			}
		})
	}
}

// A form is shown as it is sent, with masks that people can read.
func TestShowForm(t *testing.T) {
	c := config(t, doc{"bodyFormat": "form", "secretValues": doc{"key": "canary-key"}, "fields": fields("s:string"),
		"endpoint": "https://api.example.com/{{secret.key}}/items?k={{secret.key}}", "headers": list{doc{"name": "X-A", "value": "k={{secret.key}}"}},
		"body": raw(`{"key": "{{secret.key}}", "t": "k {{secret.key}}", "s": "{{s}}"}`)})
	got := show(t, c, `{"s": "a \"b\""}`)
	const body = `key=[secret]&t=k+[secret]&s=a+%22b%22`
	if string(got.Body) != `"`+body+`"` || got.URL != "https://api.example.com/[secret]/items?k=[secret]" {
		t.Errorf("shown is %s with %s", got.URL, got.Body)
	}
	const want = `curl \
  -X POST \
  'https://api.example.com/[secret]/items?k=[secret]' \
  -H 'Accept: application/json, */*;q=0.5' \
  -H 'Content-Type: application/x-www-form-urlencoded' \
  -H 'User-Agent: Callout/1' \
  -H 'X-A: k=[secret]' \
  --data-raw '` + body + `'`
	if curl := request.Curl(got); curl != want {
		t.Errorf("got\n%s\nwant\n%s", curl, want)
	}
}

func TestShowTemplate(t *testing.T) {
	c := config(t, doc{"secretValues": doc{"key": "canary-key"}, "fields": fields("s:string"), "body": raw(`[{"z": "{{secret.key}}", "a": "k={{secret.key}} {{s}}", "b": "{{s}}"}]`)})
	if got := show(t, c, `{}`); string(got.Body) != `[{"z":"[secret]","a":"k=[secret] "}]` {
		t.Errorf("shown is %s", got.Body)
	}
}
