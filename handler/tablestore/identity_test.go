package tablestore

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"callout/handler/store"
	"callout/handler/storetest/azurite"
	"callout/handler/storetest/fault"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
)

// identityHeader is the proof that a request comes from within the app.
const identityHeader = "the-app-itself"

// identityEndpoint is what App Service gives an app to get its tokens from
// (learn.microsoft.com/azure/app-service/overview-managed-identity).
type identityEndpoint struct {
	asked atomic.Int64
}

// start serves it and tells the process about it.
func (e *identityEndpoint) start(t *testing.T) {
	t.Helper()
	server := httptest.NewServer(e)
	t.Cleanup(server.Close)
	t.Setenv("IDENTITY_ENDPOINT", server.URL+"/msi/token")
	t.Setenv("IDENTITY_HEADER", identityHeader)
}

// ServeHTTP implements http.Handler.
func (e *identityEndpoint) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	e.asked.Add(1)
	query := r.URL.Query()
	if r.Header.Get("X-Identity-Header") != identityHeader || query.Get("api-version") != "2019-08-01" {
		http.Error(w, `{"statusCode":400}`, http.StatusBadRequest)
		return
	}
	expires := time.Now().Add(time.Hour)
	_ = json.NewEncoder(w).Encode(map[string]any{
		"access_token": unsignedToken(query.Get("resource"), expires), "expires_on": fmt.Sprint(expires.Unix()),
		"resource": query.Get("resource"), "token_type": "Bearer",
	})
}

// unsignedToken is an access token as Azurite looks at it.
func unsignedToken(audience string, expires time.Time) string {
	encode := func(part any) string {
		raw, _ := json.Marshal(part)
		return base64.RawURLEncoding.EncodeToString(raw)
	}
	begin := time.Now().Add(-time.Minute).Unix()
	return strings.Join([]string{
		encode(map[string]any{"alg": "RS256", "typ": "JWT"}),
		encode(map[string]any{
			"aud": audience, "iss": "https://sts.windows.net/tenant/", "iat": begin, "nbf": begin, "exp": expires.Unix(),
		}),
		base64.RawURLEncoding.EncodeToString([]byte("no signature")),
	}, ".")
}

// identityRig opens a table of an Azurite that takes tokens, by way of a proxy.
func identityRig(t *testing.T) rig {
	t.Helper()
	server := azurite.StartWithTokens(t)
	behind := server.Transport()
	proxy := fault.Start(t, server.URL(), fault.Options{TLS: true, Backend: behind})
	client := &http.Client{Transport: proxy.Transport()}
	t.Cleanup(client.CloseIdleConnections)
	t.Cleanup(behind.CloseIdleConnections)
	credential, err := azidentity.NewManagedIdentityCredential(&azidentity.ManagedIdentityCredentialOptions{
		ClientOptions: policy.ClientOptions{Transport: client, Retry: quick},
	})
	if err != nil {
		t.Fatal(err)
	}
	s, err := newStore(Options{Endpoint: proxy.URL() + "/" + azurite.Account, Credential: credential, Transport: client}, quick)
	if err != nil {
		t.Fatal(err)
	}
	table := s.Table(azurite.TableName())
	return rig{T: t, proxy: proxy, store: s, table: table, direct: table}
}

func TestAManagedIdentity(t *testing.T) {
	identity := &identityEndpoint{}
	identity.start(t)
	r := identityRig(t)

	r.is("insert", r.insert(t.Context(), "k"), nil)
	r.sent(insertRow, createTable, insertRow)
	row, err := r.table.Get(t.Context(), "p", "k")
	if err != nil || string(row.Data) != "data" {
		t.Errorf("Get: %q, %v", row.Data, err)
	}
	r.proxy.Use(fault.Then("PUT *", fault.DropReply()))
	row.Data = []byte("mine")
	r.proxy.Reset()
	etag, err := r.table.Put(t.Context(), row)
	r.is("replace", err, nil)
	r.sent(replaceRow, replaceRow, getRow)
	r.proxy.Use(nil)
	page, err := r.table.List(t.Context(), store.Range{Partition: "p"})
	if err != nil || len(page.Rows) != 1 || page.Rows[0].ETag != etag {
		t.Errorf("List: %v, %v", page, err)
	}
	r.is("Delete", r.table.Delete(t.Context(), "p", "k", etag), nil)
	if got := identity.asked.Load(); got > 1 {
		t.Errorf("the identity was asked for %d tokens", got)
	}
}

// fixedToken is a credential that has one token, or none.
type fixedToken string

// GetToken implements azcore.TokenCredential.
func (f fixedToken) GetToken(context.Context, policy.TokenRequestOptions) (azcore.AccessToken, error) {
	if f == "" {
		return azcore.AccessToken{}, errors.New("canary")
	}
	return azcore.AccessToken{Token: string(f), ExpiresOn: time.Now().Add(time.Hour)}, nil
}

func TestATokenThatIsRefused(t *testing.T) {
	credential := fixedToken(unsignedToken("https://vault.azure.net", time.Now().Add(time.Hour)))
	server := azurite.StartWithTokens(t)
	transport := server.Transport()
	t.Cleanup(transport.CloseIdleConnections)
	s, err := newStore(Options{Endpoint: server.Endpoint(), Credential: credential, Transport: &http.Client{Transport: transport}}, quick)
	if err != nil {
		t.Fatal(err)
	}
	_, err = s.Table("people").Get(t.Context(), "p", "k")
	if !errors.Is(err, store.ErrUnavailable) || !strings.Contains(err.Error(), "Storage Table Data Contributor") {
		t.Errorf("Get: %v", err)
	}
}

func TestWithoutATokenNothingIsSent(t *testing.T) {
	sent := 0
	s, err := newStore(Options{
		Endpoint: "https://account.table.core.windows.net", Credential: fixedToken(""),
		Transport: transport(func(*http.Request) (*http.Response, error) { sent++; return nil, errors.New("sent") }),
	}, quick)
	if err != nil {
		t.Fatal(err)
	}
	table := s.Table("people")
	_, get := table.Get(t.Context(), "p", "k")
	_, put := table.Put(t.Context(), store.Row{Partition: "p", Key: "k"})
	for _, err := range []error{get, put, table.Delete(t.Context(), "p", "k", store.Any)} {
		if !errors.Is(err, store.ErrUnavailable) || !strings.Contains(err.Error(), "no token") || strings.Contains(err.Error(), "canary") {
			t.Errorf("%v", err)
		}
	}
	if sent != 0 {
		t.Errorf("%d requests were sent", sent)
	}
}
