package main

import (
	"net/url"
	"strings"

	"callout/handler/secret"
)

// TableSettings name one place for rows; the zero value is the embedded store.
type TableSettings struct {
	// Endpoint is that of an account, reached with an identity.
	Endpoint string
	// ConnectionString opens an account with its key, and is a secret for that.
	ConnectionString secret.Secret
}

// Local reports whether rows are in the embedded store.
func (t TableSettings) Local() bool { return t.Endpoint == "" && !t.ConnectionString.IsSet() }

// VaultSettings name one place for secrets; the zero value is the embedded
// store.
type VaultSettings struct {
	URL string
	// Tenant is the directory of the vault, if it is known: the first call need
	// not ask for it then.
	Tenant string
	// AnyDomain permits a vault outside Azure's domains, such as a test vault.
	AnyDomain bool
}

// Local reports whether secrets are in the embedded store.
func (v VaultSettings) Local() bool { return v.URL == "" }

const lostWithTheInstance = "must name a store on Azure: the embedded store would be lost with the instance"

func (r *reader) tables(onAzure bool) (t TableSettings) {
	const name = "CALLOUT_TABLES"
	switch v := r.text(name, "local"); {
	case v == "local" && onAzure:
		r.fault(name, lostWithTheInstance)
	case v == "local":
	case strings.HasPrefix(v, "https://"):
		t.Endpoint = v
	case strings.EqualFold(v, "UseDevelopmentStorage=true") && onAzure:
		r.fault(name, "must not name Azurite on Azure")
	case strings.Contains(v, "="):
		t.ConnectionString = secret.New(v)
	default:
		r.fault(name, `must be "local", the https address of an account's tables, or a connection string`)
	}
	return t
}

// vaultDomains are those of Key Vault in Azure's clouds.
var vaultDomains = []string{".vault.azure.net", ".vault.azure.cn", ".vault.usgovcloudapi.net"}

func (r *reader) vault(onAzure bool) (v VaultSettings) {
	const name = "CALLOUT_VAULT"
	text := r.text(name, "local")
	at, err := url.Parse(text)
	switch {
	case text == "local" && onAzure:
		r.fault(name, lostWithTheInstance)
	case text == "local":
	case err != nil || at.Scheme != "https" || at.Host == "":
		r.fault(name, `must be "local" or the https address of a vault`)
	case onAzure && !inAzure(at.Hostname()):
		r.fault(name, "must be a vault in Azure: its tokens are not given to others")
	default:
		v = VaultSettings{URL: text, Tenant: r.text("AZURE_TENANT_ID", ""), AnyDomain: !inAzure(at.Hostname())}
	}
	return v
}

func inAzure(host string) bool {
	for _, domain := range vaultDomains {
		if strings.HasSuffix(strings.ToLower(host), domain) {
			return true
		}
	}
	return false
}
