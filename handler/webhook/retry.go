package webhook

import "time"

// Failure is why a result was not posted. It quotes nothing of what was submitted.
type Failure struct {
	// Final says that another attempt would fare no better.
	Final bool
	// RetryAfter is how long the receiver asks to be left alone, 0 if it does not.
	// How long is too long is for the caller to say.
	RetryAfter time.Duration
	Message    string
	// Err is the cause, which may hold addresses, or nil.
	Err error
}

// Error says what happened.
func (f *Failure) Error() string { return "webhook: a result was not posted: " + f.Message }

// Unwrap gives the cause.
func (f *Failure) Unwrap() error { return f.Err }

// delays are those that the specification gives as an example ("Deliverability
// and reliability"): the last attempt comes three days after the first.
var delays = [...]time.Duration{
	0, 5 * time.Second, 5 * time.Minute, 30 * time.Minute, 2 * time.Hour,
	5 * time.Hour, 10 * time.Hour, 14 * time.Hour, 20 * time.Hour, 24 * time.Hour,
}

// Delay returns how long after the last attempt the next one is due, when so many
// have been made, and whether there is to be one at all. It is the earliest time:
// who comes by now and then spreads the attempts by that.
func Delay(attempts int) (wait time.Duration, again bool) {
	if attempts < 0 || attempts >= len(delays) {
		return 0, false
	}
	return delays[attempts], true
}
