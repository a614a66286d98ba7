package token

import (
	"fmt"
	"testing"
	"time"

	"callout/handler/callout"
)

func TestLifetime(t *testing.T) {
	now := time.Unix(1_800_000_000, 250e6)
	const none = defaultLifetime
	for _, test := range []struct {
		said     string // as JSON
		path     string
		lifetime time.Duration
	}{
		{`3600`, "expires_in", time.Hour},
		{`1`, "expires_in", time.Second},
		{`" 3600 "`, "expires_in", time.Hour},
		{`"3600.5"`, "expires_in", time.Hour + 500*time.Millisecond},
		{`3599.999`, "expires_in", time.Hour - time.Millisecond},
		{`3.6e3`, "expires_in", time.Hour},
		{`"36E2"`, "expires_in", time.Hour},
		{`0.5`, "expires_in", time.Second / 2},
		{`86400`, "expires_in", 24 * time.Hour},
		{`86401`, "expires_in", 24 * time.Hour},
		{`999999999`, "expires_in", 24 * time.Hour},

		{`0`, "expires_in", none},
		{`-0.0`, "expires_in", none},
		{`-3600`, "expires_in", none},
		{`1e-10`, "expires_in", none}, // less than can be told from nothing
		{`1e999`, "expires_in", none},
		{`-1e999`, "expires_in", none},
		{`"NaN"`, "expires_in", none},
		{`"Infinity"`, "expires_in", none},
		{`"-inf"`, "expires_in", none},
		{`""`, "expires_in", none},
		{`"never"`, "expires_in", none},
		{`"1 hour"`, "expires_in", none},
		{`null`, "expires_in", none},
		{`true`, "expires_in", none},
		{`[3600]`, "expires_in", none},
		{`{"seconds": 3600}`, "expires_in", none},

		{`3600250`, "expires_in_ms", time.Hour + 250*time.Millisecond},
		{`"3600250"`, "expiresInMs", time.Hour + 250*time.Millisecond},
		{`3600250`, "EXPIRESMS", time.Hour + 250*time.Millisecond},
		{`3600250`, "ttlMillis", time.Hour + 250*time.Millisecond},
		{`3600250`, "lifetime_msec", time.Hour + 250*time.Millisecond},
		{`3600250`, "lifetimeMilliseconds", time.Hour + 250*time.Millisecond},
		{`3600`, "seconds", time.Hour},
		{`3600`, "ms_or_not", time.Hour},
		{`0.5`, "ms", 500 * time.Microsecond},
		{`1e9`, "ms", 24 * time.Hour}, // eleven days, and no point in time
		{`999999999999`, "ms", 24 * time.Hour},

		{`1800003600`, "expires_at", time.Hour - 250*time.Millisecond},
		{`"1800003600"`, "expires_on", time.Hour - 250*time.Millisecond},
		{`1800003600.75`, "exp", time.Hour + 500*time.Millisecond},
		{`1800003600750`, "expiresAt", time.Hour + 500*time.Millisecond},
		{`1800003600750`, "expiresAtMs", time.Hour + 500*time.Millisecond},
		{`1800000000`, "expires_at", none}, // was just now
		{`1799999999000`, "expires_at", none},
		{`1000000000`, "expires_at", none}, // long ago
		{`2147483647`, "expires_in", 24 * time.Hour},
		{`9223372036854775807`, "expires_in", 24 * time.Hour},
		{`1e300`, "expires_in", 24 * time.Hour},
	} {
		t.Run(test.path+" "+test.said, func(t *testing.T) {
			document, ok := parse(fmt.Appendf(nil, `{"%s": %s}`, test.path, test.said))
			if !ok {
				t.Fatal("not JSON")
			}
			if got := lifetime(document, &callout.OAuth{ExpiresInPath: test.path}, now); got != test.lifetime {
				t.Errorf("got %v, want %v", got, test.lifetime)
			}
		})
	}
}

func TestDefaultLifetime(t *testing.T) {
	for seconds, want := range map[int]time.Duration{0: 30 * time.Minute, -5: 30 * time.Minute, 1: time.Second, 86400: 24 * time.Hour, 31536000: 24 * time.Hour} {
		if got := lifetime(nil, &callout.OAuth{DefaultLifetime: seconds}, time.Now()); got != want {
			t.Errorf("%d: got %v, want %v", seconds, got, want)
		}
	}
}
