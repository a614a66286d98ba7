package token

import (
	"crypto/rand"
	mathrand "math/rand/v2"
	"time"

	"callout/handler/secret"
)

// Token is an access token and its times.
type Token struct {
	// ID is random: it tells this token from all others without showing it.
	ID    string
	Value secret.Secret
	// Expires is when the provider stops accepting it.
	Expires  time.Time
	obtained time.Time
	// refresh is from when on a new one is asked for. It was chosen once, so that
	// all instances agree.
	refresh time.Time
}

const (
	maxAhead  = 5 * time.Minute  // a refresh is due at most this long before the end
	maxMargin = 30 * time.Second // a token is not used in its last moments
	// young is the age under which a token that the API refuses is not replaced,
	// and the time for which one replacement has to do.
	young = time.Minute
)

func newToken(g grant, obtained time.Time) Token {
	expires := obtained.Add(g.lifetime)
	ahead := min(g.lifetime/5, maxAhead)
	return Token{ID: rand.Text(), Value: g.token, Expires: expires, obtained: obtained,
		refresh: expires.Add(-ahead + mathrand.N(ahead/2+1))}
}

// IsZero reports whether there is no token.
func (t Token) IsZero() bool { return !t.Value.IsSet() }

// usable reports whether a request may carry the token.
func (t Token) usable(now time.Time) bool {
	margin := min(t.Expires.Sub(t.obtained)/10, maxMargin)
	return !t.IsZero() && now.Before(t.Expires.Add(-margin))
}

// fresh reports whether there is no need for another one yet.
func (t Token) fresh(now time.Time) bool { return t.usable(now) && now.Before(t.refresh) }

// isYoung reports whether the token is too new for its refusal to mean that it
// has expired.
func (t Token) isYoung(now time.Time) bool { return within(now, t.obtained.Add(young), young) }

// within reports whether a time that was set for at most that long is still to
// come. One that is farther off was set by a clock that has been put back since.
func within(now, until time.Time, longest time.Duration) bool {
	const slack = 10 * time.Second // what clocks may differ by, and more
	left := until.Sub(now)
	return left > 0 && left <= longest+slack
}
