package canary

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"html"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"unicode/utf16"
)

// encoding is a way in which an upstream may write what it was told.
type encoding struct {
	name   string
	encode func(string) string
}

var encodings = []encoding{
	{"as it is", func(s string) string { return s }},
	{"base64", inBase64(base64.StdEncoding, 0)},
	{"base64, shifted by one", inBase64(base64.StdEncoding, 1)},
	{"base64, shifted by two", inBase64(base64.StdEncoding, 2)},
	{"base64, URL alphabet", inBase64(base64.RawURLEncoding, 0)},
	{"base64, URL alphabet, shifted by one", inBase64(base64.RawURLEncoding, 1)},
	{"base64, URL alphabet, shifted by two", inBase64(base64.RawURLEncoding, 2)},
	{"base64 in lines", func(s string) string { return inLines(inBase64(base64.StdEncoding, 0)("header: x\n" + s)) }},
	{"base64 of JSON", func(s string) string { return inBase64(base64.StdEncoding, 0)(document{"key": s}.String()) }},
	{"base64 of a form", func(s string) string { return inBase64(base64.StdEncoding, 0)("a=b&key=" + url.QueryEscape(s)) }},
	{"base64 of base64", func(s string) string {
		return inBase64(base64.StdEncoding, 0)("Basic " + inBase64(base64.StdEncoding, 0)(s))
	}},
	{"query", url.QueryEscape},
	{"query, lower case", func(s string) string { return lower(url.QueryEscape(s)) }},
	{"path segment", url.PathEscape},
	{"path segment, lower case", func(s string) string { return lower(url.PathEscape(s)) }},
	{"all but unreserved", allPercent},
	{"all but unreserved, lower case", func(s string) string { return lower(allPercent(s)) }},
	{"every byte percent-encoded", func(s string) string { return each([]byte(s), "%%%02X") }},
	{"percent-encoded twice", func(s string) string { return url.QueryEscape(url.QueryEscape(s)) }},
	{"HTML", html.EscapeString},
	{"HTML with names", strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&quot;", "'", "&apos;", "/", "&sol;").Replace},
	{"HTML, every character", func(s string) string { return each([]rune(s), "&#x%x;") }},
	{"JSON", inJSON},
	{`JSON with \/`, func(s string) string { return strings.ReplaceAll(inJSON(s), "/", `\/`) }},
	{`JSON with \u002f`, func(s string) string { return strings.ReplaceAll(inJSON(s), "/", `\u002f`) }},
	{`JSON with \u002F`, func(s string) string { return strings.ReplaceAll(inJSON(s), "/", `\u002F`) }},
	{`JSON, every character`, byNumber},
	{"JSON in JSON", func(s string) string { return inJSON(document{"key": s}.String()) }},
	{"JSON in JSON, every character", func(s string) string { return inJSON(byNumber(s)) }},
	{"JSON in a form", func(s string) string { return url.QueryEscape(document{"key": s}.String()) }},
	{"hexadecimal", func(s string) string { return hex.EncodeToString([]byte(s)) }},
	{"hexadecimal, capitals", func(s string) string { return strings.ToUpper(hex.EncodeToString([]byte(s))) }},
	{"hexadecimal of JSON", func(s string) string { return hex.EncodeToString([]byte(document{"key": s}.String())) }},
	{"as Go quotes it", func(s string) string { return fmt.Sprintf("%+q", s) }},
}

// encoded gives a text in all encodings, in their order. It keeps what it has made.
func encoded(s string) []string {
	if known, ok := inAll.Load(s); ok {
		return known.([]string)
	}
	out := make([]string, len(encodings))
	for i, e := range encodings {
		out[i] = e.encode(s)
	}
	inAll.Store(s, out)
	return out
}

var inAll sync.Map // of texts

func inBase64(e *base64.Encoding, shift int) func(string) string {
	return func(s string) string { return e.EncodeToString([]byte(strings.Repeat("=", shift) + s)) }
}

var (
	percents = regexp.MustCompile("%..")
	fullLine = regexp.MustCompile(".{76}")
)

func inLines(s string) string { return fullLine.ReplaceAllString(s, "$0\r\n") }

// lower writes the digits of percent-encoding in lower case.
func lower(s string) string { return percents.ReplaceAllStringFunc(s, strings.ToLower) }

func allPercent(s string) string { return strings.ReplaceAll(url.QueryEscape(s), "+", "%20") }

func each[T byte | rune](units []T, format string) string {
	var b strings.Builder
	for _, unit := range units {
		fmt.Fprintf(&b, format, unit)
	}
	return b.String()
}

// inJSON is what stands between the quotes.
func inJSON(s string) string {
	text, _ := json.Marshal(s) // a string: cannot fail
	return string(text[1 : len(text)-1])
}

func byNumber(s string) string {
	var b strings.Builder
	for _, unit := range utf16.Encode([]rune(s)) {
		fmt.Fprintf(&b, `\u%04x`, unit)
	}
	return b.String()
}

// frames are what encodings put around a secret, or as much as they share with it.
var frames = map[string]string{
	"base64": "==", "base64, shifted by one": "PT0==", "base64, shifted by two": "PT0===", "base64, URL alphabet": "=",
	"base64, URL alphabet, shifted by one": "PT0=", "base64, URL alphabet, shifted by two": "PT0==",
	"base64 in lines": inBase64(base64.StdEncoding, 0)("header: x\n") + "==\r\n", "base64 of JSON": inBase64(base64.StdEncoding, 0)(`{"key":"xx"}`) + "==",
	"base64 of a form": inBase64(base64.StdEncoding, 0)("a=b&key=") + "==", "base64 of base64": inBase64(base64.StdEncoding, 0)("Basic ") + "xxxxx==",
	"JSON in JSON": `{\"key\":\"\"}`, "JSON in a form": url.QueryEscape(`{"key":""}`), "hexadecimal of JSON": hex.EncodeToString([]byte(`{"key":""}`)), "as Go quotes it": `""`,
}
