package token

import (
	"cmp"
	"crypto/sha256"
	"encoding/json"
	"slices"

	"callout/handler/callout"
)

// fingerprint tells one token request from another within this process.
type fingerprint [sha256.Size]byte

// whole is everything that decides what a token request gets. What only says how
// a token is used is left out: configurations that differ in it share the token.
type whole struct {
	URL, Format, TokenPath, ExpiresInPath string
	DefaultLifetime                       int
	Parameters                            [][2]string
	AuthType                              callout.AuthType
	Username, Password, Encoding, Token   string
}

// canonical gives the same text for the same request, and no other. It holds
// secrets in the clear.
func canonical(client *callout.OAuth) []byte {
	auth := client.TokenAuth
	w := whole{
		URL: client.TokenURL, Format: cmp.Or(client.Format, callout.FormatForm),
		TokenPath: client.TokenPath, ExpiresInPath: client.ExpiresInPath, DefaultLifetime: client.DefaultLifetime,
		AuthType: auth.Type, Username: auth.Username, Password: auth.Password.Reveal(),
		Encoding: cmp.Or(auth.Encoding, callout.EncodingRaw), Token: auth.Token.Reveal(),
	}
	for _, p := range client.Parameters {
		w.Parameters = append(w.Parameters, [2]string{p.Name, p.Value + p.Hidden.Reveal()})
	}
	slices.SortStableFunc(w.Parameters, func(a, b [2]string) int { return cmp.Compare(a[0], b[0]) })
	text, _ := json.Marshal(w) // strings and a number: cannot fail
	return text
}

func fingerprintOf(client *callout.OAuth) fingerprint { return sha256.Sum256(canonical(client)) }
