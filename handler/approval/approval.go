// Package approval has the rules of what waits for a technician: what an approval
// is bound to, and which decision may follow which state. It changes an execution
// in memory only; to write it, under the ETag with which it was read, is its
// caller's part.
package approval

import (
	"fmt"
	"time"

	"callout/handler/callout"
)

// Verdict is what a technician says.
type Verdict struct {
	Decision callout.Decision
	// By is who says it; Claimed, that nobody but the caller vouches for that.
	By      string
	Claimed bool
	// Reason is why not; it reaches the agent.
	Reason string
	// Digest is that of the request after its arguments were edited; empty when they
	// were not.
	Digest string
}

// Ask makes e wait for a decision until a time.
func Ask(e *callout.Execution, digest string, configVersion int, until time.Time) {
	e.Status = callout.PendingApproval
	e.Approval = &callout.Approval{Digest: digest, ConfigVersion: configVersion, ExpiresAt: until}
}

// Decide writes a verdict into e, which was read at the time now, and reports
// whether that changed it: to repeat a decision changes nothing. It fails with
// callout.ApprovalNotPending when e is not, or not any more, to be decided so; to
// approve something else than what was approved is another decision.
func Decide(e *callout.Execution, v Verdict, now time.Time) (changed bool, err error) {
	switch {
	case e.Approval == nil:
		return false, notPending("This execution asked for no approval. Nothing was changed.")
	case e.Approval.Decision == v.Decision && v.Digest != "" && v.Digest != e.Approval.Digest:
		return false, notPending(otherEdit(e.Approval))
	case e.Approval.Decision == v.Decision:
		return false, nil
	case e.Approval.Decision != "":
		return false, notPending(fmt.Sprintf("This request has been %s already, and that stands. Nothing was changed; read the execution to see what became of it.", e.Approval.Decision))
	case e.Status != callout.PendingApproval:
		return false, notPending("This request has expired: nobody decided in time, and nothing was sent. The agent can call again.")
	}
	a := *e.Approval // the one that was read may be shared
	a.Decision, a.DecidedAt, a.By, a.Claimed, a.Reason = v.Decision, now.UTC(), v.By, v.Claimed, v.Reason
	if v.Digest != "" && v.Digest != a.Digest {
		a.OriginalDigest, a.Digest = a.Digest, v.Digest
	}
	e.Approval, e.Status = &a, callout.Approved
	if v.Decision == callout.DecisionDenied {
		e.Status, e.Error = callout.Denied, callout.NewCallError(callout.ApprovalDenied, "A technician denied this request: "+v.Reason)
	}
	return true, nil
}

// otherEdit says why what was approved cannot be edited any more.
func otherEdit(a *callout.Approval) string {
	how := "as it was"
	if a.OriginalDigest != "" {
		how = "with another edit"
	}
	return "This request has been approved already " + how + ", and that stands: your edit was not taken. Read the execution to see what was sent."
}

// Change makes e, which waits or is approved, one that will never be sent because
// its configuration is another by now.
func Change(e *callout.Execution) {
	e.Status, e.Error = callout.Failed, callout.NewCallError(callout.ConfigChanged,
		"The configuration was changed after this request had been shown for approval, so nothing was sent.")
}

// Send makes an approved e one that is being sent until a deadline.
func Send(e *callout.Execution, deadline time.Time) { e.Status, e.Deadline = callout.Sending, deadline }

func notPending(message string) error {
	return &callout.Error{Code: callout.ApprovalNotPending, Message: message, Target: "id"}
}
