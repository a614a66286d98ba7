package execute

import (
	"context"
	"net/http"

	"callout/handler/callout"
	"callout/handler/egress"
)

// send makes the request, again where that is called for, and writes into e how
// it ended.
func (x *Executor) send(ctx context.Context, p *prepared, token *pending, e *callout.Execution) {
	ctx, cancel := context.WithTimeout(ctx, p.timeout)
	defer cancel()
	if p.durable && x.Now().Add(p.timeout).After(e.Deadline) { // it may read as unknown before it is over
		e.Status, e.Error = callout.Failed, callout.NewCallError(callout.TimedOut, "The storage of Callout took so long that the request was not sent any more.")
		return
	}
	p.watch.begin(callout.StageToken)
	if err := token.use(ctx, p); err != nil {
		e.Status, e.Error = callout.Failed, tokenError(err)
		return
	}
	e.Request = p.shown // without the token, should the arguments hold it
	for tries := 0; ; tries++ {
		o := x.attempt(ctx, p)
		o.settle(e)
		if tries == p.filled.Retries || !p.again(o) || !x.pause(ctx, p, o.wait(tries)) {
			break
		}
	}
	e.Attempts = p.attempts.number()
	if e.Error != nil && p.unsafe() && e.Error.Code == callout.UpstreamServerError {
		e.Error.Retryable = false // the change may have been made all the same
	}
}

// attempt sends the request once and reads the answer.
func (x *Executor) attempt(ctx context.Context, p *prepared) outcome {
	resp, err := x.exchange(ctx, p)
	if err != nil {
		o := p.unanswered(err)
		p.attempts.count(o)
		return o
	}
	o, err := x.answered(p, resp)
	if err == nil || o.err != nil { // a status that says no settles it
		return o
	}
	broken := p.unanswered(err)
	broken.response = o.response
	return broken
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
	// This request only: another may be for a token.
	ctx = egress.Watching(egress.Pooled(ctx, p.filled.ID+"/"+p.filled.SecretVersion), egress.Watch{Stage: p.watch.begin, Sent: p.attempts.add})
	req, err := p.request(ctx)
	if err != nil {
		return nil, errBuild
	}
	return x.Egress.RoundTrip(req)
}

// errBuild: a configuration that was checked makes no request all the same.
var errBuild = &egress.Error{Code: callout.RequestFailed, Stage: callout.StageRequest,
	Message: "The request could not be built from this configuration.", Advice: "Check the endpoint and the headers."}

// answered reads the answer and judges it. When the answer breaks off, there is
// an error, and the outcome holds what is known of the answer all the same.
func (x *Executor) answered(p *prepared, resp *http.Response) (outcome, error) {
	o := outcome{status: callout.Succeeded, response: &callout.Response{
		Status: resp.StatusCode, ContentType: p.redactor.String(resp.Header.Get("Content-Type")), Location: location(p, resp)}}
	if o.err = x.judge(resp); o.err != nil {
		o.status = callout.Failed
	}
	// What is read beyond the limit is not shown: a secret is whole in it that is met
	// in the middle at the limit. So what is shown does not depend on whether a text
	// looks like the beginning of one, or an agent could guess at that.
	limit := p.filled.MaxResponse
	body, err := egress.ReadBody(resp, limit+int64(p.redactor.Reach()))
	o.response.Bytes, o.response.Truncated = min(body.Size, limit), body.Truncated || body.Size > limit
	if err != nil {
		return o, err
	}
	clean := p.redactor.Bytes(body.Data)
	if body.Truncated {
		clean = p.redactor.Head(body.Data)
	}
	o.response.Body = view(o.response, clean[:min(int64(len(clean)), limit)], p.redactor.Bytes)
	return o, nil
}

// location shows where a redirect points to, with secrets masked. Redirects are
// never followed: credentials would travel along.
func location(p *prepared, resp *http.Response) string {
	if resp.StatusCode < 300 || resp.StatusCode > 399 {
		return ""
	}
	return p.redactor.String(resp.Header.Get("Location"))
}
