package catalog

import (
	"context"
	"errors"
	"time"

	"callout/handler/callout"
	"callout/handler/request"
	"callout/handler/store"
)

// Entry is a configuration as it is kept in memory, with what was made from it.
// Nothing of it may be changed.
type Entry struct {
	Config   *callout.Config
	Template *request.Template
}

// bundleTTL is how long a bundle is used before its version is read again. A
// version never changes, but it can be disabled, which is what this is for.
const bundleTTL = time.Hour

// Load returns a configuration for a call, from memory if it was looked at
// within the TTL. It fails with callout.ConfigNotFound, and with
// callout.StorageUnavailable if it was never seen and cannot be read.
func (c *Catalog) Load(ctx context.Context, name string) (*Entry, error) {
	return c.entries.get(ctx, name, func(ctx context.Context, old *Entry, had bool) (*Entry, error) {
		if !had && c.opts.Prepare != nil {
			go c.opts.Prepare(ctx)
		}
		config, err := c.read(ctx, name)
		if err != nil {
			return nil, err
		}
		if had && old.Config.ETag == config.ETag {
			return old, nil
		}
		template, faults := request.Compile(config)
		return &Entry{Config: config, Template: template}, callout.Refuse(callout.InvalidConfig, faults)
	})
}

// Secrets returns the secret values of a configuration, from memory if its
// version was read within the hour. They are shared: nothing of them may be
// changed. It fails with callout.StorageUnavailable, or with
// callout.CredentialMissing when the version was disabled or is gone.
func (c *Catalog) Secrets(ctx context.Context, config *callout.Config) (callout.Bundle, error) {
	if config.SecretVersion == "" {
		return callout.Bundle{}, nil
	}
	key := config.ID + "/" + config.SecretVersion
	return c.bundles.get(ctx, key, func(ctx context.Context, _ callout.Bundle, _ bool) (callout.Bundle, error) {
		return c.readSecrets(ctx, config)
	})
}

// readSecrets asks the vault, whatever is in memory.
func (c *Catalog) readSecrets(ctx context.Context, config *callout.Config) (callout.Bundle, error) {
	value, err := c.vault.Get(ctx, VaultName(config.ID), config.SecretVersion)
	if errors.Is(err, store.ErrNotFound) || errors.Is(err, store.ErrDisabled) {
		return nil, &callout.Error{Code: string(callout.CredentialMissing), Err: err,
			Message: "The stored secrets of this configuration were disabled or removed in the vault. An operator must give them again."}
	}
	if err != nil {
		return nil, callout.Unavailable(err)
	}
	return callout.DecodeBundle(value)
}
