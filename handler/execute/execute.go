// Package execute is the one path of a call (design: section 5): it loads the
// configuration, validates the arguments, builds the request, adds the
// credential, sends, redacts and records. A test takes the same path and tells
// about each step.
package execute

import (
	"context"
	"log/slog"
	"time"

	"callout/handler/callout"
	"callout/handler/catalog"
	"callout/handler/egress"
	"callout/handler/history"
	"callout/handler/request"
	"callout/handler/token"
)

// Executor makes calls. It is safe for concurrent use.
type Executor struct {
	Catalog *catalog.Catalog
	History *history.History
	Egress  *egress.Client
	Tokens  *token.Cache
	Now     func() time.Time
	// Wait waits between two attempts; nil is a timer. It fails when ctx ends first.
	Wait func(ctx context.Context, d time.Duration) error
	Log  *slog.Logger
}

// Call is what an agent asks for.
type Call struct {
	Config    string
	Arguments request.Arguments
	// Context is kept with the history and never sent.
	Context map[string]string
}

// grace is what a sending execution has beyond its time-out before it counts
// as unknown: the time to write its outcome.
const grace = 15 * time.Second

// Do makes a call and records it. An error means that there is no execution and
// that nothing was sent; it is a *callout.Error.
//
// For a method that changes something, the intent is on record before the first
// byte leaves, and the outcome before Do returns. A caller that goes away does
// not end such a call: its outcome would be lost.
func (x *Executor) Do(ctx context.Context, call Call) (*callout.Execution, error) {
	watch := &stopwatch{now: x.Now}
	watch.begin(callout.StageConfiguration)
	entry, err := x.admit(ctx, call)
	if err != nil {
		return nil, err
	}
	watch.begin(callout.StageSecrets)
	p, err := x.prepare(ctx, entry.Config, entry.Template, call.Arguments)
	if err != nil {
		return nil, err
	}
	p.watch = watch
	if p.unsafe() {
		ctx = context.WithoutCancel(ctx)
	}
	record, token := x.begin(entry.Config, call, p), p.fetchToken(ctx)
	if p.unsafe() {
		watch.begin(stageIntent)
		if err := x.write(ctx, record); err != nil {
			return nil, err
		}
	}
	x.send(ctx, p, token, record.Execution)
	watch.begin(stageOutcome)
	record.DurationMS, record.Stages = x.Now().Sub(record.CreatedAt).Milliseconds(), watch.times()
	x.finish(ctx, p, record)
	watch.begin("")
	x.log(ctx, p, record.Execution)
	return record.Execution, nil
}

// admit decides whether there is to be a call at all.
func (x *Executor) admit(ctx context.Context, call Call) (*catalog.Entry, error) {
	entry, err := x.Catalog.Load(ctx, call.Config)
	if err != nil {
		return nil, err
	}
	switch {
	case !entry.Config.Enabled:
		return nil, &callout.Error{Code: callout.ConfigDisabled,
			Message: "This configuration is switched off. Do not retry; an operator can enable it."}
	case entry.Config.Approval != callout.ApprovalNone:
		return nil, &callout.Error{Code: callout.ApprovalNeeded,
			Message: `This configuration asks for a technician's approval, which this version of Callout cannot obtain, so nothing was sent. An operator can set "approval" to "none" once the requests have been tested.`}
	}
	return entry, callout.Refuse(callout.InvalidArguments, entry.Template.Validate(call.Arguments))
}

func (x *Executor) begin(config *callout.Config, call Call, p *prepared) *history.Record {
	now := x.Now().UTC()
	return &history.Record{Execution: &callout.Execution{
		ID: p.id, Config: config.Name, ConfigID: config.ID, Status: callout.Sending,
		Request: p.shown, Context: call.Context, CreatedAt: now, Deadline: now.Add(p.timeout + grace),
	}}
}

// recordTimeout bounds the writing of history when the call's own time is over.
const recordTimeout = 10 * time.Second

func (x *Executor) write(ctx context.Context, record *history.Record) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), recordTimeout)
	defer cancel()
	return x.History.Write(ctx, record)
}

// finish records the outcome. When that fails, the caller of a safe method is
// told that the record is missing. Of any other call only the intent is on
// record, and whoever reads that will find its outcome unknown: the answer says
// the same, so that nobody takes it for done and nobody sends it again.
func (x *Executor) finish(ctx context.Context, p *prepared, record *history.Record) {
	err := x.write(ctx, record)
	if err == nil {
		return
	}
	x.Log.ErrorContext(ctx, "the outcome of a call could not be recorded", "executionId", record.ID, "config", record.Config)
	recorded := false
	record.Recorded = &recorded
	if p.unsafe() {
		record.Status, record.Error = callout.Unknown, callout.UnknownOutcome()
	}
}

func (x *Executor) log(ctx context.Context, p *prepared, e *callout.Execution) {
	attrs := []any{"executionId", e.ID, "config", e.Config, "status", e.Status, "durationMs", e.DurationMS, "attempts", e.Attempts, p.watch.attrs()}
	if e.Error != nil {
		attrs = append(attrs, "code", e.Error.Code)
	}
	x.Log.InfoContext(ctx, "executed", attrs...)
}
