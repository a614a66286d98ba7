package catalog

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"callout/handler/callout"
	"callout/handler/store"
)

// replace commits next in the place of now, which is nil for a new one.
func (c *Catalog) replace(ctx context.Context, now, next *callout.Config) (*callout.Config, error) {
	next = next.Replacing(now)
	if err := Check(next, now); err != nil {
		return nil, err
	}
	saved := next.WithoutSecrets()
	c.stamp(saved, now)
	if err := c.saveSecrets(ctx, now, next, saved); err != nil {
		return nil, err
	}
	if same(now, saved) {
		return now, nil
	}
	row, err := encodeConfig(saved)
	if err != nil {
		return nil, err
	}
	row.Once = now == nil
	defer c.entries.forget(saved.Name)
	saved.ETag, err = c.rows.Put(ctx, row)
	if errors.Is(err, store.ErrConflict) {
		c.abandon(ctx, now, saved)
	}
	if now == nil && errors.Is(err, store.ErrUnavailable) && ctx.Err() == nil {
		return c.findInserted(ctx, saved, err)
	}
	if err != nil {
		return nil, notWritten(err)
	}
	return saved, nil
}

// same reports whether a change is none: what was read is put back.
func same(now, saved *callout.Config) bool {
	if now == nil || now.SecretVersion != saved.SecretVersion {
		return false
	}
	again := *saved
	again.Version, again.UpdatedAt, again.ETag = now.Version, now.UpdatedAt, now.ETag
	a, errA := encode(now)
	b, errB := encode(&again)
	return errA == nil && errB == nil && bytes.Equal(a, b)
}

// notWritten words a store's refusal of a row or a secret. A vault does not take
// a secret of a name that was deleted meanwhile, which is a conflict as well.
func notWritten(err error) error {
	switch {
	case errors.Is(err, store.ErrConflict):
		return &callout.Error{Code: callout.PreconditionFailed, Err: err,
			Message: "Somebody else changed the configuration at the same moment. Read it again, and repeat the change on what you find."}
	case errors.Is(err, store.ErrTooLarge):
		return callout.Refuse(callout.InvalidConfig, []callout.Fault{{Code: callout.TooLong,
			Message: "The configuration or all of its secrets together, the stored ones included, are larger than the storage takes. Shorten or remove some."}})
	}
	return callout.Unavailable(err)
}

// stamp sets what the catalog decides.
func (c *Catalog) stamp(saved, now *callout.Config) {
	at := c.opts.Now().UTC().Truncate(time.Millisecond)
	saved.ID, saved.Version, saved.CreatedAt, saved.ETag = c.opts.NewID(), 1, at, ""
	saved.UpdatedAt, saved.LastTest, saved.Secrets, saved.SecretVersion = at, nil, []callout.SecretRef{}, ""
	if now != nil {
		saved.ID, saved.Version, saved.CreatedAt, saved.ETag = now.ID, now.Version+1, now.CreatedAt, now.ETag
	}
}

// saveSecrets writes the bundle of next as a new version, unless it is what the
// stored version holds already, and notes in saved which secrets there are.
func (c *Catalog) saveSecrets(ctx context.Context, now, next, saved *callout.Config) error {
	given, kept := next.Given(), next.Kept(now)
	for _, path := range append(slices.Collect(maps.Keys(given)), kept...) {
		saved.Secrets = append(saved.Secrets, callout.SecretRef{Path: path, UpdatedAt: updatedAt(path, given, now, saved.UpdatedAt)})
	}
	slices.SortFunc(saved.Secrets, func(a, b callout.SecretRef) int { return strings.Compare(a.Path, b.Path) })
	if len(saved.Secrets) == 0 {
		return nil
	}
	if len(given) == 0 && now != nil && samePaths(now.Secrets, saved.Secrets) {
		saved.SecretVersion = now.SecretVersion
		return nil
	}
	if err := c.addKept(ctx, now, given, kept); err != nil {
		return err
	}
	version, err := c.vault.Set(ctx, VaultName(saved.ID), given.Encode())
	if err != nil {
		return notWritten(err)
	}
	saved.SecretVersion = version
	return nil
}

// addKept adds the stored values that stay. They are read from the vault and not
// from memory, so that a disabled version does not live on in a new one.
func (c *Catalog) addKept(ctx context.Context, now *callout.Config, given callout.Bundle, kept []string) error {
	if len(kept) == 0 {
		return nil
	}
	old, err := c.readSecrets(ctx, now)
	if isCode(err, string(callout.CredentialMissing)) {
		return secretsRequired(kept, "The stored value was disabled or removed in the vault, so it cannot be kept. Give this secret again.")
	}
	if err != nil {
		return err
	}
	for _, path := range kept {
		for oldPath, value := range old {
			if callout.SamePlace(oldPath, path) {
				given[path] = value
			}
		}
	}
	return nil
}

// abandon removes the secret of a configuration that lost the race to be
// created. A version of one that exists stays for the sweep.
func (c *Catalog) abandon(ctx context.Context, now, saved *callout.Config) {
	if now == nil && saved.SecretVersion != "" {
		_ = c.vault.Delete(ctx, VaultName(saved.ID))
	}
}

func updatedAt(path string, given callout.Bundle, now *callout.Config, at time.Time) time.Time {
	if _, ok := given[path]; ok || now == nil {
		return at
	}
	for _, ref := range now.Secrets {
		if callout.SamePlace(ref.Path, path) {
			return ref.UpdatedAt
		}
	}
	return at
}

func samePaths(a, b []callout.SecretRef) bool {
	return slices.EqualFunc(a, b, func(x, y callout.SecretRef) bool { return x.Path == y.Path })
}

// errLost: an insert left nothing behind.
var errLost = errors.New("catalog: an insert left nothing behind")

// findInserted looks for what an insert without an answer has left.
func (c *Catalog) findInserted(ctx context.Context, saved *callout.Config, cause error) (*callout.Config, error) {
	found, err := c.present(ctx, saved.Name)
	switch {
	case err == nil && found == nil:
		return nil, callout.Unavailable(fmt.Errorf("%w: %w", errLost, cause))
	case err == nil && found.ID == saved.ID && found.Version == saved.Version:
		return found, nil
	}
	return nil, callout.Unavailable(cause)
}
