// Package history keeps what happened: one row an execution, which is the one
// truth about its state, and an index by which lists find it (design: section 8).
// What is written here has been redacted by the caller.
package history

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/oklog/ulid/v2"

	"callout/handler/callout"
	"callout/handler/store"
)

// Rows is a table.
type Rows interface {
	Get(ctx context.Context, partition, key string) (store.Row, error)
	Put(ctx context.Context, row store.Row) (etag string, err error)
	Delete(ctx context.Context, partition, key, etag string) error
	List(ctx context.Context, r store.Range) (store.Page, error)
}

// History writes and reads executions. It is safe for concurrent use.
type History struct {
	executions Rows
	index      Rows
	now        func() time.Time
}

// New returns the history over the tables store.Executions and store.Index.
func New(executions, index Rows, now func() time.Time) *History {
	return &History{executions: executions, index: index, now: now}
}

// NewID returns the id of an execution that begins at the time at: a ULID, so
// that ids sort by time.
func NewID(at time.Time) string {
	return ulid.MustNew(ulid.Timestamp(at), rand.Reader).String()
}

// Record is an execution as it is being written, with the state of its row.
type Record struct {
	*callout.Execution
	// Sealed is what nobody is shown, encrypted by the caller: the arguments of a call
	// that waits.
	Sealed []byte
	etag   string
}

// Write stores the present state of r: the first time as a new row, then in
// the place of what it wrote or loaded before. Announce comes before the first
// time. Of what the store finds too large, less is stored: of the response's body,
// which says so, and then no body of the request, unless a technician is to decide on
// it; r itself stays as it is. It fails
// with callout.StorageUnavailable; the cause is store.ErrConflict if somebody else has
// written meanwhile, and then nothing of r was. It fails with callout.InvalidArguments,
// of the cause store.ErrTooLarge, if even what is left does not fit.
func (h *History) Write(ctx context.Context, r *Record) error {
	for kept := r.Execution; ; {
		row, err := encodeRow(kept, r.Sealed)
		if err != nil {
			return fmt.Errorf("history: an execution cannot be encoded: %w", err)
		}
		row.ETag = r.etag
		etag, err := h.executions.Put(ctx, row)
		switch {
		case err == nil:
			r.etag = etag
			return nil
		case !errors.Is(err, store.ErrTooLarge):
			return callout.Unavailable(err)
		}
		if kept = shrink(kept); kept == nil {
			return tooLarge(err)
		}
	}
}

func tooLarge(err error) error {
	return &callout.Error{Code: callout.InvalidArguments, Err: err,
		Message: "The request is too large to be recorded. Send less."}
}

// Get reads an execution as it stands now. It fails with
// callout.ExecutionNotFound.
func (h *History) Get(ctx context.Context, id string) (*callout.Execution, error) {
	record, err := h.Load(ctx, id)
	if err != nil {
		return nil, err
	}
	return record.At(h.now()), nil
}

// Load reads an execution in order to change it: as it is stored, whatever time
// has made of it since. It fails with callout.ExecutionNotFound.
func (h *History) Load(ctx context.Context, id string) (*Record, error) {
	if _, err := ulid.ParseStrict(id); err != nil || id != strings.ToUpper(id) {
		return nil, notFound()
	}
	partition, key := place(id)
	row, err := h.executions.Get(ctx, partition, key)
	if errors.Is(err, store.ErrNotFound) {
		return nil, notFound()
	}
	if err != nil {
		return nil, callout.Unavailable(err)
	}
	r, err := decode(row.Data)
	if err != nil {
		return nil, err
	}
	return &Record{Execution: r.Execution, Sealed: r.Sealed, etag: row.ETag}, nil
}

func notFound() error {
	return &callout.Error{Code: callout.ExecutionNotFound, Target: "id",
		Message: "There is no execution of this id. It may have been removed when its time was over; list the executions to see which there are."}
}
