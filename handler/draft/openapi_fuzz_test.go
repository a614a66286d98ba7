package draft_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"callout/handler/callout"
	"callout/handler/draft"
)

// FuzzFromOpenAPI checks that whatever is given ends in a refusal that says why,
// or in drafts that can be stored and called.
func FuzzFromOpenAPI(f *testing.F) {
	for _, operation := range []string{
		"{operationId: a, summary: b, parameters: [{name: 'c[d]', in: query, style: deepObject, schema: {type: object, properties: {e: {type: array, items: {enum: [1]}}}}}]}",
		"{parameters: [{name: X-A, in: header, required: true, schema: {const: b}}, {name: x-a, in: header, schema: {type: string, default: ' c'}}, {name: id, in: path, schema: {enum: [a/b, c]}}]}",
		"{requestBody: {content: {application/json: {schema: {required: [a, b], properties: {a: {const: '{{x}}'}, b: {required: [c], properties: {c: {enum: [1.50]}, 'd{{': {}}}, api_key: {default: {f: [1]}}}}}}}}",
		"{requestBody: {content: {application/x-www-form-urlencoded: {schema: {required: [a], properties: {a: {properties: {b: {const: '1'}}, required: [b]}, 'a[b]': {}, c: {type: array}}}}}}}",
		"{security: [{k: [], q: [], c: []}], servers: [{url: 'https://{h}.example/{{x}}', variables: {h: {default: 'a/b?c'}}}]}",
		"{requestBody: {content: {application/x+json: {schema: {oneOf: [{type: 'null'}, {allOf: [{$ref: '#/paths'}, {$ref: 'x'}, true, null]}], type: [array, 'null'], items: {minimum: 2, maximum: 1, exclusiveMinimum: true}}}}}}",
	} {
		f.Add("openapi: 3.1.0\nservers: [{url: 'https://a.example/'}]\npaths: {'/x/{id}/%/y?z={': {get: " + operation + "}, '/x/{id}#f': {post: " + operation + ", put: " + operation + "}}\n" +
			"components: {securitySchemes: {k: {type: apiKey, in: header, name: X-A}, q: {type: apiKey, in: query, name: 'a b'}, c: {type: apiKey, in: cookie}}}\n")
	}
	f.Add(`{"openapi": "3.0.0", "servers": [{"url": "https://hooks.slack.com/services"}], "paths": {"/a/{}/{secret.x}": {"delete": {"deprecated": true, "description": "\u0000\ud800"}}}}`)
	f.Add(strings.ReplaceAll(components, "\ncomponents", "openapi: 3.0.0\npaths: {/: {get: {}}}\nservers: [{url: 'http://1:2'}]\ncomponents"))
	f.Fuzz(func(t *testing.T, document string) {
		drafts, err := draft.FromOpenAPI(context.Background(), []byte(document))
		checkDrafts(t, drafts)
		var refusal *callout.Error
		if err != nil && (!errors.As(err, &refusal) || refusal.Code != draft.InvalidOpenAPI || refusal.Message == "" || len(refusal.Details) == 0) {
			t.Errorf("the error is %+v", err)
		}
		if err == nil && len(drafts) == 0 {
			t.Error("there is neither a draft nor an error")
		}
	})
}
