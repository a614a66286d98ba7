package callout_test

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"

	"callout/handler/callout"
)

// oauth returns a credential of OAuth 2.0 with nothing wrong, with the changes.
func oauth(changes doc) doc {
	out := doc{
		"type": "oauth2ClientCredentials", "tokenUrl": "https://auth.example.com/oauth/token",
		"parameters": list{doc{"name": "client_id", "value": "the-client"}, doc{"name": "client_secret", "value": "the-secret"}},
	}
	maps.Copy(out, changes)
	maps.DeleteFunc(out, func(_ string, v any) bool { return v == absent })
	return out
}

func asking(changes doc) doc { return doc{"auth": oauth(changes)} }

// parameters are those of a token request.
func parameters(p ...doc) doc { return asking(doc{"parameters": p}) }

func tokenAuth(members doc) doc { return asking(doc{"tokenAuth": members}) }

func TestOAuth(t *testing.T) {
	tests{
		{"the least", asking(nil), ""},
		{"without parameters", asking(doc{"parameters": absent}), ""},
		{"null for the parameters", asking(doc{"parameters": nil}), ""},
		{"everything", asking(doc{
			"tokenAuth": doc{"type": "basic", "username": "u", "password": "p", "encoding": "form"}, "format": "form",
			"tokenPath": "tokens.access.token", "expiresInPath": "tokens.access.expires", "defaultLifetimeSeconds": 600,
			"refreshOn": list{400, 403}, "scheme": "Zoho-oauthtoken"}), ""},
		{"no token URL", asking(doc{"tokenUrl": absent}), "MissingValue auth.tokenUrl"},
		{"an empty token URL", asking(doc{"tokenUrl": ""}), "MissingValue auth.tokenUrl"},
		{"nothing", doc{"auth": doc{"type": "oauth2ClientCredentials"}}, "MissingValue auth.tokenUrl"},
		{"members of other kinds", asking(doc{"token": "key-12345", "username": "u", "password": "p", "key": "key-12345", "header": "X", "in": "header", "prefix": "P", "query": "q"}),
			"InvalidValue auth.header, InvalidValue auth.in, InvalidValue auth.key, InvalidValue auth.password, " +
				"InvalidValue auth.prefix, InvalidValue auth.query, InvalidValue auth.token, InvalidValue auth.username"},
		{"its members in another kind", doc{"auth": doc{"type": "none", "tokenUrl": "https://auth.example.com/", "parameters": list{doc{"name": "a"}},
			"tokenAuth": doc{"type": "basic"}, "format": "form", "tokenPath": "a", "expiresInPath": "a", "defaultLifetimeSeconds": 1, "refreshOn": list{403}, "scheme": "S"}},
			"InvalidValue auth.defaultLifetimeSeconds, InvalidValue auth.expiresInPath, InvalidValue auth.format, InvalidValue auth.parameters, " +
				"InvalidValue auth.refreshOn, InvalidValue auth.scheme, InvalidValue auth.tokenAuth, InvalidValue auth.tokenPath, InvalidValue auth.tokenUrl"},
		{"its members in another kind, with nothing in them", doc{"auth": doc{"type": "none", "tokenUrl": "", "parameters": list{}, "tokenAuth": doc{"password": nil}, "refreshOn": list{}, "defaultLifetimeSeconds": 0}}, ""},

		{"format json", asking(doc{"format": "json"}), ""},
		{"format unknown", asking(doc{"format": "xml"}), "InvalidValue auth.format"},
		{"no lifetime said", asking(doc{"defaultLifetimeSeconds": 0}), ""},
		{"a lifetime of a second", asking(doc{"defaultLifetimeSeconds": 1}), ""},
		{"a lifetime of a year", asking(doc{"defaultLifetimeSeconds": 31536000}), ""},
		{"a longer lifetime", asking(doc{"defaultLifetimeSeconds": 31536001}), "InvalidValue auth.defaultLifetimeSeconds"},
		{"a negative lifetime", asking(doc{"defaultLifetimeSeconds": -1}), "InvalidValue auth.defaultLifetimeSeconds"},
		{"a scheme of 64", asking(doc{"scheme": text(64)}), ""},
		{"a scheme of 65", asking(doc{"scheme": text(65)}), "InvalidValue auth.scheme"},
		{"a scheme with a space behind it", asking(doc{"scheme": "Bearer "}), "InvalidValue auth.scheme"},
		{"a scheme with CRLF", asking(doc{"scheme": "Bearer\r\nEvil:"}), "InvalidValue auth.scheme"},
		{"a scheme outside ASCII", asking(doc{"scheme": "Bärer"}), "InvalidValue auth.scheme"},
	}.run(t)
}

// A token URL is judged as an endpoint is.
func TestTokenURLs(t *testing.T) {
	at := func(url string) doc { return asking(doc{"tokenUrl": url}) }
	const bad = "InvalidValue auth.tokenUrl"
	const long = "https://auth.example.com/"
	tests{
		{"with a query", at("https://auth.example.com/token?tenant=a%26b"), ""},
		{"http, which egress judges", at("http://10.0.0.1/token"), ""},
		{"2,048 characters", at(long + text(2048-len(long))), ""},
		{"2,049 characters", at(long + text(2049-len(long))), "TooLong auth.tokenUrl"},
		{"a placeholder", at("https://login.microsoftonline.com/{tenant}/oauth2/v2.0/token"), bad},
		{"no scheme", at("auth.example.com/token"), bad},
		{"another scheme", at("ftp://auth.example.com/token"), bad},
		{"no host", at("https:///token"), bad},
		{"no URL", at("https://auth.example.com:port/"), bad},
		{"user and password", at("https://user:password@auth.example.com/token"), bad},
		{"fragment", at("https://auth.example.com/token#x"), bad},
		{"space", at("https://auth.example.com/a b"), bad},
		{"CRLF", at("https://auth.example.com/\r\nHost: evil.example"), bad},
		{"backslash", at(`https://auth.example.com\@evil.example/`), bad},
		{"host outside ASCII", at("https://münchen.example/token"), bad},
		{"host outside ASCII, encoded", at("https://m%C3%BCnchen.example/token"), bad},
	}.run(t)
}

// What is said about a URL names the one that is meant, and where a password in
// it belongs.
func TestFaultsOfURLsNameTheirPlace(t *testing.T) {
	for _, tt := range []struct {
		change doc
		want   string
	}{
		{doc{"endpoint": "https://u:p@api.example.com/"}, "The endpoint holds a user name or password. Remove it and use auth of type basic."},
		{asking(doc{"tokenUrl": "https://u:p@auth.example.com/"}), "The token URL holds a user name or password. Remove it and use auth.tokenAuth of type basic."},
		{asking(doc{"tokenUrl": "https://auth.example.com/{tenant}"}), "The token URL holds single braces. A placeholder such as {ORG_ID} was not replaced: put the real value in its place. What is to be filled in has double braces."},
	} {
		if faults := decode(t, with(tt.change)).Validate(nil); len(faults) != 1 || faults[0].Message != tt.want {
			t.Errorf("found %+v, want %q", faults, tt.want)
		}
	}
}

func TestTokenParameters(t *testing.T) {
	named := func(name string) doc { return parameters(doc{"name": name, "value": "v", "secret": false}) }
	plain, hidden := doc{"name": "resource", "value": "a"}, doc{"name": "resource", "value": "long-enough", "secret": true}
	many := func(n int) doc {
		return asking(doc{"parameters": listOf(n, func(int) doc { return plain })})
	}
	const badName = "InvalidValue auth.parameters[0].name"
	tests{
		{"50", many(50), ""},
		{"51", many(51), "TooLong auth.parameters"},
		{"name of 128", named(text(128)), ""},
		{"name of 129", named(text(129)), badName},
		{"name empty", named(""), badName},
		{"name missing", parameters(doc{"value": "v"}), badName},
		{"name with everything printable", named(`urn:x[0] !"#$%&'()*+,-./;<=>?@\^_{|}~` + "`"), ""},
		{"name with a space at the end", named("scope "), badName},
		{"name with CRLF", named("a\r\nb"), badName},
		{"name with NUL", named("a\x00"), badName},
		{"name outside ASCII", named("größe"), badName},

		{"value empty", parameters(doc{"name": "scope", "value": ""}), ""},
		{"value missing", parameters(doc{"name": "scope"}), ""},
		{"value of 8 KiB", parameters(doc{"name": "scope", "value": text(8192)}), ""},
		{"value of 8 KiB and one", parameters(doc{"name": "scope", "value": text(8193)}), "TooLong auth.parameters[0].value"},
		{"value of several lines, as a PEM key has", parameters(doc{"name": "scope", "value": "-----BEGIN\r\nπ\x00"}), ""},
		{"value with single braces", parameters(doc{"name": "claims", "value": `{"acr": {"essential": true}}`}), ""},

		{"secret of 8 bytes", parameters(doc{"name": "client_secret", "value": "12345678"}), ""},
		{"secret of 7 bytes", parameters(plain, doc{"name": "client_secret", "value": "1234567"}), "InvalidValue auth.parameters[1].value"},
		{"secret of 7 bytes that is said to be none", parameters(doc{"name": "client_secret", "value": "1234567", "secret": false}), ""},
		{"secret of 8 KiB and one", parameters(doc{"name": "client_secret", "value": text(8193)}), "TooLong auth.parameters[0].value"},
		{"secret without a value", parameters(plain, doc{"name": "client_secret"}), "MissingValue auth.parameters[1].value"},
		{"secret of several lines", parameters(doc{"name": "client_assertion", "value": "-----BEGIN\r\nKEY\x00"}), ""},

		{"a name three times (RFC 8707)", parameters(plain, plain, plain), ""},
		{"a name that is a secret's too", parameters(plain, hidden), "InvalidValue auth.parameters[1].name"},
		{"a secret's name again", parameters(hidden, plain), "InvalidValue auth.parameters[1].name"},
		{"two secrets of one name", parameters(hidden, hidden), "InvalidValue auth.parameters[1].name"},
		{"a secret's name twice more", parameters(hidden, plain, plain), "InvalidValue auth.parameters[1].name, InvalidValue auth.parameters[2].name"},
		{"a secret between two", parameters(plain, hidden, plain), "InvalidValue auth.parameters[1].name, InvalidValue auth.parameters[2].name"},
		{"names that differ in case", parameters(doc{"name": "client_secret", "value": "long-enough"}, doc{"name": "Client_Secret", "value": "long-enough"}), ""},
	}.run(t)
}

func TestTokenAuth(t *testing.T) {
	const token = "key-12345"
	tests{
		{"empty", tokenAuth(doc{}), ""},
		{"null", tokenAuth(nil), ""},
		{"basic", tokenAuth(doc{"type": "basic", "username": "u", "password": "long-enough"}), ""},
		{"basic, short password", tokenAuth(doc{"type": "basic", "username": "public-client", "password": "public"}), ""},
		{"basic, empty password", tokenAuth(doc{"type": "basic", "username": "u", "password": ""}), ""},
		{"basic without a user name", tokenAuth(doc{"type": "basic", "password": "p"}), ""},
		{"basic without a password", tokenAuth(doc{"type": "basic", "username": "u"}), "MissingValue auth.tokenAuth.password"},
		{"basic with a token", tokenAuth(doc{"type": "basic", "username": "u", "password": "p", "token": token}), "InvalidValue auth.tokenAuth.token"},
		{"encoding raw", tokenAuth(doc{"type": "basic", "password": "p", "encoding": "raw"}), ""},
		{"encoding form", tokenAuth(doc{"type": "basic", "password": "p", "encoding": "form"}), ""},
		{"encoding unknown", tokenAuth(doc{"type": "basic", "password": "p", "encoding": "base64"}), "InvalidValue auth.tokenAuth.encoding"},
		{"a colon in the user name", tokenAuth(doc{"type": "basic", "username": "a:b", "password": "p"}), "InvalidValue auth.tokenAuth.username"},
		{"a colon in the user name, raw", tokenAuth(doc{"type": "basic", "username": "a:b", "password": "p", "encoding": "raw"}), "InvalidValue auth.tokenAuth.username"},
		{"a colon in the user name, form-encoded", tokenAuth(doc{"type": "basic", "username": "a:b", "password": "p", "encoding": "form"}), ""},
		{"a long user name", tokenAuth(doc{"type": "basic", "username": text(8193), "password": "p"}), "TooLong auth.tokenAuth.username"},
		{"a long password", tokenAuth(doc{"type": "basic", "username": "u", "password": text(8193)}), "TooLong auth.tokenAuth.password"},

		{"bearer", tokenAuth(doc{"type": "bearer", "token": token}), ""},
		{"bearer without a token", tokenAuth(doc{"type": "bearer"}), "MissingValue auth.tokenAuth.token"},
		{"bearer with a short token", tokenAuth(doc{"type": "bearer", "token": "1234567"}), "InvalidValue auth.tokenAuth.token"},
		{"bearer with CRLF", tokenAuth(doc{"type": "bearer", "token": "abcdefgh\r\nX: y"}), "InvalidValue auth.tokenAuth.token"},
		{"bearer outside ASCII", tokenAuth(doc{"type": "bearer", "token": "schlüssel"}), "InvalidValue auth.tokenAuth.token"},
		{"bearer with members of basic", tokenAuth(doc{"type": "bearer", "token": token, "username": "a:b", "password": "p", "encoding": "x"}),
			"InvalidValue auth.tokenAuth.encoding, InvalidValue auth.tokenAuth.password, InvalidValue auth.tokenAuth.username"},

		{"no type", tokenAuth(doc{"username": "u", "password": "p"}), "InvalidValue auth.tokenAuth.type"},
		{"an unknown type", tokenAuth(doc{"type": "apiKey"}), "InvalidValue auth.tokenAuth.type"},
		{"type none", tokenAuth(doc{"type": "none"}), "InvalidValue auth.tokenAuth.type"},
	}.run(t)
}

func TestPathsIntoTheAnswer(t *testing.T) {
	names := func(n int, name string) string { return strings.TrimSuffix(strings.Repeat(name+".", n), ".") }
	for _, member := range []string{"tokenPath", "expiresInPath"} {
		at := func(path string) doc { return asking(doc{member: path}) }
		bad := "InvalidValue auth." + member
		tests{
			{"one name", at("accessToken"), ""},
			{"nested", at("tokens.access.token"), ""},
			{"8 names of 64 characters", at(names(8, strings.Repeat("é", 64))), ""},
			{"9 names", at(names(9, "a")), bad},
			{"a name of 65 characters", at("a." + text(65)), bad},
			{"a dot at the start", at(".a"), bad},
			{"a dot at the end", at("a."), bad},
			{"two dots", at("a..b"), bad},
			{"a dot", at("."), bad},
		}.run(t)
	}
}

func TestRefreshOn(t *testing.T) {
	at := func(statuses ...int) doc { return asking(doc{"refreshOn": statuses}) }
	from := func(first, n int) []int {
		var out []int
		for i := range n {
			out = append(out, first+i)
		}
		return out
	}
	const first = "InvalidValue auth.refreshOn[0]"
	tests{
		{"none", at(), ""},
		{"null", asking(doc{"refreshOn": nil}), ""},
		{"the ends of what is permitted", at(400, 499, 500, 599), ""},
		{"401, which always counts", at(401), ""},
		{"399", at(399), first},
		{"600", at(600), first},
		{"0", at(0), first},
		{"a success", at(200), first},
		{"the last success", at(299), first},
		{"a redirect", at(302), first},
		{"a limit", at(429), first},
		{"10", at(from(430, 10)...), ""},
		{"11", at(from(430, 11)...), "TooLong auth.refreshOn"},
		{"one twice", at(403, 400, 403), "InvalidValue auth.refreshOn[2]"},
		{"two that are wrong", at(403, 204, 404, 429), "InvalidValue auth.refreshOn[1], InvalidValue auth.refreshOn[3]"},
	}.run(t)
	for status, why := range map[int]string{204: "succeeded", 429: "limit", 302: "from 400 to 599"} {
		if faults := decode(t, with(at(status))).Validate(nil); !strings.Contains(faults[0].Message, why) {
			t.Errorf("%d: %q does not say %q", status, faults[0].Message, why)
		}
	}
}

func TestOAuthSetsAuthorization(t *testing.T) {
	header := func(name string) doc {
		return doc{"auth": oauth(nil), "headers": list{doc{"name": name, "value": "other-value"}}}
	}
	tests{
		{"Authorization", header("AUTHORIZATION"), "InvalidValue headers[0].name"},
		{"another header", header("X-Key"), ""},
	}.run(t)
}

// Parameters are hidden as headers are.
func TestParametersThatSoundSecret(t *testing.T) {
	for name, want := range map[string]bool{
		"client_secret": true, "CLIENT_SECRET": true, "password": true, "refresh_token": true, "client_assertion": true, "apiKey": true,
		"client_id": false, "grant_type": false, "scope": false, "audience": false, "resource": false, "username": false,
	} {
		for _, said := range []any{absent, nil, true, false} {
			parameter := doc{"name": name, "value": "canary-value", "secret": said}
			maps.DeleteFunc(parameter, func(_ string, v any) bool { return v == absent })
			p := decode(t, with(parameters(parameter))).Auth.Parameters[0]
			wanted := want
			if b, ok := said.(bool); ok {
				wanted = b
			}
			if p.Name != name || p.Secret != wanted || p.Hidden.IsSet() != wanted || (p.Value == "") != wanted || p.Value+p.Hidden.Reveal() != "canary-value" {
				t.Errorf("%s, secret %v: secret %t, hidden %t, value %q; want secret %t", name, said, p.Secret, p.Hidden.IsSet(), p.Value, wanted)
			}
		}
	}
}

// A credential is read as it was given, its secrets aside; what was left out is
// not made up.
func TestOAuthIsReadAsItWasGiven(t *testing.T) {
	everything := oauth(doc{
		"parameters": list{doc{"name": "resource", "value": "https://a", "secret": false}, doc{"name": "resource", "value": "https://b", "secret": false}},
		"tokenAuth":  doc{"type": "basic", "username": "u", "encoding": "form"}, "format": "json", "tokenPath": "a.b", "expiresInPath": "c",
		"defaultLifetimeSeconds": 600, "refreshOn": list{403, 401}, "scheme": "Token",
	})
	for name, auth := range map[string]doc{
		"the least": {"type": "oauth2ClientCredentials", "tokenUrl": "https://auth.example.com/"}, "everything": everything,
	} {
		read, err := json.Marshal(decode(t, with(doc{"auth": auth})).WithoutSecrets().Auth)
		if err != nil {
			t.Fatal(err)
		}
		want, _ := json.Marshal(auth)
		var a, b any
		if json.Unmarshal(read, &a) != nil || json.Unmarshal(want, &b) != nil || !equalJSON(a, b) {
			t.Errorf("%s: given %s, read %s", name, want, read)
		}
	}
}

func equalJSON(a, b any) bool {
	x, _ := json.Marshal(a)
	y, _ := json.Marshal(b)
	return string(x) == string(y)
}

// Which secrets stay when another credential replaces that of full()["oauth"].
func TestWhatIsKeptOfATokenRequest(t *testing.T) {
	row := stored(decode(t, full()["oauth"]))
	hidden := func(name string, members doc) list { members["name"] = name; return list{members} }
	const clientSecret, password = "auth.parameters/client_secret", "auth.tokenAuth.password"
	basic := doc{"type": "basic", "username": "someone"}
	for _, tt := range []struct {
		name   string
		change doc
		want   []string
	}{
		{"left out", oauth(doc{"parameters": hidden("client_secret", doc{}), "tokenAuth": basic}), []string{clientSecret, password}},
		{"given anew", oauth(doc{"tokenAuth": doc{"type": "basic", "password": "new"}}), nil},
		{"cleared", oauth(doc{"parameters": hidden("client_secret", doc{"value": nil}), "tokenAuth": doc{"type": "basic", "password": nil}}), nil},
		{"taken away", oauth(doc{"parameters": list{}}), nil},
		{"no longer a secret", oauth(doc{"parameters": hidden("client_secret", doc{"secret": false})}), nil},
		{"name in another case", oauth(doc{"parameters": hidden("Client_Secret", doc{})}), nil},
		{"beside one that differs in case", oauth(doc{"parameters": append(hidden("CLIENT_SECRET", doc{}), hidden("client_secret", doc{})...)}), []string{clientSecret}},
		{"another kind of tokenAuth", oauth(doc{"parameters": list{}, "tokenAuth": doc{"type": "bearer"}}), nil},
		{"another kind of credential", doc{"type": "basic"}, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := decode(t, with(doc{"auth": tt.change})).Kept(row); !slices.Equal(got, tt.want) {
				t.Errorf("kept %v, want %v", got, tt.want)
			}
		})
	}
}

// A place that was cleared may be put back as it was read; one that is new must
// be filled.
func TestWhatMayBeMissing(t *testing.T) {
	row := stored(decode(t, with(asking(doc{
		"parameters": list{doc{"name": "client_secret", "value": nil}}, "tokenAuth": doc{"type": "bearer", "token": nil}}))))
	read := parse(t, encode(t, row))
	if got := found(read.Validate(read.Excused(row))); got != "" {
		t.Errorf("put back, found %q", got)
	}
	if got := read.Unset(); !slices.Equal(got, []string{"auth.parameters/client_secret", "auth.tokenAuth.token"}) {
		t.Errorf("without a value: %v", got)
	}
	other := decode(t, with(asking(doc{"parameters": list{doc{"name": "Client_Secret"}}, "tokenAuth": doc{"type": "basic"}})))
	if got := found(other.Validate(other.Excused(row))); got != "MissingValue auth.parameters[0].value, MissingValue auth.tokenAuth.password" {
		t.Errorf("other places: found %q", got)
	}
}

func TestSamePlace(t *testing.T) {
	for _, tt := range []struct {
		a, b string
		want bool
	}{
		{"headers/X-Key", "headers/x-key", true},
		{"headers/X-Key", "headers/X-Kez", false},
		{"auth.parameters/a", "auth.parameters/a", true},
		{"auth.parameters/a", "auth.parameters/A", false},
		{"auth.token", "auth.token", true},
		{"auth.token", "auth.tokenAuth.token", false},
	} {
		if callout.SamePlace(tt.a, tt.b) != tt.want || callout.SamePlace(tt.b, tt.a) != tt.want {
			t.Errorf("%s and %s: %t", tt.a, tt.b, !tt.want)
		}
	}
}
