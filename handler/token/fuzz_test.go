package token

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"callout/handler/callout"
)

// Whatever a provider answers, there is either a token that a header can carry,
// for a time that makes sense, or an *Error with a reason that is known and none
// of the answer in it.
func FuzzAnswer(f *testing.F) {
	for _, body := range []string{
		`{"access_token": "t", "expires_in": 3600}`, `{"access_token": "t\r\n", "expires_in": "3600"}`, "\xef\xbb\xbf" + `{"accessToken": "t", "expiresIn": 1e999}`,
		`{"data": [{"token": "t", "expires_in_ms": 1800003600750}]}`, `{"error": "invalid_client"}`, `{"errors": [{"code": "x"}]}`, `{"ok": false}`, `<html>`, ``, `[[[[[[`,
	} {
		for _, path := range []string{"", "data.0.token", "accessToken", "."} {
			f.Add(200, inJSON, body, path, "data.0.expires_in_ms", 0)
			f.Add(401, "", body, path, "", 60)
		}
	}
	f.Add(429, "120", ``, "", "", 1)
	f.Fuzz(func(t *testing.T, status int, header, body, tokenPath, expiresInPath string, fallback int) {
		resp := &http.Response{StatusCode: status, Body: io.NopCloser(strings.NewReader(body)),
			Header: http.Header{"Content-Type": {header}, "Retry-After": {header}}}
		client := &callout.OAuth{TokenPath: tokenPath, ExpiresInPath: expiresInPath, DefaultLifetime: fallback}
		got, err := read(resp, client, time.Unix(1_800_000_000, 0))
		if err != nil {
			failure, ok := err.(*Error)
			if !ok || !failure.Reason.known() || failure.RetryAfter < 0 || failure.RetryAfter > maxRetryAfter || got.token.IsSet() {
				t.Errorf("%#v", err)
			}
			return
		}
		if status < 200 || status > 299 {
			t.Errorf("a token with status %d", status)
		}
		if got.lifetime <= 0 || got.lifetime > 24*time.Hour {
			t.Errorf("the lifetime is %v", got.lifetime)
		}
		token := got.token.Reveal()
		if token == "" || token != strings.TrimSpace(token) || strings.ContainsFunc(token, func(r rune) bool { return r < ' ' || r > '~' }) {
			t.Errorf("the token is %q", token)
		}
	})
}
