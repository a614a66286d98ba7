package token

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"callout/handler/callout"
	"callout/handler/secret"
)

// Everything that is sent holds this word, and no error may.
const canary = "canary"

// canaryClient sends canaries wherever it can.
func canaryClient() callout.OAuth {
	return callout.OAuth{
		TokenURL: "/canary-path?tenant=canary-tenant",
		Parameters: []callout.Parameter{
			plain("client_id", "canary-id"), hidden("client_secret", "canary-s3cret+/="), plain("scope", "canary-scope"), plain("resource", "urn:canary"),
		},
		TokenAuth: callout.TokenAuth{Type: callout.AuthBasic, Username: "canary-user", Password: secret.New("canary-passw0rd")},
	}
}

// canaryBasic is what no error may hold either.
var canaryBasic = base64.StdEncoding.EncodeToString([]byte("canary-user:canary-passw0rd"))

// echo wraps a provider that tells in headers what it was sent.
func echo(answer http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		w.Header().Set("X-Body", url.QueryEscape(string(body)))
		w.Header().Set("Www-Authenticate", r.Header.Get("Authorization"))
		w.Header().Set("X-Host", r.Host)
		answer(w, r)
	}
}

// wantFailure checks that err is an *Error with the reason, and that nothing of
// the request or the answer is in it.
func wantFailure(t *testing.T, err error, reason Reason) *Error {
	t.Helper()
	failure, ok := err.(*Error)
	if !ok {
		t.Fatalf("the error is a %T: %v", err, err)
	}
	if failure.Reason != reason {
		t.Errorf("the reason is %s, want %s", failure.Reason, reason)
	}
	if (failure.Way != nil) != (reason == Unreachable || reason == NotAllowed || reason == Misdirected || reason == TimedOut) {
		t.Errorf("the way is %+v for %s", failure.Way, failure.Reason)
	}
	wantQuiet(t, failure)
	return failure
}

func wantQuiet(t *testing.T, failure *Error) {
	t.Helper()
	told := []string{failure.Error(), failure.Message(), failure.Advice(), failure.Reason.Message(), failure.Reason.Advice()}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x"} {
		told = append(told, fmt.Sprintf(verb, failure), fmt.Sprintf(verb, *failure))
		if failure.Way != nil {
			told = append(told, fmt.Sprintf(verb, *failure.Way))
		}
	}
	encoded, err := json.Marshal(failure)
	if err != nil {
		t.Error(err)
	}
	told = append(told, string(encoded))
	for cause := errors.Unwrap(failure); cause != nil; cause = errors.Unwrap(cause) {
		t.Errorf("the error wraps %v", cause)
	}
	for _, text := range told {
		for _, trace := range []string{canary, canaryBasic, canaryBasic[8:24], "127.0.0.1", fmt.Sprintf("%x", canary)} {
			if strings.Contains(text, trace) {
				t.Errorf("%q holds %q", text, trace)
			}
		}
	}
}
