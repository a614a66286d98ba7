// Package keyvault keeps secrets in Azure Key Vault. It makes the promises that
// localstore's vault makes, and storetest holds both to them. What it knows of
// the service is from the REST reference of Key Vault secrets; what it knows of
// the SDK's habits is from the SDK's source, and said where it matters.
package keyvault

import (
	"errors"
	"net/url"
	"regexp"
	"strings"
	"sync/atomic"

	"callout/handler/azure"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/security/keyvault/azsecrets"
	"golang.org/x/sync/singleflight"
)

// Options say which vault, and how it is reached.
type Options struct {
	// URL is the vault's address, as https://<name>.vault.azure.net.
	URL string
	// Credential signs in to the vault's directory. It should remember its
	// tokens, as those of azidentity do.
	Credential azcore.TokenCredential
	// Transport sends requests; an *http.Client is one. Any other must not follow
	// redirects.
	Transport policy.Transporter
	// Tenant is the directory of the vault, by id or domain. It is optional: with
	// it, the first call need not ask the vault which directory that is, which
	// saves a request.
	Tenant string
	// AnyDomain takes a vault outside Azure's domains, for tests. Without it a
	// token is only asked for if it is meant for the domain that the vault is in.
	AnyDomain bool
}

// Vault holds secrets by name, each in versions that never change. Names that
// differ in case only are the same name. It is safe for concurrent use.
//
// Every call returns ctx's error at once if ctx is done, ErrInvalidName for a
// name that no secret can have, and store.ErrUnavailable if the vault did not
// give a definite answer; if that is because ctx ended, the error is ctx's as
// well. No error holds a value, a name, an address or what the vault wrote,
// except for the codes by which it says what was wrong.
//
// Calls are tried four times at most, and each try has five seconds.
type Vault struct {
	secrets  *azsecrets.Client
	signIns  singleflight.Group
	signedIn atomic.Bool // the client knows its directory and has had a token
}

// The causes for which New fails.
var (
	errURL        = errors.New("keyvault: the vault's address must be https://<host> without a path, a query or a user; see the vault's overview in the Azure portal")
	errTenant     = errors.New("keyvault: the vault's directory must be given as its id or its domain; see the vault's overview in the Azure portal")
	errIncomplete = errors.New("keyvault: a credential and a transport must be given")
)

var tenantForm = regexp.MustCompile(`^[0-9a-zA-Z.-]+$`)

// New returns the vault of that address. Nothing is sent before the first call.
// It fails if the options are incomplete or malformed.
func New(opts Options) (*Vault, error) {
	at, err := url.Parse(opts.URL)
	switch {
	case err != nil || !isVaultAddress(at):
		return nil, errURL
	case opts.Tenant != "" && !tenantForm.MatchString(opts.Tenant):
		return nil, errTenant
	case opts.Credential == nil || opts.Transport == nil:
		return nil, errIncomplete
	}
	at.Host = strings.TrimSuffix(at.Host, ":443") // the SDK compares the domain with the port on
	client, err := azsecrets.NewClient("https://"+at.Host, quietCredential{opts.Credential}, &azsecrets.ClientOptions{
		ClientOptions: azcore.ClientOptions{
			Retry:            azure.Retry,
			Telemetry:        policy.TelemetryOptions{Disabled: true},
			PerRetryPolicies: []policy.Policy{azure.OwnBody{}},
			Transport:        &wire{next: staying(opts.Transport), vault: at, challenge: challenge(at, opts)},
		},
		DisableChallengeResourceVerification: opts.AnyDomain,
	})
	if err != nil {
		return nil, errIncomplete
	}
	return &Vault{secrets: client}, nil
}

func isVaultAddress(at *url.URL) bool {
	return at.Scheme == "https" && at.Hostname() != "" && at.User == nil && at.Opaque == "" &&
		strings.Trim(at.Path, "/") == "" && at.RawQuery == "" && !at.ForceQuery && at.Fragment == ""
}

// challenge is what the vault would tell a request that comes without a token,
// or "" if the directory is not known. In every Azure cloud the resource is the
// domain that the vault's own name is put before.
func challenge(at *url.URL, opts Options) string {
	if opts.Tenant == "" {
		return ""
	}
	_, domain, _ := strings.Cut(at.Hostname(), ".")
	if opts.AnyDomain {
		domain = "vault.azure.net"
	}
	return `Bearer authorization="https://login.microsoftonline.com/` + opts.Tenant + `", resource="https://` + domain + `"`
}
