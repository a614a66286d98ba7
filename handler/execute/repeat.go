package execute

import (
	"context"
	"math/rand/v2"
	"net/http"
	"slices"
	"sync/atomic"
	"time"

	"callout/handler/callout"
)

// busy are the statuses after which the same request may succeed in a moment:
// there are too many, or something before the API could not reach it.
var busy = []int{http.StatusTooManyRequests, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout}

// again reports whether a request that ended so may be sent once more. What never
// left may be, with any method, if the way there could be clear the next time; what
// may have been carried out, only where that does no harm.
func (p *prepared) again(o outcome) bool {
	if o.failure == nil {
		return p.filled.Repeatable() && o.err != nil &&
			(o.err.Code == callout.RateLimited || slices.Contains(busy, o.response.Status))
	}
	passing := []callout.Code{callout.DNSFailed, callout.ConnectFailed, callout.TimedOut, callout.RequestFailed}
	if o.failure.Sent && !o.failure.Undecodable {
		passing = append(passing, callout.InvalidResponse) // the answer broke off
	}
	return (!o.failure.Sent || p.filled.Repeatable()) && slices.Contains(passing, o.failure.Code)
}

const (
	// longestWait is how long the sending of a call is put off for an API that asks
	// for it. Whoever asks for more is told to the caller.
	longestWait = 30 * time.Second
	firstWait   = 250 * time.Millisecond
	mostDoubled = 4 // times that firstWait doubles
)

// wait is how long to wait before the next attempt: what the API asks for, or
// twice as long from one attempt to the next, less up to a half by chance, so that
// callers who failed together do not come back together.
func (o outcome) wait(tries int) time.Duration {
	if o.err != nil && o.err.RetryAfterSeconds > 0 {
		return time.Duration(o.err.RetryAfterSeconds) * time.Second
	}
	most := firstWait << min(tries, mostDoubled)
	return most - rand.N(most/2)
}

// pause waits, and reports whether there is time for another attempt after it.
func (x *Executor) pause(ctx context.Context, p *prepared, wait time.Duration) bool {
	end, bounded := ctx.Deadline()
	if wait > longestWait || bounded && time.Until(end) <= wait {
		return false
	}
	p.watch.begin(stageWait)
	return x.wait(ctx, wait) == nil
}

// wait is Executor.Wait, or a timer.
func (x *Executor) wait(ctx context.Context, d time.Duration) error {
	if x.Wait != nil {
		return x.Wait(ctx, d)
	}
	return sleep(ctx, d)
}

// attempts counts how often a request was sent: net/http sends a GET again by
// itself when a connection that it used before turns out to be broken.
type attempts struct{ sent atomic.Int64 }

func (a *attempts) add(n int) { a.sent.Add(int64(n)) }

// count adds an attempt that never left.
func (a *attempts) count(o outcome) {
	if o.failure != nil && !o.failure.Sent {
		a.add(1)
	}
}

// number is 1 also for a request of which nobody knows whether it left.
func (a *attempts) number() int { return max(1, int(a.sent.Load())) }
