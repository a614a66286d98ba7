package vaultserver

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/to"
	"github.com/Azure/azure-sdk-for-go/sdk/security/keyvault/azsecrets"
)

// tokens is a credential that asks for none.
type tokens struct{ server *Server }

func (c tokens) GetToken(context.Context, policy.TokenRequestOptions) (azcore.AccessToken, error) {
	return azcore.AccessToken{Token: c.server.Token(), ExpiresOn: time.Now().Add(time.Hour)}, nil
}

// client is the SDK's client, which tries once.
func client(t *testing.T, server *Server) *azsecrets.Client {
	t.Helper()
	c, err := azsecrets.NewClient(server.URL(), tokens{server}, &azsecrets.ClientOptions{
		ClientOptions:                        azcore.ClientOptions{Transport: server.Client(), Retry: policy.RetryOptions{MaxRetries: -1}},
		DisableChallengeResourceVerification: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func set(t *testing.T, c *azsecrets.Client, name, value string) string {
	t.Helper()
	stored, err := c.SetSecret(t.Context(), name, azsecrets.SetSecretParameters{Value: &value}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return stored.ID.Version()
}

// answered is a status and the codes of a body in the error shape.
type answered struct {
	status      int
	code, inner string
}

// outcome says how a call of the SDK ended.
func outcome(err error) answered {
	var refused *azcore.ResponseError
	if !errors.As(err, &refused) {
		return answered{}
	}
	body, _ := io.ReadAll(refused.RawResponse.Body)
	return parse(refused.StatusCode, body)
}

func parse(status int, body []byte) answered {
	var said struct {
		Error struct {
			Code       string
			InnerError struct{ Code string }
		}
	}
	_ = json.Unmarshal(body, &said)
	return answered{status, said.Error.Code, said.Error.InnerError.Code}
}

func TestLifeOfASecret(t *testing.T) {
	server := Start(t)
	c := client(t, server)
	var (
		fine     = answered{}
		notFound = answered{404, "SecretNotFound", ""}
		disabled = answered{403, "Forbidden", "SecretDisabled"}
		deleting = answered{409, "Conflict", "ObjectIsBeingDeleted"}
		deleted  = answered{409, "Conflict", "ObjectIsDeletedButRecoverable"}
		first    = set(t, c, "Name", "first")
		second   = set(t, c, "name", "second")
		enable   = func(version string, on bool) func() error { return func() error { return switchTo(t, c, version, on) } }
		get      = func(version string) func() error {
			return func() error { _, err := c.GetSecret(t.Context(), "NAME", version, nil); return err }
		}
		put = func() error {
			_, err := c.SetSecret(t.Context(), "name", azsecrets.SetSecretParameters{Value: to.Ptr("v")}, nil)
			return err
		}
		remove    = func() error { _, err := c.DeleteSecret(t.Context(), "name", nil); return err }
		seeTrash  = func() error { _, err := c.GetDeletedSecret(t.Context(), "name", nil); return err }
		restore   = func() error { _, err := c.RecoverDeletedSecret(t.Context(), "name", nil); return err }
		purge     = func() error { _, err := c.PurgeDeletedSecret(t.Context(), "name", nil); return err }
		hold      = func() error { server.HoldDeletions(); return nil }
		completed = func() error { server.CompleteDeletions(); return nil }
	)
	for i, step := range []struct {
		call func() error
		want answered
	}{
		{get(first), fine}, {get(""), fine}, {get(strings.Repeat("0", 32)), notFound},
		{enable(first, false), fine}, {get(first), disabled}, {get(second), fine}, {get(""), fine},
		{enable("", false), fine}, {get(second), disabled}, {get(""), disabled},
		{enable(first, true), fine}, {get(first), fine},
		{seeTrash, notFound}, {restore, notFound}, {purge, notFound},
		{hold, fine}, {remove, fine}, {remove, deleting}, {put, deleting}, {enable(first, true), deleting},
		{get(first), notFound}, {seeTrash, notFound}, {restore, deleting}, {purge, deleting},
		{completed, fine}, {remove, notFound}, {put, deleted}, {enable(first, true), notFound}, {get(first), notFound}, {seeTrash, fine},
		{restore, fine}, {get(first), fine}, {get(second), disabled}, {put, fine}, {get(""), fine},
		{remove, fine}, {put, deleted}, {purge, fine}, {purge, notFound}, {get(first), notFound}, {remove, notFound},
		{put, fine}, {get(""), fine}, {get(first), notFound},
	} {
		if err := step.call(); outcome(err) != step.want || (err == nil) != (step.want == fine) {
			t.Fatalf("step %d: %v; want %v", i, err, step.want)
		}
	}
}

func switchTo(t *testing.T, c *azsecrets.Client, version string, on bool) error {
	t.Helper()
	_, err := c.UpdateSecretProperties(t.Context(), "name", version,
		azsecrets.UpdateSecretPropertiesParameters{SecretAttributes: &azsecrets.SecretAttributes{Enabled: &on}}, nil)
	return err
}

func TestWhatIsSaidOfAVersionIsKept(t *testing.T) {
	c := client(t, Start(t))
	stored, err := c.SetSecret(t.Context(), "name", azsecrets.SetSecretParameters{
		Value: to.Ptr("value"), ContentType: to.Ptr("application/json"), Tags: map[string]*string{"app": to.Ptr("callout")},
		SecretAttributes: &azsecrets.SecretAttributes{Enabled: to.Ptr(false)},
	}, nil)
	if err != nil || *stored.Attributes.Enabled {
		t.Fatalf("SetSecret: %v, %v", stored, err)
	}
	if err := switchTo(t, c, stored.ID.Version(), true); err != nil {
		t.Fatal(err)
	}
	got, err := c.GetSecret(t.Context(), "name", "", nil)
	if err != nil || *got.Value != "value" || *got.ContentType != "application/json" || *got.Tags["app"] != "callout" || got.Attributes.Created.IsZero() {
		t.Errorf("GetSecret: %v, %v", got, err)
	}
}

// Many names are deleted: pages are shorter than they could be, and one is empty.
func TestPages(t *testing.T) {
	server := Start(t)
	c := client(t, server)
	const names, versions = 120, 53
	for i := range names {
		name := fmt.Sprintf("name-%03d", i)
		set(t, c, name, "value")
		if i%2 == 0 || i < 60 {
			if _, err := c.DeleteSecret(t.Context(), name, nil); err != nil {
				t.Fatal(err)
			}
		}
	}
	for range versions {
		set(t, c, "many", "value")
	}
	server.Reset()

	seen, sizes := map[string]bool{}, []int{}
	for pager := c.NewListSecretPropertiesPager(nil); pager.More(); {
		page, err := pager.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		sizes = append(sizes, len(page.Value))
		for _, item := range page.Value {
			seen[item.ID.Name()] = item.ID.Version() == ""
		}
	}
	if len(seen) != 31 || seen["name-000"] || !seen["name-061"] || !seen["many"] || fmt.Sprint(sizes) != "[1 0 7 12 11]" {
		t.Errorf("%d names on pages of %v", len(seen), sizes)
	}
	ids := map[string]bool{}
	for pager := c.NewListSecretPropertiesVersionsPager("many", nil); pager.More(); {
		page, err := pager.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, item := range page.Value {
			ids[item.ID.Version()] = true
		}
	}
	if len(ids) != versions {
		t.Errorf("%d versions", len(ids))
	}
	if got := server.Requests(); !maps.Equal(got, map[Kind]int{List: 5, ListVersions: 3}) {
		t.Errorf("the requests are %v", got)
	}
}

// send sends a request as it is.
func send(t *testing.T, client *http.Client, method, url string, header http.Header, body string) (*http.Response, []byte) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header = header
	resp, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp, text
}

func TestRefusals(t *testing.T) {
	server := Start(t)
	good := http.Header{"Authorization": {"Bearer " + server.Token()}}
	value := func(size int) string { return `{"value":"` + strings.Repeat("s", size) + `"}` }
	bad := answered{400, "BadParameter", ""}
	for _, tt := range []struct {
		what, method, path string
		header             http.Header
		body               string
		want               answered
	}{
		{"no token", "GET", "/secrets?api-version=1", http.Header{}, "", answered{401, "Unauthorized", ""}},
		{"a token that is none", "GET", "/secrets?api-version=1", http.Header{"Authorization": {"Bearer a.b.c"}}, "", answered{401, "Unauthorized", ""}},
		{"no version of the API", "GET", "/secrets", good, "", bad},
		{"no such path", "GET", "/keys?api-version=1", good, "", answered{404, "", ""}},
		{"no such method", "POST", "/secrets?api-version=1", good, "", answered{405, "", ""}},
		{"a name with a dot", "PUT", "/secrets/a.b?api-version=1", good, value(1), bad},
		{"a name that is too long", "PUT", "/secrets/" + strings.Repeat("n", 128) + "?api-version=1", good, value(1), bad},
		{"the longest name", "PUT", "/secrets/" + strings.Repeat("n", 127) + "?api-version=1", good, value(1), answered{200, "", ""}},
		{"25 KB", "PUT", "/secrets/name?api-version=1", good, value(25 << 10), answered{200, "", ""}},
		{"25 KB and a byte", "PUT", "/secrets/name?api-version=1", good, value(25<<10 + 1), bad},
		{"a body that is too large", "PUT", "/secrets/name?api-version=1", good, value(1 << 20), bad},
		{"no value", "PUT", "/secrets/name?api-version=1", good, "{}", bad},
		{"no JSON", "PUT", "/secrets/name?api-version=1", good, "value", bad},
		{"a change that is no JSON", "PATCH", "/secrets/name/?api-version=1", good, "off", bad},
	} {
		resp, body := send(t, server.Client(), tt.method, server.URL()+tt.path, tt.header, tt.body)
		if got := parse(resp.StatusCode, body); got != tt.want {
			t.Errorf("%s: %v; want %v", tt.what, got, tt.want)
		}
		if told := resp.Header.Get("WWW-Authenticate"); (told != "") != (tt.want.status == 401) {
			t.Errorf("%s: the challenge is %q", tt.what, told)
		}
	}
}

func TestThrottleAndOutage(t *testing.T) {
	server := Start(t)
	c := client(t, server)
	set(t, c, "name", "value")
	server.Reset()

	server.Throttle(1, "7")
	_, err := c.GetSecret(t.Context(), "name", "", nil)
	var refused *azcore.ResponseError
	if !errors.As(err, &refused) || refused.StatusCode != 429 || refused.RawResponse.Header.Get("Retry-After") != "7" {
		t.Errorf("GetSecret: %v", err)
	}
	server.Outage(true)
	if _, err := c.GetSecret(t.Context(), "name", "", nil); err == nil || outcome(err) != (answered{}) {
		t.Errorf("GetSecret during the outage: %v", err)
	}
	server.Outage(false)
	if _, err := c.GetSecret(t.Context(), "name", "", nil); err != nil {
		t.Error(err)
	}
	got := server.Requests()
	if got[Throttled] != 1 || got[Dropped] == 0 || got[Get] != 1 {
		t.Errorf("the requests are %v", got)
	}
}

func TestIdentity(t *testing.T) {
	server := Start(t)
	endpoint := strings.TrimPrefix(server.IdentityEnv()[0], "IDENTITY_ENDPOINT=")
	header := http.Header{"X-Identity-Header": {strings.TrimPrefix(server.IdentityEnv()[1], "IDENTITY_HEADER=")}}
	for _, tt := range []struct {
		what, query string
		header      http.Header
		want        int
	}{
		{"the vault's resource", "?api-version=2019-08-01&resource=https://vault.azure.net", header, 200},
		{"another resource", "?api-version=2019-08-01&resource=https://storage.azure.com", header, 200},
		{"no header", "?api-version=2019-08-01&resource=https://vault.azure.net", http.Header{}, 401},
		{"no version", "?resource=https://vault.azure.net", header, 400},
		{"no resource", "?api-version=2019-08-01", header, 400},
		{"another path", "/more?api-version=2019-08-01&resource=https://vault.azure.net", header, 404},
	} {
		resp, body := send(t, http.DefaultClient, "GET", endpoint+tt.query, tt.header, "")
		if resp.StatusCode != tt.want {
			t.Errorf("%s: %d, want %d", tt.what, resp.StatusCode, tt.want)
		}
		var given map[string]string
		if err := json.NewDecoder(bytes.NewReader(body)).Decode(&given); tt.want == 200 && (err != nil || given["access_token"] == "" || given["expires_on"] == "") {
			t.Errorf("%s: %v", tt.what, err)
		}
	}
	if got := server.Requests()[Token]; got != 6 {
		t.Errorf("%d requests were counted", got)
	}
}

func TestTokens(t *testing.T) {
	server, now := Start(t), time.Now()
	good := server.Token()
	text, mark, _ := strings.Cut(good, ".")
	for _, tt := range []struct {
		what, authorization string
		want                bool
	}{
		{"good", "Bearer " + good, true},
		{"of another vault of this process", "Bearer " + Start(t).Token(), true},
		{"for a resource with a slash at the end", "Bearer " + token(vaultResource+"/", now.Add(time.Minute)), true},
		{"for another resource", "Bearer " + token("https://storage.azure.com", now.Add(time.Minute)), false},
		{"expired", "Bearer " + token(vaultResource, now.Add(-time.Second)), false},
		{"changed", "Bearer " + text + "x." + mark, false},
		{"cut off", "Bearer " + good[:len(good)-1], false},
		{"with another scheme", "Basic " + good, false},
		{"empty", "", false},
		{"without parts", "Bearer x", false},
	} {
		if got := accepted(tt.authorization); got != tt.want {
			t.Errorf("%s: %v", tt.what, got)
		}
	}
}
