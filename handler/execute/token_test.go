package execute_test

import (
	"context"
	"fmt"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"callout/handler/callout"
	"callout/handler/execute"
	"callout/handler/secret"
)

// What is sent carries the token; what is shown, a mask in its place.
func TestACallWithAToken(t *testing.T) {
	for _, method := range []string{"GET", "POST", "DELETE"} {
		h, p := newOffice(t)
		h.configure(fmt.Sprintf(`%s, "method": %q`, p.oauth(``), method))
		e := h.call(`{}`)
		wantEnd(t, e, callout.Succeeded, "")
		wantCredentials(t, h.api, "Bearer canary-access-token-1")
		if !slices.Contains(e.Request.Headers, callout.HeaderValue{Name: "Authorization", Value: "Bearer [secret]"}) || e.Attempts != 1 {
			t.Errorf("%s: it is shown as %s", method, encode(t, e))
		}
		wantClean(t, "the answer", encode(t, e))
		h.wantRecord(e)
		asked := p.requests()[0]
		if asked.method != "POST" || asked.uri != "/token" || asked.form(t).Get("scope") != "contacts.write" {
			t.Errorf("%s: the token request was %v", method, asked)
		}
	}
}

func TestTheSchemeOfAToken(t *testing.T) {
	h, p := newOffice(t)
	h.configure(p.oauth(`"scheme": "Zoho-oauthtoken"`))
	e := h.call(`{}`)
	wantCredentials(t, h.api, "Zoho-oauthtoken canary-access-token-1")
	if !slices.Contains(e.Request.Headers, callout.HeaderValue{Name: "Authorization", Value: "Zoho-oauthtoken [secret]"}) {
		t.Errorf("it is shown as %v", e.Request.Headers)
	}
}

// A token serves until it is due, in this process and in one that starts cold.
func TestAWarmCallMakesNoTokenRequest(t *testing.T) {
	h, p := newOffice(t)
	h.configure(p.oauth(``))
	for range 10 {
		wantEnd(t, h.call(`{}`), callout.Succeeded, "")
	}
	h.clock.pass(40 * time.Minute)
	h.start()
	for range 10 {
		wantEnd(t, h.call(`{}`), callout.Succeeded, "")
	}
	p.wantAsked(t, 1)
	h.clock.pass(time.Hour)
	wantEnd(t, h.call(`{}`), callout.Succeeded, "")
	p.wantAsked(t, 2)
}

// Two tools on one client share its token: some providers revoke the first when
// they give a second.
func TestConfigurationsOfOneClientShareItsToken(t *testing.T) {
	h, p := newOffice(t)
	h.configure(p.oauth(``))
	h.configure(`"name": "other", "method": "POST", ` + p.oauth(`"refreshOn": [403]`))
	h.configure(`"name": "of_another_scope", ` + p.oauth(parameters(`"`+clientSecret+`"`)))
	h.call(`{}`)
	h.callOther("other")
	p.wantAsked(t, 1)
	h.callOther("of_another_scope")
	p.wantAsked(t, 2)
	wantCredentials(t, h.api, "Bearer canary-access-token-1", "Bearer canary-access-token-1", "Bearer canary-access-token-2")
}

// Whatever an agent says, the token request is the same to the last byte.
func TestAnArgumentNeverReachesATokenRequest(t *testing.T) {
	h, p := newOffice(t)
	h.configure(`"method": "POST", "fields": [{"name": "scope", "type": "string"}, {"name": "client_secret", "type": "string"},
		{"name": "client_id", "type": "string", "in": "query"}, {"name": "grant_type", "type": "string", "in": "query"}], ` + p.oauth(``))
	values := []string{"plain", "{{client_secret}}", "{{secret.client_secret}}", "{{scope}}", "[secret]", "contacts.write admin", "x&scope=admin",
		"client_credentials", `"}, {"name": "scope", "value": "admin"`, "https://elsewhere.example.com/token", "%0d%0aX-Admin: 1", "\r\nX-Admin: 1"}
	for _, value := range values {
		h.clock.pass(2 * time.Hour) // so that each call makes a token request
		text := encode(t, value)
		wantEnd(t, h.call(fmt.Sprintf(`{"scope": %s, "client_secret": %[1]s, "client_id": %[1]s, "grant_type": %[1]s}`, text)), callout.Succeeded, "")
	}
	asked := p.requests()
	if len(asked) != len(values) {
		t.Fatalf("%d token requests were made", len(asked))
	}
	for i, request := range asked {
		if !reflect.DeepEqual(request, asked[0]) {
			t.Errorf("token request %d is %v, the first was %v", i+1, request, asked[0])
		}
	}
}

// An API that has stopped accepting a token is called once more with another. To
// everybody but the API it is one call.
func TestARefusedTokenIsReplaced(t *testing.T) {
	for _, method := range []string{"GET", "POST", "PUT", "PATCH", "DELETE"} {
		h, p := newOffice(t)
		h.configure(fmt.Sprintf(`%s, "method": %q, "fields": [{"name": "n", "type": "integer"}]`, p.oauth(``), method))
		h.call(`{"n": 1}`)
		p.revokeAll()
		h.clock.pass(2 * time.Minute)
		e := h.call(`{"n": 2}`)
		wantEnd(t, e, callout.Succeeded, "")
		if e.Attempts != 2 || string(e.Response.Body) != `{"id":7}` {
			t.Errorf("%s: it took %d attempts: %s", method, e.Attempts, encode(t, e))
		}
		wantCredentials(t, h.api, "Bearer canary-access-token-1", "Bearer canary-access-token-1", "Bearer canary-access-token-2")
		if sent := h.api.requests(); sent[1].body != sent[2].body || sent[1].uri != sent[2].uri || sent[2].method != method {
			t.Errorf("%s: sent were %v and %v", method, sent[1], sent[2])
		}
		p.wantAsked(t, 2)
		h.wantRecord(e)
		if list := h.history(); len(list) != 2 {
			t.Errorf("%s: the history has %d executions, want 2", method, len(list))
		}
		wantEnd(t, h.call(`{"n": 3}`), callout.Succeeded, "")
		p.wantAsked(t, 2)
	}
}

// Some APIs say it with another status, which the configuration names beside 401.
func TestWhichStatusesReplaceAToken(t *testing.T) {
	for _, test := range []struct {
		status    int
		refreshOn string
		attempts  int
	}{
		{401, `[]`, 2}, {401, `[403]`, 2}, {403, `[403]`, 2}, {400, `[400, 404]`, 2}, {404, `[400, 404]`, 2}, {498, `[498]`, 2},
		{403, `[]`, 1}, {400, `[403]`, 1}, {404, `[400]`, 1}, {500, `[403]`, 1}, {429, `[403]`, 1},
	} {
		for _, method := range []string{"GET", "POST"} {
			h, p := newOffice(t)
			api := h.another(refusingTheFirst(says(test.status, "application/json", `{"why": "expired"}`), fine))
			h.configure(fmt.Sprintf(`%s, "method": %q, "endpoint": %q`, p.oauth(`"refreshOn": `+test.refreshOn), method, api.origin()))
			h.warm()
			e := h.call(`{}`)
			if e.Attempts != test.attempts || (e.Status == callout.Succeeded) != (test.attempts == 2) || (e.Response.Status == test.status) != (test.attempts == 1) {
				t.Errorf("%d to a %s with refreshOn %s: %s", test.status, method, test.refreshOn, encode(t, e))
			}
			p.wantAsked(t, test.attempts)
			wantSeen(t, api, test.attempts)
			h.wantRecord(e)
		}
	}
}

// An API that refuses every token costs one token request a minute, however
// often it is called. The answer is the API's own.
func TestACallThatIsRefusedForGood(t *testing.T) {
	for _, method := range []string{"GET", "POST"} {
		h, p := newOffice(t)
		api := h.another(says(401, "application/json", `{"why": "no access"}`))
		h.configure(fmt.Sprintf(`%s, "method": %q, "endpoint": %q`, p.oauth(``), method, api.origin()))
		for _, step := range []struct {
			after       time.Duration
			what        string
			attempts    int
			asked, seen int // from the start
		}{
			{0, "with a token that is new, another would not help", 1, 1, 1},
			{0, "again", 1, 1, 2},
			{61 * time.Second, "with one that may have been revoked, another is tried", 2, 2, 4},
			{0, "again", 1, 2, 5},
			{59 * time.Second, "a minute later, all but a second", 1, 2, 6},
			{2 * time.Second, "a minute later", 2, 3, 8},
		} {
			h.clock.pass(step.after)
			e := h.call(`{}`)
			wantEnd(t, e, callout.Failed, callout.CredentialRejected)
			if e.Attempts != step.attempts || e.Response.Status != 401 || string(e.Response.Body) != `{"why":"no access"}` || e.Error.Retryable {
				t.Errorf("%s, %s: %s", method, step.what, encode(t, e))
			}
			p.wantAsked(t, step.asked)
			wantSeen(t, api, step.seen)
			h.wantRecord(e)
		}
	}
}

// While the provider is down, a refusal of the API is what the caller sees.
func TestARefusedTokenThatCannotBeReplaced(t *testing.T) {
	h, p := newOffice(t)
	h.configure(`"method": "POST", ` + p.oauth(``))
	h.call(`{}`)
	p.revokeAll()
	p.says(says(503, "text/html", "down"))
	h.clock.pass(2 * time.Minute)
	e := h.call(`{}`)
	wantEnd(t, e, callout.Failed, callout.CredentialRejected)
	if e.Attempts != 1 || string(e.Response.Body) != `{"why":"expired"}` {
		t.Errorf("it is %s", encode(t, e))
	}
	h.wantRecord(e)
}

// The second time a request is sent, it can fail as the first can.
func TestTheSecondAttemptMayFailAsTheFirst(t *testing.T) {
	for _, test := range []struct {
		method string
		answer func(*upstream, http.ResponseWriter, *http.Request)
		status callout.Status
		code   callout.Code
	}{
		{"GET", hangsUpHalfway, callout.Failed, callout.InvalidResponse},
		{"POST", hangsUp, callout.Unknown, callout.OutcomeUnknown},
		{"GET", says(500, "text/plain", "oh"), callout.Failed, callout.UpstreamServerError},
		{"POST", says(409, "text/plain", "oh"), callout.Failed, callout.UpstreamClientError},
	} {
		h, p := newOffice(t)
		api := h.another(refusingTheFirst(says(401, "", ""), test.answer))
		h.configure(fmt.Sprintf(`%s, "method": %q, "endpoint": %q`, p.oauth(``), test.method, api.origin()))
		h.warm()
		e := h.call(`{}`)
		wantEnd(t, e, test.status, test.code)
		if e.Attempts != 2 {
			t.Errorf("%s: %d attempts", test.method, e.Attempts)
		}
		h.wantRecord(e)
	}
}

// From the moment at which a change of the token request is stored, the old
// token is not used any more, whether or not this process made the change.
func TestAChangedCredentialIsUsedAtOnce(t *testing.T) {
	for name, change := range map[string]func(*callout.Auth){
		"another secret": func(a *callout.Auth) { a.Parameters[2].Hidden = secret.New("canary-second-secret") },
		"another scope":  func(a *callout.Auth) { a.Parameters[3].Value = "contacts.read" },
		"a parameter less": func(a *callout.Auth) {
			a.Parameters = slices.DeleteFunc(a.Parameters, func(p callout.Parameter) bool { return p.Name == "scope" })
		},
		"a parameter more": func(a *callout.Auth) {
			a.Parameters = append(a.Parameters, callout.Parameter{Name: "audience", Value: "crm"})
		},
		"another way in": func(a *callout.Auth) {
			a.TokenAuth = callout.TokenAuth{Type: callout.AuthBasic, Username: clientID, Password: secret.New(clientSecret)}
		},
	} {
		h, p := newOffice(t)
		p.accept("canary-second-secret")
		h.configure(p.oauth(``))
		h.call(`{}`)
		h.change(change)
		wantEnd(t, h.call(`{}`), callout.Succeeded, "")
		p.wantAsked(t, 2)
		wantCredentials(t, h.api, "Bearer canary-access-token-1", "Bearer canary-access-token-2")
		h.start()
		wantEnd(t, h.call(`{}`), callout.Succeeded, "")
		if asked := p.requests(); len(asked) != 2 || asked[1].body == asked[0].body && asked[1].header.Get("Authorization") == "" {
			t.Errorf("%s: the token requests were %v", name, asked)
		}
	}
}

// What only says how a token is used keeps it.
func TestAChangeThatKeepsTheToken(t *testing.T) {
	h, p := newOffice(t)
	h.configure(p.oauth(``))
	h.call(`{}`)
	h.change(func(a *callout.Auth) { a.RefreshOn = []int{403} })
	h.configure(`"method": "POST", "description": "Another.", ` + p.oauth(``))
	wantEnd(t, h.call(`{}`), callout.Succeeded, "")
	p.wantAsked(t, 1)
}

// A secret that is cleared leaves no way to the token that it was good for.
func TestAClearedParameterMakesTheTokenUnreachable(t *testing.T) {
	h, p := newOffice(t)
	h.configure(p.oauth(``))
	h.call(`{}`)
	for _, clear := range []func(){
		func() { h.configure(p.oauth(parameters(`null`))) },
		func() { h.configure(p.oauth(``)); h.disable(); h.start() },
	} {
		clear()
		_, err := h.try(`{}`)
		wantCode(t, err, string(callout.CredentialMissing))
		h.start()
		_, err = h.try(`{}`)
		wantCode(t, err, string(callout.CredentialMissing))
	}
	wantSeen(t, h.api, 1)
	p.wantAsked(t, 1)
	if list := h.history(); len(list) != 1 {
		t.Errorf("the history has %d executions", len(list))
	}
}

// Without a record of the intent nothing is sent to the API, whatever became of
// the token that was asked for meanwhile.
func TestATokenWithoutAnIntent(t *testing.T) {
	h, p := newOffice(t)
	h.configure(`"method": "POST", ` + p.oauth(``))
	h.executions.beforePut = down
	_, err := h.try(`{}`)
	wantCode(t, err, callout.StorageUnavailable)
	wantSeen(t, h.api, 0)
}

// A caller who leaves while the token is on its way ends a GET, and neither a
// change nor the waiting of others.
func TestACallerWhoLeavesWhileTheTokenIsOnItsWay(t *testing.T) {
	for _, method := range []string{"GET", "POST"} {
		h, p := newOffice(t)
		g := newGate()
		p.says(func(u *upstream, w http.ResponseWriter, r *http.Request) {
			g.wait(u)
			p.says(nil)
			p.answer(u, w, r)
		})
		h.configure(fmt.Sprintf(`%s, "method": %q`, p.oauth(``), method))
		leave, outcome := h.begin()
		<-g.arrived
		_, other := h.begin()
		leave()
		if method == "GET" {
			e, err := outcome() // the provider has not answered
			if err != nil {
				t.Fatal(err)
			}
			wantEnd(t, e, callout.Failed, callout.TokenRequestFailed)
			h.wantRecord(e)
		}
		close(g.open)
		if e, err := other(); err != nil || e.Status != callout.Succeeded {
			t.Errorf("%s: the other caller got %v, %v", method, e, err)
		}
		if method == "POST" {
			e, err := outcome()
			if err != nil {
				t.Fatal(err)
			}
			wantEnd(t, e, callout.Succeeded, "")
			h.wantRecord(e)
		}
		p.wantAsked(t, 1)
	}
}

// The intent of a change is on record while its token is on its way: whatever
// happens then, nothing has been sent that nobody knows of.
func TestTheIntentIsWrittenBesideTheTokenRequest(t *testing.T) {
	h, p := newOffice(t)
	g := newGate()
	p.says(func(u *upstream, w http.ResponseWriter, r *http.Request) { g.wait(u); p.says(nil); p.answer(u, w, r) })
	h.configure(`"method": "POST", ` + p.oauth(``))
	written := make(chan struct{}, 2)
	h.executions.beforePut = func() error { written <- struct{}{}; return nil }
	_, outcome := h.begin()
	<-g.arrived
	<-written // neither waits for the other
	close(g.open)
	e, err := outcome()
	if err != nil {
		t.Fatal(err)
	}
	wantEnd(t, e, callout.Succeeded, "")
	h.wantRecord(e)
}

// The time limit of a call is that of its token request, too.
func TestTheTimeLimitHoldsForTheToken(t *testing.T) {
	for _, method := range []string{"GET", "POST"} {
		t.Run(method, func(t *testing.T) {
			t.Parallel()
			h, p := newOffice(t)
			p.says(hangs)
			h.configure(fmt.Sprintf(`%s, "method": %q, "timeoutSeconds": 1`, p.oauth(``), method))
			ctx, cancel := context.WithTimeout(t.Context(), 9*time.Second) // a token request may take ten
			defer cancel()
			e, err := h.Do(ctx, execute.Call{Config: "api"})
			if err != nil || ctx.Err() != nil {
				t.Fatalf("%v, %v", err, ctx.Err())
			}
			wantEnd(t, e, callout.Failed, callout.TokenRequestFailed)
			if !strings.Contains(e.Error.Message, "no token in time") || !e.Error.Retryable || e.Attempts != 0 {
				t.Errorf("it is %s", encode(t, e))
			}
			wantSeen(t, h.api, 0)
			h.wantRecord(e)
		})
	}
}

// It holds as well for the token that is to replace one: what the caller then
// gets is the refusal.
func TestTheTimeLimitHoldsForAnotherToken(t *testing.T) {
	t.Parallel()
	h, p := newOffice(t)
	h.configure(p.oauth(``) + `, "method": "POST", "timeoutSeconds": 1`)
	h.warm()
	p.revokeAll()
	p.says(hangs)
	e := h.call(`{}`)
	wantEnd(t, e, callout.Failed, callout.CredentialRejected)
	if e.Attempts != 1 || e.Response == nil || e.Response.Status != 401 {
		t.Errorf("it is %s", encode(t, e))
	}
	h.wantRecord(e)
}

// Of a call that replaced its token twice, all three are masked.
func TestEveryTokenOfACallIsMasked(t *testing.T) {
	h, p := newOffice(t)
	var n atomic.Int64
	var first atomic.Value
	api := h.another(func(u *upstream, w http.ResponseWriter, r *http.Request) {
		switch k := n.Add(1); {
		case k == 1:
			first.Store(r.Header.Get("Authorization"))
			fine(u, w, r)
		case k == 2 || k == 6:
			says(401, "", "")(u, w, r)
		case k < 6:
			says(429, "", "", "Retry-After", "29")(u, w, r)
		default:
			says(200, "text/plain", "you are "+r.Header.Get("Authorization")+", formerly "+first.Load().(string))(u, w, r)
		}
	})
	h.Wait = func(_ context.Context, d time.Duration) error { h.clock.pass(d); return nil }
	h.configure(fmt.Sprintf(`%s, "endpoint": %q, "retries": 5, "timeoutSeconds": 200`, p.oauth(``), api.origin()))
	h.call(`{}`)
	h.clock.pass(2 * time.Minute)
	e := h.call(`{}`)
	wantEnd(t, e, callout.Succeeded, "")
	if want := `"you are Bearer [secret], formerly Bearer [secret]"`; string(e.Response.Body) != want {
		t.Errorf("the answer is %s, want %s", e.Response.Body, want)
	}
	p.wantAsked(t, 3)
}
