package fakehost

import (
	"context"
	"testing"
)

// New starts a host that ends with the test. A failed test gets its log.
func New(t testing.TB, opts Options) *Host {
	t.Helper()
	// t.Context is done before clean-up functions run, and they may still call.
	h, err := Start(context.Background(), opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := h.Stop(); err != nil {
			t.Errorf("stopping the host: %v", err)
		}
		if t.Failed() {
			t.Logf("the handler's log:%s", quote(h.Logs()))
		}
	})
	return h
}
