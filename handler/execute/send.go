package execute

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptrace"
	"sync/atomic"
	"time"

	"callout/handler/callout"
	"callout/handler/egress"
)

// send makes the request and writes into e how it ended.
func (x *Executor) send(ctx context.Context, p *prepared, token *pending, e *callout.Execution) {
	ctx, cancel := context.WithTimeout(ctx, p.timeout)
	defer cancel()
	if err := token.use(ctx, p); err != nil {
		e.Status, e.Error = callout.Failed, tokenError(err)
		return
	}
	e.Request = p.shown // without the token, should the arguments hold it
	resp, err := x.exchange(ctx, p)
	e.Attempts = p.attempts.number()
	if err != nil {
		x.unanswered(p, e, err)
		return
	}
	if err := x.answered(p, e, resp); err != nil {
		x.brokenOff(p, e, resp, err)
	}
	if e.Error != nil && p.unsafe() && e.Error.Code == callout.UpstreamServerError {
		e.Error.Retryable = false // the change may have been made all the same
	}
}

// exchange sends the request and returns the beginning of the answer. One that
// was refused for its token is sent once more with another, if there is one: a
// refused request has changed nothing.
func (x *Executor) exchange(ctx context.Context, p *prepared) (*http.Response, error) {
	resp, err := x.post(ctx, p)
	if err != nil || !p.tokenRefused(resp.StatusCode) || !p.anotherToken(ctx) {
		return resp, err
	}
	_ = resp.Body.Close()
	return x.post(ctx, p)
}

func (x *Executor) post(ctx context.Context, p *prepared) (*http.Response, error) {
	req, err := p.request(p.attempts.watch(ctx)) // this request only: another may be for a token
	if err != nil {
		return nil, errBuild
	}
	return x.Egress.RoundTrip(req)
}

// errBuild: a configuration that was checked makes no request all the same.
var errBuild = &egress.Error{Code: callout.RequestFailed, Stage: callout.StageRequest,
	Message: "The request could not be built from this configuration.", Advice: "Check the endpoint and the headers."}

// attempts counts how often a request was sent: net/http sends a safe one again
// when a connection that it used before turns out to be broken.
type attempts struct{ sent atomic.Int64 }

func (a *attempts) watch(ctx context.Context) context.Context {
	return httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{WroteHeaders: func() { a.sent.Add(1) }})
}

// number is 1 also for a request that never left.
func (a *attempts) number() int { return max(1, int(a.sent.Load())) }

// unanswered sorts out a request to which there was no whole answer: whether it
// failed for certain, or may have been carried out.
func (x *Executor) unanswered(p *prepared, e *callout.Execution, err error) {
	failure := failureOf(err)
	e.Status, e.Error = callout.Failed, callout.NewCallError(failure.Code, failure.Message)
	if failure.Sent && p.unsafe() {
		e.Status, e.Error = callout.Unknown, callout.UnknownOutcome()
	}
}

// brokenOff sorts out an answer whose body could not be read. A status that says
// no settles it; after one that says yes, what was done is not known.
func (x *Executor) brokenOff(p *prepared, e *callout.Execution, resp *http.Response, err error) {
	if refusal := judge(resp, x.Now()); refusal != nil {
		e.Status, e.Error = callout.Failed, refusal
		return
	}
	x.unanswered(p, e, err)
}

// answered reads the answer and judges it. It fails when the answer breaks off.
func (x *Executor) answered(p *prepared, e *callout.Execution, resp *http.Response) error {
	e.Response = &callout.Response{
		Status: resp.StatusCode, ContentType: p.redactor.String(resp.Header.Get("Content-Type")),
		Location: location(p, resp),
	}
	// Redact first, then cut: more is read than is shown, so that no secret is
	// met in the middle at the limit.
	limit := p.filled.MaxResponse
	body, err := egress.ReadBody(resp, limit+int64(p.redactor.Reach()))
	e.Response.Bytes, e.Response.Truncated = min(body.Size, limit), body.Truncated || body.Size > limit
	if err != nil {
		return err
	}
	clean := p.redactor.Bytes(body.Data)
	if body.Truncated {
		clean = p.redactor.Cut(clean)
	}
	e.Response.Body = view(e.Response, clean[:min(int64(len(clean)), limit)])
	e.Error = judge(resp, x.Now())
	e.Status = callout.Succeeded
	if e.Error != nil {
		e.Status = callout.Failed
	}
	return nil
}

func failureOf(err error) *egress.Error {
	var failure *egress.Error
	if errors.As(err, &failure) {
		return failure
	}
	return egress.Classify(err, callout.StageRequest, true)
}

// location shows where a redirect points to, with secrets masked. Redirects are
// never followed: credentials would travel along.
func location(p *prepared, resp *http.Response) string {
	if resp.StatusCode < 300 || resp.StatusCode > 399 {
		return ""
	}
	return p.redactor.String(resp.Header.Get("Location"))
}

// judge turns a status into the error of the call, nil for 2xx.
func judge(resp *http.Response, now time.Time) *callout.CallError {
	code, message := classify(resp)
	if code == "" {
		return nil
	}
	e := callout.NewCallError(code, message)
	e.RetryAfterSeconds = retryAfter(resp.Header, now)
	return e
}

func classify(resp *http.Response) (callout.Code, string) {
	switch status := resp.StatusCode; {
	case status >= 200 && status <= 299:
		return "", ""
	case status <= 399:
		return callout.UpstreamRedirect, "The API answered with a redirect."
	case status == http.StatusTooManyRequests, status == http.StatusForbidden && limited(resp.Header):
		return callout.RateLimited, "The API limits how often it may be called."
	case status == http.StatusUnauthorized, status == http.StatusForbidden:
		return callout.CredentialRejected, "The API refused the credential or what it may do."
	case status <= 499:
		return callout.UpstreamClientError, "The API refused the request."
	}
	return callout.UpstreamServerError, "The API reported an error of its own."
}

// limited tells a rate limit from a refusal where both are 403, as with GitHub's
// secondary limits.
func limited(h http.Header) bool {
	return h.Get("Retry-After") != "" || h.Get("X-Ratelimit-Remaining") == "0"
}
