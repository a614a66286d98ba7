package token

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"time"

	"callout/handler/callout"
	"callout/handler/egress"
	"callout/handler/secret"
)

// maxAnswer is how many bytes of an answer are read. Tokens with a group for
// each of their user's roles reach tens of KiB.
const maxAnswer = 256 << 10

// read reads the provider's answer and closes its body. now is when it came. The
// error is an *Error.
func read(resp *http.Response, client *callout.OAuth, now time.Time) (grant, error) {
	if resp.StatusCode/100 == 3 {
		_ = resp.Body.Close()
		return grant{}, &Error{Reason: Redirected}
	}
	body, err := egress.ReadBody(resp, maxAnswer)
	document, isJSON := parse(body.Data)
	switch {
	case resp.StatusCode/100 != 2:
		return grant{}, refusal(resp, document, now)
	case err != nil:
		return grant{}, lost(err)
	case body.Truncated:
		return grant{}, &Error{Reason: TooLarge}
	case !isJSON:
		return grant{}, &Error{Reason: NotJSON}
	case isError(document):
		return grant{}, refusal(resp, document, now)
	}
	token := tokenIn(document, client.TokenPath)
	switch {
	case token == "" && hasCode(document):
		return grant{}, refusal(resp, document, now)
	case token == "":
		return grant{}, &Error{Reason: NoToken}
	case !headerSafe(token):
		return grant{}, &Error{Reason: UnsafeToken}
	}
	return grant{token: secret.New(token), lifetime: lifetime(document, client, now)}, nil
}

// parse reads JSON, whatever its type was said to be, behind a byte order mark
// if there is one.
func parse(body []byte) (document any, ok bool) {
	body = bytes.TrimPrefix(body, []byte("\xef\xbb\xbf"))
	if !json.Valid(body) { // which also finds what follows the document
		return nil, false
	}
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.UseNumber()
	err := dec.Decode(&document)
	return document, err == nil
}

// tokenIn returns the token in an answer, "" if there is none.
func tokenIn(document any, path string) string {
	if path != "" {
		token, _ := follow(document, strings.Split(path, ".")).(string)
		return token
	}
	for _, name := range []string{"access_token", "accessToken"} {
		if token, ok := follow(document, []string{name}).(string); ok {
			return token
		}
	}
	return ""
}

// follow returns what names lead to, nil if that is nothing. In an array, a name
// is the number of an element, from 0.
func follow(document any, names []string) any {
	for _, name := range names {
		switch at := document.(type) {
		case map[string]any:
			document = at[name]
		case []any:
			n, err := strconv.Atoi(name)
			if err != nil || n < 0 || n >= len(at) {
				return nil
			}
			document = at[n]
		default:
			return nil
		}
	}
	return document
}

// headerSafe reports whether a header can carry the token without a change:
// printable ASCII, without a space at its ends, which readers of headers drop.
func headerSafe(token string) bool {
	for i := 0; i < len(token); i++ {
		if token[i] < ' ' || token[i] > '~' {
			return false
		}
	}
	return token == strings.Trim(token, " ")
}
