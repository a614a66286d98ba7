package draft

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"callout/handler/callout"
)

// MaxCurl is the length in bytes of the longest command that FromCurl reads.
const MaxCurl = 256 << 10

// FromCurl drafts a configuration from a cURL command, such as documentation
// prints it: for a POSIX shell with the quotes of bash, or for Windows' cmd. With
// its secrets filled in and no arguments given, the draft makes the request that
// curl would send; where it does not, a note says so.
//
// The command is only read. No file that it names is opened, and no shell runs. It
// fails with callout.InvalidCurl, which says what stands in the way and quotes
// nothing of the command.
//
// The list holds one draft: a command that calls several addresses is refused.
func FromCurl(command string) ([]Draft, error) {
	words, err := commandWords(command)
	if err != nil {
		return nil, err
	}
	call, err := readCall(words)
	if err != nil {
		return nil, err
	}
	made, err := call.draft()
	if err != nil {
		return nil, err
	}
	return []Draft{*made}, nil
}

// refuseCurl returns the error that refuses a command. The message is Callout's
// own words and holds nothing of the command.
func refuseCurl(format string, args ...any) error {
	return callout.Refuse(callout.InvalidCurl, []callout.Fault{{
		Code: callout.InvalidCurl, Target: "curl", Message: fmt.Sprintf(format, args...)}})
}

// commandWords gives what a shell would hand to curl, without the program's name.
func commandWords(command string) ([]string, error) {
	switch {
	case len(command) > MaxCurl:
		return nil, refuseCurl("The command is longer than %d bytes. Shorten its body; more can be put into the configuration later.", MaxCurl)
	case !utf8.ValidString(command) || strings.Contains(command, "\x00"):
		return nil, refuseCurl("The command is not text: it holds bytes that are not UTF-8, or a null byte. Paste it as text.")
	}
	command = strings.TrimSpace(strings.ReplaceAll(command, "\r\n", "\n"))
	var words []string
	var err error
	switch dialectOf(command) {
	case powerShell:
		return nil, refuseCurl("The command is written for PowerShell, whose quotes are not read here. Paste the form for bash, or for Windows' cmd.")
	case windowsCmd:
		words, err = cmdWords(command)
	default:
		words, err = shellWords(command)
	}
	if err != nil {
		return nil, err
	}
	return arguments(words)
}

// arguments takes away the name of the program, and the prompt that documentation
// prints in front of it.
func arguments(words []string) ([]string, error) {
	if len(words) > 0 && words[0] == "$" {
		words = words[1:]
	}
	if len(words) == 0 {
		return nil, refuseCurl("There is no command. Paste one that begins with curl.")
	}
	if !isCurl(words[0]) {
		return nil, refuseCurl("The command does not begin with curl. Paste it from there on, without what runs before it.")
	}
	for i, word := range words {
		switch {
		case !utf8.ValidString(word):
			return nil, refuseCurl("Word %d of the command holds escaped bytes that are not UTF-8. Callout sends text only: write the characters themselves.", i+1)
		case typeset(word):
			return nil, refuseCurl("Word %d of the command begins with a typographic quote, dash or space, as word processors write them. Type plain quotes and hyphens.", i+1)
		}
	}
	return words[1:], nil
}

func isCurl(word string) bool {
	name := strings.ToLower(word[strings.LastIndexAny(word, `/\`)+1:])
	return name == "curl" || name == "curl.exe"
}

// typeset reports whether a word begins with what a word processor makes of a
// quote, a hyphen or a space. A shell takes these for letters.
func typeset(word string) bool {
	return strings.IndexAny(word, "“”„‘’–—\u00a0") == 0
}

// dialect is the command interpreter that a command is written for.
type dialect int

const (
	posixShell dialect = iota
	windowsCmd
	powerShell
)

// dialectOf goes by how lines are continued, by the program's name, and by the
// doubled quotes that only cmd's programs understand.
func dialectOf(command string) dialect {
	exe := isCurl(firstWord(command)) && strings.HasSuffix(strings.ToLower(firstWord(command)), ".exe")
	switch {
	case strings.Contains(command, " `\n") || exe && strings.ContainsAny(command, "'`"):
		return powerShell
	case exe, strings.Contains(command, " ^\n"), strings.Contains(command, "\"^\n"), strings.Contains(command, `curl ^"`), strings.Contains(command, ` "{""`):
		return windowsCmd
	}
	return posixShell
}

func firstWord(command string) string {
	word, _, _ := strings.Cut(strings.ReplaceAll(command, "\n", " "), " ")
	return word
}
