package callout

import (
	"maps"
	"slices"
	"strings"

	"callout/handler/secret"
)

func (a *Auth) check(f *faults, excused []string) {
	use, ok := authUse[a.Type]
	if !ok {
		f.add(InvalidValue, "auth.type", "The type must be none, bearer, basic, apiKey or oauth2ClientCredentials.")
		return
	}
	given := a.given()
	for _, name := range slices.Sorted(maps.Keys(given)) {
		f.check(!given[name] || slices.Contains(use.takes, name), InvalidValue, "auth."+name,
			"A credential of type %s does not take this property. Remove it, or change auth.type.", a.Type)
	}
	needs := use.needs
	if a.UsernameSecret && a.Type == AuthBasic {
		needs = append(slices.Clip(needs), "username")
	}
	for _, name := range needs {
		f.check(given[name] || slices.Contains(excused, "auth."+name), MissingValue, "auth."+name,
			"A credential of type %s needs this property. Give it.", a.Type)
	}
	a.checkKind(f)
}

func (a *Auth) checkKind(f *faults) {
	switch a.Type {
	case AuthBearer:
		checkSecretHeader(f, "auth.token", a.Token)
	case AuthBasic:
		f.check(!strings.Contains(a.Username+a.HiddenUsername.Reveal(), ":"), InvalidValue, "auth.username",
			"A user name of basic authentication cannot hold a colon (RFC 7617). Remove it.")
		f.check(len(a.Username) <= MaxSecret, TooLong, "auth.username", "The user name is longer than %d bytes.", MaxSecret)
	case AuthAPIKey:
		a.checkAPIKey(f)
	case AuthOAuth2:
		a.OAuth.check(f)
	}
}

func (a *Auth) checkAPIKey(f *faults) {
	switch a.In {
	case InHeader:
		f.check(a.Query == "", InvalidValue, "auth.query", `auth.query is for keys in the query. Remove it, or set auth.in to "query".`)
		checkHeaderName(f, "auth.header", a.Header)
		checkSecretHeader(f, "auth.key", a.Key)
		f.check(a.Prefix == "" || printable(a.Prefix) && a.Prefix == strings.TrimLeft(a.Prefix, " ") && len(a.Prefix) <= 64, InvalidValue, "auth.prefix",
			"The prefix must be at most 64 printable ASCII characters and must not begin with a space.")
	case InQuery:
		f.check(a.Header == "" && a.Prefix == "", InvalidValue, "auth.in", `auth.header and auth.prefix are for keys in a header. Remove them, or set auth.in to "header".`)
		f.check(validKey(a.Query), InvalidValue, "auth.query",
			"auth.query must name the query parameter: 1 to 64 letters, digits, dots, hyphens or underscores.")
	default:
		f.add(InvalidValue, "auth.in", `auth.in must be "header" or "query".`)
	}
}

func checkSecretHeader(f *faults, target string, s secret.Secret) {
	f.check(!s.IsSet() || validHeaderValue(s.Reveal()), InvalidValue, target, headerValueAdvice)
}

// headerName is the header, in lower case, that the credential sets.
func (a *Auth) headerName() string {
	switch {
	case a.Type == AuthBearer || a.Type == AuthBasic || a.Type == AuthOAuth2:
		return "authorization"
	case a.Type == AuthAPIKey && a.In == InHeader:
		return strings.ToLower(a.Header)
	}
	return ""
}

// queryName is the query parameter that the credential sets.
func (a *Auth) queryName() string {
	if a.Type == AuthAPIKey && a.In == InQuery {
		return a.Query
	}
	return ""
}
