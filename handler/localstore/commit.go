package localstore

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"time"

	"callout/handler/store"

	bolt "go.etcd.io/bbolt"
)

// maxBatch bounds the writes of one transaction, and with it the memory that a
// commit holds: 64 rows of the largest size are 58 MB.
const maxBatch = 64

// write is one conditional change. check looks and may refuse, for this write
// alone; apply changes, and can only fail for all. Keeping them apart is what
// lets strangers share a transaction.
type write struct {
	check func(*bolt.Tx) error
	apply func(*bolt.Tx) error

	refused error
	done    chan error // holds one answer, so that nobody waits for a caller who left
}

// committer is the only writer. It commits what waits as one transaction: the
// disk is asked to sync once for all writers that are there, whatever tables they
// write to, and a single writer waits for nobody.
type committer struct {
	db      *bolt.DB
	queue   chan *write // without a buffer: what is in it belongs to the committer
	closing chan struct{}
	ended   chan struct{}
}

func newCommitter(db *bolt.DB) *committer {
	c := &committer{db: db, queue: make(chan *write), closing: make(chan struct{}), ended: make(chan struct{})}
	go c.run()
	return c
}

// do hands w over and returns its answer once it is on disk. If ctx ends
// before, do returns its error, and the write may or may not happen.
func (c *committer) do(ctx context.Context, w *write) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	w.done = make(chan error, 1)
	select {
	case c.queue <- w:
	case <-ctx.Done():
		return ctx.Err()
	case <-c.closing:
		return ErrClosed
	}
	select {
	case err := <-w.done:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// stop ends the committer after the writes that it has taken up. It must be
// called once.
func (c *committer) stop() {
	close(c.closing)
	<-c.ended
}

func (c *committer) run() {
	defer close(c.ended)
	for {
		select {
		case first := <-c.queue:
			c.commit(c.gather(first))
		case <-c.closing:
			return
		}
	}
}

// The committer steps back for writers that are about to come: as often as a few
// hundredths of a sync take, and no oftener than that where the clock stands still.
const (
	patience = 20 * time.Microsecond
	yields   = 100
)

// gather takes the writes that wait, and those of goroutines that can run at this
// moment: of a caller who writes several rows at once, and of those who have just
// been answered. Without that, these would miss the transaction by a hair and pay
// for one of their own. Nobody is waited for who is not there.
func (c *committer) gather(first *write) []*write {
	batch := []*write{first}
	for last, yielded := time.Now(), 0; len(batch) < maxBatch; {
		select {
		case w := <-c.queue:
			batch, last, yielded = append(batch, w), time.Now(), 0
		default:
			if yielded++; yielded > yields || time.Since(last) > patience {
				return batch
			}
			runtime.Gosched()
		}
	}
	return batch
}

// commit writes the batch in one transaction and answers each member. When the
// transaction fails, all get store.ErrUnavailable, the refused ones too: what
// refused them may have been a change of the same batch.
func (c *committer) commit(batch []*write) {
	err := c.db.Update(func(tx *bolt.Tx) error { return applyAll(tx, batch) })
	for _, w := range batch {
		switch {
		case err == nil || errors.Is(err, errNothing):
			w.done <- w.refused
		default:
			w.done <- fmt.Errorf("localstore: the write could not be committed; check the disk's space and health: %w: %w",
				store.ErrUnavailable, err)
		}
	}
}

// errNothing rolls back a transaction that has changed nothing, which saves
// the sync.
var errNothing = errors.New("localstore: nothing to commit")

func applyAll(tx *bolt.Tx, batch []*write) error {
	outcome := errNothing
	for _, w := range batch {
		if w.refused = w.check(tx); w.refused != nil {
			continue
		}
		if err := w.apply(tx); err != nil {
			return err
		}
		outcome = nil
	}
	return outcome
}
