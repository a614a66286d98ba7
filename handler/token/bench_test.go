package token_test

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"callout/handler/keyring"
	"callout/handler/localstore"
	"callout/handler/store"
	"callout/handler/token"
)

// BenchmarkWarm is what a call pays for a token that is in memory.
func BenchmarkWarm(b *testing.B) {
	local, err := localstore.Open(b.TempDir())
	if err != nil {
		b.Fatal(err)
	}
	defer local.Close()
	p := &provider{life: time.Hour, valid: map[string]time.Time{}}
	rows := local.Table(store.Tokens)
	keys := keyring.New(keyring.Options{Rows: rows, Vault: local.Vault(), Now: time.Now})
	cache := token.New(token.Options{Rows: rows, Keys: keys, Transport: p, Now: time.Now, Log: slog.New(slog.DiscardHandler)})
	c := client("canary-secret")
	b.ReportAllocs()
	for b.Loop() {
		if _, err := cache.Get(context.Background(), c, token.Ask{}); err != nil {
			b.Fatal(err)
		}
	}
}
