package callout

import "time"

// Approval is what a technician is asked about an execution, and what was said.
type Approval struct {
	// Digest names the exact request that was shown, and that an approval is of.
	Digest string `json:"digest"`
	// ConfigVersion is the version of the configuration that made it.
	ConfigVersion int `json:"configVersion"`
	// ExpiresAt is when silence becomes a no.
	ExpiresAt time.Time `json:"expiresAt"`
	// Decision is empty as long as there is none.
	Decision  Decision  `json:"decision,omitempty"`
	DecidedAt time.Time `json:"decidedAt,omitzero"`
	// By is who decided; Claimed says that this is what the caller stated, and that
	// nobody has checked it.
	By      string `json:"by,omitempty"`
	Claimed bool   `json:"claimed,omitempty"`
	Reason  string `json:"reason,omitempty"`
	// OriginalDigest is that of the request before a technician edited its arguments,
	// empty when nobody did.
	OriginalDigest string `json:"originalDigest,omitempty"`
}

// Decision is what became of a request for approval.
type Decision string

// The decisions.
const (
	DecisionApproved Decision = "approved"
	DecisionDenied   Decision = "denied"
)

// Callback is how far the posting of a result has come. The address is not part of
// it: it may be a secret.
type Callback struct {
	State CallbackState `json:"state"`
	// Attempts counts how often it was posted.
	Attempts int `json:"attempts"`
	// NextAt is when it may be posted again.
	NextAt time.Time `json:"nextAt,omitzero"`
}

// CallbackState says whether a result was posted.
type CallbackState string

// The states of a Callback. The last two are final.
const (
	CallbackWaiting   CallbackState = "waiting"
	CallbackDelivered CallbackState = "delivered"
	CallbackFailed    CallbackState = "failed"
)
