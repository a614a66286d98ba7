package e2e

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"
)

// keyed is an address with an Idempotency-Key.
func (a api) keyed(key string) api {
	header := map[string]string{"Idempotency-Key": key}
	for name, value := range a.header {
		header[name] = value
	}
	return api{base: a.base, header: header}
}

// TestFiftyCallersOfOneKey: on four processes they make one request, and get fifty
// equal answers.
func TestFiftyCallersOfOneKey(t *testing.T) {
	cloud, l := newCloud(t, byKey), newLedger(t)
	processes := make([]*callout, 4)
	for i := range processes {
		processes[i] = cloud.alone(t, "CALLOUT_LOG_LEVEL=error")
	}
	processes[0].call(t, 201, "POST", "/api/configs", l.config("none"))
	for round := range 5 {
		key := fmt.Sprintf("key-%d", round)
		body := fmt.Sprintf(`{"arguments": {"note": %q}, "context": {"ticket": "T1"}}`, key)
		answers := make([]answer, 50)
		var all sync.WaitGroup
		for i := range answers {
			all.Go(func() {
				var err error
				if answers[i], err = processes[i%4].keyed(key).try("POST", "/api/execute/book", body); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		for i, got := range answers {
			if got.status != 200 || got.body != answers[0].body || !strings.Contains(got.body, `"status":"succeeded"`) {
				t.Errorf("caller %d got %d %s, the first %s", i, got.status, got.body, answers[0].body)
			}
		}
		if n := l.bookings()[key]; n != 1 {
			t.Errorf("the API was called %d times", n)
		}
		processes[3].keyed(key).call(t, http.StatusUnprocessableEntity, "POST", "/api/execute/book", `{"arguments": {"note": "other"}}`).mustHold(t, "IdempotencyKeyReused")
		processes[2].keyed(key).call(t, 200, "POST", "/api/execute/book", fmt.Sprintf(`{"context": {}, "arguments": {"note": %q}}`, key)).mustHold(t, answers[0].body)
	}
	got := processes[1].call(t, 200, "GET", "/api/executions?ticket=T1&config=book", "")
	if n := strings.Count(got.body, `"executionId"`); n != 5 {
		t.Errorf("%d executions are on record, want 5: %s", n, got.body)
	}
}

// TestTheFirstCallerOfAKeyIsKilled while its request is under way: the others learn
// that nobody knows what came of it, and nothing is sent again.
func TestTheFirstCallerOfAKeyIsKilled(t *testing.T) {
	cloud, l := newCloud(t, byKey), newLedger(t)
	first, second := cloud.alone(t, "CALLOUT_LOG_LEVEL=error"), cloud.alone(t, "CALLOUT_LOG_LEVEL=error")
	first.call(t, 201, "POST", "/api/configs", strings.Replace(l.config("none"), `"timeoutSeconds": 5`, `"timeoutSeconds": 1`, 1))
	arrived, over := make(chan struct{}), make(chan struct{})
	l.watch(sync.OnceFunc(func() { close(arrived); <-over }))
	const body = `{"arguments": {"note": "once"}}`
	var gone sync.WaitGroup
	gone.Go(func() { _, _ = first.keyed("k").try("POST", "/api/execute/book", body) })
	<-arrived
	first.kill()
	close(over)
	gone.Wait()
	start := time.Now()
	var all sync.WaitGroup
	for range 10 {
		all.Go(func() {
			got, err := second.keyed("k").try("POST", "/api/execute/book", body)
			if err != nil || got.status != 200 || !strings.Contains(got.body, `"status":"unknown"`) || !strings.Contains(got.body, "OutcomeUnknown") {
				t.Errorf("got %d %s (%v)", got.status, got.body, err)
			}
		})
	}
	all.Wait()
	if n := l.bookings()["once"]; n != 1 {
		t.Errorf("the API was called %d times", n)
	}
	t.Logf("the others learned it after %v", time.Since(start).Round(time.Second))
}
