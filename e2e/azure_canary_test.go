package e2e

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/data/aztables"

	"callout/e2e/fakehost"
	"callout/handler/storetest/azurite"
)

// TestNoSecretReachesTheTables plants canaries in every place, lets an upstream
// echo them, and searches the answers, the log and every row: for the canaries,
// and for what opens the stores.
func TestNoSecretReachesTheTables(t *testing.T) {
	upstream := parrot(t)
	for how, mode := range map[access]fakehost.Mode{byIdentity: fakehost.Forwarding, byKey: fakehost.Proxying} {
		c := newCloud(t, how)
		// The SDK's own log would tell addresses and headers.
		host := c.hosted(t, mode, "CALLOUT_LOG_LEVEL=debug", "AZURE_SDK_GO_LOGGING=all")
		var seen strings.Builder
		walk(t, host, upstream.URL, &seen)
		if _, err := host.Timer(t.Context(), "sweep"); err != nil {
			t.Error(err)
		}
		if err := host.Stop(); err != nil { // a line may arrive after the answer it belongs to
			t.Fatal(err)
		}
		for _, line := range host.Logs() {
			seen.WriteString(line.Text + "\n")
		}
		rows := c.dump(t)
		for _, text := range []string{"bearer_redirect", `"name":"X-Secret-Thing"`, "elsewhere.example.com"} {
			if !strings.Contains(rows, text) {
				t.Errorf("the rows do not hold %q: they were not read whole", text)
			}
		}
		t.Logf("searched %d bytes, %d of them rows", seen.Len()+len(rows), len(rows))
		search(t, host, seen.String()+rows)
		c.searchKeys(t, seen.String()+rows)
	}
}

// searchKeys looks for what opens the stores, and for where they are.
func (c *cloud) searchKeys(t *testing.T, seen string) {
	t.Helper()
	keys := map[string]string{"the account's key": azurite.Key, "the identity's header": c.identityVariable("IDENTITY_HEADER"),
		"the tables' address": c.tables.Address(), "the vault's address": c.secrets.Address(), "the identity's address": c.identity.Address()}
	for i, authorization := range append(c.atTables.seen(), c.atVault.seen()...) {
		_, credential, _ := strings.Cut(authorization, " ")
		keys[fmt.Sprintf("what authorised a request, %d", i)] = credential
	}
	for name, key := range keys {
		for _, form := range []string{key, fmt.Sprintf("%x", key), base64.StdEncoding.EncodeToString([]byte(key))} {
			if i := strings.Index(seen, form); i >= 0 {
				t.Errorf("%s was seen: …%s…", name, seen[max(0, i-200):min(len(seen), i+20)])
			}
		}
	}
}

// dump returns every row of every table, as the service gives it and with the
// data put together and unpacked.
func (c *cloud) dump(t *testing.T) string {
	t.Helper()
	transport := c.azurite.Transport()
	t.Cleanup(transport.CloseIdleConnections)
	service, err := aztables.NewServiceClientFromConnectionString(c.azurite.ConnectionString(), &aztables.ClientOptions{
		ClientOptions: azcore.ClientOptions{Transport: &http.Client{Transport: transport}}})
	if err != nil {
		t.Fatal(err)
	}
	var rows strings.Builder
	for tables := service.NewListTablesPager(nil); tables.More(); {
		page, err := tables.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, table := range page.Tables {
			fmt.Fprintln(&rows, *table.Name)
			if err := dumpTable(t.Context(), service.NewClient(*table.Name), &rows); err != nil {
				t.Fatal(err)
			}
		}
	}
	return rows.String()
}

func dumpTable(ctx context.Context, table *aztables.Client, rows *strings.Builder) error {
	for entities := table.NewListEntitiesPager(nil); entities.More(); {
		page, err := entities.NextPage(ctx)
		if err != nil {
			return err
		}
		for _, raw := range page.Entities {
			data, err := dataOf(raw)
			if err != nil {
				return err
			}
			fmt.Fprintf(rows, "%s\n%s\n", raw, data)
		}
	}
	return nil
}

// dataOf puts together what a row holds in its properties D00, D01….
func dataOf(raw []byte) ([]byte, error) {
	var properties map[string]any
	if err := json.Unmarshal(raw, &properties); err != nil {
		return nil, err
	}
	var data []byte
	for i := 0; ; i++ {
		text, ok := properties[fmt.Sprintf("D%02d", i)].(string)
		if !ok {
			break
		}
		part, err := base64.StdEncoding.DecodeString(text)
		if err != nil {
			return nil, err
		}
		data = append(data, part...)
	}
	unpacked, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil { // small rows are not packed
		return data, nil
	}
	return io.ReadAll(unpacked)
}
