package main

import (
	"bytes"
	"debug/buildinfo"
	"debug/elf"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestTheCommand runs the real compiler in two clones of one repository.
func TestTheCommand(t *testing.T) {
	t.Setenv("CGO_ENABLED", "1") // a developer's own, which must not count
	var zips []string
	for range 2 {
		root := repository(t)
		t.Chdir(root)
		var stdout bytes.Buffer
		if err := run(t.Context(), nil, &stdout); err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(stdout.String(), "callout.zip: ") {
			t.Errorf("printed %s", stdout.String())
		}
		checkBinary(t, filepath.Join(root, "dist/handler"))
		zips = append(zips, read(t, filepath.Join(root, "callout.zip")))
	}
	if zips[0] != zips[1] {
		t.Error("two clones give different zips")
	}
}

// checkBinary wants an executable that needs no loader and tells no paths.
func checkBinary(t *testing.T, file string) {
	t.Helper()
	info, err := os.Stat(file)
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode().Perm()&0o100 == 0 {
		t.Errorf("the mode is %v", info.Mode())
	}
	binary, err := elf.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = binary.Close() }()
	if binary.Machine != elf.EM_X86_64 {
		t.Errorf("built for %v", binary.Machine)
	}
	if slices.ContainsFunc(binary.Progs, func(p *elf.Prog) bool { return p.Type == elf.PT_INTERP }) {
		t.Error("it is linked dynamically")
	}
	if binary.Section(".symtab") != nil || binary.Section(".debug_info") != nil {
		t.Error("it is not stripped")
	}
	if !slices.Contains(buildSettings(t, file), "CGO_ENABLED=0") {
		t.Error("it is built with cgo")
	}
	if strings.Contains(read(t, file), filepath.Dir(filepath.Dir(file))) {
		t.Error("it names the folder it was built in")
	}
}

// buildSettings returns what the compiler noted in the binary, as key=value.
func buildSettings(t *testing.T, file string) []string {
	t.Helper()
	build, err := buildinfo.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var settings []string
	for _, s := range build.Settings {
		settings = append(settings, s.Key+"="+s.Value)
	}
	return settings
}

func TestTheFlags(t *testing.T) {
	root := repository(t)
	t.Chdir(root)
	if err := run(t.Context(), []string{"-out", "other/out", "-zip", "other/app.zip", "-arch", "arm64"}, io.Discard); err != nil {
		t.Fatal(err)
	}
	if settings := buildSettings(t, "other/out/handler"); !slices.Contains(settings, "GOARCH=arm64") || !slices.Contains(settings, "GOOS=linux") {
		t.Errorf("built with %q", settings)
	}
	if _, err := os.Stat("other/app.zip"); err != nil {
		t.Error(err)
	}
}

func TestWhatTheCommandRefuses(t *testing.T) {
	t.Chdir(repository(t))
	put(t, "handler/main.go", "package main\n\nfunc main() { missing() }\n")
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"extra"}, "only flags"},
		{[]string{"-out", "."}, "the repository itself"},
		{nil, "undefined: missing"},
	} {
		err := run(t.Context(), c.args, io.Discard)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q: got %v, want %q", c.args, err, c.want)
		}
	}
}
