package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// builder writes the executable to the absolute path target.
type builder func(ctx context.Context, target string) error

// goBuild builds ./handler of the repository at root as a static binary. The
// commit is not stamped into it: the same sources give the same bytes, in a
// clone without history too.
func goBuild(root, goos, goarch string) builder {
	return func(ctx context.Context, target string) error {
		cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-buildvcs=false", "-ldflags=-s -w", "-o", target, "."+string(filepath.Separator)+"handler")
		cmd.Dir = root
		cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS="+goos, "GOARCH="+goarch)
		if output, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("go build ./handler: %w\n%s", err, output)
		}
		return nil
	}
}
