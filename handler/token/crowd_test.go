package token_test

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"callout/handler/callout"
	"callout/handler/token"
)

// crowd lets callers at each instance ask for tokens for the time, with a pause
// of up to a minute in between, and returns how often they asked.
func (w *world) crowd(instances []*instance, callers int, duration time.Duration, call func(*instance)) int64 {
	var calls atomic.Int64
	var all sync.WaitGroup
	end := time.Now().Add(duration)
	for _, i := range instances {
		for range callers {
			all.Go(func() {
				for time.Now().Before(end) {
					call(i)
					calls.Add(1)
					time.Sleep(rand.N(time.Minute))
				}
			})
		}
	}
	all.Wait()
	return calls.Load()
}

// wantOneALifetime checks that each token request was due: none came before 80%
// of the lifetime of the token before, which is where refreshing may begin. It
// returns how many there were.
func wantOneALifetime(t *testing.T, p *provider, duration time.Duration) {
	t.Helper()
	times := p.times()
	for i := 1; i < len(times); i++ {
		if gap := times[i].Sub(times[i-1]); gap < p.life*8/10-p.latency {
			t.Errorf("request %d came %v after the one before it", i+1, gap)
		}
	}
	// A lifetime lasts from 80% to 90% of what the provider says; callers come by
	// every half a minute on average, so that nothing else is added to it.
	least, most := int(duration/(p.life*9/10+2*time.Second)), int(duration/(p.life*8/10))+1
	if len(times) < least || len(times) > most {
		t.Errorf("%d token requests in %v, want %d to %d", len(times), duration, least, most)
	}
}

// One token request a token lifetime, for all instances and callers together.
func TestOneRequestALifetime(t *testing.T) {
	everywhere(t, func(t *testing.T, w *world) {
		const duration = time.Hour
		c := client("canary-secret")
		calls := w.crowd(w.instances(8), 25, duration, func(i *instance) { i.get(t, c) })
		wantOneALifetime(t, w.provider, duration)
		t.Logf("%d calls at 8 instances made %d token requests", calls, len(w.provider.times()))
	})
}

// Cold instances that are all asked at the same moment make one token request,
// and one key.
func TestAColdCrowd(t *testing.T) {
	everywhere(t, func(t *testing.T, w *world) {
		const rounds = 5
		for round := range rounds {
			c := client(fmt.Sprintf("canary-secret-%d", round))
			var all sync.WaitGroup
			for _, i := range w.instances(20) {
				for range 40 {
					all.Go(func() { i.get(t, c) })
				}
			}
			all.Wait()
			w.provider.wantRequests(t, round+1)
		}
		if n := w.vault.sets.Load(); n != 1 {
			t.Errorf("%d keys were made", n)
		}
	})
}

// An instance that starts cold while there is a valid token makes no request.
func TestAColdStartTakesTheTokenFromTheTable(t *testing.T) {
	everywhere(t, func(t *testing.T, w *world) {
		c := client("canary-secret")
		first := w.instance().get(t, c)
		time.Sleep(5 * time.Minute)
		if again := w.instance().get(t, c); again.ID != first.ID || !again.Expires.Equal(first.Expires.Truncate(time.Millisecond)) {
			t.Errorf("a cold instance got %s until %v, the first was %s until %v", again.ID, again.Expires, first.ID, first.Expires)
		}
		w.provider.wantRequests(t, 1)
	})
}

// Clocks that are minutes apart change nothing: all go by the table's.
func TestSkewedClocks(t *testing.T) {
	onAzurite(t, func(t *testing.T, w *world) {
		const duration = time.Hour
		c := client("canary-secret")
		var instances []*instance
		for _, skew := range []time.Duration{-2 * time.Minute, 0, 2 * time.Minute, -time.Minute, 90 * time.Second} {
			instances = append(instances, w.skewed(skew))
		}
		w.crowd(instances, 10, duration, func(i *instance) { i.get(t, c) })
		wantOneALifetime(t, w.provider, duration)
	})
}

// Configurations with the same client share a token, whatever they do with it
// and in whatever order they name their parameters; any other difference of the
// request is another token.
func TestWhoSharesAToken(t *testing.T) {
	embedded(t, func(t *testing.T, w *world) {
		i := w.instance()
		first := i.get(t, client("canary-secret"))
		same := client("canary-secret")
		same.Scheme, same.RefreshOn, same.Format = "Zoho-oauthtoken", []int{403}, callout.FormatForm
		same.Parameters[0], same.Parameters[1] = same.Parameters[1], same.Parameters[0]
		if again := i.get(t, same); again.ID != first.ID {
			t.Error("the same client got another token")
		}
		w.provider.wantRequests(t, 1)
		others := map[string]func(*callout.OAuth){
			"secret": func(c *callout.OAuth) { *c = *client("canary-secre2") },
			"URL":    func(c *callout.OAuth) { c.TokenURL += "2" },
			"query":  func(c *callout.OAuth) { c.TokenURL += "?tenant=x" },
			"parameter": func(c *callout.OAuth) {
				c.Parameters = append(c.Parameters, callout.Parameter{Name: "scope", Value: "a"})
			},
			"format": func(c *callout.OAuth) { c.Format = callout.FormatJSON },
			"user": func(c *callout.OAuth) {
				c.TokenAuth = callout.TokenAuth{Type: callout.AuthBasic, Username: "u"}
			},
			"path": func(c *callout.OAuth) { c.TokenPath = "access_token" },
		}
		seen := map[string]string{first.ID: "the first"}
		for name, change := range others {
			c := client("canary-secret")
			change(c)
			got := i.get(t, c)
			if of, ok := seen[got.ID]; ok {
				t.Errorf("another %s got the token of %s", name, of)
			}
			seen[got.ID] = name
		}
		w.provider.wantRequests(t, 1+len(others))
	})
}

// A warm token costs no look at the table.
func TestAWarmTokenIsFree(t *testing.T) {
	embedded(t, func(t *testing.T, w *world) {
		i, c := w.instance(), client("canary-secret")
		first := i.get(t, c)
		i.cut.Store(true)
		w.vault.down.Store(true)
		for range 1000 {
			if again, err := i.Get(t.Context(), c, token.Ask{}); err != nil || again.ID != first.ID {
				t.Fatalf("got %s, %v", again.ID, err)
			}
		}
		w.provider.wantRequests(t, 1)
	})
}
