package token

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"
)

// backoff is what is known of token requests that failed.
type backoff struct {
	fails   int       // in a row
	nextTry time.Time // not before
	reason  Reason
}

// Back-offs double from the first to the most. What does not mend by itself is
// tried less often, and wrong client credentials, which a provider may answer by
// locking the client out, least.
const (
	firstBackoff  = 250 * time.Millisecond
	mostBackoff   = time.Minute
	longBackoff   = 5 * time.Minute
	clientBackoff = 5 * time.Minute
)

// after returns b after one more failure.
func (b backoff) after(now time.Time, cause *Error) backoff {
	b.fails++
	b.reason = cause.Reason
	b.nextTry = now.Add(b.wait(cause))
	return b
}

func (b backoff) wait(cause *Error) time.Duration {
	switch {
	case cause.RetryAfter > 0:
		return cause.RetryAfter
	case cause.Reason == InvalidClient:
		return clientBackoff
	}
	most := longBackoff
	if cause.Reason.Transient() {
		most = mostBackoff
	}
	wait := min(firstBackoff<<max(0, min(b.fails-1, 20)), most)
	return wait/2 + rand.N(wait)
}

// holds reports whether nobody is to ask yet.
func (b backoff) holds(now time.Time) bool { return within(now, b.nextTry, maxRetryAfter) }

// refusal is the error of whoever comes before the time.
func (b backoff) refusal(now time.Time) *Error {
	reason := b.reason
	if !reason.known() {
		reason = Refused
	}
	return &Error{Reason: reason, RetryAfter: max(0, b.nextTry.Sub(now))}
}

// FailureOf returns the *Error in err, or one of Refused if there is none.
func FailureOf(err error) *Error {
	var failure *Error
	if errors.As(err, &failure) {
		return failure
	}
	return &Error{Reason: Refused}
}

// Waiting for another instance's token begins with firstPoll and slows down to
// mostPoll.
const (
	firstPoll = 50 * time.Millisecond
	mostPoll  = 800 * time.Millisecond
)

// jitter spreads those who wait for the same thing.
func jitter(d time.Duration) time.Duration { return d/2 + rand.N(d) }

// pause waits. It fails when ctx ends first.
func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
