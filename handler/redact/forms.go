package redact

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"html"
	"strings"
	"unicode/utf8"
)

// forms gives add the ways in which a secret may be written in an answer, each in
// bytes that it may not keep. Escapes are undone before the search as well; to
// list the usual ones all the same finds the secrets that look as if they held
// escapes themselves, and those behind what looks like the beginning of one.
func forms(s string, add func([]byte)) {
	texts(s, add)
	percentForms(s, add)
	jsonForms(s, add)
	if strings.ContainsAny(s, `<>&'"`) {
		add([]byte(html.EscapeString(s)))
	}
	digits := hex.AppendEncode(nil, []byte(s))
	add(digits)
	add(bytes.ToUpper(digits))
	base64Forms(s, add)
}

// texts gives the value in UTF-8, in ISO-8859-1, and in UTF-8 that was taken for
// ISO-8859-1; each as it is, without spaces at its ends, with the spaces as in a
// form, and without what looks like escapes in it.
func texts(s string, add func([]byte)) {
	codes := []string{s}
	if !isASCII(s) {
		codes = append(codes, latin1(s), mistaken(s))
	}
	for _, text := range codes {
		addPeeled([]byte(text), add)
		if trimmed := strings.TrimSpace(text); trimmed != text {
			addPeeled([]byte(trimmed), add)
		}
		if strings.Contains(text, " ") {
			addPeeled([]byte(strings.ReplaceAll(text, " ", "+")), add)
		}
	}
}

func addPeeled(text []byte, add func([]byte)) {
	var undoer unescaper
	for range maxLayers + 1 {
		add(text)
		if text = undoer.peel(text, false, nil); text == nil {
			return
		}
	}
}

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// latin1 writes s in ISO-8859-1, "" if it has a character that is not there.
func latin1(s string) string {
	var out []byte
	for _, r := range s {
		if r > 0xff {
			return ""
		}
		out = append(out, byte(r))
	}
	return string(out)
}

// mistaken takes each byte of s for a character.
func mistaken(s string) string {
	var out []byte
	for i := range len(s) {
		out = utf8.AppendRune(out, rune(s[i]))
	}
	return string(out)
}

// What percent-encoding leaves as it is (RFC 3986, sections 2.3 and 3.3).
const (
	unreserved = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~"
	inSegments = unreserved + "$&+=:@"
)

// percentForms gives the alphabets of "everything but unreserved", path segment
// and query with digits in both cases.
func percentForms(s string, add func([]byte)) {
	if strings.Trim(s, unreserved) == "" {
		return
	}
	buf := make([]byte, 0, 3*len(s))
	for _, digits := range []string{"0123456789ABCDEF", "0123456789abcdef"} {
		add(percent(buf, s, inSegments, digits))
		all := percent(buf, s, unreserved, digits)
		add(all)
		if strings.Contains(s, " ") {
			add(bytes.ReplaceAll(all, []byte("%20"), []byte("+")))
		}
	}
}

// percent appends s with all encoded that is not kept.
func percent(out []byte, s, kept, digits string) []byte {
	for i := range len(s) {
		if c := s[i]; strings.IndexByte(kept, c) >= 0 {
			out = append(out, c)
		} else {
			out = append(out, '%', digits[c>>4], digits[c&15])
		}
	}
	return out
}

// jsonForms gives the value as it stands between the quotes of a JSON string:
// with and without escaped slashes and HTML characters, and once more for JSON
// inside JSON.
func jsonForms(s string, add func([]byte)) {
	plain := jsonText(s, false)
	if plain != s {
		add([]byte(plain))
		add([]byte(jsonText(plain, false)))
	}
	if strings.ContainsAny(s, "<>&") {
		add([]byte(jsonText(s, true)))
	}
	if strings.Contains(s, "/") {
		for _, slash := range []string{`\/`, `\u002f`, `\u002F`} {
			add([]byte(strings.ReplaceAll(plain, "/", slash)))
		}
	}
}

// jsonText writes s as Go does.
func jsonText(s string, escapeHTML bool) string {
	escaped := func(r rune) bool {
		return r < ' ' || r == '"' || r == '\\' || escapeHTML && (r == '<' || r == '>' || r == '&')
	}
	if isASCII(s) && strings.IndexFunc(s, escaped) < 0 {
		return s
	}
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
func base64Forms(s string, add func([]byte)) {
	shifted := append(make([]byte, 2, 2+len(s)), s...)
	buf := make([]byte, 0, base64.StdEncoding.EncodedLen(len(shifted)))
	inBoth := func(text []byte) {
		add(text)
		if toURLAlphabet(text) {
			add(text)
		}
	}
	inBoth(base64.StdEncoding.AppendEncode(buf, shifted[2:]))
	for shift, skip := range []int{0, 2, 3} {
		text := base64.RawStdEncoding.AppendEncode(buf, shifted[2-shift:])
		keep := (shift + len(s)) / 3 * 4
		if rest := (shift + len(s)) % 3; rest > 0 {
			keep += rest // whole characters that do not depend on what follows
		}
		inBoth(text[min(skip, keep):keep])
	}
}

// toURLAlphabet changes base64 from the standard to the URL alphabet, and reports
// whether there is a difference.
func toURLAlphabet(text []byte) (changed bool) {
	for i, c := range text {
		switch c {
		case '+':
			text[i], changed = '-', true
		case '/':
			text[i], changed = '_', true
		}
	}
	return changed
}
