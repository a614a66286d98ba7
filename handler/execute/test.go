package execute

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"callout/handler/callout"
	"callout/handler/catalog"
	"callout/handler/egress"
	"callout/handler/request"
)

// Trial is what a tester asks for.
type Trial struct {
	// Arguments are nil when none were given: examples then stand in for them in
	// the request that is shown.
	Arguments request.Arguments
	// Send says whether to send. Nil means: only with GET.
	Send *bool
}

// Test tries a stored configuration and keeps the outcome as its newest test. An
// error means that nothing was tried. An outcome that cannot be kept is logged:
// the report tells what was sent, which is worth more.
func (x *Executor) Test(ctx context.Context, name string, trial Trial) (*callout.TestReport, error) {
	config, err := x.Catalog.Get(ctx, name)
	if err != nil {
		return nil, err
	}
	report, err := x.try(ctx, config, trial, source{x.Catalog.Secrets, tokens(x.Tokens.Get).insisting})
	if err != nil {
		return nil, err
	}
	x.keep(ctx, config, report)
	return report, nil
}

func (x *Executor) keep(ctx context.Context, config *callout.Config, report *callout.TestReport) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), recordTimeout)
	defer cancel()
	outcome := callout.LastTest{At: x.Now().UTC().Truncate(time.Millisecond), OK: report.OK, Summary: report.Summary}
	if err := x.Catalog.SaveTest(ctx, config, outcome); err != nil {
		x.Log.ErrorContext(ctx, "the outcome of a test could not be kept", "config", config.Name)
	}
}

// TestDraft tries a configuration that is not stored, with the secrets that it
// holds itself.
func (x *Executor) TestDraft(ctx context.Context, draft *callout.Config, trial Trial) (*callout.TestReport, error) {
	if err := catalog.Check(draft, nil); err != nil {
		return nil, err
	}
	given := func(context.Context, *callout.Config) (callout.Bundle, error) { return draft.Given(), nil }
	return x.try(ctx, draft.WithoutSecrets(), trial, source{given, x.once})
}

// source is where a test gets what is not in the configuration.
type source struct {
	secrets func(context.Context, *callout.Config) (callout.Bundle, error)
	tokens  tokens
}

// attempt is a test under way.
type attempt struct {
	x      *Executor
	config *callout.Config
	trial  Trial
	send   bool
	// incomplete: required arguments are missing.
	incomplete bool
	source     source
	template   *request.Template
	prepared   *prepared
	url        *url.URL
	report     *callout.TestReport
}

func (x *Executor) try(ctx context.Context, config *callout.Config, trial Trial, source source) (*callout.TestReport, error) {
	template, faults := request.Compile(config)
	if err := callout.Refuse(callout.InvalidConfig, faults); err != nil {
		return nil, err
	}
	if trial.Arguments != nil {
		if err := callout.Refuse(callout.InvalidArguments, missingAside(template.Validate(trial.Arguments))); err != nil {
			return nil, err
		}
	}
	a := &attempt{x: x, config: config, trial: trial, template: template, source: source,
		send: callout.Safe(config.Method), report: &callout.TestReport{Stages: []callout.StageResult{}}}
	if a.incomplete = len(template.Validate(trial.Arguments)) > 0; a.incomplete {
		a.send = false // unless asked to, which then says what is missing
	}
	if trial.Send != nil {
		a.send = *trial.Send
	}
	ctx, cancel := context.WithTimeout(ctx, time.Duration(config.TimeoutSeconds)*time.Second)
	defer cancel()
	a.run(ctx)
	return a.report, nil
}

// missingAside leaves out what is only missing: a test may show a request
// without all of its arguments.
func missingAside(faults []callout.Fault) []callout.Fault {
	var out []callout.Fault
	for _, f := range faults {
		if f.Code != callout.MissingValue {
			out = append(out, f)
		}
	}
	return out
}

// run goes through the stages until one fails.
func (a *attempt) run(ctx context.Context) {
	ok := a.stage(callout.StageConfiguration, a.configuration) &&
		a.stage(callout.StageSecrets, func() verdict { return a.readSecrets(ctx) }) &&
		a.stage(callout.StagePolicy, a.policy) &&
		a.connect(ctx) &&
		a.stage(callout.StageToken, func() verdict { return a.getToken(ctx) })
	if ok && a.send {
		ok = a.exchange(ctx)
	}
	a.report.OK = ok
	a.report.Summary = a.summary()
}

// verdict is how a stage ended.
type verdict struct {
	detail string
	advice string
	err    *callout.CallError // nil: the stage passed
}

func passed(format string, args ...any) verdict { return verdict{detail: fmt.Sprintf(format, args...)} }

func failed(code callout.Code, detail, advice string) verdict {
	return verdict{detail: detail, advice: advice, err: callout.NewCallError(code, detail)}
}

func refused(e *egress.Error) verdict { return failed(e.Code, e.Message, e.Advice) }

// stage runs one step and adds how it went.
func (a *attempt) stage(stage callout.Stage, step func() verdict) bool {
	start := a.x.Now()
	v := step()
	return a.add(stage, a.x.Now().Sub(start), v)
}

func (a *attempt) add(stage callout.Stage, took time.Duration, v verdict) bool {
	ok := v.err == nil
	a.report.Stages = append(a.report.Stages, callout.StageResult{
		Stage: stage, OK: ok, DurationMS: took.Milliseconds(), Detail: v.detail, Advice: v.advice})
	if !ok {
		a.report.Error = v.err
	}
	return ok
}

func (a *attempt) summary() string {
	last := a.report.Stages[len(a.report.Stages)-1]
	switch {
	case !a.report.OK:
		return fmt.Sprintf("Failed at stage %s: %s", last.Stage, last.Detail)
	case a.report.Response != nil:
		return fmt.Sprintf("The API answered %d %s.", a.report.Response.Status, http.StatusText(a.report.Response.Status))
	}
	if a.incomplete {
		return "The API can be reached. No request was sent: required arguments are missing."
	}
	return "The API can be reached. No request was sent."
}
