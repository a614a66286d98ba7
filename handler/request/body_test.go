package request_test

import (
	"encoding/json"
	"testing"
)

// raw is JSON as it stands, the order of its members included.
type raw = json.RawMessage

// A template is filled in as data: types are kept, what is absent goes, and the
// members are in its order.
func TestBodyTemplate(t *testing.T) {
	for _, tt := range []struct{ name, template, arguments, want string }{
		{"nothing to fill in", `{"z": 1, "a": [true, null, "x"], "é": {}}`, `{}`, `{"z":1,"a":[true,null,"x"],"é":{}}`},
		{"numbers to the last digit", `[1.50, -0, 1E+05, 9007199254740993, 3.141592653589793238462643383279]`, `{}`, `[1.50,-0,1E+05,9007199254740993,3.141592653589793238462643383279]`},
		{"types are kept", `{"s": "{{s}}", "n": "{{n}}", "i": "{{i}}", "b": "{{b}}", "l": "{{l}}", "o": "{{o}}"}`,
			`{"s": "1", "n": 1.50, "i": 9007199254740993, "b": false, "l": [1, "2", null], "o": {"b": [], "a": {}}}`,
			`{"s":"1","n":1.50,"i":9007199254740993,"b":false,"l":[1,"2",null],"o":{"a":{},"b":[]}}`},
		{"nested", `{"z": {"y": [{"x": "{{s}}"}]}, "a": 1}`, `{"s": "v"}`, `{"z":{"y":[{"x":"v"}]},"a":1}`},
		{"array at the root", `[{"summary": "{{s}}"}]`, `{"s": "v"}`, `[{"summary":"v"}]`},
		{"argument at the root", `"{{o}}"`, `{"o": {"a": 1}}`, `{"a":1}`},
		{"nothing at the root", `"{{o}}"`, `{}`, `null`},
		{"spaces within the braces", `{"a": "{{ s }}"}`, `{"s": "v"}`, `{"a":"v"}`},
		{"spaces around make a text", `{"a": " {{n}}"}`, `{"n": 1}`, `{"a":" 1"}`},
		{"inside a text", `{"t": "{{s}}: {{n}}, {{b}}, {{l}}, {{o}}."}`, `{"s": "v", "n": 1E5, "b": true, "l": ["a", 1, null], "o": {"b": "\"", "a": []}}`,
			`{"t":"v: 1E5, true, [\"a\",1,null], {\"a\":[],\"b\":\"\\\"\"}."}`},
		{"absent inside a text", `{"t": "Hello {{s}}!"}`, `{}`, `{"t":"Hello !"}`},
		{"two that are absent make an empty text", `{"t": "{{s}}{{n}}"}`, `{}`, `{"t":""}`},
		{"an absent member goes", `{"a": "{{s}}", "b": 1, "c": "{{n}}", "d": "{{b}}"}`, `{"n": 2}`, `{"b":1,"c":2}`},
		{"an absent element goes", `["{{s}}", 1, "{{n}}", "{{b}}"]`, `{"b": true}`, `[1,true]`},
		{"objects and arrays stay", `{"o": {"a": "{{s}}"}, "l": ["{{n}}", ["{{b}}"]]}`, `{}`, `{"o":{},"l":[[]]}`},
		{"null counts as absent", `{"a": "{{s}}", "b": "{{l}}"}`, `{"s": null, "l": [null]}`, `{"b":[null]}`},
		{"in several places", `{"a": "{{s}}", "b": ["{{s}}", "<{{s}}>"]}`, `{"s": "v"}`, `{"a":"v","b":["v","<v>"]}`},
		{"literal texts", `{"a\"\\": "line\nfeed \u0001 \u2028 <b> é"}`, `{}`, "{\"a\\\"\\\\\":\"line\\nfeed \\u0001 \u2028 <b> é\"}"},
		{"literal text around", `{"a": "\"\\{{s}}\n"}`, `{"s": "\"\\\n"}`, `{"a":"\"\\\"\\\n\n"}`},
		{"arguments are not looked at again", `{"a": "{{s}}", "b": "x{{s}}"}`, `{"s": "{{n}}{{secret.key}}", "n": 1}`, `{"a":"{{n}}{{secret.key}}","b":"x{{n}}{{secret.key}}"}`},
		{"arguments stay within their place", `{"a": "{{s}}", "b": "x{{s}}y"}`, `{"s": "\",\"admin\":true,\"c\":\""}`,
			`{"a":"\",\"admin\":true,\"c\":\"","b":"x\",\"admin\":true,\"c\":\"y"}`},
		{"secrets are texts", `{"routing_key": "{{secret.key}}", "t": "key={{ secret.key }}"}`, `{}`, `{"routing_key":"canary\"key","t":"key=canary\"key"}`},
		{"an argument does not name a secret", `{"k": "{{secret.key}}", "s": "{{s}}"}`, `{"s": "secret.key"}`, `{"k":"canary\"key","s":"secret.key"}`},
		{"each secret has its name", `["{{secret.other}}", "{{secret.key}}"]`, `{}`, `["canary-other","canary\"key"]`},
		{"single braces are text", `{"a": "{s} }} ${s}"}`, `{}`, `{"a":"{s} }} ${s}"}`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := config(t, doc{"body": raw(tt.template), "secretValues": doc{"key": `canary"key`, "other": "canary-other"},
				"fields": fieldsIn(tt.template, "s:string", "n:number", "i:integer", "b:boolean", "l:array", "o:object")})
			req := build(t, c, arguments(t, tt.arguments))
			if got := body(t, req); got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
			if req.Header.Get("Content-Type") != "application/json" {
				t.Errorf("the Content-Type is %q", req.Header.Get("Content-Type"))
			}
		})
	}
}

// fieldsIn makes fields of specs, in the query where the template does not name
// them.
func fieldsIn(template string, specs ...string) list {
	out := list{}
	for _, field := range fields(specs...) {
		field := field.(doc)
		if !named(template, field["name"].(string)) {
			field["in"] = "query"
		}
		out = append(out, field)
	}
	return out
}

func TestForm(t *testing.T) {
	for _, tt := range []struct{ name, template, arguments, want string }{
		{"the fields, in their order", "", `{"l": [1, "a b", null, [2, 3]], "s": "é&=+%", "n": 1.50, "b": false, "o": {"b": "<", "a": 1}}`,
			`s=%C3%A9%26%3D%2B%25&n=1.50&i=7&b=false&l=1&l=a+b&l=null&l=2%2C3&o=%7B%22a%22%3A1%2C%22b%22%3A%22%3C%22%7D`},
		{"what is absent goes", "", `{"s": "v", "n": null, "l": []}`, `s=v&i=7`},
		{"only defaults", "", `{}`, `i=7`},
		{"an empty text stays", "", `{"s": ""}`, `s=&i=7`},
		{"a template", `{"To": "{{s}}", "metadata[key]": "{{n}}", "fixed": "a b", "x y": 1.50, "live": false, "text": "no. {{n}} &"}`, `{"s": "+49 170", "n": 5}`,
			`To=%2B49+170&metadata%5Bkey%5D=5&fixed=a+b&x+y=1.50&live=false&text=no.+5+%26`},
		{"arrays are repeated names", `{"a[]": ["{{s}}", 1, "x", true, "{{l}}", "{{n}}"], "b": [], "c": "{{l}}"}`, `{"s": "v", "l": [2, 3]}`,
			`a%5B%5D=v&a%5B%5D=1&a%5B%5D=x&a%5B%5D=true&a%5B%5D=2&a%5B%5D=3&c=2&c=3`},
		{"absent inside a text", `{"a": "<{{s}}>", "b": "{{s}}", "c": ""}`, `{}`, `a=%3C%3E&c=`},
		{"secrets", `{"key": "{{secret.key}}", "t": "k:{{secret.key}}"}`, `{}`, `key=canary%22key&t=k%3Acanary%22key`},
		{"arguments stay within their place", `{"a": "{{s}}", "b": "x{{s}}"}`, `{"s": "v&admin=true\r\n{{secret.key}}"}`,
			`a=v%26admin%3Dtrue%0D%0A%7B%7Bsecret.key%7D%7D&b=xv%26admin%3Dtrue%0D%0A%7B%7Bsecret.key%7D%7D`},
		{"an empty template", `{}`, `{}`, ``},
	} {
		t.Run(tt.name, func(t *testing.T) {
			changes := doc{"bodyFormat": "form", "secretValues": doc{"key": `canary"key`}}
			specs := fields("s:string", "n:number", "i:integer", "b:boolean", "l:array", "o:object")
			if tt.template != "" {
				changes["body"] = raw(tt.template)
				specs = fieldsIn(tt.template, "s:string", "n:number", "i:integer", "b:boolean", "l:array", "o:object")
			}
			specs[2].(doc)["default"] = 7
			changes["fields"] = specs
			req := build(t, config(t, changes), arguments(t, tt.arguments))
			if got := body(t, req); got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
			if got := req.Header.Get("Content-Type"); got != "application/x-www-form-urlencoded" {
				t.Errorf("the Content-Type is %q", got)
			}
		})
	}
}

func TestContentTypeAsConfigured(t *testing.T) {
	for format, want := range map[string]string{"json": "application/vnd.api+json", "form": "application/vnd.api+json", "none": "application/vnd.api+json"} {
		c := config(t, doc{"bodyFormat": format, "headers": list{doc{"name": "content-type", "value": "application/vnd.api+json"}}})
		if got := build(t, c, nil).Header.Get("Content-Type"); got != want {
			t.Errorf("%s: the Content-Type is %q", format, got)
		}
	}
}

func TestNoBody(t *testing.T) {
	for _, method := range []string{"POST", "PUT", "PATCH", "GET", "DELETE"} {
		c := config(t, doc{"method": method, "bodyFormat": "none", "fields": fields("q:string:query")})
		req := build(t, c, arguments(t, `{"q": "1"}`))
		if req.Body != nil || req.ContentLength != 0 || req.Header.Get("Content-Type") != "" || req.URL.RawQuery != "q=1" {
			t.Errorf("%s: body %v, %d bytes of %q", method, req.Body, req.ContentLength, req.Header.Get("Content-Type"))
		}
	}
}
