package request

import (
	"encoding/json"
	"net/http"
	"strings"

	"callout/handler/callout"
	"callout/handler/secret"
)

// Curl writes a shown request as a cURL command for a POSIX shell.
func Curl(r *callout.Request) string {
	parts := []string{"curl"}
	if r.Method != http.MethodGet {
		parts = append(parts, "-X "+r.Method)
	}
	// The mask is to be replaced; other brackets curl would take for a list of URLs.
	if strings.ContainsAny(strings.ReplaceAll(r.URL, secret.Mask, ""), "[]{}") {
		parts = append(parts, "--globoff")
	}
	parts = append(parts, quote(r.URL))
	for _, h := range r.Headers {
		parts = append(parts, "-H "+quote(curlHeader(h)))
	}
	if len(r.Body) > 0 {
		parts = append(parts, "--data-raw "+quote(payload(r)))
	}
	return strings.Join(parts, " \\\n  ")
}

// payload is the body as it is sent: Show makes a JSON string of one that is no
// JSON.
func payload(r *callout.Request) string {
	var text string
	if isJSON(r) || json.Unmarshal(r.Body, &text) != nil {
		return string(r.Body)
	}
	return text
}

func isJSON(r *callout.Request) bool {
	for _, h := range r.Headers {
		if strings.EqualFold(h.Name, "Content-Type") {
			return strings.Contains(strings.ToLower(h.Value), "json")
		}
	}
	return false
}

// curlHeader writes a header as curl reads it: a colon with nothing behind it
// would take the header away.
func curlHeader(h callout.HeaderValue) string {
	if h.Value == "" {
		return h.Name + ";"
	}
	return h.Name + ": " + h.Value
}

func quote(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }
