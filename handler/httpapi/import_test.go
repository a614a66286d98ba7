package httpapi

import (
	"encoding/json"
	"strings"
	"testing"
)

const someOpenAPI = `{"openapi": "3.0.3", "info": {"title": "Help desk", "version": "1"}, "servers": [{"url": "https://desk.example.com/v1"}],
	"paths": {"/tickets": {"post": {"operationId": "createTicket", "summary": "Create a ticket.",
		"requestBody": {"content": {"application/json": {"schema": {"type": "object", "required": ["zeta"],
			"properties": {"zeta": {"type": "string"}, "alpha": {"type": "integer"}}}}}}, "responses": {"201": {"description": "Done."}}}}}}`

// drafts imports a document and returns what is proposed.
func (s *service) drafts(body string) []any {
	s.t.Helper()
	value, _ := s.want(200, "POST", "/import", body).object(s.t)["value"].([]any)
	return value
}

// What an import proposes can be stored as it is, but for its secrets.
func TestAnImportedDraftCanBeStored(t *testing.T) {
	s := newService(t)
	for name, body := range map[string]doc{
		"a cURL command":      {"curl": `curl https://desk.example.com/v1/tickets -H 'Content-Type: application/json' -d '{"zeta": "a", "alpha": 1}'`},
		"an OpenAPI document": {"openapi": json.RawMessage(someOpenAPI)},
		"the text of one":     {"openapi": someOpenAPI},
		"the text of one, YAML": {"openapi": "openapi: 3.1.0\ninfo: {title: a, version: '1'}\nservers: [{url: 'https://desk.example.com/v1'}]\npaths:\n  /tickets:\n    post:\n" +
			"      requestBody:\n        content:\n          application/json:\n            schema:\n              type: object\n              properties:\n                zeta: {type: string}\n                alpha: {type: integer}\n"},
	} {
		found := s.drafts(encoded(body))
		if len(found) != 1 {
			t.Errorf("%s: there are %d drafts", name, len(found))
			continue
		}
		config := found[0].(doc)["config"].(doc)
		fields, _ := config["fields"].([]any)
		if config["endpoint"] != "https://desk.example.com/v1/tickets" || config["method"] != "POST" || config["approval"] != "required" || len(fields) != 2 {
			t.Errorf("%s: the draft is %v", name, config)
		} else if fields[0].(doc)["name"] != "zeta" {
			t.Errorf("%s: the fields are %v, not in the order of the source", name, fields)
		}
		s.want(201, "PUT", "/configs/"+config["name"].(string), encoded(config))
		s.want(204, "DELETE", "/configs/"+config["name"].(string), "")
	}
}

// The secrets of a command are not sent back: they are named in the notes.
func TestAnImportSendsNoSecretBack(t *testing.T) {
	s := newService(t)
	for _, command := range []string{
		`curl https://desk.example.com/v1 -H 'Authorization: Bearer canary-token-1'`,
		`curl https://desk.example.com/v1 -u me:canary-password`,
		`curl https://desk.example.com/v1 -H 'X-Api-Key: canary-key-1234' -H 'X-Other-Token: canary-other-1'`,
		`curl https://desk.example.com/v1 -d '{"api_key": "canary-key-1234", "text": "a"}' -H 'Content-Type: application/json'`,
		`curl -X POST https://hooks.slack.com/services/T0/B0/canary-webhook -d '{"text": "a"}' -H 'Content-Type: application/json'`,
	} {
		got := s.want(200, "POST", "/import", encoded(doc{"curl": command}))
		s.hunt(t, "the drafts of "+command, string(got.body), "canary")
		notes, _ := got.object(t)["value"].([]any)[0].(doc)["notes"].([]any)
		if len(notes) == 0 {
			t.Errorf("%s: there is no note", command)
		}
	}
	s.hunt(t, "the log", s.log.out.String()+s.log.errs.String(), "canary")
}

func TestImportsThatAreRefused(t *testing.T) {
	s := newService(t)
	for body, code := range map[string]string{
		`{}`: "InvalidRequest", `{"curl": "curl https://a.example.com", "openapi": {}}`: "InvalidRequest",
		`{"curl": 7}`: "InvalidRequest", `{"other": "canary"}`: "InvalidRequest",
		`{"curl": "wget https://canary.example.com"}`: "InvalidCurl", `{"curl": "curl -d @/etc/canary https://a.example.com"}`: "InvalidCurl",
		`{"openapi": {"swagger": "2.0", "info": {"title": "canary"}}}`: "InvalidOpenAPI", `{"openapi": "canary: ["}`: "InvalidOpenAPI", `{"openapi": 7}`: "InvalidOpenAPI",
	} {
		got := s.want(400, "POST", "/import", body)
		if got.header.Get("x-ms-error-code") != code || strings.Contains(string(got.body), "canary") {
			t.Errorf("%s: %s %s", body, got.header.Get("x-ms-error-code"), got.body)
		}
	}
}
