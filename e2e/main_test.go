// Package e2e tests what is built and deployed: real processes, real requests.
package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// built is where TestMain puts what the tests run: dist/ as it is deployed, and
// the demo.
var built string

func TestMain(m *testing.M) {
	os.Exit(run(m))
}

func run(m *testing.M) int {
	var err error
	if built, err = os.MkdirTemp("", "callout-e2e"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(built)
	for _, args := range [][]string{
		{"run", "./handler/cmd/package", "-out", dist(), "-zip", filepath.Join(built, "callout.zip")},
		{"build", "-o", demo(), "./examples/demo"},
	} {
		build := exec.Command("go", args...)
		build.Dir, build.Env = "..", append(os.Environ(), "CGO_ENABLED=0")
		if out, err := build.CombinedOutput(); err != nil {
			fmt.Fprintf(os.Stderr, "go %v: %v\n%s", args, err, out)
			return 1
		}
	}
	return m.Run()
}

func dist() string    { return filepath.Join(built, "dist") }
func handler() string { return filepath.Join(dist(), "handler") }
func demo() string    { return filepath.Join(built, "demo") }
