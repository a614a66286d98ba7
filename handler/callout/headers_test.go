package callout_test

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
)

func TestHeaders(t *testing.T) {
	one := func(name, value string) doc {
		return doc{"headers": list{doc{"name": name, "value": value, "secret": false}}}
	}
	many := func(n int) doc {
		return doc{"headers": listOf(n, func(i int) doc { return doc{"name": fmt.Sprintf("X-%d", i), "value": "v"} })}
	}
	const badName, badValue = "InvalidValue headers[0].name", "InvalidValue headers[0].value"
	tests{
		{"50", many(50), ""},
		{"51", many(51), "TooLong headers"},
		{"plain", one("Api-Version", "2024-01"), ""},
		{"every sign that a name may have", one("!#$%&'*+-.^_`|~09azAZ", "v"), ""},
		{"Content-Type", one("Content-Type", "application/vnd.api+json"), ""},
		{"empty value", one("X-Empty", ""), ""},
		{"name of 128", one(text(128), "v"), ""},
		{"name of 129", one(text(129), "v"), badName},
		{"name empty", one("", "v"), badName},
		{"name with a colon", one("X:", "v"), badName},
		{"name with a space", one("X A", "v"), badName},
		{"name with a space at the end", one("X-A ", "v"), badName},
		{"name with CRLF", one("X\r\nY", "v"), badName},
		{"name outside ASCII", one("X-É", "v"), badName},
		{"name with NUL", one("X\x00", "v"), badName},
		{"value of 8 KiB", one("X", text(8192)), ""},
		{"value of 8 KiB and one", one("X", text(8193)), badValue},
		{"value with a tab inside", one("X", "a\tb"), ""},
		{"value with a tab at the end", one("X", "a\t"), badValue},
		{"value with a space at the start", one("X", " a"), badValue},
		{"value with CRLF", one("X", "a\r\nEvil: 1"), badValue},
		{"value with LF", one("X", "a\nb"), badValue},
		{"value with CR", one("X", "a\rb"), badValue},
		{"value with NUL", one("X", "a\x00b"), badValue},
		{"value outside ASCII", one("X", "é"), badValue},
		{"secret value with CRLF", doc{"headers": list{doc{"name": "X-Key", "value": "abcdefgh\r\nEvil: 1"}}}, badValue},
		{"secret value outside ASCII", doc{"headers": list{doc{"name": "X-Key", "value": "schlüssel"}}}, badValue},
		{"the same name twice", doc{"headers": list{doc{"name": "X-A", "value": "1"}, doc{"name": "x-a", "value": "2"}}}, "InvalidValue headers[1].name"},
		{"name and value wrong", one("X A", "a\nb"), badName + ", " + badValue},
	}.run(t)
}

func TestReservedHeaders(t *testing.T) {
	for _, name := range []string{
		"Host", "Content-Length", "Connection", "Transfer-Encoding", "TE", "Trailer", "Upgrade", "Keep-Alive", "Accept-Encoding",
		"Content-Encoding", "Expect", "Metadata", "X-IDENTITY-HEADER", "Proxy-Authorization", "Proxy-Connection", "Proxy-Anything",
	} {
		for _, spelt := range []string{name, strings.ToLower(name), strings.ToUpper(name)} {
			c := decode(t, with(doc{"headers": list{doc{"name": spelt, "value": "v", "secret": false}}}))
			if got := found(c.Validate(nil)); got != "InvalidValue headers[0].name" {
				t.Errorf("%s: found %q", spelt, got)
			}
		}
	}
}

// operatorsOwn are headers that the corpus keeps from agents and an operator may
// configure: an API may ask for them, and no argument reaches a header.
var operatorsOwn = []string{
	"Authorization", "Cookie", "Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-HTTP-Method-Override", "X-Original-URL",
	"X-aws-ec2-metadata-token", "secret", "x-functions-key", "x-ms-client-principal", "x-ms-token-aad-access-token",
}

func TestHeadersOfTheCorpus(t *testing.T) {
	data, err := os.ReadFile("testdata/headers.txt")
	if err != nil {
		t.Fatal(err)
	}
	rows := 0
	for line := range strings.Lines(string(data)) {
		column := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
		if strings.HasPrefix(line, "#") {
			continue
		}
		rows++
		name, errName := strconv.Unquote(column[3])
		value, errValue := strconv.Unquote(column[4])
		if errName != nil || errValue != nil {
			t.Fatal(line)
		}
		allowed := column[0] == "ALLOW" || slices.Contains(operatorsOwn, name)
		c := decode(t, with(doc{"headers": list{doc{"name": name, "value": value, "secret": false}}}))
		if got := found(c.Validate(nil)); (got == "") != allowed {
			t.Errorf("%q: %q: found %q, want allowed %t (%s)", name, value, got, allowed, column[5])
		}
	}
	if rows < 40 {
		t.Errorf("the corpus has %d rows about headers", rows)
	}
}

// The idempotencyHeader is Callout's own: nothing else sets it, and it means
// nothing else.
func TestIdempotencyHeader(t *testing.T) {
	const at, free = "InvalidValue idempotencyHeader", ""
	header := func(name string, more doc) doc { more["idempotencyHeader"] = name; return more }
	tests{
		{"usual", header("Idempotency-Key", doc{}), free},
		{"of one API", header("Request-Id", doc{"method": "GET"}), free},
		{"beside others", header("Idempotency-Key", doc{"headers": list{doc{"name": "X-A", "value": "1"}}}), free},
		{"no name", header("Idempotency Key", doc{}), at},
		{"a header of HTTP itself", header("Host", doc{}), at},
		{"a header of a proxy", header("Proxy-Key", doc{}), at},
		{"the credential's", header("X-Key", doc{"auth": doc{"type": "apiKey", "header": "x-key", "key": "abcdefgh"}}), at},
		{"authorization", header("Authorization", doc{}), at},
		{"the type of the body", header("content-type", doc{}), at},
		{"accept", header("Accept", doc{}), at},
		{"a configured header's", header("x-a", doc{"headers": list{doc{"name": "X-A", "value": "1"}}}), at},
		{"a field's", header("x-a", doc{"fields": list{doc{"name": "X-A", "type": "string", "in": "header"}}}), "InvalidValue fields[0].name"},
		{"the name of a field elsewhere", header("x-a", doc{"fields": list{doc{"name": "X-A", "type": "string"}}}), free},
	}.run(t)
}

// A header that sounds secret and holds nothing but placeholders is shown: what
// an agent fills in is no secret, and what a secret value fills in is one there.
func TestAHeaderOfPlaceholdersOnlyIsNoSecret(t *testing.T) {
	for value, hidden := range map[string]bool{
		"{{id}}": false, "{{id}} {{id}}": false, "{{secret.key}}": false, "a-{{id}}-long": true, "canary-key": true,
	} {
		c := decode(t, with(doc{"headers": list{doc{"name": "Idempotency-Key", "value": value}}}))
		if got := c.Headers[0]; got.Secret != hidden || got.Hidden.IsSet() != hidden || (got.Value == value) == hidden {
			t.Errorf("%s: the header is %+v", value, got)
		}
	}
}
