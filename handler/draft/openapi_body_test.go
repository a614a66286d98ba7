package draft_test

import (
	"fmt"
	"strings"
	"testing"
)

// posted is an operation whose body is JSON of the schema.
func posted(schema string) string {
	return "requestBody: {content: {application/json: {schema: " + schema + "}}}"
}

func TestJSONBodies(t *testing.T) {
	const method = "post"
	runConversions(t, []conversion{
		{name: "none", method: method, want: "format none"},
		{name: "flat", method: method, operation: posted(`{type: object, required: [a], properties: {b: {type: integer}, a: {type: string, description: The a}}}`),
			want: "b integer in body\na string in body required // The a."},
		{name: "empty", method: method, operation: posted(`{type: object, properties: {id: {readOnly: true}}}`)},
		{name: "free", method: method, operation: posted(`{type: object, additionalProperties: {type: string}}`), want: "body object in body required // The body of the request.\nbody \"{{body}}\""},
		{name: "anything", method: method, operation: posted(`{}`), want: "body object in body required // The body of the request.\nbody \"{{body}}\""},
		{name: "named and free", method: method, operation: posted(`{properties: {a: {type: string}}, additionalProperties: true}`), want: "a string in body", notes: []string{"The API accepts further members in the body"}},
		{name: "an array", method: method, operation: posted(`{type: array, items: {$ref: '#/components/schemas/Money'}}`),
			want: "items array of object in body required // Members of each element: amount (number, required), currency (one of EUR | USD).\nbody \"{{items}}\""},
		{name: "a text", method: method, operation: posted(`{type: string, maxLength: 9}`), want: "body string at most 9 long in body required // The body of the request.\nbody \"{{body}}\""},
		{name: "objects within", method: method, operation: posted(`{required: [p], properties: {p: {$ref: '#/components/schemas/Money'}, q: {$ref: '#/components/schemas/Person'}}}`),
			want: "p object in body required // Members: amount (number, required), currency (one of EUR | USD).\nq object in body // Members: name (string), boss (object)."},
		{name: "an object of many members", method: method, operation: posted(`{properties: {a: {properties: {` + many(41, "p<i>: {}, ") + `}}, b: {}}}`),
			want: "a object in body // Members: " + many(40, "p<i> (any value), ") + "and more.\nb string in body"},
		{name: "a wrapper", method: method, operation: posted(`{properties: {ticket: {properties: {subject: {type: string}, ticket: {type: string}}, required: [subject]}}}`),
			want: "subject string in body required\nticket string in body\nbody {\"ticket\":{\"subject\":\"{{subject}}\",\"ticket\":\"{{ticket}}\"}}"},
		{name: "constants", method: method, operation: posted(`{required: [kind, n, on], properties: {kind: {const: a"b}, n: {const: 1.50}, on: {enum: [true]}, opt: {const: x}, a: {type: string}}}`),
			want:  "opt string [\"x\"] in body\na string in body\nbody {\"kind\":\"a\\\"b\",\"n\":1.50,\"on\":true,\"opt\":\"{{opt}}\",\"a\":\"{{a}}\"}",
			notes: []string{"The body holds a fixed value, which the agent neither sees nor can change: kind.", "The body holds a fixed value", "The body holds a fixed value"}},
		{name: "constants within", method: method, operation: posted(`{required: [service], properties: {service: {required: [type, id], properties: {type: {enum: [ref]}, id: {type: string}}}, other: {required: [type], properties: {type: {enum: [ref]}}}, id: {type: string}}}`),
			want: "service_id string in body required\nother object in body // Members: type (always ref, required).\nid string in body\n" +
				`body {"service":{"type":"ref","id":"{{service_id}}"},"other":"{{other}}","id":"{{id}}"}`,
			notes: []string{"The body holds a fixed value, which the agent neither sees nor can change: type."}},
		{name: "constants that a template cannot hold", method: method, operation: posted(`{required: [a, b, c], properties: {a: {const: '{{x}}'}, b: {const: !!float 1e999}, c: {const: [1]}}}`),
			want: "a string [\"{{x}}\"] in body required\nb number in body required\nc array [[1]] in body required"},
		{name: "a reference that only has an id", method: method, operation: posted(`{properties: {to: {required: [id, type], properties: {id: {type: string, readOnly: true}, type: {enum: [user]}, url: {type: string, readOnly: true}}}}}`),
			want: "id string in body required\n" + `body {"to":{"id":"{{id}}","type":"user"}}`, notes: []string{"The body holds a fixed value"}},
		{name: "allOf", method: method, operation: posted(`{allOf: [{$ref: '#/components/schemas/Named'}, {required: [b], properties: {b: {type: integer}, name: {maxLength: 3}}}], properties: {name: {description: Own}}}`),
			want: "name string at most 3 long in body required // Own.\nb integer in body required"},
		{name: "allOf in a circle", method: method, operation: posted(`{$ref: '#/components/schemas/Cycle'}`), want: "a string in body"},
		{name: "oneOf", method: method, operation: posted(`{oneOf: [{$ref: '#/components/schemas/Named'}, {$ref: '#/components/schemas/Money'}]}`), want: "name string in body required",
			notes: []string{"The document allows several kinds of body."}},
		{name: "oneOf within", method: method, operation: posted(`{properties: {a: {oneOf: [{required: [k], properties: {k: {const: x}}}, {properties: {l: {}}}]}, b: {type: string}}}`),
			want: "a object in body // There are several kinds. Members of the first: k (always x, required).\nb string in body", notes: []string{"The document allows several kinds of value for a."}},
		{name: "anyOf that only demands members", method: method, operation: posted(`{properties: {a: {type: string}, b: {type: string}}, anyOf: [{required: [a]}, {required: [b]}]}`), want: "a string in body\nb string in body"},
		{name: "null", method: method, operation: posted(`{required: [a], properties: {a: {anyOf: [{type: integer}, {type: 'null'}]}, b: {type: ['null', object]}}}`), want: "a integer in body required\nb object in body"},
		{name: "names that no field has", method: method, operation: posted(`{required: ['{{x}}'], properties: {$type: {type: string}, 'a b': {type: string}, '{{x}}': {}}}`),
			want: "type string in body\na_b string in body\n" + `body {"$type":"{{type}}","a b":"{{a_b}}"}`, notes: []string{"Left out: {{x}}, in the body. A template cannot have a member of this name. The API requires it"}},
		{name: "the same name elsewhere", path: "/{id}", method: "put", operation: posted(`{properties: {id: {type: string}}}`) + "\nparameters: [{name: id, in: path}]",
			endpoint: "/{{id}}", want: "id string in path required\nbody_id string in body\n" + `body {"id":"{{body_id}}"}`},
		{name: "defaults", method: method, operation: posted(`{required: [a], properties: {a: {type: string, default: x}, b: {type: string, default: y}, c: {type: boolean, default: null}}}`),
			want: "a string in body required default \"x\"\nb string in body // The API's default: \"y\".\nc boolean in body"},
		{name: "credentials", method: method, operation: posted(`{required: [routing_key, password], properties: {routing_key: {type: string}, password: {type: string}, api_key: {type: string}}}`),
			want:  "secret routing_key\npassword string in body required\napi_key string in body\n" + `body {"routing_key":"{{secret.routing_key}}","password":"{{password}}","api_key":"{{api_key}}"}`,
			notes: []string{"routing_key, in the body, looks like a credential, so it is a secret", "password looks like a credential.", "api_key looks like a credential."}},
		{name: "a part that is elsewhere", method: method, operation: posted(`{required: [a], properties: {a: {$ref: 'x.yaml'}, b: {allOf: [{$ref: 'x.yaml'}, {type: object}]}}}`), want: "b object in body",
			notes: []string{"A part of a schema is not known; the draft goes by the rest. A reference leads to another document", "Left out: a, in the body. A reference leads to another document"}},
		{name: "a kind of JSON", method: "patch", operation: `requestBody: {content: {text/plain: {}, application/merge-patch+json: {schema: {properties: {a: {type: string}}}}}}`,
			want: "header Content-Type: application/merge-patch+json\na string in body"},
		{name: "JSON before other kinds of it", method: method, operation: `requestBody: {content: {application/x-www-form-urlencoded: {}, application/hal+json: {}, application/json; charset=utf-8: {schema: {properties: {a: {type: string}}}}, '*/*': {}}}`,
			want: "a string in body"},
		{name: "an upload", method: method, operation: `requestBody: {required: true, content: {multipart/form-data: {}, bad kind: {}}}`, want: "format none", notes: []string{"The body is neither JSON nor a simple form (it may be an upload of files), so the draft sends none. The API requires a body"}},
		{name: "of an unknown kind", method: method, operation: `requestBody: {content: {}}`, want: "format none", notes: []string{"The document gives the operation a body, and does not say what it is."}},
		{name: "where there is none", method: "delete", operation: posted(`{properties: {a: {type: string}}}`), notes: []string{"The document gives this operation a body. A configuration sends none with DELETE."}},
	})
}

func TestForms(t *testing.T) {
	form := func(schema string) string {
		return "requestBody: {content: {application/x-www-form-urlencoded: {schema: " + schema + "}}}"
	}
	runConversions(t, []conversion{
		{name: "flat", method: "post", operation: form(`{required: [To], properties: {To: {type: string}, MediaUrl: {type: array, items: {type: string}}}}`),
			want: "To string in body required\nMediaUrl array of string in body\nformat form"},
		{name: "constants and credentials", method: "post", operation: form(`{required: [grant_type, client_secret, n], properties: {grant_type: {const: refresh_token}, client_secret: {type: string}, n: {const: 2}, opt: {const: x}}}`),
			want:  "secret client_secret\nopt string [\"x\"] in body\n" + `body {"grant_type":"refresh_token","client_secret":"{{secret.client_secret}}","n":"2","opt":"{{opt}}"}` + "\nformat form",
			notes: []string{"The body holds a fixed value", "client_secret, in the body, looks like a credential", "The body holds a fixed value"}},
		{name: "objects", method: "post", operation: form(`{required: [a], properties: {a: {required: [b], properties: {b: {type: string}, c: {properties: {d: {const: x}}, required: [d]}}}, 'a[b]': {type: string}, e: {type: object}, f: {type: array, items: {type: object}}}}`),
			want:  "a_b string in body required\na_c_d string [\"x\"] in body\n" + `body {"a[b]":"{{a_b}}","a[c][d]":"{{a_c_d}}"}` + "\nformat form",
			notes: []string{"Left out: a[b], in the body. Its name or its schema cannot be used.", "Left out: e, in the body. A form holds single values", "Left out: f, in the body. A form holds single values"}},
		{name: "lists as some write them", method: "post", operation: `requestBody: {content: {application/x-www-form-urlencoded: {encoding: {expand: {style: deepObject}}, schema: {properties: {expand: {type: array, items: {type: string}}}}}}}`,
			want: "expand array of string in body\n" + `body {"expand[]":"{{expand}}"}` + "\nformat form"},
		{name: "nothing known", method: "put", operation: form(`{type: object}`), want: "format form", notes: []string{"The API accepts entries of the form that the document does not name."}},
	})
}

// A configuration has at most a hundred fields: those that are required, and as
// many of the others as fit.
func TestManyFields(t *testing.T) {
	var properties, names strings.Builder
	for i := range 130 {
		fmt.Fprintf(&properties, "p%d: {type: string}, ", i)
		if i >= 120 {
			fmt.Fprintf(&names, "p%d, ", i)
		}
	}
	c := conversion{path: "/{id}", method: "post", operation: posted("{properties: {" + properties.String() + "}, required: [" + names.String() + "]}")}
	got := imported(t, c.document())[0]
	if n := len(got.Config.Fields); n != 100 || !strings.Contains(sketch(got.Config), "p129 string in body required") || !strings.Contains(sketch(got.Config), "p88 ") || strings.Contains(sketch(got.Config), "p89 ") {
		t.Errorf("%d fields:\n%s", n, sketch(got.Config))
	}
	if last := got.Notes[len(got.Notes)-1]; !strings.Contains(last, "Optional ones left out: 31") {
		t.Errorf("the note is %q", last)
	}
}
