package token

import (
	"context"
	"errors"
	"fmt"
	"time"

	"callout/handler/store"
)

const (
	// keepDead is how long a row outlives its token: a day, so that what happened
	// can still be looked at.
	keepDead = 24 * time.Hour
	// sweepPage is how many rows are read at once; tokens make them long.
	sweepPage = 100
)

// Sweep removes the rows whose tokens have been dead for a day, and returns how
// many. It fails as the table does; what it has removed is removed.
func (c *Cache) Sweep(ctx context.Context) (removed int, err error) {
	for i := range 256 {
		n, err := c.sweepPartition(ctx, fmt.Sprintf("%02x", i))
		if removed += n; err != nil {
			return removed, err
		}
	}
	return removed, nil
}

func (c *Cache) sweepPartition(ctx context.Context, partition string) (removed int, err error) {
	for after, more := "", true; more; {
		page, err := c.opts.Rows.List(ctx, store.Range{Partition: partition, After: after, Top: sweepPage})
		if err != nil {
			return removed, err
		}
		for _, row := range page.Rows {
			after = row.Key
			gone, err := c.sweepRow(ctx, row)
			if err != nil {
				return removed, err
			}
			if gone {
				removed++
			}
		}
		more = page.More
	}
	return removed, nil
}

// sweepRow removes a row that is dead. One that somebody has just begun to use
// again, or that another instance has removed, is left alone.
func (c *Cache) sweepRow(ctx context.Context, row store.Row) (bool, error) {
	if !deadRow(row.Data, c.opts.Now()) {
		return false, nil
	}
	err := c.opts.Rows.Delete(ctx, row.Partition, row.Key, row.ETag)
	if errors.Is(err, store.ErrConflict) || errors.Is(err, store.ErrNotFound) {
		return false, nil
	}
	return err == nil, err
}
