package callout

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"
)

// Limits of a credential of type oauth2ClientCredentials.
const (
	maxParameterName = 128
	maxPathNames     = 8
	maxPathName      = 64
	maxRefreshOn     = 10
	maxScheme        = 64
)

func (o *OAuth) check(f *faults) {
	if o.TokenURL != "" { // or it is reported as missing
		checkURL(f, urlRole{target: "auth.tokenUrl", name: "token URL", example: "https://auth.example.com/oauth/token", login: "auth.tokenAuth"}, o.TokenURL)
	}
	o.checkParameters(f)
	o.TokenAuth.check(f)
	f.check(slices.Contains([]string{"", FormatForm, FormatJSON}, o.Format), InvalidValue, "auth.format", `auth.format must be "form" or "json".`)
	checkPath(f, "auth.tokenPath", o.TokenPath)
	checkPath(f, "auth.expiresInPath", o.ExpiresInPath)
	f.check(o.DefaultLifetime >= 0 && o.DefaultLifetime <= MaxDefaultLifetime, InvalidValue, "auth.defaultLifetimeSeconds",
		"The lifetime must be from 1 to %d seconds. Leave it out if the provider says how long a token lives.", MaxDefaultLifetime)
	o.checkRefreshOn(f)
	f.check(o.Scheme == "" || validHeaderName(o.Scheme) && len(o.Scheme) <= maxScheme, InvalidValue, "auth.scheme",
		"The scheme must be one word such as Bearer, without the space behind it: at most %d letters, digits, hyphens and the like.", maxScheme)
}

// checkParameters lets a name be repeated, as RFC 8707 does with resource, but
// not that of a secret: stored values are known by their names.
func (o *OAuth) checkParameters(f *faults) {
	f.check(len(o.Parameters) <= MaxParameters, TooLong, "auth.parameters", "There are more than %d parameters. Remove some.", MaxParameters)
	seen := map[string]bool{} // whether it is the name of a secret
	for i, p := range o.Parameters {
		at := fmt.Sprintf("auth.parameters[%d]", i)
		f.check(p.Name != "" && len(p.Name) <= maxParameterName && printable(p.Name) && p.Name == strings.TrimSpace(p.Name), InvalidValue, at+".name",
			"A parameter's name must be 1 to %d printable ASCII characters without spaces at its ends.", maxParameterName)
		f.check(len(p.Value) <= MaxSecret, TooLong, at+".value", "The value is longer than %d bytes. Shorten it.", MaxSecret)
		ofSecret, had := seen[p.Name]
		f.check(!had || !ofSecret && !p.Secret, InvalidValue, at+".name",
			"Two parameters have this name and one of them is a secret. Remove one, or rename it.")
		seen[p.Name] = ofSecret || p.Secret
	}
}

var tokenAuthTakes = map[AuthType][]string{
	AuthBasic:  {"username", "password", "encoding"},
	AuthBearer: {"token"},
}

// check leaves missing secrets to checkSecrets.
func (t *TokenAuth) check(f *faults) {
	takes, ok := tokenAuthTakes[t.Type]
	if !ok {
		f.check(!t.isGiven(), InvalidValue, "auth.tokenAuth.type",
			`auth.tokenAuth.type must be "basic" or "bearer". Leave auth.tokenAuth out if the parameters alone let the token request in.`)
		return
	}
	given := t.given()
	for _, name := range slices.Sorted(maps.Keys(given)) {
		f.check(!given[name] || slices.Contains(takes, name), InvalidValue, "auth.tokenAuth."+name,
			"A token request that is let in by %s does not take this property. Remove it, or change auth.tokenAuth.type.", t.Type)
	}
	if t.Type == AuthBearer {
		checkSecretHeader(f, "auth.tokenAuth.token", t.Token)
		return
	}
	f.check(slices.Contains([]string{"", EncodingRaw, EncodingForm}, t.Encoding), InvalidValue, "auth.tokenAuth.encoding",
		`auth.tokenAuth.encoding must be "raw" or "form".`)
	f.check(t.Encoding == EncodingForm || !strings.Contains(t.Username, ":"), InvalidValue, "auth.tokenAuth.username",
		`A user name of basic authentication cannot hold a colon (RFC 7617). Remove it, or set auth.tokenAuth.encoding to "form" if the provider expects that.`)
	f.check(len(t.Username) <= MaxSecret, TooLong, "auth.tokenAuth.username", "The user name is longer than %d bytes.", MaxSecret)
}

// checkPath checks a path that leads to a member of the provider's answer.
func checkPath(f *faults, target, path string) {
	if path == "" {
		return
	}
	names := strings.Split(path, ".")
	bad := slices.ContainsFunc(names, func(name string) bool { return name == "" || utf8.RuneCountInString(name) > maxPathName })
	f.check(!bad && len(names) <= maxPathNames, InvalidValue, target,
		"The path must be names with dots between them, such as tokens.access.token: at most %d names of 1 to %d characters.", maxPathNames, maxPathName)
}

func (o *OAuth) checkRefreshOn(f *faults) {
	f.check(len(o.RefreshOn) <= maxRefreshOn, TooLong, "auth.refreshOn", "There are more than %d statuses. Remove some.", maxRefreshOn)
	seen := map[int]bool{}
	for i, status := range o.RefreshOn {
		at := fmt.Sprintf("auth.refreshOn[%d]", i)
		switch {
		case status >= 200 && status <= 299:
			f.add(InvalidValue, at, "A status from 200 to 299 says that the call succeeded, so the token was accepted. Remove it.")
		case status == 429:
			f.add(InvalidValue, at, "Status 429 tells a limit and not an expired token: a new token would not help. Remove it.")
		case status < 400 || status > 599:
			f.add(InvalidValue, at, "A status that tells an expired token must be from 400 to 599. Remove it.")
		}
		f.check(!seen[status], InvalidValue, at, "This status is listed twice. Remove one.")
		seen[status] = true
	}
}
