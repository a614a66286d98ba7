package redact

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"html"
	"math/rand/v2"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"unicode/utf16"

	"callout/handler/secret"
)

// awkward has every character that some encoder treats specially.
const awkward = `k3y/wi+th=<all> "of" & it's é~`

func of(values ...string) *Redactor {
	var out []secret.Secret
	for _, v := range values {
		out = append(out, secret.New(v))
	}
	return New(out...)
}

// encoders are the ways in which an upstream may write a value that it echoes.
// What is planted with one of them has to be masked whole.
var encoders = []struct {
	name   string
	encode func(string) string
}{
	{"as it is", func(s string) string { return s }},
	{"query", url.QueryEscape},
	{"query, lower case", func(s string) string { return lowerEscapes(url.QueryEscape(s)) }},
	{"path segment", url.PathEscape},
	{"path segment, lower case", func(s string) string { return lowerEscapes(url.PathEscape(s)) }},
	{"all but unreserved", allButUnreserved},
	{"all but unreserved, lower case", func(s string) string { return lowerEscapes(allButUnreserved(s)) }},
	{"every byte percent-encoded", func(s string) string { return eachByte(s, "%%%02X") }},
	{"HTML", html.EscapeString},
	{"HTML with names", strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&quot;", "'", "&apos;").Replace},
	{"HTML with hexadecimal numbers", strings.NewReplacer("&", "&#x26;", "/", "&#x2F;", "=", "&#x3D;", `"`, "&#x22;").Replace},
	{"JSON", func(s string) string { return jsonText(s, false) }},
	{"JSON as Go writes it", func(s string) string { return jsonText(s, true) }},
	{"JSON as PHP writes it", func(s string) string { return strings.ReplaceAll(ascii(s), "/", `\/`) }},
	{"JSON as Python writes it", ascii},
	{"JSON as .NET writes it", func(s string) string { return strings.ReplaceAll(jsonText(s, true), "+", `\u002B`) }},
	{`JSON with \u002f`, func(s string) string { return strings.ReplaceAll(jsonText(s, false), "/", `\u002f`) }},
	{`JSON with \u002F`, func(s string) string { return strings.ReplaceAll(jsonText(s, false), "/", `\u002F`) }},
	{`JSON, every character as \u`, everyCharacter},
	{"JSON in JSON", func(s string) string { return jsonText(jsonText(s, false), false) }},
	{"JSON in JSON in JSON", func(s string) string { return jsonText(jsonText(jsonText(s, true), true), true) }},
	{"query in JSON in JSON", func(s string) string { return jsonText(jsonText(url.QueryEscape(s), false), false) }},
	{"as Go and Python quote it", func(s string) string { q := strconv.QuoteToASCII(s); return q[1 : len(q)-1] }},
	{"hexadecimal", func(s string) string { return hex.EncodeToString([]byte(s)) }},
	{"hexadecimal, capitals", func(s string) string { return strings.ToUpper(hex.EncodeToString([]byte(s))) }},
	{"base64", func(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }},
	{"base64, URL alphabet", func(s string) string { return base64.URLEncoding.EncodeToString([]byte(s)) }},
}

func allButUnreserved(s string) string { return strings.ReplaceAll(url.QueryEscape(s), "+", "%20") }

func lowerEscapes(s string) string {
	return regexp.MustCompile("%..").ReplaceAllStringFunc(s, strings.ToLower)
}

func eachByte(s, format string) string {
	var b strings.Builder
	for i := range len(s) {
		fmt.Fprintf(&b, format, s[i])
	}
	return b.String()
}

func everyCharacter(s string) string {
	var b strings.Builder
	for _, unit := range utf16.Encode([]rune(s)) {
		fmt.Fprintf(&b, `\u%04x`, unit)
	}
	return b.String()
}

func ascii(s string) string {
	var b strings.Builder
	for _, r := range jsonText(s, false) {
		if r < 0x80 {
			b.WriteRune(r)
		} else {
			b.WriteString(everyCharacter(string(r)))
		}
	}
	return b.String()
}

func TestEncodings(t *testing.T) {
	for _, value := range []string{awkward, "plain-token_0123456789", "8letters", `C:\pass\n%41&amp;word`, "κλειδί-🔑-key"} {
		r := of(value)
		for _, e := range encoders {
			text := `{"echo": "` + e.encode(value) + `"}`
			if got, want := r.String(text), `{"echo": "[secret]"}`; got != want {
				t.Errorf("%s: %s became %s, want %s", e.name, text, got, want)
			}
		}
	}
}

// A text in base64 is masked wherever the secret is in it. At most the characters
// that the secret shares with its neighbours are left.
func TestBase64OfMore(t *testing.T) {
	for name, enc := range map[string]*base64.Encoding{"standard": base64.StdEncoding, "URL": base64.URLEncoding} {
		for _, before := range []string{"", "u", "us", "use", "user:"} {
			for _, after := range []string{"", "\n", "\r\n", " and more"} {
				encoded := enc.EncodeToString([]byte(before + awkward + after))
				got := of(awkward).String(encoded)
				left, right, masked := strings.Cut(got, secret.Mask)
				if !masked || len(left) > (len(before)*8+5)/6+1 || len(right) > (len(after)*8+5)/6+3 {
					t.Errorf("%s alphabet, %q before and %q after: %s became %s", name, before, after, encoded, got)
				}
			}
		}
	}
}

// Letters outside ASCII arrive in other codes than UTF-8, and as UTF-8 that was
// taken for one of them.
func TestOtherCodes(t *testing.T) {
	value := `sécr£t "kéy" 50%`
	r := of(value)
	for name, text := range map[string]string{
		"ISO-8859-1":                        "s\xe9cr\xa3t \"k\xe9y\" 50%",
		"ISO-8859-1, in a form":             "s%E9cr%A3t+%22k%E9y%22+50%25",
		"UTF-8 twice":                       "s\u00c3\u00a9cr\u00c2\u00a3t \"k\u00c3\u00a9y\" 50%",
		"bytes as Python and C write them":  `s\xc3\xa9cr\xc2\xa3t "k\xc3\xa9y" 50%`,
		"UTF-8 twice, in JSON":              `s\u00c3\u00a9cr\u00c2\u00a3t \"k\u00c3\u00a9y\" 50%`,
		"HTML with names":                   "s&eacute;cr&pound;t &quot;k&eacute;y&quot; 50%",
		"HTML with names, in JSON, in HTML": "s&amp;eacute;cr&amp;pound;t &amp;quot;k&amp;eacute;y&amp;quot; 50%",
	} {
		if got := r.String("(" + text + ")"); got != "([secret])" {
			t.Errorf("%s: %q became %q", name, text, got)
		}
	}
}

func TestSeveral(t *testing.T) {
	tests := []struct {
		name       string
		secrets    []string
		text, want string
	}{
		{"apart", []string{"11111111", "22222222"}, "a 11111111 b 22222222 c", "a [secret] b [secret] c"},
		{"touching", []string{"11111111", "22222222"}, "a 1111111122222222 b", "a [secret] b"},
		{"overlapping", []string{"abcdefgh-1", "h-1ijklmno"}, "x abcdefgh-1ijklmno y", "x [secret] y"},
		{"overlapping in a chain", []string{"abcdefgh", "efghijkl", "ijklmnop"}, "<abcdefghijklmnop>", "<[secret]>"},
		{"one a prefix of another", []string{"abcdefgh", "abcdefghijkl"}, "abcdefghijkl abcdefgh!", "[secret] [secret]!"},
		{"one a suffix of another", []string{"efghijkl", "abcdefghijkl"}, "abcdefghijkl efghijkl", "[secret] [secret]"},
		{"one in the middle of another", []string{"cdefghij", "abcdefghijkl"}, "abcdefghijkl", "[secret]"},
		{"overlapping with itself", []string{"abababab"}, "-ababababab-", "-[secret]-"},
		{"the same twice", []string{"abcdefgh", "abcdefgh"}, "abcdefgh", "[secret]"},
		{"each in another encoding", []string{"abcd/fgh", "1234+678"}, `abcd\/fgh and 1234%2b678`, "[secret] and [secret]"},
		{"at the very start and end", []string{"abcdefgh"}, "abcdefgh..abcdefgh", "[secret]..[secret]"},
		{"all but the last byte", []string{"abcdefgh"}, "abcdefg", "abcdefg"},
		{"another case", []string{"abcdefgh"}, "ABCDEFGH", "ABCDEFGH"},
		{"with spaces at its ends, echoed without", []string{" abcdefgh\n"}, "-abcdefgh-", "-[secret]-"},
		{"with a space, in a form", []string{"correct horse/"}, "a=correct+horse%2F&b=1", "a=[secret]&b=1"},
		{"with a space, in a form that leaves the slash", []string{"correct horse/"}, "a=correct+horse/&b=1", "a=[secret]&b=1"},
		{"one escaped before one as it is", []string{"abcdefgh"}, `\u0061bcdefgh abcdefgh`, "[secret] [secret]"},
		{"one escaped, overlapping one as it is", []string{"abcdefgh", "defghijkl"}, `\u0061bcdefghijkl`, "[secret]"},
		{"echoed after its escapes were undone", []string{"https://h.example/t?sig=a%2Fb%2Bc"}, "to https://h.example/t?sig=a/b+c now", "to [secret] now"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := of(tt.secrets...).String(tt.text); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

// A Basic password may be short. Then the pair is what is looked for.
func TestShortSecrets(t *testing.T) {
	pair := base64.StdEncoding.EncodeToString([]byte("user:abc"))
	r := of("abc", "1234567", "", pair)
	if got, want := r.String("abc 1234567 Basic "+pair), "abc 1234567 Basic [secret]"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// What is masked is whole characters of the text, so that JSON stays JSON.
func TestJSONStaysValid(t *testing.T) {
	r := of(awkward, `"quoted"`, `\backslash\`)
	for _, value := range []string{awkward, `x"quoted"y`, `x\backslash\y`, "é" + awkward + "é"} {
		for _, e := range encoders {
			if !strings.HasPrefix(e.name, "JSON") && e.name != "base64" {
				continue
			}
			text := `{"a":"` + e.encode(value) + `","b":[1,"\n"]}`
			got := r.String(text)
			if !json.Valid([]byte(got)) || !strings.Contains(got, secret.Mask) {
				t.Errorf("%s: %s became %s", e.name, text, got)
			}
		}
	}
}

// A match in the decoded text ends where the escape of its last byte ends, and
// begins where the escape of its first begins.
func TestPlacesInEscapes(t *testing.T) {
	for text, want := range map[string]string{
		`\u0061bcdefg\u0068`:                 `[secret]`,
		`\\\u0061bcdefgh\\`:                  `\\[secret]\\`,
		`\u00e9abcdefg%68\u00e9`:             `\u00e9[secret]\u00e9`,
		`\ud83d\ude00&#97;bcdefgh\ud83d`:     `\ud83d\ude00[secret]\ud83d`,
		`%25%61bcdefgh%`:                     `%25[secret]%`,
		`\\u0061bcdefgh`:                     `[secret]`,
		`&amp;#97;bcdefgh&amp;`:              `[secret]&amp;`,
		`%2561bc%64efgh \u006 \u00zz \q &`:   `[secret] \u006 \u00zz \q &`,
		`\U00000061bcdefgh\U0001F511\U1F511`: `[secret]\U0001F511\U1F511`,
	} {
		if got := of("abcdefgh").String(text); got != want {
			t.Errorf("%s became %s, want %s", text, got, want)
		}
	}
	for text, want := range map[string]string{ // an escape of two letters
		"-&fjlig;abcdefgh": "-[secret]", "fabcdefgh&fjlig;-": "f[secret]-",
	} {
		if got := of("jabcdefgh", "abcdefghf").String(text); got != want {
			t.Errorf("%s became %s, want %s", text, got, want)
		}
	}
}

// What holds no secret is not even copied.
func TestUnchanged(t *testing.T) {
	seed := rand.Uint64()
	random := rand.New(rand.NewPCG(seed, 0))
	r := New(twenty()...)
	for range 200 {
		data := make([]byte, 1+random.IntN(2000))
		for i := range data {
			data[i] = `{}[]":, \/%&;u00e9<>abc`[random.IntN(23)]
		}
		if got := r.Bytes(data); &got[0] != &data[0] || len(got) != len(data) {
			t.Fatalf("seed %d: %q became %q", seed, data, got)
		}
	}
}

func TestNothingToLookFor(t *testing.T) {
	for name, r := range map[string]*Redactor{"zero": {}, "none": New(), "unset": New(secret.Secret{}), "empty": of("")} {
		if got := r.String(`a "text" %41`); got != `a "text" %41` {
			t.Errorf("%s: got %q", name, got)
		}
	}
}

func TestShared(t *testing.T) {
	r := of(awkward)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			if got := r.String("a " + ascii(awkward) + " b"); got != "a [secret] b" {
				t.Errorf("got %q", got)
			}
		})
	}
	wg.Wait()
}
