package catalog

import (
	"context"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"

	"callout/handler/callout"
)

// memory keeps what was read from a store, for as long as it may be used without
// asking again. At most one read of a key is under way. When the store cannot be
// reached, what is known goes on being used: a call should not fail because
// nobody can say whether its configuration has changed.
type memory[T any] struct {
	ttl time.Duration
	now func() time.Time

	mu      sync.Mutex
	known   map[string]known[T]
	changes uint64 // counts what forget was told, so that a read which began before is not remembered
	flights singleflight.Group
}

type known[T any] struct {
	value T
	asked time.Time
}

const (
	// maxKnown bounds the memory of one kind.
	maxKnown = 20000
	// readTimeout ends a read that all its callers share.
	readTimeout = 25 * time.Second
	// patience is how long a caller waits for a read when the answer is already
	// known, though not fresh.
	patience = 2 * time.Second
)

func newMemory[T any](ttl time.Duration, now func() time.Time) *memory[T] {
	return &memory[T]{ttl: ttl, now: now, known: map[string]known[T]{}}
}

// get returns the value of key, from memory if it was asked for within the TTL.
// read gets what is known so far, if anything is. A caller whose ctx ends leaves
// the read to the others.
func (m *memory[T]) get(ctx context.Context, key string, read func(ctx context.Context, old T, had bool) (T, error)) (T, error) {
	now := m.now()
	m.mu.Lock()
	k, had := m.known[key]
	changes := m.changes
	m.mu.Unlock()
	if had && now.Sub(k.asked) < m.ttl {
		return k.value, nil
	}
	flight := m.flights.DoChan(key, func() (any, error) {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), readTimeout)
		defer cancel()
		value, err := read(ctx, k.value, had)
		if had && isCode(err, callout.StorageUnavailable) {
			value, err = k.value, nil // and ask again when its time is over
		}
		m.learn(key, known[T]{value: value, asked: now}, err, changes)
		return value, err
	})
	var impatient <-chan time.Time
	if had {
		impatient = time.After(patience)
	}
	select {
	case result := <-flight:
		value, _ := result.Val.(T)
		return value, result.Err
	case <-impatient:
		return k.value, nil
	case <-ctx.Done():
		var none T
		return none, callout.Unavailable(ctx.Err())
	}
}

// learn remembers what was read, unless something was changed here meanwhile.
// What could not be read is not there any more, or not to be used.
func (m *memory[T]) learn(key string, k known[T], err error, changes uint64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	switch {
	case err != nil:
		delete(m.known, key)
	case changes == m.changes:
		if len(m.known) >= maxKnown {
			clear(m.known)
		}
		m.known[key] = k
	}
}

// forget is told of every change that is made here: whoever asks from now on
// gets what is read from now on.
func (m *memory[T]) forget(key string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.changes++
	delete(m.known, key)
	m.flights.Forget(key)
}

// drop is told that there is nothing at key. It does not count as a change: who
// asks for what does not exist must not keep the rest out of memory.
func (m *memory[T]) drop(key string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.known, key)
}
