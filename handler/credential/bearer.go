package credential

import "callout/handler/callout"

// bearer follows RFC 6750, section 2.1.
func bearer(a *callout.Auth) Credential {
	return Credential{header: "Authorization", prefix: bearerPrefix, value: a.Token}
}

const bearerPrefix = "Bearer "
