package draft

import (
	"encoding/base64"
	"net/url"
	"strings"
	"unicode/utf8"

	"callout/handler/callout"
	"callout/handler/secret"
)

// authorization makes the credential of what an Authorization header holds. A
// scheme that Callout has no kind for is an API key with the scheme in front of it.
func (d *drafting) authorization(value string) error {
	scheme, rest, found := strings.Cut(value, " ")
	rest = strings.TrimSpace(rest)
	if !found || !isValue(scheme) {
		d.apiKey("", value)
		return nil
	}
	switch strings.ToLower(scheme) {
	case "bearer":
		d.noteScheme(scheme, "Bearer")
		d.config.Auth = callout.Auth{Type: callout.AuthBearer, Token: d.usable("auth.token", rest)}
		return nil
	case "basic":
		if d.encodedPair(rest) {
			d.noteScheme(scheme, "Basic")
		} else {
			d.apiKey(scheme+" ", rest)
		}
		return nil
	case "digest", "hawk", "negotiate", "ntlm", "signature", "aws4-hmac-sha256":
		return refuseComputed()
	case "oauth":
		if strings.Contains(rest, "oauth_signature") {
			return refuseComputed()
		}
	}
	prefix := scheme + " "
	if name, key, ok := strings.Cut(rest, "="); ok && strings.EqualFold(name, "token") { // Token token=…
		prefix, rest = prefix+name+"=", key
	}
	d.apiKey(prefix, rest)
	return nil
}

// noteScheme says that Callout writes the name of a scheme in one way only.
func (d *drafting) noteScheme(scheme, ours string) {
	if scheme != ours {
		d.note("Callout writes " + ours + " in the Authorization header, where the command has other capitals. HTTP takes both for the same (RFC 9110, section 11.1). If the API does not, use an API key with the scheme and a space as its prefix.")
	}
}

func refuseComputed() error {
	return refuseCurl("The Authorization header is computed for each request, so the one in the command is of no use for another. " +
		"Callout has Basic, bearer tokens, keys in a header and OAuth 2.0 client credentials: use one of these if the API takes it.")
}

func (d *drafting) apiKey(prefix, key string) {
	d.config.Auth = callout.Auth{Type: callout.AuthAPIKey, In: callout.InHeader, Header: "Authorization", Prefix: prefix, Key: d.usable("auth.key", key)}
}

// encodedPair reads the credentials of Basic authentication (RFC 7617). It reports
// false for what would not come out the same again.
func (d *drafting) encodedPair(text string) bool {
	data, err := base64.StdEncoding.DecodeString(text)
	user, password, found := strings.Cut(string(data), ":")
	if err != nil || !found || !utf8.Valid(data) || base64.StdEncoding.EncodeToString(data) != text {
		return false
	}
	d.basic(user, password, true)
	return true
}

// takeUser makes the credential of -u, or of what stands in front of the host.
func (d *drafting) takeUser() {
	if pair := d.call.user; pair != nil {
		user, password, found := strings.Cut(*pair, ":")
		d.basic(user, password, found || strings.Contains(user, unknown))
		if !found {
			d.note("curl would ask for the password.")
		}
		return
	}
	if d.address.user == "" {
		return
	}
	user, password, _ := strings.Cut(d.address.user, ":")
	if u, err := url.PathUnescape(user); err == nil {
		user = u
	}
	if p, err := url.PathUnescape(password); err == nil {
		password = p
	}
	d.basic(user, password, true)
	d.note("The user name and password in front of the host have become the credential.")
}

// basic sets a credential of type basic. Where the password is empty or a filler,
// the user name is the key, and a secret.
func (d *drafting) basic(user, password string, known bool) {
	a := callout.Auth{Type: callout.AuthBasic, Username: user}
	switch {
	case !isValue(password):
		d.lacks["auth.password"] = lack(password)
	case known:
		a.Password = secret.New(password) // may be short
	}
	isKey := isValue(password) && len(password) <= 1 && len(user) >= callout.MinSecret && !strings.Contains(user, "@")
	if isKey || !isValue(user) {
		a.Username, a.UsernameSecret, a.HiddenUsername = "", true, d.usable("auth.username", user)
	}
	d.config.Auth = a
}
