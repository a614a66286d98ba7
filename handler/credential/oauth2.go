package credential

import (
	"net/url"
	"slices"

	"callout/handler/callout"
	"callout/handler/secret"
)

// oauth2 puts a token into the header Authorization (RFC 6750, section 2.1),
// behind the scheme that the API asks for. The token is not among the secrets of
// a configuration: WithToken gives it.
func oauth2(a *callout.Auth) Credential {
	prefix := bearerPrefix
	if a.Scheme != "" {
		prefix = a.Scheme + " "
	}
	return Credential{header: "Authorization", prefix: prefix, takesToken: true, derived: ofTokenRequest(&a.OAuth)}
}

// NeedsToken reports whether the credential is one of OAuth 2.0 and has no token
// yet: one has to be asked for, and given to WithToken, before Apply.
func (c Credential) NeedsToken() bool { return c.takesToken && !c.value.IsSet() }

// WithToken returns the credential with the token in the place of any other; a
// credential that takes none stays as it is. Its Secrets hold the token as well.
func (c Credential) WithToken(token secret.Secret) Credential {
	if c.takesToken {
		c.value = token
	}
	return c
}

// completeOAuth2 reports whether a token can be asked for: no secret of the
// token request is without a value.
func completeOAuth2(o *callout.OAuth) bool {
	without := func(p callout.Parameter) bool { return p.Secret && !p.Hidden.IsSet() }
	switch {
	case slices.ContainsFunc(o.Parameters, without):
		return false
	case o.TokenAuth.Type == callout.AuthBasic:
		return o.TokenAuth.Password.IsSet()
	case o.TokenAuth.Type == callout.AuthBearer:
		return o.TokenAuth.Token.IsSet()
	}
	return true
}

// ofTokenRequest lists what a provider, or an API that is asked in its place, may
// echo of a token request besides the stored secrets: the Basic forms of what
// lets it in, and of the client, which some providers make by themselves.
func ofTokenRequest(o *callout.OAuth) []secret.Secret {
	var out []secret.Secret
	if o.TokenAuth.Type == callout.AuthBasic {
		out = append(out, pairs(o.TokenAuth.Username, o.TokenAuth.Password.Reveal())...)
	}
	id, _ := parameter(o, "client_id")
	if password, ok := parameter(o, "client_secret"); ok {
		out = append(out, pairs(id, password)...)
	}
	return out
}

// pairs gives the Basic forms of user name and password: raw (RFC 7617), and
// form-encoded before they are joined (RFC 6749, section 2.3.1).
func pairs(username, password string) []secret.Secret {
	return []secret.Secret{
		findable(basicPrefix, pair(username, password)),
		findable(basicPrefix, pair(url.QueryEscape(username), url.QueryEscape(password))),
	}
}

// parameter returns the value of the first parameter of that name.
func parameter(o *callout.OAuth, name string) (value string, ok bool) {
	i := slices.IndexFunc(o.Parameters, func(p callout.Parameter) bool { return p.Name == name })
	if i < 0 {
		return "", false
	}
	return o.Parameters[i].Value + o.Parameters[i].Hidden.Reveal(), true
}
