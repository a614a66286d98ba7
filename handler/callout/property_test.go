package callout_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"

	"callout/handler/callout"
)

// canary is in every text that the property tests submit.
const canary = "CaNaRy"

// nasty makes texts that hold the canary and are wrong in every way that there
// is, or in none.
type nasty struct{ *rand.Rand }

func (n nasty) text() string {
	forms := []string{"%s", "x%s", "%s\r\nEvil: 1", " %s ", "%s{x}", "%s\x00", "%sé", "%s:", `%s"\`, "%%s%s", "{{%s}}", "{{secret.%s}}", "x{{%s"}
	return fmt.Sprintf(pick(n, forms), canary) + strings.Repeat("y", pick(n, []int{0, 0, 0, 0, 0, 1, 60, 60, 130, 1100}))
}

func pick[T any](r nasty, from []T) T { return from[r.IntN(len(from))] }

// or gives one of the values, or a text.
func (n nasty) or(values ...string) string {
	if n.IntN(4) == 0 {
		return n.text()
	}
	return pick(n, values)
}

func (n nasty) endpoint() string {
	return fmt.Sprintf(pick(n, []string{"https://%s.example/x", "https://api.example.com/%s", "ftp://%s", "%s", "https:%s", "https:///%s",
		"https://%s@api.example.com/", "https://a:%s@api.example.com/", "https://api.example.com/#%s", "https://api.example.com:%s/",
		"https://hooks.slack.com/services/%s", "https://api.example.com/?sig=%s", "https://[%s]/", "https://api.example.com/?%s=1",
		"https://api.example.com/%%2%s", "https://api.example.com/{{email}}/%s"}), n.text())
}

func (n nasty) shape(depth int) doc {
	out := doc{"type": n.or("string", "number", "integer", "boolean", "array", "object"), "enum": list{n.text(), n.Int()}}
	for _, name := range []string{"minimum", "maximum", "maxLength"} {
		if n.IntN(3) == 0 {
			out[name] = n.IntN(100) - 50
		}
	}
	if depth > 0 && n.IntN(3) == 0 {
		out["items"] = n.shape(depth - 1)
	}
	return out
}

func (n nasty) field() doc {
	out := n.shape(3)
	out["name"], out["description"], out["default"] = n.text(), n.text(), n.text()
	out["in"] = n.or("body", "query", "", "path", "header", "header")
	out["name"] = n.or(n.text(), "secret.a", "Cookie", "X-Key", "email")
	return out
}

func (n nasty) oauth() doc {
	out := doc{
		"tokenUrl": n.endpoint(), "format": n.or("form", "json", ""), "tokenPath": n.text(), "expiresInPath": n.text() + "." + n.text(),
		"defaultLifetimeSeconds": n.IntN(100e6) - 10, "scheme": n.text(),
		"parameters": listOf(n.IntN(5), func(int) doc {
			return doc{"name": n.or("client_secret", "resource", ""), "value": n.text() + text(pick(n, []int{0, 0, 8192})), "secret": n.IntN(2) == 0}
		}),
		"tokenAuth": doc{"type": n.or("basic", "bearer", ""), "username": n.text(), "encoding": n.or("raw", "form", "")},
		"refreshOn": []int{n.IntN(700), n.IntN(700), pick(n, []int{200, 403, 429})},
	}
	for _, name := range []string{"password", "token"} {
		if n.IntN(2) == 0 {
			out["tokenAuth"].(doc)[name] = n.text()
		}
	}
	return out
}

func (n nasty) config() doc {
	out := doc{
		"name": n.text(), "description": n.text(), "endpoint": n.endpoint(), "method": n.or("GET", "POST"),
		"instructions": n.text() + text(pick(n, []int{0, 0, 8000})), "approval": n.or("required", "none"), "labels": doc{n.text(): n.text()},
		"timeoutSeconds": n.IntN(400), "id": n.text(), "etag": n.text(),
		"auth": doc{"type": n.or("none", "bearer", "basic", "apiKey", "oauth2ClientCredentials"), "in": n.or("header", "query", "")},
		"headers": listOf(n.IntN(3), func(int) doc {
			return doc{"name": n.or("Host", "X-Key", "Authorization"), "value": n.text(), "secret": n.IntN(2) == 0}
		}),
		"fields": listOf(n.IntN(3), func(int) doc { return n.field() }),
		"body":   pick(n, []any{nil, nil, n.text(), text(64<<10 + 1)}), "bodyFormat": n.or("", "json", "form", "none"),
		// the name of a secret value, if it can be one, is the place of its faults
		"secretValues": pick(n, []doc{{}, {"key": n.text()}, {"key": "1"}, {"X Y" + canary: n.text()}, {"key": text(8193)}}),
	}
	for _, name := range []string{"token", "username", "password", "key", "header", "prefix", "query"} {
		if n.IntN(2) == 0 {
			out["auth"].(doc)[name] = n.text()
		}
	}
	if n.IntN(2) == 0 {
		maps.Copy(out["auth"].(doc), n.oauth())
	}
	if n.IntN(3) == 0 {
		out["endpointSecret"] = n.IntN(2) == 0
	}
	return out
}

// No fault quotes anything that was submitted, be it a name.
func TestFaultsQuoteNothing(t *testing.T) {
	seed := rand.Uint64()
	n := nasty{rand.New(rand.NewPCG(seed, 0))}
	seen := map[string]bool{}
	for range 500 {
		c := decode(t, n.config())
		faults := c.Validate(nil)
		err := callout.Refuse(callout.InvalidConfig, faults)
		shown, _ := json.Marshal(err)
		if strings.Contains(string(shown)+fmt.Sprint(err), canary) {
			t.Fatalf("seed %d: a fault quotes what was submitted: %s", seed, shown)
		}
		for _, f := range faults {
			seen[f.Message] = true
		}
	}
	if len(seen) < 75 {
		t.Errorf("only %d different faults came up; the configurations are not nasty enough", len(seen))
	}
}

// valid makes configurations that have nothing wrong.
type valid struct{ *rand.Rand }

func (v valid) word() string {
	const letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-"
	b := make([]byte, 8+v.IntN(20))
	for i := range b {
		b[i] = letters[v.IntN(len(letters))]
	}
	return string(b)
}

func (v valid) free() string {
	return v.word() + pick(nasty(v), []string{"", " <b>&amp;\"quoted\"", "\r\n\t", "é😀\u2028", "{{x}} %s", "\x00\x7f"})
}

func (v valid) auth() doc {
	return pick(nasty(v), []doc{
		{}, {"type": "none"}, {"type": "bearer", "token": v.word()},
		{"type": "basic", "username": v.word(), "password": v.free()},
		{"type": "basic", "username": v.word(), "usernameSecret": true, "password": ""},
		{"type": "apiKey", "header": "X-Cred", "key": v.word(), "prefix": "Token "},
		{"type": "apiKey", "in": "query", "query": "cred", "key": v.free()},
		v.oauth(),
	})
}

func (v valid) oauth() doc {
	out := oauth(doc{
		"tokenUrl": pick(nasty(v), []string{"https://auth.example.com/token", "https://auth.example.com/{{secret.s1}}/token?a={{ secret.s0 }}"}),
		"parameters": listOf(v.IntN(5), func(i int) doc {
			return doc{"name": fmt.Sprintf("%d %s", i, v.word()), "value": strings.ReplaceAll(v.free(), "{{x}}", "{{secret.s0}}"), "secret": v.IntN(2) == 0}
		}),
		"tokenAuth": pick(nasty(v), []doc{nil, {}, {"type": "bearer", "token": v.word()}, {"type": "basic", "username": v.word(), "password": ""},
			{"type": "basic", "username": v.free() + ":", "password": v.free(), "encoding": "form"}}),
		"format": pick(nasty(v), []string{"", "form", "json"}), "expiresInPath": "a.b c.é",
		"tokenPath":              pick(nasty(v), []string{"", strings.ReplaceAll(v.word(), ".", "-")}),
		"defaultLifetimeSeconds": v.IntN(31536001), "refreshOn": []int{400 + v.IntN(29), 500 + v.IntN(100)}, "scheme": v.word(),
	})
	if v.IntN(2) == 0 {
		out["parameters"] = append(out["parameters"].(list), doc{"name": "resource", "value": "a"}, doc{"name": "resource", "value": "a"})
	}
	return out
}

func (v valid) shape(depth int) doc {
	out := pick(nasty(v), []doc{
		{"type": "string", "maxLength": v.IntN(50)}, {"type": "number", "minimum": -1.25e-3, "maximum": json.Number("1e300")},
		{"type": "integer", "minimum": json.Number("9007199254740993")}, {"type": "boolean", "enum": list{true}},
		{"type": "string", "enum": list{v.free(), v.free()}}, {"type": "object"}, {"type": "array"},
	})
	if out["type"] == "array" && depth > 0 {
		out["items"] = v.shape(depth - 1)
	}
	return out
}

// body is a JSON value with placeholders in it, nil for none.
func (v valid) body(depth int) any {
	switch n := v.IntN(6); {
	case n == 0 && depth > 0:
		return doc{v.word(): v.body(depth - 1), v.free(): v.body(depth - 1)}
	case n == 1 && depth > 0:
		return list{v.body(depth - 1), nil, v.body(depth - 1)}
	}
	return pick(nasty(v), []any{"{{p}}", "{{ q }} and {{secret.s0}}", strings.ReplaceAll(v.free(), "{{x}}", "{{p}}"), json.Number("-1.50e2"), true, nil})
}

func (v valid) config() doc {
	name := strings.ToLower(strings.NewReplacer(".", "_", "-", "_").Replace(v.word()))
	method := pick(nasty(v), []string{"GET", "POST", "PUT", "PATCH", "DELETE"})
	out := doc{
		"name": "a" + name, "method": method,
		"description": v.free(), "instructions": v.free(), "auth": v.auth(),
		"endpoint": pick(nasty(v), []string{"https://api.example.com/v1?x=a%26b", "https://hooks.slack.com/services/" + v.word(), "HTTPS://API.example.com:443",
			"https://api.example.com/{{p}}/x-{{ secret.s0 }}?y=%26{{q}}&z={{secret.s1}}", "https://hooks.slack.com/services/" + v.word() + "/{{p}}"}),
		"approval": pick(nasty(v), []string{"required", "none"}), "enabled": v.IntN(2) == 0,
		"timeoutSeconds": 1 + v.IntN(200), "maxResponseBytes": 1 + v.IntN(4<<20), "retries": v.IntN(6), "idempotencyHeader": "Idempotency-" + v.word(), "labels": doc{v.word(): v.free()},
		"headers": listOf(v.IntN(4), func(i int) doc {
			value := v.word() + pick(nasty(v), []string{"", "{{p}}", " {{secret.s1}}", "{{h}}-{{ p }}"})
			return doc{"name": fmt.Sprintf("X-%d-%s", i, v.word()), "value": value, "secret": v.IntN(2) == 0}
		}),
		"fields": append(listOf(v.IntN(4), func(i int) doc {
			out := v.shape(3)
			out["name"], out["required"], out["description"] = fmt.Sprintf("f%d", i), v.IntN(2) == 0, v.free()
			return out
		}), doc{"name": "p", "type": "string", "required": true}, doc{"name": "q", "type": "array"}, doc{"name": "h", "type": "number", "in": "header"}),
		"secretValues": doc{"s0": v.free(), "s1": v.word(), "s.2": v.free()},
	}
	if callout.HasBody(method) && v.IntN(2) == 0 {
		out["body"], out["bodyFormat"] = v.body(4), pick(nasty(v), []string{"", "json", "form"})
	}
	return out
}

// What is encoded is decoded to the same, and keeps every secret.
func TestRoundTrip(t *testing.T) {
	seed := rand.Uint64()
	v := valid{rand.New(rand.NewPCG(seed, 0))}
	for range 300 {
		given := decode(t, v.config())
		if faults := given.Validate(nil); len(faults) > 0 {
			t.Fatalf("seed %d: found %q in %s", seed, found(faults), encode(t, given.WithoutSecrets()))
		}
		checkRoundTrip(t, given)
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
}

func checkRoundTrip(t *testing.T, given *callout.Config) {
	t.Helper()
	row := stored(given)
	read := encode(t, row)
	again := parse(t, read)
	again = again.Replacing(row)
	if second := encode(t, again); second != read {
		t.Errorf("encoded as\n%s\nand then as\n%s", read, second)
	}
	third := parse(t, encode(t, again))
	third = third.Replacing(row)
	if !reflect.DeepEqual(third, again) {
		t.Errorf("decoded as\n%+v\nand then as\n%+v", again, third)
	}
	kept := again.Kept(row)
	slices.Sort(kept)
	if !slices.Equal(kept, paths(given.Given())) {
		t.Errorf("kept %v of %v", kept, paths(given.Given()))
	}
	if got := found(again.Validate(kept)); got != "" {
		t.Errorf("put back, found %q in %s", got, read)
	}
	bundle, err := callout.DecodeBundle(given.Given().Encode())
	if err != nil || !same(t, again.WithSecrets(bundle), given) {
		t.Errorf("with its secrets it is another: %s, %v", read, err)
	}
}
