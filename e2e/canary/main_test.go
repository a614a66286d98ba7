// Package canary plants secrets in every place where Callout takes one, lets
// providers and APIs echo them in every encoding and outcome, and searches all
// that Callout gives away or keeps.
package canary

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync/atomic"
	"testing"
)

// built is where TestMain puts the binary.
var built string

// combinations counts what was tried: a secret in a place, sent with a method,
// echoed in an encoding by an answer of a form with an outcome, and seen through a
// face. searched counts the bytes that were looked through for it.
var combinations, searched atomic.Int64

func TestMain(m *testing.M) {
	os.Exit(run(m))
}

func run(m *testing.M) int {
	var err error
	if built, err = os.MkdirTemp("", "callout-canary"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(built)
	build := exec.Command("go", "build", "-o", handler(), "./handler")
	build.Dir, build.Env = filepath.Join("..", ".."), append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "%v\n%s", err, out)
		return 1
	}
	code := m.Run()
	fmt.Printf("canary matrix: %d combinations, %d bytes searched\n", combinations.Load(), searched.Load())
	return code
}

func handler() string { return filepath.Join(built, "handler") }
