package tablestore

import "context"

// create creates the table, unless someone in this process has done so since
// the caller saw it created so many times. Of many callers one asks the service
// while the others wait. A table that another process has created is fine; one
// that is being deleted is not, and may stay so for a minute.
func (t *Table) create(ctx context.Context, seen int64) error {
	select {
	case t.creating <- struct{}{}:
	case <-ctx.Done():
		return t.unavailable(ctx, reply{class: "waited for the table"})
	}
	defer func() { <-t.creating }()
	if t.created.Load() != seen {
		return nil
	}
	_, err := t.client.CreateTable(ctx, nil)
	r := readReply(err)
	if r.verdict != done && r.verdict != tableExists {
		return t.unavailable(ctx, r)
	}
	t.created.Add(1)
	return nil
}
