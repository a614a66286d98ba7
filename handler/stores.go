package main

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"

	"callout/handler/assembly"
	"callout/handler/azure"
	"callout/handler/history"
	"callout/handler/keyvault"
	"callout/handler/localstore"
	"callout/handler/tablestore"
)

// stores are where rows and secrets are kept.
type stores struct {
	table func(name string) history.Rows
	vault assembly.Vault
	// account tells these tables from others, now is a clock on which all who
	// use them agree.
	account string
	now     func() time.Time
	// prepare makes the vault ready for its first call.
	prepare func(context.Context)
	close   func() error
}

// openStores opens what the settings name. Nothing is sent to Azure yet.
func openStores(settings *Settings) (*stores, error) {
	s := &stores{now: time.Now, prepare: func(context.Context) {}, close: func() error { return nil }}
	if settings.Tables.Local() || settings.Vault.Local() {
		local, err := localstore.Open(settings.DataDir)
		if err != nil {
			return nil, err
		}
		s.close, s.vault = local.Close, local.Vault()
		s.table = func(name string) history.Rows { return local.Table(name) }
	}
	if err := s.addAzure(settings); err != nil {
		_ = s.close() // the first error is the one to tell
		return nil, err
	}
	return s, nil
}

// addAzure puts in place what is in Azure: one transport and one credential for
// both services.
func (s *stores) addAzure(settings *Settings) error {
	if settings.Tables.Local() && settings.Vault.Local() {
		return nil
	}
	transport := azure.NewTransport()
	var credential azcore.TokenCredential
	if settings.Tables.Endpoint != "" || !settings.Vault.Local() {
		var err error
		if credential, err = azure.NewCredential(os.Getenv, transport); err != nil {
			return err
		}
	}
	if !settings.Tables.Local() {
		rows, err := tablestore.New(tablestore.Options{Endpoint: settings.Tables.Endpoint, Credential: credential,
			ConnectionString: settings.Tables.ConnectionString.Reveal(), Transport: transport})
		if err != nil {
			return fmt.Errorf("CALLOUT_TABLES cannot be used: %w", err)
		}
		s.table = func(name string) history.Rows { return rows.Table(name) }
		s.account, s.now = rows.Account()+"/", rows.Now
	}
	if settings.Vault.Local() {
		return nil
	}
	secrets, err := keyvault.New(keyvault.Options{URL: settings.Vault.URL, Credential: credential,
		Transport: transport, Tenant: settings.Vault.Tenant, AnyDomain: settings.Vault.AnyDomain})
	if err != nil {
		return fmt.Errorf("CALLOUT_VAULT or AZURE_TENANT_ID cannot be used: %w", err)
	}
	s.vault, s.prepare = secrets, func(ctx context.Context) { _ = secrets.Prepare(ctx) } // the call itself will tell
	return nil
}
