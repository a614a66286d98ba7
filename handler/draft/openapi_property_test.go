package draft_test

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"callout/handler/callout"
	"callout/handler/draft"
)

// author writes random OpenAPI documents, good and bad, out of few names and
// values, so that these meet.
type author struct{ *rand.Rand }

type doc = map[string]any

func (a author) one(of ...any) any { return of[a.IntN(len(of))] }

func (a author) name() string {
	return a.one("id", "Id", "x", "x[y]", "$x", "x y", "{{x}}", "secret.x", "X-Key", "x-key", "api_key", "password", "é", "", "host", strings.Repeat("long", 20)).(string)
}

func (a author) value() any {
	return a.one("a", "", "{{x}}", "a/b", "..", "é", " a ", "a\r\nb", 1, -1.5, json.Number("1e999"), json.Number("9007199254740993"), true, nil, []any{1}, doc{"a": "b"}, strings.Repeat("v", 5000))
}

// some makes 0 to n members of random names.
func (a author) some(n int, value func() any) doc {
	out := doc{}
	for range a.IntN(n + 1) {
		out[a.name()] = value()
	}
	return out
}

func (a author) list(n int, value func() any) []any {
	out := []any{}
	for range a.IntN(n + 1) {
		out = append(out, value())
	}
	return out
}

func (a author) schema(depth int) any {
	if a.IntN(4) == 0 {
		return doc{"$ref": "#/components/schemas/" + a.one("A", "B", "C", "D", "missing").(string)}
	}
	inner := func() any { return a.schema(depth - 1) }
	keywords := map[string]func() any{
		"type": func() any {
			return a.one("string", "integer", "number", "boolean", "array", "object", "null", []any{"null", "string", "object"})
		},
		"enum": func() any { return a.list(3, a.value) }, "const": a.value, "default": a.value, "required": func() any { return a.list(3, func() any { return a.name() }) },
		"minimum": a.value, "maximum": a.value, "exclusiveMinimum": a.value, "maxLength": a.value,
		"readOnly": func() any { return true }, "nullable": func() any { return true }, "deprecated": func() any { return true },
		"description": func() any { return strings.Repeat("Some words. ", a.IntN(200)) }, "format": func() any { return a.one("date", "password", "<b>") },
	}
	if depth > 0 {
		keywords["properties"] = func() any { return a.some(4, inner) }
		keywords["items"] = inner
		keywords["additionalProperties"] = func() any { return a.one(true, doc{"type": "string"}) }
		for _, keyword := range []string{"allOf", "oneOf", "anyOf"} {
			keywords[keyword] = func() any { return a.list(3, inner) }
		}
	}
	out := doc{}
	for _, keyword := range slices.Sorted(maps.Keys(keywords)) { // so that a seed tells it all
		if a.IntN(4) == 0 {
			out[keyword] = keywords[keyword]()
		}
	}
	return out
}

func (a author) operation() any {
	parameter := func() any {
		return doc{"name": a.name(), "in": a.one("path", "query", "header", "cookie"), "required": a.IntN(2) == 0, "schema": a.schema(2),
			"style": a.one("form", "deepObject", "pipeDelimited"), "explode": a.IntN(2) == 0, "description": a.one("", "Of a parameter")}
	}
	content := doc{a.one("application/json", "application/x-www-form-urlencoded", "application/hal+json", "text/plain", "*/*").(string): doc{"schema": a.schema(4)}}
	return doc{"operationId": a.name(), "parameters": a.list(6, parameter), "requestBody": doc{"content": content},
		"security": a.list(3, func() any { return a.some(2, func() any { return []any{"scope"} }) })}
}

func (a author) document() doc {
	paths := doc{}
	for range 3 {
		item := doc{}
		for _, method := range []string{"get", "post", "put", "patch", "delete"} {
			item[method] = a.operation()
		}
		paths["/"+a.one("a", "a b", "{id}", "{x}.{id}/{id}", "{x[y]}/%2", "é?a=b", "{{x}}").(string)] = item
	}
	scheme := func() any {
		return doc{"type": a.one("apiKey", "http", "oauth2", "mutualTLS"), "in": a.one("header", "query", "cookie"), "name": a.name(), "scheme": a.one("bearer", "basic"),
			"flows": doc{a.one("clientCredentials", "password", "implicit").(string): doc{"tokenUrl": a.one("/token", "https://a.example/t", "", "{x}")}}}
	}
	return doc{"openapi": "3.1.0", "servers": []any{doc{"url": a.one("https://a.example/v1", "https://hooks.slack.com/services")}}, "paths": paths,
		"components": doc{"securitySchemes": a.some(8, scheme), "schemas": doc{"A": a.schema(3), "B": a.schema(3), "C": a.schema(3), "D": a.schema(3)}}}
}

// Whatever a document says, its drafts can be stored and called.
func TestRandomDocuments(t *testing.T) {
	seed := rand.Uint64()
	a := author{rand.New(rand.NewPCG(seed, 0))}
	made, fields, bodies := 0, 0, 0
	for range 60 {
		document, err := json.Marshal(a.document())
		if err != nil {
			t.Fatal(err)
		}
		drafts, err := draft.FromOpenAPI(context.Background(), document)
		var refusal *callout.Error
		if err != nil && !errors.As(err, &refusal) {
			t.Fatalf("seed %d: %v", seed, err)
		}
		if checkDrafts(t, drafts); t.Failed() {
			t.Fatalf("seed %d: %s", seed, document)
		}
		for _, d := range drafts {
			made, fields, bodies = made+1, fields+len(d.Config.Fields), bodies+min(1, len(d.Config.Body))
		}
	}
	if made < 200 || fields < 200 || bodies < 20 {
		t.Errorf("seed %d: only %d drafts, %d fields and %d templates: the documents are too bad", seed, made, fields, bodies)
	}
}
