package idempotency_test

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"callout/handler/idempotency"
	"callout/handler/store"
)

const day = 24 * time.Hour

// sweep runs once on a cold instance.
func (h *house) sweep(budget int) (removed int, more bool) {
	h.Helper()
	removed, more, err := h.instance().Sweep(h.Context(), budget)
	if err != nil {
		h.Error(err)
	}
	return removed, more
}

// left checks how many keys a configuration has.
func (h *house) left(config string, want int) {
	h.Helper()
	if got := len(h.stored(config)); got != want {
		h.Errorf("%s has %d keys, want %d", config, got, want)
	}
}

func TestKeysAreRemovedWhenTheyHaveExpired(t *testing.T) {
	everywhere(t, func(t *testing.T, h *house) {
		h.claim(h.instance(), "config", "at-noon", 1)
		h.clock.pass(11*time.Hour + 59*time.Minute)
		h.claim(h.instance(), "config", "at-the-end-of-the-day", 1)
		h.clock.pass(3 * time.Hour)
		h.claim(h.instance(), "config", "the-next-day", 1)
		for _, step := range []struct {
			hours   time.Duration // since the beginning of the second day
			removed int
			left    int
		}{{23, 0, 3}, {24, 0, 3}, {25, 2, 1}, {48, 0, 1}, {49, 1, 0}, {1000, 0, 0}} {
			h.clock.set(noon.Add(12*time.Hour + step.hours*time.Hour))
			if removed, more := h.sweep(100); removed != step.removed || more {
				t.Errorf("after %d hours %d were removed, more: %t", step.hours, removed, more)
			}
			h.left("config", step.left)
		}
		h.left("days", 0)
	})
}

// A sweep looks at what has expired, in the partitions where that is, and at
// nothing else.
func TestASweepDoesNotScan(t *testing.T) {
	h := embedded(t)
	at := h.instance()
	for i := range 30 {
		h.claim(at, fmt.Sprint("config-", i%3), fmt.Sprint("key-", i), 1)
	}
	h.clock.pass(day)
	for i := range 30 {
		h.claim(at, fmt.Sprint("config-", 10+i), fmt.Sprint("key-", i), 1)
	}
	h.hooks.reset()
	h.sweep(1000)
	h.took("list days")
	h.clock.pass(day)
	h.sweep(1000)
	want := []string{"list days"}
	for i := range 3 {
		want = append(append(want, fmt.Sprint("list config-", i)), slices.Repeat([]string{"remove"}, 10+1)...)
	}
	h.took(want...)
}

// A run that reaches its bound is gone on with by the next, and does not begin
// again with what it has left in place.
func TestASweepIsBounded(t *testing.T) {
	everywhere(t, func(t *testing.T, h *house) {
		const old, young, budget = 30, 50, 20
		at := h.instance()
		for i := range old {
			h.claim(at, "config", fmt.Sprint("old-", i), 1)
		}
		h.clock.pass(2 * day)
		for i := range young {
			h.claim(at, "config", fmt.Sprint("young-", i), 1)
		}
		removed, runs := 0, 0
		for more := true; more; runs++ {
			if runs > 20 {
				t.Fatal("it does not end")
			}
			var n int
			h.hooks.reset()
			n, more = h.sweep(budget)
			removed += n
			if calls := len(h.hooks.reset()); calls > budget+3 {
				t.Errorf("a run took %d requests", calls)
			}
		}
		if want := (old+young)/(budget-1) + 1; removed != old || runs != want {
			t.Errorf("%d were removed in %d runs, want %d in %d", removed, runs, old, want)
		}
		h.left("config", young)
	})
}

// A process that dies in the middle of a sweep leaves the rest to the next.
func TestASweepThatDies(t *testing.T) {
	h := embedded(t)
	for i := range 20 {
		h.claim(h.instance(), "config", fmt.Sprint("key-", i), 1)
	}
	h.clock.pass(3 * day)
	h.rows = &dying{Rows: h.rows, after: 7}
	removed, more, err := h.instance().Sweep(t.Context(), 100)
	if err == nil || removed != 6 || more {
		t.Errorf("%d were removed, %t, %v", removed, more, err)
	}
	h.rows = h.hooks
	if removed, more := h.sweep(100); removed != 14 || more {
		t.Errorf("then %d were removed, more: %t", removed, more)
	}
	h.left("days", 0)
}

// A configuration that is used every day, one that is used no more, and one whose
// keys are all alive: whatever day the sweep comes by, nothing is left behind.
func TestDaysOfUse(t *testing.T) {
	h := embedded(t)
	for n := range 10 {
		for i := range 5 {
			h.claim(h.instance(), "daily", fmt.Sprint("key-", n, "-", i), 1)
			h.claim(h.instance(), "daily", "the-same-key-each-day", n)
		}
		if n < 3 {
			h.claim(h.instance(), "gone", fmt.Sprint("key-", n), 1)
		}
		if n%4 == 3 {
			h.sweep(1000)
		}
		h.clock.pass(day)
	}
	h.clock.pass(2 * day)
	h.sweep(1000)
	for _, partition := range []string{"daily", "gone", "days"} {
		h.left(partition, 0)
	}
}

func TestSweepsAtTheSameTimeRemoveEachKeyOnce(t *testing.T) {
	everywhere(t, func(t *testing.T, h *house) {
		const keys, sweeps = 60, 6
		for i := range keys {
			h.claim(h.instance(), fmt.Sprint("config-", i%4), fmt.Sprint("key-", i), 1)
		}
		h.clock.pass(3 * day)
		var all sync.WaitGroup
		var removed [sweeps]int
		for i := range sweeps {
			all.Go(func() { removed[i], _ = h.sweep(1000) })
		}
		all.Wait()
		sum := 0
		for _, n := range removed {
			sum += n
		}
		if sum != keys {
			t.Errorf("removed were %v, of %d", removed, keys)
		}
		h.left("days", 0)
	})
}

// A key that is claimed again just before it is removed stays.
func TestAKeyThatIsClaimedWhileItIsSwept(t *testing.T) {
	h := embedded(t)
	h.claim(h.instance(), "config", "key", 1)
	h.clock.pass(3 * day)
	again := ""
	h.rows = &onDelete{h.rows, func() { again = h.claim(idempotency.New(h.hooks, h.clock.now), "config", "key", 2) }}
	if removed, _ := h.sweep(100); removed != 0 {
		t.Errorf("%d were removed", removed)
	}
	h.rows = h.hooks
	if got := h.claim(h.instance(), "config", "key", 2); got != again {
		t.Errorf("it was given %s, and the next %s", again, got)
	}
}

// What cannot be read is of use to nobody once its time must be over, of whatever
// version it is; what a newer version has put on the list is left for that.
func TestWhatTheSweepCannotRead(t *testing.T) {
	h := embedded(t)
	h.claim(h.instance(), "config", "key", 1)
	put := func(partition, key, data string) {
		t.Helper()
		if _, err := h.rows.Put(t.Context(), store.Row{Partition: partition, Key: key, Data: []byte(data)}); err != nil {
			t.Fatal(err)
		}
	}
	put("config", "damaged", "{")
	put("config", "newer", fmt.Sprintf(`{"schema": 2, "expiresMs": %d, "execution": {}}`, noon.UnixMilli()))
	put("config", "newer-alive", fmt.Sprintf(`{"schema": 2, "expiresMs": %d}`, noon.Add(10*day).UnixMilli()))
	put("days", "20260101-config", "{")
	put("days", "20260101-other", `{"schema": 2}`)
	h.clock.pass(3 * day)
	h.sweep(100)
	keys := func(rows []store.Row) string {
		var out []string
		for _, row := range rows {
			out = append(out, row.Key)
		}
		return strings.Join(out, " ")
	}
	if got := keys(h.stored("config")); got != "newer-alive" {
		t.Errorf("left are %s", got)
	}
	if got := keys(h.stored("days")); got != "20260101-other" {
		t.Errorf("on the list are %s", got)
	}
}
