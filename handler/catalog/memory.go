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
	seen     time.Time
}

// held is a bundle in memory. A version never changes, but it can be disabled,
// which is what the re-read is for.
type held struct {
	bundle callout.Bundle
	read   time.Time
}

const (
	bundleTTL  = time.Hour
	maxEntries = 20000
)

// Load returns a configuration for a call, from memory if it was looked at
// within the TTL. It fails with callout.ConfigNotFound.
func (c *Catalog) Load(ctx context.Context, name string) (*Entry, error) {
	now := c.opts.Now()
	c.mu.Lock()
	entry, changes := c.entries[name], c.changes
	c.mu.Unlock()
	if entry != nil && now.Sub(entry.seen) < c.opts.TTL {
		return entry, nil
	}
	config, err := c.read(ctx, name)
	if err != nil {
		return nil, err
	}
	fresh := &Entry{Config: config, seen: now}
	if entry != nil && entry.Config.ETag == config.ETag {
		fresh.Config, fresh.Template = entry.Config, entry.Template
	} else {
		var faults []callout.Fault
		if fresh.Template, faults = request.Compile(config); len(faults) > 0 {
			return nil, callout.Refuse(callout.InvalidConfig, faults)
		}
	}
	c.remember(name, fresh, changes)
	return fresh, nil
}

func (c *Catalog) remember(name string, entry *Entry, changes uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if changes != c.changes {
		return
	}
	if len(c.entries) >= maxEntries {
		clear(c.entries)
	}
	c.entries[name] = entry
}

// forget is told of every change that is made here.
func (c *Catalog) forget(name string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.changes++
	delete(c.entries, name)
}

// drop is told that a configuration is gone. It does not count as a change: who
// asks for names that do not exist must not keep the others out of memory.
func (c *Catalog) drop(name string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.entries, name)
}

// Secrets returns the secret values of a configuration, from memory if its
// version was read within the hour. They are shared: nothing of them may be
// changed. It fails with callout.StorageUnavailable, or with
// callout.CredentialMissing when the version was disabled or is gone.
func (c *Catalog) Secrets(ctx context.Context, config *callout.Config) (callout.Bundle, error) {
	if config.SecretVersion == "" {
		return callout.Bundle{}, nil
	}
	key, now := config.ID+"/"+config.SecretVersion, c.opts.Now()
	c.mu.Lock()
	h, ok := c.bundles[key]
	c.mu.Unlock()
	if ok && now.Sub(h.read) < bundleTTL {
		return h.bundle, nil
	}
	bundle, err := c.readSecrets(ctx, config)
	if err != nil {
		return nil, err
	}
	c.hold(key, held{bundle: bundle, read: now})
	return bundle, nil
}

// readSecrets asks the vault, whatever is in memory.
func (c *Catalog) readSecrets(ctx context.Context, config *callout.Config) (callout.Bundle, error) {
	value, err := c.vault.Get(ctx, vaultName(config.ID), config.SecretVersion)
	if errors.Is(err, store.ErrNotFound) || errors.Is(err, store.ErrDisabled) {
		return nil, &callout.Error{Code: string(callout.CredentialMissing), Err: err,
			Message: "The stored secrets of this configuration were disabled or removed in the vault. An operator must give them again."}
	}
	if err != nil {
		return nil, callout.Unavailable(err)
	}
	return callout.DecodeBundle(value)
}

func (c *Catalog) hold(key string, h held) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.bundles) >= maxEntries {
		clear(c.bundles)
	}
	c.bundles[key] = h
}
