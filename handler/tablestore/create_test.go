package tablestore

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"testing"

	"callout/handler/store"
	"callout/handler/storetest/fault"
)

// insert writes a new row as the store under test.
func (r rig) insert(ctx context.Context, key string) error {
	_, err := r.table.Put(ctx, store.Row{Partition: "p", Key: key, Data: []byte("data")})
	return err
}

func TestTheFirstWriteCreatesTheTable(t *testing.T) {
	r := newRig(t, quick)
	r.is("the first", r.insert(t.Context(), "a"), nil)
	r.sent(insertRow, createTable, insertRow)
	r.is("the second", r.insert(t.Context(), "b"), nil)
	r.sent(insertRow)
	r.holds("a", "data", "")
	r.holds("b", "data", "")
}

// The table is created when all have been told that there is none.
func TestManyFirstWritesCreateTheTableOnce(t *testing.T) {
	r := newRig(t, quick)
	const writers = 50
	inserts, allTold := 0, make(chan struct{})
	r.proxy.Use(func(request fault.Request) fault.Fault {
		if request.Path == "/devstoreaccount1/Tables" {
			return fault.Hold(allTold)
		}
		switch inserts++; {
		case inserts > writers:
			return fault.Pass()
		case inserts == writers:
			close(allTold)
		}
		return fault.Refuse(http.StatusNotFound, "TableNotFound", 0)
	})
	var group sync.WaitGroup
	for i := range writers {
		group.Go(func() { r.is("insert", r.insert(t.Context(), fmt.Sprint("k", i)), nil) })
	}
	group.Wait()
	created := 0
	for _, shape := range r.proxy.Requests() {
		if shape == "POST /devstoreaccount1/Tables" {
			created++
		}
	}
	if created != 1 {
		t.Errorf("the table was created %d times", created)
	}
	page, err := r.direct.List(t.Context(), store.Range{Partition: "p"})
	if err != nil || len(page.Rows) != writers {
		t.Errorf("there are %d rows, %v", len(page.Rows), err)
	}
}

// Only an insert can succeed in a table that is not there.
func TestNothingElseCreatesTheTable(t *testing.T) {
	r := newRig(t, quick)
	const etag = `W/"datetime'2025-01-01T00%3A00%3A00.0000000Z'"`
	_, err := r.table.Get(t.Context(), "p", "k")
	r.is("Get", err, store.ErrNotFound)
	page, err := r.table.List(t.Context(), store.Range{Partition: "p"})
	if err != nil || len(page.Rows) != 0 || page.More {
		t.Errorf("List: %d rows, More %v, %v", len(page.Rows), page.More, err)
	}
	r.is("Delete", r.table.Delete(t.Context(), "p", "k", store.Any), store.ErrNotFound)
	r.is("Delete", r.table.Delete(t.Context(), "p", "k", etag), store.ErrNotFound)
	_, err = r.table.Put(t.Context(), store.Row{Partition: "p", Key: "k", ETag: store.Any})
	r.is("Put", err, store.ErrConflict)
	_, err = r.table.Put(t.Context(), store.Row{Partition: "p", Key: "k", ETag: etag})
	r.is("Put", err, store.ErrConflict)
	r.sent(getRow, queryRows, deleteRow, deleteRow, replaceRow, replaceRow)
}

func TestCreatingTheTableMeetsFaults(t *testing.T) {
	cases := []struct {
		name   string
		faults []fault.Fault
		want   error
		sent   []string
	}{
		{"a lost reply", []fault.Fault{fault.Pass(), fault.DropReply()}, nil,
			[]string{insertRow, createTable, createTable, insertRow}},
		{"a lost request", []fault.Fault{fault.Pass(), fault.DropRequest()}, nil,
			[]string{insertRow, createTable, createTable, insertRow}},
		{"the last table of that name is still being deleted", []fault.Fault{fault.Pass(), fault.Refuse(409, "TableBeingDeleted", 0)},
			store.ErrUnavailable, []string{insertRow, createTable}},
		{"it is being deleted under the write", []fault.Fault{fault.Refuse(409, "TableBeingDeleted", 0)},
			store.ErrUnavailable, []string{insertRow}},
		{"the identity may not", []fault.Fault{fault.Pass(), fault.Refuse(403, "AuthorizationPermissionMismatch", 0)},
			store.ErrUnavailable, []string{insertRow, createTable}},
		{"it is not seen at once", []fault.Fault{fault.Pass(), fault.Pass(), fault.Refuse(404, "TableNotFound", 0)},
			store.ErrUnavailable, []string{insertRow, createTable, insertRow}},
		{"the reply to the write after it is lost", []fault.Fault{fault.Pass(), fault.Pass(), fault.DropReply()}, nil,
			[]string{insertRow, createTable, insertRow, insertRow, getRow}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			r := newRig(t, quick)
			r.proxy.Use(fault.Then("POST *", c.faults...))
			r.is("insert", r.insert(t.Context(), "k"), c.want)
			r.sent(c.sent...)
			r.is("insert afterwards", r.insert(t.Context(), "later"), nil)
			r.holds("later", "data", "")
		})
	}
}

func TestAnotherProcessCreatesTheTable(t *testing.T) {
	r := newRig(t, quick)
	r.proxy.Use(func(request fault.Request) fault.Fault {
		if request.Path == "/devstoreaccount1/Tables" {
			r.is("create, directly", r.direct.create(context.Background(), 0), nil)
		}
		return fault.Pass()
	})
	r.is("insert", r.insert(t.Context(), "k"), nil)
	r.sent(insertRow, createTable, insertRow)
}

func TestATableThatIsDeletedIsCreatedAgain(t *testing.T) {
	r := newRig(t, quick)
	for range 3 {
		r.is("insert", r.insert(t.Context(), "k"), nil)
		r.sent(insertRow, createTable, insertRow)
		if _, err := r.direct.client.Delete(t.Context(), nil); err != nil {
			t.Fatal(err)
		}
	}
}

// Who waits for another's creation of the table waits no longer than it may.
func TestWaitingForTheTableEnds(t *testing.T) {
	r := newRig(t, quick)
	r.table.creating <- struct{}{} // another creates it
	ctx, cancel := context.WithCancel(t.Context())
	answered := make(chan error)
	go func() { answered <- r.insert(ctx, "k") }()
	cancel()
	if err := <-answered; !errors.Is(err, context.Canceled) {
		t.Errorf("insert: %v", err)
	}
	<-r.table.creating
	r.is("insert", r.insert(t.Context(), "k"), nil)
}
