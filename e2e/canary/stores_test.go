package canary

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"callout/handler/localstore"
	"callout/handler/storetest/azurite"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/data/aztables"
	bolt "go.etcd.io/bbolt"
)

// directory gives the files of a data directory as they are, and the rows in them.
func directory(t *testing.T, dir string, scan, see func(what, text string)) {
	t.Helper()
	files, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		data, err := os.ReadFile(filepath.Join(dir, f.Name()))
		if err != nil {
			t.Fatal(err)
		}
		scan("the file "+f.Name(), string(data))
	}
	keys := rowKeys(t, dir)
	opened, err := localstore.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer opened.Close()
	for _, at := range keys {
		row, err := opened.Table(at[0]).Get(t.Context(), at[1], at[2])
		if err != nil {
			t.Fatal(err)
		}
		see("the key of a row of "+at[0], at[1]+" "+at[2])
		see("a row of "+at[0], string(plain(row.Data)))
	}
}

// rowKeys lists table, partition and key of every row: what the database has in
// the clear.
func rowKeys(t *testing.T, dir string) (keys [][3]string) {
	t.Helper()
	db, err := bolt.Open(filepath.Join(dir, "callout.db"), 0o600, &bolt.Options{ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	err = db.View(func(tx *bolt.Tx) error {
		tables := tx.Bucket([]byte("tables"))
		return tables.ForEachBucket(func(table []byte) error {
			return tables.Bucket(table).ForEach(func(at, _ []byte) error {
				partition, key, _ := strings.Cut(string(at), "\x00")
				keys = append(keys, [3]string{string(table), partition, key})
				return nil
			})
		})
	})
	if err != nil {
		t.Fatal(err)
	}
	return keys
}

// plain unpacks the data of a row.
func plain(data []byte) []byte {
	unpacked, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil { // small rows are not packed
		return data
	}
	out, _ := io.ReadAll(unpacked)
	return out
}

// tables gives every row of every table, as the service gives it, and the data in
// it.
func tables(t *testing.T, server *azurite.Server, see func(what, text string)) {
	t.Helper()
	transport := server.Transport()
	t.Cleanup(transport.CloseIdleConnections)
	service, err := aztables.NewServiceClientFromConnectionString(server.ConnectionString(), &aztables.ClientOptions{
		ClientOptions: azcore.ClientOptions{Transport: &http.Client{Transport: transport}}})
	if err != nil {
		t.Fatal(err)
	}
	for list := service.NewListTablesPager(nil); list.More(); {
		page, err := list.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, table := range page.Tables {
			entities(t, service.NewClient(*table.Name), *table.Name, see)
		}
	}
}

func entities(t *testing.T, table *aztables.Client, name string, see func(what, text string)) {
	t.Helper()
	for list := table.NewListEntitiesPager(nil); list.More(); {
		page, err := list.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, raw := range page.Entities {
			see("a row of "+name, string(raw))
			see("the data in a row of "+name, string(plain(dataIn(t, raw))))
		}
	}
}

// dataIn puts together what a row holds in its properties D00, D01….
func dataIn(t *testing.T, raw []byte) []byte {
	t.Helper()
	var properties map[string]any
	if err := json.Unmarshal(raw, &properties); err != nil {
		t.Fatal(err)
	}
	var data []byte
	for i := 0; ; i++ {
		text, ok := properties[fmt.Sprintf("D%02d", i)].(string)
		if !ok {
			return data
		}
		part, err := base64.StdEncoding.DecodeString(text)
		if err != nil {
			t.Fatal(err)
		}
		data = append(data, part...)
	}
}
