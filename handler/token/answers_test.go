package token

import (
	"bytes"
	"compress/gzip"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"callout/handler/callout"
)

func gzipped(text string) string {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, _ = w.Write([]byte(text))
	_ = w.Close()
	return b.String()
}

// noise gives letters that compress badly: what compresses well is refused as a
// bomb.
func noise(n int) string {
	source := rand.New(rand.NewPCG(1, 2))
	out := make([]byte, n)
	for i := range out {
		out[i] = 'a' + byte(source.IntN(26))
	}
	return string(out)
}

// large is a token as those grow that list the groups of a user.
var large = strings.Repeat("abcdefghijkl.-_~", 48<<10/16)

// Providers that answer in ways of their own, and what becomes of it.
func TestAnswersWithAToken(t *testing.T) {
	const half, hour = 30 * time.Minute, time.Hour
	for _, test := range []struct {
		name        string
		contentType string
		body        string
		client      callout.OAuth
		token       string
		lifetime    time.Duration
	}{
		{"as RFC 6749 has it", "application/json;charset=UTF-8", `{"access_token": "2YotnFZFEjr1zCsicMWpAA", "token_type": "Bearer", "expires_in": 3600, "scope": "a"}`,
			callout.OAuth{}, "2YotnFZFEjr1zCsicMWpAA", hour},
		{"no expires_in, as from Salesforce", inJSON, `{"access_token": "t", "instance_url": "https://example.com", "issued_at": "1700000000000"}`,
			callout.OAuth{}, "t", half},
		{"no expires_in, a lifetime configured", inJSON, `{"access_token": "t"}`, callout.OAuth{DefaultLifetime: 7200}, "t", 2 * hour},
		{"expires_in is zero", inJSON, `{"access_token": "t", "expires_in": 0}`, callout.OAuth{}, "t", half},
		{"expires_in is null", inJSON, `{"access_token": "t", "expires_in": null}`, callout.OAuth{}, "t", half},
		{"expires_in is empty", inJSON, `{"access_token": "t", "expires_in": ""}`, callout.OAuth{DefaultLifetime: 60}, "t", time.Minute},
		{"expires_in is negative", inJSON, `{"access_token": "t", "expires_in": -1}`, callout.OAuth{}, "t", half},
		{"expires_in is a string, as from PayPal once", inJSON, `{"access_token": "t", "expires_in": "3600"}`, callout.OAuth{}, "t", hour},
		{"expires_in is a float", inJSON, `{"access_token": "t", "expires_in": 3600.0}`, callout.OAuth{}, "t", hour},
		{"expires_in is an object", inJSON, `{"access_token": "t", "expires_in": {"seconds": 3600}}`, callout.OAuth{}, "t", half},
		{"expires_in is ten years", inJSON, `{"access_token": "t", "expires_in": 315360000}`, callout.OAuth{}, "t", 24 * hour},
		{"milliseconds by path", inJSON, `{"access_token": "t", "expiresInMs": 3600500}`,
			callout.OAuth{ExpiresInPath: "expiresInMs"}, "t", hour + 500*time.Millisecond},
		{"a path that leads nowhere, in spite of expires_in", inJSON, `{"access_token": "t", "expires_in": 3600}`,
			callout.OAuth{ExpiresInPath: "data.ttl"}, "t", half},
		{"accessToken and expiresIn", inJSON, `{"accessToken": "t", "expiresIn": 3600}`, callout.OAuth{}, "t", hour},
		{"access_token is null, accessToken is none", inJSON, `{"access_token": null, "accessToken": "t"}`, callout.OAuth{}, "t", half},
		{"nested, as from N-central", inJSON, `{"tokens": {"access": {"token": "t", "type": "Bearer", "expirySeconds": 3600}}}`,
			callout.OAuth{TokenPath: "tokens.access.token", ExpiresInPath: "tokens.access.expirySeconds"}, "t", hour},
		{"nested, expires_in beside the token", inJSON, `{"expires_in": 60, "data": {"token": "t", "expires_in": 3600}}`,
			callout.OAuth{TokenPath: "data.token"}, "t", hour},
		{"nested, expires_in at the top", inJSON, `{"data": {"token": "t"}, "expiresIn": 3600}`, callout.OAuth{TokenPath: "data.token"}, "t", hour},
		{"in an array", inJSON, `[{"x": 1}, {"sessions": ["t", 3600]}]`,
			callout.OAuth{TokenPath: "1.sessions.0", ExpiresInPath: "1.sessions.1"}, "t", hour},
		{"a member with a number for a name", inJSON, `{"0": "t"}`, callout.OAuth{TokenPath: "0"}, "t", half},
		{"JSON served as text/plain", "text/plain; charset=utf-8", `{"access_token": "t", "expires_in": 3600}`, callout.OAuth{}, "t", hour},
		{"JSON served as a form", "application/x-www-form-urlencoded", `{"access_token": "t", "expires_in": 3600}`, callout.OAuth{}, "t", hour},
		{"JSON served as nothing", "", `{"access_token": "t", "expires_in": 3600}`, callout.OAuth{}, "t", hour},
		{"a byte order mark", inJSON, "\xef\xbb\xbf" + `{"access_token": "t", "expires_in": 3600}`, callout.OAuth{}, "t", hour},
		{"spaces around it", inJSON, "\r\n {\"access_token\": \"t\"}\r\n\r\n", callout.OAuth{}, "t", half},
		{"a type in lower case", inJSON, `{"access_token": "t", "token_type": "bearer"}`, callout.OAuth{}, "t", half},
		{"a type with a line break, which goes nowhere", inJSON, `{"access_token": "t", "token_type": "x\r\nX-Evil: 1"}`, callout.OAuth{}, "t", half},
		{"an error that is none", inJSON, `{"access_token": "t", "error": null, "errors": []}`, callout.OAuth{}, "t", half},
		{"an error that is empty", inJSON, `{"access_token": "t", "error": ""}`, callout.OAuth{}, "t", half},
		{"an error that is false", inJSON, `{"access_token": "t", "error": false, "ok": true}`, callout.OAuth{}, "t", half},
		{"an error that is zero", inJSON, `{"access_token": "t", "error": 0}`, callout.OAuth{}, "t", half},
		{"a code that means something else", inJSON, `{"access_token": "t", "status": "unauthorized"}`, callout.OAuth{}, "t", half},
		{"a token of 48 KiB", inJSON, `{"access_token": "` + large + `"}`, callout.OAuth{}, large, half},
		{"a token with all that a header can carry", inJSON, `{"access_token": "a !\"#$%&'()*+,-./:;<=>?@[\\]^_{|}~z"}`,
			callout.OAuth{}, "a !\"#$%&'()*+,-./:;<=>?@[\\]^_{|}~z", half},
		{"no more than may be read", inJSON, `{"access_token": "t", "x": "` + noise(maxAnswer-len(`{"access_token": "t", "x": ""}`)) + `"}`, callout.OAuth{}, "t", half},
	} {
		for encoding, pack := range map[string]func(string) string{"": strings.Clone, "gzip": gzipped} {
			t.Run(test.name+" "+encoding, func(t *testing.T) {
				s := newTokenServer(t, says(200, test.contentType, pack(test.body), "Content-Encoding", encoding))
				got, err := s.fetch(t, t.Context(), test.client)
				if err != nil {
					t.Fatal(err)
				}
				if got.token.Reveal() != test.token || got.lifetime != test.lifetime {
					t.Errorf("got %q for %v, want %q for %v", got.token.Reveal(), got.lifetime, test.token, test.lifetime)
				}
			})
		}
	}
}

func TestAnyStatusOfSuccessWillDo(t *testing.T) {
	for _, status := range []int{200, 201, 202, 203} {
		s := newTokenServer(t, says(status, inJSON, `{"access_token": "t"}`))
		if got, err := s.fetch(t, t.Context(), callout.OAuth{}); err != nil || got.token.Reveal() != "t" {
			t.Errorf("%d: %v", status, err)
		}
	}
}
