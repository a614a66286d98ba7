package fakehost

import (
	"context"
	"net/http"
	"slices"
	"strconv"
	"testing"
	"testing/synctest"
	"time"
)

// waitFor is a backoff that ends when something has happened.
func waitFor(happened <-chan struct{}) func(context.Context, int) error {
	return func(ctx context.Context, _ int) error {
		select {
		case <-happened:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// closedPort is an address at which nothing listens.
func closedPort(t *testing.T) string {
	port, release, err := reservePort()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = release() })
	return "http://127.0.0.1:" + strconv.Itoa(port)
}

func TestTenAttemptsAtMost(t *testing.T) {
	var waits []int
	transport := retryTransport{next: &http.Transport{}, backoff: func(_ context.Context, attempt int) error {
		waits = append(waits, attempt)
		return nil
	}}
	request, err := http.NewRequestWithContext(t.Context(), "GET", closedPort(t), nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := transport.RoundTrip(request); err == nil {
		t.Error("a closed port answered")
	}
	if want := []int{1, 2, 3, 4, 5, 6, 7, 8, 9}; !slices.Equal(waits, want) {
		t.Errorf("waited after attempts %v", waits)
	}
}

func TestNoAttemptForACallerWhoIsGone(t *testing.T) {
	ctx, leave := context.WithCancel(t.Context())
	attempts := 0
	transport := retryTransport{next: &http.Transport{}, backoff: func(ctx context.Context, attempt int) error {
		attempts++
		leave()
		return backoff(ctx, attempt)
	}}
	request, err := http.NewRequestWithContext(ctx, "GET", closedPort(t), nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := transport.RoundTrip(request); err == nil || attempts != 1 {
		t.Errorf("%d attempts, %v", attempts, err)
	}
}

func TestBackoffIsThatOfTheHost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var got []time.Duration
		for attempt := range 6 {
			began := time.Now()
			if err := backoff(t.Context(), attempt+1); err != nil {
				t.Fatal(err)
			}
			got = append(got, time.Since(began)/time.Millisecond)
		}
		if want := []time.Duration{50, 100, 200, 250, 250, 250}; !slices.Equal(got, want) {
			t.Errorf("waited %v ms, want %v", got, want)
		}
	})
}
