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

const bearer = `"auth": {"type": "bearer", "token": "canary-token"}`

// failure is one way in which a test can fail.
type failure struct {
	name, members string // CLOSED in members is an address where nobody listens
	answer        func(*upstream, http.ResponseWriter, *http.Request)
	before        func(*house)
	stage         callout.Stage
	code          callout.Code
	detail        string
	advice        string
	sent          int
}

var failures = []failure{
	{name: "secrets disabled", members: bearer, before: func(h *house) { h.disable(); h.start() },
		stage: callout.StageSecrets, code: callout.CredentialMissing, detail: "disabled", advice: "again"},
	{name: "vault down", members: bearer, before: func(h *house) { h.start(); h.vault.down = true },
		stage: callout.StageSecrets, code: callout.Code(callout.StorageUnavailable), detail: "did not answer", advice: "vault"},
	{name: "a header whose secret was cleared", members: `"headers": [{"name": "X-Key", "value": null}]`,
		stage: callout.StageSecrets, code: callout.CredentialMissing, detail: "no value", advice: "again"},
	{name: "metadata service", members: `"endpoint": "https://169.254.169.254/latest/meta-data"`,
		stage: callout.StagePolicy, code: callout.DestinationNotAllowed, detail: "link-local", advice: "public address"},
	{name: "private address", members: `"endpoint": "https://10.1.2.3/v1"`,
		stage: callout.StagePolicy, code: callout.DestinationNotAllowed, detail: "private", advice: "CALLOUT_EGRESS_ALLOW"},
	{name: "plain http", members: `"endpoint": "http://api.example.com/v1"`,
		stage: callout.StagePolicy, code: callout.DestinationNotAllowed, detail: "plain http", advice: "Use https"},
	{name: "wrong host name", members: `"endpoint": "https://no-such-host.example.com/v1"`,
		stage: callout.StageDNS, code: callout.DNSFailed, detail: "does not exist", advice: "spelling"},
	{name: "a name that leads to a private address", members: `"endpoint": "https://intranet.example.com/v1"`,
		before: func(h *house) { h.names["intranet.example.com"] = addresses("192.168.1.1") },
		stage:  callout.StageDNS, code: callout.DestinationNotAllowed, detail: "leads to", advice: "CALLOUT_EGRESS_ALLOW"},
	{name: "a name that leads to the metadata service", members: `"endpoint": "https://intranet.example.com/v1"`,
		before: func(h *house) { h.names["intranet.example.com"] = addresses("169.254.169.254") },
		stage:  callout.StageDNS, code: callout.DestinationNotAllowed, detail: "leads to", advice: "no setting"},
	{name: "refused connection", members: `"endpoint": "https://CLOSED/v1"`,
		stage: callout.StageTCP, code: callout.ConnectFailed, detail: "refused", advice: "port"},
	{name: "401", members: bearer, answer: says(401, "text/plain", "who are you?"),
		stage: callout.StageResponse, code: callout.CredentialRejected, detail: "401", advice: "credential is right", sent: 1},
	{name: "403", members: bearer, answer: says(403, "text/plain", "no"),
		stage: callout.StageResponse, code: callout.CredentialRejected, detail: "403", advice: "permission", sent: 1},
	{name: "404", answer: says(404, "text/html", "no"),
		stage: callout.StageResponse, code: callout.UpstreamClientError, detail: "404", advice: "path", sent: 1},
	{name: "409", answer: says(409, "text/html", "no"),
		stage: callout.StageResponse, code: callout.UpstreamClientError, detail: "409", advice: "Read the answer", sent: 1},
	{name: "429", answer: says(429, "", "", "Retry-After", "7"),
		stage: callout.StageResponse, code: callout.RateLimited, detail: "429", advice: "Wait", sent: 1},
	{name: "301", answer: says(301, "", "", "Location", "https://else.example.com"),
		stage: callout.StageResponse, code: callout.UpstreamRedirect, detail: "301", advice: "redirects", sent: 1},
	{name: "500", answer: says(500, "text/plain", "oh"),
		stage: callout.StageResponse, code: callout.UpstreamServerError, detail: "500", advice: "later", sent: 1},
	{name: "time-out", members: `"timeoutSeconds": 1`, answer: hangs,
		stage: callout.StageRequest, code: callout.TimedOut, detail: "time limit", advice: "timeoutSeconds", sent: 1},
	{name: "time-out in the middle of the answer", members: `"timeoutSeconds": 1`, answer: hangsHalfway,
		stage: callout.StageResponse, code: callout.TimedOut, detail: "time limit", advice: "timeoutSeconds", sent: 1},
	{name: "time-out in the middle of the answer to a change", members: `"timeoutSeconds": 1, "method": "POST"`, answer: hangsHalfway,
		stage: callout.StageResponse, code: callout.TimedOut, detail: "time limit", advice: "timeoutSeconds", sent: 1},
	{name: "closed connection", answer: hangsUp,
		stage: callout.StageRequest, code: callout.RequestFailed, detail: "closed the connection", advice: "Try again", sent: 1},
	{name: "broken answer", answer: hangsUpHalfway,
		stage: callout.StageResponse, code: callout.InvalidResponse, detail: "before its body was complete", advice: "took effect", sent: 1},
	{name: "unreadable answer", answer: says(200, "", "xyz", "Content-Encoding", "br"),
		stage: callout.StageResponse, code: callout.InvalidResponse, detail: "encoding", advice: "Accept-Encoding", sent: 1},
}

// Each way of failing ends at its stage, with a code and with advice that names
// what to look at.
func TestEachFailureSaysWhereAndWhatToDo(t *testing.T) {
	for _, test := range failures {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if test.answer == nil {
				test.answer = fine
			}
			h := newHouse(t, test.answer)
			h.configure(strings.Replace(test.members, "CLOSED", closedPort(t), 1))
			if test.before != nil {
				test.before(h)
			}
			report := h.test(execute.Trial{Send: yes()})
			wantStages(t, report, test.stage, false)
			last := report.Stages[len(report.Stages)-1]
			if report.Error.Code != test.code || !strings.Contains(last.Detail, test.detail) || !strings.Contains(last.Advice, test.advice) {
				t.Errorf("%s: %q, and the advice %q", report.Error.Code, last.Detail, last.Advice)
			}
			if want := fmt.Sprintf("Failed at stage %s: %s", last.Stage, last.Detail); report.Summary != want {
				t.Errorf("the summary is %q, want %q", report.Summary, want)
			}
			if report.Sent != (test.sent > 0) {
				t.Errorf("sent %t", report.Sent)
			}
			wantSeen(t, h.api, test.sent)
		})
	}
}

func TestCertificatesThatAreNotGood(t *testing.T) {
	tests := []struct {
		name, detail, advice string
		host                 string
		ends                 time.Duration
		stranger             bool
	}{
		{name: "expired", host: apiHost, ends: -time.Hour, detail: "expired", advice: "renew"},
		{name: "for another name", host: "other.example.com", ends: time.Hour, detail: "another host name", advice: "host name"},
		{name: "of an unknown authority", host: apiHost, ends: time.Hour, stranger: true, detail: "not trusted", advice: "public authority"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			h := newHouse(t, fine)
			issuer := h.roots
			if test.stranger {
				issuer = newAuthority(t)
			}
			api := newUpstream(t, issuer.issue(t, test.host, test.ends), fine)
			h.configure(fmt.Sprintf(`%s, "endpoint": "%s/v1"`, bearer, api.origin()))
			report := h.test(execute.Trial{})
			wantStages(t, report, callout.StageTLS, false)
			last := report.Stages[len(report.Stages)-1]
			if report.Error.Code != callout.TLSFailed || !strings.Contains(last.Detail, test.detail) || !strings.Contains(last.Advice, test.advice) {
				t.Errorf("%s: %q, and the advice %q", report.Error.Code, last.Detail, last.Advice)
			}
			if report.Sent || report.Request == nil || report.Curl == "" {
				t.Errorf("sent %t, the request is %v", report.Sent, report.Request)
			}
			wantSeen(t, api, 0)
			wantEnd(t, h.call(`{}`), callout.Failed, callout.TLSFailed)
		})
	}
}

// What an API echoes does not get into a report either.
func TestAnEchoIsMaskedInAReport(t *testing.T) {
	h := newHouse(t, func(_ *upstream, w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Location", "/?"+r.Header.Get("Authorization"))
		w.Header().Set("Content-Type", "text/plain; was="+strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer "))
		w.WriteHeader(http.StatusFound)
		_, _ = fmt.Fprint(w, "You sent ", r.Header)
	})
	h.configure(bearer)
	report := h.test(execute.Trial{})
	wantStages(t, report, callout.StageResponse, false)
	if all := encode(t, report.Response); strings.Count(all, "[secret]") != 3 {
		t.Errorf("the answer is shown as %s", all)
	}
}
