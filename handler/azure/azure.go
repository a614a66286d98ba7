// Package azure is what the adapters of Azure's services share: one transport,
// one credential, and one way of trying again.
package azure

import (
	"bytes"
	"io"
	"net"
	"net/http"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	azlog "github.com/Azure/azure-sdk-for-go/sdk/azcore/log"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
)

// The SDK's log writes addresses with the keys of rows to standard error when
// AZURE_SDK_GO_LOGGING is set in the environment. It belongs to the process,
// not to a client, and may only be switched while no client is in use.
func init() { azlog.SetListener(nil) }

// Retry is what a call does about a busy service: at most four tries of 5 s,
// 0.2 s, 0.6 s and 1.4 s apart if the service does not say when. It gives up at
// once when asked to wait longer than MaxRetryDelay. The SDK's own defaults
// have no time-out for a try.
var Retry = policy.RetryOptions{
	MaxRetries:    3,
	RetryDelay:    200 * time.Millisecond,
	MaxRetryDelay: 2 * time.Second,
	TryTimeout:    5 * time.Second,
}

// NewTransport returns a transport for few hosts and many goroutines, which
// heeds no proxy variables and follows no redirects. One serves all clients.
func NewTransport() *http.Client {
	return &http.Client{
		Transport: &http.Transport{
			DialContext:         (&net.Dialer{Timeout: 5 * time.Second}).DialContext,
			ForceAttemptHTTP2:   true,
			MaxIdleConnsPerHost: 64,
			IdleConnTimeout:     90 * time.Second,
			TLSHandshakeTimeout: 5 * time.Second,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// NewCredential returns the managed identity where App Service offers one, of
// which AZURE_CLIENT_ID may name one, and elsewhere whatever a developer is
// signed in with. Nothing is asked for a token yet.
func NewCredential(env func(string) string, transport policy.Transporter) (azcore.TokenCredential, error) {
	client := policy.ClientOptions{Transport: transport, Retry: Retry, Telemetry: policy.TelemetryOptions{Disabled: true}}
	// Elsewhere a managed identity would try an address that does not answer for
	// a minute and three quarters.
	if env("IDENTITY_ENDPOINT") == "" {
		return azidentity.NewDefaultAzureCredential(&azidentity.DefaultAzureCredentialOptions{ClientOptions: client})
	}
	opts := &azidentity.ManagedIdentityCredentialOptions{ClientOptions: client}
	if id := env("AZURE_CLIENT_ID"); id != "" {
		opts.ID = azidentity.ClientID(id)
	}
	return azidentity.NewManagedIdentityCredential(opts)
}

// OwnBody gives each try a body of its own. The SDK rewinds one reader for all
// of them, while net/http may still be reading from it for a try that has ended
// (go.dev/issue/51907): what was then sent would begin in the middle. It is a
// policy for each try.
type OwnBody struct{}

// Do implements policy.Policy.
func (OwnBody) Do(request *policy.Request) (*http.Response, error) {
	raw := request.Raw()
	if raw.Body == nil {
		return request.Next()
	}
	content, err := io.ReadAll(raw.Body)
	if err != nil {
		return nil, err
	}
	raw.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(content)), nil }
	raw.Body, _ = raw.GetBody()
	return request.Next()
}
