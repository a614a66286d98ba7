package execute

import (
	"errors"
	"net/http"

	"callout/handler/callout"
	"callout/handler/egress"
)

// outcome is how one attempt ended.
type outcome struct {
	status   callout.Status
	response *callout.Response  // nil: there was no answer
	err      *callout.CallError // nil: the answer says yes
	failure  *egress.Error      // why there is no whole answer, nil when there is one
}

// unanswered sorts out an attempt to which there was no whole answer: whether it
// failed for certain, or may have been carried out.
func (p *prepared) unanswered(err error) outcome {
	failure := failureOf(err)
	o := outcome{status: callout.Failed, err: callout.NewCallError(failure.Code, failure.Message), failure: failure}
	if failure.Sent && p.unsafe() {
		o.status, o.err = callout.Unknown, callout.UnknownOutcome()
	}
	return o
}

func failureOf(err error) *egress.Error {
	var failure *egress.Error
	if errors.As(err, &failure) {
		return failure
	}
	return egress.Classify(err, callout.StageRequest, true)
}

// settle writes o into e, in which the attempt before may stand. One that never
// left takes nothing back of that. After one that may have been carried out, only
// a yes is certain: a refusal may well be of the repetition alone.
func (o outcome) settle(e *callout.Execution) {
	doubt := e.Status == callout.Unknown
	if o.failure != nil && !o.failure.Sent && (doubt || e.Response != nil) {
		return
	}
	e.Status, e.Error = o.status, o.err
	if o.response != nil || !doubt {
		e.Response = o.response
	}
	if doubt && o.status == callout.Failed {
		e.Status, e.Error = callout.Unknown, callout.UnknownOutcome()
	}
}

// judge turns a status into the error of the call, nil for 2xx.
func (x *Executor) judge(resp *http.Response) *callout.CallError {
	code, message := classify(resp)
	if code == "" {
		return nil
	}
	e := callout.NewCallError(code, message)
	e.RetryAfterSeconds = retryAfter(resp.Header, x.Now())
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
