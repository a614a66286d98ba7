package token_test

import (
	"context"
	"math/rand/v2"
	"net/http"
	"sync"
	"testing"
	"time"

	"callout/handler/token"
)

// A tenth of what is sent to the table is lost, and a tenth of its replies.
func TestLostRequestsAndReplies(t *testing.T) {
	everywhere(t, func(t *testing.T, w *world) {
		const duration = time.Hour
		w.fault = func() (bool, bool) { return rand.N(10) == 0, rand.N(10) == 0 }
		c := client("canary-secret")
		calls := w.crowd(w.instances(8), 10, duration, func(i *instance) { i.get(t, c) })
		// 7 lifetimes, and a few more for the faults.
		if n := len(w.provider.times()); n < 6 || n > 7+3 {
			t.Errorf("%d token requests were made in %v", n, duration)
		}
		t.Logf("%d calls made %d token requests", calls, len(w.provider.times()))
	})
}

// deaf is a provider that never answers.
type deaf struct{}

func (deaf) RoundTrip(req *http.Request) (*http.Response, error) {
	<-req.Context().Done()
	return nil, req.Context().Err()
}

// A holder of the lease that dies keeps the others waiting until it ends, and
// costs no request more.
func TestADeadHolderOfTheLease(t *testing.T) {
	everywhere(t, func(t *testing.T, w *world) {
		c, begin := client("canary-secret"), time.Now()
		dead := w.instanceOf(deaf{})
		go func() { _, _ = dead.Get(t.Context(), c, token.Ask{}) }()
		time.Sleep(time.Second)
		dead.cut.Store(true)
		var all sync.WaitGroup
		for _, i := range w.instances(5) {
			for range 10 {
				all.Go(func() { i.get(t, c) })
			}
		}
		all.Wait()
		w.provider.wantRequests(t, 1)
		if took := time.Since(begin); took < 19*time.Second || took > 25*time.Second {
			t.Errorf("the next took over after %v", took)
		}
	})
}

// Without a table each instance asks for itself, once a lifetime; when the table
// is back, they share again.
func TestTheTableIsDown(t *testing.T) {
	everywhere(t, func(t *testing.T, w *world) {
		c, instances := client("canary-secret"), w.instances(5)
		w.crowd(instances, 5, 2*time.Minute, func(i *instance) { i.get(t, c) })
		w.provider.wantRequests(t, 1)
		for _, i := range instances {
			i.cut.Store(true)
		}
		w.crowd(instances, 5, 12*time.Minute, func(i *instance) { i.get(t, c) })
		w.provider.wantRequests(t, 1+len(instances))
		for _, i := range instances {
			i.cut.Store(false)
		}
		w.crowd(instances, 5, 40*time.Minute, func(i *instance) { i.get(t, c) })
		if n := len(w.provider.times()); n > 1+len(instances)+5 {
			t.Errorf("%d token requests were made, %d of them after the table was back", n, n-1-len(instances))
		}
	})
}

// Without the vault there is no key for the table, which is then as good as down.
func TestTheVaultIsDown(t *testing.T) {
	embedded(t, func(t *testing.T, w *world) {
		w.vault.down.Store(true)
		c, instances := client("canary-secret"), w.instances(4)
		w.crowd(instances, 10, 5*time.Minute, func(i *instance) { i.get(t, c) })
		w.provider.wantRequests(t, len(instances))
	})
}

// A provider that is down for six seconds while 600 callers want a token is
// asked a few times, not 600.
func TestTheProviderIsDown(t *testing.T) {
	everywhere(t, func(t *testing.T, w *world) {
		const outage = 6 * time.Second
		c, instances, begin := client("canary-secret"), w.instances(12), time.Now()
		w.provider.refuses(503, `{"error": "temporarily_unavailable", "error_description": "canary-description"}`)
		go func() { time.Sleep(outage); w.provider.gives() }()
		var all sync.WaitGroup
		for _, i := range instances {
			for range 50 {
				all.Go(func() {
					for {
						_, err := i.Get(t.Context(), c, token.Ask{})
						if err == nil {
							return
						}
						wantReason(t, err, token.TemporarilyUnavailable)
						time.Sleep(100*time.Millisecond + rand.N(100*time.Millisecond))
					}
				})
			}
		}
		all.Wait()
		if n := len(w.provider.times()); n > 10 {
			t.Errorf("%d token requests were made", n)
		}
		if took := time.Since(begin); took > 4*outage {
			t.Errorf("it took %v to find the provider up again", took)
		}
		t.Logf("%d token requests, %v until all had a token", len(w.provider.times()), time.Since(begin))
	})
}

// Without a table, the back-off is each instance's own.
func TestTheProviderAndTheTableAreDown(t *testing.T) {
	embedded(t, func(t *testing.T, w *world) {
		w.provider.refuses(500, ``)
		i, c := w.instance(), client("canary-secret")
		i.cut.Store(true)
		w.crowd([]*instance{i}, 50, 10*time.Minute, func(i *instance) { _, _ = i.Get(t.Context(), c, token.Ask{}) })
		// It doubles from a quarter of a second to a minute.
		if n := len(w.provider.times()); n < 10 || n > 40 {
			t.Errorf("%d token requests were made", n)
		}
	})
}

// A provider that fails when a token is due is no outage: the token is good
// until it ends.
func TestADueTokenOutlivesTheProvidersOutage(t *testing.T) {
	everywhere(t, func(t *testing.T, w *world) {
		c, instances := client("canary-secret"), w.instances(4)
		w.crowd(instances, 10, 6*time.Minute, func(i *instance) { i.get(t, c) })
		w.provider.refuses(500, ``)
		w.crowd(instances, 10, 140*time.Second, func(i *instance) { i.get(t, c) })
		if n := len(w.provider.times()); n < 2 || n > 15 {
			t.Errorf("%d token requests were made", n)
		}
		w.provider.gives()
		w.crowd(instances, 10, 2*time.Minute, func(i *instance) { _, _ = i.Get(t.Context(), c, token.Ask{}) })
		instances[0].get(t, c)
	})
}

// A provider that knows no such client is left alone for five minutes, by all
// instances. Somebody who tests, and other credentials, are not held back.
func TestAWrongClientIsNotTriedAgainAndAgain(t *testing.T) {
	everywhere(t, func(t *testing.T, w *world) {
		w.provider.refuses(401, `{"error": "invalid_client"}`)
		c, instances := client("canary-secret"), w.instances(4)
		w.crowd(instances, 10, 4*time.Minute, func(i *instance) {
			_, err := i.Get(t.Context(), c, token.Ask{})
			if failure := wantReason(t, err, token.InvalidClient); failure.RetryAfter <= 0 || failure.RetryAfter > 5*time.Minute {
				t.Errorf("it is to wait for %v", failure.RetryAfter)
			}
		})
		w.provider.wantRequests(t, 1)
		_, err := instances[0].Get(t.Context(), c, token.Ask{Insist: true})
		wantReason(t, err, token.InvalidClient)
		w.provider.wantRequests(t, 2)
		w.provider.gives()
		if _, err := instances[1].Get(t.Context(), c, token.Ask{Insist: true}); err != nil {
			t.Errorf("whoever tests gets %v", err)
		}
		instances[2].get(t, c) // and what a test has found is there for all
		instances[3].get(t, client("another secret"))
		w.provider.wantRequests(t, 4)
	})
}

// What a provider says of when to come back is heeded.
func TestRetryAfterOfTheProvider(t *testing.T) {
	embedded(t, func(t *testing.T, w *world) {
		w.provider.refuses(429, `{}`, "Retry-After", "120")
		i, c := w.instance(), client("canary-secret")
		w.crowd([]*instance{i}, 20, 119*time.Second, func(i *instance) {
			_, err := i.Get(t.Context(), c, token.Ask{})
			wantReason(t, err, token.RateLimited)
		})
		w.provider.wantRequests(t, 1)
	})
}

// Who waits for a token may leave; the others get it all the same.
func TestWhoLeavesHarmsNobody(t *testing.T) {
	embedded(t, func(t *testing.T, w *world) {
		w.provider.latency = 5 * time.Second
		i, c, begin := w.instance(), client("canary-secret"), time.Now()
		var all sync.WaitGroup
		for range 10 {
			all.Go(func() {
				ctx, cancel := context.WithTimeout(t.Context(), time.Second)
				defer cancel()
				_, err := i.Get(ctx, c, token.Ask{})
				wantReason(t, err, token.TimedOut)
				if took := time.Since(begin); took != time.Second {
					t.Errorf("a caller left after %v", took)
				}
			})
		}
		time.Sleep(2 * time.Second)
		i.get(t, c)
		all.Wait()
		w.provider.wantRequests(t, 1)
	})
}
