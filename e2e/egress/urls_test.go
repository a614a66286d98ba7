package egress_test

import (
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"callout/handler/callout"
)

// ofNoURL are the rows that are refused when a configuration is created, because
// they have not the form of a URL that can be called. All others have, and are
// refused when they are.
var ofNoURL = []string{
	"//api.example.com/x",
	"\thttps://api.example.com/",
	"data:text/plain,x",
	"file:///etc/passwd",
	"ftp://api.example.com/",
	"gopher://127.0.0.1:6379/_INFO",
	"https://169\uff0e254\uff0e169\uff0e254/",
	"https://[127.0.0.1]/",
	"https://[fe80::1%25eth0]/",
	"https://\u24db\u24de\u24d2\u24d0\u24db\u24d7\u24de\u24e2\u24e3/",
	"https://\uff11\uff12\uff17.0.0.1/",
	"https://api.example.com%0d%0aHost:%20evil/",
	"https://api.example.com%2f@evil.example/",
	"https://api.example.com/\r\nX: y",
	"https://api.example.com/\x7f",
	"https://api.example.com:443:443/",
	"https:api.example.com",
	"javascript:alert(1)",
	"unix:///var/run/docker.sock",
}

// withToken is a configuration whose token comes from the URL.
func withToken(tokenURL string) doc {
	return doc{"endpoint": "https://api.example.com/v1", "auth": doc{
		"type": "oauth2ClientCredentials", "tokenUrl": tokenURL,
		"parameters": []doc{{"name": "grant_type", "value": "client_credentials"}, {"name": "client_secret", "value": "canary-client-secret"}}}}
}

func (w *world) reaches(r row) {
	u, err := url.Parse(r.input)
	if err != nil {
		w.t.Fatal(err)
	}
	w.put(http.StatusCreated, r.name(), doc{"endpoint": r.input})
	if e := w.execute(r.name(), `{}`); e.Status != callout.Succeeded {
		w.t.Fatalf("it %s: %+v", e.Status, e.Error)
	}
	w.wantDialled(anywhere + ":443")
	if got := w.onlyRequest(); got.Host != strings.TrimSuffix(u.Host, ".") && got.Host != u.Host || got.RequestURI != u.RequestURI() {
		w.t.Errorf("the API saw %s %s, want %s", got.Host, got.RequestURI, r.input)
	}
	if report := w.test(r.name()); !report.OK {
		w.t.Errorf("the test: %s", report.Summary)
	}
}

// refusesURL tries a URL as an endpoint, also as one that is a secret, and as the
// address of a token endpoint.
func (w *world) refusesURL(r row) {
	if slices.Contains(ofNoURL, r.input) {
		w.refusesToCreate(doc{"endpoint": r.input}, "endpoint")
		w.refusesToCreate(doc{"endpoint": r.input, "endpointSecret": true}, "endpoint")
		w.refusesToCreate(withToken(r.input), "auth.tokenUrl")
		return
	}
	for name, members := range map[string]doc{
		r.name():             {"endpoint": r.input},
		r.name() + "_secret": {"endpoint": r.input, "endpointSecret": true},
		r.name() + "_post":   {"endpoint": r.input, "method": "POST"},
	} {
		w.put(http.StatusCreated, name, members)
		e := w.execute(name, `{}`)
		w.wantFailed(e, callout.DestinationNotAllowed)
		if r.stage == "ip" && !strings.HasPrefix(e.Error.Message, "The destination is ") {
			w.t.Errorf("it does not say what the address is: %s", e.Error.Message)
		}
		w.wantStopped(w.test(name), callout.StagePolicy, callout.DestinationNotAllowed)
		w.wantStopped(w.report("/api/test", draft(members)), callout.StagePolicy, callout.DestinationNotAllowed)
	}
	w.wantQuiet(false)
	w.refusesTokenURL(r)
}

// refusesToCreate demands that a configuration is refused for what stands there,
// created or only tried.
func (w *world) refusesToCreate(members doc, target string) {
	w.t.Helper()
	refused := w.put(http.StatusBadRequest, "never", members)
	if refused.Error.Code != callout.InvalidConfig || !refused.at(target) {
		w.t.Errorf("it is refused with %+v, want %s for %s", refused.Error, callout.InvalidConfig, target)
	}
	w.want(http.StatusNotFound, "GET", "/api/configs/never", "")
	refused = w.want(http.StatusBadRequest, "POST", "/api/test", draft(members))
	if refused.Error.Code != callout.InvalidConfig || !refused.at("config."+target) {
		w.t.Errorf("as a draft it is refused with %+v, want %s for %s", refused.Error, callout.InvalidConfig, target)
	}
	w.wantQuiet(false)
}

// refusesTokenURL demands that neither the token endpoint is called, nor the API.
func (w *world) refusesTokenURL(r row) {
	w.t.Helper()
	name := r.name() + "_token"
	w.put(http.StatusCreated, name, withToken(r.input))
	e := w.execute(name, `{}`)
	w.wantFailed(e, callout.TokenRequestFailed)
	if !strings.HasPrefix(e.Error.Message, "The token endpoint cannot be reached: the ") || e.Error.Retryable {
		w.t.Errorf("it does not say that the token URL is at fault: %+v", e.Error)
	}
	w.wantQuiet(false)
	// A test finds the API itself in order before it asks for a token.
	w.wantStopped(w.test(name), callout.StageToken, callout.TokenRequestFailed)
	w.wantDialled(anywhere + ":443")
	if n := len(w.api.requests()); n > 0 {
		w.t.Errorf("the API saw %d requests", n)
	}
}

// refusesName demands of every answer of the resolver that only an address is
// dialled that may be called by itself.
func (w *world) refusesName(r row) {
	answers := strings.Split(r.extra, ";")
	w.begin(w.t)
	w.lead(r.input, answers...)
	var dialled []string
	w.put(http.StatusCreated, r.name(), doc{"endpoint": "https://" + r.input + "/"})
	for _, answer := range answers {
		e := w.execute(r.name(), `{}`)
		if answer == anywhere {
			dialled = append(dialled, answer+":443")
			continue
		}
		w.wantFailed(e, callout.DestinationNotAllowed)
		w.wantLed(e)
	}
	w.wantDialled(dialled...)
	w.refusesTokenName(r, answers)
	w.refusesTestOfName(r, answers)
}

// refusesTokenName is refusesName for a token endpoint. Each answer is for a
// client of its own, who has no token yet.
func (w *world) refusesTokenName(r row, answers []string) {
	w.t.Helper()
	w.begin(w.t)
	w.lead(r.input, answers...)
	var dialled []string
	for i, answer := range answers {
		name, members := fmt.Sprintf("%s_token_%d", r.name(), i), withToken("https://"+r.input+"/token")
		members["auth"].(doc)["tokenAuth"] = doc{"type": "basic", "username": fmt.Sprint("client ", i), "password": "canary-password"}
		w.put(http.StatusCreated, name, members)
		e := w.execute(name, `{}`)
		if answer == anywhere {
			dialled = append(dialled, answer+":443", answer+":443") // for the token, and for the API
			continue
		}
		w.wantFailed(e, callout.TokenRequestFailed)
		w.wantLed(e)
	}
	w.wantDialled(dialled...)
}

func (w *world) wantLed(e *callout.Execution) {
	w.t.Helper()
	if !strings.Contains(e.Error.Message, "he host name leads to ") {
		w.t.Errorf("it does not say what the name leads to: %s", e.Error.Message)
	}
}

// refusesTestOfName: a test looks up for itself before it sends, and what it found
// is worth nothing for the request.
func (w *world) refusesTestOfName(r row, answers []string) {
	w.begin(w.t)
	w.lead(r.input, answers...)
	stage, dialled := callout.StageDNS, []string(nil)
	if answers[0] == anywhere {
		stage, dialled = callout.StageRequest, []string{anywhere + ":443"}
	}
	w.wantStopped(w.test(r.name()), stage, callout.DestinationNotAllowed)
	w.wantDialled(dialled...)
	if n := len(w.api.requests()); n > 0 {
		w.t.Errorf("the API saw %d requests", n)
	}
}

// lead says what the next lookups of a host answer.
func (w *world) lead(host string, answers ...string) {
	for _, a := range answers {
		netip.MustParseAddr(a)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.leads[host] = answers
}

// doesNotFollow demands that a redirect is told with its status and its Location,
// which may only be a secret's place with the secret masked.
func (w *world) doesNotFollow(r row) {
	redirecting := newWorld(w.t, corpusPolicy, func(rw http.ResponseWriter, _ *http.Request) {
		rw.Header().Set("Location", r.extra)
		rw.WriteHeader(http.StatusFound)
	})
	redirecting.put(http.StatusCreated, r.name(), doc{"endpoint": r.input})
	e := redirecting.execute(r.name(), `{}`)
	redirecting.wantFailed(e, callout.UpstreamRedirect)
	if e.Response.Status != http.StatusFound || e.Response.Location != r.extra {
		w.t.Errorf("told is %d to %q, want the redirect as it was", e.Response.Status, e.Response.Location)
	}
	redirecting.wantDialled(anywhere + ":443")
	redirecting.onlyRequest()
}
