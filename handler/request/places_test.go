package request_test

import (
	"fmt"
	"strings"
	"testing"

	"callout/handler/callout"
	"callout/handler/request"
)

// Where a field goes: into every template that names it, and where it says itself.
func TestWhereFieldsGo(t *testing.T) {
	const args = `{"x": "v"}`
	for _, tt := range []struct {
		name                       string
		changes                    doc
		uri, body, headerX, header string
	}{
		{"POST", doc{}, "/v1/items", `{"x":"v"}`, "", ""},
		{"GET", doc{"method": "GET"}, "/v1/items?x=v", "", "", ""},
		{"DELETE", doc{"method": "DELETE"}, "/v1/items?x=v", "", "", ""},
		{"form", doc{"bodyFormat": "form"}, "/v1/items", "x=v", "", ""},
		{"in query", doc{"fields": fields("x:string:query")}, "/v1/items?x=v", "{}", "", ""},
		{"in header", doc{"fields": fields("x:string:header")}, "/v1/items", "{}", "v", ""},
		{"in header, no body", doc{"fields": fields("x:string:header"), "bodyFormat": "none"}, "/v1/items", "", "v", ""},
		{"template of the body", doc{"body": doc{"a": "{{x}}"}}, "/v1/items", `{"a":"v"}`, "", ""},
		{"template of the body, and in", doc{"body": doc{"a": "{{x}}"}, "fields": fields("x:string:query")}, "/v1/items?x=v", `{"a":"v"}`, "", ""},
		{"path and body", doc{"endpoint": "https://api.example.com/{{x}}", "fields": fields("x:string:body")}, "/v", `{"x":"v"}`, "", ""},
		{"path and form", doc{"endpoint": "https://api.example.com/{{x}}", "fields": fields("x:string:body"), "bodyFormat": "form"}, "/v", `x=v`, "", ""},
		{"path and query", doc{"endpoint": "https://api.example.com/{{x}}?y=1", "fields": fields("x:string:query")}, "/v?y=1&x=v", `{}`, "", ""},
		{"query and header", doc{"endpoint": "https://api.example.com/?a={{x}}", "fields": fields("x:string:header")}, "/?a=v", `{}`, "v", ""},
		{"header and query", doc{"headers": list{doc{"name": "X-A", "value": "{{x}}"}}, "fields": fields("x:string:query")}, "/v1/items?x=v", `{}`, "", "v"},
		{"a place that a template names already", doc{"endpoint": "https://api.example.com/?a={{x}}", "fields": fields("x:string:query")}, "/?a=v", `{}`, "", ""},
		{"a header that a template names already", doc{"headers": list{doc{"name": "X-A", "value": "{{x}}"}}, "fields": fields("x:string:header")}, "/v1/items", `{}`, "", "v"},
		{"path before in", doc{"endpoint": "https://api.example.com/{{x}}"}, "/v", "{}", "", ""},
		{"in path", doc{"endpoint": "https://api.example.com/{{x}}", "fields": fields("x:string:path")}, "/v", "{}", "", ""},
		{"query before in", doc{"endpoint": "https://api.example.com/?a={{x}}"}, "/?a=v", "{}", "", ""},
		{"header before in", doc{"headers": list{doc{"name": "X-A", "value": "a-{{x}}"}}}, "/v1/items", "{}", "", "a-v"},
		{"everywhere", doc{"endpoint": "https://api.example.com/{{x}}?a={{x}}", "headers": list{doc{"name": "X-A", "value": "{{x}}"}}, "body": list{"{{x}}", "{{x}}"}},
			"/v?a=v", `["v","v"]`, "", "v"},
		{"body and path", doc{"endpoint": "https://api.example.com/{{x}}", "body": doc{"a": "{{x}}"}, "fields": fields("x:string:body")}, "/v", `{"a":"v"}`, "", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if tt.changes["fields"] == nil {
				tt.changes["fields"] = fields("x:string")
			}
			tt.changes["fields"].(list)[0].(doc)["required"] = true
			req := build(t, config(t, tt.changes), arguments(t, args))
			if req.URL.RequestURI() != tt.uri || body(t, req) != tt.body || req.Header.Get("x") != tt.headerX || req.Header.Get("X-A") != tt.header {
				t.Errorf("got %s, %s, %v", req.URL.RequestURI(), body(t, req), req.Header)
			}
		})
	}
}

func TestCompileFindsWhatCannotBeFilledIn(t *testing.T) {
	x := doc{"fields": list{doc{"name": "x", "type": "string", "required": true}}}
	with := func(changes doc) doc {
		for name, value := range x {
			if _, ok := changes[name]; !ok {
				changes[name] = value
			}
		}
		return changes
	}
	for _, tt := range []struct {
		name    string
		changes doc
		want    string
	}{
		{"a template", with(doc{"body": raw(`{"a": ["{{x}}"]}`)}), ""},
		{"an unknown field", with(doc{"body": raw(`{"a": ["{{x}}", "{{canary}}"], "b": {"c": "t {{canary}}"}}`)}), "InvalidValue body.a[1], InvalidValue body.b.c"},
		{"an unknown secret", with(doc{"body": raw(`[["{{secret.canary}}", "{{x}}"]]`)}), "MissingValue body[0][0]"},
		{"a secret that is cleared", with(doc{"body": raw(`["{{secret.gone}}", "{{x}}"]`), "secretValues": doc{"gone": nil}}), "MissingValue body[0]"},
		{"braces that are none", with(doc{"body": raw(`{"canary": "{{x}}", "b": "{{canary !}}"}`)}), "InvalidValue body.b"},
		{"a name with a placeholder", with(doc{"body": raw(`{"{{x}}": "{{x}}", "b": {"a{{": 1}}`)}), "InvalidValue body.(unreadable name), InvalidValue body.b.(unreadable name)"},
		{"members given twice", with(doc{"body": raw(`{"a": "{{x}}", "a": 1}`)}), "InvalidValue body, InvalidValue fields[0].in"},
		{"nested too deeply", with(doc{"body": raw(strings.Repeat("[", 40) + `"{{x}}"` + strings.Repeat("]", 40))}), "InvalidValue body, InvalidValue fields[0].in"},
		{"a field that the template does not name", with(doc{"body": raw(`{}`)}), "InvalidValue fields[0].in"},
		{"a field of the query beside a template", doc{"body": raw(`{}`), "fields": fields("x:string:query", "y:string:header")}, ""},
		{"a field of the body in the path alone", doc{"body": raw(`{}`), "endpoint": "https://api.example.com/{{x}}",
			"fields": list{doc{"name": "x", "type": "string", "in": "body", "required": true}}}, "InvalidValue fields[0].in"},
		{"a template and none", with(doc{"body": raw(`{"a": "{{x}}"}`), "bodyFormat": "none"}), "InvalidValue fields[0].in"},
		{"a field and none", with(doc{"bodyFormat": "none"}), "InvalidValue fields[0].in"},
		{"a template and GET", with(doc{"body": raw(`{"a": "{{x}}"}`), "method": "GET"}), ""},
		{"a template and DELETE", with(doc{"body": raw(`{"a": "{{x}}"}`), "method": "DELETE"}), ""},
		{"a form", with(doc{"body": raw(`{"a[b]": "{{x}}", "l": [1, "t {{x}}"]}`), "bodyFormat": "form"}), ""},
		{"a form that is not flat", with(doc{"body": raw(`{"a": {"b": "{{x}}"}, "l": ["{{x}}", [1], {}], "n": null}`), "bodyFormat": "form"}),
			"InvalidValue body.a, InvalidValue body.l[1], InvalidValue body.l[2], InvalidValue body.n"},
		{"a form that is an array", with(doc{"body": raw(`["{{x}}"]`), "bodyFormat": "form"}), "InvalidValue body, InvalidValue fields[0].in"},
		{"a form that is a text", with(doc{"body": raw(`"{{x}}"`), "bodyFormat": "form"}), "InvalidValue body, InvalidValue fields[0].in"},
		{"a form with a placeholder in a name", with(doc{"body": raw(`{"{{x}}": "{{x}}"}`), "bodyFormat": "form"}), "InvalidValue body.(unreadable name)"},
		{"a form with unknown names", with(doc{"body": raw(`{"a": "{{x}}", "b": ["{{canary}}", "{{secret.canary}}"]}`), "bodyFormat": "form"}), "InvalidValue body.b[0], MissingValue body.b[1]"},
		{"a default that a path cannot hold", doc{"endpoint": "https://api.example.com/{{x}}", "fields": list{doc{"name": "x", "type": "string", "default": "canary/.."}}}, "InvalidValue fields[0].default"},
		{"a default that a header cannot hold", doc{"fields": list{doc{"name": "x", "type": "string", "in": "header", "default": "canary\r\n"}}}, "InvalidValue fields[0].default"},
		{"a value that a path cannot hold", doc{"endpoint": "https://api.example.com/{{x}}", "fields": list{doc{"name": "x", "type": "string", "required": true, "enum": list{"a", ".."}}}}, "InvalidValue fields[0].enum"},
		{"a value that a header cannot hold", doc{"headers": list{doc{"name": "X-A", "value": "{{x}}"}}, "fields": list{doc{"name": "x", "type": "string", "enum": list{"canary "}}}}, "InvalidValue fields[0].enum"},
		{"a text that would have to be empty", doc{"fields": list{doc{"name": "x", "type": "string", "in": "header", "maxLength": 0}}}, "InvalidValue fields[0].maxLength"},
		{"the same in the query", doc{"fields": list{doc{"name": "x", "type": "string", "in": "query", "maxLength": 0, "default": ""}}}, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			template, faults := request.Compile(config(t, tt.changes))
			if got := found(faults); got != tt.want {
				t.Errorf("found %q, want %q", got, tt.want)
			}
			for _, f := range faults {
				if strings.Contains(f.Message, "canary") || f.Message == "" {
					t.Errorf("what was submitted is quoted: %+v", f)
				}
			}
			if template == nil {
				t.Error("there is no template")
			}
		})
	}
}

// A fault is told once: what is said about a single part of a configuration is not
// said again about the whole.
func TestBodiesThatCannotBeAreFoundOnce(t *testing.T) {
	for name, changes := range map[string]doc{
		"DELETE": {"method": "DELETE", "body": doc{"a": "{{x}}"}, "fields": fields("x:string")},
		"GET":    {"method": "GET", "body": doc{"a": "{{x}}"}, "fields": fields("x:string")},
		"none":   {"bodyFormat": "none", "body": doc{"a": "b"}},
	} {
		c := config(t, changes)
		_, faults := request.Compile(c)
		if got := found(append(c.Validate(nil), faults...)); got != "InvalidValue body" {
			t.Errorf("%s: found %q", name, got)
		}
	}
}

// That a template names a field somewhere does not open the places that are closed
// to it.
func TestPlacesBesidesATemplateAreChecked(t *testing.T) {
	named := doc{"a": list{"{{Authorization}}", "{{X-Taken}}", "{{taken}}", "{{X-List}}", "{{X-Twice}}", "{{x-twice}}", "{{X-Fine}}"}}
	for _, tt := range []struct{ name, specs, want string }{
		{"a header that no agent sets", "Authorization:string:header", "fields[0].name"},
		{"a configured header", "X-Taken:string:header", "fields[0].name"},
		{"a configured parameter", "taken:string:query", "fields[0].name"},
		{"a header for a list", "X-List:array:header", "fields[0].type"},
		{"two of one name", "X-Twice:string:header x-twice:string:header", "fields[1].name"},
		{"what may be", "X-Fine:string:header", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			specs := fields(strings.Fields(tt.specs)...)
			for _, other := range named["a"].(list) {
				if name := strings.Trim(other.(string), "{}"); !strings.Contains(tt.specs, name+":") {
					specs = append(specs, doc{"name": name, "type": "string"})
				}
			}
			c := config(t, doc{"endpoint": "https://api.example.com/?taken=1&z={{X-Taken}}", "headers": list{doc{"name": "X-Taken", "value": "{{X-Fine}}"}}, "body": named, "fields": specs})
			_, faults := request.Compile(c)
			var targets []string
			for _, f := range append(c.Validate(nil), faults...) {
				targets = append(targets, f.Target)
			}
			if got := strings.Join(targets, " "); got != tt.want {
				t.Errorf("found %q, want %q", got, tt.want)
			}
		})
	}
}

// The example of a field is one that it accepts where it goes.
func TestExamplesFitTheirPlace(t *testing.T) {
	for i, shape := range []doc{
		{"type": "string"}, {"type": "string", "maxLength": 1}, {"type": "string", "maxLength": 3}, {"type": "string", "enum": list{"b c", "a"}},
		{"type": "integer", "minimum": 5}, {"type": "number", "maximum": -0.5}, {"type": "boolean"},
	} {
		field := doc{"name": "x", "required": true}
		for name, value := range shape {
			field[name] = value
		}
		for _, changes := range []doc{
			{"endpoint": "https://api.example.com/{{x}}"}, {"endpoint": "https://api.example.com/?q={{x}}"},
			{"headers": list{doc{"name": "X-A", "value": "v={{x}}"}}}, {"body": list{"{{x}}"}}, {"bodyFormat": "form"},
		} {
			changes["fields"] = list{field}
			c := config(t, changes)
			template := compile(t, c)
			examples := template.Examples(nil)
			if faults := template.Validate(examples); len(faults) > 0 || len(examples) != 1 {
				t.Errorf("%d, %v: %v is no example: %+v", i, changes, examples, faults)
			}
			if _, err := template.Build(t.Context(), c, examples); err != nil {
				t.Error(err)
			}
		}
	}
}

func TestTheSchemaIsMadeOnce(t *testing.T) {
	c := config(t, doc{"fields": fields("x:string")})
	template := compile(t, c)
	if got, want := fmt.Sprint(template.Schema()), fmt.Sprint(request.Schema(c)); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	c.Fields = append(c.Fields, callout.Field{Name: "y"})
	if _, ok := template.Schema()["properties"].(map[string]any)["y"]; ok {
		t.Error("the schema was made anew")
	}
}
