package main

import (
	"archive/zip"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// zipTime stands on every entry: the earliest time that a zip can tell.
var zipTime = time.Date(1980, 1, 1, 0, 0, 0, 0, time.UTC)

// writeZip zips the named files of folder. The same files give the same bytes,
// whatever their times and modes on disk are. It writes a new file and renames
// it, so that a run that breaks off leaves no half zip to publish.
func writeZip(archive, folder string, names []string) error {
	file, err := os.CreateTemp(filepath.Dir(archive), filepath.Base(archive)+".*.tmp")
	if err != nil {
		return err
	}
	err = errors.Join(zipInto(file, folder, names), file.Chmod(0o644), file.Close())
	if err == nil {
		err = os.Rename(file.Name(), archive)
	}
	if err != nil {
		return errors.Join(err, os.Remove(file.Name()))
	}
	return nil
}

func zipInto(w io.Writer, folder string, names []string) error {
	archive := zip.NewWriter(w)
	for _, name := range slices.Sorted(slices.Values(names)) {
		if err := addEntry(archive, folder, name); err != nil {
			return err
		}
	}
	return archive.Close()
}

func addEntry(archive *zip.Writer, folder, name string) error {
	data, err := os.ReadFile(filepath.Join(folder, filepath.FromSlash(name)))
	if err != nil {
		return err
	}
	header := &zip.FileHeader{Name: name, Method: zip.Deflate, Modified: zipTime}
	header.SetMode(entryMode(name))
	entry, err := archive.CreateHeader(header)
	if err != nil {
		return err
	}
	_, err = entry.Write(data)
	return err
}

// entryMode does not look at the disk: Windows has no run bit, and Flex
// Consumption's read-only file system lets nobody set it later.
func entryMode(name string) os.FileMode {
	if name == binaryName {
		return 0o755
	}
	return 0o644
}

// describe prints a file's path, size in bytes and SHA-256.
func describe(w io.Writer, path string) error {
	data, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(w, "%s: %d bytes, sha256 %x\n", path, len(data), sha256.Sum256(data))
	return err
}
