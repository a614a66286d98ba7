package redact

import (
	"html"
	"unicode/utf16"
	"unicode/utf8"
)

// longestEscape is how many bytes the longest escape has that is undone, as
// \ud83d\ude00 and &thetasym; with some room.
const longestEscape = 12

// kinds has for each byte with which an escape begins a bit, and seconds the bits
// of those that it may be the second byte of.
var (
	kinds   = [256]uint8{'%': 1, '&': 2, '\\': 4, '\n': 8, '\r': 8}
	seconds = func() (table [256]uint8) {
		for c := range table {
			table[c] = 8
			if hexBoth.has(byte(c)) {
				table[c] |= 1
			}
			if inName(byte(c)) {
				table[c] |= 2
			}
			if single[c] != 0 || digitsAfter(byte(c)) > 0 {
				table[c] |= 4
			}
		}
		return table
	}()
)

// mayEscape reports whether an escape may begin at i.
func mayEscape(data []byte, i int) bool {
	kind := kinds[data[i]]
	return kind != 0 && (i+1 == len(data) || kind&seconds[data[i+1]] != 0)
}

// unescaper undoes escapes. It keeps what it has looked up.
type unescaper struct{ entities []entity }

// entity is one of HTML, and what it stands for: itself, if it is none.
type entity struct{ name, text string }

const keptEntities = 64

// undo adds to text what the escape at place i of data stands for, and says how
// long the escape is: 0 when there is none. Of data that was cut off, an escape
// that may go on behind the end stands for nothing.
func (u *unescaper) undo(text, data []byte, i int, cut bool) (added []byte, n int) {
	rest := data[i:]
	if cut && len(rest) < longestEscape && unfinished(rest) {
		return text, len(rest)
	}
	switch rest[0] {
	case '%':
		if c, ok := number(rest, 1, 2); ok {
			return append(text, byte(c)), 3
		}
	case '&':
		return u.undoEntity(text, rest)
	case '\\':
		if len(rest) > 1 && single[rest[1]] != 0 {
			return append(text, single[rest[1]]), 2
		}
		return undoNumber(text, rest)
	default:
		return text, lineBreak(data, i)
	}
	return text, 0
}

// undoEntity undoes one of HTML.
func (u *unescaper) undoEntity(text, rest []byte) ([]byte, int) {
	n := 1
	for n < min(len(rest), longestEscape) && inName(rest[n]) {
		n++
	}
	if n < 3 || n == len(rest) || rest[n] != ';' {
		return text, 0
	}
	e := u.lookUp(rest[:n+1])
	if e.text == e.name || len(e.text) > len(e.name) {
		return text, 0
	}
	return append(text, e.text...), n + 1
}

func (u *unescaper) lookUp(name []byte) *entity {
	if u.entities == nil {
		u.entities = make([]entity, keptEntities)
	}
	e := &u.entities[(int(name[1])*31+int(name[2])*7+int(name[len(name)-2]))%keptEntities]
	if e.name != string(name) {
		e.name = string(name)
		e.text = html.UnescapeString(e.name)
	}
	return e
}

func inName(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '#'
}

// single are the escapes of one character, those of JSON first.
var single = [256]byte{'"': '"', '\\': '\\', '/': '/', 'b': '\b', 'f': '\f', 'n': '\n', 'r': '\r', 't': '\t', '\'': '\'', 'a': '\a', 'v': '\v'}

// undoNumber undoes a backslash with the number of a character: \x41 and \u0041,
// two of the latter for one character outside the first 65,536, and \U00000041 as
// Go and Python write that.
func undoNumber(text, rest []byte) ([]byte, int) {
	if len(rest) < 2 {
		return text, 0
	}
	digits := digitsAfter(rest[1])
	c, ok := number(rest, 2, digits)
	if !ok || digits == 0 {
		return text, 0
	}
	if low, ok := number(rest, 8, 4); ok && digits == 4 && rest[6] == '\\' && rest[7] == 'u' {
		if pair := utf16.DecodeRune(c, low); pair != utf8.RuneError {
			return utf8.AppendRune(text, pair), 12
		}
	}
	return utf8.AppendRune(text, c), 2 + digits
}

// digitsAfter is how many hexadecimal digits follow a backslash and this letter.
func digitsAfter(c byte) int {
	switch c {
	case 'x':
		return 2
	case 'u':
		return 4
	case 'U':
		return 8
	}
	return 0
}

// number reads n hexadecimal digits at a place of data.
func number(data []byte, at, n int) (v rune, ok bool) {
	if len(data) < at+n {
		return 0, false
	}
	for _, c := range data[at : at+n] {
		if !hexBoth.has(c) {
			return 0, false
		}
		v = v<<4 | rune(hexBoth.value[c])
	}
	return v, true
}

// lineBreak returns the length of a line break, and of the spaces behind it, that
// stands within base64: MIME and PEM break it into lines (RFC 2045, section 6.8).
func lineBreak(data []byte, i int) int {
	if i < shortestPacked {
		return 0
	}
	for _, c := range data[i-shortestPacked : i] {
		if !base64Both.has(c) {
			return 0
		}
	}
	end := i
	for end < len(data) && (data[end] == '\r' || data[end] == '\n' || data[end] == ' ' || data[end] == '\t') {
		end++
	}
	if end < len(data) && !base64Both.has(data[end]) && data[end] != '=' {
		return 0
	}
	return end - i
}

// unfinished reports whether rest, the end of a text that was cut off, may be the
// beginning of an escape that is longer.
func unfinished(rest []byte) bool {
	switch rest[0] {
	case '%':
		return len(rest) < 3 && digits(rest[1:])
	case '&':
		for _, c := range rest[1:] {
			if !inName(c) {
				return false
			}
		}
		return true
	case '\\':
		return unfinishedBackslash(rest)
	}
	return false // a line break is taken for one at the end as well
}

// unfinishedBackslash knows that a high surrogate is one half of a character.
func unfinishedBackslash(rest []byte) bool {
	if len(rest) == 1 {
		return true
	}
	n := 2 + digitsAfter(rest[1])
	if n == 2 || len(rest) < n {
		return n > 2 && digits(rest[2:])
	}
	c, ok := number(rest, 2, n-2)
	return ok && n == 6 && utf16.IsSurrogate(c) && (len(rest) == 6 || unfinishedBackslash(rest[6:]))
}

func digits(data []byte) bool {
	for _, c := range data {
		if !hexBoth.has(c) {
			return false
		}
	}
	return true
}
