package token

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"
)

// renewal is the work of one flight: it finds a token in the table, waits for
// that of another instance, or asks for one under a lease.
type renewal struct {
	*slot
	ask   Ask
	nonce string // marks the lease as this flight's
	at    *place
	poll  time.Duration
	// unsure counts writes of which nobody knows what became of them.
	unsure int
}

// Times of a lease. It is longer than a token request takes, so that its holder
// need not look whether it is still his.
const (
	leaseTime = 20 * time.Second
	// outage is how long a due token is used before a table that was down is
	// looked at again.
	outage = 10 * time.Second
	// glance is how long a due token is used while another instance is about to
	// replace it.
	glance = time.Second
	// tries is how often a store is asked before it counts as down.
	tries = 4
)

// errAgain: the row has changed, and has to be read again.
var errAgain = errors.New("token: read the row again")

// errTable: the table cannot be used.
var errTable = errors.New("token: the table takes no writes")

// renew gets a token other than the one that was rejected.
func (s *slot) renew(ctx context.Context, ask Ask) (Token, error) {
	r := &renewal{slot: s, ask: ask, nonce: rand.Text(), poll: firstPoll}
	var err error
	if r.at, err = s.cache.place(ctx, s.client); err != nil {
		return r.goOnAlone(ctx, err)
	}
	for {
		found, err := r.at.read(ctx)
		if err != nil {
			return r.goOnAlone(ctx, err)
		}
		token, err := r.step(ctx, found)
		switch {
		case errors.Is(err, errTable):
			return r.goOnAlone(ctx, err)
		case !errors.Is(err, errAgain):
			return token, err
		}
	}
}

// step does what the row asks for.
func (r *renewal) step(ctx context.Context, found *record) (Token, error) {
	now, best := r.now(), r.best(found.token)
	switch {
	case found.fresh(now) && found.token.ID != r.ask.Rejected:
		return found.token, nil
	case r.ask.Rejected != "" && !best.IsZero(): // replaced already
		return best, nil
	case within(now, found.leaseUntil, leaseTime) && found.leaseOwner != r.nonce:
		return r.waitForOther(ctx, found, best)
	case r.pointless(found.token, found.invalid):
		return Token{}, ErrSame
	case found.backoff.holds(now) && !r.ask.Insist:
		return r.heldBack(found.backoff, best)
	}
	return r.refresh(ctx, found)
}

func (r *renewal) now() time.Time { return r.cache.opts.Now() }

// best returns the token that can be used while there is no fresh one: that of
// the row or else that in memory.
func (r *renewal) best(stored Token) Token {
	for _, t := range []Token{stored, r.known()} {
		if t.usable(r.now()) && t.ID != r.ask.Rejected {
			return t
		}
	}
	return Token{}
}

// pointless reports whether the API has refused a token for which another one
// would fare no better. A call that is refused for good would else cost a token
// request each.
func (r *renewal) pointless(stored Token, last invalid) bool {
	if r.ask.Rejected == "" {
		return false
	}
	for _, t := range []Token{stored, r.known()} {
		if t.ID == r.ask.Rejected && t.usable(r.now()) {
			return t.isYoung(r.now()) || last.id != t.ID && within(r.now(), last.at.Add(young), young)
		}
	}
	return false
}

// waitForOther leaves the refreshing to the holder of the lease.
func (r *renewal) waitForOther(ctx context.Context, found *record, best Token) (Token, error) {
	if !best.IsZero() {
		r.leaveUntil(r.now().Add(glance))
		return best, nil
	}
	wait := min(jitter(r.poll), found.leaseUntil.Sub(r.now()))
	r.poll = min(2*r.poll, mostPoll)
	if pause(ctx, wait) != nil {
		return Token{}, &Error{Reason: TimedOut}
	}
	return Token{}, errAgain
}

// heldBack is for whoever comes before the back-off is over.
func (r *renewal) heldBack(b backoff, best Token) (Token, error) {
	if best.IsZero() {
		return Token{}, r.refuse(b)
	}
	r.leaveUntil(b.nextTry)
	return best, nil
}

// refresh makes the token request, if the lease can be had.
func (r *renewal) refresh(ctx context.Context, found *record) (Token, error) {
	held, err := r.lease(ctx, found)
	if err != nil {
		return Token{}, err
	}
	if held.leaseUntil.Sub(r.now()) < requestTimeout {
		return Token{}, errAgain // the write has taken half of its time
	}
	token, err := r.cache.Fetch(ctx, r.client)
	if err != nil {
		return r.failed(ctx, held, FailureOf(err))
	}
	return r.succeeded(ctx, held, token), nil
}

// lease takes the lease. Whoever does not know whether it was given finds its
// nonce in the row when it is read again.
func (r *renewal) lease(ctx context.Context, found *record) (*record, error) {
	next := *found
	next.leaseOwner, next.leaseUntil = r.nonce, r.now().Add(leaseTime)
	if r.ask.Rejected != "" {
		next.invalid = invalid{r.ask.Rejected, r.now()}
	}
	err := r.at.write(ctx, &next)
	switch {
	case err == nil:
		return &next, nil
	case isConflict(err):
		return nil, errAgain
	}
	if r.unsure++; r.unsure == tries {
		return nil, fmt.Errorf("%w: %w", errTable, err)
	}
	return nil, errAgain
}

// succeeded stores the token, and returns the one to use: another if the lease
// was lost and its next holder was faster.
func (r *renewal) succeeded(ctx context.Context, held *record, token Token) Token {
	next := *held
	next.gen, next.token, next.backoff = held.gen+1, token, backoff{}
	found := r.settle(ctx, &next)
	if found == nil || found.gen <= held.gen {
		return token
	}
	if other := found.token; other.usable(r.now()) && other.ID != r.ask.Rejected {
		return other
	}
	return token
}

// failed records for all instances that there is no token for now.
func (r *renewal) failed(ctx context.Context, held *record, cause *Error) (Token, error) {
	next := *held
	next.backoff = held.backoff.after(r.now(), cause)
	r.settle(ctx, &next)
	if best := r.best(held.token); !best.IsZero() {
		r.leaveUntil(next.backoff.nextTry)
		return best, nil
	}
	told := *cause
	told.RetryAfter = r.refuse(next.backoff).RetryAfter
	return Token{}, &told
}

// settle writes the outcome and gives the lease back. It returns the row as it
// is when the lease is not this flight's any more, which may also be because the
// write was done without anybody's hearing of it.
func (r *renewal) settle(ctx context.Context, next *record) *record {
	ctx, cancel := context.WithTimeout(ctx, writeTimeout)
	defer cancel()
	next.leaseOwner, next.leaseUntil = "", time.Time{}
	for range tries {
		if r.at.write(ctx, next) == nil {
			return nil
		}
		found, err := r.at.read(ctx)
		if err != nil {
			return nil // the lease will end by itself
		}
		if found.leaseOwner != r.nonce {
			return found
		}
		next.etag = found.etag // lost on the way
	}
	return nil
}
