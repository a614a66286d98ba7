package draft_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"callout/handler/callout"
	"callout/handler/draft"
	"callout/handler/request"
)

// imported reads a document, and holds every draft to the rules: a name of its
// own, and nothing wrong but missing secrets.
func imported(t testing.TB, document string) []draft.Draft {
	t.Helper()
	drafts, err := draft.FromOpenAPI(context.Background(), []byte(document))
	if err != nil {
		t.Fatal(err)
	}
	checkDrafts(t, drafts)
	return drafts
}

func checkDrafts(t testing.TB, drafts []draft.Draft) {
	t.Helper()
	names := map[string]bool{}
	for _, d := range drafts {
		c := d.Config
		if !callout.ValidName(c.Name) || names[c.Name] {
			t.Errorf("the name %q is not valid, or not the only one", c.Name)
		}
		names[c.Name] = true
		if faults := c.Validate(c.Unset()); len(faults) > 0 {
			t.Errorf("%s: %+v", c.Name, faults)
		}
		if _, faults := request.Compile(c); len(faults) > 0 {
			t.Errorf("%s: %+v", c.Name, faults)
		}
		if c.Approval != callout.ApprovalRequired || len(c.Labels) > 0 || len(c.Given()) > 0 {
			t.Errorf("%s: approval %q, labels %v, secrets %v", c.Name, c.Approval, c.Labels, c.Given())
		}
	}
}

// sketch writes what a draft does, a line for each thing.
func sketch(c *callout.Config) string {
	lines := []string{c.Method + " " + c.URL()}
	if c.Auth.Type != callout.AuthNone {
		lines = append(lines, strings.Join(strings.Fields(fmt.Sprintf("auth %s %s %s%s%s", c.Auth.Type, c.Auth.In, c.Auth.Header, c.Auth.Query, c.Auth.TokenURL)), " "))
	}
	for _, p := range c.Auth.Parameters {
		lines = append(lines, strings.TrimSpace(fmt.Sprintf("token %s=%s%s", p.Name, p.Value, mark(p.Secret, "(secret)"))))
	}
	for _, h := range c.Headers {
		lines = append(lines, fmt.Sprintf("header %s: %s%s", h.Name, h.Value, mark(h.Secret, "(secret)")))
	}
	for _, s := range c.SecretValues {
		lines = append(lines, "secret "+s.Name)
	}
	for i := range c.Fields {
		lines = append(lines, sketchField(&c.Fields[i]))
	}
	if len(c.Body) > 0 {
		lines = append(lines, "body "+string(c.Body))
	}
	if c.BodyFormat != "" {
		lines = append(lines, "format "+c.BodyFormat)
	}
	return strings.Join(lines, "\n")
}

func mark(yes bool, word string) string {
	if yes {
		return word
	}
	return ""
}

func sketchField(f *callout.Field) string {
	out := f.Name + " " + sketchShape(&f.Shape) + " in " + f.In + mark(f.Required, " required")
	if len(f.Default) > 0 {
		out += " default " + string(f.Default)
	}
	if f.Description != "" {
		out += " // " + f.Description
	}
	return out
}

func sketchShape(s *callout.Shape) string {
	out := s.Type
	if s.Items != nil {
		out += " of " + sketchShape(s.Items)
	}
	if len(s.Enum) > 0 {
		out += fmt.Sprintf(" %s", s.Enum)
	}
	if s.Minimum != "" {
		out += " from " + s.Minimum.String()
	}
	if s.Maximum != "" {
		out += " to " + s.Maximum.String()
	}
	if s.MaxLength != nil {
		out += fmt.Sprintf(" at most %d long", *s.MaxLength)
	}
	return out
}

// conversion is one operation, its draft and what the notes must say.
type conversion struct {
	name, path, method, operation string
	want                          string // without the first line, which is in endpoint
	endpoint                      string // "" is the path behind the server
	notes                         []string
}

const server = "https://api.example.com/v1"

// components are there for every conversion.
const components = `
components:
  parameters:
    Limit: {name: limit, in: query, schema: {type: integer, minimum: 1, maximum: 100, default: 20}}
    Loop: {$ref: '#/components/parameters/Loop'}
  schemas:
    Money: {type: object, required: [amount], properties: {amount: {type: number}, currency: {type: string, enum: [EUR, USD]}}}
    Person: {type: object, properties: {name: {type: string}, boss: {$ref: '#/components/schemas/Person'}}}
    Named: {type: object, required: [name], properties: {name: {type: string}, id: {type: string, readOnly: true}}}
    Cycle: {allOf: [{$ref: '#/components/schemas/Cycle'}, {properties: {a: {type: string}}}]}
  securitySchemes:
    bearer: {type: http, scheme: bearer}
    basic: {type: http, scheme: Basic}
    digest: {type: http, scheme: digest}
    header: {type: apiKey, in: header, name: X-Key}
    second: {type: apiKey, in: header, name: X-App}
    query: {type: apiKey, in: query, name: api_key}
    odd: {type: apiKey, in: query, name: 'key[1]'}
    cookie: {type: apiKey, in: cookie, name: session}
    client: {type: oauth2, flows: {clientCredentials: {tokenUrl: 'https://auth.example.com/token', scopes: {}}, implicit: {authorizationUrl: 'https://a'}}}
    relative: {type: oauth2, flows: {clientCredentials: {tokenUrl: /oauth/token}}}
    password: {type: oauth2, flows: {password: {tokenUrl: 'https://auth.example.com/token'}}}
    code: {type: oauth2, flows: {authorizationCode: {authorizationUrl: 'https://a', tokenUrl: 'https://b'}}}
    openid: {type: openIdConnect, openIdConnectUrl: 'https://a'}
    mutual: {type: mutualTLS}
    nowhere: {type: apiKey, name: X-Key}
    broken: {type: apiKey, in: header, name: 'not a name'}
`

func (c *conversion) document() string {
	path, method := c.path, c.method
	if path == "" {
		path = "/things"
	}
	if method == "" {
		method = "get"
	}
	operation := strings.ReplaceAll("\n"+strings.Trim(c.operation, "\n"), "\n", "\n      ")
	return "openapi: 3.1.0\nservers: [{url: '" + server + "'}]\npaths:\n  '" + path + "':\n    " + method + ":\n      operationId: it" + operation + components
}

func runConversions(t *testing.T, all []conversion) {
	t.Helper()
	for _, tt := range all {
		t.Run(tt.name, func(t *testing.T) {
			got := imported(t, tt.document())[0]
			if tt.endpoint == "" {
				tt.endpoint = tt.path + mark(tt.path == "", "/things")
			}
			method := strings.ToUpper(tt.method + mark(tt.method == "", "get"))
			want := strings.TrimSpace(method + " " + server + tt.endpoint + "\n" + strings.Trim(tt.want, "\n"))
			if is := sketch(got.Config); is != want {
				t.Errorf("is\n%s\nwant\n%s", is, want)
			}
			checkNotes(t, got.Notes, tt.notes)
		})
	}
}

// checkNotes expects notes that begin like these, and no others.
func checkNotes(t *testing.T, got, want []string) {
	t.Helper()
	for i := range max(len(got), len(want)) {
		switch {
		case i >= len(got):
			t.Errorf("there is no note %q", want[i])
		case i >= len(want) || !strings.HasPrefix(got[i], want[i]):
			t.Errorf("there is a note %q", got[i])
		}
	}
}

func TestNames(t *testing.T) {
	for id, want := range map[string]string{
		"getTicketByID": "get_ticket_by_id", "Tickets_List": "tickets_list", "tickets/list-all": "tickets_list_all",
		"ListHTTPErrors": "list_http_errors", "v2Users": "v2_users", "2faEnable": "op_2fa_enable", "__x__": "x",
		"жёлтый": "get_things_id", "''": "get_things_id", "createTheVeryLongNameOfAnOperationThatNobodyReads": "create_the_very_long_name_of_an",
		"aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeee": "aaaaaaaaaabbbbbbbbbbccccccccccdddddddddd", "12": "op_12", "true": "true",
	} {
		document := "openapi: 3.0.0\nservers: [{url: '" + server + "'}]\npaths: {'/things/{id}': {get: {operationId: " + id + "}}}"
		if got := imported(t, document)[0].Config.Name; got != want {
			t.Errorf("%s became %s, want %s", id, got, want)
		}
	}
}

func TestNamesAreUnique(t *testing.T) {
	var document strings.Builder
	document.WriteString("openapi: 3.0.0\nservers: [{url: '" + server + "'}]\npaths:\n")
	for i := range 12 {
		fmt.Fprintf(&document, "  /a%d: {get: {operationId: listAllOfTheThingsThatThereAre%d}, post: {operationId: list}, put: {operationId: List-2}}\n", i, i/6)
	}
	var got []string
	for _, d := range imported(t, document.String()) {
		got = append(got, d.Config.Name)
	}
	if len(got) != 36 || got[1] != "list" || got[2] != "list_2" || got[4] != "list_3" || got[5] != "list_2_2" {
		t.Errorf("the names are %q", got)
	}
}

func TestDescriptions(t *testing.T) {
	long := strings.Repeat("A sentence of words. ", 60)
	for _, tt := range []struct{ name, operation, description, instructions string }{
		{"a summary", "{summary: List things}", "List things.", ""},
		{"a summary and more", "{summary: List things, description: 'All of them.'}", "List things. All of them.", ""},
		{"twice the same", "{summary: List things, description: 'List things, all of them.'}", "List things, all of them.", ""},
		{"neither", "{}", "GET /things", ""},
		{"deprecated", "{summary: List, deprecated: true}", "Deprecated. List.", ""},
		{"longer than there is room for", "{description: '" + strings.Repeat("A sentence of words. ", 500) + "'}", strings.TrimSpace(strings.Repeat("A sentence of words. ", 48)), strings.TrimSpace(strings.Repeat("A sentence of words. ", 380))},
		{"control characters", `{summary: "a\u0007b\r\nc"}`, "ab\nc.", ""},
		{"long", "{description: '" + long + "'}", strings.TrimSpace(strings.Repeat("A sentence of words. ", 48)), strings.TrimSpace(strings.Repeat("A sentence of words. ", 12))},
		{"without an end", "{description: '" + strings.Repeat("é", 1100) + "'}", strings.Repeat("é", 1024), strings.Repeat("é", 76)},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := imported(t, "openapi: 3.0.0\nservers: [{url: '"+server+"'}]\npaths: {/things: {get: "+tt.operation+"}}")[0].Config
			if c.Description != tt.description || c.Instructions != tt.instructions {
				t.Errorf("description %q, instructions %q", c.Description, c.Instructions)
			}
		})
	}
}

func TestServers(t *testing.T) {
	for _, tt := range []struct{ name, root, item, operation, want, note string }{
		{"of the document", `[{url: 'https://a.example/v1/'}]`, "", "", "https://a.example/v1/x", ""},
		{"of the path", `[{url: 'https://a.example'}]`, `[{url: 'https://b.example'}]`, "", "https://b.example/x", ""},
		{"of the operation", `[{url: 'https://a.example'}]`, `[{url: 'https://b.example'}]`, `[{url: 'https://c.example/'}]`, "https://c.example/x", ""},
		{"the first that is absolute", `[{url: /v1}, {url: 'https://a.example'}]`, "", "", "https://a.example/x", "The document names 2 servers."},
		{"https before http", `[{url: 'http://a.example'}, {url: 'https://b.example'}]`, "", "", "https://b.example/x", "The document names 2 servers."},
		{"only http", `[{url: 'http://a.example'}]`, "", "", "http://a.example/x", "The server is given as plain http"},
		{"variables", `[{url: 'https://{host}.example:{port}/{base}', variables: {host: {default: eu}, port: {default: 8443}, base: {default: ''}, other: {}}}]`, "", "", "https://eu.example:8443/x", "The server's URL has variables."},
		{"a webhook", `[{url: 'https://hooks.slack.com/services'}]`, "", "", "https://hooks.slack.com/services/x", "The endpoint is a webhook"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			servers := func(list string) string { return mark(list != "", "servers: "+list+", ") }
			got := imported(t, "openapi: 3.0.0\nservers: "+tt.root+"\npaths: {/x: {"+servers(tt.item)+"get: {"+servers(tt.operation)+"}}}")[0]
			if got.Config.URL() != tt.want {
				t.Errorf("is %s, want %s", got.Config.URL(), tt.want)
			}
			var notes []string
			if tt.note != "" {
				notes = []string{tt.note}
			}
			checkNotes(t, got.Notes, notes)
		})
	}
}

// Documents that cannot be imported, and the sentence that says why.
func TestRefusedDocuments(t *testing.T) {
	const paths = "\npaths: {/x: {get: {}}}"
	for _, tt := range []struct{ name, document, want string }{
		{"nothing", "", "is empty"},
		{"something else", "a: 1", `does not say "openapi"`},
		{"a list", "[1]", `does not say "openapi"`},
		{"Swagger 2.0", "swagger: '2.0'" + paths, "is Swagger 2.0. Convert it"},
		{"Swagger without quotes", `{"swagger": 2.0}`, "is Swagger 2.0. Convert it"},
		{"a later version", "openapi: 4.0.0" + paths, "is of a version of OpenAPI that is not read here"},
		{"no version", "openapi: three" + paths, "is of a version of OpenAPI that is not read here"},
		{"no paths", "openapi: 3.0.0\npaths: {}", "has no operation"},
		{"paths of another kind", "openapi: 3.0.0\npaths: [1]", "has no operation"},
		{"only other methods", "openapi: 3.0.0\npaths: {/x: {head: {}}}", "has no operation"},
		{"no server", "openapi: 3.0.0" + paths, "does not say on which host"},
		{"a relative server", "openapi: 3.0.0\nservers: [{url: /v1}]" + paths, "is not absolute"},
		{"a server without a host", "openapi: 3.0.0\nservers: [{url: 'https:///v1'}]" + paths, "is not absolute"},
		{"a variable without default", "openapi: 3.0.0\nservers: [{url: 'https://{a}.example', variables: {a: {}}}]" + paths, "has a variable without a default"},
		{"a variable that is not explained", "openapi: 3.0.0\nservers: [{url: 'https://{a}.example'}]" + paths, "has a variable that the document does not explain"},
		{"a server with a query", "openapi: 3.0.0\nservers: [{url: 'https://a.example?b=c'}]" + paths, "has a query or a fragment"},
		{"a server with a password", "openapi: 3.0.0\nservers: [{url: 'https://u:p@a.example'}]" + paths, "holds a user name or password"},
		{"braces in a path", "openapi: 3.0.0\nservers: [{url: 'https://a.example'}]\npaths: {'/{{x}}': {get: {}}}", "braces that do not name a parameter"},
		{"a path item elsewhere", "openapi: 3.0.0\nservers: [{url: 'https://a.example'}]\npaths: {/x: {$ref: 'x.yaml'}}", "leads to another document"},
		{"a path item that is itself", "openapi: 3.0.0\nservers: [{url: 'https://a.example'}]\npaths: {/x: {$ref: '#/paths/~1x'}}", "leads back to itself"},
		{"a path parameter elsewhere", "openapi: 3.0.0\nservers: [{url: 'https://a.example'}]\npaths: {'/{x}': {get: {parameters: [{name: x, in: path, schema: {$ref: 'file:///etc/passwd'}}]}}}", "leads to another document"},
		{"a body elsewhere", "openapi: 3.0.0\nservers: [{url: 'https://a.example'}]\npaths: {/x: {post: {requestBody: {$ref: 'https://example.com/x.yaml#/x'}}}}", "leads to another document"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			drafts, err := draft.FromOpenAPI(context.Background(), []byte(tt.document))
			var refusal *callout.Error
			if !errors.As(err, &refusal) || refusal.Code != draft.InvalidOpenAPI || !strings.Contains(refusal.Message, tt.want) || drafts != nil {
				t.Fatalf("got %v, want one with %q", err, tt.want)
			}
			for _, f := range refusal.Details {
				if f.Code != draft.InvalidOpenAPI || !strings.HasPrefix(f.Target, "openapi") || !strings.HasSuffix(f.Message, ".") {
					t.Errorf("the fault is %+v", f)
				}
			}
		})
	}
}

// What cannot be a draft is told with the first that can.
func TestLeftOut(t *testing.T) {
	got := imported(t, `
openapi: 3.0.0
servers: [{url: 'https://a.example'}]
paths:
  '/a/{{b}}': {get: {}}
  /b: {$ref: 'other.yaml'}
  "/c\u0007 d": {get: {servers: [{url: /x}]}}
  /d: {get: {}, head: {}, options: {}, trace: {}, x-get: {}}
  /e: {put: {requestBody: {content: {application/json: {schema: {$ref: '#/nowhere'}}}}}}
`)
	if len(got) != 1 {
		t.Fatalf("there are %d drafts", len(got))
	}
	checkNotes(t, got[0].Notes, []string{
		"Left out of the document: the operation of the path /b. A reference leads to another document",
		"Left out of the document: the operation GET /a/{{b}}. Its path",
		"Left out of the document: the operation GET (unreadable name). The server's URL is not absolute",
		"Left out of the document: the operation PUT /e. A reference leads to something that the document does not hold.",
		"Operations of the document left out, because a configuration has none of the methods HEAD, OPTIONS and TRACE: 3.",
	})
}

func TestManyLeftOut(t *testing.T) {
	got := imported(t, head+"paths:\n  /ok: {get: {}}\n"+many(30, "  '/{{<i>}}': {get: {}}\n"))
	if last := got[0].Notes[len(got[0].Notes)-1]; len(got[0].Notes) != 21 || last != "10 more operations of the document were left out." {
		t.Errorf("%d notes, the last is %q", len(got[0].Notes), last)
	}
}

// What is too large for a configuration, for other reasons than those above.
func TestTooLargeForAConfiguration(t *testing.T) {
	for _, tt := range []struct{ name, operation, want string }{
		{"required values", "{parameters: [" + many(101, "{name: p<i>, in: query, required: true}, ") + "]}", "It requires more than 100 values"},
		{"a long endpoint", "{parameters: [{name: v, in: query, required: true, schema: {const: '" + strings.Repeat("x", 2048) + "'}}]}", "The endpoint is longer than 2048 characters"},
		{"long texts", "{parameters: [" + many(100, "{name: p<i>, in: query, description: '"+strings.Repeat("é", 1024)+"', schema: {type: string, default: '"+strings.Repeat("x", 1000)+"'}}, ") + "]}",
			"As a configuration it would be longer than 262144 bytes."},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := draft.FromOpenAPI(t.Context(), []byte(head+"paths: {/x: {get: "+tt.operation+"}}"))
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want one with %q", err, tt.want)
			}
		})
	}
}

func TestAllReasonsAreGivenOnce(t *testing.T) {
	_, err := draft.FromOpenAPI(context.Background(), []byte("openapi: 3.0.0\nservers: [{url: 'https://a.example'}]\npaths: {'/{{x}}': {get: {}, put: {}}, /y: {get: {servers: [{url: /}]}}}"))
	var refusal *callout.Error
	if !errors.As(err, &refusal) || len(refusal.Details) != 2 || refusal.Details[0].Target != "openapi.paths[0].get" || refusal.Details[1].Target != "openapi.paths[1].get" {
		t.Errorf("got %+v", err)
	}
}
