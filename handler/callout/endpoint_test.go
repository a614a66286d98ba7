package callout_test

import (
	"strings"
	"testing"

	"callout/handler/callout"
)

func TestEndpoints(t *testing.T) {
	at := func(endpoint any) doc { return doc{"endpoint": endpoint} }
	long := "https://api.example.com/"
	tests{
		{"plain", at("https://api.example.com"), ""},
		{"with everything that is allowed", at("https://api.example.com:8443/a%20b/c;d=1/(e)?q=a%26b&q[]=&x'y"), ""},
		{"http, which egress judges", at("http://10.0.0.1/x"), ""},
		{"capitals", at("HTTPS://API.Example.COM/x"), ""},
		{"address", at("https://192.0.2.1/x"), ""},
		{"IPv6 address", at("https://[2001:db8::1]:8443/x"), ""},
		{"punycode", at("https://xn--mnchen-3ya.example/"), ""},
		{"2,048 characters", at(long + text(2048-len(long))), ""},
		{"2,049 characters", at(long + text(2049-len(long))), "TooLong endpoint"},

		{"missing", at(absent), "MissingValue endpoint"},
		{"null", at(nil), "MissingValue endpoint"},
		{"empty", at(""), "MissingValue endpoint"},
		{"no scheme", at("api.example.com/x"), "InvalidValue endpoint"},
		{"no scheme, with slashes", at("//api.example.com/x"), "InvalidValue endpoint"},
		{"another scheme", at("file:///etc/passwd"), "InvalidValue endpoint"},
		{"another scheme", at("ftp://api.example.com/x"), "InvalidValue endpoint"},
		{"opaque", at("https:api.example.com/x"), "InvalidValue endpoint"},
		{"no host", at("https:///x"), "InvalidValue endpoint"},
		{"only a port", at("https://:443/x"), "InvalidValue endpoint"},
		{"port that is a word", at("https://api.example.com:abc/"), "InvalidValue endpoint"},
		{"user", at("https://user@api.example.com/"), "InvalidValue endpoint"},
		{"user and password", at("https://user:pass@api.example.com/"), "InvalidValue endpoint"},
		{"empty user", at("https://@api.example.com/"), "InvalidValue endpoint"},
		{"host that looks like a user", at("https://api.example.com@evil.example/"), "InvalidValue endpoint"},
		{"fragment", at("https://api.example.com/#x"), "InvalidValue endpoint"},
		{"empty fragment", at("https://api.example.com/#"), "InvalidValue endpoint"},
		{"user and fragment", at("https://u:p@api.example.com/#x"), "InvalidValue endpoint, InvalidValue endpoint"},
		{"braces in the path", at("https://engine.rewst.io/webhooks/custom/trigger/{TRIGGER_ID}/{ORG_ID}"), "InvalidValue endpoint"},
		{"braces in the host", at("https://{host}/x"), "InvalidValue endpoint"},
		{"one brace", at("https://api.example.com/}"), "InvalidValue endpoint"},
		{"template", at("https://api.example.com/{{id}}"), "InvalidValue endpoint"},
		{"space", at("https://api.example.com/a b"), "InvalidValue endpoint"},
		{"space at the end", at("https://api.example.com/ "), "InvalidValue endpoint"},
		{"space in the host", at("https://api .example.com/"), "InvalidValue endpoint"},
		{"CRLF", at("https://api.example.com/\r\nHost: evil.example"), "InvalidValue endpoint"},
		{"tab", at("https://api.example.com/\t"), "InvalidValue endpoint"},
		{"NUL", at("https://api.example.com/\x00"), "InvalidValue endpoint"},
		{"DEL", at("https://api.example.com/\x7f"), "InvalidValue endpoint"},
		{"backslash", at(`https://api.example.com\@evil.example/`), "InvalidValue endpoint"},
		{"path outside ASCII", at("https://api.example.com/é"), "InvalidValue endpoint"},
		{"host outside ASCII", at("https://münchen.example/"), "InvalidValue endpoint"},
		{"host in fullwidth letters", at("https://ａｐｉ.example/"), "InvalidValue endpoint"},
		{"host outside ASCII, encoded", at("https://m%C3%BCnchen.example/"), "InvalidValue endpoint"},
		{"percent in the host", at("https://a%25b.example/"), "InvalidValue endpoint"},
		{"IPv6 zone", at("https://[fe80::1%25eth0]/"), "InvalidValue endpoint"},
		{"escape that is none", at("https://api.example.com/%zz"), "InvalidValue endpoint"},
	}.run(t)
}

// What a hidden endpoint holds is judged like any other.
func TestHiddenEndpoints(t *testing.T) {
	at := func(endpoint string) doc { return doc{"endpoint": endpoint, "endpointSecret": true} }
	tests{
		{"plain", at("https://hooks.example.com/T000/B000"), ""},
		{"fragment", at("https://hooks.example.com/T000#x"), "InvalidValue endpoint"},
		{"user", at("https://u:p@hooks.example.com/T000"), "InvalidValue endpoint"},
		{"no URL", at("T000/B000/xyz"), "InvalidValue endpoint"},
		{"too long", at("https://hooks.example.com/" + text(2048)), "TooLong endpoint"},
		{"missing", doc{"endpoint": absent, "endpointSecret": true}, "MissingValue endpoint, MissingValue endpoint"},
	}.run(t)
}

func TestOrigin(t *testing.T) {
	for raw, want := range map[string]string{
		"https://api.example.com":               "https://api.example.com",
		"https://api.example.com/v1?a=b#c":      "https://api.example.com",
		"HTTPS://API.Example.COM/":              "https://api.example.com",
		"https://api.example.com:443/":          "https://api.example.com",
		"https://api.example.com:/":             "https://api.example.com",
		"https://api.example.com:80/":           "https://api.example.com:80",
		"https://api.example.com:8443/":         "https://api.example.com:8443",
		"http://api.example.com:80/":            "http://api.example.com",
		"http://api.example.com:443/":           "http://api.example.com:443",
		"https://user:pass@api.example.com/":    "https://api.example.com",
		"https://api.example.com@evil.example/": "https://evil.example",
		"https://[2001:DB8::1]/x":               "https://[2001:db8::1]",
		"https://[2001:db8::1]:8443/x":          "https://[2001:db8::1]:8443",
		"https://api.example.com./":             "https://api.example.com.",
		"":                                      "",
		"api.example.com":                       "",
		"//api.example.com/x":                   "",
		"https:api.example.com":                 "",
		"https:///x":                            "",
		"https://:443/x":                        "",
		"https://api.example.com:abc/":          "",
		"https://api.example.com/\x7f":          "",
	} {
		got := callout.Origin(raw)
		if got != want {
			t.Errorf("%q has origin %q, want %q", raw, got, want)
		}
		if again := callout.Origin(got); again != got {
			t.Errorf("the origin of %q is %q", got, again)
		}
	}
}

func TestWebhooksAreHidden(t *testing.T) {
	for endpoint, want := range map[string]bool{
		"https://hooks.slack.com/services/T00/B00/xyz":                                  true,
		"https://HOOKS.SLACK.COM/services/T00/B00/xyz":                                  true,
		"https://hooks.slack.com./services/T00/B00/xyz":                                 true,
		"https://hooks.slack.com:443/triggers/T00/1/xyz":                                true,
		"https://hooks.slack-gov.com/services/T00/B00/xyz":                              true,
		"https://contoso.webhook.office.com/webhookb2/x/IncomingWebhook/y":              true,
		"https://outlook.office.com/webhook/x/IncomingWebhook/y":                        true,
		"https://prod-1.westeurope.logic.azure.com/workflows/x/triggers/manual?sig=abc": true,
		"https://prod-1.westeurope.logic.azure.com?api-version=1&sig=abc":               true,
		"https://default0.environment.api.powerplatform.com:443/x?sp=%2Ft&sv=1&sig=a-b": true,
		"https://discord.com/api/webhooks/1/xyz":                                        true,
		"https://discord.com/api/v10/webhooks/1/xyz":                                    true,
		"https://canary.discord.com/api/webhooks/1/xyz":                                 true,
		"https://discordapp.com/api/webhooks/1/xyz":                                     true,

		"https://hooks.slack.com":                    false,
		"https://hooks.slack.com/":                   false,
		"https://slack.com/api/chat.postMessage":     false,
		"https://hooks.slack.com.evil.example/x":     false,
		"https://myhooks.slack.com/x":                false,
		"https://office.com/webhook":                 false,
		"https://discord.com/api/v10/users/@me":      false,
		"https://api.example.com/x?sig=":             false,
		"https://api.example.com/x?signature=abc":    false,
		"https://api.example.com/webhooks/sig=abc":   false,
		"https://engine.rewst.io/webhooks/custom/x":  false,
		"https://hooks.example.com/services/T00/B00": false,
		"not a URL ?sig=abc\x7f":                     false,
	} {
		c := decode(t, with(doc{"endpoint": endpoint}))
		if c.EndpointSecret != want || c.HiddenEndpoint.IsSet() != want {
			t.Errorf("%s: secret %t, hidden %t; want %t", endpoint, c.EndpointSecret, c.HiddenEndpoint.IsSet(), want)
		}
		if c.URL() != endpoint {
			t.Errorf("%s: what is called is %s", endpoint, c.URL())
		}
		if want && c.Endpoint != callout.Origin(endpoint) {
			t.Errorf("%s: shown as %s", endpoint, c.Endpoint)
		}
	}
}

func TestEndpointSecretAsSaid(t *testing.T) {
	const slack, plain = "https://hooks.slack.com/services/T00/B00/xyz", "https://api.example.com/x"
	for _, tt := range []struct {
		endpoint string
		said     any
		hidden   bool
		shown    string
	}{
		{slack, false, false, slack},
		{slack, nil, true, "https://hooks.slack.com"},
		{plain, true, true, "https://api.example.com"},
		{plain, nil, false, plain},
		{"https://api.example.com/", true, true, "https://api.example.com"},
		{"https://u:p@api.example.com/x", true, true, "https://api.example.com"},
		{"no URL at all", true, true, ""},
	} {
		c := decode(t, with(doc{"endpoint": tt.endpoint, "endpointSecret": tt.said}))
		if c.HiddenEndpoint.IsSet() != tt.hidden || c.Endpoint != tt.shown || c.URL() != tt.endpoint {
			t.Errorf("%s, said %v: hidden %t, shown as %q, called %q", tt.endpoint, tt.said, c.HiddenEndpoint.IsSet(), c.Endpoint, c.URL())
		}
	}
}

// A read gives the origin. Put back, it stands for what is stored, whatever the
// URL was.
func TestHiddenEndpointPutBack(t *testing.T) {
	for _, endpoint := range []string{
		"https://hooks.slack.com/services/T00/B00/xyz", "HTTPS://Hooks.Example.com:443/x?y=z", "https://hooks.example.com:8443",
		"https://hooks.example.com/", "https://[2001:DB8::1]/x", "https://hooks.example.com?sig=abc",
	} {
		stored := decode(t, with(doc{"endpoint": endpoint, "endpointSecret": true, "fields": absent}))
		if stored.Endpoint == endpoint { // a bare origin is no secret
			if got := found(stored.Validate(nil)); got != "MissingValue endpoint" {
				t.Errorf("%s: found %q", endpoint, got)
			}
			continue
		}
		bundle := stored.Given()
		stored = stored.WithoutSecrets()
		stored.Secrets = []callout.SecretRef{{Path: "endpoint"}}
		read := encode(t, stored)
		if strings.Contains(read, endpoint) {
			t.Errorf("%s is read as %s", endpoint, read)
		}
		again := parse(t, read)
		if kept := again.Kept(stored); len(kept) != 1 || found(again.Validate(kept)) != "" {
			t.Errorf("%s put back: kept %v, found %q", endpoint, kept, found(again.Validate(kept)))
		}
		if got := again.WithSecrets(bundle).URL(); got != endpoint {
			t.Errorf("%s put back calls %s", endpoint, got)
		}
	}
}
