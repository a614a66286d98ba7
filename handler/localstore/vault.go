package localstore

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"
	"unicode/utf8"

	"callout/handler/secret"
	"callout/handler/store"

	bolt "go.etcd.io/bbolt"
)

// MaxSecret is the length in bytes of the largest secret: Key Vault's 25 KB,
// read strictly.
const MaxSecret = 25_000

// ErrInvalidName: a secret's name is not of the form that Key Vault takes.
// Nothing was read or written.
var ErrInvalidName = errors.New("localstore: a secret's name must have 1 to 127 letters, digits and hyphens")

// ErrInvalidSecret: a secret is unset, empty or not UTF-8, which Key Vault
// could not keep as it is. Nothing was written.
var ErrInvalidSecret = errors.New("localstore: a secret must be set, and be UTF-8 text that is not empty")

var secretName = regexp.MustCompile(`^[0-9a-zA-Z-]+$`)

const maxName = 127

// Vault holds secrets by name, each in versions that never change. Names that
// differ in case only are the same name, as in Key Vault. Every call returns
// ctx's error at once if ctx is done, ErrInvalidName for a name that no secret
// can have, and ErrClosed after Close. No error holds a value or a name.
type Vault struct{ store *Store }

// Set stores a new version, which becomes the latest, and returns its id: 32
// hexadecimal digits. It is on disk when Set returns without an error. If ctx
// ends while Set waits, Set returns its error, and the version may or may not
// be stored.
//
// Errors: ErrInvalidSecret; store.ErrTooLarge for more than MaxSecret bytes;
// store.ErrConflict if the name was deleted; store.ErrUnavailable if the disk
// failed.
func (v *Vault) Set(ctx context.Context, name string, value secret.Secret) (string, error) {
	name, err := canonicalName(name)
	if err != nil {
		return "", err
	}
	if err := checkSecret(value); err != nil {
		return "", err
	}
	version := v.newVersion(name, value)
	err = v.store.writes.do(ctx, &write{
		check: func(tx *bolt.Tx) error {
			if tx.Bucket(deletedBucket).Get([]byte(name)) != nil {
				return fmt.Errorf("localstore: a secret of this name was deleted, and names are not used again; choose another: %w", store.ErrConflict)
			}
			return nil
		},
		apply: func(tx *bolt.Tx) error { return appendVersion(tx, name, version) },
	})
	if err != nil {
		return "", err
	}
	return version.ID, nil
}

// Get returns the value of a version, or of the latest if version is empty.
// When the latest is disabled an older one does not take its place.
//
// Errors: store.ErrNotFound, store.ErrDisabled, ErrDamaged.
func (v *Vault) Get(ctx context.Context, name, version string) (secret.Secret, error) {
	name, err := canonicalName(name)
	if err != nil {
		return secret.Secret{}, err
	}
	var value secret.Secret
	err = v.store.view(ctx, func(tx *bolt.Tx) error {
		_, found, err := findVersion(tx, name, version)
		if err != nil {
			return err
		}
		value, err = v.reveal(name, found)
		return err
	})
	return value, err
}

// Disable switches a version off for good: Get gives store.ErrDisabled for it.
// Disabling it again changes nothing. The version must be named; "" is none.
//
// Errors: store.ErrNotFound, store.ErrUnavailable if the disk failed.
func (v *Vault) Disable(ctx context.Context, name, version string) error {
	name, err := canonicalName(name)
	if err != nil {
		return err
	}
	if version == "" {
		return errNoVersion
	}
	var at []byte
	var found storedVersion
	return v.store.writes.do(ctx, &write{
		check: func(tx *bolt.Tx) (err error) {
			at, found, err = findVersion(tx, name, version)
			return err
		},
		apply: func(tx *bolt.Tx) error {
			found.Enabled = false
			return secretBucket(tx, name).Put(at, found.encode())
		},
	})
}

// Delete removes a secret with all its versions. The name may not be used
// again: Key Vault's soft delete blocks it too.
//
// Errors: store.ErrNotFound, store.ErrUnavailable if the disk failed.
func (v *Vault) Delete(ctx context.Context, name string) error {
	name, err := canonicalName(name)
	if err != nil {
		return err
	}
	return v.store.writes.do(ctx, &write{
		check: func(tx *bolt.Tx) error {
			if secretBucket(tx, name) == nil {
				return errNoVersion
			}
			return nil
		},
		apply: func(tx *bolt.Tx) error {
			return errors.Join(
				tx.Bucket(secretsBucket).DeleteBucket([]byte(name)),
				tx.Bucket(deletedBucket).Put([]byte(name), []byte(time.Now().UTC().Format(time.RFC3339))))
		},
	})
}

// Versions returns the versions of a secret without their values, oldest
// first, and none if there is no such secret.
//
// Errors: ErrDamaged.
func (v *Vault) Versions(ctx context.Context, name string) ([]store.Version, error) {
	name, err := canonicalName(name)
	if err != nil {
		return nil, err
	}
	var versions []store.Version
	err = v.store.view(ctx, func(tx *bolt.Tx) error {
		bucket := secretBucket(tx, name)
		if bucket == nil {
			return nil
		}
		return bucket.ForEach(func(_, raw []byte) error {
			stored, err := decodeVersion(raw)
			versions = append(versions, stored.Version)
			return err
		})
	})
	if err != nil {
		return nil, err
	}
	return versions, nil
}

// Names returns the names of all secrets, in lower case and in ascending
// order, without those that were deleted.
func (v *Vault) Names(ctx context.Context) ([]string, error) {
	var names []string
	err := v.store.view(ctx, func(tx *bolt.Tx) error {
		return tx.Bucket(secretsBucket).ForEachBucket(func(name []byte) error {
			names = append(names, string(name))
			return nil
		})
	})
	if err != nil {
		return nil, err
	}
	return names, nil
}

// canonicalName checks a name and folds its case.
func canonicalName(name string) (string, error) {
	if len(name) > maxName || !secretName.MatchString(name) {
		return "", ErrInvalidName
	}
	return strings.ToLower(name), nil
}

func checkSecret(value secret.Secret) error {
	if value.Len() > MaxSecret {
		return fmt.Errorf("localstore: a secret has %d bytes, the most is %d: %w", value.Len(), MaxSecret, store.ErrTooLarge)
	}
	if value.Len() == 0 || !utf8.ValidString(value.Reveal()) {
		return ErrInvalidSecret
	}
	return nil
}
