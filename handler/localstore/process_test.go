package localstore

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// processVariable tells the test binary, started again by a test, to be one of
// the programs below instead. Its arguments are the program's.
const processVariable = "LOCALSTORE_TEST_PROCESS"

// programs are what another process does to a store.
var programs = map[string]func(dir, id string) error{
	"open":  openAndClose,
	"stay":  openAndStay,
	"write": writeUntilKilled,
}

func TestMain(m *testing.M) {
	program, ok := programs[os.Getenv(processVariable)]
	if !ok {
		os.Exit(m.Run())
	}
	if err := program(os.Args[1], os.Args[2]); err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
}

// process prepares another process that runs a program on dir. It is killed if
// it has not ended after a minute, which only a hanging one has not.
func process(t *testing.T, program, dir, id string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(cancel)
	cmd := exec.CommandContext(ctx, self, dir, id)
	cmd.Env = append(os.Environ(), processVariable+"="+program)
	return cmd
}

func openAndClose(dir, _ string) error {
	s, err := Open(dir)
	if err != nil {
		return err
	}
	return s.Close()
}

func TestASecondProcessIsRefused(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	put(t, s, "k", []byte("data"))

	output, err := process(t, "open", dir, "").CombinedOutput()
	var exit *exec.ExitError
	if !errors.As(err, &exit) || !exit.Exited() {
		t.Fatalf("the second process ended with %v: %s", err, output)
	}
	for _, words := range []string{"in use by another process", "stop that process", "CALLOUT_DATA_DIR"} {
		if !strings.Contains(string(output), words) {
			t.Errorf("it does not say %q: %s", words, output)
		}
	}
	put(t, s, "the first goes on", []byte("data"))

	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if output, err := process(t, "open", dir, "").CombinedOutput(); err != nil {
		t.Errorf("after the first has closed: %v: %s", err, output)
	}
}
