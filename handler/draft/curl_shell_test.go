package draft

import (
	"bytes"
	"math/rand/v2"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// What shellWords accepts, bash takes apart in the same way: a thousand commands
// are made of what has a meaning for a shell.
func TestShellWordsAreThoseOfBash(t *testing.T) {
	pieces := []string{" ", " ", " ", "\n", "\\\n", `\`, `\`, "'", "'", `"`, `"`, "$", "$'", `$"`, "{", "}", ",", "..", "#", "=", ":", "~", ";", "!", "^", "%",
		"*", "?", "[", "]", "a", "x", "u", "U", "c", "0", "7", "41", "é", "n", "-", "A=", "$A", "${A}", "$B", "export ", "|", "&", "<", "(", "`", "\t"}
	random := rand.New(rand.NewPCG(5, 1))
	var commands []string
	var want [][]string
	for len(commands) < 1000 {
		command := "A='1 2' C=3\ncurl "
		for range 1 + random.IntN(12) {
			command += pieces[random.IntN(len(pieces))]
		}
		words, err := shellWords(command)
		if err == nil && !slices.ContainsFunc(words, func(w string) bool { return strings.Contains(w, unknown) }) {
			commands, want = append(commands, command), append(want, words)
		}
	}
	for i, got := range byBash(t, commands) {
		if !slices.Equal(got, want[i]) {
			t.Errorf("%q\nbash    %q\nCallout %q", commands[i], got, want[i])
		}
	}
}

// byBash gives the words that bash makes of each command. Nothing runs: there is no
// program to be found, and what a command would call is a function that writes its
// name and arguments.
func byBash(t *testing.T, commands []string) [][]string {
	t.Helper()
	script := `set -f; PATH=/nowhere
command_not_found_handle() { printf '%s\0' "$@"; }
while IFS= read -r -d '' command; do (eval "$command"); printf 'END OF THE COMMAND\0'; done`
	cmd := exec.Command("bash", "--norc", "--noprofile", "-c", script)
	cmd.Env, cmd.Dir = []string{"LC_ALL=C.UTF-8"}, t.TempDir()
	cmd.Stdin = strings.NewReader(strings.Join(commands, "\x00") + "\x00")
	var errors bytes.Buffer
	cmd.Stderr = &errors
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("bash: %v: %s", err, errors.String())
	}
	if errors.Len() > 0 {
		t.Errorf("bash complains of what is accepted: %s", errors.String())
	}
	var all [][]string
	var words []string
	for word := range strings.SplitSeq(strings.TrimSuffix(string(out), "\x00"), "\x00") {
		if word == "END OF THE COMMAND" {
			all, words = append(all, words), nil
			continue
		}
		words = append(words, word)
	}
	if len(all) != len(commands) {
		t.Fatalf("bash took %d of %d commands", len(all), len(commands))
	}
	return all
}

func TestShellWords(t *testing.T) {
	for _, tt := range []struct {
		name, command string
		want          []string
	}{
		{"quotes side by side", `curl a'b'"c"\d`, []string{"curl", "abcd"}},
		{"empty words", `curl '' "" $''`, []string{"curl", "", "", ""}},
		{"a backslash in double quotes", `curl "\$ \" \\ \a"`, []string{"curl", `$ " \ \a`}},
		{"a line that goes on", "curl \\\n  a\\\nb", []string{"curl", "ab"}},
		{"escapes", `curl $'\x41\102\u00e9\U0001F600\'\\\n\z'`, []string{"curl", "ABé😀'\\\n\\z"}},
		{"bytes that make a character", `curl $'\xc3\xa9'`, []string{"curl", "é"}},
		{"a comment, and none", "# first\ncurl a#b # last", []string{"curl", "a#b"}},
		{"a variable that is set", "export A=1 B='2 3'\ncurl $A \"${B}\"", []string{"curl", "1", "2 3"}},
		{"a variable that is not", `curl "Bearer $TOKEN"`, []string{"curl", "Bearer " + unknown}},
		{"a dollar that is none", `curl "5 $" a$ $%`, []string{"curl", "5 $", "a$", "$%"}},
		{"braces that are no list", `curl {id} {} a{b`, []string{"curl", "{id}", "{}", "a{b"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := shellWords(tt.command)
			if err != nil || !slices.Equal(got, tt.want) {
				t.Errorf("%q, %v, want %q", got, err, tt.want)
			}
		})
	}
}

func TestCmdWords(t *testing.T) {
	for _, tt := range []struct {
		name, command string
		want          []string
	}{
		{"a caret joins lines", "curl a ^\n  b^\nc", []string{"curl", "a", "bc"}},
		{"a caret takes a meaning away", `curl a^&b ^"c d^" e^^f`, []string{"curl", "a&b", "c d", "e^f"}},
		{"a caret within quotes", `curl "a^b&c|d"`, []string{"curl", "a^b&c|d"}},
		{"cmd counts every quote, so here a caret is outside", `curl "{\"a\": \"x^y\"}"`, []string{"curl", `{"a": "xy"}`}},
		{"two quotes are one", `curl "{""a"": ""b c""}"`, []string{"curl", `{"a": "b c"}`}},
		{"backslashes in front of a quote", `curl "a\\" "b\\\"c" d\e`, []string{"curl", `a\`, `b\"c`, `d\e`}},
		{"an empty line in a value", "curl ^\"a^\n\nb^\"", []string{"curl", "a\nb"}},
		{"a variable", `curl "Bearer %TOKEN%" 100%25 %20`, []string{"curl", "Bearer " + unknown, "100%25", "%20"}},
		{"a quote that stays open", `curl "a b`, []string{"curl", "a b"}},
		{"backslashes at the end", `curl a\\ \`, []string{"curl", `a\\`, `\`}},
		{"empty words", `curl "" a`, []string{"curl", "", "a"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := cmdWords(tt.command)
			if err != nil || !slices.Equal(got, tt.want) {
				t.Errorf("%q, %v, want %q", got, err, tt.want)
			}
		})
	}
}

func TestDialects(t *testing.T) {
	for command, want := range map[string]dialect{
		"curl https://x.example":                                posixShell,
		"curl 'https://x.example' \\\n -d '{\"re\": \"^\"}'":    posixShell,
		"curl \"https://x.example\" ^\n -d \"a\"":               windowsCmd,
		`curl ^"https://x.example^"`:                            windowsCmd,
		`curl -d "{""a"": 1}" https://x.example`:                windowsCmd,
		`curl.exe -d "a" https://x.example`:                     windowsCmd,
		`C:\Windows\System32\curl.exe https://x.example`:        windowsCmd,
		"curl.exe https://x.example `\n -d '{\\\"a\\\": 1}'":    powerShell,
		`curl.exe -d '{\"a\": 1}' https://x.example`:            powerShell,
		"curl https://x.example `\n -H @{ Accept = \"*/*\" }":   powerShell,
		`curl -d '{"": 1}' https://x.example`:                   posixShell,
		`curl -d '{"re": "x ^"}' https://x.example`:             posixShell,
		`curl -d "{\"a\": \"\"}" https://x.example`:             posixShell,
		"curl https://x.example -d '{\n \"a\": \"b\"\n}' # end": posixShell,
	} {
		if got := dialectOf(command); got != want {
			t.Errorf("%q is of dialect %d, want %d", command, got, want)
		}
	}
}
