package keyring

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	mathrand "math/rand/v2"
	"time"

	"callout/handler/secret"
	"callout/handler/store"
)

// Own is a secret that Callout makes for itself if the vault has none.
type Own struct {
	// Name is the secret's name in the vault.
	Name string
	// New makes a value.
	New func() secret.Secret
	// Replace has another one made in the place of one that was disabled. It is
	// for what nobody else needs to know; a secret that others hold too stays
	// disabled until somebody enables it or sets another.
	Replace bool
}

// missing reports whether the secret has to be made.
func (o Own) missing(err error) bool {
	return errors.Is(err, store.ErrNotFound) || o.Replace && errors.Is(err, store.ErrDisabled)
}

// markKey is the key of the row that says who makes the secret. That of the
// deployment's key has the name it had when there was no other.
func (o Own) markKey() string {
	if o.Name == KeyName {
		return "maker"
	}
	return "maker-" + o.Name
}

const (
	// leaseTime is what an instance has to make a secret.
	leaseTime = 20 * time.Second
	// findTimeout bounds the reading and the making of a secret. It is longer than
	// the lease of whoever makes it: that one may have died.
	findTimeout = leaseTime + 10*time.Second
	// tries is how often a store is asked before it counts as down.
	tries = 4
	// poll is how long, on average, somebody who does not make a secret waits
	// before looking for it again.
	poll = 50 * time.Millisecond
)

// Secret reads a secret from the vault, and has it made if there is none: by one
// instance, however many look for it at once. A store that fails once is asked
// again. It takes half a minute at most.
//
// Errors: store.ErrUnavailable; store.ErrDisabled where the secret is not to be
// replaced; store.ErrConflict if the name was deleted, which a vault may keep
// from being used again for a while; those of ctx.
func (k *Keyring) Secret(ctx context.Context, own Own) (secret.Secret, error) {
	ctx, cancel := context.WithTimeout(ctx, findTimeout)
	defer cancel()
	nonce := rand.Text()
	for failed := 0; ; {
		value, err := k.opts.Vault.Get(ctx, own.Name, "")
		if err == nil {
			return value, nil
		}
		if own.missing(err) {
			err = k.make(ctx, own, nonce)
		}
		if failed++; err == nil {
			failed = 0
		}
		if failed == tries || errors.Is(err, store.ErrConflict) || errors.Is(err, store.ErrDisabled) {
			return secret.Secret{}, err
		}
		if pause(ctx, poll/2+mathrand.N(poll)) != nil {
			return secret.Secret{}, errors.Join(ctx.Err(), err)
		}
	}
}

// markPartition has a row for each secret that was made, which says who makes it:
// a vault takes two new versions at the same moment, and half of the instances
// would go on with one of them, half with the other.
const markPartition = "key"

// mark is the row. It is not cleared when the secret is there: nobody looks at it
// any more.
type mark struct {
	Owner   string `json:"owner"`
	UntilMS int64  `json:"untilMs"`
}

// make makes a secret, unless somebody else is about to.
func (k *Keyring) make(ctx context.Context, own Own, nonce string) error {
	row, err := k.opts.Rows.Get(ctx, markPartition, own.markKey())
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return err
	}
	row.Partition, row.Key = markPartition, own.markKey()
	var now mark
	_ = json.Unmarshal(row.Data, &now) // what cannot be read is nobody's
	switch {
	case now.Owner == nonce:
		_, err = k.opts.Vault.Set(ctx, own.Name, own.New())
		if errors.Is(err, store.ErrConflict) { // the name was deleted
			_ = k.putMark(ctx, row, mark{}) // or the others wait for what will not be
		}
		return err
	case within(k.opts.Now(), time.UnixMilli(now.UntilMS), leaseTime):
		return nil
	}
	return k.putMark(ctx, row, mark{Owner: nonce, UntilMS: k.opts.Now().Add(leaseTime).UnixMilli()})
}

// putMark writes the row, unless somebody else was faster.
func (k *Keyring) putMark(ctx context.Context, row store.Row, m mark) error {
	row.Data, _ = json.Marshal(m) // cannot fail
	_, err := k.opts.Rows.Put(ctx, row)
	if errors.Is(err, store.ErrConflict) {
		return nil
	}
	return err
}

// within reports whether a time that was set for at most that long is still to
// come. One that is farther off was set by a clock that has been put back since.
func within(now, until time.Time, longest time.Duration) bool {
	const slack = 10 * time.Second // what clocks may differ by, and more
	left := until.Sub(now)
	return left > 0 && left <= longest+slack
}

// pause waits. It fails when ctx ends first.
func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
