package execute

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"callout/handler/callout"
	"callout/handler/history"
	"callout/handler/request"
	"callout/handler/token"
)

func (a *attempt) configuration() verdict {
	if !a.config.Enabled {
		return passed("The configuration is valid. It is switched off: agents cannot call it.")
	}
	return passed("The configuration is valid.")
}

// readSecrets reads the secrets and, with them, makes the request that is shown.
func (a *attempt) readSecrets(ctx context.Context) verdict {
	bundle, err := a.source.secrets(ctx, a.config)
	if err != nil {
		return noSecrets(err)
	}
	args := a.template.Examples(a.trial.Arguments)
	if a.prepared, err = assemble(history.NewID(a.x.Now()), a.config, bundle, a.template, args, a.source.tokens); err != nil {
		return noSecrets(err)
	}
	a.report.Request = a.prepared.shown
	a.report.Curl = request.Curl(a.prepared.shown)
	if len(bundle) == 0 {
		return passed("This configuration has no secrets.")
	}
	return passed("%d secrets are set.", len(bundle))
}

// noSecrets tells a vault that does not answer from one that has no such secret.
func noSecrets(err error) verdict {
	message, advice := "The stored secrets could not be read.", "Enter the secrets of this configuration again."
	var refusal *callout.Error
	if errors.As(err, &refusal) {
		message = refusal.Message
		if refusal.Code == callout.StorageUnavailable {
			return failed(callout.Code(refusal.Code), message, "Check that the vault can be reached, and repeat the test.")
		}
	}
	return failed(callout.CredentialMissing, message, advice)
}

func (a *attempt) policy() verdict {
	req, err := a.prepared.request(context.Background())
	if err != nil {
		return failed(callout.RequestFailed, "The endpoint is not a URL that can be called.", "Correct the endpoint.")
	}
	if a.url, err = a.x.Egress.CheckURL(req.URL.String()); err != nil {
		return refused(failureOf(err))
	}
	return passed("The destination is permitted.")
}

// connect adds the stages dns, tcp and tls.
func (a *attempt) connect(ctx context.Context) bool {
	for _, step := range a.x.Egress.Probe(ctx, a.url) {
		v := passed("%s", step.Detail)
		if step.Err != nil {
			v = refused(step.Err)
		}
		if !a.add(step.Stage, step.Duration, v) {
			return false
		}
	}
	return true
}

// getToken gets the token, also for a request that is not going to be sent: most
// of what is wrong with client credentials shows here.
func (a *attempt) getToken(ctx context.Context) verdict {
	if !a.prepared.needsToken() {
		return passed("A credential of type %s needs no token.", a.config.Auth.Type)
	}
	t, err := a.prepared.tokens(ctx, &a.prepared.filled.Auth.OAuth, token.Ask{})
	if err != nil {
		failure := token.FailureOf(err)
		detail := fmt.Sprintf("%s (%s)", failure.Message(), failure.Reason)
		return verdict{detail: detail, advice: failure.Advice(), err: tokenError(err)}
	}
	a.prepared.use(t)
	a.report.Request, a.report.Curl = a.prepared.shown, request.Curl(a.prepared.shown)
	return passed("There is a token, which is valid until %s.", untilWords(t))
}

// exchange adds the stages request and response.
func (a *attempt) exchange(ctx context.Context) bool {
	var resp *http.Response
	sent := a.stage(callout.StageRequest, func() (v verdict) {
		resp, v = a.post(ctx)
		return v
	})
	return sent && a.stage(callout.StageResponse, func() verdict { return a.read(resp) })
}

func (a *attempt) post(ctx context.Context) (*http.Response, verdict) {
	if a.incomplete {
		const detail, advice = "Required arguments are missing, so nothing was sent.", `Give a value for each required field in "arguments", or set "send" to false.`
		return nil, verdict{detail: detail, advice: advice,
			err: &callout.CallError{Code: callout.InvalidArguments, Message: detail + " " + advice, Reason: detail}}
	}
	resp, err := a.x.exchange(ctx, a.prepared)
	if err != nil {
		failure := failureOf(err)
		a.report.Sent = failure.Sent
		return nil, refused(failure)
	}
	a.report.Sent = true
	return resp, passed("The request was sent and an answer began.")
}

func (a *attempt) read(resp *http.Response) verdict {
	o, err := a.x.answered(a.prepared, resp)
	a.report.Response = o.response
	if err != nil {
		return refused(failureOf(err))
	}
	if o.err == nil {
		return passed("The API answered %d with %d bytes.", o.response.Status, o.response.Bytes)
	}
	return verdict{
		detail: fmt.Sprintf("The API answered %d. %s", o.response.Status, o.err.Reason),
		advice: callout.OperatorAdvice(o.err.Code, o.response.Status), err: o.err,
	}
}
