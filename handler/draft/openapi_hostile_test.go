package draft_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"callout/handler/callout"
	"callout/handler/draft"
)

const head = "openapi: 3.0.0\nservers: [{url: 'https://a.example'}]\n"

// paths writes n operations, each with what it holds.
func paths(n int, operation string) string {
	var out strings.Builder
	out.WriteString("paths:\n")
	for i := range n {
		fmt.Fprintf(&out, "  /p%d: {post: %s}\n", i, operation)
	}
	return out.String()
}

// many writes a text n times: with 0, 1, 2 and so on for <i>, and one more for
// <next>.
func many(n int, format string) string {
	var out strings.Builder
	for i := range n {
		out.WriteString(strings.NewReplacer("<next>", fmt.Sprint(i+1), "<i>", fmt.Sprint(i)).Replace(format))
	}
	return out.String()
}

// schemaBody is an operation whose body is the schema of a name.
func schemaBody(name string) string {
	return "{requestBody: {content: {application/json: {schema: {$ref: '#/components/schemas/" + name + "'}}}}}"
}

// hostile documents, with what is said about each; "" for those that a good
// document could be as well, and that are read.
var hostile = []struct{ name, document, want string }{
	{"five megabytes", `{"openapi": "3.0.0", "x": "` + strings.Repeat("x", 5_000_000) + `"}`, "longer than 4194304 bytes"},
	{"a megabyte of words", "openapi: 3.0.0\nx: '" + strings.Repeat("x ", 500_000) + "'", "has no operation"},
	{"ten thousand operations", head + paths(10_000, "{}"), "more than 1000 operations"},
	{"ten thousand operations as JSON", `{"openapi": "3.0.0", "paths": {` + many(10_000, `"/p<i>": {"get": {}},`) + `"/x": {}}}`, "more than 1000 operations"},
	{"ten thousand references to one path", head + "paths:\n  /x: {get: {}, put: {}}\n" + many(10_000, "  /p<i>: {$ref: '#/paths/~1x'}\n"), "more than 1000 operations"},
	{"a thousand levels", head + "paths: " + strings.Repeat("{a: ", 1000) + strings.Repeat("}", 1000), "deeper than 100 levels"},
	{"a hundred thousand levels", `{"openapi":` + strings.Repeat("[", 100_000), "deeper than 100 levels"},
	{"an alias bomb", head + "x: &c0 [a]\n" + bombLines(9) + paths(1, "{}"), "more than 250000 values"},
	{"an alias of itself", head + "paths: &p {/x: {get: *p}}", "within what it refers to"},
	{"only directives", strings.Repeat("%TAG !a! b\n", 100_000) + "---\n" + head, "begin with a percent sign"},
	{"references in a circle", head + paths(1, schemaBody("A")) + "components: {schemas: {A: {$ref: '#/components/schemas/B'}, B: {$ref: '#/components/schemas/A'}}}", ""},
	{"objects in a circle", head + paths(1, schemaBody("A")) + "components: {schemas: {A: {required: [a, k], properties: {k: {const: x}, a: {$ref: '#/components/schemas/A'}}}}}", ""},
	{"arrays in a circle", head + paths(1, schemaBody("A")) + "components: {schemas: {A: {type: array, items: {$ref: '#/components/schemas/A'}}}}", ""},
	{"path items in a circle", head + "paths: {/x: {$ref: '#/paths/~1y'}, /y: {$ref: '#/paths/~1x'}}", "leads back to itself"},
	{"the document within itself", head + paths(1, "{requestBody: {content: {application/json: {schema: {$ref: '#'}}}}}"), ""},
	{"references elsewhere", head + paths(200, "{requestBody: {$ref: 'file:///etc/passwd'}}"), "leads to another document"},
	{"allOf that doubles each time", head + paths(1, schemaBody("S0")) + "components: {schemas: {\n" + doubling(60) + "S60: {properties: {a: {}}}}}", ""},
	{"properties that double each time", head + paths(1000, schemaBody("S0")) + "components: {schemas: {\n" + doublingProperties(60) + "S60: {const: x}}}", ""},
	{"a thousand uses of a large object", head + paths(1000, schemaBody("A")) + "components: {schemas: {A: {properties: {" + many(20_000, "p<i>: {type: string}, ") + "}}}}", "References repeat parts of the document so often"},
	{"a thousand uses of a long chain", head + paths(1000, schemaBody("S0")) + "components: {schemas: {\n" + chain(10_000) + "S10000: {properties: {a: {}}}}}", "References repeat parts of the document so often"},
	{"a thousand uses of long texts", head + paths(1000, schemaBody("A")) + "components: {schemas: {T: {type: string, description: '" + strings.Repeat("many words ", 1000) + "'}, A: {properties: {" + many(90, "p<i>: {$ref: '#/components/schemas/T'}, ") + "}}}}", "would be longer than 16777216 bytes together"},
	{"names that all become the same", head + paths(1, schemaBody("A")) + "components: {schemas: {A: {properties: {" + many(10_000, "'!<i>': {}, ") + "}}}}", ""},
	{"parameters that all become the same", head + paths(1, "{parameters: ["+many(5_000, "{name: 'п<i>', in: query}, ")+"]}"), ""},
	{"entries of a form that all become the same", head + paths(1, "{requestBody: {content: {application/x-www-form-urlencoded: {schema: {properties: {"+many(10_000, "'!<i>': {}, ")+"}}}}}}"), ""},
	{"ten thousand constants", head + paths(1, "{requestBody: {content: {application/json: {schema: {properties: {"+many(10_000, "c<i>: {const: x}, ")+"}, required: ["+many(10_000, "c<i>, ")+"]}}}}}"), ""},
	{"large values", head + paths(1, "{parameters: [{name: a, in: query, schema: {type: string, enum: ["+many(190, "'"+strings.Repeat("x", 3000)+"<i>', ")+"]}}]}"), ""},
	{"security without end", head + "security: [" + many(5_000, "{a<i>: [], b: []}, ") + "]\n" + paths(1, "{}"), ""},
	{"servers without end", "openapi: 3.0.0\nservers: [" + many(5_000, "{url: 'http://<i>.example'}, ") + "]\n" + paths(1, "{}"), ""},
	{"a server that grows", "openapi: 3.0.0\nservers: [{url: 'https://" + strings.Repeat("{a}", 1000) + "', variables: {a: {default: '" + strings.Repeat("{a}", 1000) + "'}}}]\n" + paths(1, "{}"), "The server's URL is longer than 2048 characters"},
}

func bombLines(n int) string {
	var out strings.Builder
	for i := 1; i <= n; i++ {
		last := fmt.Sprintf("*c%d,", i-1)
		fmt.Fprintf(&out, "c%d: &c%d [%s]\n", i, i, strings.Repeat(last, 10))
	}
	return out.String()
}

func doubling(n int) string {
	return many(n, "S<i>: {allOf: [{allOf: [{$ref: '#/components/schemas/S<next>'}]}, {$ref: '#/components/schemas/S<next>'}]},\n")
}

func doublingProperties(n int) string {
	return many(n, "S<i>: {required: [a, b], properties: {a: {$ref: '#/components/schemas/S<next>'}, b: {$ref: '#/components/schemas/S<next>'}}},\n")
}

func chain(n int) string { return many(n, "S<i>: {$ref: '#/components/schemas/S<next>'},\n") }

// A hostile document ends in a clear error, or in drafts, soon and without much
// memory. What is measured is all that was allocated, freed or not.
func TestHostileDocuments(t *testing.T) {
	const most = 300 << 20
	for _, tt := range hostile {
		t.Run(tt.name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
			defer cancel()
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			drafts, err := draft.FromOpenAPI(ctx, []byte(tt.document))
			runtime.ReadMemStats(&after)
			if used := after.TotalAlloc - before.TotalAlloc; used > most {
				t.Errorf("it took %d bytes of memory", used)
			}
			if tt.want == "" {
				if err != nil {
					t.Fatal(err)
				}
				checkDrafts(t, drafts)
				return
			}
			var refusal *callout.Error
			if !errors.As(err, &refusal) || refusal.Code != draft.InvalidOpenAPI || !strings.Contains(refusal.Message, tt.want) {
				t.Fatalf("got %v, want one with %q", err, tt.want)
			}
		})
	}
}

// ending is a context that ends when it has been asked a number of times.
type ending struct {
	context.Context
	left int
}

func (e *ending) Err() error {
	if e.left--; e.left < 0 {
		return context.Canceled
	}
	return nil
}

func TestTheContextEndsAnImport(t *testing.T) {
	document := []byte(head + paths(100, "{}"))
	for left := range 100 {
		if _, err := draft.FromOpenAPI(&ending{t.Context(), left}, document); !errors.Is(err, context.Canceled) {
			t.Errorf("after %d questions: %v", left, err)
		}
	}
}

// No message quotes the document: errors not at all, and notes no more of it than
// names and methods.
func TestNothingIsQuoted(t *testing.T) {
	const canary = "CaNaRy sEcReT"
	for _, document := range []string{
		canary, "a: [" + canary, `{"` + canary + `": }`, "openapi: " + canary, "openapi: 3.0.0\npaths: {/x: {get: {}}}\nservers: [{url: '" + canary + "'}]",
		head + "paths: {'/{{" + canary + "}}': {get: {}}}", head + "paths: {/x: {$ref: '" + canary + "'}}",
		head + "paths: {'/x " + canary + "': {post: {operationId: a, requestBody: {content: {'" + canary + "': {}}}, parameters: [{name: '" + canary + "', in: cookie}, {name: '" + canary + "', in: header}, {name: '" + canary + "', in: query, schema: {default: [1], type: integer}}], security: [{'" + canary + "': []}]}}, /y: {$ref: '" + canary + "'}}",
	} {
		drafts, err := draft.FromOpenAPI(t.Context(), []byte(document))
		shown := fmt.Sprintf("%+v", err)
		for _, d := range drafts {
			shown += strings.Join(d.Notes, "\n")
		}
		if strings.Contains(shown, "CaNaRy") {
			t.Errorf("%s", shown)
		}
	}
}
