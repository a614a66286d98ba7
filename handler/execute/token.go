package execute

import (
	"context"
	"math"
	"net/http"
	"slices"
	"time"

	"callout/handler/callout"
	"callout/handler/token"
)

// tokens is where a call gets its tokens.
type tokens func(context.Context, *callout.OAuth, token.Ask) (token.Token, error)

// insisting gets tokens in spite of a back-off, for a test: what it was for may
// have been put right just now.
func (get tokens) insisting(ctx context.Context, client *callout.OAuth, ask token.Ask) (token.Token, error) {
	ask.Insist = true
	return get(ctx, client, ask)
}

// once gets one token that is kept nowhere, for a draft.
func (x *Executor) once(ctx context.Context, client *callout.OAuth, ask token.Ask) (token.Token, error) {
	if ask.Rejected != "" {
		return token.Token{}, token.ErrSame
	}
	return x.Tokens.Fetch(ctx, client)
}

// pending is a token on its way. The zero pending is that of a credential which
// needs none.
type pending struct {
	done  chan struct{}
	token token.Token
	err   error
}

// fetchToken begins to get the token that p needs, so that the record of what is
// about to be done can be written meanwhile.
func (p *prepared) fetchToken(ctx context.Context) *pending {
	if !p.needsToken() {
		return &pending{}
	}
	t := &pending{done: make(chan struct{})}
	go func() {
		defer close(t.done)
		ctx, cancel := context.WithTimeout(ctx, p.timeout)
		defer cancel()
		t.token, t.err = p.tokens(ctx, &p.filled.Auth.OAuth, token.Ask{})
	}()
	return t
}

// use waits for the token and puts it to p.
func (t *pending) use(ctx context.Context, p *prepared) error {
	if t.done == nil {
		return nil
	}
	select {
	case <-t.done:
	case <-ctx.Done():
		return &token.Error{Reason: token.TimedOut}
	}
	if t.err == nil {
		p.use(t.token)
	}
	return t.err
}

// tokenRefused reports whether an answer says that the token is not valid any
// more: 401, and what the configuration counts as the same.
//
// After a status of the server's own failure a change may have been made all the
// same, and is not sent again.
func (p *prepared) tokenRefused(status int) bool {
	if !p.needsToken() || status >= 500 && p.unsafe() {
		return false
	}
	return status == http.StatusUnauthorized || slices.Contains(p.filled.Auth.RefreshOn, status)
}

// rest is what is kept of the time that is left of a call, for an answer that is
// at hand while another token is waited for.
func rest(left time.Duration) time.Duration { return min(left/4, time.Second) }

// anotherToken puts another token to p in the place of the one that the API has
// refused, and reports whether there is one. If there is none, the refusal is
// what the caller gets to see.
func (p *prepared) anotherToken(ctx context.Context) bool {
	if end, ok := ctx.Deadline(); ok {
		var cancel context.CancelFunc
		ctx, cancel = context.WithDeadline(ctx, end.Add(-rest(time.Until(end))))
		defer cancel()
	}
	t, err := p.tokens(ctx, &p.filled.Auth.OAuth, token.Ask{Rejected: p.token})
	if err != nil {
		return false
	}
	p.use(t)
	return true
}

// tokenError is the error of a call for which there is no token.
func tokenError(err error) *callout.CallError {
	failure := token.FailureOf(err)
	e := callout.NewCallError(callout.TokenRequestFailed, failure.Message())
	if failure.Reason.Transient() {
		e.Retryable = true
		e.RetryAfterSeconds = bounded(int(math.Ceil(failure.RetryAfter.Seconds())))
	}
	return e
}

// untilWords says when a token ends.
func untilWords(t token.Token) string { return t.Expires.UTC().Format(time.TimeOnly) + " UTC" }
