package credential

import (
	"encoding/base64"

	"callout/handler/callout"
	"callout/handler/secret"
)

// basic follows RFC 7617, section 2: user name and password are encoded as
// UTF-8.
func basic(a *callout.Auth) Credential {
	username := a.Username
	if a.UsernameSecret {
		username = a.HiddenUsername.Reveal()
	}
	return Credential{header: "Authorization", prefix: basicPrefix, value: pair(username, a.Password.Reveal())}
}

const basicPrefix = "Basic "

func pair(username, password string) secret.Secret {
	return secret.New(base64.StdEncoding.EncodeToString([]byte(username + ":" + password)))
}
