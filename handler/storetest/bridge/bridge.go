// Package bridge lets tests within a testing/synctest bubble use real services:
// Azurite over HTTP, an embedded database, anything that waits for a network or
// a disk.
//
// Time in a bubble moves only when all its goroutines are durably blocked. One
// that reads from a network is not, and the idle connections of an HTTP
// transport keep such goroutines for good. So the real work is done by
// goroutines outside the bubble. Who waits for them waits on a channel of the
// outside, which is not durable either: the bubble's time stands still until the
// answer is there, as if it had come at once.
package bridge

import (
	"testing"
	"time"
)

// parallel is how many calls are outside at a time. The rest wait their turn,
// which takes no time of the bubble.
const parallel = 64

// Bridge leads out of bubbles. It may be used by many goroutines, of several
// bubbles and of none.
type Bridge struct {
	idle chan worker
}

// worker is a goroutine outside. Its channels were made there, since one that
// was made in a bubble may not be used outside it.
type worker struct {
	todo chan func()
	done chan struct{}
}

// New must be called outside of any bubble. The bridge ends with the test: its
// calls have to be back by then.
func New(t testing.TB) *Bridge {
	t.Helper()
	b := &Bridge{idle: make(chan worker, parallel)}
	for range parallel {
		w := worker{todo: make(chan func()), done: make(chan struct{})}
		go w.work()
		t.Cleanup(func() { close(w.todo) })
		b.idle <- w
	}
	return b
}

func (w worker) work() {
	for f := range w.todo {
		f()
		w.done <- struct{}{}
	}
}

// Do runs f outside and returns when it has ended. There the time is the real
// one. f may use no context, channel or timer of the bubble, and must not end
// its goroutine, as t.Fatal does.
func (b *Bridge) Do(f func()) {
	w := <-b.idle
	w.todo <- f
	<-w.done
	b.idle <- w
}

// Present takes the bubble from the year 2000, where all begin, to the real
// present, by sleeping. It is for what compares times of the bubble with those of
// the outside.
func (b *Bridge) Present() {
	var present time.Time
	b.Do(func() { present = time.Now().Round(0) })
	time.Sleep(present.Sub(time.Now().Round(0)))
}
