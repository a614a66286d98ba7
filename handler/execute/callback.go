package execute

import (
	"context"
	"errors"
	"time"

	"callout/handler/callout"
	"callout/handler/history"
	"callout/handler/store"
	"callout/handler/webhook"
)

// Settle waits for what goes on after callers were answered: callbacks. What a
// process does not live to see is done by the sweep.
func (x *Executor) Settle() { x.background.Wait() }

// report posts the result of an execution that has come to its end, to whoever has
// asked for that. Nobody waits for it.
func (x *Executor) report(ctx context.Context, record *history.Record) {
	if record.Callback == nil || !record.Status.Final() {
		return
	}
	ctx, id := context.WithoutCancel(ctx), record.ID
	x.background.Go(func() {
		if _, err := x.deliver(ctx, id); err != nil {
			x.Log.WarnContext(ctx, "a result could not be posted; the sweep will try again", "executionId", id)
		}
	})
}

// deliver posts a result if that is due, and reports whether it has been. Each attempt is on record before it is
// made, so that of two who come at once one posts. A receiver may get a result twice
// all the same, when a process dies before the outcome is on record; it is told the
// execution's id for that.
func (x *Executor) deliver(ctx context.Context, id string) (posted bool, err error) {
	record, err := x.History.Load(ctx, id)
	if err != nil {
		return false, err
	}
	record.Execution = record.At(x.Now())
	c := record.Callback
	if c == nil || c.State != callout.CallbackWaiting || !record.Status.Final() || x.Now().Before(c.NextAt) {
		return false, nil
	}
	next := callout.Callback{State: c.State, Attempts: c.Attempts + 1, NextAt: x.Now().UTC().Add(longestPost)}
	record.Callback = &next
	if err := x.write(ctx, record); err != nil {
		if errors.Is(err, store.ErrConflict) { // somebody else posts it
			err = nil
		}
		return false, err
	}
	err = x.postResult(ctx, record)
	record.Callback = after(next, err, x.Now().UTC())
	return err == nil, errors.Join(err, x.write(ctx, record))
}

const (
	// longestPost is how long an attempt may take, the reading of the key included,
	// before somebody else may make the next.
	longestPost = 2 * time.Minute
	// mostAsked is how long a receiver can put off the next attempt.
	mostAsked = 24 * time.Hour
)

// after is how a callback stands when an attempt ended with err at the time now.
func after(c callout.Callback, err error, now time.Time) *callout.Callback {
	var failure *webhook.Failure
	failed := errors.As(err, &failure)
	wait, again := webhook.Delay(c.Attempts)
	switch {
	case err == nil:
		c.State, c.NextAt = callout.CallbackDelivered, time.Time{}
	case failed && failure.Final, !again:
		c.State, c.NextAt = callout.CallbackFailed, time.Time{}
	case failed:
		c.NextAt = now.Add(max(wait, min(failure.RetryAfter, mostAsked)))
	}
	return &c
}

func (x *Executor) postResult(ctx context.Context, record *history.Record) error {
	kept, err := x.unseal(ctx, record)
	if err != nil {
		return err
	}
	return x.Callbacks.Post(ctx, kept.CallbackURL, record.ID, webhook.Event("execution."+string(record.Status), ended(record.Approval), record.Brief()))
}

// ended is when there was a decision, or would have been one: the same in each
// attempt to tell of it.
func ended(a *callout.Approval) time.Time {
	if a.DecidedAt.IsZero() {
		return a.ExpiresAt
	}
	return a.DecidedAt
}
