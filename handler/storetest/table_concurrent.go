package storetest

import (
	"errors"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"

	"callout/handler/store"
)

// workers is how many callers a concurrent case has.
const workers = 16

// together runs fn once for each worker at the same time and reports their
// errors.
func together(t *testing.T, fn func(worker int) error) {
	t.Helper()
	var group sync.WaitGroup
	for worker := range workers {
		group.Go(func() {
			if err := fn(worker); err != nil {
				t.Errorf("worker %d: %v", worker, err)
			}
		})
	}
	group.Wait()
}

var concurrentCases = []tableCase{
	{"no increment of a counter is lost", func(t table) {
		const each = 8
		t.put("counter", "0", "")
		together(t.T, func(int) error {
			for range each {
				if err := t.increment("counter"); err != nil {
					return err
				}
			}
			return nil
		})
		t.holds("counter", strconv.Itoa(workers*each))
	}},
	{"of many inserts of one row, one succeeds", func(t table) {
		var won atomic.Int64
		together(t.T, func(worker int) error {
			_, err := t.rows.Put(t.Context(), store.Row{Partition: "p", Key: "k", Data: []byte{byte(worker)}})
			return count(&won, err, store.ErrConflict)
		})
		if won.Load() != 1 {
			t.Errorf("%d succeeded", won.Load())
		}
	}},
	{"of many deletes of one row, one succeeds", func(t table) {
		etag := t.put("k", "data", "")
		var won atomic.Int64
		together(t.T, func(int) error {
			return count(&won, t.rows.Delete(t.Context(), "p", "k", etag), store.ErrNotFound)
		})
		if won.Load() != 1 {
			t.Errorf("%d succeeded", won.Load())
		}
	}},
	{"one caller's conflict is not another's", func(t table) {
		t.put("taken", "data", "")
		together(t.T, func(worker int) error {
			if worker%2 == 0 {
				_, err := t.rows.Put(t.Context(), store.Row{Partition: "p", Key: "taken"})
				if !errors.Is(err, store.ErrConflict) {
					return errors.New("a second insert was not refused")
				}
				return nil
			}
			_, err := t.rows.Put(t.Context(), store.Row{Partition: "p", Key: strconv.Itoa(worker)})
			return err
		})
		if got := len(t.walk(store.Range{Partition: "p"})); got != 1+workers/2 {
			t.Errorf("there are %d rows", got)
		}
	}},
}

// increment adds one to a counter as every caller of a store does: read,
// change, write if nothing happened meanwhile, else again.
func (t table) increment(key string) error {
	for {
		row, err := t.rows.Get(t.Context(), "p", key)
		if err != nil {
			return err
		}
		n, err := strconv.Atoi(string(row.Data))
		if err != nil {
			return err
		}
		row.Data = []byte(strconv.Itoa(n + 1))
		if _, err = t.rows.Put(t.Context(), row); !errors.Is(err, store.ErrConflict) {
			return err
		}
	}
}

// count counts a success, lets the expected refusal pass and returns any other
// error.
func count(won *atomic.Int64, err, expected error) error {
	if err == nil {
		won.Add(1)
		return nil
	}
	if errors.Is(err, expected) {
		return nil
	}
	return err
}
