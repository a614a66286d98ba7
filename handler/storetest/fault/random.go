package fault

import (
	"math/rand/v2"
	"time"
)

// Rates says how often each fault happens, each from 0 to 1 and at most 1
// together. RetryAfter is what refusals ask for.
type Rates struct {
	DropRequest float64
	DropReply   float64
	Cut         float64
	Throttle    float64
	Busy        float64
	Hold        float64
	Shorten     float64
	Empty       float64
	RetryAfter  time.Duration
}

// Random returns a rule that draws the fault of the n-th request from seed and
// n alone. Whatever the order in which concurrent clients arrive, the n-th of
// them meets the same fault in every run.
func Random(seed uint64, rates Rates) Rule {
	return func(r Request) Fault {
		numbers := rand.New(rand.NewPCG(seed, r.Number))
		draw := numbers.Float64()
		for _, choice := range []struct {
			rate  float64
			fault Fault
		}{
			{rates.DropRequest, DropRequest()},
			{rates.DropReply, DropReply()},
			{rates.Cut, Cut()},
			{rates.Throttle, Throttle(rates.RetryAfter)},
			{rates.Busy, Busy(rates.RetryAfter)},
			{rates.Hold, Hold(nil)},
			{rates.Shorten, Shorten(1 + numbers.IntN(3))},
			{rates.Empty, Empty()},
		} {
			if draw < choice.rate {
				return choice.fault
			}
			draw -= choice.rate
		}
		return Pass()
	}
}
