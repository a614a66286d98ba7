package draft

import (
	"encoding/json"
	"slices"
	"strings"
	"unicode"

	"callout/handler/callout"
)

// isCredential reports whether a member of a body, or a parameter of a query, is a
// credential, going by its name. Not every key is one: APIs have keys of projects
// and of objects, and tokens of pages.
func isCredential(name string) bool { return spellsCredential(name) || hasShortWord(name) }

// isQueryCredential is isCredential for a query, where more names are used: a key
// of Google's, an appid of OpenWeather's, or the code of an Azure function.
func isQueryCredential(name, value string) bool {
	return isCredential(name) || strings.EqualFold(name, "key") || strings.EqualFold(name, "appid") || name == "code" && len(value) >= 40
}

// soundsSecret asks the decoder of headers what it would take for a secret, and
// knows a few names besides.
func soundsSecret(name string) bool {
	data, _ := json.Marshal(map[string]string{"name": name})
	var h callout.Header
	return json.Unmarshal(data, &h) == nil && h.Secret || isCredential(name)
}

// spellsCredential looks for what tells a credential wherever it stands in a name.
func spellsCredential(name string) bool {
	words := nameWords(name)
	joined := strings.Join(words, "")
	for _, part := range []string{"password", "passwd", "passphrase", "secret", "credential", "assertion", "authorization",
		"apikey", "accesskey", "privatekey", "routingkey", "integrationkey", "servicekey", "signingkey", "authkey", "subscriptionkey"} {
		if strings.Contains(joined, part) {
			return true
		}
	}
	return strings.HasSuffix(joined, "token") && !isPosition(words)
}

// isPosition reports whether a token says how far a listing has been read, as in
// nextPageToken, or how many tokens there may be, as in max_token.
func isPosition(words []string) bool {
	last := len(words) - 1
	before := strings.TrimSuffix(words[last], "token")
	if before == "" && last > 0 {
		before = words[last-1]
	}
	return slices.Contains([]string{"page", "next", "nextpage", "continuation", "sync", "nextsync", "cursor"}, before) ||
		slices.Contains(words, "max")
}

// hasShortWord looks for words that tell a credential only where they stand alone:
// not in compass or author. An auth_user or X-Auth-Email names an account, and
// OAuth a protocol.
func hasShortWord(name string) bool {
	words := nameWords(name)
	for i, word := range words {
		switch {
		case word == "pass" || word == "pwd":
			return true
		case word != "auth" || i > 0 && words[i-1] == "o":
		case i+1 == len(words) || !slices.Contains([]string{"user", "username", "email"}, words[i+1]):
			return true
		}
	}
	return false
}

// nameWords takes a name apart at whatever is no letter, and where a capital begins
// a word: dbPass, DBPass and db_pass are the same two words.
func nameWords(name string) []string {
	runes := []rune(name)
	var spaced strings.Builder
	for i, r := range runes {
		switch {
		case !unicode.IsLetter(r):
			r = ' '
		case i == 0 || !unicode.IsUpper(r):
		case unicode.IsLower(runes[i-1]) || i+1 < len(runes) && unicode.IsLower(runes[i+1]):
			spaced.WriteByte(' ')
		}
		spaced.WriteRune(unicode.ToLower(r))
	}
	return strings.Fields(spaced.String())
}
