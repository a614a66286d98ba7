package keyring_test

import (
	"context"
	"encoding/base64"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"

	"callout/handler/keyring"
	"callout/handler/keyvault"
	"callout/handler/localstore"
	"callout/handler/secret"
	"callout/handler/store"
	"callout/handler/storetest/vaultserver"
)

// house is what all instances share: a table of the embedded store and a vault,
// on a clock that tests move.
type house struct {
	testing.TB
	rows  *rows
	vault *vault
	clock *clock
}

// everywhere runs a test on the embedded vault and on the adapter of Key Vault.
func everywhere(t *testing.T, test func(*testing.T, *house)) {
	t.Helper()
	t.Run("embedded store", func(t *testing.T) { test(t, embedded(t)) })
	t.Run("Key Vault", func(t *testing.T) {
		h, server := embedded(t), vaultserver.Start(t)
		opened, err := keyvault.New(keyvault.Options{URL: server.URL(), Credential: tokens{server}, Transport: server.Client(), AnyDomain: true})
		if err != nil {
			t.Fatal(err)
		}
		h.vault.operatorsVault = opened
		test(t, h)
	})
}

// tokens gives out the vault's tokens without a request.
type tokens struct{ server *vaultserver.Server }

// GetToken implements azcore.TokenCredential.
func (c tokens) GetToken(context.Context, policy.TokenRequestOptions) (azcore.AccessToken, error) {
	return azcore.AccessToken{Token: c.server.Token(), ExpiresOn: time.Now().Add(time.Hour)}, nil
}

func embedded(t testing.TB) *house {
	t.Helper()
	opened, err := localstore.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = opened.Close() })
	h := &house{TB: t, clock: &clock{}, rows: &rows{Table: opened.Table(store.Tokens)}, vault: &vault{operatorsVault: opened.Vault()}}
	h.clock.pass(time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC).Sub(time.Unix(0, 0)))
	return h
}

// instance returns a cold instance.
func (h *house) instance() *keyring.Keyring {
	return keyring.New(keyring.Options{Rows: h.rows, Vault: h.vault, Now: h.clock.now})
}

// clock moves when a test says so.
type clock struct{ nanoseconds atomic.Int64 }

func (c *clock) now() time.Time       { return time.Unix(0, c.nanoseconds.Load()) }
func (c *clock) pass(d time.Duration) { c.nanoseconds.Add(int64(d)) }

// rows is the real table. looked, if any, is told of each look at it.
type rows struct {
	*localstore.Table
	looked chan struct{}
}

func (r *rows) Get(ctx context.Context, partition, key string) (store.Row, error) {
	if r.looked != nil {
		r.looked <- struct{}{}
	}
	return r.Table.Get(ctx, partition, key)
}

// operatorsVault is a vault as whoever runs Callout sees it.
type operatorsVault interface {
	keyring.Vault
	Disable(ctx context.Context, name, version string) error
}

// vault is a real vault, which can be out of reach, and counts.
type vault struct {
	operatorsVault
	down                 atomic.Bool
	sets, gets, listings atomic.Int64
}

var errLost = errors.Join(errors.New("lost on the way"), store.ErrUnavailable)

func (v *vault) Set(ctx context.Context, name string, value secret.Secret) (string, error) {
	v.sets.Add(1)
	return v.operatorsVault.Set(ctx, name, value)
}

func (v *vault) Get(ctx context.Context, name, version string) (secret.Secret, error) {
	if v.gets.Add(1); v.down.Load() {
		return secret.Secret{}, errLost
	}
	return v.operatorsVault.Get(ctx, name, version)
}

func (v *vault) Versions(ctx context.Context, name string) ([]store.Version, error) {
	if v.listings.Add(1); v.down.Load() {
		return nil, errLost
	}
	return v.operatorsVault.Versions(ctx, name)
}

// set stores a version as an operator does, and returns its id.
func (h *house) set(name, value string) string {
	h.Helper()
	id, err := h.vault.operatorsVault.Set(h.Context(), name, secret.New(value))
	if err != nil {
		h.Fatal(err)
	}
	return id
}

// key is a key in the form of the vault: 32 bytes that begin with first.
func key(first byte) string {
	root := make([]byte, 32)
	for i := range root {
		root[i] = first + byte(i)
	}
	return base64.StdEncoding.EncodeToString(root)
}

func (h *house) disable(name, version string) {
	h.Helper()
	if err := h.vault.operatorsVault.Disable(h.Context(), name, version); err != nil {
		h.Fatal(err)
	}
}

// seal seals at an instance for a place.
func (h *house) seal(at *keyring.Keyring, place, plain string) []byte {
	h.Helper()
	sealed, err := at.Seal(h.Context(), keyring.Arguments, place, []byte(plain))
	if err != nil {
		h.Fatal(err)
	}
	return sealed
}

// opens checks that an instance opens what was sealed.
func (h *house) opens(at *keyring.Keyring, place string, sealed []byte, want string) {
	h.Helper()
	if got, err := at.Open(h.Context(), keyring.Arguments, place, sealed); err != nil || string(got) != want {
		h.Errorf("opened were %q, %v; want %q", got, err, want)
	}
}

// opensNot checks for which cause an instance does not open it.
func (h *house) opensNot(at *keyring.Keyring, place string, sealed []byte, want error) {
	h.Helper()
	if got, err := at.Open(h.Context(), keyring.Arguments, place, sealed); !errors.Is(err, want) || got != nil {
		h.Errorf("opened were %q, %v; want %v", got, err, want)
	}
}
