package tablestore

import (
	"context"
	"sync/atomic"

	"callout/handler/store"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/data/aztables"
)

// Table is a table of rows. Every call returns ctx's error at once if ctx is
// done, store.ErrInvalidKey for keys that a row cannot have, and store.ErrUnavailable
// when there was no definite answer in time. A call without a deadline gives up
// after half a minute.
type Table struct {
	name   string
	named  bool // the name may be one
	client *aztables.Client
	retry  policy.RetryOptions

	creating chan struct{} // holds one value while someone creates the table
	created  atomic.Int64  // how often it was created
}

// Get returns a row, with one request. The data is the caller's own.
//
// Errors: store.ErrNotFound, ErrDamaged.
func (t *Table) Get(ctx context.Context, partition, key string) (store.Row, error) {
	if err := t.check(ctx, store.ValidKey(partition) && store.ValidKey(key)); err != nil {
		return store.Row{}, err
	}
	found, err := t.read(ctx, partition, key, false)
	return found.Row, err
}

// read returns a row as it is stored, or all of it but its data.
func (t *Table) read(ctx context.Context, partition, key string, headOnly bool) (entity, error) {
	if headOnly {
		ctx = selecting(ctx)
	}
	response, err := t.client.GetEntity(ctx, partition, key, nil)
	switch r := readReply(err); r.verdict {
	case done:
	case noRow, noTable:
		return entity{}, t.notFound()
	default:
		return entity{}, t.unavailable(ctx, r)
	}
	found, err := decodeEntity(response.Value, headOnly)
	if err != nil {
		return entity{}, err
	}
	found.ETag = string(response.ETag)
	if found.Partition != partition || found.Key != key || found.ETag == "" {
		return entity{}, t.unavailable(ctx, reply{class: "another row's answer"})
	}
	return found, nil
}

// Delete removes a row if it is in the state that etag names; store.Any is
// whatever is there. An empty etag names no row, so that it never removes one.
// It takes one request; if an answer was lost, up to two more.
//
// A row that is gone after a try whose answer was lost counts as removed by
// this call, even if someone else has removed it.
//
// Errors: store.ErrNotFound if there is no such row; store.ErrConflict if it is
// in another state, and this call has not changed it; store.ErrUnavailable if
// it may or may not be removed.
func (t *Table) Delete(ctx context.Context, partition, key, etag string) error {
	if err := t.check(ctx, store.ValidKey(partition) && store.ValidKey(key)); err != nil {
		return err
	}
	if !namesState(etag) {
		if _, err := t.read(ctx, partition, key, true); err != nil {
			return err
		}
		return t.conflict()
	}
	watched, tried := watchTries(ctx)
	state := azcore.ETag(etag)
	_, err := t.client.DeleteEntity(watched, partition, key, &aztables.DeleteEntityOptions{IfMatch: &state})
	switch r := readReply(err); {
	case r.verdict == done:
		return nil
	case tried.doubt:
		return t.settleDelete(ctx, store.Row{Partition: partition, Key: key, ETag: etag}, r)
	case r.verdict == noRow || r.verdict == noTable:
		return t.notFound()
	case r.verdict == otherState:
		return t.conflict()
	default:
		return t.unavailable(ctx, r)
	}
}

// check refuses a call before anything is sent.
func (t *Table) check(ctx context.Context, validKeys bool) error {
	if !t.named {
		return errTableName
	}
	if !validKeys {
		return store.ErrInvalidKey
	}
	return ctx.Err()
}
