package fakehost

import (
	"errors"
	"os"
	"os/exec"
	"testing"
)

// A test binary that runs out of time, or is killed, cleans nothing up.
func TestTheHandlerDiesWithTheHost(t *testing.T) {
	g := newGate(t)
	parent := exec.CommandContext(deadline(t), os.Args[0], newDist(t, everything()))
	parent.Env = append(append(os.Environ(), g.env()...), workerVariable+"=parent")
	if _, err := parent.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	if err := parent.Start(); err != nil {
		t.Fatal(err)
	}
	handler := g.arrival()
	defer handler.Close()
	_ = parent.Process.Kill()
	_ = parent.Wait()
	if _, err := handler.Read(make([]byte, 1)); err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("the handler lives on: %v", err)
	}
}
