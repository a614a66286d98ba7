package keyring

import (
	"context"
	"errors"
	"slices"
	"time"

	"golang.org/x/sync/singleflight"

	"callout/handler/store"
)

// older are the versions of the key that were not the latest when that was read.
type older struct {
	keys map[[idSize]byte]*Key
	read map[string]bool // versions that need not be read again
	// err is why a key cannot be found, until errUntil: whoever can write to a
	// table could have the vault asked without end otherwise.
	err      error
	errUntil time.Time
}

const (
	// maxOlder is how many versions are looked at, the newest first. Nothing that
	// is sealed is kept for as long as it takes to make so many.
	maxOlder = 50
	// glance is how long a key that the vault does not have is not looked for
	// again. It is short, because another instance may be using the next one.
	glance = time.Second
)

// keyOf returns the key of that id.
func (k *Keyring) keyOf(ctx context.Context, id [idSize]byte) (*Key, error) {
	present, err := k.Key(ctx)
	if err == nil && present.id == id {
		return present, nil
	}
	if found, known := k.olderKey(id); found != nil || known != nil {
		return found, known
	}
	if err != nil {
		return nil, err
	}
	select {
	case result := <-k.loadOlder(ctx):
		if result.Err != nil {
			return nil, result.Err
		}
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if found, _ := k.olderKey(id); found != nil {
		return found, nil
	}
	return nil, ErrKeyGone
}

// olderKey returns what is in memory: the key, or an error, or neither.
func (k *Keyring) olderKey(id [idSize]byte) (*Key, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if found := k.older.keys[id]; found != nil {
		return found, nil
	}
	if within(k.opts.Now(), k.older.errUntil, outage) {
		return nil, k.older.err
	}
	return nil, nil
}

// loadOlder reads the versions that are not in memory, for all who wait.
func (k *Keyring) loadOlder(ctx context.Context) <-chan singleflight.Result {
	return k.flights.DoChan("older than "+KeyName, func() (any, error) {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), findTimeout)
		defer cancel()
		err, pause := k.readOlder(ctx), outage
		k.mu.Lock()
		defer k.mu.Unlock()
		if k.older.err = err; err == nil {
			k.older.err, pause = ErrKeyGone, glance
		}
		k.older.errUntil = k.opts.Now().Add(pause)
		return nil, err
	})
}

func (k *Keyring) readOlder(ctx context.Context) error {
	versions, err := k.opts.Vault.Versions(ctx, KeyName)
	if err != nil {
		return err
	}
	slices.SortFunc(versions, func(a, b store.Version) int { return b.Created.Compare(a.Created) })
	for _, v := range versions[:min(len(versions), maxOlder)] {
		if err := k.readVersion(ctx, v); err != nil {
			return err
		}
	}
	return nil
}

// readVersion reads a version, unless it is in memory. What is no key, or was
// switched off meanwhile, opens nothing.
func (k *Keyring) readVersion(ctx context.Context, v store.Version) error {
	k.mu.Lock()
	skip := !v.Enabled || k.older.read[v.ID]
	k.mu.Unlock()
	if skip {
		return nil
	}
	value, err := k.opts.Vault.Get(ctx, KeyName, v.ID)
	if errors.Is(err, store.ErrNotFound) || errors.Is(err, store.ErrDisabled) {
		return nil
	}
	if err != nil {
		return err
	}
	key, err := parseKey(value)
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.older.read[v.ID] = true; err == nil {
		k.older.keys[key.id] = key
	}
	return nil
}
