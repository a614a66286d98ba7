// Command bench measures Callout beside what it is to be compared with, in one
// run and in turns, and prints ratios: the absolute figures are this machine's.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"time"
)

func main() {
	rounds := flag.Int("rounds", 40, "starts of each program")
	largest := flag.Int("configs", 10000, "configurations in the largest store")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, *rounds, *largest); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, rounds, largest int) error {
	dir, err := os.MkdirTemp("", "callout-bench")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	fmt.Println("building")
	for name, pkg := range map[string]string{"callout": "./handler", "bare": "./bench/bare"} {
		build := exec.CommandContext(ctx, "go", "build", "-trimpath", "-ldflags", "-s -w", "-o", filepath.Join(dir, name), pkg)
		build.Env = append(os.Environ(), "CGO_ENABLED=0")
		build.Stderr = os.Stderr
		if err := build.Run(); err != nil {
			return fmt.Errorf("%s cannot be built; run this from the top of the repository: %w", pkg, err)
		}
	}
	if err := starts(ctx, dir, rounds); err != nil {
		return err
	}
	return growth(ctx, dir, largest)
}

// spread sums up measurements of one thing.
type spread struct{ p10, median, p90 time.Duration }

func spreadOf(samples []time.Duration) spread {
	s := slices.Sorted(slices.Values(samples))
	at := func(q float64) time.Duration { return s[int(q*float64(len(s)-1))] }
	return spread{p10: at(0.1), median: at(0.5), p90: at(0.9)}
}

// String gives the median with the range of most of the measurements.
func (s spread) String() string {
	ms := func(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
	return fmt.Sprintf("%7.2f ms (%.2f to %.2f)", ms(s.median), ms(s.p10), ms(s.p90))
}

func (s spread) over(base spread) float64 { return float64(s.median) / float64(base.median) }
