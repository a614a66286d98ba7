package execute

import (
	"context"
	"errors"
	"time"

	"callout/handler/approval"
	"callout/handler/callout"
	"callout/handler/history"
	"callout/handler/idempotency"
	"callout/handler/request"
	"callout/handler/store"
)

// ask records a call that waits for a technician.
func (x *Executor) ask(ctx context.Context, p *prepared, record *history.Record, call Call, announced func() error) (*callout.Execution, error) {
	digest, err := p.digest()
	if err != nil {
		return nil, errUnbuilt()
	}
	approval.Ask(record.Execution, digest, p.filled.Version, record.CreatedAt.Add(x.ApprovalTime))
	err = x.seal(ctx, record, private{call.Arguments, call.CallbackURL})
	if err == nil {
		err = announced()
	}
	if err == nil {
		err = x.write(ctx, record)
	}
	if errors.Is(err, store.ErrConflict) { // another call of the same key
		return x.join(ctx, p.id, nil)
	}
	if err != nil {
		return nil, err
	}
	x.Log.InfoContext(ctx, "asked for approval", "executionId", record.ID, "config", record.Config)
	return record.Execution, nil
}

func errUnbuilt() error {
	return &callout.Error{Code: callout.InvalidConfig, Message: errBuild.Message + " " + errBuild.Advice}
}

// Ruling is what a technician says about an execution.
type Ruling struct {
	// By is who says it; Claimed, that nobody but the caller vouches for that.
	By      string
	Claimed bool
	// Reason is why not. It reaches the agent.
	Reason string
	// Arguments are sent in the place of those that were asked for, nil if nothing is
	// edited.
	Arguments request.Arguments
}

// Approve has an execution sent that waits for it, and returns it with its outcome.
// To approve it once more returns the same, and sends nothing. It fails with
// callout.ExecutionNotFound, with callout.ApprovalNotPending if it was denied or has
// expired, with callout.InvalidArguments if the edited arguments are not valid, and
// with callout.StorageUnavailable; the execution says so itself when its
// configuration has changed.
func (x *Executor) Approve(ctx context.Context, id string, ruling Ruling) (*callout.Execution, error) {
	ctx = context.WithoutCancel(ctx)
	record, err := x.decide(ctx, id, func(record *history.Record) (bool, error) { return x.approve(ctx, record, ruling) })
	if err != nil {
		return nil, err
	}
	return x.carryOut(ctx, record)
}

// Deny ends an execution that waits for a decision. To deny it once more returns the
// same. It fails as Approve does.
func (x *Executor) Deny(ctx context.Context, id string, ruling Ruling) (*callout.Execution, error) {
	ctx = context.WithoutCancel(ctx)
	record, err := x.decide(ctx, id, func(record *history.Record) (bool, error) {
		verdict := approval.Verdict{Decision: callout.DecisionDenied, By: ruling.By, Claimed: ruling.Claimed, Reason: ruling.Reason}
		return approval.Decide(record.Execution, verdict, x.Now())
	})
	if err != nil {
		return nil, err
	}
	return record.Execution, nil
}

// decisions is how often a decision is tried that another change comes before. Few
// can: each brings the execution nearer to its end.
const decisions = 5

// decide changes an execution by a rule, which is asked again if somebody else has
// changed it meanwhile. The rule reports whether there is anything to write.
func (x *Executor) decide(ctx context.Context, id string, rule func(*history.Record) (bool, error)) (*history.Record, error) {
	for try := 1; ; try++ {
		record, err := x.History.Load(ctx, id)
		if err != nil {
			return nil, err
		}
		record.Execution = record.At(x.Now())
		changed, err := rule(record)
		if err != nil || !changed {
			return record, err
		}
		if err = x.History.Announce(ctx, record.Execution); err == nil {
			err = x.write(ctx, record)
		}
		if err == nil {
			x.decided(ctx, record)
			return record, nil
		}
		switch {
		case errors.Is(err, store.ErrConflict) && try < decisions:
		case isCode(err, callout.StorageUnavailable):
			return nil, errInDoubt(err)
		default:
			return nil, err
		}
	}
}

func (x *Executor) decided(ctx context.Context, record *history.Record) {
	x.Log.InfoContext(ctx, "decided", "executionId", record.ID, "config", record.Config, "status", record.Status)
	x.report(ctx, record)
}

// approve is the rule of Approve.
func (x *Executor) approve(ctx context.Context, record *history.Record, ruling Ruling) (bool, error) {
	verdict := approval.Verdict{Decision: callout.DecisionApproved, By: ruling.By, Claimed: ruling.Claimed}
	if record.Status != callout.PendingApproval {
		verdict.Digest = x.repeated(ctx, record, ruling.Arguments)
		return approval.Decide(record.Execution, verdict, x.Now())
	}
	p, kept, err := x.bound(ctx, record)
	if errors.Is(err, errChanged) {
		if _, err := approval.Decide(record.Execution, verdict, x.Now()); err != nil {
			return false, err
		}
		approval.Change(record.Execution)
		return true, nil
	}
	if err == nil && ruling.Arguments != nil {
		verdict.Digest, err = x.edit(ctx, record, p, kept, ruling.Arguments)
	}
	if err != nil {
		return false, err
	}
	return approval.Decide(record.Execution, verdict, x.Now())
}

// repeated is the digest of a decision that comes after another: the same if it
// edits nothing, or edits as that one did.
func (x *Executor) repeated(ctx context.Context, record *history.Record, edited request.Arguments) string {
	if edited == nil || record.Approval == nil {
		return ""
	}
	kept, err := x.unseal(ctx, record)
	mine, bad := idempotency.DigestOf(edited)
	if sent, worse := idempotency.DigestOf(kept.Arguments); err == nil && bad == nil && worse == nil && mine == sent {
		return record.Approval.Digest
	}
	return "another edit"
}

// edit puts other arguments into what is to be sent, and returns its digest.
func (x *Executor) edit(ctx context.Context, record *history.Record, p *prepared, kept private, arguments request.Arguments) (string, error) {
	if err := callout.Refuse(callout.InvalidArguments, p.template.Validate(arguments)); err != nil {
		return "", err
	}
	p.arguments, kept.Arguments = arguments, arguments
	if err := p.show(); err != nil {
		return "", errUnbuilt()
	}
	record.Request = p.shown
	if err := x.seal(ctx, record, kept); err != nil {
		return "", err
	}
	return p.digest()
}

// errChanged: what was approved is not what the configuration makes any more.
var errChanged = errors.New("execute: the configuration has changed")

// bound prepares the very request that an approval is of. It fails with errChanged
// when the configuration makes another by now, or none.
func (x *Executor) bound(ctx context.Context, record *history.Record) (*prepared, private, error) {
	config, err := x.Catalog.Get(ctx, record.Config) // not from memory: another instance may have changed it
	switch {
	case isCode(err, callout.ConfigNotFound):
		return nil, private{}, errChanged
	case err != nil:
		return nil, private{}, err
	case config.ID != record.ConfigID || config.Version != record.Approval.ConfigVersion || !config.Enabled:
		return nil, private{}, errChanged
	}
	kept, err := x.unseal(ctx, record)
	if err != nil {
		return nil, private{}, err
	}
	template, faults := request.Compile(config)
	if len(faults) > 0 || len(template.Validate(kept.Arguments)) > 0 {
		return nil, private{}, errChanged
	}
	p, err := x.prepare(ctx, record.ID, config, template, kept.Arguments)
	if err != nil {
		return nil, private{}, err
	}
	if digest, err := p.digest(); err != nil || digest != record.Approval.Digest {
		return nil, private{}, errChanged
	}
	return p, kept, nil
}

// digest names the request that p makes.
func (p *prepared) digest() (string, error) {
	req, err := p.build(context.Background(), p.filled.WithoutSecrets())
	if err != nil {
		return "", err
	}
	p.credential.Mask(req)
	plain := request.Show(req, func(s string) string { return s })
	bound := approval.Bound{ConfigID: p.filled.ID, ConfigVersion: p.filled.Version, SecretVersion: p.filled.SecretVersion,
		Method: plain.Method, URL: plain.URL, Headers: plain.Headers, Body: plain.Body}
	return bound.Digest(), nil
}

// carryOut sends an approved execution, or waits for who does so.
func (x *Executor) carryOut(ctx context.Context, record *history.Record) (*callout.Execution, error) {
	if record.Status != callout.Approved {
		return x.join(ctx, record.ID, nil)
	}
	p, _, err := x.bound(ctx, record)
	var refusal *callout.Error
	switch {
	case errors.Is(err, errChanged):
		approval.Change(record.Execution)
		return x.settle(ctx, record)
	case errors.As(err, &refusal) && refusal.Code == string(callout.CredentialMissing):
		record.Status, record.Error = callout.Failed, callout.NewCallError(callout.CredentialMissing, refusal.Message)
		return x.settle(ctx, record)
	case isCode(err, callout.StorageUnavailable): // it stays approved, and the sweep comes back to it
		return record.Execution, nil
	case err != nil:
		return nil, err
	case x.Now().Sub(record.Approval.DecidedAt) > approvedFor:
		record.Status, record.Error = callout.Failed, callout.NewCallError(callout.ApprovalExpired, "It was approved and could not be sent within a day, so it was not sent.")
		return x.settle(ctx, record)
	}
	p.watch, p.durable = &stopwatch{now: x.Now}, true
	p.watch.begin(stageIntent)
	token := p.fetchToken(ctx)
	approval.Send(record.Execution, x.Now().UTC().Add(p.timeout+grace))
	if err := x.write(ctx, record); err != nil {
		return x.overtaken(ctx, record, err)
	}
	x.conclude(ctx, p, record, token, func() error { return nil })
	x.report(ctx, record)
	return record.Execution, nil
}

// settle records the end of an execution that was not sent.
func (x *Executor) settle(ctx context.Context, record *history.Record) (*callout.Execution, error) {
	if err := x.write(ctx, record); err != nil {
		return x.overtaken(ctx, record, err)
	}
	x.report(ctx, record)
	return record.Execution, nil
}

// overtaken is what becomes of a step that could not be written: somebody else may
// have taken it.
func (x *Executor) overtaken(ctx context.Context, record *history.Record, err error) (*callout.Execution, error) {
	if errors.Is(err, store.ErrConflict) {
		return x.join(ctx, record.ID, nil)
	}
	return nil, err
}

// errInDoubt is the error of a decision that may have been recorded.
func errInDoubt(err error) error {
	return &callout.Error{Code: callout.StorageUnavailable, Err: err,
		Message: "The storage of Callout did not answer, and it is not known whether the decision was recorded. Repeat it: that does no harm."}
}

// approvedFor is how long after its approval an execution may still be sent.
const approvedFor = 24 * time.Hour

// approvedAge is how long after its approval an execution counts as left behind.
// Whoever approved it sends it at once.
const approvedAge = 30 * time.Second
