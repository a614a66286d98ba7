package tablestore

import (
	"context"
	"errors"
	"net/http"
	"slices"

	"callout/handler/store"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"golang.org/x/sync/errgroup"
)

// parallelReads is how many rows of one range are asked for at a time. A list that
// reads from eight partitions at once fills the connections that are kept open.
const parallelReads = 8

// pick reads the rows of the named keys, one request each: a query for several
// keys would make the service read all that lies between them. rest says that it
// stopped before the last key.
func (t *Table) pick(ctx context.Context, r store.Range) (rows []store.Row, rest bool, err error) {
	keys, size := r.Named(), 0
	for len(keys) > 0 && len(rows) <= r.Top && size <= maxPageData {
		n := min(len(keys), parallelReads)
		found, err := t.readAll(ctx, r, keys[:n])
		if err != nil {
			return nil, false, err
		}
		rows, keys = append(rows, found...), keys[n:]
		size += sizeOf(found)
	}
	return rows, len(keys) > 0, nil
}

// readAll reads rows at the same time. What is not there is left out.
func (t *Table) readAll(ctx context.Context, r store.Range, keys []string) ([]store.Row, error) {
	rows := make([]store.Row, len(keys))
	group, ctx := errgroup.WithContext(ctx)
	for i, key := range keys {
		group.Go(func() error {
			found, err := t.read(ctx, r.Partition, key, r.Heads)
			if errors.Is(err, store.ErrNotFound) {
				return nil
			}
			rows[i] = found.Row
			return err
		})
	}
	err := group.Wait()
	return slices.DeleteFunc(rows, func(row store.Row) bool { return row.Key == "" }), err
}

// headProperties is what is asked for where a row's data is not wanted. The
// service adds the ETag.
var headProperties = "PartitionKey,RowKey," + propertyWriter + "," + propertyBefore + "," + propertyHead

type headOnlyKey struct{}

// selecting makes the request for one row leave out its data. The SDK has an
// option for that in lists only.
func selecting(ctx context.Context) context.Context {
	return context.WithValue(ctx, headOnlyKey{}, true)
}

// selection is the policy that selecting asks something of.
type selection struct{}

// Do implements policy.Policy.
func (selection) Do(request *policy.Request) (*http.Response, error) {
	if raw := request.Raw(); raw.Context().Value(headOnlyKey{}) != nil {
		query := raw.URL.Query()
		query.Set("$select", headProperties)
		raw.URL.RawQuery = query.Encode()
	}
	return request.Next()
}
