// Package localstore keeps rows and secrets in one directory, so that Callout
// runs alone on a laptop and behaves there as it does on Azure: conditional
// writes as in Table Storage, versioned secrets as in Key Vault. The suite in
// package storetest says what that means.
//
// The directory holds two files: callout.db, a bbolt database, and key, 32
// random bytes. What rows and secrets contain is sealed with AES-256-GCM under
// that key; the names of tables, rows and secrets stay readable, because they
// are what the database sorts by. A copy of callout.db alone tells nothing that
// is secret. Whoever can read both files can read everything.
//
// One process at a time may have the directory open.
package localstore

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"

	"callout/handler/store"

	bolt "go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"
)

// DefaultDir is the directory that Open uses when none is named, below the
// working directory.
const DefaultDir = ".callout"

// The files in the directory.
const (
	databaseFile = "callout.db"
	keyFile      = "key"
)

// ErrClosed is returned by every call after Close. It is a
// store.ErrUnavailable. Nothing was written.
var ErrClosed = fmt.Errorf("localstore: the store has been closed: %w", store.ErrUnavailable)

// ErrDamaged is returned when something that was stored cannot be opened with
// the key: the file was altered, or it was not written whole.
var ErrDamaged = errors.New("localstore: what is stored was altered or damaged; restore callout.db and key from a backup")

// Store is an open directory. It may be used by many goroutines.
type Store struct {
	db     *bolt.DB
	sealer sealer
	writes *committer
	close  func() error
}

// Open opens the store in dir, or in DefaultDir if dir is empty, and creates
// directory (mode 0700), key and database (mode 0600) where they are missing.
//
// It fails, each time saying what to do, when another process has the store
// open, when the key is missing, of the wrong length, readable by others or
// not the one that the database was created with, and when the database is
// damaged or was written by a newer Callout.
func Open(dir string) (*Store, error) {
	if dir == "" {
		dir = DefaultDir
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("localstore: the data directory cannot be created; set CALLOUT_DATA_DIR to one that can: %w", err)
	}
	key, err := loadKey(dir)
	if err != nil {
		return nil, err
	}
	sealer, err := newSealer(key)
	if err != nil {
		return nil, err
	}
	db, err := openDatabase(filepath.Join(dir, databaseFile), sealer)
	if err != nil {
		return nil, err
	}
	return newStore(db, sealer), nil
}

func newStore(db *bolt.DB, sealer sealer) *Store {
	writes := newCommitter(db)
	return &Store{db: db, sealer: sealer, writes: writes, close: sync.OnceValue(func() error {
		writes.stop()
		return db.Close()
	})}
}

// Close ends the store: a write that was taken up is finished and answered,
// one that still waits gets ErrClosed. Closing twice is allowed.
func (s *Store) Close() error { return s.close() }

// Table returns the table of that name, which comes into being with its first
// row. A name is a letter followed by 2 to 62 letters or digits, as Table
// Storage has it; the calls of a table with another name fail.
func (s *Store) Table(name string) *Table {
	return &Table{store: s, name: name, named: len(name) <= maxTableName && tableName.MatchString(name)}
}

// Vault returns the store's secrets.
func (s *Store) Vault() *Vault { return &Vault{store: s} }

// view reads: fn sees one committed state, undisturbed by writes.
func (s *Store) view(ctx context.Context, fn func(*bolt.Tx) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	err := s.db.View(fn)
	if errors.Is(err, bolterrors.ErrDatabaseNotOpen) {
		return ErrClosed
	}
	return err
}
