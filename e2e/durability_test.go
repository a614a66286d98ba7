package e2e

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
)

// echo answers with the credential that it was called with, one way round, so
// that redaction does not hide it.
func echo(t *testing.T) *httptest.Server {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprintf(w, `{"who": %q}`, backwards(r.Header.Get("Authorization")))
	}))
	t.Cleanup(server.Close)
	return server
}

func backwards(s string) string {
	b := []byte(s)
	for i, j := 0, len(b)-1; i < j; i, j = i+1, j-1 {
		b[i], b[j] = b[j], b[i]
	}
	return string(b)
}

const (
	rounds  = 6
	writers = 100
)

func token(i, round int) string { return fmt.Sprintf("token-%03d-of-round-%d", i, round) }

// TestSIGKILLLosesNothingAcknowledged kills Callout while a hundred clients
// write, starts it again, and looks at every configuration: what was
// acknowledged is there, and whatever is there works with its own secret.
func TestSIGKILLLosesNothingAcknowledged(t *testing.T) {
	upstream, data := echo(t), t.TempDir()
	acknowledged := make([]int, writers) // the newest round, 0 for none
	for round := 1; round <= rounds; round++ {
		c := startCallout(t, data, "CALLOUT_LOG_LEVEL=error")
		writeUntilKilled(c, upstream.URL, round, acknowledged)
		c = startCallout(t, data, "CALLOUT_LOG_LEVEL=error")
		checkAll(t, c, round, acknowledged)
		c.kill()
	}
	t.Logf("%d rounds of %d concurrent writers, killed in the middle of each", rounds, writers)
}

// writeUntilKilled lets each writer put its configuration, and kills the process
// when a part of them, another one each round, has been acknowledged.
func writeUntilKilled(c *callout, upstream string, round int, acknowledged []int) {
	var mu sync.Mutex
	var all sync.WaitGroup
	count, enough := 0, round*writers/(rounds+1)
	for i := range writers {
		all.Go(func() {
			body := fmt.Sprintf(`{"endpoint": %q, "method": "GET", "approval": "none", "auth": {"type": "bearer", "token": %q}}`, upstream, token(i, round))
			got, err := c.try(http.MethodPut, fmt.Sprintf("/api/configs/c%03d", i), body)
			if err != nil || got.status >= 300 {
				return
			}
			mu.Lock()
			defer mu.Unlock()
			acknowledged[i] = round
			if count++; count == enough {
				_ = c.cmd.Process.Kill()
			}
		})
	}
	all.Wait()
	c.kill()
}

func checkAll(t *testing.T, c *callout, round int, acknowledged []int) {
	t.Helper()
	for i, newest := range acknowledged {
		path := fmt.Sprintf("/api/execute/c%03d", i)
		got, err := c.try(http.MethodPost, path, `{}`)
		if err != nil {
			t.Fatal(err)
		}
		if got.status == http.StatusNotFound && newest == 0 {
			continue
		}
		var e struct {
			Status   string
			Response struct{ Body struct{ Who string } }
		}
		got.decode(t, &e)
		who := backwards(e.Response.Body.Who)
		// The answer may have been lost on the way: what was written this round
		// may stand though nobody was told.
		if e.Status != "succeeded" || who != "Bearer "+token(i, newest) && who != "Bearer "+token(i, round) {
			t.Fatalf("round %d, configuration %d, acknowledged in round %d: %d %s", round, i, newest, got.status, got.body)
		}
		if who == "Bearer "+token(i, round) {
			acknowledged[i] = round
		}
	}
}
