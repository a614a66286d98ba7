package tablestore

import (
	"net/http"
	"sync/atomic"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
)

// farthestDate is how far off a Date may be to be believed. The service itself
// refuses requests that are signed a quarter of an hour off.
const farthestDate = 24 * time.Hour

// clock is the local clock, put right by the dates of the service's answers, so
// that all instances agree on the time although their own clocks do not. It is
// a policy for each try.
//
// A Date has whole seconds (RFC 9110, section 5.6.7): when it was written, the
// service's clock showed Date or up to a second more, and ours something between
// what it showed when the request was sent and when the answer was received. So
// each answer bounds the offset between the two. One that lies within the bounds
// stays; another moves to the nearest bound. It starts at zero: an accurate clock
// is never touched.
type clock struct {
	local  func() time.Time
	offset atomic.Int64 // in nanoseconds, to be added to local
}

func newClock(local func() time.Time) *clock {
	if local == nil {
		local = time.Now
	}
	return &clock{local: local}
}

func (c *clock) now() time.Time { return c.wall().Add(time.Duration(c.offset.Load())) }

// wall is the local clock as it would be written down. The monotonic reading,
// which does not follow when the clock is set, is left out.
func (c *clock) wall() time.Time { return c.local().Round(0) }

// Do implements policy.Policy.
func (c *clock) Do(request *policy.Request) (*http.Response, error) {
	sent := c.wall()
	response, err := request.Next()
	if err == nil {
		c.learn(sent, c.wall(), response.Header.Get("Date"))
	}
	return response, err
}

// learn takes in the date of an answer. What cannot be one changes nothing. A slow
// answer bounds less, and one that came before it was asked for, since the local
// clock was set meanwhile, nothing.
func (c *clock) learn(sent, received time.Time, header string) {
	date, err := http.ParseTime(header)
	if err != nil || received.Before(sent) || date.Sub(received).Abs() > farthestDate {
		return
	}
	least, most := date.Sub(received), date.Add(time.Second).Sub(sent)
	for {
		old := c.offset.Load()
		next := min(max(old, int64(least)), int64(most))
		if next == old || c.offset.CompareAndSwap(old, next) {
			return
		}
	}
}
