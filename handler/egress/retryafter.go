package egress

import (
	"net/http"
	"strconv"
	"time"
)

// RetryAfter reads the header of that name (RFC 9110, section 10.2.3), a number
// of seconds or a date. It is 0 when there is none, or none that lies ahead; how
// long is too long is for the caller to say.
func RetryAfter(h http.Header, now time.Time) time.Duration {
	const most = 1 << 32 // a century, which a Duration still holds
	value := h.Get("Retry-After")
	if seconds, err := strconv.ParseUint(value, 10, 63); err == nil {
		return time.Duration(min(seconds, most)) * time.Second
	}
	at, err := http.ParseTime(value)
	if err != nil {
		return 0
	}
	return max(at.Sub(now), 0)
}
