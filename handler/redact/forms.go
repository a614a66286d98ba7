package redact

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"html"
	"net/url"
	"strings"
)

// forms lists the ways in which a secret may be written in an answer. Escapes
// are undone before the search as well; to list the usual ones all the same finds
// the secrets that look as if they held escapes themselves.
func forms(s string) []string {
	out := []string{s, strings.TrimSpace(s), strings.ReplaceAll(s, " ", "+")}
	plain := []byte(s)
	for range maxLayers {
		plain = peel(plain, nil)
		out = append(out, string(plain))
	}
	out = append(out, percent(s)...)
	out = append(out, html.EscapeString(s), hex.EncodeToString([]byte(s)), strings.ToUpper(hex.EncodeToString([]byte(s))))
	out = append(out, jsonForms(s)...)
	return append(out, base64Forms(s)...)
}

// percent gives the alphabets of query, path segment and "everything but
// unreserved" with digits in both cases.
func percent(s string) []string {
	var out []string
	for _, form := range []string{url.QueryEscape(s), url.PathEscape(s), strings.ReplaceAll(url.QueryEscape(s), "+", "%20")} {
		out = append(out, form, lowerEscapes(form))
	}
	return out
}

func lowerEscapes(s string) string {
	b := []byte(s)
	for i := 0; i+2 < len(b); i++ {
		if b[i] == '%' {
			copy(b[i+1:], strings.ToLower(string(b[i+1:i+3])))
			i += 2
		}
	}
	return string(b)
}

// jsonForms gives the value as it stands between the quotes of a JSON string:
// with and without escaped slashes and HTML characters, and once more for JSON
// inside JSON.
func jsonForms(s string) []string {
	plain := jsonText(s, false)
	return []string{
		plain, jsonText(s, true),
		strings.ReplaceAll(plain, "/", `\/`), strings.ReplaceAll(plain, "/", `\u002f`), strings.ReplaceAll(plain, "/", `\u002F`),
		jsonText(plain, false),
	}
}

func jsonText(s string, escapeHTML bool) string {
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(escapeHTML)
	_ = enc.Encode(s) // a string: cannot fail
	return strings.TrimSuffix(strings.TrimPrefix(strings.TrimSuffix(b.String(), "\n"), `"`), `"`)
}

// base64Forms gives the characters that any base64 text which holds s must
// contain, for each of the three places where s may begin in a group. What is
// shared with the neighbours of s is left off. The padded text of s alone leaves
// nothing over.
func base64Forms(s string) []string {
	out := []string{base64.StdEncoding.EncodeToString([]byte(s)), base64.URLEncoding.EncodeToString([]byte(s))}
	for _, enc := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
		for shift := range 3 {
			text := enc.EncodeToString(append(make([]byte, shift), s...))
			skip := []int{0, 2, 3}[shift]
			keep := (shift + len(s)) / 3 * 4
			if rest := (shift + len(s)) % 3; rest > 0 {
				keep += rest // whole characters that do not depend on what follows
			}
			if skip < keep {
				out = append(out, text[skip:keep])
			}
		}
	}
	return out
}
