package token

import (
	"encoding/json"
	"net/http"
	"strings"
	"time"

	"callout/handler/egress"
)

// refusal is the error of an answer that gives no token. A code that is known
// says more than the status, except that of a limit.
func refusal(resp *http.Response, document any, now time.Time) *Error {
	e := &Error{Reason: statusReason(resp.StatusCode)}
	if code, ok := codeIn(document, maxCodeDepth); ok && e.Reason != RateLimited {
		e.Reason = code
	}
	if e.Reason.Transient() {
		e.RetryAfter = min(egress.RetryAfter(resp.Header, now), maxRetryAfter)
	}
	return e
}

func statusReason(status int) Reason {
	switch {
	case status == http.StatusUnauthorized:
		return InvalidClient // the one error for which RFC 6749, section 5.2 has this status
	case status == http.StatusTooManyRequests:
		return RateLimited
	case status == http.StatusNotFound, status == http.StatusMethodNotAllowed, status == http.StatusGone:
		return EndpointNotFound
	case status == http.StatusRequestTimeout, status == http.StatusTooEarly:
		return TemporarilyUnavailable
	case status >= 500:
		return ServerError
	}
	return Refused
}

// isError reports whether an answer of success is none: it has the member error
// of RFC 6749, section 5.2, or says "ok": false as Slack does.
func isError(document any) bool {
	members, _ := document.(map[string]any)
	if ok, said := members["ok"].(bool); said && !ok {
		return true
	}
	switch v := members["error"].(type) {
	case nil:
		return false
	case string:
		return v != ""
	case bool:
		return v
	case json.Number:
		return numberOf(v) != 0
	case []any:
		return len(v) > 0
	case map[string]any:
		return len(v) > 0
	}
	return true
}

func hasCode(document any) bool {
	_, ok := codeIn(document, maxCodeDepth)
	return ok
}

// maxCodeDepth is how deep a code is looked for, as in
// {"errors": [{"code": "invalid_client"}]}.
const maxCodeDepth = 4

// codeMembers are where providers put the code of an error, the most telling
// first.
var codeMembers = []string{"error", "errors", "errorCode", "error_code", "code", "type", "status"}

// codeIn finds a code that is known in an answer. No other text of the answer
// goes anywhere.
func codeIn(v any, depth int) (Reason, bool) {
	if depth == 0 {
		return "", false
	}
	switch v := v.(type) {
	case string:
		reason, ok := codes[letters(v)]
		return reason, ok
	case []any:
		for _, element := range v {
			if reason, ok := codeIn(element, depth-1); ok {
				return reason, true
			}
		}
	case map[string]any:
		for _, name := range codeMembers {
			if reason, ok := codeIn(v[name], depth-1); ok {
				return reason, true
			}
		}
	}
	return "", false
}

// codes are the provider's codes that are passed on, by their letters alone:
// invalid_client, InvalidClient and INVALID-CLIENT are one.
var codes = map[string]Reason{
	// RFC 6749, sections 4.1.2.1 and 5.2; RFC 8707, section 2.
	"invalidrequest":         InvalidRequest,
	"invalidclient":          InvalidClient,
	"invalidgrant":           InvalidGrant,
	"invalidscope":           InvalidScope,
	"invalidtarget":          InvalidTarget,
	"unauthorizedclient":     UnauthorizedClient,
	"unsupportedgranttype":   UnsupportedGrantType,
	"accessdenied":           AccessDenied,
	"servererror":            ServerError,
	"temporarilyunavailable": TemporarilyUnavailable,

	"invalidclientid":            InvalidClient, // Salesforce, Slack
	"badclientsecret":            InvalidClient, // Slack
	"invalidclientsecret":        InvalidClient, // Zoho
	"incorrectclientcredentials": InvalidClient, // GitHub
	"invalidclientcredentials":   InvalidClient,
	"invalidcredentials":         InvalidClient,
	"unauthorized":               InvalidClient, // Spring
	"invalidgranttype":           UnsupportedGrantType,
	"insufficientscope":          InvalidScope,
	"invalidresource":            InvalidTarget, // Microsoft
	"invalidaudience":            InvalidTarget,
	"slowdown":                   RateLimited, // RFC 8628, section 3.5
	"toomanyrequests":            RateLimited, // Auth0
	"ratelimited":                RateLimited, // Slack
	"ratelimitexceeded":          RateLimited,
	"internalservererror":        ServerError,
	"serviceunavailable":         TemporarilyUnavailable,
}

// letters returns the letters of a code in lower case.
func letters(code string) string {
	const longest = 64 // what is longer is no code
	if len(code) > longest {
		return ""
	}
	return strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' {
			return r
		}
		return -1
	}, strings.ToLower(code))
}

// maxRetryAfter bounds for how long a provider can keep Callout from asking.
const maxRetryAfter = time.Hour
