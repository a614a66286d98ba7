package request_test

import (
	"fmt"
	"strings"
	"testing"

	"callout/handler/callout"
	"callout/handler/request"
)

// named reports whether a template has a placeholder of the name.
func named(template, name string) bool {
	return strings.Contains(template, "{{"+name+"}}") || strings.Contains(template, "{{ "+name+" }}")
}

func TestEndpoint(t *testing.T) {
	const host = "https://api.example.com:8443"
	for _, tt := range []struct{ name, endpoint, arguments, want string }{
		{"a segment", "/v1/items/{{s}}", `{"s": "a b"}`, "/v1/items/a%20b"},
		{"a part of a segment", "/v1/items-{{s}}.json", `{"s": "7"}`, "/v1/items-7.json"},
		{"several", "/repos/{{s}}/{{t}}/issues", `{"s": "octo", "t": "cat"}`, "/repos/octo/cat/issues"},
		{"two in one segment", "/{{s}}:{{t}}", `{"s": "a", "t": "b"}`, "/a:b"},
		{"only what is unreserved stays", "/{{s}}", `{"s": "aZ09-._~!$&'()*+,;=:@%25é😀\"<>"}`,
			"/aZ09-._~%21%24%26%27%28%29%2A%2B%2C%3B%3D%3A%40%2525%C3%A9%F0%9F%98%80%22%3C%3E"},
		{"the configured path stays", "/a%2fb;c=d/x|y\"/{{s}}/", `{"s": "a;b"}`, "/a%2fb;c=d/x%7Cy%22/a%3Bb/"},
		{"empty segments stay", "//a//{{s}}", `{"s": "b"}`, "//a//b"},
		{"a number", "/{{n}}", `{"n": 1E+05}`, "/1E%2B05"},
		{"a negative zero", "/{{n}}", `{"n": -0}`, "/-0"},
		{"a large number", "/{{n}}", `{"n": 9007199254740993}`, "/9007199254740993"},
		{"true or false", "/{{b}}", `{"b": false}`, "/false"},
		{"a default", "/{{d}}", `{}`, "/none"},
		{"in the query", "/v1?q={{s}}", `{"s": "a b+c"}`, "/v1?q=a+b%2Bc"},
		{"in the query without a path", "?q={{s}}", `{"s": "a#b"}`, "?q=a%23b"},
		{"inside a longer value", "/v1?filter=name%20eq%20'{{s}}'&x=1", `{"s": "a&b=c"}`, "/v1?filter=name%20eq%20'a%26b%3Dc'&x=1"},
		{"what is absent is dropped", "/v1?a={{s}}&x=2&c=x{{t}}", `{}`, "/v1?x=2"},
		{"all is absent", "/v1?a={{s}}", `{}`, "/v1"},
		{"an empty text stays", "/v1?a={{s}}", `{"s": ""}`, "/v1?a="},
		{"the configured query stays", "/v1?c=%2f+%20&a[]=1&&x&q={{s}}", `{"s": "1"}`, "/v1?c=%2f+%20&a[]=1&&x&q=1"},
		{"an array is repeated", "/v1?id={{l}}&x=1", `{"l": [1, "a b", null]}`, "/v1?id=1&id=a+b&id=null&x=1"},
		{"an empty array is none", "/v1?id={{l}}", `{"l": []}`, "/v1"},
		{"an array inside a text is JSON", "/v1?id=in:{{l}}", `{"l": [1, "a"]}`, "/v1?id=in:%5B1%2C%22a%22%5D"},
		{"spaces within the braces", "/{{ s }}?q={{ t }}", `{"s": "a", "t": "b"}`, "/a?q=b"},
		{"arguments are not looked at again", "/{{s}}?q={{t}}", `{"s": "{{t}}", "t": "{{s}}&{{secret.key}}"}`, "/%7B%7Bt%7D%7D?q=%7B%7Bs%7D%7D%26%7B%7Bsecret.key%7D%7D"},
		{"secrets", "/hooks/{{secret.key}}?k={{secret.key}}&x=1", `{}`, "/hooks/canary%2F%22key?k=canary%2F%22key&x=1"},
		{"what is not named is appended", "/{{s}}?q={{t}}", `{"s": "a", "t": "b", "u": "c"}`, "/a?q=b&u=c"},
		{"named twice", "/{{s}}?q={{s}}", `{"s": "a b"}`, "/a%20b?q=a+b"},
		{"a place that is said as well", "/{{p}}", `{"p": "a"}`, "/a"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			specs := fields("s:string:query", "t:string:query", "u:string:query", "n:number:query", "b:boolean:query", "l:array:query", "p:string:body")
			specs = append(specs, doc{"name": "d", "type": "string", "default": "none", "in": "header"})
			path, _, _ := strings.Cut(tt.endpoint, "?")
			for _, field := range specs {
				if field := field.(doc); named(path, field["name"].(string)) {
					field["required"] = true
					if field["in"] == "query" { // it would go there as well
						delete(field, "in")
					}
				}
			}
			changes := doc{"endpoint": host + tt.endpoint, "fields": specs, "secretValues": doc{"key": `canary/"key`}}
			for _, secret := range []bool{false, true} { // it is filled in in the same way
				changes["endpointSecret"] = secret
				req := build(t, config(t, changes), arguments(t, tt.arguments))
				if got := req.URL.String(); got != host+tt.want || req.Host != "api.example.com:8443" {
					t.Errorf("secret %v: got\n%s, want\n%s", secret, got, host+tt.want)
				}
			}
		})
	}
}

func TestArgumentsThatDoNotFitAPath(t *testing.T) {
	refused := []string{"", ".", "..", "/", "../../admin", "a/b", "..\\..", `a\b`, "a\x00b", "a\nb", "a\x7f", "a\u0085b"}
	for _, endpoint := range []string{"/items/{{x}}", "/items/.{{x}}", "/items/{{x}}.", "/items/a{{x}}?q={{x}}"} {
		for _, hidden := range []bool{false, true} {
			c := config(t, doc{"endpoint": "https://api.example.com" + endpoint, "endpointSecret": hidden, "fields": list{doc{"name": "x", "type": "string", "required": true}}})
			template := compile(t, c)
			for _, x := range refused {
				if got := found(template.Validate(request.Arguments{"x": x})); got != "InvalidValue arguments.x" {
					t.Errorf("%s, %q: found %q", endpoint, x, got)
				}
			}
			for _, x := range []string{"...", ".a", "a..b", "%2e%2e", "%2f", "..;", ":", "~", "{{x}}"} {
				if got := found(template.Validate(request.Arguments{"x": x})); got != "" {
					t.Errorf("%s, %q: found %q", endpoint, x, got)
				}
			}
		}
	}
}

// What only the stored text of a secret endpoint names is known from what was
// noted when it was given.
func TestFieldsOfAStoredEndpoint(t *testing.T) {
	c := config(t, doc{"endpoint": "https://hooks.example.com/canary/{{x}}?q={{y}}", "endpointSecret": true,
		"fields": list{doc{"name": "x", "type": "string", "required": true}, doc{"name": "y", "type": "string"}, doc{"name": "z", "type": "string", "in": "query"}}})
	stored := c.WithoutSecrets()
	template, faults := request.Compile(stored)
	if len(faults) > 0 {
		t.Fatalf("found %+v", faults)
	}
	if got := found(template.Validate(arguments(t, `{"x": "a/b", "y": "a/b"}`))); got != "InvalidValue arguments.x" {
		t.Errorf("found %q", got)
	}
	args := arguments(t, `{"x": "a", "y": "b", "z": "c"}`)
	for want, filled := range map[string]*callout.Config{
		"https://hooks.example.com/canary/a?q=b&z=c": stored.WithSecrets(c.Given()),
		"https://hooks.example.com/[secret]?z=c":     stored,
	} {
		req, err := template.Build(t.Context(), filled, args)
		if err != nil || req.URL.String() != want || body(t, req) != "{}" {
			t.Errorf("got %v, %v, want %s", req, err, want)
		}
	}
}

// Build is the last to look. Whatever it is given, it makes no request to another
// place.
func TestBuildStaysWhereItIsConfigured(t *testing.T) {
	for _, tt := range []struct{ endpoint, x string }{
		{"https://api.example.com/v1/{{x}}", ".."}, {"https://api.example.com/v1/{{x}}", "."}, {"https://api.example.com/v1/{{x}}", ""},
		{"https://api.example.com/v1/.{{x}}", "."}, {"https://api.example.com/v1/%2e{{x}}", "."}, {"https://api.example.com/v1/%2E{{x}}/a", "."},
		{"https://{{x}}.example.com/v1", "evil"}, {"https://api.example.com:{{x}}/v1", "1"}, {"{{x}}://api.example.com/v1", "http"},
		{"https://api.example.com{{x}}/v1", "@evil.example"}, {"https://api.example.com/v1?{{x}}=1", "admin"}, {"https://api.example.com/v1?a&{{x}}", "admin"},
		{"https://canary.example:port/", ""}, {"/v1/{{x}}", "a"}, {"https:///{{x}}", "a"}, {"https://api.example.com/%zz/{{x}}", "a"}, {"https://a@api.example.com/{{x}}", "a"},
		{"https://api.example.com/{{x", "a"}, {"https://api.example.com/?q={{x", "a"}, {"https://api.example.com/?q={{x}}#canary", "a"}, {"", ""},
	} {
		for _, hidden := range []bool{false, true} {
			c := config(t, doc{"endpoint": tt.endpoint, "endpointSecret": hidden, "fields": list{doc{"name": "x", "type": "string", "required": true}}})
			template, _ := request.Compile(c)
			req, err := template.Build(t.Context(), c, request.Arguments{"x": tt.x})
			if err == nil || strings.Contains(fmt.Sprint(err), "canary") {
				t.Errorf("%s with %q: got %v, %v", tt.endpoint, tt.x, req, err)
			}
		}
	}
}
