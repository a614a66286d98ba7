package httpapi

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
)

// samples are one value of each JSON type, the strings with a canary.
var samples = map[string]any{
	"string": canary, "number": json.Number("4711.5"), "integer": json.Number("4711"), "boolean": true,
	"array": []any{canary}, "object": doc{"canary": canary},
}

// place is a property of a document, and a document that has a value there.
type place struct {
	target   string
	types    []string
	document func(v any) any
}

// places lists every property that a schema declares, at every level, read-only
// ones included: a body that was read may be sent back, so they are looked at.
func places(node any, at string, wrap func(any) any, depth int) []place {
	s := node.(doc)
	if ref, ok := s["$ref"].(string); ok {
		if depth--; depth < 0 { // a shape holds shapes
			return nil
		}
		s = schemas()[strings.TrimPrefix(ref, "#/components/schemas/")].(doc)
	}
	var out []place
	if kind, ok := s["type"].(string); ok && at != "" {
		out = append(out, place{at, []string{kind}, wrap})
	}
	if items, ok := s["items"]; ok {
		out = append(out, places(items, at+"[0]", func(v any) any { return wrap([]any{v}) }, depth)...)
	}
	if values, ok := s["additionalProperties"].(doc); ok {
		out = append(out, places(values, at+".any", func(v any) any { return wrap(doc{"any": v}) }, depth)...)
	}
	properties, _ := s["properties"].(doc)
	for name, property := range properties {
		target := strings.TrimPrefix(at+"."+name, ".")
		out = append(out, places(property, target, func(v any) any { return wrap(doc{name: v}) }, depth)...)
	}
	return out
}

func TestAWrongTypeIsNamedAtEveryPlace(t *testing.T) {
	s := newService(t)
	count := 0
	for name, path := range map[string]string{
		"Config": "/configs", "TestDraftRequest": "/test", "TestRequest": "/configs/crm/test", "ExecuteRequest": "/execute/crm",
	} {
		whole := func(v any) any { return v }
		for _, p := range places(schemas()[name], "", whole, 3) {
			for kind, sample := range samples {
				if slices.Contains(p.types, kind) || kind == "integer" && slices.Contains(p.types, "number") {
					continue
				}
				count++
				got := s.refused(t, 400, "POST", path, encoded(p.document(sample)))
				found := slices.ContainsFunc(got.Details, func(d struct{ Code, Target, Message string }) bool {
					return d.Target == p.target && d.Code == "InvalidType"
				})
				if !found {
					t.Errorf("%s: %s at %s: %+v", name, kind, p.target, got.Details)
				}
			}
		}
	}
	if count < 200 {
		t.Errorf("only %d places were tried", count)
	}
}

func TestAnUnknownPropertyIsNamedInEveryRequest(t *testing.T) {
	s := newService(t)
	for path, body := range map[string]string{
		"/test":             `{"config":{"endpoint":"https://api.example.com","method":"GET"},"unknown":"` + canary + `"}`,
		"/configs/crm/test": `{"unknown":"` + canary + `"}`, "/execute/crm": `{"unknown":"` + canary + `"}`,
	} {
		if p := s.refused(t, 400, "POST", path, body); p.Code != "InvalidRequest" || !slices.Contains(p.targets(), "unknown") {
			t.Errorf("%s: %+v", path, p)
		}
	}
}

// Some faults break the schema, some only the rules of the domain. Whoever sent
// them is told of all at once.
func TestAllFaultsAreNamedInOneAnswer(t *testing.T) {
	cases := []struct {
		name, body string
		want       []string
	}{
		{"of the schema", `{"endpoint":1,"method":"FETCH","approval":"maybe","nope":1,"auth":{"type":"none","nope":1}}`,
			[]string{"approval", "auth.nope", "endpoint", "method", "name", "nope"}},
		{"of the domain", `{"name":"Bad","endpoint":"https://u:p@h/","method":"GET","headers":[{"name":"A","value":"\r"},{"name":"B\n","value":"x"}],"fields":[{"name":"a b","type":"string"}],"auth":{"type":"bearer"}}`,
			[]string{"auth.token", "endpoint", "fields[0].name", "headers[0].value", "headers[1].name", "name"}},
		{"of both", `{"name":"Bad","endpoint":"https://u:p@h/","method":"GET","nope":1,"timeoutSeconds":"soon","headers":[{"name":"A","value":"\r"}],"fields":[{"name":"a","type":"string","nope":1}]}`,
			[]string{"endpoint", "fields[0].nope", "headers[0].value", "name", "nope", "timeoutSeconds"}},
		{"of both in the credential", `{"name":"a","endpoint":"https://h/","method":"GET","auth":{"type":"basic","username":"a:b","password":"x","nope":1}}`,
			[]string{"auth.nope", "auth.username"}},
		{"what is missing beside what is wrong", `{"name":"a","endpoint":"https://h/","method":"GET","nope":1,"auth":{"type":"basic","username":1}}`,
			[]string{"auth.password", "auth.username", "nope"}},
		{"of both in a token request", `{"name":"a","endpoint":"https://h/","method":"GET","auth":{"type":"oauth2ClientCredentials","tokenUrl":"https://u@h/","nope":1,"parameters":[{"name":"a","nope":1},{"name":"b\n"}],"tokenAuth":{"type":"basic","username":"a:b","password":"p","nope":1},"refreshOn":["x",200,1e3,403]}}`,
			[]string{"auth.nope", "auth.parameters[0].nope", "auth.parameters[1].name", "auth.refreshOn[0]", "auth.refreshOn[1]", "auth.refreshOn[2]", "auth.tokenAuth.nope", "auth.tokenAuth.username", "auth.tokenUrl"}},
		{"nothing that only follows from an unknown kind of tokenAuth", `{"name":"a","endpoint":"https://h/","method":"GET","auth":{"type":"oauth2ClientCredentials","tokenUrl":"https://h/","tokenAuth":{"type":"magic","token":"x","username":"a:b"}}}`,
			[]string{"auth.tokenAuth.type"}},
		{"beside an unknown property whose name is the start of another's", `{"name":"a","endpoint":"https://h/","method":"GET","header":1,"headers":[{"name":"A","value":"\r"}]}`,
			[]string{"header", "headers[0].value"}},
		{"nothing that only follows from an unknown kind of credential", `{"name":"a","endpoint":"https://h/","method":"GET","auth":{"type":"magic","token":"long-enough-token"}}`,
			[]string{"auth.type"}},
		{"nothing that only follows from an unknown place of a key", `{"name":"a","endpoint":"https://h/","method":"GET","auth":{"type":"apiKey","key":"long-enough-key","in":"cookie","query":"k"}}`,
			[]string{"auth.in"}},
		{"of both in templates", `{"name":"a","endpoint":"https://{{x}}/","method":"POST","nope":1,"body":{"a":1},"bodyFormat":"none","headers":[{"name":"A","value":"{{x}}{{secret.s}}"},{"name":"B","value":"{{"}],"fields":[{"name":"x","type":"array","required":true},{"name":"y","type":"string","in":"header"},{"name":"Cookie","type":"string","in":"header"}]}`,
			[]string{"body", "endpoint", "fields[0].type", "fields[2].name", "headers[0].value", "headers[1].value", "nope"}},
		{"of both in secret values", `{"name":"a","endpoint":"https://h/","method":"GET","secretValues":{"a":1,"b":"short","c d":"long-enough"},"headers":[{"name":"A\n","value":"x"}]}`,
			[]string{"headers[0].name", "secretValues.a", "secretValues.b"}},
		{"nothing that only follows from unreadable secret values", `{"name":"a","endpoint":"https://h/{{secret.a}}","method":"GET","secretValues":{"a":1},"headers":[{"name":"A","value":"{{secret.a}}"}]}`,
			[]string{"secretValues.a"}},
		{"nothing that only follows from unreadable fields", `{"name":"a","endpoint":"https://h/{{x}}","method":"GET","fields":7,"headers":[{"name":"A","value":"{{x}}"}]}`,
			[]string{"fields"}},
		{"nothing that only follows from an unreadable name of a field", `{"name":"a","endpoint":"https://h/{{x}}","method":"GET","fields":[{"name":7,"type":"string"}]}`,
			[]string{"fields[0].name"}},
		{"nothing that only follows from an unreadable endpoint", `{"name":"a","endpoint":7,"method":"GET","fields":[{"name":"x","type":"string","in":"path","required":true}]}`,
			[]string{"endpoint"}},
		{"nothing that only follows from an unknown method and a body", `{"name":"a","endpoint":"https://h/","method":"FETCH","body":{"a":1},"bodyFormat":"form"}`,
			[]string{"method"}},
		{"nothing that only follows from an unknown method", `{"name":"a","endpoint":"https://h/","method":"FETCH","fields":[{"name":"a","type":"string","in":"body"}]}`,
			[]string{"method"}},
	}
	s := newService(t)
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			if got := s.refused(t, 400, "POST", "/configs", c.body).targets(); !slices.Equal(got, c.want) {
				t.Errorf("POST configs names\n%q, want\n%q", got, c.want)
			}
			want := []string{"nope", "send"}
			for _, target := range c.want {
				want = append(want, "config."+target)
			}
			slices.Sort(want)
			if got := s.refused(t, 400, "POST", "/test", `{"config":`+c.body+`,"send":"yes","nope":1}`).targets(); !slices.Equal(got, want) {
				t.Errorf("POST test names\n%q, want\n%q", got, want)
			}
		})
	}
}

func TestAWrongNameIsNamedTogetherWithTheRest(t *testing.T) {
	s := newService(t)
	body := `{"name":"other","endpoint":"https://u@h/","method":"GET","nope":1}`
	if got := s.refused(t, 400, "PUT", "/configs/crm", body).targets(); !slices.Equal(got, []string{"endpoint", "name", "nope"}) {
		t.Errorf("PUT names %q", got)
	}
}

func TestASecretThatMayBeStoredIsNotMissed(t *testing.T) {
	s := newService(t)
	s.want(201, "POST", "/configs", s.config("crm", "/ok", secretive["bearer"]))
	for method, body := range map[string]string{"PUT": s.config("crm", "/ok", doc{"auth": doc{"type": "bearer"}, "nope": 1}), "PATCH": `{"nope":1}`} {
		if got := s.want(400, method, "/configs/crm", body).problem().targets(); !slices.Equal(got, []string{"nope"}) {
			t.Errorf("%s names %q", method, got)
		}
	}
}

func TestASecretValueThatMayBeStoredIsNotMissed(t *testing.T) {
	s := newService(t)
	members := doc{"endpointSecret": true, "endpoint": s.upstream.URL + "/echo/{{id}}?k={{secret.k}}", "secretValues": doc{"k": "long-enough"},
		"fields": []any{doc{"name": "id", "type": "string", "in": "path", "required": true}}}
	read := s.want(201, "POST", "/configs", s.config("crm", "/ok", members)).object(t)
	read["nope"] = 1
	for method, body := range map[string]string{"PUT": encoded(read), "PATCH": `{"nope":1}`} {
		if got := s.want(400, method, "/configs/crm", body).problem().targets(); !slices.Equal(got, []string{"nope"}) {
			t.Errorf("%s names %q", method, got)
		}
	}
}

func TestAPatchThatSpoilsTheConfigurationIsRefusedWhole(t *testing.T) {
	s := newService(t)
	before := s.want(201, "POST", "/configs", s.config("crm", "/ok", nil))
	p := s.want(400, "PATCH", "/configs/crm", `{"description":"new","method":1,"endpoint":"https://u@h/","nope":"`+canary+`"}`)
	if got := p.problem().targets(); !slices.Equal(got, []string{"endpoint", "method", "nope"}) {
		t.Errorf("PATCH names %q", got)
	}
	if strings.Contains(string(p.body), canary) {
		t.Errorf("a submitted value is quoted in %s", p.body)
	}
	if now := s.want(200, "GET", "/configs/crm", ""); string(now.body) != string(before.body) {
		t.Errorf("changed to\n%s", now.body)
	}
}

func TestArguments(t *testing.T) {
	s := newService(t)
	s.want(201, "POST", "/configs", s.config("crm", "/echo", doc{"method": "POST", "fields": []any{
		doc{"name": "email", "type": "string", "required": true, "maxLength": 20},
		doc{"name": "level", "type": "integer", "minimum": 1, "maximum": 9},
		doc{"name": "kind", "type": "string", "enum": []any{"a", "b"}},
		doc{"name": "tags", "type": "array", "items": doc{"type": "string"}},
	}}))
	calls := s.upstream.calls
	for _, c := range []struct {
		arguments string
		want      []string
	}{
		{`{}`, []string{"arguments.email"}},
		{`{"email":null}`, []string{"arguments.email"}},
		{`{"email":1,"level":"` + canary + `","kind":"` + canary + `","tags":"` + canary + `","nope":"` + canary + `"}`,
			[]string{"arguments.email", "arguments.kind", "arguments.level", "arguments.nope", "arguments.tags"}},
		{`{"email":"` + strings.Repeat(canary, 3) + `","level":10,"tags":["a",1,"` + canary + `",2]}`,
			[]string{"arguments.email", "arguments.level", "arguments.tags[1]", "arguments.tags[3]"}},
	} {
		got := s.want(400, "POST", "/execute/crm", `{"arguments":`+c.arguments+`}`)
		if p := got.problem(); p.Code != "InvalidArguments" || !slices.Equal(p.targets(), c.want) {
			t.Errorf("%s: %+v", c.arguments, p)
		}
		if whole := fmt.Sprint(string(got.body), s.log); strings.Contains(whole, canary) {
			t.Errorf("an argument is quoted in %s", whole)
		}
	}
	if s.upstream.calls != calls {
		t.Error("something was sent")
	}
	s.want(200, "POST", "/execute/crm", `{"arguments":{"email":"a@example.com","level":null,"kind":"a","tags":["x"]}}`)
}

func TestTheContextOfACallIsBounded(t *testing.T) {
	s := newService(t)
	s.want(201, "POST", "/configs", s.config("crm", "/ok", nil))
	full := doc{}
	for i := range 16 {
		full[fmt.Sprint("k", i)] = strings.Repeat("x", 1024)
	}
	s.want(200, "POST", "/execute/crm", encoded(doc{"context": full}))
	full["one"] = "more"
	if p := s.want(400, "POST", "/execute/crm", encoded(doc{"context": full})).problem(); p.Target != "context" {
		t.Errorf("got %+v", p)
	}
	if p := s.want(400, "POST", "/execute/crm", encoded(doc{"context": doc{"a": strings.Repeat("x", 1025)}})).problem(); p.Target != "context.a" {
		t.Errorf("got %+v", p)
	}
}

// A key that cannot be kept is refused before anything is sent.
func TestIdempotencyKeysThatAreNone(t *testing.T) {
	s := newService(t)
	s.want(201, "POST", "/configs", s.config("crm", "/ok", nil))
	for _, key := range []string{"", canary + " b", canary + "\u00e9", strings.Repeat("x", 256)} {
		if p := s.want(400, "POST", "/execute/crm", "", "Idempotency-Key", key).problem(); p.Target != "Idempotency-Key" || s.upstream.calls > 0 {
			t.Errorf("%q: %d calls, %+v", key, s.upstream.calls, p)
		}
	}
}

// An element that is at fault hides nothing of its neighbours.
func TestFaultsOfNeighboursAreAllNamed(t *testing.T) {
	s := newService(t)
	got := s.refused(t, 400, "POST", "/configs", `{"name": "crm", "endpoint": "https://api.example.com/", "method": "GET",
		"headers": [{"name": "A", "value": 1}, {"name": "B\r", "value": "x"}, 7, {"name": "C", "value": "caf\u00e9"}]}`)
	want := []string{"headers[0].value", "headers[1].name", "headers[2]", "headers[3].value"}
	for _, target := range want {
		if !slices.Contains(got.targets(), target) {
			t.Errorf("%s is not named: %q", target, got.targets())
		}
	}
}
