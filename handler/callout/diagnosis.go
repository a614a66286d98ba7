package callout

import "cmp"

// OperatorAdvice says in one sentence what an operator can do about it. status
// is that of the API's answer, 0 when there was none.
func OperatorAdvice(code Code, status int) string {
	if byStatus, ok := statusAdvice[status]; ok && (code == UpstreamClientError || code == CredentialRejected) {
		return byStatus
	}
	return cmp.Or(operatorAdvice[code], advice[code])
}

var statusAdvice = map[int]string{
	400: "Compare the request with the API's documentation: a field is missing, misspelt or of the wrong type.",
	401: "Check that the credential is right, has not expired, and is sent in the way that the API expects; then enter it again and repeat the test.",
	403: "The credential is known but may not do this: give it the permission in the other system, or use another one.",
	404: "Check the path of the endpoint and any id in it.",
	405: "The API does not take this method at this address: change the method or the endpoint.",
	415: "The API does not take a JSON body here: check the Content-Type that its documentation asks for.",
	422: "The API understood the request but not its values: compare the fields with its documentation.",
}

var operatorAdvice = map[Code]string{
	UpstreamRedirect:    "Redirects are not followed: put the address that the API redirects to into the endpoint.",
	CredentialRejected:  "Check the credential and what it may do.",
	TokenRequestFailed:  "Compare auth.tokenUrl, the parameters and auth.tokenAuth with the provider's documentation, correct them, and repeat the test.",
	RateLimited:         "Wait for the time that the API asks for, and repeat the test.",
	UpstreamClientError: "Read the answer below and compare the request with the API's documentation.",
	UpstreamServerError: "The API failed by itself: repeat the test later, or ask its provider.",
	InvalidResponse:     "The answer is not valid HTTP or not encoded as it says: ask the API's provider.",
	ResponseTooLarge:    "Ask for less with a narrower endpoint or arguments, or raise maxResponseBytes.",
	TimedOut:            "Raise timeoutSeconds, or ask the API's provider why it is slow.",
}
