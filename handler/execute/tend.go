package execute

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"callout/handler/callout"
	"callout/handler/store"
)

// Tended counts what Tend did.
type Tended struct {
	Expired, Resumed, Posted int
	// More says that it stopped at its bound, and that the next run goes on.
	More bool
}

// tendParallel is how many are resumed or posted at a time: each may take minutes.
const tendParallel = 16

// startWithin is how long a run begins with one after the other of a kind. What it
// has begun may take as long as a call, and the host ends a run after 3:50.
const startWithin = 5 * time.Second

// Tend takes the steps that time asks for, or that a process did not live to take:
// what nobody decided about expires, what was approved and left behind is sent, and
// results are posted. Two may do it at once. What fails is left to the next run, and
// does not keep the rest from being done.
func (x *Executor) Tend(ctx context.Context) (Tended, error) {
	var done Tended
	waiting := func(before time.Time) list {
		return func(ctx context.Context) ([]*callout.Execution, bool, error) { return x.History.Waiting(ctx, before) }
	}
	err := errors.Join(
		x.each(ctx, &done.Resumed, &done.More, waiting(time.Time{}), x.resume),
		x.each(ctx, &done.Expired, &done.More, waiting(x.Now().Add(time.Millisecond-x.ApprovalTime)), x.expire),
		x.each(ctx, &done.Posted, &done.More, x.History.Unposted, x.repost))
	return done, err
}

// list finds executions to which there may be something to do.
type list func(context.Context) (all []*callout.Execution, more bool, err error)

// each does one thing to the executions of a list, several at a time, and counts
// those to which there was anything to do.
func (x *Executor) each(ctx context.Context, n *int, more *bool, find list, do func(context.Context, *callout.Execution) (bool, error)) error {
	all, rest, err := find(ctx)
	if err != nil {
		return err
	}
	*more = *more || rest
	var group errgroup.Group
	group.SetLimit(tendParallel)
	var did atomic.Int64
	began := time.Now()
	for _, e := range all {
		if time.Since(began) > startWithin {
			*more = true
			break
		}
		group.Go(func() error {
			done, err := do(ctx, e)
			if done {
				did.Add(1)
			}
			return err
		})
	}
	err = group.Wait()
	*n = int(did.Load())
	return err
}

// resume sends what was approved by somebody who did not live to send it.
func (x *Executor) resume(ctx context.Context, e *callout.Execution) (bool, error) {
	if e.Status != callout.Approved || x.Now().Sub(e.Approval.DecidedAt) < approvedAge {
		return false, nil
	}
	record, err := x.History.Load(ctx, e.ID)
	if err != nil || record.Status != callout.Approved {
		return false, err
	}
	now, err := x.carryOut(context.WithoutCancel(ctx), record)
	return err == nil && now.Status != callout.Approved, err // else a store is out of reach
}

// expire writes down that nobody has decided in time.
func (x *Executor) expire(ctx context.Context, e *callout.Execution) (bool, error) {
	if e.At(x.Now()).Status != callout.Expired {
		return false, nil
	}
	record, err := x.History.Load(ctx, e.ID)
	if err != nil || record.Status != callout.PendingApproval {
		return false, err
	}
	record.Execution = record.At(x.Now())
	if err := x.write(ctx, record); errors.Is(err, store.ErrConflict) { // somebody else was first
		return false, nil
	} else if err != nil {
		return false, err
	}
	x.Log.InfoContext(ctx, "expired", "executionId", record.ID, "config", record.Config)
	return true, nil // its result is among those that are posted next
}

func (x *Executor) repost(ctx context.Context, e *callout.Execution) (bool, error) {
	if x.Now().Before(e.Callback.NextAt) || !e.At(x.Now()).Status.Final() {
		return false, nil
	}
	return x.deliver(ctx, e.ID)
}
