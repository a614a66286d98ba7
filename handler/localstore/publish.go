package localstore

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
)

// unfinished is what the name of a file ends in that is still being made.
const unfinished = ".new"

// publish makes a file of mode 0600 that is there whole or not at all: a process
// can be killed at any moment, and half a file would keep the next from starting.
// fill writes and closes it. A file that is at path already stays: another process
// was faster.
func publish(path string, fill func(*os.File) error) error {
	dir := filepath.Dir(path)
	file, err := os.CreateTemp(dir, filepath.Base(path)+".*"+unfinished)
	if err != nil {
		return err
	}
	defer os.Remove(file.Name())
	if err := fill(file); err != nil {
		return err
	}
	err = os.Link(file.Name(), path)
	if errors.Is(err, fs.ErrExist) || errors.Is(err, fs.ErrNotExist) { // or it has removed ours, see removeUnfinished
		return nil
	}
	return errors.Join(err, syncDir(dir))
}

// removeUnfinished clears away what processes left that were killed. Only who
// holds the database's lock may do it.
func removeUnfinished(dir string) {
	left, _ := filepath.Glob(filepath.Join(dir, "*"+unfinished)) // the pattern is valid
	for _, path := range left {
		_ = os.Remove(path) // it does no harm
	}
}
