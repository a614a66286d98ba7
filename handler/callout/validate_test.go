package callout_test

import (
	"fmt"
	"slices"
	"testing"

	"callout/handler/callout"
)

func TestAValidConfigHasNoFaults(t *testing.T) {
	tests{{"nothing changed", doc{}, ""}}.run(t)
}

func TestEveryFaultIsReported(t *testing.T) {
	tests{{"everything wrong", doc{
		"name": "A", "method": "post", "endpoint": "ftp://x", "description": text(1025), "instructions": text(8001),
		"approval": "maybe", "timeoutSeconds": 0, "maxResponseBytes": 0, "auth": doc{"type": "magic"},
		"headers": list{doc{"name": "Host", "value": "h"}},
		"fields":  list{doc{"name": "a b", "type": "text", "description": text(1025), "in": "cookie"}},
		"labels":  doc{"a b": "v"},
	}, "InvalidValue name, InvalidValue method, InvalidValue endpoint, TooLong description, TooLong instructions, " +
		"InvalidValue approval, InvalidValue timeoutSeconds, InvalidValue maxResponseBytes, InvalidValue auth.type, " +
		"InvalidValue headers[0].name, InvalidValue fields[0].name, TooLong fields[0].description, " +
		"InvalidValue fields[0].in, InvalidValue fields[0].type, InvalidValue labels"}}.run(t)
}

func TestNames(t *testing.T) {
	for name, want := range map[string]bool{
		"a": true, "crm_update_contact": true, "a0_": true, "a" + text(39): true,
		"": false, "a" + text(40): false, "A": false, "aB": false, "0a": false, "_a": false, "a-b": false, "a b": false,
		"a.b": false, "á": false, "a\n": false, "a\x00": false, "../a": false, "a%2f": false,
	} {
		wanted := ""
		if !want {
			wanted = "InvalidValue name"
		}
		if got := found(decode(t, with(doc{"name": name})).Validate(nil)); got != wanted {
			t.Errorf("%q: found %q, want %q", name, got, wanted)
		}
		if callout.ValidName(name) != want {
			t.Errorf("ValidName(%q) is %t", name, !want)
		}
	}
}

func TestTextsAndNumbers(t *testing.T) {
	tests{
		{"method unknown", doc{"method": "OPTIONS"}, "InvalidValue method"},
		{"method in small letters", doc{"method": "get", "fields": absent}, "InvalidValue method"},
		{"method with CRLF", doc{"method": "GET / HTTP/1.1\r\n", "fields": absent}, "InvalidValue method"},
		{"method missing", doc{"method": absent, "fields": absent}, "InvalidValue method"},
		{"description of 1,024 characters", doc{"description": text(1023) + "é"}, ""},
		{"description of 1,025", doc{"description": text(1025)}, "TooLong description"},
		{"instructions of 8,000 characters", doc{"instructions": text(7999) + "é"}, ""},
		{"instructions of 8,001", doc{"instructions": text(8001)}, "TooLong instructions"},
		{"approval required", doc{"approval": "required"}, ""},
		{"approval none", doc{"approval": "none"}, ""},
		{"approval empty", doc{"approval": ""}, "InvalidValue approval"},
		{"1 second", doc{"timeoutSeconds": 1}, ""},
		{"200 seconds", doc{"timeoutSeconds": 200}, ""},
		{"0 seconds", doc{"timeoutSeconds": 0}, "InvalidValue timeoutSeconds"},
		{"201 seconds", doc{"timeoutSeconds": 201}, "InvalidValue timeoutSeconds"},
		{"negative time", doc{"timeoutSeconds": -1}, "InvalidValue timeoutSeconds"},
		{"response of 1 byte", doc{"maxResponseBytes": 1}, ""},
		{"response of 4 MiB", doc{"maxResponseBytes": 4 << 20}, ""},
		{"response of 0 bytes", doc{"maxResponseBytes": 0}, "InvalidValue maxResponseBytes"},
		{"response over 4 MiB", doc{"maxResponseBytes": 4<<20 + 1}, "InvalidValue maxResponseBytes"},
		{"5 retries", doc{"retries": 5}, ""},
		{"6 retries", doc{"retries": 6}, "InvalidValue retries"},
		{"less than no retries", doc{"retries": -1}, "InvalidValue retries"},
	}.run(t)
}

func TestLabels(t *testing.T) {
	labels := func(n int) doc {
		out := doc{}
		for i := range n {
			out[fmt.Sprintf("k%d", i)] = "v"
		}
		return out
	}
	tests{
		{"50", doc{"labels": labels(50)}, ""},
		{"51", doc{"labels": labels(51)}, "TooLong labels"},
		{"name of 64", doc{"labels": doc{text(64): "v"}}, ""},
		{"name of 65", doc{"labels": doc{text(65): "v"}}, "InvalidValue labels"},
		{"name empty", doc{"labels": doc{"": "v"}}, "InvalidValue labels"},
		{"name with a space", doc{"labels": doc{"a b": "v"}}, "InvalidValue labels"},
		{"value of 256 bytes", doc{"labels": doc{"k": text(256)}}, ""},
		{"value of 257", doc{"labels": doc{"k": text(257)}}, "InvalidValue labels"},
		{"value empty", doc{"labels": doc{"k": ""}}, ""},
	}.run(t)
}

func TestFields(t *testing.T) {
	fields := func(f ...doc) doc {
		out := list{}
		for _, field := range f {
			if field["name"] == nil {
				field["name"] = "f"
			}
			out = append(out, field)
		}
		return doc{"fields": out}
	}
	many := func(n int) doc {
		return doc{"fields": listOf(n, func(i int) doc { return doc{"name": fmt.Sprintf("f%d", i), "type": "string"} })}
	}
	get := func(d doc) doc { d["method"] = "GET"; return d }
	tests{
		{"100", many(100), ""},
		{"101", many(101), "TooLong fields"},
		{"name of 64", fields(doc{"name": text(64), "type": "string"}), ""},
		{"name of 65", fields(doc{"name": text(65), "type": "string"}), "InvalidValue fields[0].name"},
		{"name empty", fields(doc{"name": "", "type": "string"}), "InvalidValue fields[0].name"},
		{"name with signs", fields(doc{"name": "a.b-c_D9", "type": "string"}), ""},
		{"name with brackets", fields(doc{"name": "filter[x]", "type": "string"}), "InvalidValue fields[0].name"},
		{"the same name twice", fields(doc{"type": "string"}, doc{"type": "number"}), "InvalidValue fields[1].name"},
		{"the same in body and query", fields(doc{"type": "string"}, doc{"type": "string", "in": "query"}), "InvalidValue fields[1].name"},
		{"names that differ in case", fields(doc{"name": "a", "type": "string"}, doc{"name": "A", "type": "string"}), ""},
		{"description of 1,024", fields(doc{"type": "string", "description": text(1024)}), ""},
		{"description of 1,025", fields(doc{"type": "string", "description": text(1025)}), "TooLong fields[0].description"},
		{"in the query of a POST", fields(doc{"type": "string", "in": "query"}), ""},
		{"in the body of a GET", get(fields(doc{"type": "string", "in": "body"})), "InvalidValue fields[0].in"},
		{"in a cookie", fields(doc{"type": "string", "in": "cookie"}), "InvalidValue fields[0].in"},
		{"named like a secret value", fields(doc{"name": "secret.f", "type": "string"}), "InvalidValue fields[0].name"},
		{"named secret", fields(doc{"name": "secret", "type": "string"}, doc{"name": "secrets.f", "type": "string"}), ""},
		{"type missing", fields(doc{}), "InvalidValue fields[0].type"},
		{"type unknown", fields(doc{"type": "date"}), "InvalidValue fields[0].type"},
		{"every type", fields(doc{"name": "a", "type": "string"}, doc{"name": "b", "type": "number"}, doc{"name": "c", "type": "integer"},
			doc{"name": "d", "type": "boolean"}, doc{"name": "e", "type": "array"}, doc{"name": "f", "type": "object"}), ""},
		{"bounds of a number", fields(doc{"type": "number", "minimum": -1.5, "maximum": 1e3}), ""},
		{"bounds of a string", fields(doc{"type": "string", "minimum": 1}), "InvalidValue fields[0]"},
		{"bounds that are equal", fields(doc{"type": "integer", "minimum": 10, "maximum": 1e1}), ""},
		{"bounds the wrong way round", fields(doc{"type": "integer", "minimum": 2, "maximum": 1.9}), "InvalidValue fields[0]"},
		{"bounds without a whole number between", fields(doc{"type": "integer", "minimum": 1.2, "maximum": 1.8}), "InvalidValue fields[0]"},
		{"bounds with a number between", fields(doc{"type": "number", "minimum": 1.2, "maximum": 1.8}), ""},
		{"bounds below zero with one whole number", fields(doc{"type": "integer", "minimum": -2.5, "maximum": -1.9}), ""},
		{"maxLength of a string", fields(doc{"type": "string", "maxLength": 0}), ""},
		{"maxLength of a number", fields(doc{"type": "number", "maxLength": 1}), "InvalidValue fields[0].maxLength"},
		{"maxLength negative", fields(doc{"type": "string", "maxLength": -1}), "InvalidValue fields[0].maxLength"},
		{"items of an array", fields(doc{"type": "array", "items": doc{"type": "integer"}}), ""},
		{"items of a string", fields(doc{"type": "string", "items": doc{"type": "integer"}}), "InvalidValue fields[0].items"},
		{"items of items", fields(doc{"type": "array", "items": doc{"type": "array", "items": doc{"type": "x"}}}), "InvalidValue fields[0].items.items.type"},
		{"200 values", fields(doc{"type": "integer", "enum": make([]int, 200)}), ""},
		{"201 values", fields(doc{"type": "integer", "enum": make([]int, 201)}), "TooLong fields[0].enum"},
	}.run(t)
}

func TestAuth(t *testing.T) {
	auth := func(members ...any) doc {
		out := doc{}
		for i := 0; i < len(members); i += 2 {
			out[members[i].(string)] = members[i+1]
		}
		return doc{"auth": out}
	}
	const key = "key-12345"
	tests{
		{"none", auth("type", "none"), ""},
		{"nothing said", auth(), ""},
		{"none with a token", auth("type", "none", "token", key), "InvalidValue auth.token"},
		{"unknown type", auth("type", "ntlm"), "InvalidValue auth.type"},
		{"type in capitals", auth("type", "Bearer", "token", key), "InvalidValue auth.type"},

		{"bearer", auth("type", "bearer", "token", key), ""},
		{"bearer without a token", auth("type", "bearer"), "MissingValue auth.token"},
		{"bearer with a cleared token", auth("type", "bearer", "token", nil), "MissingValue auth.token"},
		{"bearer with a password", auth("type", "bearer", "token", key, "password", key), "InvalidValue auth.password"},
		{"bearer with CRLF", auth("type", "bearer", "token", "abcdefgh\r\nX: y"), "InvalidValue auth.token"},
		{"bearer with a space at the end", auth("type", "bearer", "token", key+" "), "InvalidValue auth.token"},
		{"bearer outside ASCII", auth("type", "bearer", "token", "schlüssel"), "InvalidValue auth.token"},

		{"basic", auth("type", "basic", "username", "u", "password", "pass-word"), ""},
		{"basic, short password", auth("type", "basic", "username", "u", "password", "p"), ""},
		{"basic, empty password", auth("type", "basic", "username", "u", "password", ""), ""},
		{"basic, password in Greek", auth("type", "basic", "username", "u", "password", "κλειδί"), ""},
		{"basic without a password", auth("type", "basic", "username", "u"), "MissingValue auth.password"},
		{"basic without a user name", auth("type", "basic", "password", "p"), ""},
		{"basic with nothing", auth("type", "basic"), "MissingValue auth.password"},
		{"basic with a colon", auth("type", "basic", "username", "a:b", "password", "p"), "InvalidValue auth.username"},
		{"basic, secret user name", auth("type", "basic", "usernameSecret", true, "username", key, "password", "p"), ""},
		{"basic, secret user name with a colon", auth("type", "basic", "usernameSecret", true, "username", key+":", "password", "p"), "InvalidValue auth.username"},
		{"basic, short secret user name", auth("type", "basic", "usernameSecret", true, "username", "1234567", "password", "p"), "InvalidValue auth.username"},
		{"basic, long user name", auth("type", "basic", "username", text(8192), "password", "p"), ""},
		{"basic, longer user name", auth("type", "basic", "username", text(8193), "password", "p"), "TooLong auth.username"},
		{"basic with a key and a header", auth("type", "basic", "username", "u", "password", "p", "key", key, "header", "X"), "InvalidValue auth.header, InvalidValue auth.key"},

		{"apiKey in a header", auth("type", "apiKey", "header", "X-Api-Key", "key", key), ""},
		{"apiKey with a prefix", auth("type", "apiKey", "header", "Authorization", "key", key, "prefix", "Token token="), ""},
		{"apiKey with nothing", auth("type", "apiKey"), "MissingValue auth.key, InvalidValue auth.header"},
		{"apiKey without a header", auth("type", "apiKey", "key", key), "InvalidValue auth.header"},
		{"apiKey in a reserved header", auth("type", "apiKey", "key", key, "header", "Host"), "InvalidValue auth.header"},
		{"apiKey in a header with CRLF", auth("type", "apiKey", "key", key, "header", "X\r\nY"), "InvalidValue auth.header"},
		{"apiKey with CRLF", auth("type", "apiKey", "header", "X-Key", "key", "abcdefgh\n"), "InvalidValue auth.key"},
		{"prefix of 64", auth("type", "apiKey", "header", "X-Key", "key", key, "prefix", text(63)+" "), ""},
		{"prefix of 65", auth("type", "apiKey", "header", "X-Key", "key", key, "prefix", text(65)), "InvalidValue auth.prefix"},
		{"prefix with CRLF", auth("type", "apiKey", "header", "X-Key", "key", key, "prefix", "a\r\nb"), "InvalidValue auth.prefix"},
		{"prefix that begins with a space", auth("type", "apiKey", "header", "X-Key", "key", key, "prefix", " a"), "InvalidValue auth.prefix"},
		{"apiKey in the query", auth("type", "apiKey", "in", "query", "query", "api.key-1", "key", key), ""},
		{"apiKey in the query, any characters", auth("type", "apiKey", "in", "query", "query", "k", "key", "ключ\r\n&=#"), ""},
		{"apiKey in the query without a name", auth("type", "apiKey", "in", "query", "key", key), "InvalidValue auth.query"},
		{"apiKey in the query, odd name", auth("type", "apiKey", "in", "query", "query", "a&b", "key", key), "InvalidValue auth.query"},
		{"apiKey in the query with a header", auth("type", "apiKey", "in", "query", "query", "k", "header", "X", "key", key), "InvalidValue auth.in"},
		{"apiKey in the query with a prefix", auth("type", "apiKey", "in", "query", "query", "k", "prefix", "P", "key", key), "InvalidValue auth.in"},
		{"apiKey in a header with a query", auth("type", "apiKey", "query", "k", "header", "X-Key", "key", key), "InvalidValue auth.query"},
		{"apiKey in the body", auth("type", "apiKey", "in", "body", "key", key), "InvalidValue auth.in"},
		{"bearer in the query", auth("type", "bearer", "token", key, "in", "query"), "InvalidValue auth.in"},
	}.run(t)
}

// What the credential sets nobody else may set: which of the two an upstream
// reads cannot be known.
func TestTakenByTheCredential(t *testing.T) {
	header := func(name string) list { return list{doc{"name": name, "value": "other-value"}} }
	bearer := doc{"type": "bearer", "token": "key-12345"}
	basic := doc{"type": "basic", "username": "u", "password": "p"}
	inHeader := doc{"type": "apiKey", "header": "X-Key", "key": "key-12345"}
	inQuery := doc{"type": "apiKey", "in": "query", "query": "key", "key": "key-12345"}
	field := func(in string) list { return list{doc{"name": "key", "type": "string", "in": in}} }
	tests{
		{"none leaves Authorization", doc{"headers": header("Authorization")}, ""},
		{"bearer", doc{"auth": bearer, "headers": header("Authorization")}, "InvalidValue headers[0].name"},
		{"basic", doc{"auth": basic, "headers": header("AUTHORIZATION")}, "InvalidValue headers[0].name"},
		{"apiKey", doc{"auth": inHeader, "headers": header("x-key")}, "InvalidValue headers[0].name"},
		{"apiKey leaves Authorization", doc{"auth": inHeader, "headers": header("Authorization")}, ""},
		{"apiKey in the query leaves headers", doc{"auth": inQuery, "headers": header("key")}, ""},
		{"apiKey in the query and a field there", doc{"auth": inQuery, "fields": field("query")}, "InvalidValue fields[0].name"},
		{"apiKey in the query of an endpoint that sets it", doc{"auth": inQuery, "endpoint": "https://api.example.com/?key=1"}, "InvalidValue auth.query"},
		{"apiKey in the query of an endpoint that lets an agent set it",
			doc{"auth": inQuery, "endpoint": "https://api.example.com/?key={{key}}", "fields": list{doc{"name": "key", "type": "string"}}}, "InvalidValue auth.query"},
		{"apiKey in the query and a field in the body", doc{"auth": inQuery, "fields": field("body")}, ""},
		{"apiKey in a header and a field in the query", doc{"auth": inHeader, "fields": field("query")}, ""},
	}.run(t)
}

func TestSecretLengths(t *testing.T) {
	bearer := func(n int) doc { return doc{"auth": doc{"type": "bearer", "token": text(n)}} }
	basic := func(n int) doc {
		return doc{"auth": doc{"type": "basic", "username": "u", "password": text(n)}}
	}
	query := func(n int) doc {
		return doc{"auth": doc{"type": "apiKey", "in": "query", "query": "q", "key": text(n)}}
	}
	headers := func(sizes ...int) doc {
		return doc{"headers": listOf(len(sizes), func(i int) doc {
			return doc{"name": fmt.Sprintf("X-Key-%d", i), "value": text(sizes[i])}
		})}
	}
	both := func(a, b doc) doc { a["headers"] = b["headers"]; return a }
	tests{
		{"8 bytes", bearer(8), ""},
		{"8 bytes of 4 characters", doc{"auth": doc{"type": "apiKey", "in": "query", "query": "q", "key": "éééé"}}, ""},
		{"7 bytes", bearer(7), "InvalidValue auth.token"},
		{"none at all", bearer(0), "InvalidValue auth.token"},
		{"key of 7 bytes", query(7), "InvalidValue auth.key"},
		{"header of 7 bytes", headers(8, 7), "InvalidValue headers[1].value"},
		{"8 KiB", query(8192), ""},
		{"8 KiB and one", query(8193), "TooLong auth.key"},
		{"token of 8 KiB", bearer(8192), ""},
		{"token of 8 KiB and one", bearer(8193), "InvalidValue auth.token, TooLong auth.token"},
		{"password of 8 KiB", basic(8192), ""},
		{"password of 8 KiB and one", basic(8193), "TooLong auth.password"},
		{"24,000 bytes in all", both(bearer(8000), headers(8000, 8000)), ""},
		{"24,001 bytes in all", both(bearer(8000), headers(8000, 8001)), "TooLong"},
	}.run(t)
}

// What is in the vault already need not be given again.
func TestKeptSecretsAreNotMissing(t *testing.T) {
	for path, change := range map[string]doc{
		"auth.token":              {"auth": doc{"type": "bearer"}},
		"auth.password":           {"auth": doc{"type": "basic", "username": "u"}},
		"auth.username":           {"auth": doc{"type": "basic", "usernameSecret": true, "password": "p"}},
		"auth.key":                {"auth": doc{"type": "apiKey", "header": "X-Key"}},
		"endpoint":                {"endpoint": "https://hooks.example.com", "endpointSecret": true},
		"auth.tokenAuth.password": tokenAuth(doc{"type": "basic", "username": "u"}),
		"auth.tokenAuth.token":    tokenAuth(doc{"type": "bearer"}),
	} {
		c := decode(t, with(change))
		if got := found(c.Validate([]string{path})); got != "" {
			t.Errorf("%s is kept, and still: %s", path, got)
		}
		if got, want := found(c.Validate(nil)), "MissingValue "+path; got != want {
			t.Errorf("%s is not kept: found %q, want %q", path, got, want)
		}
		if got, want := found(c.Validate([]string{"auth.other"})), "MissingValue "+path; got != want {
			t.Errorf("another than %s is kept: found %q, want %q", path, got, want)
		}
	}
}

func TestRefuse(t *testing.T) {
	one := callout.Fault{Code: callout.InvalidValue, Target: "name", Message: "Wrong."}
	two := callout.Fault{Code: callout.TooLong, Target: "fields", Message: "Long."}
	if err := callout.Refuse(callout.InvalidConfig, nil); err != nil {
		t.Errorf("no faults give %v", err)
	}
	e := callout.Refuse(callout.InvalidConfig, []callout.Fault{one}).(*callout.Error)
	if e.Code != callout.InvalidConfig || e.Message != "Wrong." || e.Target != "name" || !slices.Equal(e.Details, []callout.Fault{one}) {
		t.Errorf("one fault gives %+v", e)
	}
	e = callout.Refuse(callout.InvalidConfig, []callout.Fault{one, two}).(*callout.Error)
	if e.Message != "2 faults were found; each is listed in details." || e.Target != "" || len(e.Details) != 2 {
		t.Errorf("two faults give %+v", e)
	}
}
