// Package execute is the one path of a call (design: section 5): it loads the
// configuration, validates the arguments, builds the request, waits for approval
// where that is asked for, adds the credential, sends, redacts and records. A test
// takes the same path and tells about each step.
package execute

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"callout/handler/callout"
	"callout/handler/catalog"
	"callout/handler/egress"
	"callout/handler/history"
	"callout/handler/idempotency"
	"callout/handler/keyring"
	"callout/handler/request"
	"callout/handler/store"
	"callout/handler/token"
	"callout/handler/webhook"
)

// Executor makes calls. It is safe for concurrent use.
type Executor struct {
	Catalog *catalog.Catalog
	History *history.History
	Keys    *idempotency.Keys
	Ring    *keyring.Keyring
	Egress  *egress.Client
	Tokens  *token.Cache
	// Callbacks posts results to those who have asked for them.
	Callbacks *webhook.Sender
	// ApprovalTime is how long a technician may take to decide.
	ApprovalTime time.Duration
	Now          func() time.Time
	// Wait waits between two attempts; nil is a timer. It fails when ctx ends first.
	Wait func(ctx context.Context, d time.Duration) error
	Log  *slog.Logger

	background sync.WaitGroup // what goes on after a caller was answered
}

// Call is what an agent asks for.
type Call struct {
	Config    string
	Arguments request.Arguments
	// Context is kept with the history and never sent.
	Context map[string]string
	// Key is the Idempotency-Key, empty if there is none.
	Key string
	// CallbackURL is where the result of a decision is posted; it may be empty.
	CallbackURL string
}

// grace is what a sending execution has beyond its time-out before it counts
// as unknown: the time to write its outcome.
const grace = 15 * time.Second

// Do makes a call and records it. An error means that there is no execution and
// that nothing was sent; it is a *callout.Error.
//
// A call that needs an approval is recorded, and sent by Approve. For a method that
// changes something, and for a call with a key, the intent is on record before the
// first byte leaves, and the outcome before Do returns. A caller that goes away
// does not end such a call: its outcome would be lost. Of all calls with one key,
// one is made, and the others wait for its outcome as long as they may.
func (x *Executor) Do(ctx context.Context, call Call) (*callout.Execution, error) {
	e, err := x.do(ctx, call)
	var refusal *callout.Error
	if errors.As(err, &refusal) && refusal.Code == callout.StorageUnavailable && !errors.Is(err, errOthers) {
		told := *refusal
		told.Message = "Nothing was sent. " + refusal.Message
		return nil, &told
	}
	return e, err
}

func (x *Executor) do(ctx context.Context, call Call) (*callout.Execution, error) {
	watch := &stopwatch{now: x.Now}
	watch.begin(callout.StageConfiguration)
	entry, err := x.Catalog.Load(ctx, call.Config)
	if err != nil {
		return nil, err
	}
	if refusal := x.admit(entry, call); refusal != nil {
		return x.joinKnown(ctx, entry.Config, call, refusal)
	}
	id, known, err := x.identify(ctx, entry.Config, call)
	if err != nil || known {
		return x.join(ctx, id, err)
	}
	record := x.begin(id, entry.Config, call)
	announced := x.announce(ctx, record.Execution)
	watch.begin(callout.StageSecrets)
	p, err := x.prepare(ctx, id, entry.Config, entry.Template, call.Arguments)
	if err != nil {
		return nil, err
	}
	p.watch, p.durable, record.Request = watch, p.unsafe() || call.Key != "", p.shown
	record.Context = p.clean(call.Context)
	if entry.Config.Approval != callout.ApprovalNone {
		return x.ask(ctx, p, record, call, announced)
	}
	return x.perform(ctx, p, record, announced)
}

// admit says why there is to be no call.
func (x *Executor) admit(entry *catalog.Entry, call Call) error {
	if !entry.Config.Enabled {
		return &callout.Error{Code: callout.ConfigDisabled,
			Message: "This configuration is switched off. Do not retry; an operator can enable it."}
	}
	if err := callout.Refuse(callout.InvalidArguments, entry.Template.Validate(call.Arguments)); err != nil || call.CallbackURL == "" {
		return err
	}
	return x.Callbacks.Allowed(call.CallbackURL)
}

// joinKnown returns the execution of a call that was made when it was not refused
// yet: its agent asks what became of it.
func (x *Executor) joinKnown(ctx context.Context, config *callout.Config, call Call, refusal error) (*callout.Execution, error) {
	if call.Key == "" {
		return nil, refusal
	}
	digest, err := idempotency.DigestOf(call.Arguments)
	if err != nil {
		return nil, refusal
	}
	id, err := x.Keys.Find(ctx, config.ID, call.Key, digest)
	if err != nil || id == "" {
		return nil, refusal
	}
	if _, err := x.History.Get(ctx, id); err != nil {
		return nil, refusal
	}
	return x.join(ctx, id, nil)
}

// identify gives the call its id, and reports whether it is that of an execution
// which is on record already.
func (x *Executor) identify(ctx context.Context, config *callout.Config, call Call) (id string, known bool, err error) {
	proposed := history.NewID(x.Now())
	if call.Key == "" {
		return proposed, false, nil
	}
	digest, err := idempotency.DigestOf(call.Arguments)
	if err != nil {
		return "", false, err
	}
	id, err = x.Keys.Claim(ctx, config.ID, call.Key, digest, proposed)
	if err != nil || id == proposed {
		return id, false, err
	}
	_, err = x.History.Get(ctx, id)
	if isCode(err, callout.ExecutionNotFound) { // who claimed the key did not get that far
		return id, false, nil
	}
	return id, true, err
}

func (x *Executor) begin(id string, config *callout.Config, call Call) *history.Record {
	e := &callout.Execution{
		ID: id, Config: config.Name, ConfigID: config.ID, Status: callout.Sending,
		Context: call.Context, CreatedAt: x.Now().UTC(),
	}
	if config.Approval != callout.ApprovalNone {
		e.Status = callout.PendingApproval
		if call.CallbackURL != "" {
			e.Callback = &callout.Callback{State: callout.CallbackWaiting}
		}
	}
	return &history.Record{Execution: e}
}

// announce begins to write what lists find e by, beside whatever else there is to
// do, and returns what waits for that.
func (x *Executor) announce(ctx context.Context, e *callout.Execution) func() error {
	announced, copied := make(chan error, 1), *e // the execution goes on meanwhile
	go func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), recordTimeout)
		defer cancel()
		announced <- x.History.Announce(ctx, &copied)
	}()
	return func() error {
		err := <-announced
		announced <- err // for whoever asks again
		return err
	}
}

// perform sends what needs no approval.
func (x *Executor) perform(ctx context.Context, p *prepared, record *history.Record, announced func() error) (*callout.Execution, error) {
	if p.durable {
		ctx = context.WithoutCancel(ctx)
	}
	token := p.fetchToken(ctx)
	if p.durable {
		p.watch.begin(stageIntent)
		err := announced()
		record.Deadline = x.Now().UTC().Add(p.timeout + grace)
		if err == nil {
			err = x.write(ctx, record)
		}
		if errors.Is(err, store.ErrConflict) { // another call of the same key
			return x.join(ctx, p.id, nil)
		}
		if err != nil {
			return nil, err
		}
	}
	x.conclude(ctx, p, record, token, announced)
	return record.Execution, nil
}

// conclude sends a request that is on record, if it has to be, and records what
// came of it.
func (x *Executor) conclude(ctx context.Context, p *prepared, record *history.Record, token *pending, announced func() error) {
	x.send(ctx, p, token, record.Execution)
	p.watch.begin(stageOutcome)
	record.DurationMS, record.Stages = x.Now().Sub(p.began).Milliseconds(), p.watch.times()
	err := announced()
	if err == nil {
		err = x.write(ctx, record)
	}
	if err != nil {
		x.unrecorded(ctx, p, record)
	}
	p.watch.begin("")
	x.log(ctx, p, record.Execution)
}

// recordTimeout bounds the writing of history when the call's own time is over.
const recordTimeout = 10 * time.Second

func (x *Executor) write(ctx context.Context, record *history.Record) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), recordTimeout)
	defer cancel()
	return x.History.Write(ctx, record)
}

// unrecorded is what becomes of a call whose outcome could not be written. The
// caller of a safe method is told that the record is missing. Of any other call
// only the intent is on record, and whoever reads that will find its outcome
// unknown: the answer says the same, so that nobody takes it for done and nobody
// sends it again.
func (x *Executor) unrecorded(ctx context.Context, p *prepared, record *history.Record) {
	x.Log.ErrorContext(ctx, "the outcome of a call could not be recorded", "executionId", record.ID, "config", record.Config)
	recorded := false
	record.Recorded = &recorded
	if p.durable {
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

func isCode(err error, code string) bool {
	var refusal *callout.Error
	return errors.As(err, &refusal) && refusal.Code == code
}
