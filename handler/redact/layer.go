package redact

import (
	"bytes"
	"html"
	"sort"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

// escape is what became of one escape: its place before, and where that is in
// the text without escapes.
type escape struct{ before, plain span }

// maxLayers is how often escapes are undone: JSON in JSON that is then
// percent-encoded has three, and a secret may look as if it held one more.
const maxLayers = 4

// peel returns data with one layer of the escapes of JSON, HTML and URLs undone,
// or nil when there are none. Encoders differ in what they escape and how (\/ or
// \u002F, %2f or %2F, &#39; or &apos;), so undoing it finds what no list of
// spellings would. note is told of every escape; it may be nil.
func peel(data []byte, note func(escape)) []byte {
	var out []byte
	copied := 0
	for i := nextEscape(data, 0); i < len(data); {
		text, n := unescape(data[i:])
		if n > 1 {
			if out == nil {
				out = make([]byte, 0, len(data))
			}
			out = append(append(out, data[copied:i]...), text...)
			copied = i + n
			if note != nil {
				note(escape{before: span{i, copied}, plain: span{len(out) - len(text), len(out)}})
			}
		}
		i = nextEscape(data, i+n)
	}
	if out == nil {
		return nil
	}
	return append(out, data[copied:]...)
}

// nextEscape returns the place of the next byte, at or after i, that may begin
// an escape.
func nextEscape(data []byte, i int) int {
	for ; i < len(data); i++ {
		if c := data[i]; c == '\\' || c == '%' || c == '&' {
			break
		}
	}
	return i
}

// sources returns the places in data that became the spans of peel(data).
func sources(data []byte, spans []span) []span {
	var escapes []escape
	peel(data, func(e escape) { escapes = append(escapes, e) })
	out := make([]span, len(spans))
	for i, s := range spans {
		out[i] = source(escapes, s)
	}
	return out
}

// source gives the place that became s. An escape of which s has a part counts
// as a whole.
func source(escapes []escape, s span) span {
	first := sort.Search(len(escapes), func(i int) bool { return escapes[i].plain.end > s.start })
	last := sort.Search(len(escapes), func(i int) bool { return escapes[i].plain.end >= s.end })
	start, end := shifted(escapes[:first], s.start), shifted(escapes[:last], s.end)
	if first < len(escapes) && escapes[first].plain.start < s.start {
		start = escapes[first].before.start
	}
	if last < len(escapes) && escapes[last].plain.start < s.end {
		end = escapes[last].before.end
	}
	return span{start, end}
}

// shifted gives the place that became at, which follows the escapes.
func shifted(escapes []escape, at int) int {
	if len(escapes) == 0 {
		return at
	}
	last := escapes[len(escapes)-1]
	return last.before.end + at - last.plain.end
}

// unescape returns what the escape at the start of data stands for, and how long
// the escape is: 1 when there is none.
func unescape(data []byte) (text string, n int) {
	switch data[0] {
	case '%':
		if c, ok := number(data, 1, 2); ok {
			return string([]byte{byte(c)}), 3
		}
	case '&':
		if end := bytes.IndexByte(data[:min(len(data), 12)], ';'); end > 1 {
			return entity(data[:end+1])
		}
	case '\\':
		return backslash(data)
	}
	return "", 1
}

// common are the entities that need no look into the list of all 2,231.
var common = map[string]string{"&amp;": "&", "&lt;": "<", "&gt;": ">", "&quot;": `"`, "&#34;": `"`, "&#39;": "'"}

func entity(data []byte) (text string, n int) {
	if text := common[string(data)]; text != "" {
		return text, len(data)
	}
	if text := html.UnescapeString(string(data)); text != string(data) {
		return text, len(data)
	}
	return "", 1
}

// single are the escapes of one character that JSON and JavaScript share.
var single = [256]string{'"': `"`, '\'': "'", '\\': `\`, '/': "/", 'b': "\b", 'f': "\f", 'n': "\n", 'r': "\r", 't': "\t"}

func backslash(data []byte) (text string, n int) {
	if len(data) < 2 {
		return "", 1
	}
	if text := single[data[1]]; text != "" {
		return text, 2
	}
	if c, ok := number(data, 2, 2); ok && data[1] == 'x' {
		return string(c), 4
	}
	c, ok := number(data, 2, 4)
	if !ok || data[1] != 'u' {
		return "", 1
	}
	if low, ok := number(data, 8, 4); ok && data[6] == '\\' && data[7] == 'u' {
		if pair := utf16.DecodeRune(c, low); pair != utf8.RuneError {
			return string(pair), 12
		}
	}
	return string(c), 6
}

// number reads n hexadecimal digits at a place of data.
func number(data []byte, at, n int) (rune, bool) {
	if len(data) < at+n {
		return 0, false
	}
	v, err := strconv.ParseUint(string(data[at:at+n]), 16, 32)
	return rune(v), err == nil
}
