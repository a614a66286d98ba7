package execute_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"callout/handler/callout"
)

// What an API or its provider may know of a client is found in all spellings,
// wherever an answer has it.
func TestAnEchoedTokenIsMasked(t *testing.T) {
	for what, test := range map[string]struct {
		auth  string // its members
		token string
		value string // that is echoed
	}{
		"the token":                              {parameters(`"canary-client-secret"`), hard, hard},
		"a long token":                           {parameters(`"canary-client-secret"`), strings.Repeat(hard, 40), strings.Repeat(hard, 40)},
		"the client's secret":                    {parameters(encode(t, hard)), "", hard},
		"the Basic form of the client":           {parameters(encode(t, hard)), "", pair(clientID, hard)},
		"its form-encoded Basic form":            {parameters(encode(t, hard)), "", pair(clientID, url.QueryEscape(hard))},
		"the Basic form of the request":          {basicAuth("someone", hard, "raw"), "", pair("someone", hard)},
		"the form-encoded one":                   {basicAuth("some one", hard, "form"), "", pair(url.QueryEscape("some one"), url.QueryEscape(hard))},
		"the Basic form with a password of none": {basicAuth("someone-canary", "", "raw"), "", pair("someone-canary", "")},
		"the bearer of the request":              {`"tokenAuth": {"type": "bearer", "token": "canary-registration"}`, "", "canary-registration"},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			var answer atomic.Value
			h, p := newOffice(t)
			p.accept(hard)
			p.gives(test.token)
			if strings.Contains(test.auth, "tokenAuth") {
				p.says(says(200, "application/json", `{"access_token": "canary-access-token", "expires_in": 3600}`))
			}
			api := h.another(func(u *upstream, w http.ResponseWriter, r *http.Request) {
				answer.Load().(func(*upstream, http.ResponseWriter, *http.Request))(u, w, r)
			})
			h.configure(p.oauth(test.auth) + `, "endpoint": "` + api.origin() + `"`)
			for spelling, text := range spellings(test.value) {
				for _, contentType := range []string{"text/plain", "application/json"} {
					t.Run(spelling+"/"+contentType, func(t *testing.T) {
						answer.Store(says(302, contentType, document(contentType, text), "Location", "/next?was="+text, "X-Echo", text))
						h.wantMasked(t, test.value)
					})
				}
			}
		})
	}
}

func pair(username, password string) string {
	return base64.StdEncoding.EncodeToString([]byte(username + ":" + password))
}

// basicAuth are members that let a token request in by a header.
func basicAuth(username, password, encoding string) string {
	text, _ := json.Marshal(map[string]string{"type": "basic", "username": username, "password": password, "encoding": encoding})
	return `"tokenAuth": ` + string(text)
}

// The content type of an answer is shown, too.
func TestATokenInAHeaderThatIsShown(t *testing.T) {
	h, p := newOffice(t)
	api := h.another(func(_ *upstream, w http.ResponseWriter, r *http.Request) {
		token := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
		w.Header().Set("Content-Type", "text/plain; was="+token)
		w.Header().Set("Location", "https://elsewhere.example.com/"+token)
		w.WriteHeader(http.StatusFound)
		_, _ = fmt.Fprint(w, r.Header, "canary-client-secret")
	})
	h.configure(p.oauth(``) + `, "endpoint": "` + api.origin() + `"`)
	e := h.call(`{}`)
	if all := encode(t, e.Response); strings.Count(all, "[secret]") != 4 {
		t.Errorf("the answer is shown as %s", all)
	}
	wantClean(t, "the answer", encode(t, e))
	h.wantRecord(e)
}

// A token that was refused is a secret still: it may be good for another API.
func TestAnAPIThatNamesTheTokenItRefused(t *testing.T) {
	h, p := newOffice(t)
	api := h.another(refusingTheFirst(says(401, "", ""), says(200, "text/plain", "canary-access-token-1 is over, canary-access-token-2 is not")))
	h.configure(p.oauth(``) + `, "endpoint": "` + api.origin() + `"`)
	h.warm()
	e := h.call(`{}`)
	if got := string(e.Response.Body); got != `"[secret] is over, [secret] is not"` {
		t.Errorf("the body is %s", got)
	}
	h.wantRecord(e)
}

// An agent may have picked up a token elsewhere: what it says is sent as it is,
// and shown with a mask.
func TestATokenAmongTheArgumentsIsMasked(t *testing.T) {
	h, p := newOffice(t)
	h.configure(`"method": "POST", "fields": [{"name": "note", "type": "string"}], ` + p.oauth(``))
	wantEnd(t, h.call(`{}`), callout.Succeeded, "")
	e := h.call(`{"note": "it is canary-access-token-1"}`)
	if got := h.api.requests()[1].body; got != `{"note":"it is canary-access-token-1"}` {
		t.Errorf("sent was %s", got)
	}
	if got := string(e.Request.Body); got != `{"note":"it is [secret]"}` {
		t.Errorf("shown is %s", got)
	}
	h.wantRecord(e)
}

// What is stored of a token is sealed, and what was sent for it is not stored.
func TestTheRowsOfTokensShowNothing(t *testing.T) {
	h, p := newOffice(t)
	h.configure(p.oauth(``))
	h.call(`{}`)
	p.says(refusal(400, "invalid_scope"))
	h.clock.pass(2 * time.Hour)
	h.call(`{}`)
	rows := h.storedTokens()
	if len(rows) != 2 { // that of the client, and that of the key's maker
		t.Fatalf("there are %d rows", len(rows))
	}
	for _, row := range rows {
		for _, value := range []string{"canary", clientID, authHost, "contacts"} {
			if text := row.Partition + row.Key + string(row.Data); strings.Contains(text, value) {
				t.Errorf("a row shows %q: %s", value, text)
			}
		}
	}
}
