package callout

// Code names what went wrong with a call. Agents branch on it, so a code keeps
// its meaning for ever.
type Code string

// Codes of a call that was made, or was about to be.
const (
	ApprovalDenied        Code = "ApprovalDenied"
	ApprovalExpired       Code = "ApprovalExpired"
	ConfigChanged         Code = "ConfigChanged"
	DestinationNotAllowed Code = "DestinationNotAllowed"
	DNSFailed             Code = "DnsFailed"
	ConnectFailed         Code = "ConnectFailed"
	TLSFailed             Code = "TlsFailed"
	TimedOut              Code = "TimedOut"
	RequestFailed         Code = "RequestFailed"
	CredentialMissing     Code = "CredentialMissing"
	CredentialRejected    Code = "CredentialRejected"
	TokenRequestFailed    Code = "TokenRequestFailed"
	UpstreamRedirect      Code = "UpstreamRedirect"
	UpstreamClientError   Code = "UpstreamClientError"
	RateLimited           Code = "RateLimited"
	UpstreamServerError   Code = "UpstreamServerError"
	InvalidResponse       Code = "InvalidResponse"
	ResponseTooLarge      Code = "ResponseTooLarge"
	OutcomeUnknown        Code = "OutcomeUnknown"
)

// Stage is a step of a call, in the order in which the steps happen.
type Stage string

// The stages of a test (design: section 6).
const (
	StageConfiguration Stage = "configuration"
	StageSecrets       Stage = "secrets"
	StagePolicy        Stage = "policy"
	StageDNS           Stage = "dns"
	StageTCP           Stage = "tcp"
	StageTLS           Stage = "tls"
	StageToken         Stage = "token"
	StageRequest       Stage = "request"
	StageResponse      Stage = "response"
)
