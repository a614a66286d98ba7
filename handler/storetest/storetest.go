// Package storetest is the one suite that every store passes: it states what
// rows and secrets promise, in terms that an embedded database, Table Storage
// and Key Vault can all keep. What it does not state, no caller may rely on.
package storetest

import (
	"context"
	"errors"
	"testing"

	"callout/handler/secret"
	"callout/handler/store"
)

// Rows is a table.
type Rows interface {
	Get(ctx context.Context, partition, key string) (store.Row, error)
	Put(ctx context.Context, row store.Row) (etag string, err error)
	Delete(ctx context.Context, partition, key, etag string) error
	List(ctx context.Context, r store.Range) (store.Page, error)
}

// SecretVault is a vault.
type SecretVault interface {
	Set(ctx context.Context, name string, value secret.Secret) (version string, err error)
	Get(ctx context.Context, name, version string) (secret.Secret, error)
	Disable(ctx context.Context, name, version string) error
	Delete(ctx context.Context, name string) error
}

// SecretLister tells what is in a vault without reading values.
type SecretLister interface {
	Versions(ctx context.Context, name string) ([]store.Version, error)
	Names(ctx context.Context) ([]string, error)
}

// The most that a store must take, in bytes, and the least that it must
// refuse. Key Vault's 25 KB may be read in two ways; the suite keeps off the
// bytes between them.
const (
	largestHead   = 32 << 10
	largestRow    = 900 << 10
	largestSecret = 25_000
	tooLongSecret = 25<<10 + 1
	largestKey    = 512
)

// Tables runs the suite over tables. open must return an empty one, apart from
// all others, each time.
func Tables(t *testing.T, open func(t *testing.T) Rows) {
	groups := []struct {
		name  string
		cases []tableCase
	}{
		{"write", writeCases},
		{"delete", deleteCases},
		{"range", rangeCases},
		{"head", headCases},
		{"keys", keysCases},
		{"limit", limitCases},
		{"concurrent", concurrentCases},
	}
	for _, group := range groups {
		t.Run(group.name, func(t *testing.T) {
			for _, c := range group.cases {
				t.Run(c.name, func(t *testing.T) { c.test(table{t, open(t)}) })
			}
		})
	}
}

// Vault runs the suite over vaults. open must return an empty one, apart from
// all others, each time.
func Vault(t *testing.T, open func(t *testing.T) SecretVault) {
	for _, c := range vaultCases {
		t.Run(c.name, func(t *testing.T) { c.test(vault{t, open(t)}) })
	}
}

// Listing runs the suite over what finds orphans. open must return the two
// faces of one empty vault each time.
func Listing(t *testing.T, open func(t *testing.T) (SecretVault, SecretLister)) {
	for _, c := range listingCases {
		t.Run(c.name, func(t *testing.T) {
			secrets, lister := open(t)
			c.test(listing{vault{t, secrets}, lister})
		})
	}
}

// refused fails the test unless err is the one that was wanted.
func refused(t *testing.T, what string, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("%s: %v; want %v", what, err, want)
	}
}

// invalid fails the test unless err says that the call itself was wrong,
// whatever the store holds.
func invalid(t *testing.T, what string, err error) {
	t.Helper()
	if err == nil {
		t.Errorf("%s was not refused", what)
	}
	for _, state := range []error{store.ErrNotFound, store.ErrConflict, store.ErrUnavailable, store.ErrDisabled, store.ErrTooLarge} {
		if errors.Is(err, state) {
			t.Errorf("%s: %v; want it refused as invalid", what, err)
		}
	}
}
