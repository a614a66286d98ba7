package idempotency

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"time"

	"callout/handler/store"
)

// The partition of a configuration has its keys in no order of time, and the
// configuration may be gone. So this partition lists under which configurations
// keys were claimed, by day: when all keys of a day have expired, those partitions
// are gone through once, and the day's rows of the list are removed. What was
// claimed later is left to the row of a later day.
const dayList = "days"

const (
	dayForm = "20060102"
	// over is how long after a day the last of its keys must have been written, by
	// whatever clock, and have expired.
	over = Kept + time.Hour
	// page is how many rows are read at once.
	page = 500
)

// dayRow is how far the sweep of one partition has come.
type dayRow struct {
	Schema int    `json:"schema"`
	After  string `json:"after,omitempty"` // the last key that was looked at
}

// note puts the configuration on today's list, if this process has not done so.
func (k *Keys) note(ctx context.Context, configID string) error {
	day := k.now().UTC().Format(dayForm)
	if k.isNoted(day, configID) {
		return nil
	}
	_, err := k.rows.Put(ctx, dayRow{Schema: schema}.row(day+"-"+configID, ""))
	if err != nil && !errors.Is(err, store.ErrConflict) {
		return err
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.today == day {
		k.noted[configID] = true
	}
	return nil
}

func (k *Keys) isNoted(day, configID string) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.today != day {
		k.today, k.noted = day, map[string]bool{}
	}
	return k.noted[configID]
}

func (d dayRow) row(key, etag string) store.Row {
	data, _ := json.Marshal(d) // a string and a number: cannot fail
	return store.Row{Partition: dayList, Key: key, ETag: etag, Data: data}
}

// Sweep removes keys that have expired, those of deleted configurations too, and
// returns how many. It looks at budget rows at most; more says that it stopped
// there, and that the next run goes on where this one ended. Several may run at
// once. A key is removed one to three days after its claim if a run comes by.
//
// It fails as the table does; what it has removed is removed.
func (k *Keys) Sweep(ctx context.Context, budget int) (removed int, more bool, err error) {
	s := &sweep{Keys: k, left: budget}
	before := k.now().UTC().Add(-over).Format(dayForm)
	for after, rest := "", true; rest; {
		found, err := k.rows.List(ctx, store.Range{Partition: dayList, After: after, Before: before, Top: page})
		if err != nil {
			return s.removed, false, err
		}
		for _, row := range found.Rows {
			after = row.Key
			if done, err := s.day(ctx, row); err != nil || !done {
				return s.removed, err == nil, err
			}
		}
		rest = found.More
	}
	return s.removed, false, nil
}

// sweep is one run.
type sweep struct {
	*Keys
	left, removed int
}

// day goes through a partition for one row of the list, and takes that off, or
// notes how far it has come.
func (s *sweep) day(ctx context.Context, row store.Row) (done bool, err error) {
	var d dayRow
	_ = json.Unmarshal(row.Data, &d) // what cannot be read has not come far
	if d.Schema > schema {
		return true, nil // for the version that wrote it
	}
	if s.left--; s.left < 0 {
		return false, nil
	}
	_, configID, _ := strings.Cut(row.Key, "-")
	if d.After, done, err = s.partition(ctx, configID, d.After); err != nil {
		return false, err
	}
	if done {
		return true, settled(s.rows.Delete(ctx, dayList, row.Key, row.ETag))
	}
	_, err = s.rows.Put(ctx, d.row(row.Key, row.ETag))
	return false, settled(err)
}

// partition removes what has expired of a configuration's keys after one, and
// returns the last that it has looked at.
func (s *sweep) partition(ctx context.Context, configID, after string) (last string, done bool, err error) {
	for rest := true; rest; {
		if s.left <= 0 {
			return after, false, nil
		}
		found, err := s.rows.List(ctx, store.Range{Partition: configID, After: after, Top: min(page, s.left)})
		if err != nil {
			return after, false, err
		}
		for _, row := range found.Rows {
			if err := s.key(ctx, row); err != nil {
				return after, false, err
			}
			after = row.Key
		}
		s.left -= len(found.Rows)
		rest = found.More
	}
	return after, true, nil
}

// key removes a key that has expired, and what cannot be read.
func (s *sweep) key(ctx context.Context, row store.Row) error {
	var r keyRow
	if json.Unmarshal(row.Data, &r) == nil && r.live(s.now()) {
		return nil
	}
	err := s.rows.Delete(ctx, row.Partition, row.Key, row.ETag)
	if err == nil {
		s.removed++
	}
	return settled(err)
}

// settled takes away the error of what another instance has done already, or has
// begun to use again.
func settled(err error) error {
	if errors.Is(err, store.ErrNotFound) || errors.Is(err, store.ErrConflict) {
		return nil
	}
	return err
}
