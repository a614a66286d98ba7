package tablestore

import (
	"context"
	"errors"

	"callout/handler/store"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
)

// settlePut finds out whether a write was carried out by a try whose answer was
// lost: then the row has its mark. It gives store.ErrConflict only if the row
// proves that nothing of the write was ever there.
func (t *Table) settlePut(ctx context.Context, w write, r reply) (string, error) {
	found, err := t.readBack(ctx, w.Row, r)
	switch {
	case err != nil:
		return "", t.unavailable(ctx, r)
	case found.writer == w.mark:
		return found.ETag, nil
	case tookPlace(found, w.ETag):
		return "", t.conflict()
	}
	return "", t.unavailable(ctx, r)
}

// settleDelete does the same for the removal of a row in the state row.ETag.
func (t *Table) settleDelete(ctx context.Context, row store.Row, r reply) error {
	if r.verdict == noRow || r.verdict == noTable {
		return nil
	}
	found, err := t.readBack(ctx, row, r)
	switch {
	case errors.Is(err, store.ErrNotFound):
		return nil
	case err == nil && tookPlace(found, row.ETag):
		return t.conflict()
	}
	return t.unavailable(ctx, r)
}

// tookPlace reports whether someone else's write took the row from the state
// before to the one that was found, so that ours, which asked for the same
// state before, was refused and will be whenever it arrives. If the row has
// changed more than once since, ours may have been among the changes. (Of an
// insert it cannot be told whether ours was there and removed before the one
// that was found; then nothing of ours is left, which is as good as refused.)
func tookPlace(found entity, before string) bool {
	return before != store.Any && found.before == before
}

// readBack reads a row after a write. When the service has refused the last try
// it is there and is asked as always; when it said nothing, it is asked once.
func (t *Table) readBack(ctx context.Context, row store.Row, r reply) (entity, error) {
	if r.verdict == unclear && !row.Once {
		once := t.retry
		once.MaxRetries = -1 // the SDK's word for none
		ctx = policy.WithRetryOptions(ctx, once)
	}
	return t.read(ctx, row.Partition, row.Key, true)
}
