package localstore

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	bolt "go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"
)

// schema is the number of the layout that this code writes. It goes up when the
// meaning of what is in the file changes. Since 2, rows have heads; those of 1 are
// read as they are and get the present layout when they are written.
const schema = 2

// lockTimeout is how long to try for the file lock. Another process may hold
// it for a moment while it looks at the file (wholeDatabase) or is just ending.
const lockTimeout = 100 * time.Millisecond

// The buckets at the top of the database.
var (
	metaBucket    = []byte("meta")    // schema, check
	tablesBucket  = []byte("tables")  // a bucket for each table: partition, NUL, key → row
	secretsBucket = []byte("secrets") // a bucket for each name: sequence → version
	deletedBucket = []byte("deleted") // the names that may not be used again
)

// The keys in metaBucket. The check is a known text sealed with the store's
// key: it tells a foreign key from a damaged row.
var (
	schemaKey = []byte("schema")
	checkKey  = []byte("check")
)

// checkText is what is sealed as the check.
const checkText = "callout"

// What inspect finds beside a database in the present layout, and what is wrong.
var (
	errBlank = errors.New("localstore: a blank database")
	errOlder = errors.New("localstore: a database of an older layout")
)

// openDatabase opens or creates the database file and makes sure that it can be
// used with the key. bbolt panics over pages that make no sense; here that is
// an error, which leaves the file locked until the process ends.
func openDatabase(path string, sealer sealer) (db *bolt.DB, err error) {
	defer func() {
		if recover() != nil {
			db, err = nil, damagedFile(path)
		}
	}()
	if err := createDatabase(path, sealer); err != nil {
		return nil, err
	}
	if err := wholeDatabase(path); err != nil {
		return nil, err
	}
	db, err = bolt.Open(path, 0o600, &bolt.Options{Timeout: lockTimeout, FreelistType: bolt.FreelistMapType})
	if err != nil {
		return nil, openError(path, err)
	}
	if err := prepare(db, path, sealer); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	removeUnfinished(filepath.Dir(path))
	return db, nil
}

// createDatabase makes an empty database where there is none.
func createDatabase(path string, sealer sealer) error {
	if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
		return nil // opening it will tell what else is wrong
	}
	err := publish(path, func(file *os.File) error {
		if err := file.Close(); err != nil {
			return err
		}
		db, err := bolt.Open(file.Name(), 0o600, &bolt.Options{Timeout: lockTimeout, FreelistType: bolt.FreelistMapType})
		if err != nil {
			return err
		}
		return errors.Join(db.Update(func(tx *bolt.Tx) error { return initialise(tx, sealer) }), db.Close())
	})
	if err != nil {
		return fmt.Errorf("localstore: the database cannot be created; check the data directory's owner, space and file system: %w", err)
	}
	return nil
}

// wholeDatabase refuses a file that is shorter than its own first page says.
// bbolt maps the file into memory, and touching what was cut off would end the
// process with a signal. Opening for reading looks at the first pages only.
func wholeDatabase(path string) error {
	info, err := os.Stat(path)
	if err != nil {
		return fmt.Errorf("localstore: the database file cannot be read: %w", err)
	}
	if info.Size() == 0 {
		return damagedFile(path)
	}
	db, err := bolt.Open(path, 0, &bolt.Options{Timeout: lockTimeout, ReadOnly: true})
	if err != nil {
		return openError(path, err)
	}
	return errors.Join(db.View(func(tx *bolt.Tx) error { return checkLength(tx, path) }), db.Close())
}

func checkLength(tx *bolt.Tx, path string) error {
	info, err := os.Stat(path)
	if err != nil {
		return fmt.Errorf("localstore: the database file cannot be read: %w", err)
	}
	if info.Size() < tx.Size() {
		return damagedFile(path)
	}
	return nil
}

// openError puts bbolt's refusal into words that say what to do.
func openError(path string, err error) error {
	if errors.Is(err, bolterrors.ErrTimeout) {
		return fmt.Errorf("localstore: %s is in use by another process; "+
			"stop that process, or set CALLOUT_DATA_DIR to another directory for this one", path)
	}
	_, system := errors.AsType[syscall.Errno](err)
	if system {
		return fmt.Errorf("localstore: %s cannot be opened; check the data directory's owner, space and file system: %w", path, err)
	}
	return damagedFile(path)
}

func damagedFile(path string) error {
	return fmt.Errorf("localstore: %s is empty, cut short or not a Callout database; "+
		"restore it from a backup, or remove it to begin with an empty store", path)
}

// prepare checks an existing database and writes the first entries of a new
// one. An older one is marked as of the present layout: from now on an older
// Callout would take its rows for damaged.
func prepare(db *bolt.DB, path string, sealer sealer) error {
	err := db.View(func(tx *bolt.Tx) error { return inspect(tx, path, sealer) })
	switch {
	case errors.Is(err, errBlank):
		err = db.Update(func(tx *bolt.Tx) error { return initialise(tx, sealer) })
	case errors.Is(err, errOlder):
		err = db.Update(func(tx *bolt.Tx) error { return writeSchema(tx.Bucket(metaBucket)) })
	default:
		return err
	}
	if err != nil {
		return fmt.Errorf("localstore: the database cannot be written: %w", err)
	}
	return syncDir(filepath.Dir(path))
}

func inspect(tx *bolt.Tx, path string, sealer sealer) error {
	meta := tx.Bucket(metaBucket)
	if meta == nil {
		if name, _ := tx.Cursor().First(); name == nil {
			return errBlank
		}
		return damagedFile(path)
	}
	number, err := strconv.Atoi(string(meta.Get(schemaKey)))
	switch {
	case err != nil || number < 1:
		return damagedFile(path)
	case number > schema:
		return fmt.Errorf("localstore: %s was written by a newer Callout (schema %d, this one knows %d); "+
			"run the newer one, or set CALLOUT_DATA_DIR to another directory for this one", path, number, schema)
	}
	if _, err := sealer.open(meta.Get(checkKey), "check"); err != nil {
		return fmt.Errorf("localstore: the key file does not belong to this store; "+
			"put back the key file that was created together with %s", path)
	}
	if number < schema {
		return errOlder
	}
	return nil
}

func writeSchema(meta *bolt.Bucket) error {
	return meta.Put(schemaKey, strconv.AppendInt(nil, schema, 10))
}

func initialise(tx *bolt.Tx, sealer sealer) error {
	for _, name := range [][]byte{metaBucket, tablesBucket, secretsBucket, deletedBucket} {
		if _, err := tx.CreateBucket(name); err != nil {
			return err
		}
	}
	meta := tx.Bucket(metaBucket)
	return errors.Join(
		writeSchema(meta),
		meta.Put(checkKey, sealer.seal([]byte(checkText), "check")))
}
