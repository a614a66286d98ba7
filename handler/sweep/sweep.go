// Package sweep is the timer's work. Every step may be lost, done twice or done
// by two instances at once: it only takes away what nothing refers to.
package sweep

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"time"

	"callout/handler/catalog"
	"callout/handler/store"
)

// Vault lists and removes secrets. It never gives a value.
type Vault interface {
	Names(ctx context.Context) ([]string, error)
	Versions(ctx context.Context, name string) ([]store.Version, error)
	Disable(ctx context.Context, name, version string) error
	Delete(ctx context.Context, name string) error
}

// Sweeper does the timer's work.
type Sweeper struct {
	Catalog *catalog.Catalog
	Vault   Vault
	Now     func() time.Time
	Log     *slog.Logger
}

// Report counts what a run did. More says that it stopped at its bound, and that
// the next run goes on.
type Report struct {
	Disabled, Deleted int
	More              bool
}

const (
	// grace is how long a version is kept after it went out of use: another
	// instance may still read it, and a write may just be under way.
	grace = 24 * time.Hour
	// bound is how many versions and secrets one run takes away. Key Vault takes
	// 300 changes in ten seconds.
	bound = 200
)

// Run takes away secrets that no configuration names any more. It stops at the
// first error of a store; the next run goes on.
func (s *Sweeper) Run(ctx context.Context) (Report, error) {
	var report Report
	// The rows first: what is written meanwhile is young, and left alone.
	named, err := s.Catalog.SecretVersions(ctx)
	if err != nil {
		return report, err
	}
	names, err := s.Vault.Names(ctx)
	if err != nil {
		return report, err
	}
	for _, name := range names {
		if report.Disabled+report.Deleted >= bound {
			report.More = true
			break
		}
		inUse, known := named[name]
		if err := s.sweepSecret(ctx, name, inUse, known, &report); err != nil {
			return report, err
		}
	}
	s.Log.InfoContext(ctx, "swept", "disabled", report.Disabled, "deleted", report.Deleted, "more", report.More)
	return report, nil
}

// sweepSecret disables the versions of a configuration that have been out of use
// for the grace period, and deletes the secret of one that is gone.
func (s *Sweeper) sweepSecret(ctx context.Context, name, inUse string, known bool, report *Report) error {
	versions, err := s.Vault.Versions(ctx, name)
	if err != nil {
		return gone(err)
	}
	slices.SortFunc(versions, func(a, b store.Version) int { return a.Created.Compare(b.Created) })
	if !known {
		return s.deleteOrphan(ctx, name, versions, report)
	}
	for i, v := range versions {
		if v.ID == inUse || !v.Enabled || !s.over(outOfUse(versions, i)) {
			continue
		}
		if err := s.Vault.Disable(ctx, name, v.ID); gone(err) != nil {
			return err
		}
		report.Disabled++
	}
	return nil
}

// outOfUse is since when a version that is not in use has not been, at the
// latest: since the next was written, or since it was written itself and never
// committed.
func outOfUse(versions []store.Version, i int) time.Time {
	if i+1 < len(versions) {
		return versions[i+1].Created
	}
	return versions[i].Created
}

func (s *Sweeper) deleteOrphan(ctx context.Context, name string, versions []store.Version, report *Report) error {
	if len(versions) > 0 && !s.over(versions[len(versions)-1].Created) {
		return nil
	}
	if err := s.Vault.Delete(ctx, name); gone(err) != nil {
		return err
	}
	report.Deleted++
	return nil
}

func (s *Sweeper) over(since time.Time) bool { return s.Now().Sub(since) > grace }

// gone takes away the error of what another instance has removed already.
func gone(err error) error {
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	return err
}
