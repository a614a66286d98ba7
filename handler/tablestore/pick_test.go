package tablestore

import (
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"callout/handler/azure"
	"callout/handler/store"
	"callout/handler/storetest/azurite"
	"callout/handler/storetest/fault"
)

// Named rows take a request each, and nothing else does.
func TestRequestsOfNamedRows(t *testing.T) {
	r := newTable(t, quick)
	r.fill(20)
	for _, c := range []struct {
		name     string
		in       store.Range
		rows     int
		requests int
	}{
		{"three", store.Range{Keys: []string{"k00003", "k00001", "k00002"}}, 3, 3},
		{"their heads", store.Range{Keys: []string{"k00003", "k00001", "k00002"}, Heads: true}, 3, 3},
		{"absent ones", store.Range{Keys: []string{"a", "k00001", "z"}}, 1, 3},
		{"the same one", store.Range{Keys: []string{"k00001", "k00001"}}, 1, 1},
		{"outside of the bounds", store.Range{Keys: []string{"k00001", "k00002"}, After: "k00001"}, 1, 1},
		{"none", store.Range{Keys: []string{}}, 0, 0},
	} {
		c.in.Partition = "p"
		r.proxy.Reset()
		page, err := r.table.List(t.Context(), c.in)
		if err != nil || len(page.Rows) != c.rows || page.More {
			t.Errorf("%s: %d rows, More %v, %v", c.name, len(page.Rows), page.More, err)
		}
		r.sent(slices.Repeat([]string{getRow}, c.requests)...)
	}
}

// Where only heads are wanted, the data does not travel.
func TestDataThatNobodyAskedForIsNotSent(t *testing.T) {
	r := newTable(t, quick)
	for _, key := range []string{"a", "b"} {
		if _, err := r.direct.Put(t.Context(), store.Row{Partition: "p", Key: key, Head: []byte("head"), Data: make([]byte, store.MaxData)}); err != nil {
			t.Fatal(err)
		}
	}
	var read atomic.Int64
	client := azure.NewTransport()
	t.Cleanup(client.CloseIdleConnections)
	s, err := newStore(Options{ConnectionString: azurite.Shared(t).ConnectionString(), Transport: transport(func(q *http.Request) (*http.Response, error) {
		response, err := client.Do(q)
		if err == nil {
			response.Body = counted{response.Body, &read}
		}
		return response, err
	})}, quick)
	if err != nil {
		t.Fatal(err)
	}
	for what, in := range map[string]store.Range{
		"a range": {Partition: "p", Heads: true}, "named rows": {Partition: "p", Keys: []string{"a", "b"}, Heads: true},
	} {
		read.Store(0)
		page, err := s.Table(r.table.name).List(t.Context(), in)
		if err != nil || len(page.Rows) != 2 || string(page.Rows[1].Head) != "head" {
			t.Fatalf("%s: %d rows, %v", what, len(page.Rows), err)
		}
		if read.Load() > 4<<10 {
			t.Errorf("%s: %d bytes were received", what, read.Load())
		}
	}
}

// counted counts what is read.
type counted struct {
	io.ReadCloser
	n *atomic.Int64
}

func (c counted) Read(p []byte) (int, error) {
	n, err := c.ReadCloser.Read(p)
	c.n.Add(int64(n))
	return n, err
}

// No more named rows are asked for at a time than it says, and so many are.
func TestNamedRowsAreReadAFewAtATime(t *testing.T) {
	r := newTable(t, quick)
	r.fill(5 * parallelReads)
	var mu sync.Mutex
	now, most := 0, 0
	full := make(chan struct{})
	client := azure.NewTransport()
	t.Cleanup(client.CloseIdleConnections)
	s, err := newStore(Options{ConnectionString: azurite.Shared(t).ConnectionString(), Transport: transport(func(q *http.Request) (*http.Response, error) {
		mu.Lock()
		if now++; now > most {
			if most = now; most == parallelReads {
				close(full)
			}
		}
		mu.Unlock()
		select { // the first wait for the eighth, so that it is seen
		case <-full:
		case <-time.After(time.Minute):
		}
		defer func() { mu.Lock(); now--; mu.Unlock() }()
		return client.Do(q)
	})}, quick)
	if err != nil {
		t.Fatal(err)
	}
	var keys []string
	for _, row := range r.all() {
		keys = append(keys, row.Key)
	}
	page, err := s.Table(r.table.name).List(t.Context(), store.Range{Partition: "p", Keys: keys, Heads: true})
	if err != nil || len(page.Rows) != len(keys) || most != parallelReads {
		t.Errorf("%d rows of %d, %d at a time, %v", len(page.Rows), len(keys), most, err)
	}
}

// Large named rows end a page early, as those of a range do.
func TestAPageOfLargeNamedRowsEndsEarly(t *testing.T) {
	r := newTable(t, quick)
	var keys []string
	for i := range parallelReads + 1 {
		keys = append(keys, fmt.Sprint("k", i))
		r.put(keys[i], string(make([]byte, store.MaxData)), "")
	}
	page, err := r.table.List(t.Context(), store.Range{Partition: "p", Keys: keys})
	if err != nil || len(page.Rows) != parallelReads || !page.More {
		t.Errorf("%d rows, More %v, %v", len(page.Rows), page.More, err)
	}
	page, err = r.table.List(t.Context(), store.Range{Partition: "p", Keys: keys, Heads: true})
	if err != nil || len(page.Rows) != len(keys) || page.More {
		t.Errorf("%d heads, More %v, %v", len(page.Rows), page.More, err)
	}
}

// all lists the table directly.
func (r rig) all() []store.Row {
	r.Helper()
	page, err := r.direct.List(r.Context(), store.Range{Partition: "p"})
	if err != nil {
		r.Fatal(err)
	}
	return page.Rows
}

// Named rows are found through lost answers, and one that cannot be read fails all.
func TestNamedRowsThroughFaults(t *testing.T) {
	r := newTable(t, quick)
	r.fill(30)
	keys := make([]string, 0, 30)
	for _, row := range r.all() {
		keys = append(keys, row.Key)
	}
	point := "GET /" + azurite.Account + "/" + r.table.name + "(key)"
	r.proxy.Use(fault.Then(point, fault.DropReply(), fault.Busy(0), fault.Pass(), fault.Cut(), fault.DropRequest()))
	page, err := r.table.List(t.Context(), store.Range{Partition: "p", Keys: keys, Heads: true})
	if err != nil || len(page.Rows) != len(keys) {
		t.Errorf("%d rows of %d, %v", len(page.Rows), len(keys), err)
	}
	r.proxy.Use(fault.Always(fault.Busy(0)))
	page, err = r.table.List(t.Context(), store.Range{Partition: "p", Keys: keys})
	r.is("List of a store that is down", err, store.ErrUnavailable)
	if len(page.Rows) != 0 || strings.Contains(err.Error(), "k0") {
		t.Errorf("%d rows, %v", len(page.Rows), err)
	}
}
