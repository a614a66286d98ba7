package redact

import (
	"net/url"
	"strings"
	"testing"

	"callout/handler/secret"
)

// cutting is a way in which a secret may stand at the end of a text.
type cutting struct {
	name  string
	write func(value string) (text string, end int) // and where the secret ends in it
	// before are the characters that hold nothing of the secret, or only bits of
	// its first byte.
	before int
}

const before = `{"a": "nothing to hide here", "b": "`

// cuttings are all encoders by themselves, some on top of others, and documents
// in base64 and hexadecimal digits.
func cuttings() []cutting {
	nested := map[string]func(string) string{
		`JSON in JSON, every character as \u`:         func(s string) string { return jsonText(everyCharacter(s), false) },
		`JSON in JSON in JSON, every character as \u`: func(s string) string { return jsonText(jsonText(everyCharacter(s), false), false) },
		`percent-encoded JSON, every character as \u`: func(s string) string { return url.QueryEscape(everyCharacter(s)) },
		"percent-encoded twice":                       func(s string) string { return url.QueryEscape(eachByte(s, "%%%02x")) },
	}
	for _, e := range encoders {
		nested[e.name] = e.encode
	}
	var out []cutting
	for name, encode := range nested {
		out = append(out, cutting{name: name, before: len(before), write: func(v string) (string, int) {
			text := before + encode(v)
			return text + `", "c": 1}`, len(text)
		}})
	}
	const form, document = "client_id=x&client_secret=", `{"key": "`
	return append(out,
		cutting{"base64 of more", func(v string) (string, int) { return std("user:" + v), 1 << 20 }, 7},
		cutting{"base64 of a form", func(v string) (string, int) { return std(form + url.QueryEscape(v)), 1 << 20 }, len(form)*4/3 + 1},
		cutting{"base64 of JSON", func(v string) (string, int) { return rawURL(document + jsonText(v, true)), 1 << 20 }, len(document) * 4 / 3},
		cutting{"base64 in lines", func(v string) (string, int) { return lines(std(form+url.QueryEscape(v)), 20, "\r\n"), 1 << 20 }, len(form)*4/3 + 3},
		cutting{"hexadecimal of JSON", func(v string) (string, int) { return hexOf(document + jsonText(v, true)), 1 << 20 }, 2 * len(document)},
	)
}

var cutValues = []string{awkward, "plain-token_0123456789", `8"tt/rs!`, "🔑🔑🔑"}

// Wherever a text is cut off, nothing of a secret that was cut is left, and of
// what stands before it nothing is lost.
func TestHead(t *testing.T) {
	for _, value := range cutValues {
		r := of(value)
		for _, c := range cuttings() {
			text, end := c.write(value)
			for n := c.before + 1; n < min(len(text), end); n++ {
				got := string(r.Head([]byte(text[:n])))
				left := strings.TrimSuffix(strings.TrimRight(got, "="), secret.Mask)
				if !strings.HasPrefix(text, left) || len(left) > c.before || len(left) < c.before-2 {
					t.Fatalf("%q, %s: cut at %d: %q is left", value, c.name, n, got)
				}
			}
		}
	}
}

// What is whole at the end of a text that was cut off is shown as ever, but for
// letters with which a secret may begin.
func TestHeadBehindTheSecret(t *testing.T) {
	for _, value := range cutValues {
		for _, c := range cuttings() {
			text, end := c.write(value)
			if end > len(text) {
				continue
			}
			for n := end; n <= len(text); n++ {
				want := before + secret.Mask + text[end:n]
				got := string(of(value).Head([]byte(text[:n])))
				if !strings.HasPrefix(want, got) || len(got) < len(before+secret.Mask) || len(got) < len(want)-2 {
					t.Fatalf("%q, %s: cut at %d: got %q, want %q", value, c.name, n, got, want)
				}
			}
		}
	}
}

func TestHeadOfSeveral(t *testing.T) {
	tests := []struct {
		name       string
		secrets    []string
		text, want string
	}{
		{"nothing", []string{"abcdefgh"}, "x y z", "x y z"},
		{"no secret at all", nil, "x abcd", "x abcd"},
		{"one letter", []string{"abcdefgh"}, "x a", "x "},
		{"only the beginning", []string{"abcdefgh"}, "abcdef", ""},
		{"one whole, and the beginning of another behind it", []string{"abcdefgh", "12345678"}, "x abcdefgh123", "x [secret]"},
		{"one whole, and the beginning of another within it", []string{"abcdefgh", "ghijklmn"}, "x abcdefghijkl", "x [secret]"},
		{"one whole that is the beginning of another", []string{"abcdefgh", "abcdefghijkl"}, "x abcdefghij", "x "},
		{"one that overlaps itself", []string{"abababab"}, "x abababababa", "x [secret]"},
		{"half an escape", []string{"abcdefgh"}, `x abc\u006`, "x "},
		{"half an escape, in JSON in JSON", []string{"abcdefgh"}, `x abc\\\\u006`, "x "},
		{"half an escape and nothing else", []string{"abcdefgh"}, `x &#`, `x `},
		{"half a character", []string{"🔑🔑🔑"}, `x \ud83d\udd11\ud83d\u`, "x "},
		{"half a line of base64", []string{"abcdefgh/\""}, lines(std("0123456789012345a=abcdefgh%2F%22"), 32, "\n")[:36], std("0123456789012345a=")},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := string(of(tt.secrets...).Head([]byte(tt.text))); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestHeadWithoutSecrets(t *testing.T) {
	for _, r := range []*Redactor{{}, New(), of("")} {
		if got := string(r.Head([]byte("text"))); got != "text" {
			t.Errorf("got %q", got)
		}
	}
}
