package localstore

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
)

// keySize is the length of the key file in bytes: AES-256.
const keySize = 32

// loadKey returns the key of the store in dir. A missing key is created, but
// only where there is no database yet: to one that exists, a new key would be
// the wrong one.
func loadKey(dir string) ([]byte, error) {
	path := filepath.Join(dir, keyFile)
	key, err := readKey(path)
	if !errors.Is(err, fs.ErrNotExist) {
		return key, err
	}
	if _, err := os.Lstat(filepath.Join(dir, databaseFile)); !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("localstore: the key file %s is missing, and without it nothing in %s can be read; "+
			"put the key file back, or remove %[2]s to begin with an empty store", path, databaseFile)
	}
	return createKey(path)
}

func readKey(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("localstore: the key file cannot be read: %w", err)
	}
	if readableByOthers(info.Mode()) {
		return nil, fmt.Errorf("localstore: the key file %s is open to other users (mode %04o); "+
			"run chmod 600 on it, and replace the stored credentials if others may have read it", path, info.Mode().Perm())
	}
	if info.Size() != keySize {
		return nil, fmt.Errorf("localstore: the key file %s is %d bytes long and must be %d; "+
			"put back the one that belongs to the store, or remove it if there is no %s beside it",
			path, info.Size(), keySize, databaseFile)
	}
	key, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("localstore: the key file cannot be read: %w", err)
	}
	return key, nil
}

// readableByOthers reports whether anyone but the owner has access. Windows
// has no such bits; there the directory's access list decides.
func readableByOthers(mode fs.FileMode) bool {
	return runtime.GOOS != "windows" && mode.Perm()&0o077 != 0
}

// createKey writes a new key, which is on disk when it returns: a database
// must never outlive the only key that opens it. Of two processes that start
// at once, both get the key of the first.
func createKey(path string) ([]byte, error) {
	key := make([]byte, keySize)
	_, _ = rand.Read(key) // never fails (crypto/rand)
	err := publish(path, func(file *os.File) error {
		_, err := file.Write(key)
		return errors.Join(err, file.Sync(), file.Close())
	})
	if err != nil {
		return nil, fmt.Errorf("localstore: the key file cannot be written: %w", err)
	}
	return readKey(path)
}

// syncDir makes the names in dir durable. Windows cannot sync a directory and
// does not need it.
func syncDir(dir string) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	file, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(file.Sync(), file.Close())
}
