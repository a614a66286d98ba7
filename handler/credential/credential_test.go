package credential_test

import (
	"encoding/base64"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"callout/handler/callout"
	"callout/handler/credential"
	"callout/handler/secret"
)

const canary = `canary-k3y/+=&"é`

// arrived is what the server saw of a request.
type arrived struct {
	uri    string
	header http.Header
	body   string
}

// send builds a request to a TLS server, lets prepare change it, and returns
// what arrived.
func send(t *testing.T, query string, prepare func(*http.Request)) arrived {
	t.Helper()
	got := make(chan arrived, 1)
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		got <- arrived{r.RequestURI, r.Header, string(body)}
	}))
	defer server.Close()
	req, err := http.NewRequest("POST", server.URL+"/v1/items"+query, strings.NewReader(`{"a":1}`))
	if err != nil {
		t.Fatal(err)
	}
	req.Header = http.Header{"User-Agent": {"Callout/1"}, "Accept-Encoding": {"gzip"}, "Content-Type": {"application/json"}}
	prepare(req)
	resp, err := server.Client().Do(req)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	return <-got
}

func create(t *testing.T, a callout.Auth) credential.Credential {
	t.Helper()
	c, err := credential.New(&a)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func pair(username, password string) string {
	return base64.StdEncoding.EncodeToString([]byte(username + ":" + password))
}

var kinds = []struct {
	name   string
	auth   callout.Auth
	query  string // of the endpoint
	uri    string // that arrives
	header string // that arrives besides those of every request, "Name: value"
	masked string // the header, or else the URI, as it is shown
	masks  []string
}{
	{
		name: "nothing said", uri: "/v1/items", masked: "/v1/items",
	}, {
		name: "none", auth: callout.Auth{Type: callout.AuthNone}, query: "?a=1", uri: "/v1/items?a=1", masked: "/v1/items?a=1",
	}, {
		name: "bearer", auth: callout.Auth{Type: callout.AuthBearer, Token: secret.New("canary.t0ken~+/=")}, uri: "/v1/items",
		header: "Authorization: Bearer canary.t0ken~+/=", masked: "Authorization: Bearer [secret]", masks: []string{"canary.t0ken~+/="},
	}, {
		name: "basic", auth: callout.Auth{Type: callout.AuthBasic, Username: "user@example.com", Password: secret.New(canary)}, uri: "/v1/items",
		header: "Authorization: Basic " + pair("user@example.com", canary), masked: "Authorization: Basic [secret]", masks: []string{pair("user@example.com", canary)},
	}, {
		name: "basic, empty password", auth: callout.Auth{Type: callout.AuthBasic, Username: "key", Password: secret.New("")}, uri: "/v1/items",
		header: "Authorization: Basic a2V5Og==", masked: "Authorization: Basic [secret]", masks: []string{"a2V5Og=="},
	}, {
		name: "basic, in the standard alphabet", auth: callout.Auth{Type: callout.AuthBasic, Username: "u", Password: secret.New("~~~???>>>")}, uri: "/v1/items",
		header: "Authorization: Basic dTp+fn4/Pz8+Pj4=", masked: "Authorization: Basic [secret]", masks: []string{"dTp+fn4/Pz8+Pj4="},
	}, {
		name: "basic, password with a colon", auth: callout.Auth{Type: callout.AuthBasic, Username: "u", Password: secret.New("a:b")}, uri: "/v1/items",
		header: "Authorization: Basic dTphOmI=", masked: "Authorization: Basic [secret]", masks: []string{"dTphOmI="},
	}, {
		name: "basic, secret user name", uri: "/v1/items",
		auth:   callout.Auth{Type: callout.AuthBasic, UsernameSecret: true, HiddenUsername: secret.New("canary-user"), Password: secret.New("pw")},
		header: "Authorization: Basic " + pair("canary-user", "pw"), masked: "Authorization: Basic [secret]", masks: []string{pair("canary-user", "pw")},
	}, {
		name: "apiKey in a header", auth: callout.Auth{Type: callout.AuthAPIKey, In: callout.InHeader, Header: "x-api-KEY", Key: secret.New("canary-key")}, uri: "/v1/items",
		header: "X-Api-Key: canary-key", masked: "X-Api-Key: [secret]", masks: []string{"canary-key"},
	}, {
		name: "apiKey with a prefix", uri: "/v1/items",
		auth:   callout.Auth{Type: callout.AuthAPIKey, In: callout.InHeader, Header: "Authorization", Prefix: "Token token=", Key: secret.New("canary-key")},
		header: "Authorization: Token token=canary-key", masked: "Authorization: Token token=[secret]", masks: []string{"canary-key"},
	}, {
		name: "apiKey with a prefix that ends in a space", uri: "/v1/items",
		auth:   callout.Auth{Type: callout.AuthAPIKey, In: callout.InHeader, Header: "Authorization", Prefix: "SSWS ", Key: secret.New("canary-key")},
		header: "Authorization: SSWS canary-key", masked: "Authorization: SSWS [secret]", masks: []string{"canary-key"},
	}, {
		name: "apiKey in the query", auth: callout.Auth{Type: callout.AuthAPIKey, In: callout.InQuery, Query: "api_key", Key: secret.New(canary)},
		uri: "/v1/items?api_key=canary-k3y%2F%2B%3D%26%22%C3%A9", masked: "/v1/items?api_key=%5Bsecret%5D", masks: []string{canary},
	}, {
		name: "apiKey behind a configured query", auth: callout.Auth{Type: callout.AuthAPIKey, In: callout.InQuery, Query: "k", Key: secret.New("canary-key")},
		query: "?b=%2f&a[]=1&a[]", uri: "/v1/items?b=%2f&a[]=1&a[]&k=canary-key", masked: "/v1/items?b=%2f&a[]=1&a[]&k=%5Bsecret%5D", masks: []string{"canary-key"},
	},
}

// What arrives is the credential in its place, and nothing else is touched.
func TestApply(t *testing.T) {
	for _, kind := range kinds {
		t.Run(kind.name, func(t *testing.T) {
			got := send(t, kind.query, create(t, kind.auth).Apply)
			if got.uri != kind.uri {
				t.Errorf("called %s, want %s", got.uri, kind.uri)
			}
			checkHeaders(t, got.header, kind.header)
			if got.body != `{"a":1}` {
				t.Errorf("the body became %s", got.body)
			}
		})
	}
}

func checkHeaders(t *testing.T, got http.Header, extra string) {
	t.Helper()
	want := http.Header{"User-Agent": {"Callout/1"}, "Accept-Encoding": {"gzip"}, "Content-Type": {"application/json"}, "Content-Length": {"7"}}
	if name, value, ok := strings.Cut(extra, ": "); ok {
		want[name] = []string{value}
	}
	for name := range want {
		if len(got[name]) != 1 || got[name][0] != want[name][0] {
			t.Errorf("%s arrived as %q, want %q", name, got[name], want[name])
		}
	}
	if len(got) != len(want) {
		t.Errorf("arrived: %v, want %v", got, want)
	}
}

// A request that is shown has the mask where the value would be.
func TestMask(t *testing.T) {
	for _, kind := range kinds {
		t.Run(kind.name, func(t *testing.T) {
			got := send(t, kind.query, create(t, kind.auth).Mask)
			if name, value, ok := strings.Cut(kind.masked, ": "); ok {
				if got.header.Get(name) != value {
					t.Errorf("%s is shown as %q, want %q", name, got.header.Get(name), value)
				}
			} else if got.uri != kind.masked {
				t.Errorf("shown as %s, want %s", got.uri, kind.masked)
			}
			for name, values := range got.header {
				if shown := got.uri + name + strings.Join(values, ""); strings.Contains(shown, "canary") || strings.Contains(shown, "Y2FuYXJ5") {
					t.Errorf("a secret is shown: %s", shown)
				}
			}
		})
	}
}

// The values that are derived are known to whoever redacts.
func TestSecrets(t *testing.T) {
	for _, kind := range kinds {
		t.Run(kind.name, func(t *testing.T) {
			var got []string
			for _, s := range create(t, kind.auth).Secrets() {
				got = append(got, s.Reveal())
			}
			if strings.Join(got, "|") != strings.Join(kind.masks, "|") {
				t.Errorf("got %q, want %q", got, kind.masks)
			}
		})
	}
}

// A header that is set already is replaced, not sent twice.
func TestApplyReplaces(t *testing.T) {
	c := create(t, callout.Auth{Type: callout.AuthBearer, Token: secret.New("canary-token")})
	got := send(t, "", func(r *http.Request) {
		r.Header.Set("Authorization", "other")
		c.Apply(r)
		c.Apply(r)
	})
	checkHeaders(t, got.header, "Authorization: Bearer canary-token")
}

func TestMissing(t *testing.T) {
	for name, a := range map[string]callout.Auth{
		"bearer":                        {Type: callout.AuthBearer},
		"basic":                         {Type: callout.AuthBasic, Username: "u"},
		"basic without its hidden user": {Type: callout.AuthBasic, UsernameSecret: true, Password: secret.New("p")},
		"apiKey in a header":            {Type: callout.AuthAPIKey, In: callout.InHeader, Header: "X-Key"},
		"apiKey in the query":           {Type: callout.AuthAPIKey, In: callout.InQuery, Query: "key"},
	} {
		c, err := credential.New(&a)
		var refusal *callout.Error
		if !errors.As(err, &refusal) || refusal.Code != string(callout.CredentialMissing) {
			t.Errorf("%s: got %v", name, err)
		}
		if c.Secrets() != nil {
			t.Errorf("%s: there are secrets", name)
		}
	}
	if _, err := credential.New(&callout.Auth{Type: "ntlm"}); err == nil {
		t.Error("a kind that does not exist was accepted")
	}
}
