package vaultserver

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"time"
)

const (
	identityPath  = "/msi/token"
	vaultResource = "https://vault.azure.net"
	tokenLifetime = 24 * time.Hour
)

// signingKey is one for all vaults of this process: azidentity remembers tokens
// for the process and not for a credential, so that a test may be given a token
// of the test before it.
var signingKey = []byte(rand.Text())

// claims are those that Key Vault looks at, and Azurite with --oauth basic.
type claims struct {
	Audience  string `json:"aud"`
	Issuer    string `json:"iss"`
	IssuedAt  int64  `json:"iat"`
	NotBefore int64  `json:"nbf"`
	Expires   int64  `json:"exp"`
}

// serveIdentity is App Service's identity endpoint (api-version 2019-08-01). It
// gives tokens for any resource, because a process has one such endpoint for
// all of them.
func (s *Server) serveIdentity(w http.ResponseWriter, r *http.Request) {
	s.count(Token)
	query := r.URL.Query()
	resource := query.Get("resource")
	switch {
	case r.URL.Path != identityPath || r.Method != http.MethodGet:
		http.NotFound(w, r)
	case r.Header.Get("X-IDENTITY-HEADER") != s.identityHeader:
		http.Error(w, "X-IDENTITY-HEADER is missing or wrong", http.StatusUnauthorized)
	case query.Get("api-version") != "2019-08-01" || resource == "":
		http.Error(w, "api-version or resource is missing or wrong", http.StatusBadRequest)
	default:
		expires := time.Now().Add(tokenLifetime)
		answer(w, http.StatusOK, map[string]string{
			"access_token": token(resource, expires),
			"expires_on":   strconv.FormatInt(expires.Unix(), 10),
			"resource":     resource,
			"token_type":   "Bearer",
			"client_id":    query.Get("client_id"),
		})
	}
}

// Token returns a token that the vault takes for a day.
func (s *Server) Token() string { return token(vaultResource, time.Now().Add(tokenLifetime)) }

// token signs a JSON Web Token (RFC 7519) for a resource.
func token(resource string, expires time.Time) string {
	issued := expires.Add(-tokenLifetime).Unix()
	body, _ := json.Marshal(claims{resource, "https://sts.windows.net/" + Tenant + "/", issued, issued, expires.Unix()})
	text := encode([]byte(`{"alg":"HS256","typ":"JWT"}`)) + "." + encode(body)
	return text + "." + signature(text)
}

// accepted reports whether the vault takes what is in an Authorization header.
func accepted(authorization string) bool {
	text, isBearer := strings.CutPrefix(authorization, "Bearer ")
	signed := strings.LastIndexByte(text, '.')
	if !isBearer || signed < 0 || !hmac.Equal([]byte(text[signed+1:]), []byte(signature(text[:signed]))) {
		return false
	}
	_, payload, _ := strings.Cut(text[:signed], ".")
	body, _ := base64.RawURLEncoding.DecodeString(payload) // it was signed here
	var c claims
	return json.Unmarshal(body, &c) == nil && strings.TrimSuffix(c.Audience, "/") == vaultResource && time.Now().Unix() < c.Expires
}

func signature(text string) string {
	mac := hmac.New(sha256.New, signingKey)
	_, _ = mac.Write([]byte(text)) // never fails (hash.Hash)
	return encode(mac.Sum(nil))
}

func encode(raw []byte) string { return base64.RawURLEncoding.EncodeToString(raw) }
