package catalog

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"testing"

	"callout/handler/callout"
	"callout/handler/localstore"
	"callout/handler/store"
)

// planted returns a catalog over a real store that holds one row of a name.
func planted(t *testing.T, partition, name, data string) (*Catalog, *localstore.Table) {
	t.Helper()
	opened, err := localstore.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = opened.Close() })
	table := opened.Table(store.Configs)
	if _, err := table.Put(t.Context(), store.Row{Partition: partition, Key: name, Data: []byte(data)}); err != nil {
		t.Fatal(err)
	}
	return New(table, opened.Vault(), Options{NewID: func() string { return "id" }}), table
}

// everyUse lists what can be done with a configuration of the name a.
var everyUse = map[string]func(context.Context, *Catalog) error{
	"Get":  func(ctx context.Context, c *Catalog) error { _, err := c.Get(ctx, "a"); return err },
	"Load": func(ctx context.Context, c *Catalog) error { _, err := c.Load(ctx, "a"); return err },
	"List": func(ctx context.Context, c *Catalog) error { _, _, err := c.List(ctx, "", 10); return err },
	"Put": func(ctx context.Context, c *Catalog) error {
		_, _, err := c.Put(ctx, valid("a"), Condition{})
		return err
	},
	"Delete": func(ctx context.Context, c *Catalog) error { return c.Delete(ctx, "a", Condition{}) },
}

func valid(name string) *callout.Config {
	config := &callout.Config{}
	document := `{"name": "` + name + `", "method": "GET", "endpoint": "https://api.example.com"}`
	if err := json.Unmarshal([]byte(document), config); err != nil {
		panic(err)
	}
	return config
}

// A row has the lowest number of those who can read it without loss.
func TestTheNumberOfARow(t *testing.T) {
	for members, want := range map[string]int{
		``: 1,
		`, "retries": 0, "idempotencyHeader": ""`:                                              1,
		`, "auth": {"type": "oauth2ClientCredentials", "tokenUrl": "https://a.example.com/t"}`: 2,
		`, "secretValues": {"a": "abcdefgh"}`:                                                  3,
		`, "retries": 1`:                                                                       4,
		`, "idempotencyHeader": "Idempotency-Key"`:                                             4,
	} {
		config := &callout.Config{}
		if err := json.Unmarshal([]byte(`{"name": "a", "method": "GET", "endpoint": "https://api.example.com"`+members+`}`), config); err != nil {
			t.Fatal(err)
		}
		if got := schemaOf(config); got != want {
			t.Errorf("%s: the number is %d, want %d", members, got, want)
		}
	}
}

// After a rollback, the old binary meets rows of the new one. It must neither
// misread nor overwrite them, whatever they look like.
func TestRowsOfANewerVersionAreRefused(t *testing.T) {
	for _, data := range []string{
		`{"schema": 5, "config": {"name": "a", "method": "GET", "endpoint": "https://api.example.com"}}`,
		`{"schema": 5, "config": "packed otherwise", "secretVersion": {"vault": 2}}`,
		`{"schema": 99}`,
	} {
		for use, do := range everyUse {
			c, table := planted(t, configPartition, "a", data)
			err := do(t.Context(), c)
			var refusal *callout.Error
			if !errors.As(err, &refusal) || refusal.Code != callout.StorageUnavailable || !errors.Is(err, ErrNewerSchema) {
				t.Errorf("%s of %s: %v", use, data, err)
			}
			if row, err := table.Get(t.Context(), configPartition, "a"); err != nil || string(row.Data) != data {
				t.Errorf("%s of %s: the row is now %s, %v", use, data, row.Data, err)
			}
		}
	}
}

func TestDamagedRowsAreErrors(t *testing.T) {
	for _, data := range []string{"", "null", "{", `[]`, `{}`, `{"schema": "1"}`, `{"schema": 1}`, `{"schema": 1, "config": []}`,
		`{"schema": 1, "config": {"name": 7}}`, "\x00\xff"} {
		for use, do := range everyUse {
			c, _ := planted(t, configPartition, "a", data)
			if err := do(t.Context(), c); err == nil {
				t.Errorf("%s of %q: no error", use, data)
			}
		}
	}
}

// What a test left is not worth an error.
func TestAnUnreadableTestIsNone(t *testing.T) {
	for _, data := range []string{"", "{", `{"schema": 2, "configId": "id", "ok": true}`, `{"schema": 1, "configId": "another", "ok": true}`} {
		c, _ := planted(t, testPartition, "a", data)
		if _, err := c.Create(t.Context(), valid("a")); err != nil {
			t.Fatal(err)
		}
		if config, err := c.Get(t.Context(), "a"); err != nil || config.LastTest != nil {
			t.Errorf("with %q: %+v, %v", data, config, err)
		}
	}
}

// Whatever is read and is valid is written back and read as the same.
func FuzzDecodeConfig(f *testing.F) {
	row, err := encodeConfig(valid("a"))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(row.Data)
	f.Add([]byte(`{"schema": 1, "secretVersion": "v", "config": {"name": "a", "endpoint": "https://hooks.slack.com/x", "auth": {"type": "basic", "usernameSecret": true}, "fields": [{"default": null}]}}`))
	f.Add([]byte(`{"schema": 2}`))
	f.Add([]byte(`{"schema": 3, "references": {"headers/X-Key": [{"in": "header", "secret": "x"}], "endpoint": [{"in": "path", "field": "f"}]}, "config": {"name": "a", "method": "POST", "endpoint": "https://a", "endpointSecret": true, "headers": [{"name": "X-Key", "secret": true}], "body": {"b": 1.0, "a": "{{f}}"}, "fields": [{"name": "f", "type": "string", "required": true, "in": "path"}], "secrets": [{"path": "secretValues/x"}, {"path": "endpoint"}, {"path": "headers/X-Key"}]}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		config, err := decodeConfig(store.Row{Data: data})
		if err != nil || len(config.Validate(config.Kept(config))) > 0 {
			return
		}
		first, err := encodeConfig(config.WithoutSecrets())
		if err != nil {
			t.Fatalf("%s was read and cannot be written: %v", data, err)
		}
		again, err := decodeConfig(first)
		if err != nil {
			t.Fatalf("%s cannot be read: %v", first.Data, err)
		}
		second, err := encodeConfig(again)
		if err != nil || !bytes.Equal(first.Data, second.Data) {
			t.Fatalf("%s is written as %s, %v", first.Data, second.Data, err)
		}
	})
}

// A row has the lowest number that holds it, so that after a rollback the old
// binary reads what it always could, and sends no template as text.
func TestTheSchemaNumberOfARow(t *testing.T) {
	const oauth = `"auth": {"type": "oauth2ClientCredentials", "tokenUrl": "https://auth.example.com/`
	for _, tt := range []struct {
		members string
		number  int
	}{
		{`"auth": {"type": "bearer"}`, 1},
		{`"fields": [{"name": "x", "type": "string", "in": "query"}, {"name": "y", "type": "string", "in": "body"}]`, 1},
		{`"body": null, "bodyFormat": "", "secretValues": {}, "headers": [{"name": "X-A", "value": "{x}"}]`, 1},
		{oauth + `"}`, 2},
		{oauth + `", "parameters": [{"name": "scope", "value": "{x}"}]}`, 2},
		{`"body": false`, 3},
		{`"bodyFormat": "json"`, 3},
		{`"secretValues": {"x": "canary-x"}`, 3},
		{`"fields": [{"name": "x", "type": "string", "in": "path"}]`, 3},
		{`"fields": [{"name": "x", "type": "string", "in": "header"}]`, 3},
		{`"endpoint": "https://api.example.com/{{x}}"`, 3},
		{`"endpoint": "https://api.example.com/?a={{x}}"`, 3},
		{`"endpoint": "https://api.example.com/{{x}}", "endpointSecret": true`, 3},
		{`"headers": [{"name": "X-A", "value": "{{x}}"}]`, 3},
		{`"headers": [{"name": "X-A", "value": "{{secret.x}}"}]`, 3},
		{`"headers": [{"name": "X-Key", "value": "canary-{{x}}"}]`, 3},
		{oauth + `{{secret.x}}"}`, 3},
		{oauth + `", "parameters": [{"name": "scope", "value": "{{secret.x}}"}]}`, 3},
		{oauth + `", "parameters": [{"name": "client_secret", "value": "{{secret.x}}"}]}`, 3},
	} {
		config := valid("a")
		if err := json.Unmarshal([]byte(`{"name": "a", "method": "POST", "endpoint": "https://api.example.com", `+tt.members+`}`), config); err != nil {
			t.Fatal(err)
		}
		saved := config.WithoutSecrets()
		for path := range config.Given() {
			saved.Secrets = append(saved.Secrets, callout.SecretRef{Path: path})
		}
		row, err := encodeConfig(saved)
		if err != nil || !bytes.HasPrefix(row.Data, fmt.Appendf(nil, `{"schema":%d,`, tt.number)) {
			t.Errorf("%s: the row is %s, %v", tt.members, row.Data, err)
		}
		read, err := decodeConfig(row)
		if err != nil {
			t.Fatalf("%s: %v", row.Data, err)
		}
		if again, err := encodeConfig(read); err != nil || !bytes.Equal(again.Data, row.Data) {
			t.Errorf("%s: read and written again it is %s, %v", row.Data, again.Data, err)
		}
	}
}
