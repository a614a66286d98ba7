package e2e

import (
	"strings"
	"testing"
	"time"
)

// TestDemo runs what `make run` runs, twice on one data directory: the second
// time the sample configurations are there already.
func TestDemo(t *testing.T) {
	data, sample := t.TempDir(), "127.0.0.1:"+freePort(t)
	for range 2 {
		port := freePort(t)
		p := start(t, demo(), []string{"CALLOUT_DATA_DIR=" + data}, "-handler", handler(), "-port", port, "-sample", sample)
		waitFor(t, p, "Try:")
		printed := p.out.String()
		if got := strings.Count(printed, "succeeded"); got != 5 {
			t.Errorf("%d of 5 calls succeeded:\n%s", got, printed)
		}
		c := api{base: "http://127.0.0.1:" + port}
		c.call(t, 200, "GET", "/api/configs/sample_create_ticket", "")
		if err := p.stop(t); err != nil {
			t.Errorf("the demo ended with %v:\n%s", err, p.out.String())
		}
		if _, err := c.try("GET", "/api/health", ""); err == nil {
			t.Error("Callout goes on after the demo has ended")
		}
	}
}

// waitFor waits until the process has printed text.
func waitFor(t *testing.T, p *process, text string) {
	t.Helper()
	deadline := time.Now().Add(30 * time.Second)
	for !strings.Contains(p.out.String(), text) {
		select {
		case <-p.ended:
			t.Fatalf("the process ended: %v\n%s", p.status, p.out.String())
		case <-time.After(5 * time.Millisecond):
		}
		if time.Now().After(deadline) {
			t.Fatalf("nothing printed holds %q:\n%s", text, p.out.String())
		}
	}
}
