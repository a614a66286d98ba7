package token

import (
	"fmt"
	"net/http"
	"net/http/httputil"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"callout/handler/callout"
	"callout/handler/request"
	"callout/handler/secret"
)

const (
	form   = "application/x-www-form-urlencoded"
	inJSON = "application/json"
)

// tokenRequests are what arrives at the token endpoint.
var tokenRequests = []struct {
	name          string
	client        callout.OAuth
	target        string // of the request
	authorization string
	contentType   string
	body          string
}{
	{"a form", callout.OAuth{
		TokenURL:   "/oauth/token",
		Parameters: []callout.Parameter{plain("client_id", "me"), hidden("client_secret", "p+/=&ä ;%41"), plain("scope", "a b")},
	}, "/oauth/token", "", form,
		"client_id=me&client_secret=p%2B%2F%3D%26%C3%A4+%3B%2541&grant_type=client_credentials&scope=a+b"},

	{"a form, said to be one", callout.OAuth{TokenURL: "/", Format: callout.FormatForm},
		"/", "", form, "grant_type=client_credentials"},

	{"JSON, as for Auth0", callout.OAuth{
		TokenURL: "/oauth/token", Format: callout.FormatJSON,
		Parameters: []callout.Parameter{hidden("client_secret", `<p+/="&>ä`), plain("audience", "https://api.example.com/?a=1&b=2")},
	}, "/oauth/token", "", inJSON,
		`{"audience":"https://api.example.com/?a=1&b=2","client_secret":"<p+/=\"&>ä","grant_type":"client_credentials"}`},

	{"Basic, as it is", callout.OAuth{
		TokenURL: "/token", TokenAuth: callout.TokenAuth{Type: callout.AuthBasic, Username: "me", Password: secret.New("p+/=")},
	}, "/token", "Basic bWU6cCsvPQ==" /* me:p+/= */, form, "grant_type=client_credentials"},

	{"Basic, said to be as it is, without a password", callout.OAuth{
		TokenURL: "/token", TokenAuth: callout.TokenAuth{Type: callout.AuthBasic, Username: "me", Password: secret.New(""), Encoding: callout.EncodingRaw},
	}, "/token", "Basic bWU6" /* me: */, form, "grant_type=client_credentials"},

	{"Basic, form-encoded, as for Keycloak", callout.OAuth{
		TokenURL:  "/token",
		TokenAuth: callout.TokenAuth{Type: callout.AuthBasic, Username: "m:e", Password: secret.New("p+/= "), Encoding: callout.EncodingForm},
	}, "/token", "Basic bSUzQWU6cCUyQiUyRiUzRCs=" /* m%3Ae:p%2B%2F%3D+ */, form, "grant_type=client_credentials"},

	{"Bearer and JSON, as for N-central", callout.OAuth{
		TokenURL: "/api/auth/authenticate", Format: callout.FormatJSON,
		TokenAuth: callout.TokenAuth{Type: callout.AuthBearer, Token: secret.New("user.jwt")},
	}, "/api/auth/authenticate", "Bearer user.jwt", inJSON, `{"grant_type":"client_credentials"}`},

	{"parameters in the query, as for HaloPSA", callout.OAuth{TokenURL: "/auth/token?tenant=acme&empty=&a=%2f+x"},
		"/auth/token?tenant=acme&empty=&a=%2f+x", "", form, "grant_type=client_credentials"},

	{"a grant type of its own, as for Zoom", callout.OAuth{
		TokenURL:   "/oauth/token",
		Parameters: []callout.Parameter{plain("grant_type", "account_credentials"), plain("account_id", "abc")},
		TokenAuth:  callout.TokenAuth{Type: callout.AuthBasic, Username: "id", Password: secret.New("secret")},
	}, "/oauth/token", "Basic aWQ6c2VjcmV0" /* id:secret */, form, "account_id=abc&grant_type=account_credentials"},

	{"a password and a public client, as for Datto RMM", callout.OAuth{
		TokenURL:   "/auth/oauth/token",
		Parameters: []callout.Parameter{plain("grant_type", "password"), plain("username", "key"), hidden("password", "hush hush")},
		TokenAuth:  callout.TokenAuth{Type: callout.AuthBasic, Username: "public-client", Password: secret.New("public")},
	}, "/auth/oauth/token", "Basic cHVibGljLWNsaWVudDpwdWJsaWM=" /* public-client:public */, form,
		"grant_type=password&password=hush+hush&username=key"},

	{"two resources in a form", callout.OAuth{
		TokenURL: "/token", Parameters: []callout.Parameter{plain("resource", "urn:b"), plain("scope", ""), plain("resource", "urn:a")},
	}, "/token", "", form, "grant_type=client_credentials&resource=urn%3Ab&resource=urn%3Aa&scope="},

	{"two resources in JSON", callout.OAuth{
		TokenURL: "/token", Format: callout.FormatJSON, Parameters: []callout.Parameter{plain("resource", "urn:b"), plain("resource", "urn:a")},
	}, "/token", "", inJSON, `{"grant_type":"client_credentials","resource":["urn:b","urn:a"]}`},
}

// What arrives is compared to the last byte, except that net/http sorts headers.
func TestTheTokenRequest(t *testing.T) {
	for _, test := range tokenRequests {
		t.Run(test.name, func(t *testing.T) {
			var arrived atomic.Value
			s := newTokenServer(t, func(w http.ResponseWriter, r *http.Request) {
				dump, err := httputil.DumpRequest(r, true)
				if err != nil {
					t.Error(err)
				}
				arrived.Store(string(dump))
				says(200, "application/json", `{"access_token": "t"}`)(w, r)
			})
			got, err := s.fetch(t, t.Context(), test.client)
			if err != nil || got.token.Reveal() != "t" {
				t.Errorf("got %+v, %v", got, err)
			}
			authorization := test.authorization
			if authorization != "" {
				authorization = "Authorization: " + authorization + "\r\n"
			}
			want := "POST " + test.target + " HTTP/1.1\r\n" +
				"Host: " + strings.TrimPrefix(s.URL, "https://") + "\r\n" +
				"Accept: application/json\r\nAccept-Encoding: gzip\r\n" + authorization + "Callout-Loop: 1\r\nConnection: close\r\n" +
				fmt.Sprintf("Content-Length: %d\r\n", len(test.body)) +
				"Content-Type: " + test.contentType + "\r\nUser-Agent: Callout/1\r\n\r\n" + test.body
			if got := arrived.Load(); got != want {
				t.Errorf("arrived\n%s\nwant\n%s", got, want)
			}
		})
	}
}

func TestUserAgentIsThatOfCalls(t *testing.T) {
	if userAgent != request.UserAgent {
		t.Errorf("token requests say %q, calls %q", userAgent, request.UserAgent)
	}
}

// The configuration is shared by all who call: a token request leaves it alone.
func TestTheClientIsNotChanged(t *testing.T) {
	s := newTokenServer(t, says(200, "", `{"access_token": "t", "expires_in": 60}`))
	client := callout.OAuth{TokenURL: s.URL, Parameters: []callout.Parameter{plain("resource", "b"), plain("resource", "a")}}
	for range 2 {
		got, err := fetch(t.Context(), s.transport(t), &client, time.Now)
		if err != nil || got.lifetime != time.Minute {
			t.Errorf("got %v, %v", got.lifetime, err)
		}
	}
	if p := client.Parameters; len(p) != 2 || p[0].Value != "b" || client.TokenURL != s.URL {
		t.Errorf("the client has become %+v", client)
	}
}
