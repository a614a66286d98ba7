package main

import (
	"archive/zip"
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

const (
	pingFunction = `{"bindings": [{"type": "httpTrigger", "direction": "in", "name": "req", "route": "ping", "methods": ["get"], "authLevel": "anonymous"}, {"type": "http", "direction": "out", "name": "res"}]}`
	tickFunction = `{"bindings": [{"type": "timerTrigger", "direction": "in", "name": "timer", "schedule": "0 0 * * * *"}]}`
)

// repository writes a small repository to a temporary folder.
func repository(t *testing.T) string {
	t.Helper()
	root := t.TempDir()
	for name, text := range map[string]string{
		"go.mod":                        "module sample\n\ngo 1.26\n",
		"handler/main.go":               "package main\n\nfunc main() { println(\"started\") }\n",
		"functions/ping/function.json":  pingFunction,
		"functions/tick/function.json":  tickFunction,
		"functions/functions.go":        "package functions\n",
		"host.json":                     `{"version": "2.0"}`,
		"local.settings.json.example":   `{"Values": {"example": "1"}}`,
		"local.settings.json":           `{"Values": {"canary": "root-settings-canary"}}`,
		"functions/ping/notes.txt":      "not deployed",
		"functions/nested/a/ignored.go": "package a\n",
	} {
		put(t, filepath.Join(root, name), text)
	}
	return root
}

func put(t *testing.T, file, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func read(t *testing.T, file string) string {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// writeText stands in for the compiler where a test is not about the binary.
func writeText(_ context.Context, target string) error {
	return os.WriteFile(target, []byte("\x7fELF and so on"), 0o755)
}

// packed packages root and returns the zip's path and what was printed.
func packed(t *testing.T, root string) (archive, printed string) {
	t.Helper()
	var stdout bytes.Buffer
	archive = filepath.Join(root, "callout.zip")
	if err := pack(t.Context(), stage{root: root, out: filepath.Join(root, "dist"), build: writeText}, archive, &stdout); err != nil {
		t.Fatal(err)
	}
	return archive, stdout.String()
}

// tree lists all files below folder as slash paths.
func tree(t *testing.T, folder string) []string {
	t.Helper()
	var files []string
	err := fs.WalkDir(os.DirFS(folder), ".", func(path string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() {
			files = append(files, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func TestDistHoldsWhatTheHostReads(t *testing.T) {
	root := repository(t)
	packed(t, root)
	dist := filepath.Join(root, "dist")
	want := []string{"handler", "host.json", "local.settings.json", "ping/function.json", "tick/function.json"}
	if got := tree(t, dist); !slices.Equal(got, want) {
		t.Errorf("dist holds %q, want %q", got, want)
	}
	for name, text := range map[string]string{
		"host.json": `{"version": "2.0"}`, "ping/function.json": pingFunction, "tick/function.json": tickFunction,
		"local.settings.json": `{"Values": {"example": "1"}}`,
	} {
		if got := read(t, filepath.Join(dist, name)); got != text {
			t.Errorf("%s holds %q", name, got)
		}
	}
}

func TestTheZipHoldsWhatIsDeployed(t *testing.T) {
	root := repository(t)
	put(t, filepath.Join(root, "dist/local.settings.json"), "dist-settings-canary")
	put(t, filepath.Join(root, "dist/.callout/key"), "data-canary")
	archive, _ := packed(t, root)
	if strings.Contains(read(t, archive), "canary") {
		t.Error("the zip holds a canary")
	}
	reader, err := zip.OpenReader(archive)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = reader.Close() }()
	var names []string
	for _, file := range reader.File {
		names = append(names, file.Name)
		checkEntry(t, file, read(t, filepath.Join(root, "dist", file.Name)))
	}
	want := []string{"handler", "host.json", "ping/function.json", "tick/function.json"}
	if !slices.Equal(names, want) {
		t.Errorf("the zip holds %q, want %q", names, want)
	}
}

func checkEntry(t *testing.T, file *zip.File, want string) {
	t.Helper()
	mode := os.FileMode(0o644)
	if file.Name == "handler" {
		mode = 0o755
	}
	if file.Mode() != mode {
		t.Errorf("%s has mode %v, want %v", file.Name, file.Mode(), mode)
	}
	if !file.Modified.Equal(time.Date(1980, 1, 1, 0, 0, 0, 0, time.UTC)) {
		t.Errorf("%s has time %v", file.Name, file.Modified)
	}
	entry, err := file.Open()
	if err != nil {
		t.Fatal(err)
	}
	got, err := io.ReadAll(entry)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != want || strings.Contains(want, "canary") {
		t.Errorf("%s holds %q", file.Name, got)
	}
}

func TestSameInputsGiveTheSameZip(t *testing.T) {
	one, two := repository(t), repository(t)
	first, printed := packed(t, one)
	packed(t, two)
	for _, name := range tree(t, filepath.Join(two, "dist")) {
		file := filepath.Join(two, "dist", name)
		if err := errors.Join(os.Chmod(file, 0o700), os.Chtimes(file, time.Unix(1, 0), time.Unix(2, 0))); err != nil {
			t.Fatal(err)
		}
	}
	second, again := packed(t, two)
	if read(t, first) != read(t, second) {
		t.Error("the zips differ")
	}
	if sums(printed) != sums(again) || strings.Count(printed, "sha256") != 5 {
		t.Errorf("printed\n%s\nand then\n%s", printed, again)
	}
	put(t, filepath.Join(two, "host.json"), `{"version": "2.0", "changed": true}`)
	if third, _ := packed(t, two); read(t, first) == read(t, third) {
		t.Error("another host.json gives the same zip")
	}
}

// sums returns the sizes and sums that were printed, without paths.
func sums(printed string) string {
	var all []string
	for line := range strings.Lines(printed) {
		if _, sum, ok := strings.Cut(line, " bytes, "); ok {
			all = append(all, sum)
		}
	}
	return strings.Join(all, "")
}

func TestFoldersOfGoneFunctionsAreRemoved(t *testing.T) {
	root := repository(t)
	dist := filepath.Join(root, "dist")
	put(t, filepath.Join(dist, "gone/function.json"), pingFunction)
	put(t, filepath.Join(dist, "mixed/function.json"), pingFunction)
	put(t, filepath.Join(dist, "mixed/mine.txt"), "mine")
	put(t, filepath.Join(dist, "other/data"), "mine")
	put(t, filepath.Join(dist, "deep/function.json/odd"), "mine")
	_, printed := packed(t, root)
	got := tree(t, dist)
	for name, want := range map[string]bool{
		"gone/function.json": false, "mixed/function.json": true, "mixed/mine.txt": true, "other/data": true,
		"deep/function.json/odd": true, "ping/function.json": true,
	} {
		if slices.Contains(got, name) != want {
			t.Errorf("%s there: %v, want %v", name, !want, want)
		}
	}
	if _, err := os.Stat(filepath.Join(dist, "gone")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the folder of a gone function: %v", err)
	}
	if !strings.Contains(printed, "gone: removed") || !strings.Contains(printed, "mixed: kept") {
		t.Errorf("printed %s", printed)
	}
}

func TestLocalSettingsAreTheDevelopersOwn(t *testing.T) {
	root := repository(t)
	packed(t, root)
	settings := filepath.Join(root, "dist/local.settings.json")
	info, err := os.Stat(settings)
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode().Perm() != 0o600 {
		t.Errorf("the mode is %v", info.Mode())
	}
	put(t, settings, `{"Values": {"mine": "1"}}`)
	_, printed := packed(t, root)
	if got := read(t, settings); got != `{"Values": {"mine": "1"}}` {
		t.Errorf("it now holds %q", got)
	}
	if !strings.Contains(printed, "local.settings.json: kept") {
		t.Errorf("printed %s", printed)
	}
}

func TestWhatStopsPackaging(t *testing.T) {
	for _, c := range []struct {
		why    string
		change func(t *testing.T, root string, s *stage)
		want   string
	}{
		{"a route that is refused", func(t *testing.T, root string, _ *stage) {
			put(t, filepath.Join(root, "functions/all/function.json"), strings.Replace(pingFunction, `"ping"`, `"{*all}"`, 1))
		}, "function all: route"},
		{"another folder", func(_ *testing.T, root string, s *stage) { s.root = filepath.Join(root, "handler") }, "is this the repository's root?"},
		{"the repository as -out", func(_ *testing.T, root string, s *stage) { s.out = root }, "-out is the repository itself"},
		{"a folder in the binary's place", func(t *testing.T, root string, _ *stage) {
			put(t, filepath.Join(root, "dist/handler/main.go"), "")
		}, "-out holds a folder where the binary goes"},
		{"a build that fails", func(_ *testing.T, _ string, s *stage) {
			s.build = func(context.Context, string) error { return errors.New("does not compile") }
		}, "does not compile"},
		{"no host.json", func(t *testing.T, root string, _ *stage) {
			if err := os.Remove(filepath.Join(root, "host.json")); err != nil {
				t.Fatal(err)
			}
		}, "host.json"},
		{"no example of the settings", func(t *testing.T, root string, _ *stage) {
			if err := os.Remove(filepath.Join(root, "local.settings.json.example")); err != nil {
				t.Fatal(err)
			}
		}, "local.settings.json.example"},
	} {
		t.Run(c.why, func(t *testing.T) {
			root := repository(t)
			s := stage{root: root, out: filepath.Join(root, "dist"), build: writeText}
			c.change(t, root, &s)
			archive := filepath.Join(root, "callout.zip")
			err := pack(t.Context(), s, archive, io.Discard)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
			if _, err := os.Stat(archive); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("there is a zip: %v", err)
			}
		})
	}
}

func TestAZipThatCannotBeWrittenLeavesNothing(t *testing.T) {
	root := t.TempDir()
	err := writeZip(filepath.Join(root, "callout.zip"), root, []string{"missing"})
	if !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v", err)
	}
	if left := tree(t, root); len(left) > 0 {
		t.Errorf("left %q", left)
	}
}
