// Package history keeps what happened: one row an execution, which is the one
// truth about its state (design: section 8). What is written here has been
// redacted by the caller.
package history

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"slices"
	"strings"
	"time"

	"github.com/oklog/ulid/v2"

	"callout/handler/callout"
	"callout/handler/store"
)

// Rows is the table of executions.
type Rows interface {
	Get(ctx context.Context, partition, key string) (store.Row, error)
	Put(ctx context.Context, row store.Row) (etag string, err error)
	List(ctx context.Context, r store.Range) (store.Page, error)
}

// History writes and reads executions. It is safe for concurrent use.
type History struct {
	rows Rows
	now  func() time.Time
}

// New returns the history over the table.
func New(rows Rows, now func() time.Time) *History { return &History{rows: rows, now: now} }

// NewID returns the id of an execution that begins at the time at: a ULID, so
// that ids sort by time.
func NewID(at time.Time) string {
	return ulid.MustNew(ulid.Timestamp(at), rand.Reader).String()
}

// Record is an execution as it is being written, with the state of its row.
type Record struct {
	*callout.Execution
	etag string
}

const schemaNumber = 1

// executionRow is an execution at the edge of the store.
type executionRow struct {
	Schema    int                `json:"schema"` // the first, so that it is read even if the rest cannot be
	ConfigID  string             `json:"configId"`
	Deadline  time.Time          `json:"deadline,omitzero"`
	Execution *callout.Execution `json:"execution"`
}

// Write stores the present state of r: the first time as a new row, then in
// the place of what it wrote before. It fails with callout.StorageUnavailable.
func (h *History) Write(ctx context.Context, r *Record) error {
	data, err := pack(executionRow{schemaNumber, r.ConfigID, r.Deadline, fit(r.Execution)})
	if err != nil {
		return fmt.Errorf("history: an execution cannot be encoded: %w", err)
	}
	partition, key := place(r.ID)
	etag, err := h.rows.Put(ctx, store.Row{Partition: partition, Key: key, ETag: r.etag, Data: data})
	if err != nil {
		return callout.Unavailable(err)
	}
	r.etag = etag
	return nil
}

// Get reads an execution as it stands now. It fails with
// callout.ExecutionNotFound.
func (h *History) Get(ctx context.Context, id string) (*callout.Execution, error) {
	if _, err := ulid.ParseStrict(id); err != nil || id != strings.ToUpper(id) {
		return nil, notFound()
	}
	partition, key := place(id)
	row, err := h.rows.Get(ctx, partition, key)
	if errors.Is(err, store.ErrNotFound) {
		return nil, notFound()
	}
	if err != nil {
		return nil, callout.Unavailable(err)
	}
	return h.decode(row)
}

func (h *History) decode(row store.Row) (*callout.Execution, error) {
	data, err := unpack(row.Data)
	if err != nil {
		return nil, errUnreadable
	}
	var r executionRow
	err = json.Unmarshal(data, &r)
	switch {
	case r.Schema > schemaNumber: // whatever else is in it
		return nil, newer()
	case err != nil || r.Execution == nil:
		return nil, errUnreadable
	}
	r.Execution.ConfigID, r.Execution.Deadline = r.ConfigID, r.Deadline
	return r.Execution.At(h.now()), nil
}

// The causes of a refusal to read a row, for the log.
var (
	errUnreadable  = errors.New("history: a row is not readable")
	errNewerSchema = errors.New("history: a row was written by a newer version of Callout; run that version")
)

func newer() error {
	return &callout.Error{Code: callout.StorageUnavailable, Err: errNewerSchema,
		Message: "This execution was stored by a newer version of Callout, which this one cannot read. Run the newer version."}
}

// partitions spread the writes of a busy moment.
const partitions = 8

// List reads a page of executions, newest first, those that are older than the
// id after, which is empty for the first page.
func (h *History) List(ctx context.Context, after string, top int) (page []*callout.Execution, more bool, err error) {
	if after != "" {
		_, after = place(after)
	}
	rows, more, err := h.merge(ctx, after, top)
	if err != nil {
		return nil, false, callout.Unavailable(err)
	}
	for _, row := range rows {
		execution, err := h.decode(row)
		if err != nil {
			return nil, false, err
		}
		page = append(page, execution)
	}
	return page, more, nil
}

// merge reads the first rows of all partitions after a key. A store may end a
// page early, so that nothing is known of a partition beyond the last row that it
// gave: the rows of the others end there too, or the next page would begin after
// rows that were never seen.
func (h *History) merge(ctx context.Context, after string, top int) (rows []store.Row, more bool, err error) {
	known := ""
	for i := range partitions {
		part, err := h.rows.List(ctx, store.Range{Partition: partition(i), After: after, Top: top})
		if err != nil {
			return nil, false, err
		}
		rows = append(rows, part.Rows...)
		if part.More {
			last := part.Rows[len(part.Rows)-1].Key
			if !more || last < known {
				known = last
			}
			more = true
		}
	}
	slices.SortFunc(rows, func(a, b store.Row) int { return strings.Compare(a.Key, b.Key) })
	if more {
		rows = slices.DeleteFunc(rows, func(row store.Row) bool { return row.Key > known })
	}
	if len(rows) > top {
		rows, more = rows[:top], true
	}
	return rows, more, nil
}

func partition(i int) string { return fmt.Sprintf("b%d", i) }

// reverse orders keys newest first: the digits of an id, counted from the other
// end of Crockford's alphabet.
var reverse = func() *strings.Replacer {
	var pairs []string
	for i, digit := range ulid.Encoding {
		pairs = append(pairs, string(digit), string(ulid.Encoding[len(ulid.Encoding)-1-i]))
	}
	return strings.NewReplacer(pairs...)
}()

// place returns where the execution of an id is kept.
func place(id string) (partitionKey, rowKey string) {
	hash := fnv.New32a()
	_, _ = hash.Write([]byte(id))
	return partition(int(hash.Sum32() % partitions)), reverse.Replace(id)
}

func notFound() error {
	return &callout.Error{Code: callout.ExecutionNotFound, Target: "id",
		Message: "There is no execution of this id. It may have been removed when its time was over; list the executions to see which there are."}
}
