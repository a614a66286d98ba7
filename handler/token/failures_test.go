package token

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"callout/handler/callout"
)

const html = "<!DOCTYPE html><html><title>canary-title</title><p>Sign in</p></html>"

// Providers that give no token, and why.
func TestAnswersWithoutAToken(t *testing.T) {
	type client = callout.OAuth
	described := `, "error_description": "canary-description: CANARYTRACE canary-s3cret+/=", "error_uri": "https://example.com/canary-uri"}`
	for _, test := range []struct {
		name    string
		status  int
		type_   string
		body    string
		reason  Reason
		adjusts func(*client)
	}{
		{"as RFC 6749 has it", 400, inJSON, `{"error": "invalid_request"` + described, InvalidRequest, nil},
		{"a wrong client", 401, inJSON, `{"error": "invalid_client"` + described, InvalidClient, nil},
		{"a wrong client, with 400", 400, inJSON, `{"error": "invalid_client"` + described, InvalidClient, nil},
		{"a wrong client, with 500", 500, inJSON, `{"error": "invalid_client"` + described, InvalidClient, nil},
		{"a wrong client, with 404", 404, inJSON, `{"error": "invalid_client"` + described, InvalidClient, nil},
		{"a wrong grant", 400, inJSON, `{"error": "invalid_grant"` + described, InvalidGrant, nil},
		{"a wrong scope", 400, inJSON, `{"error": "invalid_scope"` + described, InvalidScope, nil},
		{"a wrong resource", 400, inJSON, `{"error": "invalid_target"` + described, InvalidTarget, nil},
		{"a client that may not", 400, inJSON, `{"error": "unauthorized_client"` + described, UnauthorizedClient, nil},
		{"a wrong grant type", 400, inJSON, `{"error": "unsupported_grant_type"` + described, UnsupportedGrantType, nil},
		{"a wrong audience, as from Auth0", 403, inJSON, `{"error": "access_denied"` + described, AccessDenied, nil},
		{"a failure of its own", 500, inJSON, `{"error": "server_error"` + described, ServerError, nil},
		{"a failure of its own, with 400", 400, inJSON, `{"error": "server_error"` + described, ServerError, nil},
		{"unavailable", 503, inJSON, `{"error": "temporarily_unavailable"` + described, TemporarilyUnavailable, nil},
		{"JSON served as text/plain", 400, "text/plain", "\xef\xbb\xbf" + `{"error": "invalid_scope"` + described, InvalidScope, nil},
		{"JSON served as HTML", 400, "text/html", `{"error": "invalid_scope"` + described, InvalidScope, nil},

		{"a code in an object", 401, inJSON, `{"error": {"code": "invalid_client", "message": "canary"}}`, InvalidClient, nil},
		{"a code in an object, with 200", 200, inJSON, `{"error": {"code": "invalid_client", "message": "canary"}}`, InvalidClient, nil},
		{"a code in a list", 400, inJSON, `{"errors": [{"message": "canary"}, {"code": "INVALID-SCOPE"}]}`, InvalidScope, nil},
		{"errorCode, as from Okta", 400, inJSON, `{"errorCode": "invalid_client", "errorSummary": "canary"}`, InvalidClient, nil},
		{"a code in capitals, with 200 and no token", 200, inJSON, `{"code": "InvalidClient", "canary": 1}`, InvalidClient, nil},
		{"Slack's", 200, inJSON, `{"ok": false, "error": "bad_client_secret", "canary": 1}`, InvalidClient, nil},
		{"Slack's, with a code that is not known", 200, inJSON, `{"ok": false, "error": "canary_code"}`, Refused, nil},
		{"Slack's, without a code, with a token", 200, inJSON, `{"ok": false, "access_token": "canary"}`, Refused, nil},
		{"GitHub's", 200, inJSON, `{"error": "incorrect_client_credentials"` + described, InvalidClient, nil},
		{"200 with an error", 200, inJSON, `{"error": "invalid_client"` + described, InvalidClient, nil},
		{"200 with an error and a token", 200, inJSON, `{"error": "invalid_client", "access_token": "canary"}`, InvalidClient, nil},
		{"200 with an error that is not known", 200, inJSON, `{"error": "canary_code"` + described, Refused, nil},
		{"200 with an error that is a sentence", 200, inJSON, `{"error": "The canary-id is not known."}`, Refused, nil},
		{"200 with an error that is true", 200, inJSON, `{"error": true, "access_token": "canary"}`, Refused, nil},
		{"200 with an error that is a number", 200, inJSON, `{"error": 17, "access_token": "canary"}`, Refused, nil},
		{"200 with an error that is an object", 200, inJSON, `{"error": {"canary": 1}, "access_token": "canary"}`, Refused, nil},

		{"a code that is not known", 400, inJSON, `{"error": "canary_code"` + described, Refused, nil},
		{"a code that is not known, with 401", 401, inJSON, `{"error": "canary_code"` + described, InvalidClient, nil},
		{"a code that is not known, with 502", 502, inJSON, `{"error": "canary_code"` + described, ServerError, nil},
		{"a code that is too long", 400, inJSON, `{"error": "invalid_client` + strings.Repeat("_", 64) + `"}`, Refused, nil},
		{"a code that is too deep", 400, inJSON, `{"error": {"error": {"error": {"error": "invalid_client"}}}}`, Refused, nil},
		{"a code that is no string", 400, inJSON, `{"error": ["canary", 7, null, {}]}`, Refused, nil},
		{"HTML with 400", 400, "text/html", html, Refused, nil},
		{"HTML with 401", 401, "text/html", html, InvalidClient, nil},
		{"HTML with 403", 403, "text/html", html, Refused, nil},
		{"HTML with 404", 404, "text/html", html, EndpointNotFound, nil},
		{"HTML with 405", 405, "text/html", html, EndpointNotFound, nil},
		{"HTML with 410", 410, "text/html", html, EndpointNotFound, nil},
		{"HTML with 500", 500, "text/html", html, ServerError, nil},
		{"HTML with 503", 503, "text/html", html, ServerError, nil},
		{"nothing with 400", 400, "", "", Refused, nil},
		{"1 MB with 500", 500, inJSON, strings.Repeat("canary", 1<<20/6), ServerError, nil},
		{"a limit", 429, inJSON, `{"error": "canary_code"}`, RateLimited, nil},
		{"a limit, whatever the code", 429, inJSON, `{"error": "access_denied"` + described, RateLimited, nil},
		{"a limit, by its code", 400, inJSON, `{"error": "slow_down"` + described, RateLimited, nil},

		{"HTML", 200, "text/html", html, NotJSON, nil},
		{"HTML served as JSON", 200, inJSON, html, NotJSON, nil},
		{"nothing", 200, inJSON, "", NotJSON, nil},
		{"nothing, by its status", 204, "", "", NotJSON, nil},
		{"a form, as GitHub once had it", 200, form, "access_token=canary&expires_in=3600", NotJSON, nil},
		{"JSON that is cut", 200, inJSON, `{"access_token": "canary", "expi`, NotJSON, nil},
		{"something behind the JSON", 200, inJSON, `{"access_token": "canary"} canary`, NotJSON, nil},
		{"JSON without an end to its depth", 200, inJSON, strings.Repeat("[", 60_000), NotJSON, nil},
		{"UTF-16", 200, inJSON, "\xff\xfe{\x00}\x00", NotJSON, nil},

		{"no token", 200, inJSON, `{"token": "canary"}`, NoToken, nil},
		{"an empty token", 200, inJSON, `{"access_token": "", "canary": 1}`, NoToken, nil},
		{"a token that is null", 200, inJSON, `{"access_token": null, "canary": 1}`, NoToken, nil},
		{"a token that is a number", 200, inJSON, `{"access_token": 17, "canary": 1}`, NoToken, nil},
		{"a token that is an object", 200, inJSON, `{"access_token": {"canary": 1}}`, NoToken, nil},
		{"no object", 200, inJSON, `"canary"`, NoToken, nil},
		{"null", 200, inJSON, `null`, NoToken, nil},
		{"a path that leads nowhere, in spite of access_token", 200, inJSON, `{"access_token": "canary"}`, NoToken, func(c *client) { c.TokenPath = "canary.token" }},
		{"a path through a string", 200, inJSON, `{"canary": "x"}`, NoToken, func(c *client) { c.TokenPath = "canary.token" }},
		{"a path behind the end of an array", 200, inJSON, `["canary"]`, NoToken, func(c *client) { c.TokenPath = "1" }},
		{"a path before the start of an array", 200, inJSON, `["canary"]`, NoToken, func(c *client) { c.TokenPath = "-1" }},
		{"a path with a name for an array", 200, inJSON, `["canary"]`, NoToken, func(c *client) { c.TokenPath = "canary" }},

		{"a token with CR LF", 200, inJSON, `{"access_token": "canary\r\nX-Evil: 1"}`, UnsafeToken, nil},
		{"a token with LF", 200, inJSON, `{"access_token": "canary\n"}`, UnsafeToken, nil},
		{"a token with NUL", 200, inJSON, `{"access_token": "canary\u0000"}`, UnsafeToken, nil},
		{"a token with DEL", 200, inJSON, `{"access_token": "canary\u007f"}`, UnsafeToken, nil},
		{"a token with a tab", 200, inJSON, `{"access_token": "canary\tcanary"}`, UnsafeToken, nil},
		{"a token with a letter beyond ASCII", 200, inJSON, `{"access_token": "canaryä"}`, UnsafeToken, nil},
		{"a token with what is no UTF-8", 200, inJSON, "{\"access_token\": \"canary\xff\"}", UnsafeToken, nil},
		{"a token with a space before it", 200, inJSON, `{"access_token": " canary"}`, UnsafeToken, nil},
		{"a token with a space behind it", 200, inJSON, `{"access_token": "canary "}`, UnsafeToken, nil},
		{"a token of spaces", 200, inJSON, `{"access_token": " ", "canary": 1}`, UnsafeToken, nil},

		{"1 MB", 200, inJSON, `{"access_token": "` + strings.Repeat("canary", 1<<20/6) + `"}`, TooLarge, nil},
		{"a byte too many", 200, inJSON, `{"access_token": "canary"}` + strings.Repeat(" ", maxAnswer+1-26), TooLarge, nil},
	} {
		for encoding, pack := range map[string]func(string) string{"": strings.Clone, "gzip": gzipped} {
			if test.status == 204 && encoding != "" {
				continue // has no body
			}
			t.Run(test.name+" "+encoding, func(t *testing.T) {
				s := newTokenServer(t, echo(says(test.status, test.type_, pack(strings.ReplaceAll(test.body, "CANARYTRACE", canaryBasic)), "Content-Encoding", encoding)))
				c := canaryClient()
				if test.adjusts != nil {
					test.adjusts(&c)
				}
				_, err := s.fetch(t, t.Context(), c)
				failure := wantFailure(t, err, test.reason)
				if failure.RetryAfter != 0 {
					t.Errorf("it is to wait for %v, which nobody said", failure.RetryAfter)
				}
			})
		}
	}
}

// A provider that writes back what it was sent, wherever a text can stand.
func TestAProviderThatEchoes(t *testing.T) {
	for _, status := range []int{200, 302, 400, 401, 404, 429, 500} {
		for _, shape := range []string{
			`{"error": %[1]s}`, `{"error": {"code": %[1]s}}`, `{"errors": [{"code": %[1]s}]}`, `{"error": "invalid_client", "error_description": %[1]s}`,
			`{"code": %[1]s}`, `{%[1]s: %[1]s}`, `%[1]s`, `<p>%[1]s</p>`, `{"access_token": {"x": %[1]s}}`, `{"ok": false, "error": %[1]s}`,
		} {
			t.Run(fmt.Sprint(status, shape), func(t *testing.T) {
				s := newTokenServer(t, func(w http.ResponseWriter, r *http.Request) {
					text, _ := json.Marshal(fmt.Sprint(r.URL, r.Header, r.PostFormValue("client_secret"), r.Form))
					echo(says(status, inJSON, fmt.Sprintf(shape, text), "Location", "https://127.0.0.1/?"+r.Form.Encode()))(w, r)
				})
				_, err := s.fetch(t, t.Context(), canaryClient())
				failure, ok := err.(*Error)
				if !ok {
					t.Fatalf("the error is a %T: %v", err, err)
				}
				wantFailure(t, err, failure.Reason)
			})
		}
	}
}

// A redirect is refused: a 307 would send the client's secret to wherever the
// answer says.
func TestRedirectsAreNotFollowed(t *testing.T) {
	for _, status := range []int{300, 301, 302, 303, 304, 305, 307, 308} {
		t.Run(fmt.Sprint(status), func(t *testing.T) {
			other := newTokenServer(t, says(200, inJSON, `{"access_token": "canary"}`))
			s := newTokenServer(t, echo(func(w http.ResponseWriter, r *http.Request) {
				says(status, inJSON, "", "Location", other.URL+r.RequestURI)(w, r)
			}))
			_, err := s.fetch(t, t.Context(), canaryClient())
			wantFailure(t, err, Redirected)
			if n := other.asked.Load(); n != 0 {
				t.Errorf("the other server was asked %d times", n)
			}
		})
	}
}

func TestRetryAfter(t *testing.T) {
	in := func(d time.Duration) string { return time.Now().Add(d).UTC().Format(http.TimeFormat) }
	for _, test := range []struct {
		status     int
		body       string
		value      string
		reason     Reason
		from, upTo time.Duration
	}{
		{429, ``, "120", RateLimited, 2 * time.Minute, 2 * time.Minute},
		{429, ``, "0", RateLimited, 0, 0},
		{429, ``, "3600", RateLimited, time.Hour, time.Hour},
		{429, ``, "3601", RateLimited, time.Hour, time.Hour},
		{429, ``, "9223372036854775807", RateLimited, time.Hour, time.Hour},
		{429, ``, in(10 * time.Minute), RateLimited, 9 * time.Minute, 10 * time.Minute},
		{429, ``, in(48 * time.Hour), RateLimited, time.Hour, time.Hour},
		{429, ``, in(-time.Hour), RateLimited, 0, 0},
		{429, ``, "-5", RateLimited, 0, 0},
		{429, ``, "canary", RateLimited, 0, 0},
		{503, ``, "120", ServerError, 2 * time.Minute, 2 * time.Minute},
		{503, `{"error": "temporarily_unavailable"}`, "120", TemporarilyUnavailable, 2 * time.Minute, 2 * time.Minute},
		{200, `{"error": "rate_limited"}`, "120", RateLimited, 2 * time.Minute, 2 * time.Minute},
		// What does not pass by itself is not tried earlier because of it.
		{401, `{"error": "invalid_client"}`, "1", InvalidClient, 0, 0},
		{503, `{"error": "invalid_client"}`, "1", InvalidClient, 0, 0},
	} {
		t.Run(fmt.Sprint(test.status, test.body, test.value), func(t *testing.T) {
			s := newTokenServer(t, echo(says(test.status, inJSON, test.body, "Retry-After", test.value)))
			_, err := s.fetch(t, t.Context(), canaryClient())
			if got := wantFailure(t, err, test.reason).RetryAfter; got < test.from || got > test.upTo {
				t.Errorf("it is to wait for %v, want %v to %v", got, test.from, test.upTo)
			}
		})
	}
}
