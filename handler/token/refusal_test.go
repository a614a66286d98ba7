package token_test

import (
	"errors"
	"sync"
	"testing"
	"time"

	"callout/handler/callout"
	"callout/handler/token"
)

// A token that a provider has revoked is replaced once, however many calls were
// refused at the same moment.
func TestAThousandRefusalsAtOnce(t *testing.T) {
	everywhere(t, func(t *testing.T, w *world) {
		c, instances := client("canary-secret"), w.instances(20)
		for _, i := range instances {
			i.get(t, c)
		}
		time.Sleep(2 * time.Minute)
		w.provider.revokeAll()
		var all sync.WaitGroup
		for _, i := range instances {
			for range 50 {
				all.Go(func() { i.getAfterRefusal(t, c) })
			}
		}
		all.Wait()
		w.provider.wantRequests(t, 2)
	})
}

// getAfterRefusal asks for a token, is refused with it, and gets another that is
// valid.
func (i *instance) getAfterRefusal(t *testing.T, c *callout.OAuth) {
	t.Helper()
	first, err := i.Get(t.Context(), c, token.Ask{})
	if err != nil || i.world.provider.accepts(first) {
		return // somebody else was faster
	}
	second, err := i.Get(t.Context(), c, token.Ask{Rejected: first.ID})
	if err != nil || !i.world.provider.accepts(second) {
		t.Errorf("after a refusal: %v, the token ends in %v", err, time.Until(second.Expires))
	}
}

// An API that refuses every token costs at most one token request a minute, for
// all instances together.
func TestAnAPIThatRefusesEverything(t *testing.T) {
	everywhere(t, func(t *testing.T, w *world) {
		const duration = 30 * time.Minute
		w.provider.life = time.Hour
		c := client("canary-secret")
		w.crowd(w.instances(4), 10, duration, func(i *instance) {
			got := i.get(t, c)
			if _, err := i.Get(t.Context(), c, token.Ask{Rejected: got.ID}); err != nil && !errors.Is(err, token.ErrSame) {
				t.Errorf("after a refusal: %v", err)
			}
		})
		times := w.provider.times()
		for n := 1; n < len(times); n++ {
			if gap := times[n].Sub(times[n-1]); gap < time.Minute-time.Millisecond { // times are stored in milliseconds
				t.Errorf("a token was replaced after %v", gap)
			}
		}
		if len(times) < 10 {
			t.Errorf("only %d token requests were made: tokens were not replaced at all", len(times))
		}
	})
}

// A refused token that is seconds old is not replaced: it cannot have expired.
func TestAYoungTokenIsNotReplaced(t *testing.T) {
	everywhere(t, func(t *testing.T, w *world) {
		i, c := w.instance(), client("canary-secret")
		first := i.get(t, c)
		for range 5 {
			time.Sleep(11 * time.Second)
			if _, err := i.Get(t.Context(), c, token.Ask{Rejected: first.ID}); !errors.Is(err, token.ErrSame) {
				t.Errorf("after a refusal: %v", err)
			}
		}
		w.provider.wantRequests(t, 1)
		time.Sleep(11 * time.Second)
		if second, err := i.Get(t.Context(), c, token.Ask{Rejected: first.ID}); err != nil || second.ID == first.ID {
			t.Errorf("after a minute: %v", err)
		}
		w.provider.wantRequests(t, 2)
	})
}

// Where a new token revokes the old one, as with Zoom, who still has the old one
// finds the new one in the table.
func TestANewTokenThatRevokesTheOldOne(t *testing.T) {
	everywhere(t, func(t *testing.T, w *world) {
		c, instances := client("canary-secret"), w.instances(3)
		var old token.Token
		for _, i := range instances {
			old = i.get(t, c)
		}
		time.Sleep(2 * time.Minute)
		w.provider.revokeAll()
		for _, i := range instances {
			got, err := i.Get(t.Context(), c, token.Ask{Rejected: old.ID})
			if err != nil || !w.provider.accepts(got) {
				t.Errorf("after a refusal: %v", err)
			}
		}
		w.provider.wantRequests(t, 2)
	})
}

// Who refuses a token while the provider is down is told so; the others go on
// with it, because an API may refuse a token that is good for another.
func TestARefusalWhileTheProviderIsDown(t *testing.T) {
	everywhere(t, func(t *testing.T, w *world) {
		c, a, b := client("canary-secret"), w.instance(), w.instance()
		old := a.get(t, c)
		b.get(t, c)
		time.Sleep(2 * time.Minute)
		w.provider.refuses(500, ``)
		_, err := a.Get(t.Context(), c, token.Ask{Rejected: old.ID})
		wantReason(t, err, token.ServerError)
		for _, i := range []*instance{a, b, w.instance()} {
			if got := i.get(t, c); got.ID != old.ID {
				t.Errorf("another token was given")
			}
		}
	})
}

// Without a table, a refused token is replaced by each instance, once a minute.
func TestARefusalWhileTheTableIsDown(t *testing.T) {
	embedded(t, func(t *testing.T, w *world) {
		c, i := client("canary-secret"), w.instance()
		i.cut.Store(true)
		old := i.get(t, c)
		time.Sleep(2 * time.Minute)
		for range 3 {
			if next, err := i.Get(t.Context(), c, token.Ask{Rejected: old.ID}); err != nil || next.ID == old.ID {
				t.Errorf("after a refusal: %v", err)
			}
		}
		w.provider.wantRequests(t, 2)
	})
}
