package draft_test

import (
	"errors"
	"fmt"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"callout/handler/callout"
	"callout/handler/draft"
)

// canary stands in refused commands where a value does. No message may hold it.
const canary = "CANARY"

// refused are commands that become no draft, with a part of what is said about it.
// FILE stands for the path of a file that exists.
func refused() map[string][]struct{ command, why string } {
	return map[string][]struct{ command, why string }{
		"files": {
			{`curl https://x.example/CANARY -d @FILE`, "names a file"},
			{`curl https://x.example/CANARY -d@FILE`, "names a file"},
			{`curl https://x.example/CANARY --data-binary @FILE`, "names a file"},
			{`curl https://x.example/CANARY --data-ascii '@FILE'`, "names a file"},
			{`curl https://x.example/CANARY --data-urlencode @FILE`, "names a file"},
			{`curl https://x.example/CANARY --data-urlencode a@FILE`, "names a file"},
			{`curl https://x.example/CANARY --url-query a@FILE`, "names a file"},
			{`curl https://x.example/CANARY --json @FILE`, "names a file"},
			{`curl https://x.example/CANARY -d @-`, "names a file"},
			{`curl https://x.example/CANARY -H @FILE`, "names a file"},
			{`curl https://x.example/CANARY -b FILE`, "names a file"},
			{`curl https://x.example/CANARY -b @a=CANARY`, "names a file"},
			{`curl --url @FILE`, "names a file"},
			{`curl https://x.example/CANARY -F a=@FILE`, "multipart"},
			{`curl https://x.example/CANARY -F a=CANARY`, "multipart"},
			{`curl https://x.example/CANARY --form-string a=CANARY`, "multipart"},
			{`curl https://x.example/CANARY -T FILE`, "multipart"},
			{`curl -K FILE`, "names a file"},
			{`curl https://x.example/CANARY -n`, "names a file"},
			{`curl https://x.example/CANARY --netrc-file FILE`, "names a file"},
			{`curl file://FILE`, "http or https"},
			{`curl ftp://x.example/CANARY`, "http or https"},
			{`curl https://x.example/CANARY --cert FILE`, "certificates of its own"},
			{`curl https://x.example/CANARY --key FILE`, "certificates of its own"},
			{`curl https://x.example/CANARY -E FILE:CANARY`, "certificates of its own"},
			{`curl https://x.example/CANARY --cacert FILE`, "certificates of its own"},
		},
		"where the request goes": {
			{`curl -k https://x.example/CANARY`, "-k switches off the check"},
			{`curl -sSkL https://x.example/CANARY`, "-k switches off the check"},
			{`curl -x CANARY:8080 https://x.example/`, "proxy"},
			{`curl --socks5 CANARY https://x.example/`, "proxy"},
			{`curl --unix-socket /run/CANARY.sock http://localhost/`, "somewhere else"},
			{`curl --resolve x.example:443:CANARY https://x.example/`, "somewhere else"},
			{`curl --connect-to ::CANARY: https://x.example/`, "somewhere else"},
			{`curl https://x.example/ -H 'Host: CANARY.example'`, "Host header"},
			{`curl https://x.example/CANARY https://y.example/`, "more than one address"},
			{`curl -H Authorization: Bearer CANARY https://x.example/`, "quotes around each value"},
			{`curl https://x.example/CANARY --next https://y.example/`, "second request"},
			{`curl https://x.example/{CANARY,b}`, "list in braces"},
			{`curl 'https://x.example/{CANARY,b}'`, "several requests"},
			{`curl 'https://x.example/CANARY[1-3]'`, "several requests"},
			{`curl 'https://x.example/CANARY[a-z:2]'`, "several requests"},
			{`curl 'https://x.example/?a={CANARY,b}'`, "several requests"},
			{`curl 'https://x.example/{CANARY'`, "brace"},
			{`curl 'https://x.example::/CANARY'`, "ends in a colon"},
			{`curl 'https://{CANARY}.example.com/v1'`, "placeholder"},
			{`curl 'https://x.example/{{CANARY}}'`, "{{"},
			{`curl -G 'https://x.example/' -d 'a={{CANARY}}'`, "{{"},
			{`curl -G --url-query CANARY=1 'https://x.example/' -d a=1`, "only one"},
			{`curl 'https://x.example/a/../CANARY'`, ". or .. only"},
			{`curl 'https://x.example/a/%2e%2E/CANARY'`, ". or .. only"},
			{`curl 'https://x.example/a b CANARY'`, "space"},
			{`curl 'https://x.example:CANARY/'`, "not a URL"},
			{`curl https://x.example/` + strings.Repeat(canary, 400), "longer than 2048"},
			{`curl`, "no address"},
		},
		"what a shell would do": {
			{`curl https://x.example/$(cat FILE)`, "$( )"},
			{`curl "https://x.example/$(cat FILE)"`, "$( )"},
			{"curl \"https://x.example/`cat FILE`\"", "backquotes"},
			{"curl `cat FILE`", "backquotes"},
			{`curl https://x.example/$CANARY`, "address"},
			{`curl https://x.example/ -d "$CANARY"`, "variable whose value is not known"},
			{`curl https://x.example/ -d "{\"a\": \"${CANARY}\"}"`, "variable whose value is not known"},
			{`curl https://x.example/ -H "X-A: $CANARY"`, "in a header"},
			{`curl "${CANARY:-https://x.example}"`, "more than the name"},
			{`curl https://x.example/ -d $1`, "shell's own"},
			{`A='b c'; curl https://x.example/CANARY -d $A`, "outside of quotes"},
			{`curl https://x.example/CANARY | jq .`, "pipe"},
			{`curl https://x.example/CANARY > FILE`, "redirected"},
			{`curl https://x.example/CANARY -d @- < FILE`, "redirected"},
			{"curl https://x.example/CANARY -d @- <<EOF\n{}\nEOF", "redirected"},
			{`curl https://x.example/CANARY?a=1&b=2`, "&"},
			{`curl https://x.example/CANARY && echo done`, "&"},
			{`curl https://x.example/CANARY; rm -rf FILE`, "more than one command"},
			{"curl https://x.example/CANARY\ncurl https://y.example/", "more than one command"},
			{"curl https://x.example/CANARY\n -H 'X-A: 1'", "does not end in a backslash"},
			{"curl https://x.example/CANARY \\ \n -H 'X-A: 1'", "does not end in a backslash"},
			{"curl https://x.example/CANARY \\", "ends in a backslash"},
			{`; curl https://x.example/CANARY`, "semicolon"},
			{`(curl https://x.example/CANARY)`, "parenthesis"},
			{`HTTPS_PROXY=CANARY curl https://x.example/`, "in front of the command"},
			{`sudo curl https://x.example/CANARY`, "does not begin with curl"},
			{`wget https://x.example/CANARY`, "does not begin with curl"},
			{`curl https://x.example/ -H 'X-A: CANARY`, "single quote"},
			{`curl https://x.example/ -H "X-A: CANARY`, "double quote"},
			{`curl https://x.example/ -H $'X-A: CANARY`, "begins with $'"},
			{`curl https://x.example/ -d $'\ud800CANARY'`, "no character"},
			{`curl https://x.example/ -d $'\0CANARY'`, "no character"},
			{`curl https://x.example/ -d $'\xffCANARY'`, "not UTF-8"},
			{`curl https://x.example/ -d $'\cACANARY'`, "control character"},
			{`curl https://x.example/ -d $'CANARY\`, "begins with $'"},
			{"curl https://x.example/ -u $CANARY\\\n:b", "broken in the middle"},
			{`curl https://x.example/ -b ~/CANARY`, "~"},
			{"", "no command"},
			{"# CANARY", "no command"},
			{"curl https://x.example/ -d '\x00CANARY'", "null byte"},
			{"curl https://x.example/ -d '\xffCANARY'", "not UTF-8"},
			{"curl https://x.example/ -d " + strings.Repeat(canary, 50000), "longer than 262144"},
			{"A='" + strings.Repeat("a", 200000) + "'\ncurl https://x.example/ -d $A$A", "longer than 262144"},
			{`curl https://x.example/ -H “X-A: CANARY”`, "typographic"},
			{`curl https://x.example/ –X CANARY`, "typographic"},
		},
		"other interpreters": {
			{"curl.exe https://x.example/CANARY `\n -H 'X-A: 1'", "PowerShell"},
			{`curl.exe -d '{\"a\": \"CANARY\"}' https://x.example/`, "PowerShell"},
			{"curl ^\n https://x.example/CANARY\ncurl https://y.example/", "more than one command"},
			{"curl ^\n https://x.example/CANARY | find \"a\"", "pipe"},
			{"curl ^\n https://x.example/%CANARY%", "address"},
		},
		"options": {
			{`curl https://x.example/ --request=CANARY`, "equals sign"},
			{`curl https://x.example/ --canary`, "Word 3 of the command is an option"},
			{`curl https://x.example/ --reques CANARY`, "shortened"},
			{`curl https://x.example/ -s?`, "Word 3"},
			{`curl https://x.example/ -`, "Word 3"},
			{`curl https://x.example/CANARY -H`, "-H lacks its value"},
			{`curl https://x.example/CANARY --json`, "--json lacks its value"},
			{`curl https://x.example/ -m CANARY`, "number of seconds"},
			{`curl -r 99999999999999999999 https://x.example/CANARY`, "too great"},
			{`curl --digest -u CANARY:b https://x.example/`, "kind of authentication"},
			{`curl --aws-sigv4 CANARY https://x.example/`, "kind of authentication"},
			{`curl -z CANARY https://x.example/`, "depend on earlier answers"},
			{`curl -I https://x.example/CANARY`, "method"},
			{`curl -X OPTIONS https://x.example/CANARY`, "method"},
			{`curl -X CANARY https://x.example/`, "method"},
			{`curl https://x.example/ -H CANARY`, "no colon"},
			{`curl https://x.example/ -H 'X-A: CANARY' -H 'x-a: b'`, "same name"},
			{`curl https://x.example/ -H 'CANARY name: b'`, "headers[0].name"},
			{`curl https://x.example/ -H 'X-A: {{CANARY}}'`, "in a header"},
			{`curl https://x.example/ -H 'X-A: ü'`, "printable ASCII"},
			{`curl https://x.example/ -H 'Metadata: CANARY'`, "set by Callout"},
			{`curl https://x.example/ -H 'Authorization: Digest username="CANARY"'`, "computed"},
			{`curl https://x.example/ -H 'Authorization: OAuth oauth_signature="CANARY"'`, "computed"},
			{`curl https://x.example/ -H 'Authorization: AWS4-HMAC-SHA256 CANARY'`, "computed"},
		},
		"bodies": {
			{`curl -X GET https://x.example/ -d '{"a":"CANARY"}'`, "for which Callout has none"},
			{`curl -X DELETE https://x.example/ -d 'a=CANARY'`, "for which Callout has none"},
			{`curl -d 'i[][id]=CANARY&i[][q]=2&i[][id]=3&i[][q]=4' https://x.example/`, "comes again after other names"},
			{`curl -d CANARY=1 -d CANARY=2 -d b=3 -d %43ANARY=4 https://x.example/`, "comes again after other names"},
			{`curl --json null https://x.example/CANARY`, "body is null"},
			{`curl -H 'Content-Type: application/json' -d ' null ' https://x.example/CANARY`, "body is null"},
			{`curl -X PATCH -H 'Content-Type: application/merge-patch+json' -d null https://x.example/CANARY`, "body is null"},
			{`curl --json '{"a":CANARY}' https://x.example/`, "near byte 5"},
			{`curl --json '{"a":1,"a":"CANARY"}' https://x.example/`, "given twice"},
			{`curl --json '{"{{CANARY}}":1}' https://x.example/`, "name of a member"},
			{`curl --json '[{"b":{"{{CANARY}}":1}}]' https://x.example/`, "name of a member"},
			{`curl -H 'Content-Type: application/json' -d 'a=CANARY' https://x.example/`, "not valid JSON"},
			{`curl -H 'Content-Type: text/xml' -d '<a>CANARY</a>' https://x.example/`, "neither JSON nor a form"},
			{`curl -H 'Content-Type: text/plain' -d 'CANARY' https://x.example/`, "neither JSON nor a form"},
			{`curl -d 'CANARY' https://x.example/`, "no form of name=value pairs"},
			{`curl -d '{"a":"CANARY",}' https://x.example/`, "no form of name=value pairs"},
			{`curl -d '` + manyNames() + `' https://x.example/`, "more than 100 names"},
			{`curl -d 'a=%zzCANARY' https://x.example/`, "no form of name=value pairs"},
			{`curl -d '` + strings.Repeat("&CANARY=2", 2) + strings.Repeat("&x", 2) + `' https://x.example/`, "no form of name=value pairs"},
			{`curl --json '{"CANARY_token":"` + strings.Repeat("a", 9000) + `"}' https://x.example/`, "secretValues of the configuration: The secret is longer"},
			{`curl --json '{"a":["` + strings.Repeat(canary, 12000) + `"]}' https://x.example/`, "limit of a template"},
			{`curl --json '[` + strings.Repeat(`"{{CANARY",`, 20000) + `1]' https://x.example/`, ""},
			{`curl --json '{"token":[` + strings.Repeat(`"CANARY",`, 20000) + `1]}' https://x.example/`, ""},
			{`curl --json '` + strings.Repeat(`[`, 100000) + `' https://x.example/`, "deeper than 32"},
		},
	}
}

func manyNames() string {
	var form strings.Builder
	for i := range callout.MaxFields + 1 {
		fmt.Fprintf(&form, "&CANARY%d=1", i)
	}
	return form.String()
}

func TestRefusalsSayWhy(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, []byte("a=content of the "+canary), 0o600); err != nil {
		t.Fatal(err)
	}
	for group, rows := range refused() {
		t.Run(group, func(t *testing.T) {
			for _, tt := range rows {
				drafts, err := draft.FromCurl(strings.ReplaceAll(tt.command, "FILE", file))
				checkRefusal(t, tt.command, err)
				if len(drafts) > 0 || err != nil && !strings.Contains(err.Error(), tt.why) {
					t.Errorf("%.200s\n%d drafts, %v\nwant %q", tt.command, len(drafts), err, tt.why)
				}
			}
		})
	}
}

func checkRefusal(t *testing.T, command string, err error) {
	t.Helper()
	var known *callout.Error
	switch {
	case !errors.As(err, &known) || known.Code != callout.InvalidCurl || len(known.Details) == 0:
		t.Errorf("%.200s\nis refused with %v", command, err)
		return
	case strings.Contains(err.Error(), canary):
		t.Errorf("%.200s\nis quoted: %v", command, err)
	}
	for _, fault := range known.Details {
		if fault.Target != "curl" || !strings.HasSuffix(fault.Message, ".") || strings.Contains(fault.Message, canary) {
			t.Errorf("%.200s\nis refused with %+v", command, fault)
		}
	}
}

// What a command names is never opened: nothing that could open it is at hand.
func TestNothingThatReadsFilesOrConnectsIsImported(t *testing.T) {
	var files []string
	for _, dir := range []string{".", "tree"} {
		found, err := fs.Glob(os.DirFS(dir), "*.go")
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range found {
			files = append(files, filepath.Join(dir, name))
		}
	}
	read := 0
	for _, path := range files {
		if strings.HasSuffix(path, "_test.go") {
			continue
		}
		read++
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ImportsOnly)
		if err != nil {
			t.Fatal(err)
		}
		for _, spec := range file.Imports {
			name, _ := strconv.Unquote(spec.Path.Value)
			if slices.Contains([]string{"os", "os/exec", "io/fs", "io/ioutil", "path/filepath", "net", "net/http", "syscall", "plugin", "unsafe"}, name) {
				t.Errorf("%s imports %s", path, name)
			}
		}
	}
	if read < 10 {
		t.Errorf("only %d files were read", read)
	}
}

// What is not taken over is said.
func TestNotesSayWhatIsDifferent(t *testing.T) {
	for _, tt := range []struct{ command, want string }{
		{`curl -L https://x.example/`, "-L was not taken over: Callout follows no redirects"},
		{`curl --retry 5 https://x.example/`, "--retry was not taken over"},
		{`curl --connect-timeout 5 https://x.example/`, "--connect-timeout was not taken over"},
		{`curl -c jar.txt https://x.example/`, "-c was not taken over: Callout writes no files"},
		{`curl x.example/v1`, "no scheme"},
		{`curl http://x.example/`, "plain http"},
		{`curl -X post https://x.example/`, "capitals"},
		{`curl -m 900 https://x.example/`, "200 seconds"},
		{`curl -H 'Idempotency-Key: 0123456789' -d a=1 https://x.example/`, "Idempotency-Key was not taken over"},
		{`curl -d '{"a":1}' https://x.example/`, "labels it as a form"},
		{`curl -H 'Content-Type:' -d a=1 https://x.example/`, "takes the Content-Type away"},
		{`curl --json '{"a":[1]}' https://x.example/`, "declare a field and put its placeholder"},
		{`curl -d a=1 https://x.example/`, "Remove the default and require the field"},
		{`curl 'https://x.example/{id}'`, "has become the field id"},
		{`curl 'https://x.example/?filter[a]=b'`, "would refuse them without -g"},
		{`curl -u me https://x.example/`, "ask for the password"},
		{`curl https://me:secret@x.example/`, "in front of the host"},
		{`curl https://x.example/webhook/0123456789abcdef`, "looks like a credential by itself"},
		{`curl -H 'Authorization: bearer 0123456789' https://x.example/`, "Callout writes Bearer in the Authorization header, where the command has other capitals"},
		{`curl -H 'Authorization: BASIC bWU6bm90LWEtcGFzc3dvcmQ=' https://x.example/`, "Callout writes Basic in the Authorization header, where the command has other capitals"},
		{`curl --json '{"password":12345678}' https://x.example/`, "A number in the body looks like a credential"},
		{`curl -H 'X-Api-Key: short' https://x.example/`, "The value of auth.key has to be given when the draft is stored: what the command has there is shorter than 8 bytes"},
		{`curl -H 'X-Api-Key: long enough' https://x.example/`, "The value of auth.key has to be given again"},
	} {
		drafts, err := draft.FromCurl(tt.command)
		if err != nil {
			t.Errorf("%s: %v", tt.command, err)
			continue
		}
		if notes := strings.Join(drafts[0].Notes, "\n"); !strings.Contains(notes, tt.want) {
			t.Errorf("%s\nnotes\n%s\nwant %q", tt.command, notes, tt.want)
		}
	}
	drafts, err := draft.FromCurl(`$ curl -sS --compressed -o x https://api.example.com/v1/items`)
	if err != nil || len(drafts[0].Notes) != 1 {
		t.Errorf("notes on a command of which nothing is left out: %v, %v", drafts, err)
	}
}
