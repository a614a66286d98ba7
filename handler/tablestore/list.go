package tablestore

import (
	"context"
	"strings"

	"callout/handler/store"

	"github.com/Azure/azure-sdk-for-go/sdk/data/aztables"
)

// maxPageData ends a page early, in bytes: a thousand of the largest rows would
// be 900 MB in memory.
const maxPageData = 4 << 20

// servicePage is one answer to a query. It may have fewer rows than were asked
// for, even none, and still continue.
type servicePage struct {
	rows []store.Row
	next continuation
}

// continuation is where the service wants the next query to begin. It is opaque;
// either part may be nil.
type continuation struct{ partition, row *string }

func (c continuation) isEnd() bool { return c.partition == nil && c.row == nil }

// List returns the rows of a range, ascending by the bytes of their keys. Top
// is store.MaxTop if it is not positive or is over that. The rows are the
// caller's own.
//
// It asks the service again until it has Top rows or there are no more, so that
// full pages take one request each; named keys take one each, a few at a time. A
// page ends early, with More, when what was read of its rows passes 4 MiB. More is
// exact, except after the 1,000th row and after a page that ended early: there
// the service says that it may have more, and to make sure would take another
// request. The next page is then empty, without More.
//
// Errors: ErrDamaged.
func (t *Table) List(ctx context.Context, r store.Range) (store.Page, error) {
	if err := t.check(ctx, r.Valid()); err != nil {
		return store.Page{}, err
	}
	if r.Top <= 0 || r.Top > store.MaxTop {
		r.Top = store.MaxTop
	}
	read := t.walk
	if r.Keys != nil {
		read = t.pick
	}
	rows, rest, err := read(ctx, r)
	if err != nil {
		return store.Page{}, err
	}
	if !ascend(rows, r) {
		return store.Page{}, t.unavailable(ctx, reply{class: "another range's answer"})
	}
	if len(rows) > r.Top {
		return store.Page{Rows: rows[:r.Top:r.Top], More: true}, nil
	}
	return store.Page{Rows: rows, More: rest}, nil
}

// walk asks for the rows between the bounds, page by page, and for the one behind
// the last, which tells More. rest says that the service may have more than that.
func (t *Table) walk(ctx context.Context, r store.Range) (rows []store.Row, rest bool, err error) {
	wanted := min(r.Top+1, store.MaxTop)
	var next continuation
	for size := 0; len(rows) < wanted && size <= maxPageData; {
		page, err := t.query(ctx, r, wanted-len(rows), next)
		if err != nil {
			return nil, false, err
		}
		rows, next = append(rows, page.rows...), page.next
		size += sizeOf(page.rows)
		if next.isEnd() {
			break
		}
	}
	return rows, !next.isEnd(), nil
}

func sizeOf(rows []store.Row) (size int) {
	for _, row := range rows {
		size += len(row.Head) + len(row.Data)
	}
	return size
}

// ascend reports whether the rows are of the range, in their order and without
// repetition. Callers go on after the last key, so that anything else would
// lead them past rows, or in circles.
func ascend(rows []store.Row, r store.Range) bool {
	last := r.After
	for _, row := range rows {
		if row.Partition != r.Partition || row.Key <= last || r.Before != "" && row.Key >= r.Before {
			return false
		}
		last = row.Key
	}
	return true
}

// query asks the service once for at most top rows.
func (t *Table) query(ctx context.Context, r store.Range, top int, from continuation) (servicePage, error) {
	filter, count, format := filterOf(r), int32(top), aztables.MetadataFormatFull // which is sure to have ETags
	options := &aztables.ListEntitiesOptions{
		Filter: &filter, Top: &count, Format: &format,
		NextPartitionKey: from.partition, NextRowKey: from.row,
	}
	if r.Heads {
		options.Select = &headProperties
	}
	answer, err := t.client.NewListEntitiesPager(options).NextPage(ctx)
	switch reply := readReply(err); reply.verdict {
	case done:
	case noTable:
		return servicePage{}, nil
	default:
		return servicePage{}, t.unavailable(ctx, reply)
	}
	page := servicePage{next: continuation{answer.NextPartitionKey, answer.NextRowKey}}
	for _, raw := range answer.Entities {
		found, err := decodeEntity(raw, r.Heads)
		if err != nil {
			return servicePage{}, err
		}
		if found.ETag == "" {
			return servicePage{}, t.unavailable(ctx, reply{class: "no ETag"})
		}
		page.rows = append(page.rows, found.Row)
	}
	return page, nil
}

// filterOf is a range in OData.
func filterOf(r store.Range) string {
	filter := "PartitionKey eq " + literal(r.Partition)
	if r.After != "" {
		filter += " and RowKey gt " + literal(r.After)
	}
	if r.Before != "" {
		filter += " and RowKey lt " + literal(r.Before)
	}
	return filter
}

// literal is a string in OData. Keys have no quotes, and it does not rely on
// that.
func literal(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }
