package callout_test

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"callout/handler/callout"
)

// templated returns changes of base that declare the fields id, q and h, required
// texts, and the secret value key.
func templated(changes doc) doc {
	out := doc{
		"method": "GET", "secretValues": doc{"key": "canary-key"},
		"fields": list{doc{"name": "id", "type": "string", "required": true}, doc{"name": "q", "type": "string", "required": true}, doc{"name": "h", "type": "string", "required": true}},
	}
	maps.Copy(out, changes)
	return out
}

func TestPlaceholdersInAnEndpoint(t *testing.T) {
	at := func(endpoint string) doc { return templated(doc{"endpoint": endpoint}) }
	const bad = "InvalidValue endpoint"
	cases := tests{
		{"a segment", at("https://api.example.com/v1/items/{{id}}"), ""},
		{"the first segment", at("https://api.example.com/{{id}}"), ""},
		{"spaces around the name", at("https://api.example.com/{{ id }}/{{  secret.key }}"), ""},
		{"parts of a segment", at("https://api.example.com/items/id-{{id}}.{{q}}.json"), ""},
		{"a secret value in the path", at("https://api.example.com/{{secret.key}}/{{id}}"), ""},
		{"values of the query", at("https://api.example.com/?a={{id}}&b=x{{q}}y&c={{secret.key}}&d"), ""},
		{"the same field in several places", at("https://api.example.com/{{id}}/{{id}}?id={{id}}"), ""},
		{"a sign that is encoded beside it", at("https://api.example.com/%41{{id}}?a=%2F{{q}}"), ""},
		{"an equals sign in a value", at("https://api.example.com/?filter=id={{id}}"), ""},
		{"beside a port and an address", at("https://[2001:db8::1]:8443/{{id}}"), ""},

		{"the scheme", at("{{id}}://api.example.com/"), bad},
		{"the host", at("https://{{id}}/v1"), bad},
		{"the host, by a secret value", at("https://{{secret.key}}/v1"), bad},
		{"a part of the host", at("https://{{id}}.example.com/v1"), bad},
		{"the end of the host", at("https://api.example.com{{id}}"), bad},
		{"the end of the host, before a query", at("https://api.example.com{{id}}?a=b"), bad},
		{"the port", at("https://api.example.com:{{id}}/"), bad},
		{"the user", at("https://{{id}}@api.example.com/"), bad},
		{"all of it", at("{{id}}{{q}}"), bad},
		{"scheme and host", at("{{secret.key}}/v1"), bad},
		{"all behind the scheme", at("https:{{id}}"), bad},
		{"the name of a parameter", at("https://api.example.com/?{{id}}=x"), bad},
		{"a part of the name of a parameter", at("https://api.example.com/?a=b&x[{{id}}]=x"), bad},
		{"a parameter without a name", at("https://api.example.com/?{{id}}"), bad},
		{"the name of a parameter, by a secret value", at("https://api.example.com/?{{secret.key}}=x"), bad},
		{"the fragment", at("https://api.example.com/#{{id}}"), bad},
		{"the digits of an escape in the path", at("https://api.example.com/%{{id}}"), bad},
		{"the last digit of an escape in the path", at("https://api.example.com/%2{{id}}"), bad},
		{"the digits of an escape in the query", at("https://api.example.com/?a=%{{id}}"), bad},
		{"the last digit of an escape in the query", at("https://api.example.com/?a=%2{{id}}"), bad},
		{"single braces beside it", at("https://api.example.com/{{id}}/{ORG_ID}"), bad},
		{"a brace too many", at("https://api.example.com/{{id}}}"), bad},
		{"three braces", at("https://api.example.com/{{{id}}}"), bad},
		{"not closed", at("https://api.example.com/{{id"), bad},
		{"no name", at("https://api.example.com/{{}}"), bad},
		{"a space elsewhere", at("https://api.example.com/{{id}} "), bad},
		{"no such field", at("https://api.example.com/{{nobody}}"), bad},
		{"a field in another letter case", at("https://api.example.com/{{ID}}"), bad},
		{"two that do not exist", at("https://api.example.com/{{nobody}}/{{nothing}}"), bad},
		{"no such secret value", at("https://api.example.com/{{secret.other}}"), "MissingValue endpoint"},
		{"a field that is none, named like a secret value", at("https://api.example.com/{{key}}"), bad},
		{"a secret value that is cleared", templated(doc{"endpoint": "https://api.example.com/{{secret.key}}", "secretValues": doc{"key": nil}}), "MissingValue endpoint"},
		{"2,049 characters with a placeholder", at("https://api.example.com/{{id}}" + text(2049-30)), "TooLong endpoint"},
	}
	cases.run(t)
	for i := range cases { // a hidden one is judged like any other
		hidden := maps.Clone(cases[i].change)
		hidden["endpointSecret"] = true
		cases[i].name, cases[i].change = "hidden: "+cases[i].name, hidden
	}
	cases.run(t)
}

func TestPlaceholdersInHeaders(t *testing.T) {
	one := func(name, value string) doc {
		return templated(doc{"method": "POST", "headers": list{doc{"name": name, "value": value, "secret": false}}})
	}
	hidden := func(value string) doc {
		return templated(doc{"method": "POST", "headers": list{doc{"name": "X-Key", "value": value}}})
	}
	const bad = "InvalidValue headers[0].value"
	tests{
		{"a field", one("X-Id", "{{id}}"), ""},
		{"fields in text", one("X-Id", "a={{id}}; b={{ q }}"), ""},
		{"a secret value", one("X-Auth", "Token {{secret.key}}"), ""},
		{"a secret value in Authorization", one("Authorization", "Bearer {{secret.key}}"), ""},
		{"single braces", one("X-Json", `{"a": 1}`), ""},
		{"hidden", hidden("prefix-{{id}}-{{secret.key}}"), ""},
		{"no placeholder", one("X-Id", "{{id"), bad},
		{"no placeholder, hidden", hidden("abcdefgh{{"), bad},
		{"no such field", one("X-Id", "{{nobody}}"), bad},
		{"no such field, hidden", hidden("long-enough-{{nobody}}"), bad},
		{"no such secret value", one("X-Id", "{{secret.other}}"), "MissingValue headers[0].value"},
		{"no such secret value, hidden", hidden("{{secret.other}}"), "MissingValue headers[0].value"},
		{"in the name", one("X-{{id}}", "x"), "InvalidValue headers[0].name"},
		{"an argument in Authorization", one("Authorization", "Bearer {{id}}"), bad},
		{"an argument in COOKIE", one("COOKIE", "{{secret.key}}; id={{id}}"), bad},
		{"an argument in Content-Type", one("Content-Type", "application/{{id}}"), bad},
		{"an argument in a hidden Cookie", templated(doc{"headers": list{doc{"name": "Cookie", "value": "long-enough={{id}}", "secret": true}}}), bad},
	}.run(t)
}

// A secret value that goes into a header is one that a header can hold.
func TestSecretValuesInHeaders(t *testing.T) {
	value := func(v, header string) doc {
		return doc{"secretValues": doc{"key": v}, "headers": list{doc{"name": "X-A", "value": header}, doc{"name": "X-B", "value": header}}}
	}
	tests{
		{"printable", value("canary !~", "{{secret.key}}"), ""},
		{"with a space at its ends, inside of text", value(" canary ", "a{{secret.key}}b"), ""},
		{"with a line break", value("canary\r\nEvil: 1", "{{secret.key}}"), "InvalidValue secretValues.key"},
		{"outside ASCII", value("schlüssel", "{{secret.key}}"), "InvalidValue secretValues.key"},
		{"with a line break, elsewhere", value("canary\r\nx", "plain"), ""},
	}.run(t)
}

func TestPlaceholdersInATokenRequest(t *testing.T) {
	asks := func(changes doc) doc { return templated(asking(changes)) }
	url := func(u string) doc { return asks(doc{"tokenUrl": u}) }
	hidden := func(value string) doc {
		return asks(doc{"parameters": list{doc{"name": "client_id", "value": "c"}, doc{"name": "client_secret", "value": value}}})
	}
	parameter := func(value string) doc {
		return asks(doc{"parameters": list{doc{"name": "scope", "value": value}}})
	}
	const badURL, bad = "InvalidValue auth.tokenUrl", "InvalidValue auth.parameters[0].value"
	tests{
		{"a secret value in the path", url("https://auth.example.com/{{secret.key}}/token"), ""},
		{"a secret value in the query", url("https://auth.example.com/token?key={{secret.key}}"), ""},
		{"a secret value as a parameter", parameter("{{secret.key}}"), ""},
		{"a secret value within a parameter", parameter("a {{secret.key}} {b}\r\n"), ""},
		{"a secret value within a secret", hidden("a-{{secret.key}}"), ""},
		{"a field in the path", url("https://auth.example.com/{{id}}/token"), badURL},
		{"a field in the query", url("https://auth.example.com/token?key={{id}}"), badURL},
		{"a field as a parameter", parameter("{{id}}"), bad},
		{"a field beside a secret value", parameter("{{secret.key}}{{id}}"), bad},
		{"a field within a secret", hidden("long-enough-{{id}}"), "InvalidValue auth.parameters[1].value"},
		{"a field that there is none of", parameter("{{nobody}}"), bad},
		{"the host", url("https://{{secret.key}}/token"), badURL},
		{"the name of a parameter of the query", url("https://auth.example.com/token?{{secret.key}}=a"), badURL},
		{"no such secret value in the URL", url("https://auth.example.com/{{secret.other}}"), "MissingValue auth.tokenUrl"},
		{"no such secret value as a parameter", parameter("{{secret.other}}"), "MissingValue auth.parameters[0].value"},
		{"no such secret value within a secret", hidden("{{secret.other}}"), "MissingValue auth.parameters[1].value"},
		{"no placeholder in the URL", url("https://auth.example.com/{{secret.key"), badURL},
		{"no placeholder in a parameter", parameter("{{"), bad},
		{"no placeholder in a secret", hidden("1234{{5678"), "InvalidValue auth.parameters[1].value"},
	}.run(t)
}

func TestFieldsInPathAndHeader(t *testing.T) {
	one := func(endpoint string, members doc) doc {
		f := doc{"name": "id", "type": "string"}
		maps.Copy(f, members)
		return doc{"method": "GET", "endpoint": endpoint, "fields": list{f}}
	}
	const plain, inPath, inQuery = "https://api.example.com/", "https://api.example.com/{{id}}", "https://api.example.com/?x={{id}}"
	header := func(name string) doc { return one(plain, doc{"name": name, "in": "header"}) }
	const badIn, badName, badType = "MissingValue fields[0].in", "InvalidValue fields[0].name", "InvalidValue fields[0].type"
	tests{
		{"path, named there and required", one(inPath, doc{"in": "path", "required": true}), ""},
		{"path, named there with a default", one(inPath, doc{"in": "path", "default": "x"}), ""},
		{"path, named there and optional", one(inPath, doc{"in": "path"}), "InvalidValue fields[0].required"},
		{"path, not named", one(plain, doc{"in": "path", "required": true}), badIn},
		{"path, named in the query only", one(inQuery, doc{"in": "path", "required": true}), badIn},
		{"path, where nothing can be read", one(plain+"{{", doc{"in": "path", "required": true}), "InvalidValue endpoint"},
		{"nothing said, named in the path and optional", one(inPath, nil), "InvalidValue fields[0].required"},
		{"query, named in the path", one(inPath, doc{"in": "query", "required": true}), ""},
		{"nothing said, named in the query and optional", one(inQuery, nil), ""},
		{"query, named there under its own name", one("https://api.example.com/?id={{id}}", doc{"in": "query"}), ""},
		{"query, taken by another template", one("https://api.example.com/?id=a{{id2}}", doc{}), badName + ", InvalidValue endpoint"},
		{"body of a GET, named in the path", one(inPath, doc{"in": "body", "required": true}), "InvalidValue fields[0].in"},

		{"a number in the path", one(inPath, doc{"type": "number", "required": true}), ""},
		{"an integer in the path", one(inPath, doc{"type": "integer", "required": true}), ""},
		{"true or false in the path", one(inPath, doc{"type": "boolean", "required": true}), ""},
		{"an array in the path", one(inPath, doc{"type": "array", "required": true}), badType},
		{"an object in the path", one(inPath, doc{"type": "object", "required": true}), badType},
		{"an array in the query", one(inQuery, doc{"type": "array"}), ""},
		{"an array as a header", one(plain, doc{"type": "array", "in": "header"}), badType},
		{"an object as a header", one(plain, doc{"type": "object", "in": "header"}), badType},
		{"an array in the query, said to be a header as well", one(inQuery, doc{"type": "array", "in": "header"}), badType},
		{"a boolean as a header", one(plain, doc{"type": "boolean", "in": "header"}), ""},

		{"a header", header("X-Request-Id"), ""},
		{"a header of every sign that a name may have", header("a.b-c_D9"), ""},
		{"two headers", doc{"fields": list{doc{"name": "X-A", "type": "string", "in": "header"}, doc{"name": "X-B", "type": "string", "in": "header"}}}, ""},
		{"the same header in another case", doc{"fields": list{doc{"name": "X-A", "type": "string", "in": "header"}, doc{"name": "x-a", "type": "string", "in": "header"}}}, "InvalidValue fields[1].name"},
		{"a header that is configured", doc{"headers": list{doc{"name": "X-A", "value": "v"}}, "fields": list{doc{"name": "x-a", "type": "string", "in": "header"}}}, badName},
		{"a header that the credential sets", doc{"auth": doc{"type": "apiKey", "header": "X-Cred", "key": "canary-key"}, "fields": list{doc{"name": "x-cred", "type": "string", "in": "header"}}}, badName},
		{"Authorization", header("Authorization"), badName},
		{"what CGI takes for X-Forwarded-For", header("x_Forwarded_For"), badName},
		{"said to be a header of a reserved name, and named elsewhere", one("https://api.example.com/?x={{Host}}", doc{"name": "Host", "in": "header"}), badName},
		{"said to be a header of a reserved name, and named in the body", doc{"body": list{doc{"a": "x {{ Host }}"}}, "fields": list{doc{"name": "Host", "type": "string", "in": "header"}}}, badName},
		{"in the query under a taken name, and named in the body", doc{"endpoint": "https://api.example.com/?id=1", "body": "{{id}}", "fields": list{doc{"name": "id", "type": "string", "in": "query"}}}, badName},
		{"path, named in the body only", doc{"body": "{{id}}", "fields": list{doc{"name": "id", "type": "string", "in": "path"}}}, badIn},
		{"an array in a configured header", doc{"headers": list{doc{"name": "X-A", "value": "{{tags}}"}}, "fields": list{doc{"name": "tags", "type": "array"}}}, badType},
	}.run(t)
}

// What the corpus keeps from agents no argument reaches, neither as a header of
// its own nor within a configured one.
func TestHeadersThatNoAgentSets(t *testing.T) {
	names := []string{"Set-Cookie", "X-Forwarded-Proto", "Content-Type", "Content-Length", "X-Original-Host", "Via", "Upgrade", "Expect", "X-HTTP-Method", "X-Rewrite-URL"}
	allowed := []string{"X-Request-Id", "Accept-Language", "If-Match", "Range", "X-Ms-Version", "Prefer"}
	data, err := os.ReadFile("testdata/headers.txt")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(data)) {
		column := strings.Split(line, "\t")
		if strings.HasPrefix(line, "#") || column[4] != `"v"` {
			continue
		}
		name, err := strconv.Unquote(column[3])
		if err != nil {
			t.Fatal(line)
		}
		names = append(names, name)
	}
	if len(names) < 30 {
		t.Errorf("the corpus names only %d headers", len(names))
	}
	refused := func(d doc) string {
		return found(slices.DeleteFunc(decode(t, with(d)).Validate(nil), func(f callout.Fault) bool { return f.Code != callout.InvalidValue }))
	}
	for _, name := range append(names, allowed...) {
		for _, spelt := range []string{name, strings.ToLower(name), strings.ToUpper(name)} {
			want := !slices.Contains(allowed, name)
			if got := refused(doc{"fields": list{doc{"name": spelt, "type": "string", "in": "header"}}}); (got != "") != want || !strings.Contains(got, "fields[0].name") && want {
				t.Errorf("%q as a header: found %q, want refused %t", spelt, got, want)
			}
			configured := list{doc{"name": spelt, "value": "{{email}}", "secret": false}}
			if got := refused(doc{"headers": configured}); (got != "") != want {
				t.Errorf("%q with an argument: found %q, want refused %t", spelt, got, want)
			}
		}
	}
}

// Faults of names that are themselves at fault are not told twice.
func TestAPlaceholderMayMeanTheFieldThatIsAtFault(t *testing.T) {
	tests{
		{"a name that is none", doc{"endpoint": "https://api.example.com/?a={{email}}", "fields": list{doc{"name": "e mail", "type": "string"}}}, "InvalidValue fields[0].name"},
		{"beside another fault of the endpoint", doc{"endpoint": "https://u@api.example.com/?a={{email}}", "fields": list{doc{"name": "", "type": "string"}}}, "InvalidValue endpoint, InvalidValue fields[0].name"},
	}.run(t)
}

func TestReferences(t *testing.T) {
	given := decode(t, with(templated(doc{
		"endpoint": "https://api.example.com/{{id}}/{{secret.key}}?a={{id}}&b={{q}}{{q}}", "endpointSecret": true,
		"headers": list{doc{"name": "X-Key", "value": "{{h}}{{secret.key}}"}, doc{"name": "X-Plain", "value": "{{id}}"}},
		"auth":    oauth(doc{"tokenUrl": "https://auth.example.com/{{secret.tenant}}", "parameters": list{doc{"name": "client_secret", "value": "{{secret.client}}"}, doc{"name": "pin", "value": "1"}}}),
	})))
	const want = "[{path id } {path  key} {query id } {query q } {header h } {header  key} {header id }]"
	const wantToken = "[secretValues/tenant secretValues/client]"
	row := stored(given)
	again := parse(t, encode(t, row))
	again = again.Replacing(row)
	for what, c := range map[string]*callout.Config{"given": given, "stored": row, "put back": again, "with its secrets": row.WithSecrets(given.Given())} {
		if got := fmt.Sprint(c.References()); got != want {
			t.Errorf("%s: %s, want %s", what, got, want)
		}
		if got := fmt.Sprint(c.TokenSecrets()); got != wantToken && what != "with its secrets" {
			t.Errorf("%s: a token request names %s, want %s", what, got, wantToken)
		}
	}
	if got := fmt.Sprint(decode(t, base()).References(), decode(t, base()).TokenSecrets()); got != "[] []" {
		t.Errorf("without placeholders there are %s", got)
	}
}
