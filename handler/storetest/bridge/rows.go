package bridge

import (
	"context"

	"callout/handler/store"
)

// Table is the rows of a store: localstore's, or those of tablestore outside of
// bubbles.
type Table interface {
	Get(ctx context.Context, partition, key string) (store.Row, error)
	Put(ctx context.Context, row store.Row) (etag string, err error)
	Delete(ctx context.Context, partition, key, etag string) error
	List(ctx context.Context, r store.Range) (store.Page, error)
}

// Rows is a Table for use within a bubble. Its calls take no time there; they
// fail at once when the caller's context is done, and cannot be left later.
type Rows struct {
	Bridge *Bridge
	// Outside was opened outside of any bubble.
	Outside Table
}

// Get reads a row.
func (r Rows) Get(ctx context.Context, partition, key string) (row store.Row, err error) {
	r.do(ctx, &err, func(ctx context.Context) { row, err = r.Outside.Get(ctx, partition, key) })
	return row, err
}

// Put writes a row.
func (r Rows) Put(ctx context.Context, row store.Row) (etag string, err error) {
	r.do(ctx, &err, func(ctx context.Context) { etag, err = r.Outside.Put(ctx, row) })
	return etag, err
}

// Delete removes a row.
func (r Rows) Delete(ctx context.Context, partition, key, etag string) (err error) {
	r.do(ctx, &err, func(ctx context.Context) { err = r.Outside.Delete(ctx, partition, key, etag) })
	return err
}

// List reads a range of rows.
func (r Rows) List(ctx context.Context, in store.Range) (page store.Page, err error) {
	r.do(ctx, &err, func(ctx context.Context) { page, err = r.Outside.List(ctx, in) })
	return page, err
}

// do runs a call outside, with a context of the outside.
func (r Rows) do(ctx context.Context, err *error, call func(context.Context)) {
	if *err = ctx.Err(); *err == nil {
		r.Bridge.Do(func() { call(context.Background()) })
	}
}
