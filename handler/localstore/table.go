package localstore

import (
	"bytes"
	"context"
	"fmt"
	"iter"

	"callout/handler/store"

	bolt "go.etcd.io/bbolt"
)

// Table is a table of rows. Every call returns ctx's error at once if ctx is
// done, store.ErrInvalidKey for keys that a row cannot have, and ErrClosed after
// Close.
type Table struct {
	store *Store
	name  string
	named bool // the name may be one
}

// Get returns a row. The data is the caller's own.
//
// Errors: store.ErrNotFound, ErrDamaged.
func (t *Table) Get(ctx context.Context, partition, key string) (store.Row, error) {
	if err := t.check(store.ValidKey(partition) && store.ValidKey(key)); err != nil {
		return store.Row{}, err
	}
	var row store.Row
	err := t.store.view(ctx, func(tx *bolt.Tx) (err error) {
		raw := t.stored(tx, rowKey(partition, key))
		if raw == nil {
			return t.notFound()
		}
		row, err = t.decodeRow(partition, key, raw, false)
		return err
	})
	return row, err
}

// Put writes a row if it is in the state that row.ETag names, and returns the
// ETag of the new state, which is unlike any that the row had before. An empty
// ETag means that there is no such row, store.Any that there is one.
//
// The row is on disk when Put returns without an error. If ctx ends while Put
// waits, Put returns its error, and the row may or may not be written.
//
// Errors: store.ErrConflict if the row is in another state; store.ErrTooLarge
// for more than store.MaxHead or store.MaxData bytes; store.ErrUnavailable if the
// disk failed.
func (t *Table) Put(ctx context.Context, row store.Row) (string, error) {
	if err := t.check(store.ValidKey(row.Partition) && store.ValidKey(row.Key)); err != nil {
		return "", err
	}
	if len(row.Data) > store.MaxData || len(row.Head) > store.MaxHead {
		return "", t.tooLarge(row)
	}
	key, stamp := rowKey(row.Partition, row.Key), newStamp()
	raw := t.encodeRow(row, stamp)
	err := t.store.writes.do(ctx, &write{
		check: func(tx *bolt.Tx) error {
			if !matches(storedETag(t.stored(tx, key)), row.ETag) {
				return t.conflict()
			}
			return nil
		},
		apply: func(tx *bolt.Tx) error { return t.put(tx, key, raw) },
	})
	if err != nil {
		return "", err
	}
	return etagOf(stamp), nil
}

// Delete removes a row if it is in the state that etag names; store.Any is
// whatever is there. An empty etag names no row, so that it never removes one.
// What Put says of durability and of ctx holds here too.
//
// Errors: store.ErrNotFound if there is no such row; store.ErrConflict if it
// is in another state; store.ErrUnavailable if the disk failed.
func (t *Table) Delete(ctx context.Context, partition, key, etag string) error {
	if err := t.check(store.ValidKey(partition) && store.ValidKey(key)); err != nil {
		return err
	}
	at := rowKey(partition, key)
	return t.store.writes.do(ctx, &write{
		check: func(tx *bolt.Tx) error {
			current := storedETag(t.stored(tx, at))
			if current == "" {
				return t.notFound()
			}
			if !matches(current, etag) {
				return t.conflict()
			}
			return nil
		},
		apply: func(tx *bolt.Tx) error { return t.bucket(tx).Delete(at) },
	})
}

// List returns the rows of a range, ascending by the bytes of their keys, as of
// one moment. Top is store.MaxTop if it is not positive or is over that. A page
// ends early, with More, before what was read of its rows passes 4 MiB. The rows
// are the caller's own.
//
// Errors: ErrDamaged. Where only heads are asked for, damaged data is not noticed.
func (t *Table) List(ctx context.Context, r store.Range) (store.Page, error) {
	if err := t.check(r.Valid()); err != nil {
		return store.Page{}, err
	}
	if r.Top <= 0 || r.Top > store.MaxTop {
		r.Top = store.MaxTop
	}
	var page store.Page
	err := t.store.view(ctx, func(tx *bolt.Tx) (err error) {
		if bucket := t.bucket(tx); bucket != nil {
			page, err = t.collect(ctx, bucket, r)
		}
		return err
	})
	return page, err
}

func (t *Table) collect(ctx context.Context, bucket *bolt.Bucket, r store.Range) (store.Page, error) {
	var page store.Page
	size := 0
	for key, raw := range find(bucket, r) {
		size += pageSize(raw, r.Heads)
		if n := len(page.Rows); n == r.Top || n > 0 && size > maxPageData {
			page.More = true
			break
		}
		if err := ctx.Err(); err != nil {
			return store.Page{}, err
		}
		row, err := t.decodeRow(r.Partition, key, raw, r.Heads)
		if err != nil {
			return store.Page{}, err
		}
		page.Rows = append(page.Rows, row)
	}
	return page, nil
}

// find gives the keys of a range and what is stored under them, in order.
func find(bucket *bolt.Bucket, r store.Range) iter.Seq2[string, []byte] {
	if r.Keys == nil {
		return between(bucket.Cursor(), r)
	}
	return func(yield func(string, []byte) bool) {
		for _, key := range r.Named() {
			if raw := bucket.Get(rowKey(r.Partition, key)); raw != nil && !yield(key, raw) {
				return
			}
		}
	}
}

func between(c *bolt.Cursor, r store.Range) iter.Seq2[string, []byte] {
	prefix := rowKey(r.Partition, "")
	return func(yield func(string, []byte) bool) {
		for at, raw := seekAfter(c, r); bytes.HasPrefix(at, prefix); at, raw = c.Next() {
			key := string(at[len(prefix):])
			if r.Before != "" && key >= r.Before || !yield(key, raw) {
				return
			}
		}
	}
}

// seekAfter places c on the first row after r.After.
func seekAfter(c *bolt.Cursor, r store.Range) (at, raw []byte) {
	bound := rowKey(r.Partition, r.After)
	if at, raw = c.Seek(bound); bytes.Equal(at, bound) {
		return c.Next()
	}
	return at, raw
}

// check refuses bad names before anything is read or written.
func (t *Table) check(validKeys bool) error {
	if !t.named {
		return errTableName
	}
	if !validKeys {
		return store.ErrInvalidKey
	}
	return nil
}

// bucket returns the table's bucket, nil before its first row.
func (t *Table) bucket(tx *bolt.Tx) *bolt.Bucket {
	return tx.Bucket(tablesBucket).Bucket([]byte(t.name))
}

// stored returns what is under a key, nil if there is nothing. It is valid
// within the transaction only.
func (t *Table) stored(tx *bolt.Tx, key []byte) []byte {
	bucket := t.bucket(tx)
	if bucket == nil {
		return nil
	}
	return bucket.Get(key)
}

func (t *Table) put(tx *bolt.Tx, key, raw []byte) error {
	bucket, err := tx.Bucket(tablesBucket).CreateBucketIfNotExists([]byte(t.name))
	if err != nil {
		return err
	}
	return bucket.Put(key, raw)
}

func (t *Table) notFound() error {
	return fmt.Errorf("localstore: %s has no such row: %w", t.name, store.ErrNotFound)
}

func (t *Table) conflict() error {
	return fmt.Errorf("localstore: a row of %s is not in the expected state; read it again: %w", t.name, store.ErrConflict)
}

func (t *Table) tooLarge(row store.Row) error {
	return fmt.Errorf("localstore: a row of %s has a head of %d bytes and data of %d, the most is %d and %d: %w",
		t.name, len(row.Head), len(row.Data), store.MaxHead, store.MaxData, store.ErrTooLarge)
}
