package tablestore

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"callout/handler/azure"
	"callout/handler/store"
	"callout/handler/storetest/azurite"
	"callout/handler/storetest/fault"
)

// interfere lets the first try of a write end as lost says, and lets others
// change the row before the second.
func (r rig) interfere(method string, lost fault.Fault, others func()) {
	tries := 0
	r.proxy.Use(func(request fault.Request) fault.Fault {
		if request.Method != method {
			return fault.Pass()
		}
		switch tries++; tries {
		case 1:
			return lost
		case 2:
			others()
		}
		return fault.Pass()
	})
}

// When the answer of the first try is lost and others change the row before the
// second, the second is refused. Whether the first was carried out can only be
// told by what is then in the row.
func TestOthersChangeTheRowBetweenTwoTries(t *testing.T) {
	insert := func(r rig) error {
		_, err := r.table.Put(r.Context(), store.Row{Partition: "p", Key: "k", Data: []byte("mine")})
		return err
	}
	replace := func(r rig) error {
		_, err := r.table.Put(r.Context(), store.Row{Partition: "p", Key: "k", ETag: r.put("k", "before", ""), Data: []byte("mine")})
		return err
	}
	remove := func(r rig) error { return r.table.Delete(r.Context(), "p", "k", r.put("k", "before", "")) }
	inserted := func(r rig) { r.put("k", "theirs", "") }
	replaced := func(r rig) { r.put("k", "theirs", store.Any) }
	replacedKnowingly := func(r rig) {
		row, err := r.direct.Get(context.Background(), "p", "k")
		if err != nil {
			r.Error(err)
		}
		r.put("k", "theirs", row.ETag)
	}
	twice := func(r rig) { replacedKnowingly(r); replacedKnowingly(r) }
	removed := func(r rig) { r.remove("k") }
	again := func(r rig) { removed(r); inserted(r) }

	dropped, lost := fault.DropRequest(), fault.DropReply()
	cases := []struct {
		name   string
		do     func(rig) error
		method string
		first  fault.Fault
		others func(rig)
		want   error
	}{
		{"not inserted, then inserted by others", insert, "POST", dropped, inserted, store.ErrConflict},
		{"inserted, then replaced by others", insert, "POST", lost, replaced, store.ErrUnavailable},
		{"inserted, then replaced by others who read it", insert, "POST", lost, replacedKnowingly, store.ErrUnavailable},

		{"not replaced, then replaced by others who read it", replace, "PUT", dropped, replacedKnowingly, store.ErrConflict},
		{"not replaced, then replaced blindly", replace, "PUT", dropped, replaced, store.ErrUnavailable},
		{"not replaced, then replaced twice", replace, "PUT", dropped, twice, store.ErrUnavailable},
		{"not replaced, then removed", replace, "PUT", dropped, removed, store.ErrUnavailable},
		{"replaced, then replaced by others who read it", replace, "PUT", lost, replacedKnowingly, store.ErrUnavailable},
		{"replaced, then removed", replace, "PUT", lost, removed, store.ErrUnavailable},
		{"replaced, then removed and inserted again", replace, "PUT", lost, again, store.ErrUnavailable},

		{"not removed, then replaced by others who read it", remove, "DELETE", dropped, replacedKnowingly, store.ErrConflict},
		{"not removed, then replaced twice", remove, "DELETE", dropped, twice, store.ErrUnavailable},
		{"not removed, then removed by others", remove, "DELETE", dropped, removed, nil},
		{"removed, then inserted by others", remove, "DELETE", lost, inserted, store.ErrUnavailable},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			r := newTable(t, quick)
			r.interfere(c.method, c.first, func() { c.others(r) })
			r.is("the write", c.do(r), c.want)
		})
	}
}

// Without a lost answer, a refusal is believed and nothing is read back.
func TestARefusalWithoutDoubtIsBelieved(t *testing.T) {
	r := newTable(t, quick)
	stale := r.put("k", "first", "")
	r.put("k", "second", stale)
	for range 2 {
		_, err := r.table.Put(t.Context(), store.Row{Partition: "p", Key: "k"})
		r.is("insert", err, store.ErrConflict)
		r.sent(append(r.throttled(insertRow), insertRow)...)
		_, err = r.table.Put(t.Context(), store.Row{Partition: "p", Key: "k", ETag: stale})
		r.is("replace", err, store.ErrConflict)
		r.sent(append(r.throttled(replaceRow), replaceRow)...)
		r.is("Delete", r.table.Delete(t.Context(), "p", "k", stale), store.ErrConflict)
		r.sent(append(r.throttled(deleteRow), deleteRow)...)
		r.is("Delete of no row", r.table.Delete(t.Context(), "p", "other", stale), store.ErrNotFound)
		r.sent(append(r.throttled(deleteRow), deleteRow)...)
		r.throttleEverySecond()
	}
}

// throttleEverySecond lets the service refuse every second request, beginning
// with the next.
func (r rig) throttleEverySecond() {
	refuse := false
	r.proxy.Use(func(fault.Request) fault.Fault {
		if refuse = !refuse; refuse {
			return fault.Throttle(0)
		}
		return fault.Pass()
	})
}

// throttled is what was sent before the same request again, if any was refused.
func (r rig) throttled(request string) []string {
	if r.proxy.Faults()[fault.Refused] == 0 {
		return nil
	}
	return []string{request}
}

func TestWithoutAReadBackTheWriteIsInDoubt(t *testing.T) {
	r := newTable(t, quick)
	r.proxy.Use(func(request fault.Request) fault.Fault {
		if request.Method == "GET" {
			return fault.Busy(0)
		}
		return fault.DropReply()
	})
	_, err := r.table.Put(t.Context(), store.Row{Partition: "p", Key: "k", Data: []byte("mine")})
	r.is("Put", err, store.ErrUnavailable)
	r.sent(insertRow, insertRow, insertRow, insertRow, getRow)
	r.holds("k", "mine", "")
}

// A caller who has no more time hears of both: that it is in doubt, and why.
func TestTheCallersTimeEnds(t *testing.T) {
	for _, key := range []string{"row", "removed"} {
		r := newTable(t, quick)
		etag := r.put("removed", "data", "")
		ctx, cancel := context.WithCancel(t.Context())
		r.proxy.Use(func(fault.Request) fault.Fault { cancel(); return fault.Hold(nil) })
		var err error
		if key == "row" {
			_, err = r.table.Put(ctx, store.Row{Partition: "p", Key: key})
		} else {
			err = r.table.Delete(ctx, "p", key, etag)
		}
		r.is(key, err, store.ErrUnavailable)
		r.is(key, err, context.Canceled)
		if n := len(r.proxy.Requests()); n != 1 {
			t.Errorf("%s: %d requests were sent", key, n)
		}
	}
}

// landing tells the status of each PUT when the backend has answered it.
type landing struct {
	http.RoundTripper
	status chan int
}

// RoundTrip implements http.RoundTripper.
func (l landing) RoundTrip(request *http.Request) (*http.Response, error) {
	response, err := l.RoundTripper.RoundTrip(request)
	if err == nil && request.Method == http.MethodPut {
		l.status <- response.StatusCode
	}
	return response, err
}

// A try that is held back is given up and sent again; when it arrives after
// all, it is refused.
func TestALateTryChangesNothing(t *testing.T) {
	r := newTable(t, quick)
	before := r.put("k", "before", "")
	gate, landed := make(chan struct{}), landing{azure.NewTransport().Transport, make(chan int, 10)}
	proxy := fault.Start(t, azurite.Shared(t).URL(), fault.Options{
		Backend: landed, Rule: fault.Then("PUT *", fault.Hold(gate)),
	})
	impatient := quick
	impatient.TryTimeout = time.Second
	table := openStore(t, proxy.URL(), impatient).Table(r.table.name)

	etag, err := table.Put(t.Context(), store.Row{Partition: "p", Key: "k", ETag: before, Data: []byte("mine")})
	r.is("Put", err, nil)
	if got := <-landed.status; got != http.StatusNoContent {
		t.Errorf("the second try was answered %d", got)
	}
	close(gate)
	if got := <-landed.status; got != http.StatusPreconditionFailed {
		t.Errorf("the late try was answered %d", got)
	}
	r.holds("k", "mine", etag)
}

// history is a row whose data lists the writes that made it, one a line, so
// that it can be told which were carried out, and how often.
type history struct {
	rig
	mu       sync.Mutex
	accepted []string
	refused  []string
	doubtful []string
}

func (h *history) note(list *[]string, id string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	*list = append(*list, id)
}

// add appends to the row as every caller does: read, change, write if nothing
// happened meanwhile, else again. Each try of it is a write of its own.
func (h *history) add(worker, number int) error {
	for attempt := 0; ; attempt++ {
		row, err := h.table.Get(h.Context(), "p", "k")
		if errors.Is(err, store.ErrUnavailable) {
			continue
		}
		if err != nil {
			return err
		}
		id := fmt.Sprintf("%d.%d.%d", worker, number, attempt)
		row.Data = append(row.Data, id+"\n"...)
		switch _, err = h.table.Put(h.Context(), row); {
		case err == nil:
			h.note(&h.accepted, id)
			return nil
		case errors.Is(err, store.ErrConflict):
			h.note(&h.refused, id)
		case errors.Is(err, store.ErrUnavailable):
			h.note(&h.doubtful, id)
			return nil
		default:
			return err
		}
	}
}

// check holds what the callers were told against what is in the row.
func (h *history) check() {
	row, err := h.direct.Get(h.Context(), "p", "k")
	if err != nil {
		h.Fatal(err)
	}
	times := map[string]int{}
	for id := range strings.Lines(string(row.Data)) {
		times[strings.TrimSuffix(id, "\n")]++
	}
	for _, id := range h.accepted {
		if times[id] != 1 {
			h.Errorf("write %s was accepted and is there %d times", id, times[id])
		}
	}
	for _, id := range h.refused {
		if times[id] != 0 {
			h.Errorf("write %s was refused and is there", id)
		}
	}
	for _, id := range h.doubtful {
		if times[id] > 1 {
			h.Errorf("write %s is there %d times", id, times[id])
		}
	}
	if len(times) > len(h.accepted)+len(h.doubtful) {
		h.Errorf("%d writes are there, of %d accepted and %d in doubt", len(times), len(h.accepted), len(h.doubtful))
	}
	h.Logf("%d accepted, %d refused, %d in doubt; faults %v", len(h.accepted), len(h.refused), len(h.doubtful), h.proxy.Faults())
}

func TestNoWriteIsLostOrDoneTwice(t *testing.T) {
	for _, rate := range []float64{.01, .1} {
		t.Run(fmt.Sprint(rate), func(t *testing.T) {
			const workers, each = 8, 12
			h := &history{rig: newTable(t, quick)}
			h.put("k", "", "")
			h.proxy.Use(fault.Random(3, fault.Rates{
				DropRequest: rate, DropReply: rate, Cut: rate, Throttle: rate, Busy: rate, RetryAfter: time.Millisecond,
			}))
			var group sync.WaitGroup
			for worker := range workers {
				group.Go(func() {
					for number := range each {
						if err := h.add(worker, number); err != nil {
							t.Errorf("worker %d: %v", worker, err)
						}
					}
				})
			}
			group.Wait()
			h.check()
			if len(h.accepted) == 0 || h.proxy.Faults()[fault.DroppedReply] == 0 {
				t.Errorf("%d were accepted; faults %v", len(h.accepted), h.proxy.Faults())
			}
		})
	}
}

// Many callers insert and remove the same few rows.
func TestInsertsAndDeletesAreBelievable(t *testing.T) {
	r := newTable(t, quick)
	r.proxy.Use(fault.Random(4, fault.Rates{
		DropRequest: .1, DropReply: .1, Cut: .1, Throttle: .1, Busy: .1, RetryAfter: time.Millisecond,
	}))
	var group sync.WaitGroup
	for key := range 24 {
		group.Go(func() { r.insertAndRemove(fmt.Sprint("k", key)) })
	}
	group.Wait()
	if r.proxy.Faults()[fault.DroppedReply] == 0 {
		t.Error("no reply was dropped")
	}
}

// insertAndRemove has two callers insert the same row, and then removes it.
func (r rig) insertAndRemove(key string) {
	var group sync.WaitGroup
	errs := make([]error, 2)
	for i := range errs {
		group.Go(func() {
			_, errs[i] = r.table.Put(r.Context(), store.Row{Partition: "p", Key: key, Data: fmt.Append(nil, i)})
		})
	}
	group.Wait()
	row, err := r.direct.Get(r.Context(), "p", key)
	for i, putErr := range errs {
		isMine := err == nil && string(row.Data) == fmt.Sprint(i)
		switch {
		case putErr == nil && !isMine:
			r.Errorf("%s: accepted, and it holds %q, %v", key, row.Data, err)
		case errors.Is(putErr, store.ErrConflict) && isMine:
			r.Errorf("%s: refused, and it is there", key)
		case putErr != nil && !errors.Is(putErr, store.ErrConflict) && !errors.Is(putErr, store.ErrUnavailable):
			r.Errorf("%s: %v", key, putErr)
		}
	}
	if err != nil {
		return
	}
	switch err := r.table.Delete(r.Context(), "p", key, row.ETag); {
	case err == nil:
		r.holds(key, "", "")
	case !errors.Is(err, store.ErrUnavailable):
		r.Errorf("%s: Delete: %v", key, err)
	}
}
