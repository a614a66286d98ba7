package execute

import (
	"context"
	"errors"
	"time"

	"callout/handler/callout"
)

const (
	firstLook = 20 * time.Millisecond
	lastLook  = time.Second
	// longestLook is how long an outcome is waited for: Azure ends every request
	// after 230 s.
	longestLook = callout.MaxTimeoutSeconds*time.Second + grace
	// approvedLook is how long an approved execution may wait for its sender. One
	// that waits longer has lost it, and is for the sweep to resume.
	approvedLook = 5 * time.Second
)

// errOthers: what somebody else has sent could not be read.
var errOthers = errors.New("execute: the execution of another caller could not be read")

// join waits for the outcome of an execution that somebody else sends, and returns
// its state when there is one, or when there is no more time. It fails at once with
// err if that is not nil.
func (x *Executor) join(ctx context.Context, id string, err error) (*callout.Execution, error) {
	if err != nil {
		return nil, err
	}
	waited := time.Duration(0)
	for look := firstLook; ; look = min(2*look, lastLook) {
		e, err := x.History.Get(ctx, id)
		if isCode(err, callout.StorageUnavailable) {
			return nil, &callout.Error{Code: callout.StorageUnavailable, Err: errors.Join(errOthers, err),
				Message: "This call is being made, and the storage of Callout does not tell what came of it. Repeat it with the same Idempotency-Key, or read the execution later."}
		}
		if err != nil {
			return nil, err
		}
		under := e.Status == callout.Sending && waited < longestLook || e.Status == callout.Approved && waited < approvedLook
		if !under || sleep(ctx, look) != nil {
			return e, nil
		}
		waited += look
	}
}

// sleep waits on a timer.
func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
