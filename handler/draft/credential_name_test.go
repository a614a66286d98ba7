package draft_test

import (
	"encoding/json"
	"net/url"
	"strings"
	"testing"

	"callout/handler/draft"
)

// credentialNames are names of members and parameters, and whether each is that of
// a credential.
var credentialNames = map[bool][]string{
	true: {
		"password", "PASSWORD", "userPassword", "password2", "pass-word", "nextcloud_password", "next_password", "page.secret", "syncSecret", "max_password",
		"cursor_api_key", "maxmind_license_secret", "token", "access_token", "pageAccessToken", "nextcloud_token", "async_token", "maximoToken", "statuspage_token",
		"pass", "PASS", "user_pass", "userPass", "DBPass", "db.pass", "pass1", "user[pass]", "passwd", "pwd", "dbPwd", "passphrase", "auth", "x-auth", "basicAuth", "zohoAuth", "auth_id",
	},
	false: {
		"page_token", "pageToken", "pagetoken", "next_page_token", "nextPageToken", "nextpagetoken", "nextToken", "sync_token", "nextSyncToken", "continuation-token", "cursorToken",
		"max_tokens", "maxTokens", "max_token", "tokens", "key", "compass", "author", "author_name", "bypass", "oauth", "oAuthVersion", "OAuthScope", "authenticated",
		"auth_user", "authEmail", "next", "page", "q",
	},
}

// A credential of the command is a secret value of the draft wherever it stands.
// What is no credential becomes a field with its value as the default.
func TestCredentialsAreNoFields(t *testing.T) {
	const value = "hunter2222"
	for credential, names := range credentialNames {
		for _, name := range names {
			member, _ := json.Marshal(map[string]string{name: value})
			pair := url.QueryEscape(name) + "=" + value
			commands := map[string]string{
				"JSON":       "curl --json '" + string(member) + "' https://api.example.com/v1",
				"form":       "curl -d '" + pair + "' https://api.example.com/v1",
				"twice":      "curl -d '" + pair + "&" + pair + "' https://api.example.com/v1",
				"data in -G": "curl -G -d '" + pair + "' https://api.example.com/v1",
				"query":      "curl --url-query '" + pair + "' https://api.example.com/v1",
			}
			for place, command := range commands {
				drafts, err := draft.FromCurl(command)
				if err != nil {
					t.Errorf("%s: %v", command, err)
					continue
				}
				c := drafts[0].Config
				shown, _ := json.Marshal(c)
				inQuery := place == "data in -G" || place == "query"
				want := credential || inQuery && name == "key" // which is often that of a project elsewhere
				if hidden := !strings.Contains(string(shown), value); hidden != want || (len(c.SecretValues) > 0) != want || (len(c.Fields) == 0) != want {
					t.Errorf("%s, in %s: secret %t, %d fields, shown as\n%s", name, place, hidden, len(c.Fields), shown)
				}
			}
		}
	}
}

// Of a secret that a draft lacks, the note says why.
func TestNotesSayWhyASecretIsLacking(t *testing.T) {
	const short = "what the command has there is shorter than 8 bytes, which is the least that a secret may have."
	const variable = "the command has a variable there, whose value is not known here."
	const placeholder = "the command has a placeholder there."
	for _, tt := range []struct{ arguments, path, why string }{
		{`-H 'Authorization: abc'`, "auth.key", short},
		{`-H 'Authorization: Bearer abc'`, "auth.token", short},
		{`-H "Authorization: Bearer $TOKEN"`, "auth.token", variable},
		{`-H 'Authorization: Bearer {{token}}'`, "auth.token", placeholder},
		{`-H "Authorization: $TOKEN"`, "auth.key", variable},
		{`-H 'X-Auth: abc'`, "auth.key", short},
		{`-H "X-Auth: $KEY" -H 'X-Api-Key: abc'`, "headers/X-Auth", variable},
		{`-H "X-Auth: $KEY" -H 'X-Api-Key: abc'`, "headers/X-Api-Key", short},
		{`-b 'a={{a}}'`, "headers/Cookie", placeholder},
		{`-H 'Cookie;'`, "headers/Cookie", "the command has nothing there."},
		{`-u "me:$PASSWORD"`, "auth.password", variable},
		{`-u "$USER_ID:{{password}}"`, "auth.password", placeholder},
		{`-u "$USER_ID:{{password}}"`, "auth.username", variable},
		{`-u me`, "auth.password", "the command does not tell it."},
		{`-d pwd=abc`, "secretValues/pwd", short},
		{`-d 'pwd={{pwd}}'`, "secretValues/pwd", placeholder},
	} {
		drafts, err := draft.FromCurl("curl https://api.example.com/v1 " + tt.arguments)
		if err != nil {
			t.Errorf("%s: %v", tt.arguments, err)
			continue
		}
		want := "The value of " + tt.path + " has to be given when the draft is stored: " + tt.why
		if notes := "\n" + strings.Join(drafts[0].Notes, "\n") + "\n"; !strings.Contains(notes, "\n"+want+"\n") {
			t.Errorf("%s\nnotes%swant\n%s", tt.arguments, notes, want)
		}
	}
}
