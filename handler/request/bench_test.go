package request_test

import (
	"fmt"
	"strings"
	"testing"

	"callout/handler/callout"
	"callout/handler/request"
)

// nested is a configuration with 20 fields: 16 of them in a nested template of
// the body, the others in path, query and a header.
func nested(b *testing.B) (*callout.Config, request.Arguments) {
	b.Helper()
	args := request.Arguments{"org": "contoso", "repo": "help desk", "page": "7", "trace": "00-4bf92f3577b34da6-00"}
	specs := list{doc{"name": "org", "type": "string", "required": true}, doc{"name": "repo", "type": "string", "required": true},
		doc{"name": "page", "type": "string", "in": "query"}, doc{"name": "trace", "type": "string"}}
	var items []string
	for i := range 4 {
		var members []string
		for j := range 4 {
			name := fmt.Sprintf("f%d%d", i, j)
			specs, args[name] = append(specs, doc{"name": name, "type": "string"}), "Value of "+name+", with a \"quote\" and a line\n"
			members = append(members, fmt.Sprintf(`"m%d": {"contentType": "Text", "content": "{{%s}}"}`, j, name))
		}
		items = append(items, fmt.Sprintf(`{"type": "item", "kind": {"id": %d, "self": [true, null]}, "note": "Item {{f%d0}} of {{f%d1}}", %s}`, i, i, i, strings.Join(members, ", ")))
	}
	c := config(b, doc{"endpoint": "https://api.example.com/v1/orgs/{{org}}/{{repo}}/items", "fields": specs, "secretValues": doc{"key": "canary-key"},
		"headers": list{doc{"name": "Traceparent", "value": "{{trace}}"}}, "body": raw(`{"routing_key": "{{secret.key}}", "items": [` + strings.Join(items, ", ") + `]}`)})
	return c, args
}

// A request from a nested template of 20 fields is to cost less than 20 µs.
func BenchmarkBuildNested(b *testing.B) {
	c, args := nested(b)
	template := compile(b, c)
	req := build(b, c, args)
	b.SetBytes(req.ContentLength)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := template.Build(b.Context(), c, args); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkValidateNested(b *testing.B) {
	c, args := nested(b)
	template := compile(b, c)
	b.ReportAllocs()
	for b.Loop() {
		if faults := template.Validate(args); len(faults) > 0 {
			b.Fatal(faults)
		}
	}
}

func BenchmarkCompileNested(b *testing.B) {
	c, _ := nested(b)
	b.ReportAllocs()
	for b.Loop() {
		request.Compile(c)
	}
}
