package localstore

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"testing"
	"testing/synctest"

	"callout/handler/secret"
	"callout/handler/store"

	bolt "go.etcd.io/bbolt"
)

// hold keeps the committer in the middle of a transaction until release is
// called, which returns what the write that holds it was answered. Within a
// synctest bubble, synctest.Wait then returns when all others wait.
func hold(ctx context.Context, s *Store) (release func() error) {
	gate, answer := make(chan struct{}), make(chan error, 1)
	go func() {
		answer <- s.writes.do(ctx, &write{
			check: func(*bolt.Tx) error { <-gate; return nil },
			apply: func(*bolt.Tx) error { return nil },
		})
	}()
	synctest.Wait()
	return func() error {
		close(gate)
		return <-answer
	}
}

// transactions returns the number of the last transaction that was committed.
func transactions(t *testing.T, s *Store) (number int) {
	t.Helper()
	err := s.db.View(func(tx *bolt.Tx) error {
		number = tx.ID()
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return number
}

func TestWritesThatWaitAreCommittedTogether(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := open(t, t.TempDir())
		const writers = maxBatch + 36
		put(t, s, "taken", []byte("data"))
		release := hold(t.Context(), s)
		answers := make(chan error, writers)
		for i := range writers {
			key := fmt.Sprint("k", i)
			if i%10 == 0 {
				key = "taken"
			}
			go func() {
				_, err := s.Table(people).Put(t.Context(), store.Row{Partition: "p", Key: key})
				if key == "taken" && errors.Is(err, store.ErrConflict) {
					err = nil
				}
				answers <- err
			}()
		}
		synctest.Wait()
		before := transactions(t, s)
		if err := release(); err != nil {
			t.Fatal(err)
		}
		for range writers {
			if err := <-answers; err != nil {
				t.Error(err)
			}
		}
		if got := transactions(t, s) - before; got != 3 {
			t.Errorf("the write that held and %d others took %d transactions, want 1 and 2", writers, got)
		}
		page, err := s.Table(people).List(t.Context(), store.Range{Partition: "p"})
		if want := writers - writers/10 + 1; err != nil || len(page.Rows) != want {
			t.Errorf("there are %d rows, want %d (%v)", len(page.Rows), want, err)
		}
	})
}

func TestWritesToSeveralTablesShareATransaction(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := open(t, t.TempDir())
		release := hold(t.Context(), s)
		tables := []string{store.Configs, store.Executions, store.Index, store.Tokens, store.Keys}
		answers := make(chan error, 2*len(tables))
		for _, name := range tables {
			for _, key := range []string{"a", "b"} {
				go func() {
					_, err := s.Table(name).Put(t.Context(), store.Row{Partition: "p", Key: key})
					answers <- err
				}()
			}
		}
		synctest.Wait()
		before := transactions(t, s)
		if err := release(); err != nil {
			t.Fatal(err)
		}
		for range cap(answers) {
			if err := <-answers; err != nil {
				t.Error(err)
			}
		}
		if got := transactions(t, s) - before; got != 2 {
			t.Errorf("the write that held and %d others took %d transactions, want 1 and 1", cap(answers), got)
		}
	})
}

// Who writes two rows at once does not pay for two transactions, although the first
// is on its way before the second is there. One processor makes their order certain
// enough to count.
func TestTheRowsOfOneCallerShareATransaction(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	s := open(t, t.TempDir())
	put(t, s, "first", nil)
	const times = 100
	before := transactions(t, s)
	for i := range times {
		var both sync.WaitGroup
		for _, name := range []string{"one", "two"} {
			both.Go(func() {
				if _, err := s.Table(name).Put(t.Context(), store.Row{Partition: "p", Key: fmt.Sprint(i)}); err != nil {
					t.Error(err)
				}
			})
		}
		both.Wait()
	}
	if got := transactions(t, s) - before; got > times*3/2 {
		t.Errorf("%d pairs took %d transactions", times, got)
	}
}

func TestAWriteIsAnsweredAfterItsTransactionOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := open(t, t.TempDir())
		releaseFirst := hold(t.Context(), s)
		answer := make(chan error, 1)
		go func() {
			_, err := s.Table(people).Put(t.Context(), store.Row{Partition: "p", Key: "k"})
			answer <- err
		}()
		synctest.Wait()
		releaseSecond := hold(t.Context(), s) // waits behind the row, to be committed with it
		if err := releaseFirst(); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		select {
		case err := <-answer:
			t.Errorf("Put was answered before its transaction ended (%v)", err)
		default:
		}
		if _, err := s.Table(people).Get(t.Context(), "p", "k"); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("the row can be seen before its transaction ended (%v)", err)
		}
		if err := releaseSecond(); err != nil {
			t.Fatal(err)
		}
		if err := <-answer; err != nil {
			t.Error(err)
		}
		if _, err := s.Table(people).Get(t.Context(), "p", "k"); err != nil {
			t.Error(err)
		}
	})
}

func TestAWriteSeesTheOneBeforeItInItsTransaction(t *testing.T) {
	s := open(t, t.TempDir())
	table := s.Table(people)
	insert := func() *write {
		key := rowKey("p", "k")
		return &write{
			check: func(tx *bolt.Tx) error {
				if table.stored(tx, key) != nil {
					return store.ErrConflict
				}
				return nil
			},
			apply: func(tx *bolt.Tx) error { return table.put(tx, key, []byte("stamp---")) },
			done:  make(chan error, 1),
		}
	}
	// The committer has no work, so that the test may commit in its place.
	first, second := insert(), insert()
	s.writes.commit([]*write{first, second})
	if err := <-first.done; err != nil {
		t.Errorf("first: %v", err)
	}
	if err := <-second.done; !errors.Is(err, store.ErrConflict) {
		t.Errorf("second: %v", err)
	}
}

func TestARefusedWriteCostsNoTransaction(t *testing.T) {
	s := open(t, t.TempDir())
	put(t, s, "k", []byte("data"))
	before := transactions(t, s)
	if _, err := s.Table(people).Put(t.Context(), store.Row{Partition: "p", Key: "k"}); !errors.Is(err, store.ErrConflict) {
		t.Fatal(err)
	}
	if got := transactions(t, s) - before; got != 0 {
		t.Errorf("it took %d", got)
	}
}

func TestAFailedCommitFailsAllItsWritesAndNoOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := open(t, t.TempDir())
		put(t, s, "taken", []byte("data"))
		s.db.MaxSize = 256 << 10 // what a full disk is to bbolt
		release := hold(t.Context(), s)
		rows := []store.Row{{Key: "small"}, {Key: "taken"}, {Key: "large", Data: make([]byte, store.MaxData)}}
		answers := make(chan error, len(rows))
		for _, row := range rows {
			row.Partition = "p"
			go func() {
				_, err := s.Table(people).Put(t.Context(), row)
				answers <- err
			}()
		}
		synctest.Wait()
		if err := release(); err != nil {
			t.Fatal(err)
		}
		for range rows {
			if err := <-answers; !errors.Is(err, store.ErrUnavailable) || errors.Is(err, store.ErrConflict) {
				t.Errorf("a write of the failed transaction: %v", err)
			}
		}
		for _, key := range []string{"small", "large"} {
			if _, err := s.Table(people).Get(t.Context(), "p", key); !errors.Is(err, store.ErrNotFound) {
				t.Errorf("%s: %v", key, err)
			}
		}
		put(t, s, "small", []byte("the next one"))
	})
}

func TestAWriteWhoseContextEndsIsNotWaitedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := open(t, t.TempDir())
		taken, cancelTaken := context.WithCancel(t.Context())
		release := hold(taken, s)
		waiting, cancelWaiting := context.WithCancel(t.Context())
		answer := make(chan error, 1)
		go func() {
			_, err := s.Table(people).Put(waiting, store.Row{Partition: "p", Key: "k"})
			answer <- err
		}()
		synctest.Wait()

		cancelWaiting()
		if err := <-answer; !errors.Is(err, context.Canceled) {
			t.Errorf("a write that waits: %v", err)
		}
		cancelTaken()
		synctest.Wait()
		if err := release(); !errors.Is(err, context.Canceled) {
			t.Errorf("a write that was taken up: %v", err)
		}
		put(t, s, "next", nil)
		if _, err := s.Table(people).Get(t.Context(), "p", "k"); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("the write that was given up: %v", err)
		}
	})
}

func TestCloseFinishesWhatWasTakenUpAndRefusesTheRest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := open(t, t.TempDir())
		release := hold(t.Context(), s)
		answers, closed := make(chan error, 3), make(chan error, 1)
		for i := range cap(answers) {
			go func() {
				_, err := s.Table(people).Put(t.Context(), store.Row{Partition: "p", Key: fmt.Sprint(i)})
				answers <- err
			}()
		}
		synctest.Wait()
		go func() { closed <- s.Close() }()
		for range cap(answers) {
			if err := <-answers; !errors.Is(err, ErrClosed) {
				t.Errorf("a write that waited: %v", err)
			}
		}
		select {
		case err := <-closed:
			t.Fatalf("Close did not wait for the write that was taken up (%v)", err)
		default:
		}
		if err := release(); err != nil {
			t.Errorf("the write that was taken up: %v", err)
		}
		if err := <-closed; err != nil {
			t.Errorf("Close: %v", err)
		}
	})
}

func TestEveryCallAfterCloseSaysSo(t *testing.T) {
	s := open(t, t.TempDir())
	if err := errors.Join(s.Close(), s.Close()); err != nil {
		t.Fatal(err)
	}
	ctx, table, vault := t.Context(), s.Table(people), s.Vault()
	_, get := table.Get(ctx, "p", "k")
	_, put := table.Put(ctx, store.Row{Partition: "p", Key: "k"})
	remove := table.Delete(ctx, "p", "k", store.Any)
	_, list := table.List(ctx, store.Range{Partition: "p"})
	_, set := vault.Set(ctx, "name", secret.New("value"))
	_, reveal := vault.Get(ctx, "name", "")
	disable := vault.Disable(ctx, "name", "version")
	erase := vault.Delete(ctx, "name")
	_, versions := vault.Versions(ctx, "name")
	_, names := vault.Names(ctx)
	for i, err := range []error{get, put, remove, list, set, reveal, disable, erase, versions, names} {
		if !errors.Is(err, ErrClosed) || !errors.Is(err, store.ErrUnavailable) {
			t.Errorf("call %d: %v", i, err)
		}
	}
}
