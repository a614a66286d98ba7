package keyvault

import (
	"errors"
	"net/http"
	"testing"
	"testing/synctest"

	"callout/handler/secret"
	"callout/handler/store"
	"callout/handler/storetest/vaultserver"

	"github.com/Azure/azure-sdk-for-go/sdk/security/keyvault/azsecrets"
)

// trashed is what becomes of a secret that is in some state of deletion.
type trashed struct {
	state  string
	reach  func(*testing.T, *vaultserver.Server, *azsecrets.Client)
	delete error
	set    error
}

var trash = []trashed{
	{"being deleted", func(t *testing.T, server *vaultserver.Server, people *azsecrets.Client) {
		server.HoldDeletions()
		remove(t, people)
	}, nil, store.ErrConflict},
	{"deleted at once", func(t *testing.T, _ *vaultserver.Server, people *azsecrets.Client) {
		remove(t, people)
	}, store.ErrNotFound, store.ErrConflict},
	{"deleted in the end", func(t *testing.T, server *vaultserver.Server, people *azsecrets.Client) {
		server.HoldDeletions()
		remove(t, people)
		server.CompleteDeletions()
	}, store.ErrNotFound, store.ErrConflict},
	{"purged", func(t *testing.T, _ *vaultserver.Server, people *azsecrets.Client) {
		remove(t, people)
		if _, err := people.PurgeDeletedSecret(t.Context(), "callout-1", nil); err != nil {
			t.Fatal(err)
		}
	}, store.ErrNotFound, nil},
}

func remove(t *testing.T, people *azsecrets.Client) {
	t.Helper()
	if _, err := people.DeleteSecret(t.Context(), "callout-1", nil); err != nil {
		t.Fatal(err)
	}
}

func TestSoftDelete(t *testing.T) {
	const name = "callout-1"
	for _, tt := range trash {
		t.Run(tt.state, func(t *testing.T) {
			server := vaultserver.Start(t)
			vault := open(t, server)
			version := set(t, vault, name, "value")
			tt.reach(t, server, client(t, server))

			for _, at := range []string{version, ""} {
				if got, err := vault.Get(t.Context(), name, at); !errors.Is(err, store.ErrNotFound) || got.IsSet() {
					t.Errorf("Get: %v", err)
				}
			}
			if err := vault.Disable(t.Context(), name, version); !errors.Is(err, store.ErrNotFound) {
				t.Errorf("Disable: %v", err)
			}
			if versions, err := vault.Versions(t.Context(), name); len(versions) != 0 || err != nil {
				t.Errorf("Versions: %v, %v", versions, err)
			}
			if names, err := vault.Names(t.Context()); len(names) != 0 || err != nil {
				t.Errorf("Names: %v, %v", names, err)
			}
			if err := vault.Delete(t.Context(), name); !errors.Is(err, tt.delete) {
				t.Errorf("Delete: %v; want %v", err, tt.delete)
			}
			if _, err := vault.Set(t.Context(), name, secret.New("another")); !errors.Is(err, tt.set) {
				t.Errorf("Set: %v; want %v", err, tt.set)
			}
		})
	}
}

func TestARecoveredSecretIsAsItWas(t *testing.T) {
	server := vaultserver.Start(t)
	vault := open(t, server)
	version := set(t, vault, "callout-1", "value")
	if err := vault.Delete(t.Context(), "callout-1"); err != nil {
		t.Fatal(err)
	}
	if _, err := client(t, server).RecoverDeletedSecret(t.Context(), "callout-1", nil); err != nil {
		t.Fatal(err)
	}
	holds(t, vault, "callout-1", version, "value")
	set(t, vault, "callout-1", "another")
}

// When the vault's answer to a write is lost the SDK tries again, and what it
// then finds is its own doing.
func TestLostAnswers(t *testing.T) {
	type before func(*testing.T, *vaultserver.Server)
	instant := func(*testing.T, *vaultserver.Server) {}
	held := func(_ *testing.T, server *vaultserver.Server) { server.HoldDeletions() }
	for _, tt := range []struct {
		what, method string
		before       before
		call         func(*testing.T, *Vault, string) error
		want         error
		versions     int
	}{
		{"Set leaves a version that nobody knows", http.MethodPut, instant, func(t *testing.T, vault *Vault, _ string) error {
			version, err := vault.Set(t.Context(), "callout-1", secret.New("second"))
			holds(t, vault, "callout-1", version, "second")
			holds(t, vault, "callout-1", "", "second")
			return err
		}, nil, 3},
		{"Disable", http.MethodPatch, instant, func(t *testing.T, vault *Vault, first string) error {
			err := vault.Disable(t.Context(), "callout-1", first)
			if _, err := vault.Get(t.Context(), "callout-1", first); !errors.Is(err, store.ErrDisabled) {
				t.Errorf("Get: %v", err)
			}
			return err
		}, nil, 1},
		{"Delete, complete at once", http.MethodDelete, instant, func(t *testing.T, vault *Vault, _ string) error {
			return vault.Delete(t.Context(), "callout-1")
		}, store.ErrNotFound, 0},
		{"Delete, still under way", http.MethodDelete, held, func(t *testing.T, vault *Vault, _ string) error {
			return vault.Delete(t.Context(), "callout-1")
		}, nil, 0},
		{"Get", http.MethodGet, instant, func(t *testing.T, vault *Vault, first string) error {
			holds(t, vault, "callout-1", first, "first")
			return nil
		}, nil, 1},
	} {
		t.Run(tt.what, func(t *testing.T) {
			server := vaultserver.Start(t)
			tt.before(t, server)
			synctest.Test(t, func(t *testing.T) {
				plain := open(t, server, through(direct(server)))
				first := set(t, plain, "callout-1", "first")
				vault := open(t, server, through(loses(direct(server), tt.method)))
				if err := tt.call(t, vault, first); !errors.Is(err, tt.want) {
					t.Errorf("it gave %v; want %v", err, tt.want)
				}
				if versions, err := plain.Versions(t.Context(), "callout-1"); err != nil || len(versions) != tt.versions {
					t.Errorf("there are %d versions, %v; want %d", len(versions), err, tt.versions)
				}
			})
		})
	}
}
