package credential

import "callout/handler/callout"

// apiKey puts the key into a header, behind the prefix as it stands, or into a
// query parameter.
func apiKey(a *callout.Auth) Credential {
	if a.In == callout.InQuery {
		return Credential{query: a.Query, value: a.Key}
	}
	return Credential{header: a.Header, prefix: a.Prefix, value: a.Key}
}
