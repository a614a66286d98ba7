// Package keyring holds the secrets that Callout makes for itself. First of them
// is the deployment's key, by which whatever is sensitive is sealed before it is
// stored in a table. Each use has a subkey of its own.
package keyring

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"

	"callout/handler/secret"
	"callout/handler/store"
)

// KeyName is the vault's secret that holds the deployment's key: 32 random bytes
// in base64. It is made on first use. What was sealed under a version that is
// disabled or removed cannot be opened any more.
const KeyName = "callout-token-key"

// Rows is a table that all instances share. It says who makes a secret.
type Rows interface {
	// Get fails with store.ErrNotFound.
	Get(ctx context.Context, partition, key string) (store.Row, error)
	// Put fails with store.ErrConflict when row.ETag is not the present one.
	Put(ctx context.Context, row store.Row) (etag string, err error)
}

// Vault keeps the secrets.
type Vault interface {
	// Set fails with store.ErrConflict if the name was deleted.
	Set(ctx context.Context, name string, value secret.Secret) (version string, err error)
	// Get returns the latest version if version is empty. It fails with
	// store.ErrNotFound and store.ErrDisabled.
	Get(ctx context.Context, name, version string) (secret.Secret, error)
	Versions(ctx context.Context, name string) ([]store.Version, error)
}

// Options say where a Keyring finds the secrets, and who makes them.
type Options struct {
	// Rows is the table of tokens, where earlier versions of Callout look for the
	// same mark.
	Rows  Rows
	Vault Vault
	// Now is a clock on which all instances agree to within a few seconds.
	Now func() time.Time
}

// Keyring finds the secrets, and has each made by one instance if there is none.
// It is safe for concurrent use.
//
// The key is read once. A version that is set later is used for sealing by the
// instances that start from then on, and by all for opening.
type Keyring struct {
	opts    Options
	flights singleflight.Group

	mu sync.Mutex
	// present is the version that was the latest when it was read.
	present *Key
	// err is why there is none, until errUntil.
	err      error
	errUntil time.Time
	older    older
}

// New returns a Keyring. Nothing is read yet.
func New(opts Options) *Keyring {
	now := opts.Now
	// Without the monotonic reading, which stands still while a machine sleeps.
	opts.Now = func() time.Time { return now().Round(0) }
	return &Keyring{opts: opts, older: older{keys: map[[idSize]byte]*Key{}, read: map[string]bool{}}}
}

// outage is how long a store that was down is not asked for the key again, nor
// one that was up for an older key that it did not have.
const outage = 10 * time.Second

// Prepare reads the key, if that has not been done: a cold call would otherwise
// wait for one store after the other. It does not wait.
func (k *Keyring) Prepare(ctx context.Context) {
	if known, err := k.known(); known == nil && err == nil {
		k.load(ctx)
	}
}

// Key returns the deployment's key, from memory once it was read. It fails as
// Secret does, or with ctx's error.
func (k *Keyring) Key(ctx context.Context) (*Key, error) {
	if known, err := k.known(); known != nil || err != nil {
		return known, err
	}
	select {
	case result := <-k.load(ctx):
		found, _ := result.Val.(*Key)
		return found, result.Err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// known returns what is in memory: the key, or an error, or neither.
func (k *Keyring) known() (*Key, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.err != nil && within(k.opts.Now(), k.errUntil, outage) {
		return nil, k.err
	}
	return k.present, nil
}

// load reads the key for all who wait for it. Who leaves does not end it.
func (k *Keyring) load(ctx context.Context) <-chan singleflight.Result {
	return k.flights.DoChan(KeyName, func() (any, error) {
		found, err := k.read(context.WithoutCancel(ctx))
		k.learn(found, err)
		return found, err
	})
}

func (k *Keyring) read(ctx context.Context) (*Key, error) {
	value, err := k.Secret(ctx, Own{Name: KeyName, New: newKey, Replace: true})
	if err != nil {
		return nil, err
	}
	return parseKey(value)
}

// learn remembers the key, or for a moment that there is none to be had: waiting
// for it again would cost every caller as much.
func (k *Keyring) learn(found *Key, err error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.present, k.err = found, err; err != nil {
		k.errUntil = k.opts.Now().Add(outage)
	}
}

func newKey() secret.Secret {
	var root [keySize]byte
	_, _ = rand.Read(root[:]) // never fails
	return secret.New(base64.StdEncoding.EncodeToString(root[:]))
}
