package execute_test

import (
	"net/http"
	"reflect"
	"strings"
	"testing"

	"callout/handler/callout"
	"callout/handler/execute"
)

// What an API receives, to the last header.
func TestWhatTheAPIReceives(t *testing.T) {
	basic := []string{"Accept", "application/json, */*;q=0.5", "User-Agent", "Callout/1"}
	tests := []struct {
		name, members, arguments string
		method, uri, body        string
		header                   []string // besides the basic ones, or in their place
	}{
		{name: "no credential", members: `"auth": {"type": "none"}`, method: "GET", uri: "/v1/items"},
		{name: "bearer", members: `"auth": {"type": "bearer", "token": "canary-token"}`, method: "GET", uri: "/v1/items",
			header: []string{"Authorization", "Bearer canary-token"}},
		{name: "basic", members: `"auth": {"type": "basic", "username": "Aladdin", "password": "open sesame"}`, method: "GET", uri: "/v1/items",
			header: []string{"Authorization", "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="}}, // the example of RFC 7617
		{name: "basic with a secret user", members: `"auth": {"type": "basic", "username": "Aladdin-canary", "usernameSecret": true, "password": ""}`,
			method: "GET", uri: "/v1/items", header: []string{"Authorization", "Basic QWxhZGRpbi1jYW5hcnk6"}},
		{name: "key in a header", members: `"auth": {"type": "apiKey", "header": "X-Api-Key", "key": "canary-key"}`, method: "GET", uri: "/v1/items",
			header: []string{"X-Api-Key", "canary-key"}},
		{name: "key behind a prefix", members: `"auth": {"type": "apiKey", "header": "Authorization", "prefix": "Token token=", "key": "canary-key"}`,
			method: "GET", uri: "/v1/items", header: []string{"Authorization", "Token token=canary-key"}},
		{name: "key in the query", members: `"auth": {"type": "apiKey", "in": "query", "query": "key", "key": "canary&key=?"}`,
			method: "GET", uri: "/v1/items?key=canary%26key%3D%3F"},
		{name: "key behind arguments", members: `"auth": {"type": "apiKey", "in": "query", "query": "key", "key": "canary-key"}, "fields": [{"name": "q", "type": "string"}]`,
			arguments: `{"q": "a b&key=mine#é"}`, method: "GET", uri: "/v1/items?q=a+b%26key%3Dmine%23%C3%A9&key=canary-key"},
		{name: "headers", members: `"headers": [{"name": "Api-Version", "value": "2024-01"}, {"name": "X-Token", "value": "canary-header"}, {"name": "User-Agent", "value": "mine/2"}, {"name": "accept", "value": "text/csv"}]`,
			method: "GET", uri: "/v1/items", header: []string{"Api-Version", "2024-01", "X-Token", "canary-header", "User-Agent", "mine/2", "Accept", "text/csv"}},
		{name: "body", members: `"method": "POST", "auth": {"type": "bearer", "token": "canary-token"},
			"fields": [{"name": "b", "type": "number"}, {"name": "a", "type": "object"}, {"name": "page", "type": "integer", "in": "query"}, {"name": "left", "type": "string"}, {"name": "d", "type": "string", "default": "<d>"}]`,
			arguments: `{"page": 3, "a": {"z": [1, null]}, "b": 1.10, "left": null}`, method: "POST", uri: "/v1/items?page=3",
			body: `{"b":1.10,"a":{"z":[1,null]},"d":"<d>"}`, header: []string{"Authorization", "Bearer canary-token", "Content-Type", "application/json"}},
		{name: "empty body", members: `"method": "PUT"`, method: "PUT", uri: "/v1/items", body: `{}`, header: []string{"Content-Type", "application/json"}},
		{name: "delete", members: `"method": "DELETE", "fields": [{"name": "id", "type": "integer"}]`, arguments: `{"id": 7}`, method: "DELETE", uri: "/v1/items?id=7"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			h := newHouse(t, fine)
			h.configure(test.members)
			e := h.call(orEmpty(test.arguments))
			wantEnd(t, e, callout.Succeeded, "")
			want := received{method: test.method, uri: test.uri, body: test.body, header: http.Header{}}
			for i, pairs := 0, append(basic, test.header...); i < len(pairs); i += 2 {
				want.header.Set(pairs[i], pairs[i+1])
			}
			if got := h.api.requests(); len(got) != 1 || !reflect.DeepEqual(got[0], want) {
				t.Errorf("the API received\n%v\nwant\n%v", got, want)
			}
			h.wantRecord(e)
			wantClean(t, "the answer", encode(t, e))
		})
	}
}

func orEmpty(arguments string) string {
	if arguments == "" {
		return "{}"
	}
	return arguments
}

// What is shown is what was sent, with a mask for each secret.
func TestTheShownRequestIsTheSentOne(t *testing.T) {
	h := newHouse(t, fine)
	h.configure(`"method": "POST", "auth": {"type": "apiKey", "in": "query", "query": "key", "key": "canary-key"},
		"headers": [{"name": "X-Token", "value": "canary-header"}, {"name": "Api-Version", "value": "2024-01"}],
		"fields": [{"name": "email", "type": "string"}, {"name": "page", "type": "integer", "in": "query"}]`)
	e := h.call(`{"email": "a@example.com", "page": 3}`)
	sent := h.api.requests()[0]
	masked := strings.NewReplacer("canary-key", "[secret]", "canary-header", "[secret]")
	if got, want := e.Request.URL, h.api.origin()+masked.Replace(sent.uri); got != want {
		t.Errorf("shown is %s, sent was %s", got, want)
	}
	shown := http.Header{}
	for _, header := range e.Request.Headers {
		shown.Add(header.Name, header.Value)
	}
	for name := range sent.header {
		sent.header.Set(name, masked.Replace(sent.header.Get(name)))
	}
	if !reflect.DeepEqual(shown, sent.header) || e.Request.Method != sent.method || string(e.Request.Body) != sent.body {
		t.Errorf("shown is %s with %v, sent was %v", encode(t, e.Request), shown, sent)
	}
}

func TestTheContextIsKeptAndNotSent(t *testing.T) {
	h := newHouse(t, fine)
	h.configure(`"method": "POST"`)
	e, err := h.Do(t.Context(), execute.Call{Config: "api", Context: map[string]string{"ticket": "T20261123.0042"}})
	if err != nil {
		t.Fatal(err)
	}
	recorded, err := h.History.Get(t.Context(), e.ID)
	if err != nil || recorded.Context["ticket"] != "T20261123.0042" {
		t.Errorf("recorded is %v, %v", recorded.Context, err)
	}
	sent := h.api.requests()[0]
	if all := encode(t, []any{sent.uri, sent.body, sent.header}); strings.Contains(all, "0042") {
		t.Errorf("the context was sent: %s", all)
	}
}

func TestASecretEndpointIsCalledAndNotShown(t *testing.T) {
	h := newHouse(t, says(404, "text/html", "Cannot POST /hooks/canary-path-of-the-hook"))
	h.configure(`"method": "POST", "endpointSecret": true, "endpoint": "` + h.api.origin() + `/hooks/canary-path-of-the-hook?sig=canary-signature",
		"fields": [{"name": "page", "type": "integer", "in": "query"}]`)
	e := h.call(`{"page": 3}`)
	if sent := h.api.requests()[0]; sent.uri != "/hooks/canary-path-of-the-hook?sig=canary-signature&page=3" {
		t.Errorf("sent was %s", sent.uri)
	}
	if want := h.api.origin() + "/[secret]?page=3"; e.Request.URL != want {
		t.Errorf("shown is %s, want %s", e.Request.URL, want)
	}
	if got := encode(t, e.Response.Body); got != `"Cannot POST [secret]"` {
		t.Errorf("the answer is %s", got)
	}
	wantClean(t, "the answer", encode(t, e))
}
