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
	pair := base64.StdEncoding.EncodeToString([]byte(username + ":" + a.Password.Reveal()))
	return Credential{header: "Authorization", prefix: "Basic ", value: secret.New(pair)}
}
