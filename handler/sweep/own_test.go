package sweep_test

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"

	"callout/handler/assembly"
	"callout/handler/callout"
	"callout/handler/catalog"
	"callout/handler/egress"
	"callout/handler/history"
	"callout/handler/keyring"
	"callout/handler/keyvault"
	"callout/handler/localstore"
	"callout/handler/storetest/vaultserver"
	"callout/handler/sweep"
	"callout/handler/webhook"
)

// anyVault is what all who use a vault need of it.
type anyVault interface {
	catalog.Vault
	keyring.Vault
	sweep.Vault
}

// credential gives out the vault's tokens without a request.
type credential struct{ server *vaultserver.Server }

// GetToken implements azcore.TokenCredential.
func (c credential) GetToken(context.Context, policy.TokenRequestOptions) (azcore.AccessToken, error) {
	return azcore.AccessToken{Token: c.server.Token(), ExpiresOn: time.Now().Add(time.Hour)}, nil
}

// The secrets that Callout makes for itself belong to no configuration, and are no
// orphans, by the listing of either vault.
func TestCalloutsOwnSecretsStay(t *testing.T) {
	opened, err := localstore.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = opened.Close() })
	server := vaultserver.Start(t)
	inAzure, err := keyvault.New(keyvault.Options{URL: server.URL(), Credential: credential{server}, Transport: server.Client(), AnyDomain: true})
	if err != nil {
		t.Fatal(err)
	}
	for name, vault := range map[string]anyVault{"embedded": opened.Vault(), "keyvault": inAzure} {
		t.Run(name, func(t *testing.T) {
			ahead := time.Duration(0)
			now := func() time.Time { return time.Now().Add(ahead) }
			rows, log := opened.Table(name+"tokens"), slog.New(slog.DiscardHandler)
			keys := keyring.New(keyring.Options{Rows: rows, Vault: vault, Now: now})
			configs := catalog.New(opened.Table(name+"configs"), vault, catalog.Options{Now: now, NewID: func() string { return "01JDID" }})
			makeSecrets(t, keys, configs)
			ahead = 100 * day
			s := assembly.New(assembly.Parts{Table: func(n string) history.Rows { return opened.Table(name + n) }, Vault: vault, Client: egress.New(egress.Options{}), Log: log, Now: now}).Sweep
			s.Catalog = configs
			if report, err := s.Run(t.Context()); err != nil || report != nothing {
				t.Errorf("a run: %+v, %v", report, err)
			}
			want := []string{catalog.VaultName("01JDID"), webhook.KeyName, keyring.KeyName}
			slices.Sort(want)
			if names, err := vault.Names(t.Context()); err != nil || !slices.Equal(names, want) {
				t.Errorf("the vault holds %q, %v, want %q", names, err, want)
			}
			if err := configs.Delete(t.Context(), "crm", catalog.Condition{}); err != nil {
				t.Fatal(err)
			}
			if report, err := s.Run(t.Context()); err != nil || report.Disabled != 0 {
				t.Errorf("without a configuration: %+v, %v", report, err)
			}
			if names, _ := vault.Names(t.Context()); !slices.Contains(names, webhook.KeyName) || !slices.Contains(names, keyring.KeyName) {
				t.Errorf("the vault holds %q", names)
			}
		})
	}
}

// makeSecrets has each secret made by whoever uses it, and that of a configuration.
func makeSecrets(t *testing.T, keys *keyring.Keyring, configs *catalog.Catalog) {
	t.Helper()
	if _, err := keys.Key(t.Context()); err != nil {
		t.Fatal(err)
	}
	receiver := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	defer receiver.Close()
	sender := webhook.New(webhook.Options{Allowed: []string{receiver.URL}, Keys: keys, Transport: receiver.Client().Transport, Now: time.Now})
	if err := sender.Post(t.Context(), receiver.URL, "id", nil); err != nil {
		t.Fatal(err)
	}
	c := &callout.Config{}
	const text = `{"name": "crm", "endpoint": "https://api.example.com/v1", "method": "GET", "auth": {"type": "bearer", "token": "a-long-token"}}`
	if err := json.Unmarshal([]byte(text), c); err != nil {
		t.Fatal(err)
	}
	if _, err := configs.Create(t.Context(), c); err != nil {
		t.Fatal(err)
	}
}
