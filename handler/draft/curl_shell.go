package draft

import "strings"

// unknown stands in a word for a variable whose value the command does not give. No
// word of a shell can hold it by itself.
const unknown = "\x00"

// shellWords gives the words that bash would make of a command. Whatever would run
// something else, read or write a file, or depend on where the command runs is
// refused. That leaves quotes, so there is nothing to nest: a parser of the whole
// language would recurse as deep as its input, and 256 KiB of brackets end a
// process.
func shellWords(command string) ([]string, error) {
	s := shell{in: command, variables: map[string]string{}}
	for s.at < len(s.in) {
		if err := s.step(); err != nil {
			return nil, err
		}
	}
	if err := s.endCommand(); err != nil {
		return nil, err
	}
	return s.found, nil
}

// shell reads a command from left to right.
type shell struct {
	in        string
	at        int               // the next byte of in
	variables map[string]string // that the command itself sets
	inserted  int               // bytes of their values
	found     []string          // the command; nil until it has been read

	words []shellWord // of the command that is being read
	word  strings.Builder
	start int  // of the word, in in
	open  bool // a word has begun; it may be empty
	brace int  // how much of a list in braces there is in the word
}

type shellWord struct {
	text     string
	variable string // the name, if the word is name=value
}

// step reads what comes next outside of quotes.
func (s *shell) step() error {
	switch c := s.in[s.at]; c {
	case ' ', '\t':
		s.at++
		s.endWord()
	case '\n':
		s.at++
		return s.endCommand()
	case ';':
		s.at++
		if !s.open && len(s.words) == 0 {
			return refuseOperator(c)
		}
		return s.endCommand()
	case '\\':
		return s.escaped()
	case '\'':
		return s.single()
	case '"':
		s.begin()
		s.at++
		return s.double()
	case '$':
		return s.dollar(false)
	case '`', '|', '&', '<', '>', '(', ')':
		return refuseOperator(c)
	default:
		return s.bare(c)
	}
	return nil
}

// refuseOperator says why a character with a meaning for the shell is refused.
func refuseOperator(c byte) error {
	switch c {
	case '`':
		return refuseCurl("The command runs another one in backquotes, which Callout does not do. Put the value itself there.")
	case '|':
		return refuseCurl("A pipe (|) sends the answer, or a body, from one program to another. Callout runs no programs: remove the | and what is on its other side, or quote it if it is part of a value.")
	case '<', '>':
		return refuseCurl("The command is redirected (< or >) from or to a file. No file is read or written: remove this, or quote it if it is part of a value.")
	case '&':
		return refuseCurl("An & outside of quotes ends a command for the shell. Put quotes around the address or value that it is part of, or remove what follows the command.")
	case ';':
		return refuseCurl("A semicolon stands where a command should begin. Paste one command that begins with curl.")
	}
	return refuseCurl("A parenthesis outside of quotes has a meaning for the shell. Put quotes around the value that it is part of.")
}

// bare reads a character that is not quoted.
func (s *shell) bare(c byte) error {
	switch {
	case c == '#' && !s.open:
		s.comment()
		return nil
	case c == '~' && (!s.open || strings.HasSuffix(s.word.String(), "=") || strings.HasSuffix(s.word.String(), ":")):
		return refuseCurl("A ~ outside of quotes stands for somebody's folder. Put quotes around the value, or write it out.")
	case c == '{' && s.brace == 0:
		s.brace = 1
	case s.brace == 1 && (c == ',' || c == '.' && strings.HasSuffix(s.word.String(), ".")):
		s.brace = 2
	case s.brace == 2 && c == '}':
		return refuseCurl("A list in braces outside of quotes becomes several words for the shell. Put single quotes around the value.")
	}
	s.put(c)
	s.at++
	return nil
}

func (s *shell) comment() {
	if end := strings.IndexByte(s.in[s.at:], '\n'); end >= 0 {
		s.at += end
	} else {
		s.at = len(s.in)
	}
}

func (s *shell) begin() {
	if !s.open {
		s.open, s.start = true, s.at
	}
}

func (s *shell) put(c byte) {
	s.begin()
	s.word.WriteByte(c)
}

// escaped reads a backslash and what follows it. With the end of a line it is
// nothing at all.
func (s *shell) escaped() error {
	switch {
	case s.at+1 == len(s.in):
		return refuseCurl("The command ends in a backslash, so a line is missing. Paste the whole command.")
	case s.in[s.at+1] == '\n':
	default:
		s.put(s.in[s.at+1])
	}
	s.at += 2
	return nil
}

func (s *shell) single() error {
	s.begin()
	text, _, closed := strings.Cut(s.in[s.at+1:], "'")
	if !closed {
		return refuseCurl("A single quote is not closed. Paste the whole command, and write a single quote within single quotes as '\\''.")
	}
	s.word.WriteString(text)
	s.at += len(text) + 2
	return nil
}

// double reads what stands between double quotes, the first of which has been read.
func (s *shell) double() error {
	for s.at < len(s.in) {
		c := s.in[s.at]
		switch {
		case c == '"':
			s.at++
			return nil
		case c == '`':
			return refuseOperator(c)
		case c == '$':
			if err := s.dollar(true); err != nil {
				return err
			}
			continue
		case c == '\\' && s.at+1 < len(s.in) && strings.IndexByte("$`\"\\\n", s.in[s.at+1]) >= 0:
			s.at++
			if c = s.in[s.at]; c == '\n' {
				s.at++
				continue
			}
		}
		s.put(c)
		s.at++
	}
	return refuseCurl("A double quote is not closed. Paste the whole command, and write a double quote within double quotes as \\\".")
}

func (s *shell) endWord() {
	if s.open {
		word := shellWord{text: s.word.String()}
		if name, _, ok := strings.Cut(s.in[s.start:s.at], "="); ok && isVariable(name) {
			word.variable = name
		}
		s.words = append(s.words, word)
	}
	s.word.Reset()
	s.open, s.brace = false, 0
}

// endCommand takes note of a command that only sets variables, and keeps the first
// other one.
func (s *shell) endCommand() error {
	s.endWord()
	words := s.words
	s.words = nil
	switch {
	case len(words) == 0 || s.assign(words):
		return nil
	case words[0].variable != "":
		return refuseCurl("A variable is set in front of the command. Remove it, or set it on a line of its own if the command uses it.")
	case s.found != nil && strings.HasPrefix(words[0].text, "-"):
		return refuseCurl("A line begins with an option, but the line before it does not end in a backslash, or has a space behind it. End every line but the last in a backslash.")
	case s.found != nil:
		return refuseCurl("There is more than one command. Paste them one at a time.")
	}
	for _, word := range words {
		s.found = append(s.found, word.text)
	}
	return nil
}

// assign sets the variables of a command that does nothing else.
func (s *shell) assign(words []shellWord) bool {
	if words[0].text == "export" {
		words = words[1:]
	}
	for _, word := range words {
		if word.variable == "" {
			return false
		}
	}
	for _, word := range words {
		_, s.variables[word.variable], _ = strings.Cut(word.text, "=")
	}
	return len(words) > 0
}
