package catalog

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"callout/handler/callout"
	"callout/handler/store"
)

// Schema numbers of rows. A newer one is refused, so that a binary that was
// rolled back does not misread what its successor wrote. A configuration gets the
// lowest number that holds it: a rollback loses only what is really new.
const (
	schemaFirst     = 1 // also that of a test
	schemaOAuth2    = 2 // credentials of type oauth2ClientCredentials
	schemaTemplates = 3 // placeholders, templates and formats of a body, fields in path and header
	schemaRepeats   = 4 // retries, and a header for idempotency
	schemaNewest    = schemaRepeats
)

func schemaOf(config *callout.Config) int {
	switch {
	case config.Retries > 0 || config.IdempotencyHeader != "":
		return schemaRepeats
	case templated(config):
		return schemaTemplates
	case config.Auth.Type == callout.AuthOAuth2:
		return schemaOAuth2
	}
	return schemaFirst
}

// templated reports whether a binary that knows no templates would send something
// else than is meant.
func templated(config *callout.Config) bool {
	return len(config.Body) > 0 || config.BodyFormat != "" || len(config.SecretValues) > 0 ||
		len(config.References()) > 0 || len(config.TokenSecrets()) > 0 ||
		slices.ContainsFunc(config.Fields, func(f callout.Field) bool { return f.In == callout.InPath || f.In == callout.InHeader })
}

// configRow is a configuration at the edge of the store.
type configRow struct {
	Schema        int    `json:"schema"` // the first, so that it is read even if the rest cannot be
	SecretVersion string `json:"secretVersion,omitempty"`
	// References are the placeholders of secret texts, by the paths of these.
	References map[string][]callout.Reference `json:"references,omitempty"`
	Config     json.RawMessage                `json:"config"`
}

// testRow is the newest test of a configuration. The id tells whether it is of
// this one, or of one of the same name that was deleted while its test went on.
type testRow struct {
	Schema   int    `json:"schema"`
	ConfigID string `json:"configId"`
	callout.LastTest
}

// ErrNewerSchema: a row was written by a newer version of Callout.
var ErrNewerSchema = errors.New("catalog: a row was written by a newer version of Callout; run that version")

func newer() error {
	return &callout.Error{Code: callout.StorageUnavailable, Err: ErrNewerSchema,
		Message: "This configuration was stored by a newer version of Callout, which this one cannot read. Run the newer version."}
}

func encodeConfig(config *callout.Config) (store.Row, error) {
	bare := *config
	bare.ETag, bare.LastTest = "", nil
	data, err := encode(&bare)
	if err != nil {
		return store.Row{}, fmt.Errorf("catalog: a configuration cannot be encoded: %w", err)
	}
	data, err = encode(configRow{Schema: schemaOf(config), SecretVersion: config.SecretVersion, References: config.HiddenReferences, Config: data})
	return store.Row{Partition: configPartition, Key: config.Name, ETag: config.ETag, Data: data}, err
}

// encode leaves out the HTML escapes, which would make `<` six bytes long.
func encode(v any) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	err := enc.Encode(v)
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), err
}

func decodeConfig(row store.Row) (*callout.Config, error) {
	var r configRow
	err := json.Unmarshal(row.Data, &r)
	switch {
	case r.Schema > schemaNewest: // whatever else is in it
		return nil, newer()
	case err != nil:
		return nil, fmt.Errorf("catalog: a row is not readable: %w", err)
	}
	config := &callout.Config{}
	if err := json.Unmarshal(r.Config, config); err != nil {
		return nil, fmt.Errorf("catalog: a row is not readable: %w", err)
	}
	config = config.WithoutSecrets() // there are none: what is read says nothing about its endpoint
	config.ETag, config.SecretVersion, config.HiddenReferences = row.ETag, r.SecretVersion, r.References
	return config.Replacing(config), nil // the names of secret values stand among the secrets
}

// SaveTest keeps the outcome of a test of config, apart from the configuration,
// so that a test does not change an ETag. It fails with
// callout.StorageUnavailable.
func (c *Catalog) SaveTest(ctx context.Context, config *callout.Config, outcome callout.LastTest) error {
	data, err := json.Marshal(testRow{Schema: schemaFirst, ConfigID: config.ID, LastTest: outcome})
	if err != nil {
		return fmt.Errorf("catalog: a test cannot be encoded: %w", err)
	}
	row := store.Row{Partition: testPartition, Key: config.Name, ETag: store.Any, Data: data}
	_, err = c.rows.Put(ctx, row)
	if errors.Is(err, store.ErrConflict) { // the first test
		row.ETag = ""
		_, err = c.rows.Put(ctx, row)
	}
	if err != nil && !errors.Is(err, store.ErrConflict) { // else another test ended at the same moment
		return callout.Unavailable(err)
	}
	return nil
}

func (c *Catalog) lastTest(ctx context.Context, config *callout.Config) (*callout.LastTest, error) {
	row, err := c.rows.Get(ctx, testPartition, config.Name)
	if errors.Is(err, store.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, callout.Unavailable(err)
	}
	var r testRow
	if err := json.Unmarshal(row.Data, &r); err != nil || r.Schema > schemaFirst || r.ConfigID != config.ID {
		return nil, nil // an outcome that cannot be read is as good as none
	}
	return &r.LastTest, nil
}
