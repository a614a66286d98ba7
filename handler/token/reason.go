package token

import (
	"strings"

	"callout/handler/callout"
)

// meaning is what is said of a Reason, a sentence each.
type meaning struct {
	message   string // what was wrong
	advice    string // what an operator does next
	transient bool   // it may pass by itself
}

var meanings = map[Reason]meaning{
	InvalidRequest: {message: "The provider finds the token request incomplete or malformed.",
		advice: "Compare the parameters with the provider's documentation: one may be missing, misspelt or given twice, or the provider wants format json, or tokenAuth with encoding form."},
	InvalidClient: {message: "The provider does not know the client, or does not accept its secret.",
		advice: "Check client_id and client_secret, and whether the provider wants them as parameters or in tokenAuth of type basic, and there with encoding raw or form."},
	InvalidGrant: {message: "The provider does not accept what the token request offers in exchange for a token.",
		advice: "Check the parameter grant_type and those that belong to it, such as account_id, username, password or assertion: one is wrong, expired or revoked."},
	InvalidScope: {message: "The provider does not grant the scope.",
		advice: "Correct the parameter scope, or have the scope assigned to the client at the provider."},
	InvalidTarget: {message: "The provider does not know the API for which the token is meant, or does not give this client tokens for it.",
		advice: "Correct the parameter resource or audience: it names the API exactly as it is registered at the provider."},
	UnauthorizedClient: {message: "The client may not get a token in this way.",
		advice: "Have client credentials enabled for this client at the provider, or set the parameter grant_type to what the provider expects."},
	UnsupportedGrantType: {message: "The provider does not support the grant type, or does not find it in the token request.",
		advice: "Set the parameter grant_type to what the provider's documentation says, and format to form or json as it expects."},
	AccessDenied: {message: "The provider denies this client a token.",
		advice: "Check the parameters audience, resource and scope, then client_secret, and have an administrator at the provider grant the client access to the API."},
	ServerError: {message: "The token endpoint failed by itself.", transient: true,
		advice: "Try again later; if it goes on, check tokenUrl and ask the provider."},
	TemporarilyUnavailable: {message: "The provider gives no tokens at the moment.", transient: true,
		advice: "Try again later; if it goes on, ask the provider."},
	RateLimited: {message: "The provider gives no more tokens for now, because it was asked too often.", transient: true,
		advice: "Wait for as long as the provider asks; if it happens again, see what else uses this client, and how many tokens the provider allows."},
	EndpointNotFound: {message: "There is no token endpoint at the token URL.",
		advice: "Correct tokenUrl: the provider's documentation has the exact path, with any tenant or version in it."},
	Redirected: {message: "The token endpoint redirects, which is not followed, because the client's secret would be sent there.",
		advice: "Put the address that the provider's documentation gives now into tokenUrl; check its host, and the slash at its end."},
	Refused: {message: "The provider refuses the token request and gives no reason that is known here.",
		advice: "Compare tokenUrl, the parameters, tokenAuth and format with the provider's documentation, and look for the reason in the provider's own log."},
	NotJSON: {message: "The answer of the token endpoint is not JSON.",
		advice: "Check tokenUrl, which probably leads to a web page or a sign-in page, and then format."},
	NoToken: {message: "The answer of the token endpoint has no token in the place where it is looked for.",
		advice: "Set tokenPath to where the provider's answer has the token, such as data.token; without it, access_token and accessToken are looked for."},
	UnsafeToken: {message: "The token holds characters that no header can carry.",
		advice: "Check that tokenPath leads to the token itself; if it does, ask the provider why the token has line breaks, letters outside ASCII or spaces at its ends."},
	TooLarge: {message: "The answer of the token endpoint is too large for one with a token: at most 256 KiB are read.",
		advice: "Check tokenUrl: it leads to something else than a token endpoint."},
	NotAllowed: {message: "The token endpoint is at an address that may not be called.",
		advice: "Correct the host in tokenUrl, or have its address permitted in CALLOUT_EGRESS_ALLOW, CALLOUT_EGRESS_HOSTS or CALLOUT_EGRESS_PORTS."},
	Misdirected: {message: "The token URL leads to no server that can be trusted: its name cannot be looked up, or its certificate is not valid.",
		advice: "Correct the host in tokenUrl, and test the configuration to see which of the two it is."},
	Unreachable: {message: "The token endpoint cannot be reached.", transient: true,
		advice: "Check the host and the port in tokenUrl, and that the provider is up."},
	TimedOut: {message: "There was no token in time.", transient: true,
		advice: "Try again later; if it goes on, check tokenUrl and ask the provider why its token endpoint is slow."},
}

// meaning is that of Refused for a Reason that is not known.
func (r Reason) meaning() meaning {
	if m, ok := meanings[r]; ok {
		return m
	}
	return meanings[Refused]
}

// known reports whether r is one of the reasons. A row may hold another one, of
// a newer version.
func (r Reason) known() bool {
	_, ok := meanings[r]
	return ok
}

// Message says in one sentence what was wrong. It quotes nothing of the provider
// and nothing of the configuration.
func (r Reason) Message() string { return r.meaning().message }

// Advice says in one sentence what an operator does next.
func (r Reason) Advice() string { return r.meaning().advice }

// Transient reports whether it may pass by itself: the same token request may
// succeed later.
func (r Reason) Transient() bool { return r.meaning().transient }

// Error returns Message.
func (e *Error) Error() string { return e.Message() }

// Message is that of the Reason, or what went wrong on the way where that says
// more.
func (e *Error) Message() string {
	switch {
	case e.Way == nil:
		return e.Reason.Message()
	case e.arrived():
		return "The token request failed: " + continued(e.Way.Message)
	}
	return "The token endpoint cannot be reached: " + continued(e.Way.Message)
}

// Advice is that of the Reason, or that of what kept the request from getting
// there. What egress advises once it got there is for requests that may have
// changed something, and for the time limit of a call.
func (e *Error) Advice() string {
	if e.Way == nil || e.Reason == TimedOut {
		return e.Reason.Advice()
	}
	if e.arrived() {
		return "Try again; if it goes on, check tokenUrl and ask the provider."
	}
	return e.Way.Advice
}

// arrived reports whether there was a connection to the provider.
func (e *Error) arrived() bool {
	return e.Way.Stage == callout.StageRequest || e.Way.Stage == callout.StageResponse
}

// continued makes a sentence go on from a colon.
func continued(sentence string) string {
	first := min(1, len(sentence))
	return strings.ToLower(sentence[:first]) + sentence[first:]
}
