package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"

	"callout/handler/route"
)

// Names in dist/. The binary's is the customHandler.description's
// defaultExecutablePath of host.json.
const (
	binaryName   = "handler"
	hostName     = "host.json"
	functionName = "function.json"
	settingsName = "local.settings.json"
)

// stage is one run of the command.
type stage struct {
	root  string // the repository
	out   string // dist/
	build builder
}

// write fills dist/ and returns what is to be deployed from it, as slash paths
// below it. The functions are checked first, so that a route that Callout would
// refuse at start-up is not packaged. Settings and whatever else lies in dist/
// are not among what is returned.
func (s stage) write(ctx context.Context, stdout io.Writer) ([]string, error) {
	functions, err := route.Load(os.DirFS(filepath.Join(s.root, "functions")))
	if err != nil {
		return nil, fmt.Errorf("functions/ is not fit to package (is this the repository's root?):\n%w", err)
	}
	target, err := s.prepare()
	if err != nil {
		return nil, err
	}
	if err := s.build(ctx, target); err != nil {
		return nil, err
	}
	copied, err := s.copyFiles(functions)
	if err != nil {
		return nil, err
	}
	return append(copied, binaryName), errors.Join(s.removeStale(functions, stdout), s.keepSettings(stdout))
}

// copyFiles lifts the functions' folders beside host.json: the host looks one
// level deep.
func (s stage) copyFiles(functions []route.Function) ([]string, error) {
	copied := []string{hostName}
	err := copyFile(s.root, hostName, s.out, hostName)
	for _, f := range functions {
		name := path.Join(f.Name, functionName)
		err = errors.Join(err, copyFile(s.root, path.Join("functions", name), s.out, name))
		copied = append(copied, name)
	}
	return copied, err
}

// prepare makes dist/ and returns the binary's absolute path: go build takes
// the name of a folder that exists as the place to build in.
func (s stage) prepare() (string, error) {
	root, err := filepath.Abs(s.root)
	if err != nil {
		return "", err
	}
	out, err := filepath.Abs(s.out)
	if err != nil {
		return "", err
	}
	if root == out {
		return "", errors.New("-out is the repository itself; name a folder of its own, such as dist")
	}
	target := filepath.Join(out, binaryName)
	if isFolder(target) {
		return "", errors.New("-out holds a folder where the binary goes; name another folder, such as dist")
	}
	return target, os.MkdirAll(out, 0o755)
}

func isFolder(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

// copyFile copies from/name to to/as and makes the folder it goes to. Names are
// slash paths.
func copyFile(from, name, to, as string) error {
	data, err := os.ReadFile(filepath.Join(from, filepath.FromSlash(name)))
	if err != nil {
		return err
	}
	target := filepath.Join(to, filepath.FromSlash(as))
	if err := os.MkdirAll(filepath.Dir(target), 0o755); err != nil {
		return err
	}
	return os.WriteFile(target, data, 0o644)
}

// removeStale removes the folders of functions that are gone: the host would
// go on serving them. A folder that holds anything else may be somebody's, and
// is named instead.
func (s stage) removeStale(functions []route.Function, stdout io.Writer) error {
	entries, err := os.ReadDir(s.out)
	if err != nil {
		return err
	}
	for _, entry := range entries {
		known := slices.ContainsFunc(functions, func(f route.Function) bool { return f.Name == entry.Name() })
		if !entry.IsDir() || known {
			continue
		}
		if err := removeFunction(filepath.Join(s.out, entry.Name()), stdout); err != nil {
			return err
		}
	}
	return nil
}

func isFunction(e fs.DirEntry) bool {
	return e.Name() == functionName && e.Type().IsRegular()
}

func removeFunction(folder string, stdout io.Writer) error {
	entries, err := os.ReadDir(folder)
	if err != nil {
		return err
	}
	if !slices.ContainsFunc(entries, isFunction) {
		return nil
	}
	if len(entries) > 1 {
		_, err := fmt.Fprintf(stdout, "%s: kept, because it holds more than %s; the local host still serves it, so remove it yourself\n", folder, functionName)
		return err
	}
	if err := errors.Join(os.Remove(filepath.Join(folder, functionName)), os.Remove(folder)); err != nil {
		return err
	}
	_, err = fmt.Fprintf(stdout, "%s: removed, its function is gone\n", folder)
	return err
}

// keepSettings writes local.settings.json for Core Tools unless there is one.
// It is the developer's own and may hold secrets: it is never overwritten, is
// for its owner's eyes, and goes into no zip.
func (s stage) keepSettings(stdout io.Writer) error {
	target := filepath.Join(s.out, settingsName)
	example, err := os.ReadFile(filepath.Join(s.root, settingsName+".example"))
	if err != nil {
		return err
	}
	file, err := os.OpenFile(target, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		_, err = fmt.Fprintf(stdout, "%s: kept as it was\n", target)
		return err
	}
	if err != nil {
		return err
	}
	_, err = file.Write(example)
	return errors.Join(err, file.Close())
}
