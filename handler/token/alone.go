package token

import "context"

// goOnAlone gets a token for this process, because the table or the key of its
// contents cannot be had: one token request for each instance.
func (r *renewal) goOnAlone(ctx context.Context, cause error) (Token, error) {
	now, best, alone := r.now(), r.best(Token{}), r.withoutTable()
	r.cache.opts.Log.WarnContext(ctx, "the table of tokens cannot be used; tokens are kept in memory only", "cause", cause.Error())
	r.leaveUntil(now.Add(outage))
	switch {
	case !best.IsZero():
		return best, nil
	case r.pointless(Token{}, alone.invalid):
		return Token{}, ErrSame
	case alone.holds(now) && !r.ask.Insist:
		return Token{}, r.refuse(alone.backoff)
	}
	return r.fetchAlone(ctx, alone)
}

// fetchAlone makes the token request, with a back-off of this process.
func (r *renewal) fetchAlone(ctx context.Context, alone alone) (Token, error) {
	if r.ask.Rejected != "" {
		alone.invalid = invalid{r.ask.Rejected, r.now()}
	}
	token, err := r.cache.Fetch(ctx, r.client)
	if err == nil {
		alone.backoff = backoff{}
		r.setWithoutTable(alone)
		return token, nil
	}
	told := *FailureOf(err)
	alone.backoff = alone.after(r.now(), &told)
	r.setWithoutTable(alone)
	told.RetryAfter = r.refuse(alone.backoff).RetryAfter
	return Token{}, &told
}
