package redact

import (
	"encoding/base64"
	"encoding/hex"
	"net/url"
	"strings"
	"testing"

	"callout/handler/secret"
)

func std(s string) string    { return base64.StdEncoding.EncodeToString([]byte(s)) }
func rawURL(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) }
func hexOf(s string) string  { return hex.EncodeToString([]byte(s)) }

// lines breaks a text into lines.
func lines(s string, width int, end string) string {
	var b strings.Builder
	for len(s) > width {
		b.WriteString(s[:width] + end)
		s = s[width:]
	}
	return b.String() + s
}

// packings are what upstreams make of a whole document that holds the secret in
// an encoding of its own.
var packings = []struct {
	name   string
	pack   func(document string) string
	layers int  // of escapes and lines on top
	twice  bool // two alphabets within each other are undone for the secret as it is
}{
	{name: "base64", pack: std},
	{name: "base64, URL alphabet", pack: rawURL},
	{name: "hexadecimal", pack: hexOf},
	{name: "hexadecimal, capitals", pack: func(s string) string { return strings.ToUpper(hexOf(s)) }},
	{name: "hexadecimal behind 0x", pack: func(s string) string { return "0x" + hexOf(s) }},
	{name: "base64 behind the rest of a path", pack: func(s string) string { return "/v1/a/" + rawURL(s) }},
	{name: "base64 in a query", pack: func(s string) string { return "?data=" + url.QueryEscape(std(s)) + "&x=1" }, layers: 1},
	{name: "base64 in JSON as PHP writes it", pack: func(s string) string { return strings.ReplaceAll(std(s), "/", `\/`) }, layers: 1},
	{name: "base64 in base64", pack: func(s string) string { return std("x: " + std(s)) }, twice: true},
	{name: "base64 in hexadecimal", pack: func(s string) string { return hexOf(std(s)) }, twice: true},
	{name: "base64 as MIME breaks it", pack: func(s string) string { return lines(std(s), 76, "\r\n") }, layers: 1},
	{name: "base64 as PEM breaks it", pack: func(s string) string { return lines(std(s), 64, "\n") }, layers: 1},
	{name: "base64 in lines, indented", pack: func(s string) string { return lines(std(s), 60, "\n    ") }, layers: 1},
	{name: "base64 in lines in JSON", pack: func(s string) string { return lines(std(s), 76, `\r\n`) }, layers: 2},
	{name: "base64 in lines in JSON in JSON", pack: func(s string) string { return lines(std(s), 76, `\\r\\n`) }, layers: 3},
}

// documents hold a value in the encodings that the formats of requests have.
var documents = []struct {
	name  string
	write func(value string) string
}{
	{"alone", func(v string) string { return v }},
	{"a form", func(v string) string { return "grant_type=x&client_secret=" + url.QueryEscape(v) + "&scope=y" }},
	{"JSON", func(v string) string { return `{"a": 1, "key": "` + jsonText(v, true) + `", "b": [2]}` }},
	{"JSON as Python writes it", func(v string) string { return `{"key": "` + ascii(v) + `"}` }},
	{"a request", func(v string) string {
		return "GET /v1?k=" + url.PathEscape(v) + " HTTP/1.1\r\nHost: api.example.com\r\n"
	}},
}

// What is left of a packed document is as much as one without the secret, and the
// few characters that the secret shares with its neighbours.
func TestPackedDocuments(t *testing.T) {
	values := []string{awkward, "plain-token_0123456789", `8"tt/rs!`, "κλειδί-🔑\"key\"", strings.Repeat(`l0ng/"&+`, 40)}
	for _, value := range values {
		r := of(value)
		for _, d := range documents {
			for _, p := range packings {
				if p.twice && d.name != "alone" {
					continue
				}
				packed := p.pack(d.write(value))
				got := r.String("(" + packed + ")")
				left := strings.ReplaceAll(strings.Trim(got, "()"), secret.Mask, "")
				if most := len(p.pack(d.write(""))) + 10; len(left) > most || !strings.Contains(got, secret.Mask) {
					t.Errorf("%q, %s, in %s: %d characters are left and %d would be fine: %s", value, d.name, p.name, len(left), most, got)
				}
			}
		}
	}
}

// A run that is not what it seems is left alone.
func TestRunsWithoutSecrets(t *testing.T) {
	r := of(awkward, "plain-token_0123456789")
	for _, text := range []string{
		"550e8400-e29b-41d4-a716-446655440000", strings.Repeat("A", 100), std(`{"a": "\"\n%41&amp;"}`), hexOf(`{"a": "\"\n%41&amp;"}`),
		"0123456789abcdef0123456789abcdef\n0123456789abcdef", lines(std(strings.Repeat(`%20\n`, 100)), 76, "\r\n"), "d2F0Y2g/dj0\r\n\r\n",
	} {
		if got := r.String(text); got != text {
			t.Errorf("%s became %s", text, got)
		}
	}
}

// Of base64 in lines the mask takes the breaks within the secret and no others.
func TestLinesOfBase64(t *testing.T) {
	text := lines(std(strings.Repeat("before. ", 12)+awkward+strings.Repeat(" after..", 12)), 76, "\r\n")
	got := of(awkward).String(text)
	left, right, _ := strings.Cut(got, secret.Mask)
	if !strings.HasPrefix(text, left) || !strings.HasSuffix(text, right) || len(left) < 128 || len(right) < 128 {
		t.Errorf("%s\nbecame\n%s", text, got)
	}
}
