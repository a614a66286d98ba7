package request_test

import (
	"slices"
	"strings"
	"testing"

	"callout/handler/callout"
	"callout/handler/redact"
	"callout/handler/request"
)

func echoes(t *testing.T, c *callout.Config, args request.Arguments) []string {
	t.Helper()
	var out []string
	for _, s := range compile(t, c).Echoes(c, args) {
		out = append(out, s.Reveal())
	}
	return out
}

// TestEchoes looks at answers that write back a secret text as it was filled in:
// what is configured is masked, and an argument is not a secret for standing
// beside it.
func TestEchoes(t *testing.T) {
	hook := doc{"endpoint": "https://hooks.example.com/services/T0AB/canary-of-the-hook/{{x}}?sig=canary-signature{{y}}&v=1", "endpointSecret": true}
	short := doc{"endpoint": "https://api.example.com/api/{{x}}", "endpointSecret": true}
	key := doc{"headers": list{doc{"name": "Idempotency-Key", "value": "{{  x  }}", "secret": true}}}
	prefixed := doc{"headers": list{doc{"name": "X-Key", "value": "order-{{x}}", "secret": true}}}
	header := doc{"headers": list{doc{"name": "X-Key", "value": "{{x}} canary-one/{{secret.key}} {{y}}"}}}
	for _, tt := range []struct {
		name         string
		changes      doc
		answer, want string
	}{
		{"a header that is an argument", key, "customers", "customers"},
		{"a header that is hardly more", prefixed, "order-customers", "order-customers"},
		{"a header", header, "customers canary-one/the-keys 1234567890", "[secret]"},
		{"the configured part of a header", header, "customers 1234567890, canary-one/the-keys .", "customers 1234567890,[secret]."},
		{"its arguments", header, "customers 1234567890", "customers 1234567890"},
		{"a short path", short, "/api/customers", "/api/customers"},
		{"an argument of it", short, "customers", "customers"},
		{"a webhook", hook, "/services/T0AB/canary-of-the-hook/customers?sig=canary-signature1234567890&v=1", "[secret]"},
		{"its path", hook, "/services/T0AB/canary-of-the-hook/customers", "[secret]"},
		{"the secret part of its path", hook, "hook canary-of-the-hook of customers", "hook [secret] of customers"},
		{"the secret part of its query", hook, "sig=canary-signature, 1234567890", "sig=[secret], 1234567890"},
		{"its short parts", hook, "services T0AB customers 1234567890", "services T0AB customers 1234567890"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			changes := doc{"secretValues": doc{"key": "the-keys"}}
			for name, value := range tt.changes {
				changes[name] = value
			}
			changes["fields"] = list{doc{"name": "x", "type": "string", "required": true}, doc{"name": "y", "type": "string", "default": "1234567890"}}
			args := request.Arguments{"x": "customers"}
			c := config(t, changes)
			if got := redact.New(compile(t, c).Echoes(c, args)...).String(tt.answer); got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
}

func TestNothingIsEchoedThatIsNoSecret(t *testing.T) {
	x := list{doc{"name": "x", "type": "string", "required": true}}
	for name, changes := range map[string]doc{
		"no secret":                    {"endpoint": "https://api.example.com/a-long-segment-of-it/{{x}}", "headers": list{doc{"name": "X-A", "value": "a long value of it {{x}}"}}},
		"a header without arguments":   {"headers": list{doc{"name": "X-Key", "value": "canary-key"}}},
		"a header that is an argument": {"headers": list{doc{"name": "Idempotency-Key", "value": "{{  x  }}", "secret": true}}},
		"a short path":                 {"endpoint": "https://api.example.com/api/{{x}}", "endpointSecret": true},
	} {
		changes["fields"] = x
		if got := echoes(t, config(t, changes), request.Arguments{"x": "a-long-argument-that-is-none"}); len(got) > 0 {
			t.Errorf("%s: listed is %q", name, got)
		}
	}
}

// The body is no part of what is looked at: it may be long, and is not built.
func TestEchoesDoNotNeedTheBody(t *testing.T) {
	c := config(t, doc{"body": list{strings.Repeat("{{x}}", 12_000)}, "fields": fields("x:string"), "headers": list{doc{"name": "X-Key", "value": "canary-key {{x}}"}}})
	got := echoes(t, c, request.Arguments{"x": strings.Repeat("x", 100)})
	if !slices.Contains(got, "canary-key "+strings.Repeat("x", 100)) {
		t.Errorf("listed is %q", got)
	}
}
