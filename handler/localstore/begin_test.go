package localstore

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// openAndStay opens the store and waits to be killed.
func openAndStay(dir, _ string) error {
	if _, err := Open(dir); err != nil {
		return err
	}
	select {}
}

// TestKilledWhileTheStoreIsMade kills processes at every moment of the making of
// a store: the next one always starts.
func TestKilledWhileTheStoreIsMade(t *testing.T) {
	const rounds = 60
	for round := range rounds {
		dir := t.TempDir()
		p := process(t, "stay", dir, "")
		if err := p.Start(); err != nil {
			t.Fatal(err)
		}
		killAtStep(p, dir, round)
		s, err := Open(dir)
		if err != nil {
			t.Fatalf("round %d: %v", round, err)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		if left, _ := filepath.Glob(filepath.Join(dir, "*"+unfinished)); len(left) > 0 {
			t.Errorf("round %d: %d unfinished files are left", round, len(left))
		}
	}
}

// killAtStep kills the process once the names in the directory have changed as
// often as the round says, or the store is there.
func killAtStep(p *exec.Cmd, dir string, round int) {
	seen, changes := "", 0
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); {
		names, _ := filepath.Glob(filepath.Join(dir, "*"))
		if now := strings.Join(names, " "); now != seen {
			seen, changes = now, changes+1
		}
		if _, err := os.Stat(filepath.Join(dir, databaseFile)); err == nil || changes > round%6 {
			break
		}
	}
	_ = p.Process.Kill()
	_ = p.Wait()
}
