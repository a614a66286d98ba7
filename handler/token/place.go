package token

import (
	"context"
	"errors"
	"time"

	"callout/handler/callout"
	"callout/handler/store"
)

// place is the row of one client.
type place struct {
	rows            Rows
	key             *key
	partition, name string
}

func (c *Cache) place(ctx context.Context, client *callout.OAuth) (*place, error) {
	found, err := c.opts.Keys.Key(ctx)
	if err != nil {
		return nil, err
	}
	p := &place{rows: c.opts.Rows, key: newKey(found, c.opts.Place)}
	p.partition, p.name = p.key.address(client)
	return p, nil
}

// readTimeout is what reading a row may take, all tries together: whoever waits
// for a token would rather have one that is not shared.
const readTimeout = 5 * time.Second

// read returns the row, empty if there is none. One failed read is no outage.
func (p *place) read(ctx context.Context) (*record, error) {
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	for try := 1; ; try++ {
		row, err := p.rows.Get(ctx, p.partition, p.name)
		switch {
		case err == nil:
			return decodeRecord(p.key, row)
		case errors.Is(err, store.ErrNotFound):
			return &record{}, nil
		case try == tries || pause(ctx, jitter(firstPoll<<try)) != nil:
			return nil, err
		}
	}
}

// writeTimeout is what a write may take, and that of an outcome all tries together:
// the caller has the token already, and waits.
const writeTimeout = 5 * time.Second

// write replaces the row as r was read, or inserts it, and notes its new state in r.
func (p *place) write(ctx context.Context, r *record) error {
	ctx, cancel := context.WithTimeout(ctx, writeTimeout)
	defer cancel()
	etag, err := p.rows.Put(ctx, r.encode(p.key, p.partition, p.name))
	if err == nil {
		r.etag = etag
	}
	return err
}

func isConflict(err error) bool { return errors.Is(err, store.ErrConflict) }
