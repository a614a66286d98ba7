package httpapi

import (
	"fmt"
	"strings"
	"testing"
)

// ordered is a body that no Go map would give back: the order of its members,
// its numbers and its nulls are part of it.
const ordered = `{"zeta":"{{text}}","alpha":[1.50,-0,1E+2,12345678901234567890.1,null],"null":null,"<&>":{"b":"é\u2028😀","a":"{{secret.key}} {{secret.other}}"}}`

// everything is a configuration with all that a template can have, as text.
func (s *service) everything() string {
	return `{"name":"crm","method":"PATCH","approval":"none","endpoint":"` + s.upstream.URL + `/echo/{{id}}/x?a={{text}}&b={{secret.other}}","endpointSecret":true,
		"auth":{"type":"apiKey","header":"X-Auth","key":"canary-auth-key"},
		"headers":[{"name":"X-Api-Key","value":"canary {{text}} {{secret.key}}"},{"name":"X-Seen","value":"{{secret.other}}/{{id}}"}],
		"fields":[{"name":"id","type":"integer","in":"path","required":true},{"name":"text","type":"string","default":"x"},{"name":"X-Trace","type":"string","in":"header"}],
		"body":` + ordered + `,"bodyFormat":"json","labels":{"b":"1","a":"2"},
		"secretValues":{"other":"canary-other","key":"canary-key"}}`
}

func TestTemplatesAreReadAndPutBack(t *testing.T) {
	s := newService(t)
	created := s.want(201, "POST", "/configs", s.everything())
	if !strings.Contains(string(created.body), `"body":`+ordered) {
		t.Errorf("the body is not as it was given:\n%s", created.body)
	}
	if got := fmt.Sprint(secretPaths(created.object(t))); got != "[auth.key endpoint headers/X-Api-Key secretValues/key secretValues/other]" {
		t.Errorf("the secrets are %s", got)
	}
	for _, a := range []answer{
		s.want(200, "GET", "/configs/crm", ""),
		s.want(200, "PUT", "/configs/crm", string(created.body), "If-Match", created.header.Get("ETag")),
		s.want(200, "PUT", "/configs/crm", otherwise(t, created.body)),
		s.want(200, "PATCH", "/configs/crm", `{}`),
		s.want(200, "PATCH", "/configs/crm", `{"body":`+strings.Replace(ordered, `"null":null,`, ``, 1)+`,"secretValues":{}}`),
		s.want(200, "GET", "/configs/crm", ""),
	} {
		if string(a.body) != string(created.body) || a.header.Get("ETag") != created.header.Get("ETag") {
			t.Errorf("created\n%s\nthen\n%s", created.body, a.body)
		}
	}
	s.sends(t)
	for path, content := range s.files(t) {
		s.hunt(t, path, content, "canary")
	}
	s.hunt(t, "an answer", string(created.body), "canary")
	s.hunt(t, "the log", s.log.String(), "canary")
}

// otherwise writes a document as another client would: with space, and escapes
// that are not needed.
func otherwise(t *testing.T, body []byte) string {
	t.Helper()
	out := strings.NewReplacer(`é`, `\u00e9`, `😀`, `\ud83d\ude00`, `<`, `\u003c`, `,"alpha":[`, ",\n\t\"alpha\" : [ ", `/`, `\/`).Replace(string(body))
	if out == string(body) {
		t.Fatal("nothing was written otherwise")
	}
	return out
}

// sends calls crm and checks what arrives.
func (s *service) sends(t *testing.T) {
	t.Helper()
	answer := s.want(200, "POST", "/execute/crm", `{"arguments":{"id":7,"text":"a \"b\" {{secret.key}}/","X-Trace":"t-1"}}`)
	if got := answer.object(t)["status"]; got != "succeeded" {
		t.Fatalf("the call %v: %s", got, answer.body)
	}
	s.hunt(t, "the answer of a call", string(answer.body), "canary")
	want := `{"zeta":"a \"b\" {{secret.key}}/","alpha":[1.50,-0,1E+2,12345678901234567890.1,null],"null":null,"<&>":{"b":"é\u2028😀","a":"canary-key canary-other"}}`
	for what, pair := range map[string][2]string{
		"body":      {strings.ReplaceAll(s.upstream.body, "\u2028", `\u2028`), want},
		"path":      {s.upstream.path, "/echo/7/x"},
		"query":     {s.upstream.query, "a=a+%22b%22+%7B%7Bsecret.key%7D%7D%2F&b=canary-other"},
		"X-Api-Key": {s.upstream.got("X-Api-Key"), `canary a "b" {{secret.key}}/ canary-key`},
		"X-Seen":    {s.upstream.got("X-Seen"), "canary-other/7"},
		"X-Trace":   {s.upstream.got("X-Trace"), "t-1"},
		"X-Auth":    {s.upstream.got("X-Auth"), "canary-auth-key"},
	} {
		if pair[0] != pair[1] {
			t.Errorf("%s is %s, want %s", what, pair[0], pair[1])
		}
	}
}

// A merge patch goes into the template as into any other member, and leaves what
// it does not name in its place.
func TestPatchesOfABody(t *testing.T) {
	const start = `{"b":1.0,"a":{"y":null,"x":[1,2]},"c":"{{text}}"}`
	for patch, want := range map[string]string{
		`{}`:                  start,
		`{"body":{}}`:         start,
		`{"body":null}`:       "",
		`{"body":{"b":2.50}}`: `{"b":2.50,"a":{"y":null,"x":[1,2]},"c":"{{text}}"}`,
		`{"body":{"z":[null],"a":{"x":{"n":null,"m":1}}}}`: `{"b":1.0,"a":{"y":null,"x":{"m":1}},"c":"{{text}}","z":[null]}`,
		`{"body":{"a":null,"none":null}}`:                  `{"b":1.0,"c":"{{text}}"}`,
		`{"body":{"a":{"y":null}}}`:                        `{"b":1.0,"a":{"x":[1,2]},"c":"{{text}}"}`,
		`{"body":["{{text}}", {"n": null}]}`:               `["{{text}}",{"n":null}]`,
		`{"body":"{{text}}"}`:                              `"{{text}}"`,
	} {
		s := newService(t)
		config := strings.Replace(s.config("crm", "/ok?q={{text}}", doc{"method": "POST", "fields": []any{doc{"name": "text", "type": "string"}}}), `{"`, `{"body":`+start+`,"`, 1)
		s.want(201, "POST", "/configs", config)
		after := string(s.want(200, "PATCH", "/configs/crm", patch).body)
		got := ""
		if _, rest, ok := strings.Cut(after, `"body":`); ok {
			got = rest
		}
		if want != "" && !strings.HasPrefix(got, want+`,"`) || want == "" && got != "" {
			t.Errorf("%s makes of it\n%s, want\n%s", patch, got, want)
		}
	}
}

func TestNullsInSecretValues(t *testing.T) {
	s := newService(t)
	values := doc{"secretValues": doc{"a": "canary-a", "b": "canary-b"}}
	for _, tt := range []struct{ name, members, want string }{
		{"left out", `{}`, "[secretValues/a secretValues/b]"},
		{"an empty map", `{"secretValues":{}}`, "[secretValues/a secretValues/b]"},
		{"for one", `{"secretValues":{"a":null}}`, "[secretValues/b]"},
		{"for one that there is none of", `{"secretValues":{"c":null}}`, "[secretValues/a secretValues/b]"},
		{"for both", `{"secretValues":{"a":null,"b":null}}`, "[]"},
		{"for all", `{"secretValues":null}`, "[]"},
		{"beside a new one", `{"secretValues":{"a":null,"c":"canary-c"}}`, "[secretValues/b secretValues/c]"},
	} {
		for _, method := range []string{"PUT", "PATCH"} {
			t.Run(tt.name+"/"+method, func(t *testing.T) {
				s.want(204, "DELETE", "/configs/crm", "")
				read := s.want(201, "POST", "/configs", s.config("crm", "/ok", values))
				body := tt.members
				if method == "PUT" {
					body = strings.TrimSuffix(strings.TrimSpace(string(read.body)), "}") + strings.TrimSuffix(","+tt.members[1:], ",}")
					body = strings.TrimSuffix(body, "}") + "}"
				}
				after := s.want(200, method, "/configs/crm", body)
				if got := fmt.Sprint(secretPaths(after.object(t))); got != tt.want {
					t.Errorf("the secrets are %s, want %s", got, tt.want)
				}
				if again := s.want(200, "PUT", "/configs/crm", string(after.body)); string(again.body) != string(after.body) {
					t.Errorf("put back, it became %s", again.body)
				}
				s.hunt(t, "an answer", string(after.body), "canary")
			})
		}
	}
	created := s.want(201, "PUT", "/configs/other", strings.Replace(s.config("other", "/ok", values), `"canary-a"`, `null`, 1))
	if got := fmt.Sprint(secretPaths(created.object(t))); got != "[secretValues/b]" {
		t.Errorf("created with %s", got)
	}
}

func TestABodyIsBounded(t *testing.T) {
	s := newService(t)
	of := func(n int) string {
		return s.config("crm", "/ok", doc{"method": "POST", "body": strings.Repeat("x", n-2)})
	}
	if p := s.want(400, "POST", "/configs", of(64<<10+1)).problem(); p.Target != "body" || p.Details[0].Code != "TooLong" {
		t.Errorf("got %+v", p)
	}
	s.want(201, "POST", "/configs", of(64<<10))
}

// A draft is tried with its template and its secret values; a null is as good as
// none.
func TestADraftHasATemplate(t *testing.T) {
	s := newService(t)
	body := `{"config":` + s.everything() + `,"arguments":{"id":1},"send":true}`
	got := s.want(200, "POST", "/test", body)
	s.hunt(t, "an answer", string(got.body), "canary")
	if want := `{"zeta":"x","alpha":[1.50,`; !strings.HasPrefix(s.upstream.body, want) {
		t.Errorf("the upstream got %s, want %s…\n%s", s.upstream.body, want, got.body)
	}
	p := s.want(400, "POST", "/test", strings.Replace(body, `"canary-key"`, `null`, 1)).problem()
	if got := fmt.Sprint(p.targets()); !strings.Contains(got, "config.headers[0].value") || strings.Contains(got, "headers[1]") {
		t.Errorf("without a secret value: %+v", p)
	}
	s.untouched()
}

// A token request is made with the secret values in it, of a stored configuration
// and of a draft.
func TestATokenRequestNamesSecretValues(t *testing.T) {
	s := newService(t)
	members := doc{"auth": doc{"type": "oauth2ClientCredentials", "tokenUrl": s.upstream.URL + "/oauth/{{secret.tenant}}?k={{secret.key}}",
		"parameters": []any{doc{"name": "client_secret", "value": "canary-{{secret.key}}"}, doc{"name": "scope", "value": "all {{secret.tenant}}"}}},
		"secretValues": doc{"tenant": "canary/tenant", "key": "canary&key"}}
	const want = "/oauth/canary%2Ftenant?k=canary%26key client_secret=canary-canary%26key&grant_type=client_credentials&scope=all+canary%2Ftenant"
	s.want(201, "POST", "/configs", s.config("crm", "/echo", members))
	for _, call := range [][2]string{{"/execute/crm", ""}, {"/test", `{"config":` + s.config("crm", "/echo", members) + `}`}} {
		s.upstream.asked = ""
		got := s.want(200, "POST", call[0], call[1])
		if s.upstream.asked != want {
			t.Errorf("%s: the token endpoint got %s, want %s\n%s", call[0], s.upstream.asked, want, got.body)
		}
		s.hunt(t, "an answer", string(got.body), "canary")
	}
	s.hunt(t, "an answer", string(s.want(200, "POST", "/configs/crm/test", "").body), "canary")
	if got := s.upstream.got("Authorization"); got != "Bearer canary-access" {
		t.Errorf("the upstream got %q", got)
	}
	s.hunt(t, "the log", s.log.String(), "canary")
}

// A null inside of a default or of an enum is a value.
func TestNullsInsideOfValuesStay(t *testing.T) {
	s := newService(t)
	field := doc{"name": "f", "type": "object", "default": doc{"a": nil, "b": []any{nil, doc{"c": nil}}}, "required": false}
	list := doc{"name": "l", "type": "array", "items": doc{"type": "object", "enum": []any{doc{"a": nil}, doc{"a": 1}}}, "required": false}
	s.want(201, "POST", "/configs", s.config("crm", "/ok", doc{"fields": []any{field, list}}))
	read := s.want(200, "GET", "/configs/crm", "")
	got := encoded(read.object(t)["fields"])
	for _, part := range []string{`"default":{"a":null,"b":[null,{"c":null}]}`, `"enum":[{"a":null},{"a":1}]`} {
		if !strings.Contains(got, part) {
			t.Errorf("the fields lack %s: %s", part, got)
		}
	}
	if again := s.want(200, "PUT", "/configs/crm", string(read.body)); string(again.body) != string(read.body) {
		t.Errorf("put back as\n%s, read was\n%s", again.body, read.body)
	}
}
