package draft_test

import (
	"strings"
	"testing"
)

func TestPathParameters(t *testing.T) {
	runConversions(t, []conversion{
		{name: "with a schema", path: "/a/{id}/b", operation: `parameters: [{name: id, in: path, required: true, description: The id, schema: {type: integer, minimum: 1}}]`,
			endpoint: "/a/{{id}}/b", want: "id integer from 1 in path required // The id."},
		{name: "without", path: "/a/{id}", endpoint: "/a/{{id}}", want: "id string in path required", notes: []string{"The document does not explain id in the path."}},
		{name: "with a name that no field has", path: "/a/{id*}", operation: `parameters: [{name: 'id*', in: path, schema: {type: string}}]`,
			endpoint: "/a/{{id}}", want: "id string in path required"},
		{name: "named like a secret", path: "/{secret.x}", operation: `parameters: [{name: secret.x, in: path}]`, endpoint: "/{{secret_x}}", want: "secret_x string in path required"},
		{name: "within a segment, and twice", path: "/{a}.{b}/{a}", operation: `parameters: [{name: a, in: path, schema: {enum: [x, y/z, ..]}}, {name: b, in: path, schema: {type: string, default: json}}]`,
			endpoint: "/{{a}}.{{b}}/{{a}}", want: "a string [\"x\"] in path required\nb string in path required default \"json\""},
		{name: "a list", path: "/{ids}", operation: `parameters: [{name: ids, in: path, schema: {type: array, items: {type: integer}}}]`, endpoint: "/{{ids}}", want: "ids string in path required"},
		{name: "with a default that cannot stand there", path: "/{a}", operation: `parameters: [{name: a, in: path, schema: {type: string, maxLength: 0, default: b/c}}]`,
			endpoint: "/{{a}}", want: "a string in path required", notes: []string{"The default of a is not taken over"}},
		{name: "that the path does not have", operation: `parameters: [{name: a, in: path, schema: {type: string}}]`, notes: []string{"Left out: a, in the path. The path has no place for it."}},
		{name: "characters that a path cannot hold", path: "/a b/ü/%41%/[x]", endpoint: "/a%20b/%C3%BC/%41%25/%5Bx%5D"},
		{name: "a fragment", path: "/a#b", endpoint: "/a", notes: []string{"The path in the document has a fragment"}},
		{name: "a query in the path", path: "/a?b=c d", operation: `parameters: [{name: e, in: query, schema: {type: string}}]`, endpoint: "/a?b=c%20d", want: "e string in query"},
	})
}

func TestQueryParameters(t *testing.T) {
	runConversions(t, []conversion{
		{name: "of the usual form", operation: `parameters: [{name: a, in: query, required: true, schema: {type: string, maxLength: 5}}, {$ref: '#/components/parameters/Limit'}]`,
			want: "a string at most 5 long in query required\nlimit integer from 1 to 100 in query default 20"},
		{name: "lists", operation: `parameters: [{name: a, in: query, schema: {type: array, items: {type: string, enum: [x, y]}}}]`, want: `a array of string ["x" "y"] in query`},
		{name: "lists with separators", operation: `
parameters:
  - {name: a, in: query, explode: false, description: Some, schema: {type: array, items: {type: string, enum: [x, y]}}}
  - {name: b, in: query, style: pipeDelimited, schema: {type: array}}
  - {name: c, in: query, style: spaceDelimited, explode: false, schema: {type: array}}`,
			want: "a string in query // Some. Several values are written with commas between them, each one of x | y.\n" +
				"b string in query // Several values are written with bars (|) between them.\nc string in query // Several values are written with spaces between them."},
		{name: "names that no field has", operation: `
parameters:
  - {name: $filter, in: query, schema: {type: string}}
  - {name: 'a[b]', in: query, schema: {type: string}}
  - {name: 'a[]', in: query, schema: {type: array, items: {type: string}}}
  - {name: 'x<', in: query, schema: {type: string}}
  - {name: ' ', in: query, schema: {type: string}}`,
			endpoint: "/things?$filter={{filter}}&a%5Bb%5D={{a_b}}&a%5B%5D={{a}}&x%3C={{x_before}}&%20={{value}}",
			want:     "filter string in query\na_b string in query\na array of string in query\nx_before string in query\nvalue string in query"},
		{name: "the same name twice", path: "/{id}", operation: `parameters: [{name: id, in: query, schema: {type: string}}, {name: id, in: path}, {name: ID, in: query, schema: {type: integer}}]`,
			endpoint: "/{{id}}?id={{query_id}}", want: "id string in path required\nquery_id string in query\nID integer in query"},
		{name: "fixed", operation: `parameters: [{name: v, in: query, required: true, schema: {const: '2024 b'}}, {name: w, in: query, required: true, schema: {enum: [1]}}, {name: x, in: query, schema: {enum: [a]}}]`,
			endpoint: "/things?v=2024%20b&w=1", want: `x string ["a"] in query`},
		{name: "fixed to what a template cannot hold", operation: `parameters: [{name: v, in: query, required: true, schema: {const: '{{a}}'}}]`, want: `v string ["{{a}}"] in query required`},
		{name: "an object, deep", operation: `parameters: [{name: f, in: query, style: deepObject, schema: {type: object, required: [a], properties: {a: {type: string}, b: {type: array, items: {type: integer}}, c: {type: object}}}}]`,
			endpoint: "/things?f%5Ba%5D={{f_a}}&f%5Bb%5D={{f_b}}", want: "f_a string in query\nf_b array of integer in query", notes: []string{"Left out: f[c], in the query."}},
		{name: "an object, flat", operation: `parameters: [{name: f, in: query, required: true, schema: {type: object, required: [a], properties: {a: {type: string}, b: {type: string}}}}]`,
			want: "a string in query required\nb string in query"},
		{name: "an object that cannot be taken apart", operation: `parameters: [{name: f, in: query, required: true, schema: {type: object}}, {name: g, in: query, explode: false, schema: {type: object, properties: {a: {}}}}]`,
			notes: []string{"Left out: f, in the query. It is an object whose members cannot be fields of their own. The API requires it", "Left out: g, in the query."}},
		{name: "JSON", operation: `parameters: [{name: f, in: query, content: {application/json: {schema: {type: object, properties: {a: {type: integer}}}}}}]`, want: "f object in query // Members: a (integer)."},
		{name: "credentials", operation: `parameters: [{name: api_key, in: query, required: true, schema: {type: string}}, {name: access_token, in: query, schema: {type: string}}, {name: page_token, in: query, schema: {type: string}}]`,
			endpoint: "/things?api_key={{secret.api_key}}", want: "secret api_key\npage_token string in query",
			notes: []string{"api_key, in the query, looks like a credential", "Left out: access_token, in the query. It looks like a credential"}},
		{name: "words that tell a credential in a command only", operation: `parameters: [{name: auth, in: query, required: true, schema: {type: string}}, {name: pass, in: query, schema: {type: string}}]`,
			want: "auth string in query required\npass string in query"},
		{name: "a header that is a credential", operation: `parameters: [{name: X-Auth, in: header, required: true, schema: {type: string}}, {name: X-Auth-Email, in: header, schema: {type: string}}]`,
			want: "header X-Auth: (secret)\nX-Auth-Email string in header", notes: []string{"X-Auth, in the header, looks like a credential"}},
		{name: "of the path item, and replaced", operation: `parameters: [{name: a, in: query, schema: {type: integer}}, {name: a, in: query, schema: {type: string}}]`, want: "a integer in query"},
		{name: "what cannot be followed", operation: `parameters: [{$ref: 'other.yaml'}, {$ref: '#/components/parameters/Loop'}, {name: a, in: query, required: true, schema: {$ref: '#missing'}}, {name: b, in: nowhere}]`,
			notes: []string{"Left out: a parameter. A reference leads to another document", "Left out: a parameter. A reference leads back to itself.",
				"Left out: a, in the query. A reference is not a path from the top of the document, such as #/components/schemas/Name. Write it as one, and import the document again. The API requires it"}},
	})
}

func TestHeaderParameters(t *testing.T) {
	runConversions(t, []conversion{
		{name: "of the usual form", operation: `parameters: [{name: X-Trace, in: header, schema: {type: string}}, {name: If-Match, in: header, required: true, description: The ETag, schema: {type: string}}]`,
			want: "X-Trace string in header\nIf-Match string in header required // The ETag."},
		{name: "those that OpenAPI ignores", operation: `parameters: [{name: Accept, in: header}, {name: content-type, in: header}, {name: Authorization, in: header}]`},
		{name: "those that an agent never sets", operation: `parameters: [{name: Host, in: header, required: true}, {name: X-Forwarded-For, in: header}, {name: Cookie, in: header}, {name: a, in: cookie}]`,
			notes: []string{"Left out: a, in the cookies.", "Left out: Host, in the header. ", "Left out: X-Forwarded-For, in the header. ", "Left out: Cookie, in the header. "}},
		{name: "fixed", operation: `parameters: [{name: X-Version, in: header, required: true, schema: {type: string, enum: ['2024-01-01']}}]`, want: "header X-Version: 2024-01-01"},
		{name: "fixed to what a header cannot hold", operation: `parameters: [{name: X-Version, in: header, required: true, schema: {const: "a\nb"}}]`, notes: []string{"Left out: X-Version, in the header. The value must be printable ASCII"}},
		{name: "a name that no field has", operation: `parameters: [{name: X+Trace, in: header, schema: {type: string}}, {name: 'X Trace', in: header, schema: {type: string}}]`,
			want: "header X+Trace: {{X_Trace}}\nX_Trace string in header", notes: []string{"Left out: (unreadable name), in the header. A header's name"}},
		{name: "the same name twice", operation: `parameters: [{name: a, in: query, schema: {type: string}}, {name: a, in: header, schema: {type: string}}, {name: A, in: header, schema: {type: string}}]`,
			want: "header a: {{header_a}}\na string in query\nheader_a string in header", notes: []string{"Left out: A, in the header."}},
		{name: "credentials", operation: `parameters: [{name: X-Api-Key, in: header, required: true}, {name: X-Token, in: header}, {name: Idempotency-Key, in: header, schema: {type: string}}]`,
			want: "header X-Api-Key: (secret)\nIdempotency-Key string in header", notes: []string{"X-Api-Key, in the header, looks like a credential", "Left out: X-Token, in the header."}},
		{name: "that the credential sets", operation: "security: [{header: [], query: []}]\nparameters: [{name: x-key, in: header, required: true}, {name: api_key, in: query, required: true}]",
			endpoint: "/things?api_key={{secret.api_key}}", want: "auth apiKey header X-Key\nsecret api_key", notes: []string{"Give auth.key", "The API wants a key in the query"}},
		{name: "values", operation: `parameters: [{name: a, in: header, schema: {type: array, items: {type: string}}}, {name: b, in: header, schema: {type: string, enum: [x, '', é], default: é}}]`,
			want: "a string in header\nb string [\"x\"] in header", notes: []string{"The default of b is not taken over"}},
	})
}

func TestTypes(t *testing.T) {
	for schema, want := range map[string]string{
		"{type: string, format: date}":                        "string in query // Format: date.",
		"{type: number, minimum: 1.50, maximum: 2e3}":         "number from 1.50 to 2e3 in query",
		"{type: integer, minimum: 9007199254740993}":          "integer from 9007199254740993 in query",
		"{type: integer, minimum: 1.2, maximum: 1.8}":         "integer in query",
		"{type: integer, minimum: 3, maximum: 2}":             "integer in query",
		"{type: integer, minimum: 0, exclusiveMinimum: true}": "integer from 0 in query // More than 0.",
		"{type: integer, exclusiveMaximum: 9}":                "integer to 9 in query // Less than 9.",
		"{type: integer, minimum: 1e999}":                     "integer in query",
		"{type: [string, 'null'], maxLength: 3}":              "string at most 3 long in query",
		"{type: string, nullable: true, enum: [a, null]}":     `string ["a"] in query`,
		"{type: string, enum: [1, yes, true]}":                `string ["1" "yes" "true"] in query`,
		"{type: integer, enum: [1, x, 2.5, 3.0]}":             "integer [1 3.0] in query",
		"{enum: [1, 2]}":          "integer [1 2] in query",
		"{enum: [1.5, 2]}":        "number [1.5 2] in query",
		"{const: true}":           "boolean [true] in query",
		"{default: false}":        "boolean in query default false",
		"{minimum: 2}":            "number from 2 in query",
		"{items: {type: string}}": "array of string in query",
		"{type: array, items: {type: array, items: {enum: [a]}}}": `array of array of string ["a"] in query`,
		"{type: array, items: {}}":                                "array in query",
		"{}":                                                      "string in query",
		"{type: file}":                                            "string in query",
		"{oneOf: [{type: 'null'}, {type: integer}]}":                                  "integer in query",
		"{oneOf: [{const: a}, {const: b}]}":                                           `string ["a" "b"] in query`,
		"{anyOf: [{type: string, enum: [a]}, {enum: [b]}]}":                           `string ["a" "b"] in query`,
		"{allOf: [{enum: [a, b, c], type: string}, {enum: [b]}], description: Outer}": `string ["b"] in query // Outer.`,
		"{type: string, default: 5}":                                                  `string in query default "5"`,
		"{type: integer, default: null}":                                              "integer in query",
		"{type: string, deprecated: true, title: Old}":                                "string in query // Deprecated. Old.",
		"{type: string, title: It, description: ''}":                                  "string in query",
		"{type: string, pattern: '('}":                                                "string in query",
	} {
		t.Run(schema, func(t *testing.T) {
			c := conversion{operation: "parameters: [{name: it, in: query, schema: " + schema + "}]"}
			got := sketch(imported(t, c.document())[0].Config)
			if _, got, _ = strings.Cut(got, "\nit "); got != want {
				t.Errorf("is %s, want %s", got, want)
			}
		})
	}
}

func TestWhatTypesCannotSay(t *testing.T) {
	var many strings.Builder
	for i := range 201 {
		many.WriteString(strings.Repeat("x", i) + "y, ")
	}
	runConversions(t, []conversion{
		{name: "several kinds", operation: `parameters: [{name: a, in: query, schema: {oneOf: [{type: string}, {type: integer}]}}, {name: b, in: query, schema: {type: [integer, string]}}]`,
			want: "a string in query\nb integer in query", notes: []string{"The document allows several kinds of value for a.", "The document allows several kinds of value for b."}},
		{name: "too many values", operation: `parameters: [{name: a, in: query, schema: {type: string, enum: [` + many.String() + `]}}]`, want: "a string in query",
			notes: []string{"The document lists more than 200 values for a"}},
		{name: "a default that is refused", operation: `parameters: [{name: a, in: query, schema: {type: integer, default: x}}, {name: b, in: query, schema: {enum: [x], default: y}}]`,
			want: "a integer in query\nb string [\"x\"] in query", notes: []string{"The default of a is not taken over", "The default of b is not taken over"}},
		{name: "a long description", operation: `parameters: [{name: a, in: query, description: '` + strings.Repeat("Many words. ", 200) + `'}]`,
			want: "a string in query // " + strings.TrimSpace(strings.Repeat("Many words. ", 85))},
	})
}
