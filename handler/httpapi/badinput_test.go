package httpapi

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
)

// canary stands in every value below. It must not come back, neither in an
// answer nor in the log.
const canary = "canary4711"

// refused sends a body that must be refused without being quoted or stored, and
// returns the error.
func (s *service) refused(t *testing.T, status int, method, path, body string) problem {
	t.Helper()
	got := s.call(method, path, body)
	if got.status != status {
		t.Errorf("status %d, want %d: %s", got.status, status, got.body)
	}
	if whole := fmt.Sprint(got.header, string(got.body), s.log); strings.Contains(whole, canary) {
		t.Errorf("a submitted value is quoted in %s", whole)
	}
	p := got.problem()
	if !strings.HasSuffix(p.Message, ".") {
		t.Errorf("the message is no sentence: %q", p.Message)
	}
	for _, d := range p.Details {
		if d.Code == "" || !strings.HasSuffix(d.Message, ".") {
			t.Errorf("a fault says too little: %+v", d)
		}
	}
	s.untouched()
	return p
}

func TestBodiesThatAreNoDocument(t *testing.T) {
	cases := []struct{ name, body string }{
		{"nothing", ""},
		{"spaces", "  \n"},
		{"no JSON", canary},
		{"cut short", `{"name":"` + canary},
		{"a missing quote", `{"name:"` + canary + `"}`},
		{"single quotes", `{'name':'` + canary + `'}`},
		{"a comma too many", `{"name":"` + canary + `",}`},
		{"a comment", `{"name":"crm" /* ` + canary + ` */}`},
		{"something behind", `{"name":"crm"} ` + canary},
		{"two documents", `{"name":"crm"}{"name":"` + canary + `"}`},
		{"a member twice", `{"name":"crm","name":"` + canary + `"}`},
		{"a member twice, written differently", `{"name":"crm","n\u0061me":"` + canary + `"}`},
		{"a member twice inside", `{"auth":{"type":"bearer","token":"` + canary + `","token":"` + canary + `"}}`},
		{"invalid UTF-8", `{"name":"` + canary + "\xff\xfe" + `"}`},
		{"UTF-8 of a surrogate", `{"name":"` + canary + "\xed\xa0\x80" + `"}`},
		{"UTF-16", "\xff\xfe{\x00}\x00"},
		{"a byte order mark", "\ufeff{}"},
		{"33 levels", strings.Repeat(`[`, 33) + `"` + canary + `"` + strings.Repeat(`]`, 33)},
		{"33 levels of objects", strings.Repeat(`{"a":`, 33) + `"` + canary + `"` + strings.Repeat(`}`, 33)},
		{"10,000 levels", strings.Repeat(`[`, 10000) + strings.Repeat(`]`, 10000)},
		{"50,000 levels without an end", strings.Repeat(`{"a":`, 50000)},
		{"a control character", "{\"name\":\"" + canary + "\x00\"}"},
		{"a number beyond all", `{"timeoutSeconds":1e99999}`},
		{"a number with an endless exponent", `{"timeoutSeconds":1e` + strings.Repeat("9", 1000) + `}`},
		{"a number of 10,000 digits", `{"timeoutSeconds":` + strings.Repeat("9", 10000) + `}`},
		{"no number", `{"timeoutSeconds":NaN}`},
		{"a hexadecimal number", `{"timeoutSeconds":0x1e}`},
		{"a number that begins with 0", `{"timeoutSeconds":030}`},
	}
	s := newService(t)
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			for _, at := range [][2]string{{"POST", "/configs"}, {"PUT", "/configs/crm"}, {"PATCH", "/configs/crm"}, {"POST", "/test"}} {
				if got := s.refused(t, 400, at[0], at[1], c.body); got.Code != "InvalidJson" {
					t.Errorf("%s %s: code %s", at[0], at[1], got.Code)
				}
			}
			if c.body == "" { // which means: no arguments
				return
			}
			for _, path := range []string{"/configs/crm/test", "/execute/crm"} {
				if got := s.refused(t, 400, "POST", path, c.body); got.Code != "InvalidJson" {
					t.Errorf("%s: code %s", path, got.Code)
				}
			}
		})
	}
}

func TestDocumentsThatAreNoObject(t *testing.T) {
	s := newService(t)
	for _, body := range []string{`null`, `true`, `0`, `"` + canary + `"`, `[]`, `["` + canary + `"]`, `[{"name":"crm"}]`} {
		for _, at := range [][2]string{{"POST", "/configs"}, {"PUT", "/configs/crm"}, {"POST", "/test"}, {"POST", "/configs/crm/test"}, {"POST", "/execute/crm"}} {
			p := s.refused(t, 400, at[0], at[1], body)
			if len(p.Details) != 1 || p.Details[0].Code != "InvalidType" {
				t.Errorf("%s %s with %s: %+v", at[0], at[1], body, p)
			}
		}
	}
	s.want(201, "POST", "/configs", s.config("crm", "/ok", nil))
	for _, body := range []string{`null`, `0`, `"x"`, `[]`} {
		if p := s.want(400, "PATCH", "/configs/crm", body).problem(); p.Code != "InvalidConfig" {
			t.Errorf("PATCH with %s: %+v", body, p)
		}
	}
}

func TestTheLargestBody(t *testing.T) {
	const most = 262144 // 256 KiB
	s := newService(t)
	fits := s.config("crm", "/ok", nil)
	fits += strings.Repeat(" ", most-len(fits))
	s.want(201, "POST", "/configs", fits)
	s.want(200, "PUT", "/configs/crm", fits)
	s.want(204, "DELETE", "/configs/crm", "")
	for _, at := range [][2]string{{"POST", "/configs"}, {"PUT", "/configs/crm"}, {"PATCH", "/configs/crm"}, {"POST", "/test"}, {"POST", "/configs/crm/test"}, {"POST", "/execute/crm"}} {
		for _, body := range []string{fits + " ", strings.Repeat(canary, 100000)} {
			if p := s.refused(t, 413, at[0], at[1], body); p.Code != "PayloadTooLarge" {
				t.Errorf("%s %s: %+v", at[0], at[1], p)
			}
		}
	}
}

// What is wrong with one member of a configuration, and where that is said.
func TestConfigurationsWithOneFault(t *testing.T) {
	long := func(n int) string { return canary + strings.Repeat("x", n-len(canary)+1) }
	cases := []struct {
		name   string
		change doc
		target string
	}{
		{"an unknown property", doc{"unknown": canary}, "unknown"},
		{"another letter case", doc{"Endpoint": canary}, "Endpoint"},
		{"a property that cannot be named", doc{canary + "\r\n": canary}, "(unreadable name)"},
		{"an unknown property of auth", doc{"auth": doc{"type": "none", "unknown": canary}}, "auth.unknown"},
		{"an unknown property of a header", doc{"headers": []any{doc{"name": "A", "unknown": canary}}}, "headers[0].unknown"},
		{"an unknown property of a field", doc{"fields": []any{doc{"name": "a", "type": "string", "unknown": canary}}}, "fields[0].unknown"},
		{"an unknown property of items", doc{"fields": []any{doc{"name": "a", "type": "array", "items": doc{"type": "string", "unknown": canary}}}}, "fields[0].items.unknown"},
		{"an unknown property of what is read-only", doc{"lastTest": doc{"at": "x", "ok": true, "summary": "", "unknown": canary}}, "lastTest.unknown"},

		{"no name", doc{"name": nil}, "name"},
		{"an empty name", doc{"name": ""}, "name"},
		{"capitals in the name", doc{"name": "Canary4711"}, "name"},
		{"a space in the name", doc{"name": canary + " x"}, "name"},
		{"a path in the name", doc{"name": "../" + canary}, "name"},
		{"a digit first", doc{"name": "1" + canary}, "name"},
		{"a name of 41 characters", doc{"name": long(40)}, "name"},
		{"a letter that only looks like one", doc{"name": canary + "а"}, "name"},
		{"a NUL in the name", doc{"name": canary + "\x00"}, "name"},

		{"no endpoint", doc{"endpoint": nil}, "endpoint"},
		{"an empty endpoint", doc{"endpoint": ""}, "endpoint"},
		{"a path as endpoint", doc{"endpoint": "/v1/" + canary}, "endpoint"},
		{"no scheme", doc{"endpoint": canary + ".example.com/v1"}, "endpoint"},
		{"a file", doc{"endpoint": "file:///" + canary}, "endpoint"},
		{"no host", doc{"endpoint": "https:///" + canary}, "endpoint"},
		{"an opaque URL", doc{"endpoint": "https:" + canary}, "endpoint"},
		{"a user in the URL", doc{"endpoint": "https://" + canary + "@api.example.com/"}, "endpoint"},
		{"a user and a password", doc{"endpoint": "https://u:" + canary + "@api.example.com/"}, "endpoint"},
		{"an empty user", doc{"endpoint": "https://@api.example.com/" + canary}, "endpoint"},
		{"a fragment", doc{"endpoint": "https://api.example.com/#" + canary}, "endpoint"},
		{"an empty fragment", doc{"endpoint": "https://api.example.com/" + canary + "#"}, "endpoint"},
		{"a placeholder", doc{"endpoint": "https://api.example.com/{" + canary + "}"}, "endpoint"},
		{"CR and LF in the URL", doc{"endpoint": "https://api.example.com/" + canary + "\r\nHost: evil"}, "endpoint"},
		{"a NUL in the URL", doc{"endpoint": "https://api.example.com/" + canary + "\x00"}, "endpoint"},
		{"a space in the URL", doc{"endpoint": "https://api.example.com/a b" + canary}, "endpoint"},
		{"a backslash in the URL", doc{"endpoint": `https://api.example.com\` + canary}, "endpoint"},
		{"a letter outside ASCII", doc{"endpoint": "https://äpi.example.com/" + canary}, "endpoint"},
		{"a bad escape", doc{"endpoint": "https://api.example.com/%zz" + canary}, "endpoint"},
		{"a bad port", doc{"endpoint": "https://api.example.com:" + canary + "/"}, "endpoint"},
		{"a URL of 2,049 characters", doc{"endpoint": "https://api.example.com/" + long(2048-24)}, "endpoint"},
		{"a secret endpoint with a user", doc{"endpoint": "https://u:" + canary + "@api.example.com/x", "endpointSecret": true}, "endpoint"},

		{"no method", doc{"method": nil}, "method"},
		{"an unknown method", doc{"method": canary}, "method"},
		{"a method in small letters", doc{"method": "get"}, "method"},
		{"a method with a line break", doc{"method": "GET\r\nX: " + canary}, "method"},

		{"an unknown kind of credential", doc{"auth": doc{"type": canary}}, "auth.type"},
		{"a bearer token too short", doc{"auth": doc{"type": "bearer", "token": "4711"}}, "auth.token"},
		{"no token", doc{"auth": doc{"type": "bearer"}}, "auth.token"},
		{"an empty token", doc{"auth": doc{"type": "bearer", "token": ""}}, "auth.token"},
		{"a token with a line break", doc{"auth": doc{"type": "bearer", "token": canary + "\r\nX: y"}}, "auth.token"},
		{"a token with a NUL", doc{"auth": doc{"type": "bearer", "token": canary + "\x00"}}, "auth.token"},
		{"a token that is too long", doc{"auth": doc{"type": "bearer", "token": long(8192)}}, "auth.token"},
		{"a user name with a colon", doc{"auth": doc{"type": "basic", "username": canary + ":", "password": canary}}, "auth.username"},
		{"a short secret user name", doc{"auth": doc{"type": "basic", "username": "x", "usernameSecret": true, "password": canary}}, "auth.username"},
		{"what another kind takes", doc{"auth": doc{"type": "none", "token": canary}}, "auth.token"},
		{"a key without a header", doc{"auth": doc{"type": "apiKey", "key": canary}}, "auth.header"},
		{"a key's header with a line break", doc{"auth": doc{"type": "apiKey", "key": canary, "header": "X\r\n" + canary}}, "auth.header"},
		{"a key in the Host header", doc{"auth": doc{"type": "apiKey", "key": canary, "header": "host"}}, "auth.header"},
		{"a key with a line break", doc{"auth": doc{"type": "apiKey", "key": canary + "\n", "header": "X-Key"}}, "auth.key"},
		{"a prefix with a line break", doc{"auth": doc{"type": "apiKey", "key": canary, "header": "X-Key", "prefix": canary + "\r\n"}}, "auth.prefix"},
		{"a key nowhere", doc{"auth": doc{"type": "apiKey", "key": canary, "in": canary}}, "auth.in"},
		{"a query parameter with &", doc{"auth": doc{"type": "apiKey", "key": canary, "in": "query", "query": "a&" + canary}}, "auth.query"},

		{"no token URL", asking(doc{"tokenUrl": nil}), "auth.tokenUrl"},
		{"a token URL with a user", asking(doc{"tokenUrl": "https://u:" + canary + "@auth.example.com/"}), "auth.tokenUrl"},
		{"a token URL with a placeholder", asking(doc{"tokenUrl": "https://auth.example.com/{" + canary + "}"}), "auth.tokenUrl"},
		{"a token URL with CR and LF", asking(doc{"tokenUrl": "https://auth.example.com/" + canary + "\r\nHost: evil"}), "auth.tokenUrl"},
		{"an unknown property of a parameter", parameter(doc{"name": "a", "unknown": canary}), "auth.parameters[0].unknown"},
		{"a parameter without a name", parameter(doc{"value": canary}), "auth.parameters[0].name"},
		{"a parameter whose name has a line break", parameter(doc{"name": canary + "\r\n", "value": "x"}), "auth.parameters[0].name"},
		{"a parameter whose name is too long", parameter(doc{"name": long(128), "value": "x"}), "auth.parameters[0].name"},
		{"a parameter that is too long", parameter(doc{"name": "a", "value": long(8192)}), "auth.parameters[0].value"},
		{"a secret parameter that is too short", parameter(doc{"name": "client_secret", "value": "4711"}), "auth.parameters[0].value"},
		{"a secret parameter without a value", parameter(doc{"name": "client_secret"}), "auth.parameters[0].value"},
		{"a secret parameter twice", asking(doc{"parameters": many(2, func(int) any { return doc{"name": "client_secret", "value": canary} })}), "auth.parameters[1].name"},
		{"51 parameters", asking(doc{"parameters": many(51, func(i int) any { return doc{"name": fmt.Sprint("p", i), "value": canary} })}), "auth.parameters"},
		{"an unknown property of tokenAuth", asking(doc{"tokenAuth": doc{"type": "basic", "password": canary, "unknown": canary}}), "auth.tokenAuth.unknown"},
		{"an unknown kind of tokenAuth", asking(doc{"tokenAuth": doc{"type": canary}}), "auth.tokenAuth.type"},
		{"tokenAuth of no kind", asking(doc{"tokenAuth": doc{"username": canary}}), "auth.tokenAuth.type"},
		{"tokenAuth without a password", asking(doc{"tokenAuth": doc{"type": "basic", "username": canary}}), "auth.tokenAuth.password"},
		{"tokenAuth with a colon", asking(doc{"tokenAuth": doc{"type": "basic", "username": canary + ":", "password": canary}}), "auth.tokenAuth.username"},
		{"tokenAuth with what the other kind takes", asking(doc{"tokenAuth": doc{"type": "basic", "password": canary, "token": canary}}), "auth.tokenAuth.token"},
		{"tokenAuth with a line break", asking(doc{"tokenAuth": doc{"type": "bearer", "token": canary + "\r\nX: y"}}), "auth.tokenAuth.token"},
		{"an unknown encoding", asking(doc{"tokenAuth": doc{"type": "basic", "password": canary, "encoding": canary}}), "auth.tokenAuth.encoding"},
		{"an unknown format", asking(doc{"format": canary}), "auth.format"},
		{"a path with an empty name", asking(doc{"tokenPath": canary + "..x"}), "auth.tokenPath"},
		{"a path of nine names", asking(doc{"expiresInPath": canary + strings.Repeat(".x", 8)}), "auth.expiresInPath"},
		{"a lifetime beyond a year", asking(doc{"defaultLifetimeSeconds": 31536001}), "auth.defaultLifetimeSeconds"},
		{"a lifetime beyond all", asking(doc{"defaultLifetimeSeconds": 1e300}), "auth.defaultLifetimeSeconds"},
		{"a negative lifetime", asking(doc{"defaultLifetimeSeconds": -1}), "auth.defaultLifetimeSeconds"},
		{"half a second to live", asking(doc{"defaultLifetimeSeconds": 0.5}), "auth.defaultLifetimeSeconds"},
		{"a success that tells an expired token", asking(doc{"refreshOn": []any{403, 200}}), "auth.refreshOn[1]"},
		{"a limit that tells an expired token", asking(doc{"refreshOn": []any{429}}), "auth.refreshOn[0]"},
		{"a status beyond all", asking(doc{"refreshOn": []any{1e300, 403}}), "auth.refreshOn[0]"},
		{"null for a status", asking(doc{"refreshOn": []any{403, nil}}), "auth.refreshOn[1]"},
		{"a status that is no number", asking(doc{"refreshOn": []any{canary, 403}}), "auth.refreshOn[0]"},
		{"11 statuses", asking(doc{"refreshOn": many(11, func(i int) any { return 430 + i })}), "auth.refreshOn"},
		{"a scheme with a line break", asking(doc{"scheme": canary + "\r\nX"}), "auth.scheme"},
		{"a scheme that is too long", asking(doc{"scheme": long(64)}), "auth.scheme"},

		{"CR LF in a header's name", header(canary+"\r\nX", "y"), "headers[0].name"},
		{"LF in a header's name", header(canary+"\n", "y"), "headers[0].name"},
		{"NUL in a header's name", header(canary+"\x00", "y"), "headers[0].name"},
		{"a colon in a header's name", header(canary+":", "y"), "headers[0].name"},
		{"an empty header name", header("", canary), "headers[0].name"},
		{"a header name of 129 characters", header(long(128), "y"), "headers[0].name"},
		{"CR LF in a header's value", header("A", canary+"\r\nX: y"), "headers[0].value"},
		{"CR in a header's value", header("A", canary+"\r"), "headers[0].value"},
		{"LF in a header's value", header("A", canary+"\n"), "headers[0].value"},
		{"NUL in a header's value", header("A", canary+"\x00"), "headers[0].value"},
		{"a header's value outside ASCII", header("A", canary+"é"), "headers[0].value"},
		{"a secret header's value with CR LF", header("X-Token", canary+"\r\nX: y"), "headers[0].value"},
		{"a secret header's value that is too short", header("X-Token", "4711"), "headers[0].value"},
		{"a header that HTTP itself sets", header("Content-Length", canary), "headers[0].name"},
		{"a header of proxies", header("Proxy-Authorization", canary), "headers[0].name"},
		{"a header twice", doc{"headers": []any{doc{"name": "A", "value": canary}, doc{"name": "a", "value": canary}}}, "headers[1].name"},
		{"the credential's header", doc{"auth": doc{"type": "bearer", "token": canary}, "headers": []any{doc{"name": "authorization", "value": canary, "secret": false}}}, "headers[0].name"},
		{"51 headers", doc{"headers": many(51, func(i int) any { return doc{"name": fmt.Sprint("H", i), "value": canary} })}, "headers"},

		{"a field without a name", field(doc{"type": "string"}), "fields[0].name"},
		{"a field with an empty name", field(doc{"name": "", "type": "string"}), "fields[0].name"},
		{"a field with a space in its name", field(doc{"name": "a " + canary, "type": "string"}), "fields[0].name"},
		{"a field without a type", field(doc{"name": "a"}), "fields[0].type"},
		{"an unknown type of field", field(doc{"name": "a", "type": canary}), "fields[0].type"},
		{"a field nowhere", field(doc{"name": "a", "type": "string", "in": canary}), "fields[0].in"},
		{"a field in the body of a GET", field(doc{"name": "a", "type": "string", "in": "body"}), "fields[0].in"},
		{"a minimum of a string", field(doc{"name": "a", "type": "string", "minimum": 1}), "fields[0]"},
		{"a negative maxLength", field(doc{"name": "a", "type": "string", "maxLength": -1}), "fields[0].maxLength"},
		{"a maxLength beyond all", field(doc{"name": "a", "type": "string", "maxLength": 1e30}), "fields[0].maxLength"},
		{"items of a string", field(doc{"name": "a", "type": "string", "items": doc{"type": "string"}}), "fields[0].items"},
		{"a description too long", field(doc{"name": "a", "type": "string", "description": long(1024)}), "fields[0].description"},
		{"201 values", field(doc{"name": "a", "type": "string", "enum": many(201, func(i int) any { return fmt.Sprint(canary, i) })}), "fields[0].enum"},
		{"a field twice", doc{"fields": []any{doc{"name": "a", "type": "string"}, doc{"name": "a", "type": "string"}}}, "fields[1].name"},
		{"101 fields", doc{"fields": many(101, func(i int) any { return doc{"name": fmt.Sprint("f", i), "type": "string"} })}, "fields"},

		{"a description too long", doc{"description": long(1024)}, "description"},
		{"instructions too long", doc{"instructions": long(8000)}, "instructions"},
		{"an unknown approval", doc{"approval": canary}, "approval"},
		{"no time", doc{"timeoutSeconds": 0}, "timeoutSeconds"},
		{"too much time", doc{"timeoutSeconds": 201}, "timeoutSeconds"},
		{"half a second", doc{"timeoutSeconds": 0.5}, "timeoutSeconds"},
		{"a time beyond all", doc{"timeoutSeconds": 1e300}, "timeoutSeconds"},
		{"an answer too large", doc{"maxResponseBytes": 4<<20 + 1}, "maxResponseBytes"},
		{"51 labels", doc{"labels": labels(51)}, "labels"},
		{"a label that is too long", doc{"labels": doc{"a": long(256)}}, "labels.a"},
		{"a label with a space in its name", doc{"labels": doc{"a b": canary}}, "labels"},
	}
	s := newService(t)
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			config := doc{"name": "crm", "endpoint": "https://api.example.com/v1", "method": "GET"}
			maps.Copy(config, c.change)
			for _, at := range [][3]string{{"/configs", encoded(config), c.target}, {"/test", encoded(doc{"config": config}), "config." + c.target}} {
				p := s.refused(t, 400, "POST", at[0], at[1])
				if !slices.Equal(slices.Compact(p.targets()), []string{at[2]}) || p.Code != "InvalidConfig" {
					t.Errorf("POST %s: %+v", at[0], p)
				}
			}
		})
	}
}

func header(name, value string) doc { return doc{"headers": []any{doc{"name": name, "value": value}}} }

// asking is a credential of OAuth 2.0 with the members.
func asking(members doc) doc {
	auth := doc{"type": "oauth2ClientCredentials", "tokenUrl": "https://auth.example.com/token"}
	maps.Copy(auth, members)
	return doc{"auth": auth}
}

func parameter(p doc) doc { return asking(doc{"parameters": []any{p}}) }

func field(f doc) doc { return doc{"fields": []any{f}} }

func many(n int, one func(int) any) []any {
	var out []any
	for i := range n {
		out = append(out, one(i))
	}
	return out
}

func labels(n int) doc {
	out := doc{}
	for i := range n {
		out[fmt.Sprint("l", i)] = canary
	}
	return out
}
