package draft

import "strings"

// cmdWords gives the arguments that Windows' cmd would hand to curl. Two readers
// are at work there: cmd takes away the carets, and the program takes its command
// line apart by itself.
func cmdWords(command string) ([]string, error) {
	line, err := cmdLine(command)
	if err != nil {
		return nil, err
	}
	return windowsArguments(line), nil
}

// cmdLine does what cmd does with the text of a command: a caret outside of quotes
// takes the meaning away from what follows it, the end of a line included. (See
// `cmd /?`, on special characters and on %.)
func cmdLine(command string) (string, error) {
	var out strings.Builder
	quoted := false
	for i := 0; i < len(command); i++ {
		c := command[i]
		switch {
		case c == '^' && !quoted:
			if i++; i < len(command) && command[i] == '\n' {
				i++
			}
			if i < len(command) {
				out.WriteByte(command[i])
			}
			continue
		case c == '%':
			if end := cmdVariable(command[i:]); end > 0 {
				out.WriteString(unknown)
				i += end - 1
				continue
			}
		case c == '\n' && strings.TrimSpace(command[i:]) != "":
			return "", refuseCurl("There is more than one command, or a line lacks the caret (^) that joins it with the next. Paste one command.")
		case strings.IndexByte("|&<>", c) >= 0 && !quoted:
			return "", refuseOperator(c)
		}
		quoted = quoted != (c == '"')
		out.WriteByte(c)
	}
	return out.String(), nil
}

// cmdVariable returns the length of the %NAME% that s begins with, or 0. A percent
// sign in front of a digit is that of a URL.
func cmdVariable(s string) int {
	name, _, found := strings.Cut(s[1:], "%")
	if !found || !isVariable(name) {
		return 0
	}
	return len(name) + 2
}

// windowsArguments takes a command line apart as the C runtime does: backslashes
// count only in front of a quote, and two quotes within quotes are one. (See "Parsing
// C command-line arguments" in Microsoft's C language reference.)
func windowsArguments(line string) []string {
	var words []string
	for {
		line = strings.TrimLeft(line, " \t")
		if line == "" {
			return words
		}
		var word string
		word, line = windowsArgument(line)
		words = append(words, word)
	}
}

func windowsArgument(line string) (word, rest string) {
	var out strings.Builder
	quoted := false
	for i := 0; i < len(line); i++ {
		slashes := len(line[i:]) - len(strings.TrimLeft(line[i:], `\`))
		i += slashes
		quote := i < len(line) && line[i] == '"'
		if quote {
			out.WriteString(strings.Repeat(`\`, slashes/2))
		} else {
			out.WriteString(strings.Repeat(`\`, slashes))
		}
		switch {
		case i == len(line):
			return out.String(), ""
		case quote && slashes%2 == 1:
			out.WriteByte('"')
		case quote && quoted && strings.HasPrefix(line[i+1:], `"`):
			out.WriteByte('"')
			i++
		case quote:
			quoted = !quoted
		case !quoted && (line[i] == ' ' || line[i] == '\t'):
			return out.String(), line[i:]
		default:
			out.WriteByte(line[i])
		}
	}
	return out.String(), ""
}
