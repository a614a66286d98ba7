package draft

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

// dollar reads a $ and what belongs to it: a variable, or text with escapes.
func (s *shell) dollar(quoted bool) error {
	rest := s.in[s.at+1:]
	name := variableName(rest)
	switch {
	case rest == "":
	case strings.HasPrefix(rest[len(name):], "\\\n"): // which bash joins before it looks for a name
		return refuseCurl("A line is broken in the middle of a variable, or behind a $. Join the two lines.")
	case rest[0] == '\'' && !quoted:
		s.begin()
		s.at += 2
		return s.ansi()
	case rest[0] == '"' && !quoted: // to be translated, and there is no translation
		s.begin()
		s.at++
		return nil
	case rest[0] == '(' || rest[0] == '[':
		return refuseCurl("The command runs another one, or calculates, in $( ). Callout does not do that: put the value itself there.")
	case rest[0] == '{':
		name, _, closed := strings.Cut(rest[1:], "}")
		if !closed || !isVariable(name) {
			return refuseCurl("A ${ } is more than the name of a variable. Put the value itself there.")
		}
		return s.variable(name, len(name)+3, quoted)
	case name != "":
		return s.variable(name, len(name)+1, quoted)
	case strings.IndexByte("0123456789?$@*#!-", rest[0]) >= 0:
		return refuseCurl("A $ is followed by a sign that stands for something of the shell's own. Put single quotes around the value, or write out what is meant.")
	}
	s.put('$')
	s.at++
	return nil
}

// variable puts in the value of a variable, which length bytes name.
func (s *shell) variable(name string, length int, quoted bool) error {
	value, ok := s.variables[name]
	if !ok {
		value = unknown
	}
	if !quoted && strings.ContainsAny(value, " \t\n*?[\\") {
		return refuseCurl("A variable whose value holds a space or a wildcard stands outside of quotes, where the shell takes it apart. Put double quotes around it.")
	}
	if s.inserted += len(value); s.inserted > MaxCurl {
		return refuseCurl("The command is longer than %d bytes once the values of its variables are in their places. Shorten it.", MaxCurl)
	}
	if value != "" {
		s.begin()
	}
	s.word.WriteString(value)
	s.at += length
	return nil
}

// variableName returns the name of a variable that s begins with.
func variableName(s string) string {
	end := strings.IndexFunc(s, func(r rune) bool {
		return !(r == '_' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9')
	})
	if end >= 0 {
		s = s[:end]
	}
	if s == "" || s[0] <= '9' {
		return ""
	}
	return s
}

func isVariable(name string) bool { return name != "" && variableName(name) == name }

// ansi reads the rest of a $'…' (Bash Reference Manual, 3.1.2.4).
func (s *shell) ansi() error {
	for s.at < len(s.in) {
		switch c := s.in[s.at]; c {
		case '\'':
			s.at++
			return nil
		case '\\':
			s.at++
			if err := s.ansiEscape(); err != nil {
				return err
			}
		default:
			s.word.WriteByte(c)
			s.at++
		}
	}
	return refuseCurl("A quote that begins with $' is not closed. Paste the whole command.")
}

const (
	ansiNames  = `abeEfnrtv\'"?`
	ansiValues = "\a\b\x1b\x1b\f\n\r\t\v\\'\"?"
)

func (s *shell) ansiEscape() error {
	rest := s.in[s.at:]
	if rest == "" {
		return nil // not closed
	}
	if i := strings.IndexByte(ansiNames, rest[0]); i >= 0 {
		s.word.WriteByte(ansiValues[i])
		s.at++
		return nil
	}
	switch rest[0] {
	case 'c':
		return refuseCurl("A control character is written as \\c within $' '. Write it as \\x and two digits.")
	case 'x':
		return s.ansiNumber(rest[1:], 1, 2, 16)
	case 'u':
		return s.ansiNumber(rest[1:], 1, 4, 16)
	case 'U':
		return s.ansiNumber(rest[1:], 1, 8, 16)
	}
	return s.ansiNumber(rest, 0, 3, 8)
}

// ansiNumber reads the digits of an escape, which skip bytes name. Without digits
// the backslash stands for itself.
func (s *shell) ansiNumber(digits string, skip, most, base int) error {
	n := 0
	for n < most && n < len(digits) && isDigitOf(base, digits[n]) {
		n++
	}
	if n == 0 {
		s.word.WriteByte('\\')
		return nil
	}
	value, _ := strconv.ParseUint(digits[:n], base, 32) // at most 8 digits of 4 bits
	if most <= 3 {
		value &= 0xff // \x and octal give a byte, \u and \U a character
	}
	if value == 0 || most > 3 && !utf8.ValidRune(rune(value)) {
		return refuseCurl("An escape within $' ' stands for no character that can be sent. Write the character itself.")
	}
	if most > 3 {
		s.word.WriteRune(rune(value))
	} else {
		s.word.WriteByte(byte(value))
	}
	s.at += skip + n
	return nil
}

func isDigitOf(base int, c byte) bool {
	_, err := strconv.ParseUint(string(rune(c)), base, 8)
	return err == nil
}
