package execute_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"callout/handler/callout"
	"callout/handler/execute"
	"callout/handler/secret"
)

// tokenStage is what a report says of the token.
func tokenStage(t *testing.T, report *callout.TestReport) callout.StageResult {
	t.Helper()
	for _, stage := range report.Stages {
		if stage.Stage == callout.StageToken {
			return stage
		}
	}
	t.Fatalf("there is no stage token in %s", encode(t, report))
	return callout.StageResult{}
}

// A test gets a token whether or not it sends: most of what is wrong with client
// credentials shows here.
func TestATestGetsAToken(t *testing.T) {
	for _, test := range []struct {
		method string
		send   *bool
		sent   int
	}{{"GET", nil, 1}, {"GET", no(), 0}, {"POST", nil, 0}, {"POST", no(), 0}, {"POST", yes(), 1}} {
		h, p := newOffice(t)
		h.configure(`"method": "` + test.method + `", ` + p.oauth(``))
		report := h.test(execute.Trial{Send: test.send})
		last := callout.StageToken
		if test.sent > 0 {
			last = callout.StageResponse
		}
		wantStages(t, report, last, true)
		if stage := tokenStage(t, report); !strings.Contains(stage.Detail, "valid until 04:04:05 UTC") {
			t.Errorf("the stage says %q", stage.Detail)
		}
		if !strings.Contains(report.Curl, "Authorization: Bearer [secret]") || report.Sent != (test.sent > 0) {
			t.Errorf("the report is %s", encode(t, report))
		}
		p.wantAsked(t, 1)
		wantSeen(t, h.api, test.sent)
		h.wantLastTest(report, report.Summary)
	}
}

// What a test has found out is there for the calls after it.
func TestACallUsesTheTokenOfATest(t *testing.T) {
	h, p := newOffice(t)
	h.configure(p.oauth(``))
	h.test(execute.Trial{Send: no()})
	wantEnd(t, h.call(`{}`), callout.Succeeded, "")
	h.test(execute.Trial{})
	p.wantAsked(t, 1)
}

// Whoever tests has just put something right, or wants to know whether it is: a
// back-off does not hold the test back, and its success ends the back-off.
func TestATestIsNotHeldBack(t *testing.T) {
	h, p := newOffice(t)
	p.says(refusal(401, "invalid_client", "Retry-After", "3600"))
	h.configure(p.oauth(``))
	wantEnd(t, h.call(`{}`), callout.Failed, callout.TokenRequestFailed)
	wantStages(t, h.test(execute.Trial{}), callout.StageToken, false)
	wantEnd(t, h.call(`{}`), callout.Failed, callout.TokenRequestFailed)
	p.wantAsked(t, 2)
	p.says(nil)
	wantEnd(t, h.call(`{}`), callout.Failed, callout.TokenRequestFailed)
	wantStages(t, h.test(execute.Trial{}), callout.StageResponse, true)
	wantEnd(t, h.call(`{}`), callout.Succeeded, "")
	p.wantAsked(t, 3)
}

// A test replaces a refused token as a call does.
func TestATestReplacesARefusedToken(t *testing.T) {
	h, p := newOffice(t)
	h.configure(p.oauth(``))
	h.warm()
	p.revokeAll()
	wantStages(t, h.test(execute.Trial{}), callout.StageResponse, true)
	p.wantAsked(t, 2)
	wantCredentials(t, h.api, "Bearer canary-access-token-1", "Bearer canary-access-token-2")
}

// An API that refuses what the provider has just given fails a test with what
// the API says.
func TestATestWithATokenThatTheAPIRefuses(t *testing.T) {
	h, p := newOffice(t)
	api := h.another(says(401, "application/json", `{"why": "no access"}`))
	h.configure(p.oauth(``) + `, "endpoint": "` + api.origin() + `"`)
	for _, report := range []*callout.TestReport{
		h.test(execute.Trial{}),
		h.draft(h.document(p.oauth(``)+`, "endpoint": "`+api.origin()+`"`), execute.Trial{}),
	} {
		wantStages(t, report, callout.StageResponse, false)
		if report.Error.Code != callout.CredentialRejected || string(report.Response.Body) != `{"why":"no access"}` {
			t.Errorf("the report is %s", encode(t, report))
		}
	}
	wantSeen(t, api, 2) // neither is worth another token
	p.wantAsked(t, 2)
}

// A draft asks for a token of its own, leaves nothing behind, and does not take
// what is there, be it a token or a back-off.
func TestADraftKeepsNoToken(t *testing.T) {
	h, p := newOffice(t)
	wantStages(t, h.draft(h.document(p.oauth(``)), execute.Trial{}), callout.StageResponse, true)
	wantStages(t, h.draft(h.document(p.oauth(``)), execute.Trial{Send: no()}), callout.StageToken, true)
	p.says(refusal(401, "invalid_client"))
	wantStages(t, h.draft(h.document(p.oauth(``)), execute.Trial{}), callout.StageToken, false)
	p.wantAsked(t, 3)
	names, err := h.store.Vault().Names(t.Context())
	if rows := h.storedTokens(); err != nil || len(rows)+len(names) != 0 {
		t.Errorf("left behind are %v and %v, %v", rows, names, err)
	}
	p.says(nil)
	h.configure(p.oauth(``))
	wantEnd(t, h.call(`{}`), callout.Succeeded, "") // the draft's failure holds nobody back
	wantStages(t, h.draft(h.document(p.oauth(``)), execute.Trial{}), callout.StageResponse, true)
	p.wantAsked(t, 5)
	p.says(refusal(401, "invalid_client"))
	h.clock.pass(2 * time.Hour)
	wantEnd(t, h.call(`{}`), callout.Failed, callout.TokenRequestFailed)
	p.says(nil)
	wantStages(t, h.draft(h.document(p.oauth(``)), execute.Trial{}), callout.StageResponse, true)
	p.wantAsked(t, 7)
}

// A test of a configuration without its secret ends where the secret is missing.
func TestATestWithoutTheClientsSecret(t *testing.T) {
	h, p := newOffice(t)
	h.configure(p.oauth(parameters(`null`)))
	report := h.test(execute.Trial{})
	wantStages(t, report, callout.StageSecrets, false)
	if report.Error.Code != callout.CredentialMissing {
		t.Errorf("the code is %s", report.Error.Code)
	}
	p.wantAsked(t, 0)
	h.change(func(a *callout.Auth) { a.Parameters[2].Hidden = secret.New(clientSecret) })
	wantStages(t, h.test(execute.Trial{}), callout.StageResponse, true)
}

// The time limit of a test holds for its token.
func TestTheTimeLimitOfATestHoldsForTheToken(t *testing.T) {
	t.Parallel()
	h, p := newOffice(t)
	p.says(hangs)
	h.configure(p.oauth(``) + `, "timeoutSeconds": 1`)
	for _, report := range []*callout.TestReport{
		h.test(execute.Trial{}),
		h.draft(h.document(p.oauth(``)+`, "timeoutSeconds": 1`), execute.Trial{}),
	} {
		wantStages(t, report, callout.StageToken, false)
		stage := tokenStage(t, report)
		if !strings.Contains(stage.Detail, "time") || !strings.Contains(stage.Advice, "slow") || report.Error.Code != callout.TokenRequestFailed {
			t.Errorf("the stage is %+v", stage)
		}
	}
}

// A report shows the code that the provider gave, if it is a known one, and no
// other word of the provider.
func TestTheProvidersCodeIsShown(t *testing.T) {
	for code, want := range map[string]string{
		"invalid_client": "invalid_client", "INVALID-SCOPE": "invalid_scope", "invalid_target": "invalid_target", "canary-code": "refused",
	} {
		h, p := newOffice(t)
		p.says(func(u *upstream, w http.ResponseWriter, r *http.Request) {
			answer, _ := json.Marshal(map[string]string{"error": code, "error_description": "canary-description", "error_uri": "https://canary.example.com"})
			says(400, "application/json", string(answer))(u, w, r)
		})
		h.configure(p.oauth(``))
		if detail := tokenStage(t, h.test(execute.Trial{})).Detail; !strings.Contains(detail, want) {
			t.Errorf("%s: the stage says %q", code, detail)
		}
	}
}
