package callout

import "maps"

// advice is what an agent is told to do next, one sentence a code.
var advice = map[Code]string{
	ApprovalDenied:        "Do not call again with the same arguments: a technician has said no and why.",
	ApprovalExpired:       "Ask whether the request is still wanted, and call again if it is.",
	ConfigChanged:         "The configuration changed meanwhile: read the tool's definition again and make a new call.",
	DestinationNotAllowed: "Do not retry: ask an operator to correct the endpoint or to permit its address.",
	DNSFailed:             "Do not retry at once: ask an operator to check the host name in the endpoint.",
	ConnectFailed:         "Retry later; if it keeps failing, tell an operator that the API does not accept connections.",
	TLSFailed:             "Do not retry: tell an operator that the API's certificate or TLS version is not acceptable.",
	TimedOut:              "Retry later, or ask an operator to raise timeoutSeconds.",
	RequestFailed:         "Retry once; if it fails again, tell an operator.",
	CredentialMissing:     "Do not retry: ask an operator to enter the credential of this configuration again.",
	CredentialRejected:    "Do not retry: ask an operator to check the credential of this configuration and what it may do.",
	TokenRequestFailed:    "If retryable is true, try again later; otherwise ask an operator to test this configuration: its token endpoint gives no token.",
	UpstreamRedirect:      "Do not retry: redirects are not followed; ask an operator to configure the address that the API now uses.",
	UpstreamClientError:   "Read the API's answer in response.body, correct the arguments, and call again.",
	RateLimited:           "Wait for retryAfterSeconds, or a minute if it is absent, before calling again.",
	UpstreamServerError:   "The API failed by itself: retry later, and check first whether the change was made after all.",
	InvalidResponse:       "The API's answer could not be read: check in the other system what happened before calling again.",
	ResponseTooLarge:      "The answer is too large: ask for less with narrower arguments.",
	OutcomeUnknown:        "Do not send it again: check in the other system whether it was done.",
}

// Advice returns the sentence that tells an agent what to do next.
func Advice(code Code) string { return advice[code] }

// Codes gives every code with its advice, for documents and their tests.
func Codes() map[Code]string { return maps.Clone(advice) }

// retryable are the codes after which the same call may succeed later.
var retryable = map[Code]bool{ConnectFailed: true, TimedOut: true, RequestFailed: true, RateLimited: true, UpstreamServerError: true}

// NewCallError returns the error of the code: what was wrong, then the advice.
func NewCallError(code Code, message string) *CallError {
	return &CallError{Code: code, Message: message + " " + Advice(code), Retryable: retryable[code], Reason: message}
}
