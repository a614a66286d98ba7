package execute_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"callout/handler/callout"
	"callout/handler/execute"
)

// tokenFailure is one way in which there is no token, and what is said of it: to
// the agent that makes a call, and to the operator who makes a test.
type tokenFailure struct {
	name      string
	members   string // of the credential; HOST stands for the provider, CLOSED for an address where nobody listens
	answer    func(*upstream, http.ResponseWriter, *http.Request)
	detail    string
	advice    string
	retryable bool
	after     int // retryAfterSeconds, -1 for any
	asked     int // token requests that reach the provider
}

// refusal is an answer of RFC 6749, section 5.2. What else it says must go
// nowhere.
func refusal(status int, code string, header ...string) func(*upstream, http.ResponseWriter, *http.Request) {
	return says(status, "application/json", `{"error": "`+code+`", "error_description": "the client sent canary-client-secret"}`, header...)
}

var tokenFailures = []tokenFailure{
	{name: "wrong client", answer: refusal(401, "invalid_client"), detail: "does not know the client", advice: "client_secret", asked: 1},
	{name: "wrong client, as status 400", answer: refusal(400, "invalid_client"), detail: "does not know the client", advice: "client_secret", asked: 1},
	{name: "wrong client, in other words", answer: says(401, "text/html", "<p>canary-client-secret"), detail: "does not know the client", advice: "tokenAuth", asked: 1},
	{name: "wrong scope", answer: refusal(400, "invalid_scope"), detail: "the scope", advice: "parameter scope", asked: 1},
	{name: "wrong audience", answer: refusal(400, "invalid_target"), detail: "the API for which the token is meant", advice: "audience", asked: 1},
	{name: "denied", answer: refusal(403, "access_denied"), detail: "denies", advice: "audience", asked: 1},
	{name: "wrong grant", answer: refusal(400, "invalid_grant"), detail: "in exchange", advice: "grant_type", asked: 1},
	{name: "grant type unknown", answer: refusal(400, "unsupported_grant_type"), detail: "grant type", advice: "grant_type", asked: 1},
	{name: "client not for this", answer: refusal(400, "unauthorized_client"), detail: "in this way", advice: "client credentials enabled", asked: 1},
	{name: "parameter missing", answer: refusal(400, "invalid_request"), detail: "incomplete", advice: "format json", asked: 1},
	{name: "a code that is not known", answer: refusal(400, "canary-code"), detail: "no reason that is known", advice: "provider's own log", asked: 1},
	{name: "an error with status 200", answer: refusal(200, "invalid_scope"), detail: "the scope", advice: "parameter scope", asked: 1},
	{name: "endpoint not found", answer: says(404, "text/html", "canary-page"), detail: "no token endpoint", advice: "Correct tokenUrl", asked: 1},
	{name: "not JSON", answer: says(200, "text/html", "<html>canary-page"), detail: "not JSON", advice: "web page", asked: 1},
	{name: "no token", answer: says(200, "application/json", `{"token": "canary-access-token"}`), detail: "no token in the place", advice: "tokenPath", asked: 1},
	{name: "wrong path", members: `"tokenPath": "data.token"`, detail: "no token in the place", advice: "tokenPath", asked: 1},
	{name: "a token that no header can carry", answer: says(200, "application/json", `{"access_token": "canary-access\r\nX-Admin: 1"}`), detail: "no header can carry", advice: "line breaks", asked: 1},
	{name: "too large", answer: says(200, "application/json", `{"access_token": "canary-access-token", "x": "`+strings.Repeat("x", 1<<20)+`"}`), detail: "too large", advice: "Check tokenUrl", asked: 1},
	{name: "redirect", answer: says(307, "", "", "Location", "https://canary.example.com/token?canary-client-secret"), detail: "redirects", advice: "slash", asked: 1},
	{name: "server error", answer: says(500, "text/plain", "canary-client-secret"), detail: "failed by itself", advice: "Try again later", retryable: true, after: -1, asked: 1},
	{name: "come back later", answer: refusal(503, "temporarily_unavailable", "Retry-After", "17"), detail: "no tokens at the moment", advice: "Try again later", retryable: true, after: 17, asked: 1},
	{name: "limit", answer: says(429, "", "", "Retry-After", "90"), detail: "asked too often", advice: "as long as the provider asks", retryable: true, after: 90, asked: 1},
	{name: "closed connection", answer: hangsUp, detail: "closed the connection", advice: "Try again", retryable: true, after: -1, asked: 1},
	{name: "broken answer", answer: hangsUpHalfway, detail: "before its body was complete", advice: "Try again", retryable: true, after: -1, asked: 1},
	{name: "refused connection", members: `"tokenUrl": "https://CLOSED/token"`, detail: "cannot be reached", advice: "port", retryable: true, after: -1},
	{name: "no such host", members: `"tokenUrl": "https://canary-no-such-host.example.com/token"`, detail: "host name does not exist", advice: "spelling"},
	{name: "metadata service", members: `"tokenUrl": "https://169.254.169.254/metadata/identity/oauth2/token"`, detail: "link-local", advice: "public address"},
	{name: "private address", members: `"tokenUrl": "https://10.1.2.3/token"`, detail: "private", advice: "CALLOUT_EGRESS_ALLOW"},
	{name: "plain http", members: `"tokenUrl": "http://auth.example.com/token"`, detail: "plain http", advice: "Use https"},
	{name: "another name in the certificate", members: `"tokenUrl": "https://WRONG/token"`, detail: "another host name", advice: "host name"},
}

// office is the house of the failure, with the configuration api.
func (f tokenFailure) office(t *testing.T, members string) (*house, *provider) {
	t.Helper()
	h, p := newOffice(t)
	p.says(f.answer)
	h.names["wrong.example.com"] = addresses("127.0.0.1")
	wrong := strings.Replace(strings.TrimPrefix(p.origin(), "https://"), apiHost, "wrong.example.com", 1)
	h.configure(p.oauth(strings.NewReplacer("CLOSED", closedPort(t), "WRONG", wrong).Replace(f.members)) + members)
	return h, p
}

// Without a token nothing is sent to the API. The call has failed, says why and
// what to do next, and quotes nothing of the provider.
func TestACallWithoutAToken(t *testing.T) {
	for _, test := range tokenFailures {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			for _, method := range []string{"GET", "POST"} {
				h, p := test.office(t, fmt.Sprintf(`, "method": %q`, method))
				e := h.call(`{}`)
				wantEnd(t, e, callout.Failed, callout.TokenRequestFailed)
				if !strings.Contains(e.Error.Message, test.detail) || e.Error.Retryable != test.retryable || e.Attempts != 0 || e.Response != nil {
					t.Errorf("%s: it is %s", method, encode(t, e))
				}
				test.wantAfter(t, e.Error)
				wantClean(t, "the answer", encode(t, e))
				wantSeen(t, h.api, 0)
				p.wantAsked(t, test.asked)
				h.wantRecord(e)
				again := h.call(`{}`) // which asks nobody
				wantEnd(t, again, callout.Failed, callout.TokenRequestFailed)
				if again.Error.Retryable != test.retryable {
					t.Errorf("%s: the next call is told %s", method, encode(t, again))
				}
			}
		})
	}
}

func (f tokenFailure) wantAfter(t *testing.T, e *callout.CallError) {
	t.Helper()
	if f.after >= 0 && e.RetryAfterSeconds != f.after || f.after < 0 && (e.RetryAfterSeconds < 1 || e.RetryAfterSeconds > 60) {
		t.Errorf("it is to come back after %d s, want %d", e.RetryAfterSeconds, f.after)
	}
}

// What the API is shown to have been sent is shown without a token as well: with
// the mask in its place.
func TestWhatWouldHaveBeenSentIsShown(t *testing.T) {
	h, p := newOffice(t)
	p.says(refusal(401, "invalid_client"))
	h.configure(`"method": "POST", "fields": [{"name": "note", "type": "string"}], ` + p.oauth(``))
	e := h.call(`{"note": "it is canary-client-secret"}`)
	if got := encode(t, e.Request); !strings.Contains(got, "Bearer [secret]") || !strings.Contains(got, `"note":"it is [secret]"`) {
		t.Errorf("shown is %s", got)
	}
}

// While the provider refuses, calls wait for nobody and ask nobody.
func TestCallsWhileThereIsNoToken(t *testing.T) {
	h, p := newOffice(t)
	p.says(refusal(401, "invalid_client"))
	h.configure(`"method": "POST", ` + p.oauth(``))
	for range 20 {
		wantEnd(t, h.call(`{}`), callout.Failed, callout.TokenRequestFailed)
	}
	h.start() // nor does an instance that starts cold
	wantEnd(t, h.call(`{}`), callout.Failed, callout.TokenRequestFailed)
	p.wantAsked(t, 1)
	p.says(nil)
	h.clock.pass(6 * time.Minute)
	wantEnd(t, h.call(`{}`), callout.Succeeded, "")
	p.wantAsked(t, 2)
}

// A redirect of a token endpoint leads nowhere, not even to the provider itself.
func TestARedirectOfTheTokenEndpointIsNotFollowed(t *testing.T) {
	for _, status := range []int{301, 302, 303, 307, 308} {
		h, p := newOffice(t)
		elsewhere := h.another(fine)
		for _, to := range []string{elsewhere.origin() + "/token", "/other"} {
			p.says(says(status, "", "", "Location", to))
			h.configure(p.oauth(``))
			h.clock.pass(time.Hour)
			wantEnd(t, h.call(`{}`), callout.Failed, callout.TokenRequestFailed)
		}
		p.wantAsked(t, 2)
		wantSeen(t, elsewhere, 0)
		wantSeen(t, h.api, 0)
	}
}

// Each failure of the token request ends a test at the stage token, with advice
// on what to mend.
func TestEachTokenFailureSaysWhatToMend(t *testing.T) {
	for _, test := range tokenFailures {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			h, p := test.office(t, ``)
			h.clock.pass(time.Minute)
			for _, trial := range []execute.Trial{{}, {Send: no()}} {
				report := h.test(trial)
				wantStages(t, report, callout.StageToken, false)
				last := report.Stages[len(report.Stages)-1]
				if report.Error.Code != callout.TokenRequestFailed || !strings.Contains(last.Detail, test.detail) || !strings.Contains(last.Advice, test.advice) {
					t.Errorf("%s: %q, and the advice %q", report.Error.Code, last.Detail, last.Advice)
				}
				if report.Error.Retryable != test.retryable || report.Sent || report.Request == nil || !strings.Contains(report.Curl, "Bearer [secret]") {
					t.Errorf("the report is %s", encode(t, report))
				}
				h.wantLastTest(report, "Failed at stage token: "+last.Detail)
			}
			p.wantAsked(t, 2*test.asked) // a test is held back by nothing
			wantSeen(t, h.api, 0)
		})
	}
}

// wantLastTest checks what is kept of a test.
func (h *house) wantLastTest(report *callout.TestReport, summary string) {
	h.t.Helper()
	config, err := h.Catalog.Get(h.t.Context(), "api")
	if err != nil {
		h.t.Fatal(err)
	}
	if config.LastTest == nil || config.LastTest.OK != report.OK || config.LastTest.Summary != summary || report.Summary != summary {
		h.t.Errorf("kept is %+v, reported was %q, want %q", config.LastTest, report.Summary, summary)
	}
}
