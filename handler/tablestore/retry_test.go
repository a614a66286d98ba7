package tablestore

import (
	"errors"
	"fmt"
	"testing"

	"callout/handler/store"
	"callout/handler/storetest/fault"
)

// The requests as rig.sent names them.
const (
	getRow      = "GET table(key)"
	insertRow   = "POST table"
	replaceRow  = "PUT table(key)"
	deleteRow   = "DELETE table(key)"
	queryRows   = "GET table()"
	createTable = "POST Tables"
)

// four are the tries of a call, all with the same end.
func four(f fault.Fault) []fault.Fault { return []fault.Fault{f, f, f, f} }

// A write is done once and told to be done, or not done and told to be in
// doubt, whatever happens on the way.
func TestALostAnswerToAnInsert(t *testing.T) {
	cases := []struct {
		name   string
		faults []fault.Fault
		want   error
		stored bool
		sent   []string
	}{
		{"a dropped request is sent again", []fault.Fault{fault.DropRequest()}, nil, true,
			[]string{insertRow, insertRow}},
		{"a dropped reply is found out", []fault.Fault{fault.DropReply()}, nil, true,
			[]string{insertRow, insertRow, getRow}},
		{"so is one that is cut", []fault.Fault{fault.Cut()}, nil, true,
			[]string{insertRow, insertRow, getRow}},
		{"both, one after the other", []fault.Fault{fault.DropRequest(), fault.DropReply()}, nil, true,
			[]string{insertRow, insertRow, insertRow, getRow}},
		{"a busy service is asked again", []fault.Fault{fault.Busy(0), fault.Throttle(0)}, nil, true,
			[]string{insertRow, insertRow, insertRow}},
		{"all replies dropped, it is there", four(fault.DropReply()), nil, true,
			[]string{insertRow, insertRow, insertRow, insertRow, getRow}},
		{"all requests dropped, it is in doubt", four(fault.DropRequest()), store.ErrUnavailable, false,
			[]string{insertRow, insertRow, insertRow, insertRow, getRow}},
		{"always busy, it is in doubt", four(fault.Busy(0)), store.ErrUnavailable, false,
			[]string{insertRow, insertRow, insertRow, insertRow, getRow}},
		{"always throttled, it has not happened", four(fault.Throttle(0)), store.ErrUnavailable, false,
			[]string{insertRow, insertRow, insertRow, insertRow}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			r := newTable(t, quick)
			r.proxy.Use(fault.Then("POST *", c.faults...))
			etag, err := r.table.Put(t.Context(), store.Row{Partition: "p", Key: "k", Data: []byte("mine")})
			r.is("Put", err, c.want)
			r.sent(c.sent...)
			if c.stored {
				r.holds("k", "mine", etag)
			} else {
				r.holds("k", "", "")
			}
		})
	}
}

func TestALostAnswerToAReplacement(t *testing.T) {
	cases := []struct {
		name   string
		faults []fault.Fault
		want   error
		sent   []string
	}{
		{"a dropped request is sent again", []fault.Fault{fault.DropRequest()}, nil,
			[]string{replaceRow, replaceRow}},
		{"a dropped reply is found out", []fault.Fault{fault.DropReply()}, nil,
			[]string{replaceRow, replaceRow, getRow}},
		{"so is one that is cut", []fault.Fault{fault.Cut()}, nil,
			[]string{replaceRow, replaceRow, getRow}},
		{"all replies dropped, it is there", four(fault.DropReply()), nil,
			[]string{replaceRow, replaceRow, replaceRow, replaceRow, getRow}},
		{"all requests dropped, it is in doubt", four(fault.DropRequest()), store.ErrUnavailable,
			[]string{replaceRow, replaceRow, replaceRow, replaceRow, getRow}},
		{"always throttled, it has not happened", four(fault.Throttle(0)), store.ErrUnavailable,
			[]string{replaceRow, replaceRow, replaceRow, replaceRow}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			r := newTable(t, quick)
			before := r.put("k", "before", "")
			r.proxy.Use(fault.Then("PUT *", c.faults...))
			etag, err := r.table.Put(t.Context(), store.Row{Partition: "p", Key: "k", ETag: before, Data: []byte("mine")})
			r.is("Put", err, c.want)
			r.sent(c.sent...)
			if c.want == nil {
				r.holds("k", "mine", etag)
			} else {
				r.holds("k", "before", before)
			}
		})
	}
}

// To replace any state may be done twice, which is the same as once.
func TestALostAnswerToAReplacementOfAnyState(t *testing.T) {
	r := newTable(t, quick)
	r.put("k", "before", "")
	r.proxy.Use(fault.Then("PUT *", fault.DropReply()))
	etag, err := r.table.Put(t.Context(), store.Row{Partition: "p", Key: "k", ETag: store.Any, Data: []byte("mine")})
	r.is("Put", err, nil)
	r.sent(replaceRow, replaceRow)
	r.holds("k", "mine", etag)
}

func TestALostAnswerToADelete(t *testing.T) {
	cases := []struct {
		name   string
		faults []fault.Fault
		want   error
		sent   []string
	}{
		{"a dropped request is sent again", []fault.Fault{fault.DropRequest()}, nil,
			[]string{deleteRow, deleteRow}},
		{"a dropped reply is found out", []fault.Fault{fault.DropReply()}, nil,
			[]string{deleteRow, deleteRow}},
		{"so is one that is cut", []fault.Fault{fault.Cut()}, nil,
			[]string{deleteRow, deleteRow}},
		{"all replies dropped, it is gone", four(fault.DropReply()), nil,
			[]string{deleteRow, deleteRow, deleteRow, deleteRow, getRow}},
		{"all requests dropped, it is in doubt", four(fault.DropRequest()), store.ErrUnavailable,
			[]string{deleteRow, deleteRow, deleteRow, deleteRow, getRow}},
		{"always throttled, it has not happened", four(fault.Throttle(0)), store.ErrUnavailable,
			[]string{deleteRow, deleteRow, deleteRow, deleteRow}},
	}
	for _, c := range cases {
		for _, blindly := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, blindly %v", c.name, blindly), func(t *testing.T) {
				r := newTable(t, quick)
				etag := r.put("k", "before", "")
				if blindly {
					etag = store.Any
				}
				r.proxy.Use(fault.Then("DELETE *", c.faults...))
				r.is("Delete", r.table.Delete(t.Context(), "p", "k", etag), c.want)
				r.sent(c.sent...)
				if c.want == nil {
					r.holds("k", "", "")
				} else {
					r.holds("k", "before", "")
				}
			})
		}
	}
}

func TestALostAnswerToARead(t *testing.T) {
	for _, f := range []fault.Fault{fault.DropRequest(), fault.DropReply(), fault.Cut(), fault.Busy(0)} {
		r := newTable(t, quick)
		r.put("k", "data", "")
		r.proxy.Use(fault.Then("GET *", f, fault.Pass(), f))
		row, err := r.table.Get(t.Context(), "p", "k")
		if err != nil || string(row.Data) != "data" {
			t.Errorf("Get: %q, %v", row.Data, err)
		}
		page, err := r.table.List(t.Context(), store.Range{Partition: "p"})
		if err != nil || len(page.Rows) != 1 {
			t.Errorf("List: %d rows, %v", len(page.Rows), err)
		}
		r.sent(getRow, getRow, queryRows, queryRows)

		r.proxy.Use(fault.Always(f))
		_, err = r.table.Get(t.Context(), "p", "k")
		r.is("Get", err, store.ErrUnavailable)
		_, err = r.table.List(t.Context(), store.Range{Partition: "p"})
		r.is("List", err, store.ErrUnavailable)
		if errors.Is(err, store.ErrNotFound) {
			t.Errorf("what could not be read is said to be absent: %v", err)
		}
	}
}
