package catalog

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"callout/handler/callout"
	"callout/handler/store"
)

// schemaNumber is that of the rows below. A newer one is refused, so that a
// binary that was rolled back does not misread what its successor wrote.
const schemaNumber = 1

// configRow is a configuration at the edge of the store.
type configRow struct {
	Schema        int             `json:"schema"`
	SecretVersion string          `json:"secretVersion,omitempty"`
	Config        json.RawMessage `json:"config"`
}

type testRow struct {
	Schema int `json:"schema"`
	callout.LastTest
}

// ErrNewerSchema: a row was written by a newer version of Callout.
var ErrNewerSchema = errors.New("catalog: a row was written by a newer version of Callout; run that version")

func encodeConfig(config *callout.Config) (store.Row, error) {
	bare := *config
	bare.ETag, bare.LastTest = "", nil
	data, err := json.Marshal(&bare)
	if err != nil {
		return store.Row{}, fmt.Errorf("catalog: a configuration cannot be encoded: %w", err)
	}
	data, err = json.Marshal(configRow{Schema: schemaNumber, SecretVersion: config.SecretVersion, Config: data})
	return store.Row{Partition: configPartition, Key: config.Name, ETag: config.ETag, Data: data}, err
}

func decodeConfig(row store.Row) (*callout.Config, error) {
	var r configRow
	if err := json.Unmarshal(row.Data, &r); err != nil {
		return nil, fmt.Errorf("catalog: a row is not readable: %w", err)
	}
	if r.Schema > schemaNumber {
		return nil, callout.Unavailable(ErrNewerSchema)
	}
	config := &callout.Config{}
	if err := json.Unmarshal(r.Config, config); err != nil {
		return nil, fmt.Errorf("catalog: a row is not readable: %w", err)
	}
	config.ETag, config.SecretVersion = row.ETag, r.SecretVersion
	return config, nil
}

// SaveTest keeps the outcome of a test, apart from the configuration, so that a
// test does not change an ETag.
func (c *Catalog) SaveTest(ctx context.Context, name string, outcome callout.LastTest) error {
	data, err := json.Marshal(testRow{Schema: schemaNumber, LastTest: outcome})
	if err != nil {
		return fmt.Errorf("catalog: a test cannot be encoded: %w", err)
	}
	row := store.Row{Partition: testPartition, Key: name, ETag: store.Any, Data: data}
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

func (c *Catalog) lastTest(ctx context.Context, name string) (*callout.LastTest, error) {
	row, err := c.rows.Get(ctx, testPartition, name)
	if errors.Is(err, store.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, callout.Unavailable(err)
	}
	var r testRow
	if err := json.Unmarshal(row.Data, &r); err != nil || r.Schema > schemaNumber {
		return nil, nil // an outcome that cannot be read is as good as none
	}
	return &r.LastTest, nil
}
