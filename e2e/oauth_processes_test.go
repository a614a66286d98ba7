package e2e

import (
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// crowd are callers of one process, who all call at the same moment, and again
// every second.
type crowd struct {
	*callout
	client *http.Client
	all    sync.WaitGroup
	// gate is held by each call, and by whoever wants no calls for a while.
	gate  sync.RWMutex
	over  atomic.Bool
	calls atomic.Int64
}

// gather lets callers call the configuration bank until the crowd is over.
func (c *crowd) gather(t *testing.T, callers int) {
	c.client = &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: callers}}
	t.Cleanup(func() { c.end(); c.client.CloseIdleConnections() })
	for range callers {
		c.all.Go(func() {
			tick := time.NewTicker(time.Second)
			defer tick.Stop()
			for ; c.callOnce(t); <-tick.C {
				c.calls.Add(1)
			}
		})
	}
}

// end returns when all callers have gone.
func (c *crowd) end() {
	c.over.Store(true)
	c.all.Wait()
}

// callOnce makes a call, and returns false when there are to be no more of them.
func (c *crowd) callOnce(t *testing.T) bool {
	c.gate.RLock()
	defer c.gate.RUnlock()
	if c.over.Load() {
		return false
	}
	resp, err := c.client.Post(c.base+"/api/execute/bank", "application/json", strings.NewReader(`{}`))
	if err != nil {
		if !c.over.Load() { // or the process was killed meanwhile
			t.Errorf("a call: %v", err)
		}
		return false
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if succeeded := err == nil && resp.StatusCode == 200 && strings.Contains(string(body), `"status":"succeeded"`); !succeeded && !c.over.Load() {
		t.Errorf("a call: %d %s, %v", resp.StatusCode, body, err)
		return false
	}
	return true
}

// TestEightProcessesShareATokenALifetime: however many processes and callers
// there are, there is one token request a lifetime. When the process that makes
// it is killed, there is one more. A process that starts while there is a valid
// token makes none.
func TestEightProcessesShareATokenALifetime(t *testing.T) {
	const processes, callers, lifetimes = 8, 25, 3
	const life = 6 * time.Second
	cloud, b := newCloud(t, byKey), newBank(t, life)
	crowds := make([]*crowd, processes)
	for i := range crowds {
		p := cloud.alone(t, "CALLOUT_LOG_LEVEL=warn")
		if i == 0 {
			p.call(t, 201, "POST", "/api/configs", b.client("bank"))
		}
		crowds[i] = &crowd{callout: p}
	}
	for _, c := range crowds {
		c.gather(t, callers)
	}
	eventually(t, "the lifetimes have passed", func() bool { return b.given() > lifetimes })
	given := killTheRefresher(t, b, crowds)
	eventually(t, "another process has taken over", func() bool { return b.given() > given })
	var calls int64
	for _, c := range crowds {
		c.end()
		calls += c.calls.Load()
		c.kill()
		if printed := c.out.String(); strings.Contains(printed, "table of tokens") {
			t.Errorf("a process kept a token to itself: %s", printed)
		}
	}
	asked := b.requests()
	wantOneALifetime(t, asked, life)
	if len(asked) != b.given()+1 {
		t.Errorf("%d token requests were made for %d tokens and a process that was killed", len(asked), b.given())
	}
	if b.refused > 0 {
		t.Errorf("%d calls had no valid token", b.refused)
	}
	t.Logf("%d calls by %d callers of %d processes: %d token requests for %d tokens; the latest was used %v after its end", calls, processes*callers, processes, len(asked), b.given(), b.late)
	cloud.alone(t).call(t, 200, "POST", "/api/execute/bank", `{}`).mustHold(t, `"status":"succeeded"`)
	if n := len(b.requests()); n != len(asked) {
		t.Errorf("a process that started cold made %d token requests", n-len(asked))
	}
}

// killTheRefresher kills one of the processes while it waits for an answer to
// its token request. So that it is known which, no other is called before. It
// returns how many tokens had been given by then.
func killTheRefresher(t *testing.T, b *bank, crowds []*crowd) (given int) {
	t.Helper()
	victim, others := crowds[0], crowds[1:]
	for _, c := range others {
		c.gate.Lock()
		defer c.gate.Unlock()
	}
	held := b.holdNext(time.Hour)
	select {
	case <-held:
	case <-time.After(30 * time.Second):
		t.Fatal("no token is asked for")
	}
	given = b.given()
	victim.over.Store(true)
	victim.kill()
	return given
}

// wantOneALifetime checks that no token request came before 80% of the life of
// the token before it, from which on a refresh may begin.
func wantOneALifetime(t *testing.T, asked []time.Time, life time.Duration) {
	t.Helper()
	// The life begins when a request is begun; it comes a little later.
	const onItsWay = time.Second
	for i := 1; i < len(asked); i++ {
		if gap := asked[i].Sub(asked[i-1]); gap < life*8/10-onItsWay {
			t.Errorf("token request %d came %v after the one before it", i+1, gap)
		}
	}
}
