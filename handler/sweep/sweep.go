// Package sweep is the timer's work. Every step may be lost, done twice or done
// by two instances at once: it only takes away what nothing refers to.
package sweep

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"time"

	"callout/handler/catalog"
	"callout/handler/execute"
	"callout/handler/history"
	"callout/handler/idempotency"
	"callout/handler/keyring"
	"callout/handler/store"
	"callout/handler/token"
	"callout/handler/webhook"
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
	Tokens  *token.Cache
	Calls   *execute.Executor
	History *history.History
	Keys    *idempotency.Keys
	// HistoryTime is how long executions are kept.
	HistoryTime time.Duration
	Now         func() time.Time
	Log         *slog.Logger

	mu      sync.Mutex
	secrets time.Time // when they were gone through last
}

// Report counts what a run did. More says that it stopped at its bound, and that
// the next run goes on.
type Report struct {
	Disabled, Deleted int // versions, and secrets
	Tokens            int // rows of tokens that are over
	Calls             execute.Tended
	Executions        int // rows of history that are too old
	Keys              int // idempotency keys that have expired
	More              bool
}

const (
	// grace is how long a version is kept after it went out of use: another
	// instance may still read it, and a write may just be under way.
	grace = 24 * time.Hour
	// settled is the age at which a version that is still enabled must have been
	// committed: one that never was has been disabled by then, if a run comes by
	// once a day.
	settled = 3 * grace
	// bound is how many versions and secrets one run takes away. Key Vault takes
	// 300 changes in ten seconds.
	bound = 200
	// few is how many secrets may be orphans of a catalog without configurations.
	// More are a sign that the tables are not those that belong to the vault.
	few = 5
)

// budget is how many rows of a kind one run takes away.
const budget = 2000

// Run takes the steps of calls that are due (execute.Executor.Tend), and takes away
// what is of no use any more: secrets that no configuration names, tokens and keys
// that have expired, history that is too old. What fails is left to the next run,
// and does not keep the rest from being done.
func (s *Sweeper) Run(ctx context.Context) (report Report, err error) {
	var faults [5]error
	var calls sync.WaitGroup // which may take minutes
	calls.Go(func() { report.Calls, faults[0] = s.Calls.Tend(ctx) })
	faults[1] = s.secretsInTurn(ctx, &report)
	report.Tokens, faults[2] = s.Tokens.Sweep(ctx)
	report.Executions, faults[3] = s.History.Expire(ctx, s.Now().Add(-s.HistoryTime), budget)
	keys, more, err := s.Keys.Sweep(ctx, budget)
	report.Keys, faults[4] = keys, err
	calls.Wait()
	report.More = report.More || report.Calls.More || report.Executions >= budget || more
	s.Log.InfoContext(ctx, "swept", "expired", report.Calls.Expired, "resumed", report.Calls.Resumed, "posted", report.Calls.Posted,
		"disabled", report.Disabled, "deleted", report.Deleted, "tokens", report.Tokens,
		"executions", report.Executions, "keys", report.Keys, "more", report.More)
	return report, errors.Join(faults[:]...)
}

// secretsEvery is how often an instance goes through the secrets. Each costs the
// vault a request, and an orphan has a day.
const secretsEvery = time.Hour

// secretsInTurn goes through the secrets if that is due. A run that stopped at its
// bound, or failed, is followed by the next.
func (s *Sweeper) secretsInTurn(ctx context.Context, report *Report) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.Now()
	if now.Sub(s.secrets) < secretsEvery {
		return nil
	}
	err := s.sweepSecrets(ctx, report)
	if err == nil && !report.More {
		s.secrets = now
	}
	return err
}

// sweepSecrets stops at the first error of a store.
func (s *Sweeper) sweepSecrets(ctx context.Context, report *Report) error {
	// The rows first: what is written meanwhile is young, and left alone.
	inUse, err := s.inUse(ctx)
	if err != nil {
		return err
	}
	names, err := s.names(ctx)
	if err != nil {
		return err
	}
	if len(inUse) == 0 && len(names) > few {
		s.Log.WarnContext(ctx, "there are no configurations but many secrets, and none was removed; check whether CALLOUT_TABLES names the right account", "secrets", len(names))
		return nil
	}
	for _, name := range names {
		if report.full() {
			break
		}
		if err := s.sweepSecret(ctx, name, inUse[name], report); err != nil {
			return err
		}
	}
	return nil
}

// names lists the secrets that are, or were, a configuration's.
func (s *Sweeper) names(ctx context.Context) ([]string, error) {
	names, err := s.Vault.Names(ctx)
	own := []string{keyring.KeyName, webhook.KeyName}
	return slices.DeleteFunc(names, func(name string) bool { return slices.Contains(own, name) }), err
}

// full reports whether the bound is reached, and notes it.
func (r *Report) full() bool {
	r.More = r.Disabled+r.Deleted >= bound
	return r.More
}

// use is what a configuration says of its secrets: which version it uses, ""
// for none, and that this has been so since then at the latest.
type use struct {
	version string
	since   time.Time
}

// inUse reads every row. The keys are the names that the vault knows.
func (s *Sweeper) inUse(ctx context.Context) (map[string]*use, error) {
	found := map[string]*use{}
	for after, more := "", true; more; {
		page, rest, err := s.Catalog.List(ctx, after, store.MaxTop)
		if err != nil {
			return nil, err
		}
		for _, config := range page {
			found[catalog.VaultName(config.ID)] = &use{config.SecretVersion, config.UpdatedAt}
			after = config.Name
		}
		more = rest
	}
	return found, nil
}

// sweepSecret disables the versions of a configuration that have been out of use
// for the grace period, and deletes the secret of one that is gone.
func (s *Sweeper) sweepSecret(ctx context.Context, name string, now *use, report *Report) error {
	versions, err := s.Vault.Versions(ctx, name)
	if err != nil {
		return gone(err)
	}
	slices.SortFunc(versions, func(a, b store.Version) int { return a.Created.Compare(b.Created) })
	if now == nil {
		return s.deleteOrphan(ctx, name, versions, report)
	}
	for i, v := range versions {
		if v.ID == now.version || !v.Enabled || !s.outOfUse(versions, i, now) {
			continue
		}
		if report.full() {
			return nil
		}
		if err := s.Vault.Disable(ctx, name, v.ID); gone(err) != nil {
			return err
		}
		report.Disabled++
	}
	return nil
}

// outOfUse reports whether a version that is not in use has not been for the
// grace period. It went out of use when the next that was committed was written,
// and which of them were committed is not on record: a crash may have left some
// that never were. Certain is that it was not later than the one that is in use
// now was written, or the row changed, if none is.
func (s *Sweeper) outOfUse(versions []store.Version, i int, now *use) bool {
	since := now.since
	if at := slices.IndexFunc(versions, func(v store.Version) bool { return v.ID == now.version }); at >= 0 {
		since = versions[at].Created
	}
	if s.over(since, grace) && s.over(versions[i].Created, grace) {
		return true
	}
	return slices.ContainsFunc(versions[i+1:], func(next store.Version) bool {
		return next.Enabled && s.over(next.Created, settled)
	})
}

func (s *Sweeper) deleteOrphan(ctx context.Context, name string, versions []store.Version, report *Report) error {
	if len(versions) > 0 && !s.over(versions[len(versions)-1].Created, grace) {
		return nil
	}
	if err := s.Vault.Delete(ctx, name); gone(err) != nil {
		return err
	}
	report.Deleted++
	return nil
}

func (s *Sweeper) over(since time.Time, age time.Duration) bool { return s.Now().Sub(since) > age }

// gone takes away the error of what another instance has removed already.
func gone(err error) error {
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	return err
}
