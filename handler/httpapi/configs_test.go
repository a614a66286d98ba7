package httpapi

import (
	"bytes"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
)

func TestCreateAnswersWithTheConfigurationAndWhereItIs(t *testing.T) {
	s := newService(t)
	created := s.want(201, "POST", "/configs", s.config("crm", "/ok", nil))
	if got, want := created.header.Get("Location"), s.url+"/api/configs/crm"; got != want {
		t.Errorf("Location is %q, want %q", got, want)
	}
	read := s.want(200, "GET", "/configs/crm", "")
	if string(read.body) != string(created.body) {
		t.Errorf("created\n%s\nread\n%s", created.body, read.body)
	}
	for _, a := range []answer{created, read} {
		if got, want := a.header.Get("ETag"), a.object(t)["etag"]; got != want {
			t.Errorf("ETag is %q, the body says %q", got, want)
		}
	}
}

func TestDefaultsAreTheSafeOnes(t *testing.T) {
	s := newService(t)
	least := `{"name":"least","endpoint":"https://api.example.com/v1","method":"POST","fields":[{"name":"a","type":"string"}]}`
	want := doc{
		"approval": "required", "enabled": true, "endpointSecret": false, "timeoutSeconds": 30.0,
		"maxResponseBytes": 1048576.0, "version": 1.0, "headers": []any{}, "auth": doc{"type": "none"},
		"fields": []any{doc{"name": "a", "type": "string", "required": false}},
	}
	got := s.want(201, "POST", "/configs", least).object(t)
	for name, want := range want {
		if !reflect.DeepEqual(got[name], want) {
			t.Errorf("%s is %v, want %v", name, got[name], want)
		}
	}
}

func TestATakenNameIsNotCreatedAgain(t *testing.T) {
	s := newService(t)
	first := s.want(201, "POST", "/configs", s.config("crm", "/ok", nil))
	refused := s.want(409, "POST", "/configs", s.config("crm", "/echo", nil))
	if got := refused.problem(); got.Code != "ConfigExists" || got.Target != "name" {
		t.Errorf("got %+v", got)
	}
	if now := s.want(200, "GET", "/configs/crm", ""); string(now.body) != string(first.body) {
		t.Errorf("the existing configuration changed to\n%s", now.body)
	}
}

func TestPutCreatesThenReplaces(t *testing.T) {
	s := newService(t)
	created := s.want(201, "PUT", "/configs/crm", s.config("crm", "/ok", doc{"description": "one"})).object(t)
	replaced := s.want(200, "PUT", "/configs/crm", s.config("crm", "/ok", doc{"instructions": "two"})).object(t)
	if replaced["description"] != nil || replaced["instructions"] != "two" {
		t.Errorf("PUT merged: %v", replaced)
	}
	if replaced["version"] != 2.0 || replaced["id"] != created["id"] || replaced["createdAt"] != created["createdAt"] {
		t.Errorf("created %v\nreplaced %v", created, replaced)
	}
	if replaced["etag"] == created["etag"] {
		t.Error("the ETag stayed the same")
	}
}

func TestTheNameInTheBodyMayBeLeftOutButNotDiffer(t *testing.T) {
	s := newService(t)
	s.want(201, "PUT", "/configs/crm", `{"endpoint":"https://api.example.com/v1","method":"GET"}`)
	s.want(200, "PUT", "/configs/crm", `{"name":null,"endpoint":"https://api.example.com/v1","method":"GET"}`)
	for method, body := range map[string]string{"PUT": s.config("other", "/ok", nil), "PATCH": `{"name":"other"}`} {
		if got := s.want(400, method, "/configs/crm", body).problem().targets(); !slices.Equal(got, []string{"name"}) {
			t.Errorf("%s: targets %q", method, got)
		}
	}
	s.want(404, "GET", "/configs/other", "")
}

func TestDeleteIsDoneOnceAndAnsweredTwice(t *testing.T) {
	s := newService(t)
	s.want(201, "POST", "/configs", s.config("crm", "/ok", doc{"auth": doc{"type": "bearer", "token": "a-long-enough-token"}}))
	s.want(204, "DELETE", "/configs/crm", "")
	s.want(204, "DELETE", "/configs/crm", "")
	s.want(404, "GET", "/configs/crm", "")
	s.untouched()
	s.want(201, "POST", "/configs", s.config("crm", "/ok", doc{"auth": doc{"type": "bearer", "token": "a-long-enough-token"}}))
}

// The conditions of RFC 9110, section 13.1, for each method that changes. The
// ETag is that of the present state unless the condition says otherwise.
func TestPreconditions(t *testing.T) {
	const (
		now, stale = "{now}", `"stale"`
	)
	cases := []struct {
		name, header, value string
		exists              bool
		put, patch, delete  int
	}{
		{"the present ETag", "If-Match", now, true, 200, 200, 204},
		{"a stale ETag", "If-Match", stale, true, 412, 412, 412},
		{"one of several", "If-Match", stale + " , " + now, true, 200, 200, 204},
		{"a weak form of the ETag", "If-Match", "W/" + now, true, 412, 412, 412},
		{"no ETag at all", "If-Match", "not-quoted", true, 412, 412, 412},
		{"any state", "If-Match", "*", true, 200, 200, 204},
		{"any state of what is missing", "If-Match", "*", false, 412, 412, 412},
		{"an ETag of what is missing", "If-Match", stale, false, 412, 412, 412},
		{"nothing there, but there is", "If-None-Match", "*", true, 412, 412, 204},
		{"nothing there", "If-None-Match", "*", false, 201, 404, 204},
		{"an ETag in If-None-Match", "If-None-Match", stale, true, 400, 400, 400},
	}
	s := newService(t)
	for _, c := range cases {
		for method, want := range map[string]int{"PUT": c.put, "PATCH": c.patch, "DELETE": c.delete} {
			t.Run(c.name+"/"+method, func(t *testing.T) {
				s.want(204, "DELETE", "/configs/crm", "")
				value := c.value
				if c.exists {
					etag := s.want(201, "POST", "/configs", s.config("crm", "/ok", nil)).header.Get("ETag")
					value = strings.ReplaceAll(value, now, etag)
				}
				body := map[string]string{"PUT": s.config("crm", "/ok", doc{"description": "new"}), "PATCH": `{"description":"new"}`}[method]
				got := s.call(method, "/configs/crm", body, c.header, value)
				if got.status != want {
					t.Errorf("status %d, want %d\n%s", got.status, want, got.body)
				}
				if got.status == 412 && got.problem().Code != "PreconditionFailed" {
					t.Errorf("code %q", got.problem().Code)
				}
			})
		}
	}
}

func TestARefusedConditionChangesNothing(t *testing.T) {
	s := newService(t)
	before := s.want(201, "POST", "/configs", s.config("crm", "/ok", nil))
	s.want(412, "PUT", "/configs/crm", s.config("crm", "/echo", nil), "If-Match", `"stale"`)
	s.want(412, "PUT", "/configs/crm", s.config("crm", "/echo", nil), "If-None-Match", "*")
	s.want(412, "PATCH", "/configs/crm", `{"enabled":false}`, "If-Match", `"stale"`)
	s.want(412, "DELETE", "/configs/crm", "", "If-Match", `"stale"`)
	if now := s.want(200, "GET", "/configs/crm", ""); string(now.body) != string(before.body) {
		t.Errorf("changed to\n%s", now.body)
	}
}

// RFC 7396, applied to what a GET shows.
func TestPatchIsAMergePatch(t *testing.T) {
	start := doc{"description": "old", "labels": doc{"team": "crm", "tier": "1"},
		"headers": []any{doc{"name": "A", "value": "1"}, doc{"name": "B", "value": "2"}}}
	cases := []struct {
		name, patch string
		want        doc
	}{
		{"a member is set", `{"description":"new"}`, doc{"description": "new"}},
		{"null removes", `{"description":null}`, doc{"description": nil}},
		{"null gives a default back", `{"timeoutSeconds":null,"approval":null,"enabled":null}`,
			doc{"timeoutSeconds": 30.0, "approval": "required", "enabled": true}},
		{"null empties a list", `{"headers":null,"fields":null}`, doc{"headers": []any{}, "fields": []any{}}},
		{"objects merge", `{"labels":{"tier":"2"}}`, doc{"labels": doc{"team": "crm", "tier": "2"}}},
		{"members of objects are removed", `{"labels":{"tier":null}}`, doc{"labels": doc{"team": "crm"}}},
		{"null for what is not there changes nothing", `{"labels":{"none":null}}`, doc{"labels": start["labels"]}},
		{"arrays are replaced", `{"headers":[{"name":"C","value":"3"}]}`,
			doc{"headers": []any{doc{"name": "C", "value": "3", "secret": false}}}},
		{"what Callout sets is ignored", `{"version":99,"id":"x","etag":"x","createdAt":"never","updatedAt":null,"lastTest":null,"secrets":[]}`,
			doc{"version": 1.0}},
		{"nothing", `{}`, start},
	}
	s := newService(t)
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			s.want(204, "DELETE", "/configs/crm", "")
			before := s.want(201, "POST", "/configs", s.config("crm", "/ok", start)).object(t)
			after := s.want(200, "PATCH", "/configs/crm", c.patch, "Content-Type", "application/merge-patch+json").object(t)
			for name, want := range c.want {
				if name == "headers" && reflect.DeepEqual(want, start["headers"]) {
					want = before["headers"]
				}
				if !reflect.DeepEqual(after[name], want) {
					t.Errorf("%s is %v, want %v", name, after[name], want)
				}
				if before[name] = after[name]; after[name] == nil {
					delete(before, name)
				}
			}
			if set := []string{"version", "etag", "updatedAt"}; !reflect.DeepEqual(without(after, set...), without(before, set...)) {
				t.Errorf("more changed: %v", after)
			}
		})
	}
	s.want(404, "PATCH", "/configs/missing", `{}`)
}

// secretive is a configuration with a secret in every place that can hold one,
// by what the place is called.
var secretive = map[string]doc{
	"bearer":            {"auth": doc{"type": "bearer", "token": "tok-canary-bearer"}},
	"basic":             {"auth": doc{"type": "basic", "username": "u", "password": "pw"}},
	"hidden username":   {"auth": doc{"type": "basic", "username": "user-canary", "usernameSecret": true, "password": "pass-canary"}},
	"key in a header":   {"auth": doc{"type": "apiKey", "header": "X-Auth", "prefix": "Key ", "key": "key-canary-1"}},
	"key in a query":    {"auth": doc{"type": "apiKey", "in": "query", "query": "k", "key": "key-canary-2"}},
	"header":            {"headers": []any{doc{"name": "X-Api-Key", "value": "header-canary"}, doc{"name": "Plain", "value": "1"}}},
	"value in a header": {"headers": []any{doc{"name": "Marked", "value": "v {{secret.v}}", "secret": false}}, "secretValues": doc{"v": "value-canary-1"}},
	"value unused":      {"secretValues": doc{"v": "value-canary-2", "w": "value-canary-3"}},
	"all of a header":   {"auth": doc{"type": "bearer", "token": "tok-canary-bearer"}, "headers": []any{doc{"name": "Marked", "value": "marked-canary", "secret": true}}},
}

func TestGetThenPutOfTheSameDocumentChangesNothing(t *testing.T) {
	s := newService(t)
	for name, members := range secretive {
		t.Run(name, func(t *testing.T) {
			s.want(204, "DELETE", "/configs/crm", "")
			s.want(201, "POST", "/configs", s.config("crm", "/ok", members))
			before := s.execute(t)
			read := s.want(200, "GET", "/configs/crm", "")
			s.want(200, "PUT", "/configs/crm", string(read.body), "If-Match", read.header.Get("ETag"))
			again := s.want(200, "GET", "/configs/crm", "")
			if !bytes.Equal(again.body, read.body) {
				t.Errorf("before %s\nafter  %s", read.body, again.body)
			}
			if after := s.execute(t); after != before {
				t.Errorf("the upstream got %q before and %q after", before, after)
			}
		})
	}
}

// execute calls crm and returns what the upstream got of the credential.
func (s *service) execute(t *testing.T) string {
	t.Helper()
	if got := s.want(200, "POST", "/execute/crm", "").object(t)["status"]; got != "succeeded" {
		t.Errorf("the call %v", got)
	}
	return fmt.Sprint(s.upstream.got("Authorization"), s.upstream.got("X-Auth"), s.upstream.got("X-Api-Key"), s.upstream.got("Marked"), s.upstream.query)
}

func TestASecretEndpointStaysWhenItsOriginIsPutBack(t *testing.T) {
	s := newService(t)
	s.want(201, "POST", "/configs", s.config("crm", "/ok", doc{"endpointSecret": true}))
	read := s.want(200, "GET", "/configs/crm", "")
	if got := read.object(t)["endpoint"]; got != s.upstream.URL {
		t.Errorf("the endpoint is shown as %v", got)
	}
	s.want(200, "PUT", "/configs/crm", string(read.body))
	s.execute(t)
}

func TestSecretsAreNamedAndNotShown(t *testing.T) {
	s := newService(t)
	for name, members := range secretive {
		s.want(204, "DELETE", "/configs/crm", "")
		for _, a := range []answer{
			s.want(201, "POST", "/configs", s.config("crm", "/ok", members)),
			s.want(200, "GET", "/configs/crm", ""),
			s.want(200, "PATCH", "/configs/crm", `{"description":"x"}`),
			s.want(200, "GET", "/configs", ""),
			s.want(200, "POST", "/configs/crm/test", ""),
			s.want(200, "POST", "/execute/crm", ""),
		} {
			if strings.Contains(string(a.body), "canary") {
				t.Errorf("%s: a secret in\n%s", name, a.body)
			}
		}
		if refs, _ := s.want(200, "GET", "/configs/crm", "").object(t)["secrets"].([]any); len(refs) == 0 {
			t.Errorf("%s: no secret is named", name)
		}
	}
}

func TestNullClearsASecret(t *testing.T) {
	s := newService(t)
	s.want(201, "POST", "/configs", s.config("crm", "/ok", secretive["all of a header"]))
	cleared := s.want(200, "PATCH", "/configs/crm", `{"headers":[{"name":"Marked","value":null,"secret":true}]}`).object(t)
	if got := encoded(cleared["secrets"]); strings.Contains(got, "Marked") || !strings.Contains(got, "auth.token") {
		t.Errorf("secrets are %s", got)
	}
	cleared = s.want(200, "PATCH", "/configs/crm", `{"auth":{"token":null}}`).object(t)
	if got := encoded(cleared["secrets"]); strings.Contains(got, "auth.token") {
		t.Errorf("secrets are %s", got)
	}
	if refused := s.want(409, "POST", "/execute/crm", "").problem(); refused.Code != "CredentialMissing" {
		t.Errorf("executing without the credential: %+v", refused)
	}
}

func TestAnotherOriginAsksForTheSecretsAgain(t *testing.T) {
	s := newService(t)
	s.want(201, "POST", "/configs", s.config("crm", "/ok", secretive["bearer"]))
	refused := s.want(400, "PATCH", "/configs/crm", `{"endpoint":"https://elsewhere.example.com/"}`).problem()
	if refused.Code != "SecretsRequired" || !slices.Equal(refused.targets(), []string{"auth.token"}) {
		t.Errorf("got %+v", refused)
	}
	s.want(200, "PATCH", "/configs/crm", `{"endpoint":"https://elsewhere.example.com/","auth":{"token":"another-token"}}`)
}
