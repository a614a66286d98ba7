package egress_test

import (
	"net/http"
	"testing"
	"time"

	"callout/handler/egress"
)

func TestRetryAfter(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for value, want := range map[string]time.Duration{
		"": 0, "7": 7 * time.Second, "0": 0, "-5": 0, "1.5": 0, "soon": 0, "99999999999999999999": 0, "9000000000000000000": 1 << 32 * time.Second,
		now.Add(90 * time.Second).Format(http.TimeFormat): 90 * time.Second, "Thu, 01 Jan 1970 00:00:00 GMT": 0,
	} {
		if got := egress.RetryAfter(http.Header{"Retry-After": {value}}, now); got != want {
			t.Errorf("%q: %v, want %v", value, got, want)
		}
	}
}
