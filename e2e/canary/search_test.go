package canary

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"html"
	"io"
	"strconv"
	"strings"
	"unicode/utf16"
)

// needles are what is looked for: each eight bytes in a row of every marker. So a
// part of a secret is found as well.
type needles struct {
	windows map[uint64]string // whose they are
	sieve   [1 << 16]bool     // by hash, whether there may be one
}

const window = 8

func sieved(w uint64) uint64 { return w * 0x9E3779B97F4A7C15 >> 48 }

func (n *needles) add(owner, marker string) {
	for i := 0; i+window <= len(marker); i++ {
		w := binary.LittleEndian.Uint64([]byte(marker[i : i+window]))
		n.windows[w], n.sieve[sieved(w)] = owner, true
	}
}

// in returns whose secret is in data as it stands there, "" for nobody's, and
// where.
func (n *needles) in(data string) (owner string, at int) {
	var w uint64
	for i := range len(data) {
		if w = w>>8 | uint64(data[i])<<56; n.sieve[sieved(w)] {
			if owner := n.windows[w]; owner != "" {
				return owner, i - window + 1
			}
		}
	}
	return "", 0
}

// leak is what was found.
type leak struct{ owner, view string }

// depth is how many encodings on top of each other are undone.
const depth = 3

// find looks for a secret in text and in what is left when encodings are undone.
func (n *needles) find(text string) (leak, bool) {
	views, seen := []string{text}, map[string]bool{}
	for layer := 0; ; layer++ {
		var next []string
		for _, view := range views {
			if seen[view] {
				continue
			}
			seen[view] = true
			if owner, at := n.in(view); owner != "" {
				return leak{owner, view[max(0, at-100):min(len(view), at+60)]}, true
			}
			if layer < depth {
				next = append(next, undone(view)...)
			}
		}
		if len(next) == 0 {
			return leak{}, false
		}
		views = next
	}
}

// undone gives s with each of the encodings undone, where that changes anything.
func undone(s string) []string {
	var out []string
	add := func(got string) {
		if got != s && got != "" {
			out = append(out, got)
		}
	}
	if strings.Contains(s, "%") {
		add(percent(s))
	}
	if strings.Contains(s, "&") {
		add(html.UnescapeString(s))
	}
	if strings.Contains(s, `\`) {
		add(backslashes(s))
	}
	if strings.Contains(s, "+") {
		add(strings.ReplaceAll(s, "+", " "))
	}
	add(unzip(s))
	add(unpacked(s))
	if joined := withoutBreaks(s); joined != s {
		add(unpacked(joined))
	}
	return out
}

func percent(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '%' && i+2 < len(s) && isHex(s[i+1]) && isHex(s[i+2]) {
			b.WriteByte(byte(number(s[i+1 : i+3])))
			i += 2
		} else {
			b.WriteByte(s[i])
		}
	}
	return b.String()
}

// number is that of hexadecimal digits, -1 if they are none.
func number(digits string) rune {
	n, err := strconv.ParseUint(digits, 16, 32)
	if err != nil {
		return -1
	}
	return rune(n)
}

var (
	single = map[byte]string{'b': "\b", 'f': "\f", 'n': "\n", 'r': "\r", 't': "\t", '"': `"`, '\'': "'", '\\': `\`, '/': "/"}
	digits = map[byte]int{'x': 2, 'u': 4, 'U': 8}
)

// backslashes undoes the escapes of JSON, JavaScript, Go and Python.
func backslashes(s string) string {
	var b strings.Builder
	var units []uint16 // of escapes in a row, so that two halves of a character meet
	flush := func() {
		b.WriteString(string(utf16.Decode(units)))
		units = units[:0]
	}
	for len(s) > 0 {
		if r, n := numbered(s); n > 0 {
			units = appendUnit(units, r)
			s = s[n:]
			continue
		}
		flush()
		n, plain := 1, s[:1]
		if s[0] == '\\' && len(s) > 1 && single[s[1]] != "" {
			n, plain = 2, single[s[1]]
		}
		b.WriteString(plain)
		s = s[n:]
	}
	flush()
	return b.String()
}

// numbered reads an escape with the number of a character, and its length.
func numbered(s string) (r rune, n int) {
	if s[0] != '\\' || len(s) < 2 {
		return 0, 0
	}
	n = 2 + digits[s[1]]
	if n == 2 || len(s) < n || number(s[2:n]) < 0 {
		return 0, 0
	}
	return number(s[2:n]), n
}

// appendUnit keeps halves of characters as they are.
func appendUnit(units []uint16, r rune) []uint16 {
	if r < 0x10000 {
		return append(units, uint16(r))
	}
	return utf16.AppendRune(units, r)
}

func unzip(s string) string {
	if !strings.HasPrefix(s, zipMark) {
		return s
	}
	z, err := gzip.NewReader(strings.NewReader(s))
	if err != nil {
		return s
	}
	data, _ := io.ReadAll(z)
	return string(data)
}

const zipMark = "\x1f\x8b"

var (
	noBreaks    = strings.NewReplacer(`\\r\\n`, "", `\\n`, "", `\r\n`, "", `\n`, "", "\r", "", "\n", "", "\t", "", " ", "")
	oneAlphabet = strings.NewReplacer("-", "+", "_", "/")
)

// withoutBreaks takes out line breaks, as they are or as JSON writes them, and
// spaces.
func withoutBreaks(s string) string {
	return noBreaks.Replace(s)
}

// unpacked gives what the runs of base64 and of hexadecimal digits hold, wherever
// in a run the first group may begin, as far as it looks like text.
func unpacked(s string) string {
	var out strings.Builder
	keep := func(plain []byte) {
		if wordy(plain) || bytes.HasPrefix(plain, []byte(zipMark)) {
			out.Write(append(plain, '\n'))
		}
	}
	for _, run := range runs(s, 11, isBase64) {
		run = oneAlphabet.Replace(run)
		for shift := range 4 {
			part := run[shift:]
			if len(part)%4 == 1 {
				part = part[:len(part)-1]
			}
			plain, _ := base64.RawStdEncoding.DecodeString(part)
			keep(plain)
		}
	}
	for _, run := range runs(s, 16, isHex) {
		for shift := range 2 {
			plain, _ := hex.DecodeString(run[shift : shift+(len(run)-shift)/2*2])
			keep(plain)
		}
	}
	return out.String()
}

func runs(s string, shortest int, belongs func(byte) bool) []string {
	var out []string
	start := 0
	for i := range len(s) + 1 {
		if i < len(s) && belongs(s[i]) {
			continue
		}
		if i-start >= shortest {
			out = append(out, s[start:i])
		}
		start = i + 1
	}
	return out
}

func isHex(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F'
}

func isBase64(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '+' || c == '/' || c == '-' || c == '_'
}

// wordy reports whether data has as many printable characters in a row as a needle
// has.
func wordy(data []byte) bool {
	n := 0
	for _, c := range data {
		if n++; c < ' ' || c > '~' {
			n = 0
		}
		if n == window {
			return true
		}
	}
	return false
}
