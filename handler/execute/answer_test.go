package execute_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"callout/handler/callout"
)

func TestHowAnswersAreJudged(t *testing.T) {
	in90s := begin.Add(90 * time.Second).Format(http.TimeFormat)
	in30s := "1767323075" // begin and 30 seconds, since 1970
	tests := []struct {
		name   string
		answer func(*upstream, http.ResponseWriter, *http.Request)
		status callout.Status
		code   callout.Code
		wait   int // seconds of Retry-After
	}{
		{"200", says(200, "application/json", `{}`), callout.Succeeded, "", 0},
		{"201", says(201, "application/json", `{}`), callout.Succeeded, "", 0},
		{"204", says(204, "", ""), callout.Succeeded, "", 0},
		{"304", says(304, "", ""), callout.Failed, callout.UpstreamRedirect, 0},
		{"400", says(400, "application/json", `{"fault": "email"}`), callout.Failed, callout.UpstreamClientError, 0},
		{"401", says(401, "text/plain", "who?"), callout.Failed, callout.CredentialRejected, 0},
		{"403", says(403, "text/plain", "no"), callout.Failed, callout.CredentialRejected, 0},
		{"403 of a limit", says(403, "", "", "Retry-After", "60"), callout.Failed, callout.RateLimited, 60},
		{"403 of GitHub's limit", says(403, "", "", "X-RateLimit-Remaining", "0", "X-RateLimit-Reset", in30s), callout.Failed, callout.RateLimited, 30},
		{"403 with calls left", says(403, "", "", "X-RateLimit-Remaining", "12", "X-RateLimit-Reset", in30s), callout.Failed, callout.CredentialRejected, 0},
		{"404", says(404, "text/html", "<h1>no</h1>"), callout.Failed, callout.UpstreamClientError, 0},
		{"409", says(409, "", ""), callout.Failed, callout.UpstreamClientError, 0},
		{"429", says(429, "", ""), callout.Failed, callout.RateLimited, 0},
		{"429 with seconds", says(429, "", "", "Retry-After", "7"), callout.Failed, callout.RateLimited, 7},
		{"429 with a date", says(429, "", "", "Retry-After", in90s), callout.Failed, callout.RateLimited, 90},
		{"429 with a date gone by", says(429, "", "", "Retry-After", "Thu, 01 Jan 1970 00:00:00 GMT"), callout.Failed, callout.RateLimited, 0},
		{"429 with less than nothing", says(429, "", "", "Retry-After", "-5"), callout.Failed, callout.RateLimited, 0},
		{"429 with a year", says(429, "", "", "Retry-After", "31536000"), callout.Failed, callout.RateLimited, 86400},
		{"429 with nonsense", says(429, "", "", "Retry-After", "soon"), callout.Failed, callout.RateLimited, 0},
		{"500", says(500, "text/plain", "oh"), callout.Failed, callout.UpstreamServerError, 0},
		{"503 with seconds", says(503, "", "", "Retry-After", "3"), callout.Failed, callout.UpstreamServerError, 3},
		{"599", says(599, "", ""), callout.Failed, callout.UpstreamServerError, 0},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			h := newHouse(t, test.answer)
			for _, method := range []string{"GET", "POST"} {
				h.configure(`"method": "` + method + `"`)
				e := h.call(`{}`)
				wantEnd(t, e, test.status, test.code)
				if e.Error != nil && e.Error.RetryAfterSeconds != test.wait {
					t.Errorf("%s: it is to wait %d seconds, want %d", method, e.Error.RetryAfterSeconds, test.wait)
				}
				if e.Attempts != 1 || e.Recorded != nil {
					t.Errorf("%s: %d attempts, recorded %v", method, e.Attempts, e.Recorded)
				}
				h.wantRecord(e)
			}
			wantSeen(t, h.api, 2)
		})
	}
}

func TestWhatIsShownOfABody(t *testing.T) {
	tests := []struct {
		name, contentType, body string
		want                    string // as JSON
	}{
		{"JSON", "application/json", ` {"id" : 12345678901234567890, "price": 1.10, "text": "<é\u0041>"} `, `{"id":12345678901234567890,"price":1.10,"text":"<é\u0041>"}`},
		{"JSON with a charset", "application/json; charset=utf-8", `[1]`, `[1]`},
		{"problem details", "application/problem+json", `{"title": "no"}`, `{"title":"no"}`},
		{"JSON that is none", "application/json", `{"id": `, `"{\"id\": "`},
		{"JSON under another name", "text/plain", `{"id": 7}`, `{"id":7}`},
		{"JSON without a name", "", `{"id": 7}`, `{"id":7}`},
		{"HTML", "text/html", `{"id": 7}`, `"{\"id\": 7}"`},
		{"text", "text/plain", "a \"word\"\n<é>", `"a \"word\"\n<é>"`},
		{"text in Latin-1", "text/plain; charset=iso-8859-1", "caf\xe9", `"café"`},
		{"text in another code", "text/plain; charset=koi8-r", "caf\xe9", `"caf�"`},
		{"text behind a mark", "application/json", "\xef\xbb\xbf{\"a\": 1}", `{"a":1}`},
		{"text in UTF-16", "text/plain; charset=utf-16", "\xff\xfea\x00", `"(4 bytes of binary content, not shown)"`},
		{"an image", "image/png", "\x89PNG\r\n\x1a\n\x00\x00", `"(10 bytes of binary content, not shown)"`},
		{"control characters", "text/plain", "\x01\x02\x03abc\x1f", `"(7 bytes of binary content, not shown)"`},
		{"text with an escape sequence", "text/plain", "a \x1b[1mbold\x1b[0m word, and more of it", `"a \u001b[1mbold\u001b[0m word, and more of it"`},
		{"bytes that could be text", "application/octet-stream", "a\x00b", `"(3 bytes of binary content, not shown)"`},
		{"nothing", "application/json", "", `null`},
		{"null", "application/json", "null", `null`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			h := newHouse(t, says(200, test.contentType, test.body))
			h.configure(``)
			e := h.call(`{}`)
			if got := encode(t, e.Response.Body); got != test.want {
				t.Errorf("the body is %s, want %s", got, test.want)
			}
			if e.Response.Bytes != int64(len(test.body)) || e.Response.Truncated || e.Response.ContentType != test.contentType {
				t.Errorf("%d bytes of %q, truncated %t", e.Response.Bytes, e.Response.ContentType, e.Response.Truncated)
			}
			h.wantRecord(e)
		})
	}
}

func TestABodyOverTheLimitIsCut(t *testing.T) {
	tests := []struct{ name, contentType, body, want string }{
		{"JSON becomes text", "application/json", `{"a": [1, 2, 3, 4, 5]}`, `"{\"a\": [1, "`},
		{"text", "text/plain", "0123456789abcdef", `"0123456789"`},
		{"text in the middle of a character", "", "12345678€€", `"12345678"`},
		{"an image", "image/png", "\x89PNG\r\n\x1a\n1234567", `"(10 bytes of binary content, not shown)"`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			h := newHouse(t, says(200, test.contentType, test.body))
			h.configure(`"maxResponseBytes": 10`)
			e := h.call(`{}`)
			wantEnd(t, e, callout.Succeeded, "")
			if got := encode(t, e.Response.Body); got != test.want || !e.Response.Truncated || e.Response.Bytes != 10 {
				t.Errorf("the body is %s of %d bytes, truncated %t; want %s", got, e.Response.Bytes, e.Response.Truncated, test.want)
			}
			h.wantRecord(e)
		})
	}
}

// The caller gets more than the history keeps.
func TestALargeBodyReachesTheCallerWhole(t *testing.T) {
	body := `{"text":"` + strings.Repeat("x", 2<<20) + `"}`
	h := newHouse(t, says(200, "application/json", body))
	h.configure(`"maxResponseBytes": 4194304`)
	e := h.call(`{}`)
	if string(e.Response.Body) != body || e.Response.Truncated {
		t.Errorf("%d bytes came, truncated %t", len(e.Response.Body), e.Response.Truncated)
	}
	recorded, err := h.History.Get(t.Context(), e.ID)
	if err != nil || !recorded.Response.Truncated || len(recorded.Response.Body) > 600<<10 {
		t.Errorf("recorded are %d bytes, truncated %t, %v", len(recorded.Response.Body), recorded.Response.Truncated, err)
	}
}

func TestRedirectsAreNotFollowed(t *testing.T) {
	h := newHouse(t, nil)
	target := newUpstream(t, h.roots.issue(t, apiHost, time.Hour), fine)
	for _, status := range []int{301, 302, 303, 307, 308} {
		api := newUpstream(t, h.roots.issue(t, apiHost, time.Hour), says(status, "", "", "Location", target.origin()+"/else?a=1"))
		h.configure(`"endpoint": "` + api.origin() + `/v1", "auth": {"type": "bearer", "token": "canary-token"}`)
		e := h.call(`{}`)
		wantEnd(t, e, callout.Failed, callout.UpstreamRedirect)
		if e.Response.Status != status || e.Response.Location != target.origin()+"/else?a=1" {
			t.Errorf("%d leads to %q", e.Response.Status, e.Response.Location)
		}
		wantSeen(t, api, 1)
	}
	wantSeen(t, target, 0)
}
