// Package assembly puts the parts of Callout together over the stores that it is
// given: main those of the settings, tests their own. It opens nothing and sends
// nothing.
package assembly

import (
	"context"
	"log/slog"
	"time"

	"callout/handler/catalog"
	"callout/handler/egress"
	"callout/handler/execute"
	"callout/handler/history"
	"callout/handler/idempotency"
	"callout/handler/keyring"
	"callout/handler/store"
	"callout/handler/sweep"
	"callout/handler/token"
	"callout/handler/webhook"
)

// Vault keeps secrets, for all who need some of it.
type Vault interface {
	catalog.Vault
	keyring.Vault
	sweep.Vault
}

// Parts are what Callout stands on. What has no default must be given.
type Parts struct {
	// Table returns the table of a name (package store).
	Table func(name string) history.Rows
	Vault Vault
	// Client is the way out.
	Client *egress.Client
	Log    *slog.Logger
	// Now is this machine's clock; nil means time.Now.
	Now func() time.Time
	// SharedNow is a clock on which all who use the tables agree; nil means Now.
	SharedNow func() time.Time
	// Account tells these tables from others of the same names.
	Account string
	// Prepare makes the vault ready for its first call; nil if there is nothing to do.
	Prepare func(context.Context)
	// ConfigTTL is how long a configuration is served from memory.
	ConfigTTL time.Duration
	// HistoryTime is how long executions are kept; 0 means 30 days.
	HistoryTime time.Duration
	// ApprovalTime is how long a technician may take to decide; 0 means a day.
	ApprovalTime time.Duration
	// CallbackURLs are the prefixes of addresses that results may be posted to.
	CallbackURLs []string
}

// Assembly is Callout without its faces.
type Assembly struct {
	Catalog *catalog.Catalog
	History *history.History
	Keyring *keyring.Keyring
	Tokens  *token.Cache
	Execute *execute.Executor
	Sweep   *sweep.Sweeper
}

const day = 24 * time.Hour

func (p *Parts) fill() {
	if p.Now == nil {
		p.Now = time.Now
	}
	if p.SharedNow == nil {
		p.SharedNow = p.Now
	}
	if p.HistoryTime == 0 {
		p.HistoryTime = 30 * day
	}
	if p.ApprovalTime == 0 {
		p.ApprovalTime = day
	}
}

// New puts the parts together.
func New(p Parts) *Assembly {
	p.fill()
	a := &Assembly{
		Catalog: catalog.New(p.Table(store.Configs), p.Vault, catalog.Options{
			TTL: p.ConfigTTL, Now: p.Now, NewID: func() string { return history.NewID(p.Now()) }, Prepare: p.Prepare}),
		History: history.New(p.Table(store.Executions), p.Table(store.Index), p.Now),
		Keyring: keyring.New(keyring.Options{Rows: p.Table(store.Tokens), Vault: p.Vault, Now: p.SharedNow}),
	}
	a.Tokens = token.New(token.Options{Rows: p.Table(store.Tokens), Keys: a.Keyring, Place: p.Account + store.Tokens,
		Transport: p.Client, Now: p.SharedNow, Log: p.Log})
	keys := idempotency.New(p.Table(store.Keys), p.SharedNow)
	a.Execute = &execute.Executor{
		Catalog: a.Catalog, History: a.History, Keys: keys, Ring: a.Keyring, Egress: p.Client, Tokens: a.Tokens,
		Callbacks:    webhook.New(webhook.Options{Allowed: p.CallbackURLs, Keys: a.Keyring, Transport: p.Client, Now: p.Now}),
		ApprovalTime: p.ApprovalTime, Now: p.Now, Log: p.Log,
	}
	a.Sweep = &sweep.Sweeper{Catalog: a.Catalog, Vault: p.Vault, Tokens: a.Tokens, Calls: a.Execute, History: a.History, Keys: keys,
		HistoryTime: p.HistoryTime, Now: p.Now, Log: p.Log}
	return a
}
