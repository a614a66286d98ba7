package token

import (
	"time"

	"callout/handler/egress"
)

// Reason names why there is no token: a code of RFC 6749, section 5.2, or of
// RFC 8707, section 2, as the provider gave it, or one of ours. It is kept in the
// table, for all instances.
type Reason string

// The reasons. A provider's code that is not among them becomes Refused.
const (
	InvalidRequest         Reason = "invalid_request"
	InvalidClient          Reason = "invalid_client"
	InvalidGrant           Reason = "invalid_grant"
	InvalidScope           Reason = "invalid_scope"
	InvalidTarget          Reason = "invalid_target"
	UnauthorizedClient     Reason = "unauthorized_client"
	UnsupportedGrantType   Reason = "unsupported_grant_type"
	AccessDenied           Reason = "access_denied"
	ServerError            Reason = "server_error"
	TemporarilyUnavailable Reason = "temporarily_unavailable"

	RateLimited      Reason = "rate_limited"       // 429
	EndpointNotFound Reason = "endpoint_not_found" // 404, 405, 410
	Redirected       Reason = "redirected"         // 3xx
	Refused          Reason = "refused"            // any other 4xx
	NotJSON          Reason = "not_json"
	NoToken          Reason = "no_token"     // JSON without a token where one is looked for
	UnsafeToken      Reason = "unsafe_token" // one that no header can carry
	TooLarge         Reason = "too_large"    // over 256 KiB
	NotAllowed       Reason = "not_allowed"  // egress does not let a request get there
	Misdirected      Reason = "misdirected"  // no such name, or not the certificate of that name
	Unreachable      Reason = "unreachable"
	TimedOut         Reason = "timed_out"
)

// Error is why there is no token. It holds nothing of what the provider said
// but its code, and nothing of the request.
type Error struct {
	Reason Reason
	// RetryAfter is how long the provider, or the back-off of all instances, asks
	// to wait; 0 when neither does.
	RetryAfter time.Duration
	// Way is what went wrong on the way to the provider, nil unless Reason is
	// NotAllowed, Misdirected, Unreachable or TimedOut and it happened in this very call.
	Way *egress.Error
}
