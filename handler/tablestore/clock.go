package tablestore

import (
	"net/http"
	"slices"
	"sync"
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
//
// A busy server may write a Date that is seconds old (Node makes one a second, if
// it gets to it). Believed, it would put the clock back, and tokens would be used
// after their end. So the clock goes back only as far as the last few answers all
// demand.
type clock struct {
	local func() time.Time

	mu     sync.Mutex
	offset time.Duration // to be added to local
	// most are the upper bounds by the last answers, in a ring.
	most    [recent]time.Duration
	answers int
}

// recent is how many answers have to agree that the clock goes back.
const recent = 8

func newClock(local func() time.Time) *clock {
	if local == nil {
		local = time.Now
	}
	return &clock{local: local}
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.wall().Add(c.offset)
}

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
	c.mu.Lock()
	defer c.mu.Unlock()
	c.most[c.answers%recent] = date.Add(time.Second).Sub(sent)
	c.answers++
	most := slices.Max(c.most[:min(c.answers, recent)])
	c.offset = min(max(c.offset, date.Sub(received)), most)
}
