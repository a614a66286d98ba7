package tablestore

import (
	"fmt"
	"testing"

	"callout/handler/store"
	"callout/handler/storetest/fault"

	"github.com/Azure/azure-sdk-for-go/sdk/data/aztables"
)

// What each call costs, warm: the table exists, and a connection does.
func TestRequestsOfACall(t *testing.T) {
	r := newTable(t, quick)
	r.sent()
	etag, err := r.table.Put(t.Context(), store.Row{Partition: "p", Key: "k", Data: []byte("data")})
	r.is("insert", err, nil)
	r.sent(insertRow)
	etag, err = r.table.Put(t.Context(), store.Row{Partition: "p", Key: "k", ETag: etag})
	r.is("replace", err, nil)
	r.sent(replaceRow)
	_, err = r.table.Get(t.Context(), "p", "k")
	r.is("Get", err, nil)
	r.sent(getRow)
	_, err = r.table.Get(t.Context(), "p", "other")
	r.is("Get of no row", err, store.ErrNotFound)
	r.sent(getRow)
	_, err = r.table.List(t.Context(), store.Range{Partition: "p", Top: 1})
	r.is("List", err, nil)
	r.sent(queryRows)
	r.is("Delete", r.table.Delete(t.Context(), "p", "k", etag), nil)
	r.sent(deleteRow)
}

// Nothing is sent for a call that cannot succeed.
func TestWhatIsWrongIsNotSent(t *testing.T) {
	r := newTable(t, quick)
	_, err := r.table.Put(t.Context(), store.Row{Partition: "p", Key: "k", Data: make([]byte, store.MaxData+1)})
	r.is("too large", err, store.ErrTooLarge)
	_, err = r.table.Put(t.Context(), store.Row{Partition: "p", Key: "a/b"})
	r.is("a bad key", err, store.ErrInvalidKey)
	_, err = r.table.List(t.Context(), store.Range{Partition: "p", After: "a'b"})
	r.is("a bad bound", err, store.ErrInvalidKey)
	for _, etag := range []string{`"1"`, `W/"1"`, "W/\"datetime'\n'\"", "x", `W/"datetime'1'", *`} {
		_, err = r.table.Put(t.Context(), store.Row{Partition: "p", Key: "k", ETag: etag})
		r.is("the ETag of another store", err, store.ErrConflict)
	}
	for _, name := range []string{"", "ab", "1abc", "a-bc", "a/bc", string(make([]byte, 64))} {
		_, err = r.store.Table(name).Get(t.Context(), "p", "k")
		r.is("a table that cannot be", err, errTableName)
	}
	r.sent()
}

// To delete what no ETag names, one look tells which error it is.
func TestDeleteByTheETagOfAnotherStore(t *testing.T) {
	r := newTable(t, quick)
	r.put("k", "data", "")
	for _, etag := range []string{"", `"1"`, "x"} {
		r.is("Delete", r.table.Delete(t.Context(), "p", "k", etag), store.ErrConflict)
		r.is("Delete of no row", r.table.Delete(t.Context(), "p", "other", etag), store.ErrNotFound)
		r.sent(getRow, getRow)
	}
	r.holds("k", "data", "")
}

// fill writes n empty rows by transactions of 100, and returns the key of the
// last.
func (r rig) fill(n int) (last string) {
	r.Helper()
	var batch []aztables.TransactionAction
	for i := range n {
		last = fmt.Sprintf("k%05d", i)
		batch = append(batch, aztables.TransactionAction{
			ActionType: aztables.TransactionTypeAdd,
			Entity:     encodeEntity(store.Row{Partition: "p", Key: last}, newMark()),
		})
		if len(batch) < 100 && i < n-1 {
			continue
		}
		if _, err := r.direct.client.SubmitTransaction(r.Context(), batch, nil); err != nil {
			r.Fatal(err)
		}
		batch = nil
	}
	return last
}

// n rows take ceil(n/1000) requests.
func TestRequestsOfAList(t *testing.T) {
	for n, requests := range map[int]int{0: 1, 1000: 1, 1001: 2, 2000: 2} {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			r := newTable(t, quick)
			r.fill(n)
			found, after := 0, ""
			for more := true; more; {
				page, err := r.table.List(t.Context(), store.Range{Partition: "p", After: after})
				if err != nil {
					t.Fatal(err)
				}
				if more = page.More; more {
					after = page.Rows[len(page.Rows)-1].Key
				}
				found += len(page.Rows)
			}
			if found != n {
				t.Errorf("%d rows were listed", found)
			}
			if got := len(r.proxy.Requests()); got != requests {
				t.Errorf("%d requests were sent, want %d", got, requests)
			}
		})
	}
}

// Short and empty pages are not the end, and cost a request each.
func TestAPageIsFilledFromShortAndEmptyOnes(t *testing.T) {
	r := newTable(t, quick)
	r.fill(10)
	cases := []struct {
		name     string
		in       store.Range
		faults   []fault.Fault
		rows     int
		more     bool
		requests int
	}{
		{"a full page", store.Range{Top: 5}, nil, 5, true, 1},
		{"the last page", store.Range{Top: 10}, nil, 10, false, 1},
		{"an empty page first", store.Range{Top: 5}, []fault.Fault{fault.Empty()}, 5, true, 2},
		{"an empty page in the middle", store.Range{Top: 10}, []fault.Fault{fault.Shorten(4), fault.Empty()}, 10, false, 3},
		{"many empty pages", store.Range{}, []fault.Fault{fault.Empty(), fault.Empty(), fault.Empty()}, 10, false, 4},
		{"short pages", store.Range{}, []fault.Fault{fault.Shorten(1), fault.Shorten(2), fault.Shorten(3)}, 10, false, 4},
		{"a short page of exactly Top", store.Range{Top: 5}, []fault.Fault{fault.Shorten(5)}, 5, true, 2},
		{"a short page of exactly all", store.Range{Top: 10}, []fault.Fault{fault.Shorten(9), fault.Shorten(1)}, 10, false, 2},
		{"an empty page of no rows", store.Range{After: "k9"}, []fault.Fault{fault.Empty()}, 0, false, 2},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			r.proxy.Use(fault.Then("GET *", c.faults...))
			r.proxy.Reset()
			c.in.Partition = "p"
			page, err := r.table.List(t.Context(), c.in)
			if err != nil || len(page.Rows) != c.rows || page.More != c.more {
				t.Errorf("%d rows, More %v, %v; want %d, %v", len(page.Rows), page.More, err, c.rows, c.more)
			}
			if got := len(r.proxy.Requests()); got != c.requests {
				t.Errorf("%d requests were sent, want %d", got, c.requests)
			}
		})
	}
}

// A page of large rows ends between two of the service's pages.
func TestAPageOfLargeRowsEndsEarly(t *testing.T) {
	r := newTable(t, quick)
	for i := range 6 {
		r.put(fmt.Sprint("k", i), string(make([]byte, store.MaxData)), "")
	}
	r.proxy.Use(fault.Always(fault.Shorten(1)))
	page, err := r.table.List(t.Context(), store.Range{Partition: "p"})
	if err != nil || len(page.Rows) != 5 || !page.More {
		t.Errorf("%d rows, More %v, %v", len(page.Rows), page.More, err)
	}
	page, err = r.table.List(t.Context(), store.Range{Partition: "p", After: "k4"})
	if err != nil || len(page.Rows) != 1 || page.More {
		t.Errorf("then %d rows, More %v, %v", len(page.Rows), page.More, err)
	}
}
