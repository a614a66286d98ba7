package history_test

import (
	"testing"
	"time"

	"callout/handler/callout"
)

// What an execution tells of itself decides how long it is kept, and not the time of
// its id alone.
func TestExpireGoesByTheEnd(t *testing.T) {
	const day = 24 * time.Hour
	for what, c := range map[string]struct {
		change func(*callout.Execution)
		ends   time.Duration // after the time of the id
	}{
		"nothing more":            {func(*callout.Execution) {}, 0},
		"an id of yesterday":      {func(e *callout.Execution) { e.CreatedAt = begin.Add(day) }, day},
		"created before its id":   {func(e *callout.Execution) { e.CreatedAt = begin.Add(-day) }, 0},
		"a deadline":              {func(e *callout.Execution) { e.Deadline = begin.Add(time.Hour) }, time.Hour},
		"decided five days later": {func(e *callout.Execution) { e.Approval = &callout.Approval{DecidedAt: begin.Add(5 * day)} }, 5 * day},
		"decided in time":         {func(e *callout.Execution) { e.Approval = &callout.Approval{ExpiresAt: begin.Add(day)} }, 0},
		"nobody decided": {func(e *callout.Execution) {
			e.Status, e.Approval = callout.PendingApproval, &callout.Approval{ExpiresAt: begin.Add(6 * day)}
		}, 6 * day},
		"to be posted": {func(e *callout.Execution) { e.Callback = &callout.Callback{State: callout.CallbackWaiting} }, 7 * day},
		"to be posted, by a clock that was behind": {func(e *callout.Execution) {
			e.CreatedAt, e.Callback = begin.Add(-day), &callout.Callback{State: callout.CallbackWaiting}
		}, 7 * day},
		"posted":       {func(e *callout.Execution) { e.Callback = &callout.Callback{State: callout.CallbackDelivered} }, 0},
		"never posted": {func(e *callout.Execution) { e.Callback = &callout.Callback{State: callout.CallbackFailed} }, 0},
		"expired, and to be posted": {func(e *callout.Execution) {
			e.Status, e.Approval = callout.Expired, &callout.Approval{ExpiresAt: begin.Add(day)}
			e.Callback = &callout.Callback{State: callout.CallbackWaiting}
		}, 8 * day},
	} {
		h := newAgedHouse(t)
		e := call(begin)
		e.Deadline = time.Time{}
		c.change(e)
		h.begins(e)
		if n := h.expire(begin.Add(c.ends), 10); n != 0 {
			t.Errorf("%s: it was removed as of %v", what, c.ends)
			continue
		}
		if n := h.expire(begin.Add(c.ends+time.Millisecond), 10); n != 1 {
			t.Errorf("%s: it was not removed after %v", what, c.ends)
		}
	}
}

// A key of idempotency leads to an execution for a day: however short the history is
// to be, nothing of the last 26 hours is removed.
func TestExpireLeavesWhatAKeyMayStillLeadTo(t *testing.T) {
	const least = 26 * time.Hour
	for what, created := range map[string]time.Duration{"a new id": 0, "an id of yesterday": 23 * time.Hour, "a clock that is behind": -time.Hour} {
		h := newHouse(t)
		e := call(begin)
		e.CreatedAt, e.Deadline = begin.Add(created), time.Time{}
		h.begins(e)
		for _, c := range []struct {
			after time.Duration
			want  int
		}{{0, 0}, {24 * time.Hour, 0}, {least + max(created, 0), 0}, {least + max(created, 0) + time.Millisecond, 1}} {
			h.now = begin.Add(c.after)
			if n := h.expire(h.now.Add(time.Hour), 10); n != c.want {
				t.Errorf("%s: after %v %d were removed, want %d", what, c.after, n, c.want)
			}
		}
	}
}
