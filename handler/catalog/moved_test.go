package catalog_test

import (
	"errors"
	"strings"
	"testing"

	"callout/handler/callout"
	"callout/handler/catalog"
)

// A secret value that only the token request named may not be kept for the API: what
// is stored is not sent to another place.
func TestASecretValueOfTheTokenRequestStaysThere(t *testing.T) {
	const before = `{"name": "crm", "method": "POST", "endpoint": "https://api.example.com/v1", "approval": "none",
		"secretValues": {"sa": "canary-of-the-client"},
		"auth": {"type": "oauth2ClientCredentials", "tokenUrl": "TOKEN/token", "parameters": [{"name": "assertion", "value": "{{secret.sa}}"}]}, BODY}`
	for _, test := range []struct{ tokens, body, want string }{
		{"https://login.example.com", `"body": {"a": "{{secret.sa}}"}`, callout.SecretsRequired},
		{"https://login.example.com", `"headers": [{"name": "X-A", "value": "{{secret.sa}}"}]`, callout.SecretsRequired},
		{"https://api.example.com", `"body": {"a": "{{secret.sa}}"}`, ""},
		{"https://login.example.com", `"body": {"a": "b"}`, ""},
	} {
		h := newHouse(t)
		document := func(body string) *callout.Config {
			return decode(t, replaced(before, "TOKEN", test.tokens, "BODY", body))
		}
		if _, _, err := h.Put(t.Context(), document(`"description": "first"`), catalog.Condition{}); err != nil {
			t.Fatal(err)
		}
		kept := decode(t, replaced(before, "TOKEN", test.tokens, "BODY", test.body, `"secretValues": {"sa": "canary-of-the-client"},`, ""))
		_, _, err := h.Put(t.Context(), kept, catalog.Condition{})
		var refusal *callout.Error
		if got := errors.As(err, &refusal) && refusal.Code == callout.SecretsRequired; got != (test.want != "") || test.want == "" && err != nil {
			t.Errorf("%s at %s: %v", test.body, test.tokens, err)
		}
		given := document(test.body)
		if _, _, err := h.Put(t.Context(), given, catalog.Condition{}); err != nil {
			t.Errorf("given again: %v", err)
		}
	}
}

// replaced puts texts in the place of others, in turn.
func replaced(text string, pairs ...string) string {
	return strings.NewReplacer(pairs...).Replace(text)
}
