package token

import (
	"context"
	"slices"
	"sync"
	"time"

	"callout/handler/callout"
)

// slot is what this process knows of one token request.
type slot struct {
	cache  *Cache
	client *callout.OAuth

	mu    sync.Mutex
	token Token
	// Until lookAgain, a token that is due is used without a look at the table.
	lookAgain time.Time
	// refused is a back-off that holds, and until when nobody looks whether it
	// still does: somebody may have put right what it is for.
	refused      backoff
	refusedUntil time.Time
	flight       *flight
	alone        alone
}

// alone is what the row would say, while there is no table.
type alone struct {
	backoff
	invalid invalid
}

// flight is one attempt to get a token, for all who wait here.
type flight struct {
	ask  Ask
	done chan struct{}
	// due is a token that can still be used, by the one who waits for another.
	due   Token
	token Token
	err   error
}

// patience is how long a caller waits for another token while the one that is due
// can still be used. The flight goes on: what it gets is for the next.
const patience = 2 * time.Second

// wait waits for the end of the flight. It reports false when ctx ends before.
func (f *flight) wait(ctx context.Context, now func() time.Time) (token Token, err error, ok bool) {
	var impatient <-chan time.Time
	if !f.due.IsZero() {
		impatient = time.After(patience)
	}
	for {
		select {
		case <-f.done:
			return f.token, f.err, true
		case <-impatient:
			if f.due.usable(now()) { // or it has ended meanwhile
				return f.due, nil, true
			}
			impatient = nil
		case <-ctx.Done():
			return Token{}, &Error{Reason: TimedOut}, false
		}
	}
}

// ended is the done of whatever has been done.
var ended = func() chan struct{} { c := make(chan struct{}); close(c); return c }()

// maxSlots bounds the memory: more clients than that are not used at a time.
const maxSlots = 10000

// slot returns the slot of client, whose secrets stay in memory with it.
func (c *Cache) slot(client *callout.OAuth) *slot {
	id := fingerprintOf(client)
	c.mu.Lock()
	defer c.mu.Unlock()
	s, ok := c.slots[id]
	if !ok {
		if len(c.slots) >= maxSlots {
			clear(c.slots) // tokens are in the table as well
		}
		s = &slot{cache: c, client: own(client)}
		c.slots[id] = s
	}
	return s
}

// own returns a copy of client that keeps nothing else of its configuration in
// memory.
func own(client *callout.OAuth) *callout.OAuth {
	out := *client
	out.Parameters = slices.Clone(client.Parameters)
	return &out
}

// look returns what is in memory as a flight that has ended, or else the flight
// to wait for. Only the first who finds a token due waits for the next one.
func (s *slot) look(ctx context.Context, ask Ask) *flight {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.cache.opts.Now()
	usable := s.token.ID != ask.Rejected && s.token.usable(now)
	refused := within(now, s.refusedUntil, glance) && !ask.Insist
	switch {
	case usable && (refused || s.flight != nil || s.token.fresh(now) || within(now, s.lookAgain, mostBackoff)):
		return &flight{ask: ask, done: ended, token: s.token}
	case refused:
		return &flight{ask: ask, done: ended, err: s.refused.refusal(now)}
	case s.flight == nil:
		s.flight = &flight{ask: ask, done: make(chan struct{})}
		if usable {
			s.flight.due = s.token
		}
		go s.fly(context.WithoutCancel(ctx), s.flight)
	}
	return s.flight
}

// flightTimeout bounds a flight: a lease of somebody who died, and then a token
// request between two writes.
const flightTimeout = time.Minute

func (s *slot) fly(ctx context.Context, f *flight) {
	ctx, cancel := context.WithTimeout(ctx, flightTimeout)
	defer cancel()
	defer close(f.done)
	f.token, f.err = s.renew(ctx, f.ask)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.flight = nil
	if f.err == nil {
		s.token, s.refusedUntil = f.token, time.Time{}
	}
}

// refuse remembers a back-off for a moment, and returns its error.
func (s *slot) refuse(b backoff) *Error {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.cache.opts.Now()
	s.refused, s.refusedUntil = b, now.Add(min(glance, b.nextTry.Sub(now)))
	return b.refusal(now)
}

// known returns the token that is in memory.
func (s *slot) known() Token {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.token
}

// withoutTable returns what a process knows that is alone.
func (s *slot) withoutTable() alone {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.alone
}

func (s *slot) setWithoutTable(a alone) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.alone = a
}

// leaveUntil puts off the next look at the table, for whoever has a token that
// is due and cannot be replaced now.
func (s *slot) leaveUntil(t time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lookAgain = t
	if latest := s.cache.opts.Now().Add(mostBackoff); t.After(latest) {
		s.lookAgain = latest
	}
}
