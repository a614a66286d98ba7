package history_test

import (
	"context"
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"callout/handler/callout"
	"callout/handler/history"
	"callout/handler/localstore"
	"callout/handler/store"
)

// begin is when the clock of the tests starts.
var begin = time.Date(2026, 1, 2, 3, 4, 5, 678e6, time.UTC)

// house is a history over a real store.
type house struct {
	*history.History
	t                 *testing.T
	executions, index *table
	now               time.Time
}

func newHouse(t *testing.T) *house {
	t.Helper()
	opened, err := localstore.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = opened.Close() })
	h := &house{t: t, now: begin,
		executions: &table{Table: opened.Table(store.Executions)}, index: &table{Table: opened.Table(store.Index)}}
	h.History = history.New(h.executions, h.index, func() time.Time { return h.now })
	return h
}

// table is the real table, which a test can make fail, and make end its pages
// early, as every store may. It counts what it is asked.
type table struct {
	*localstore.Table
	down    bool
	longest int // rows of a page, if not 0
	// fails decides about each removal.
	fails func(partition, key string) error

	lists, gets, puts, deletes atomic.Int64
	bodies                     atomic.Int64 // rows that were listed with their data
}

func (t *table) Get(ctx context.Context, partition, key string) (store.Row, error) {
	t.gets.Add(1)
	if t.down {
		return store.Row{}, store.ErrUnavailable
	}
	return t.Table.Get(ctx, partition, key)
}

func (t *table) Put(ctx context.Context, row store.Row) (string, error) {
	t.puts.Add(1)
	if t.down {
		return "", store.ErrUnavailable
	}
	return t.Table.Put(ctx, row)
}

func (t *table) Delete(ctx context.Context, partition, key, etag string) error {
	t.deletes.Add(1)
	if t.down {
		return store.ErrUnavailable
	}
	if t.fails != nil {
		if err := t.fails(partition, key); err != nil {
			return err
		}
	}
	return t.Table.Delete(ctx, partition, key, etag)
}

func (t *table) List(ctx context.Context, r store.Range) (store.Page, error) {
	t.lists.Add(1)
	if t.down {
		return store.Page{}, store.ErrUnavailable
	}
	if r.Top <= 0 {
		r.Top = store.MaxTop
	}
	if t.longest > 0 {
		r.Top = min(r.Top, t.longest)
	}
	page, err := t.Table.List(ctx, r)
	if !r.Heads {
		t.bodies.Add(int64(len(page.Rows)))
	}
	return page, err
}

// asked returns how often the table was asked anything since the last call.
func (t *table) asked() (n int64) {
	for _, count := range []*atomic.Int64{&t.lists, &t.gets, &t.puts, &t.deletes} {
		n += count.Swap(0)
	}
	return n
}

// call is an execution as it is when everything is known.
func call(at time.Time) *callout.Execution {
	return &callout.Execution{
		ID: history.NewID(at), Config: "crm", Status: callout.Succeeded, ConfigID: "01CONFIG",
		Request: &callout.Request{Method: "POST", URL: "https://api.example.com/v1?a=<b>&c",
			Headers: []callout.HeaderValue{{Name: "Authorization", Value: "Bearer [secret]"}}, Body: json.RawMessage(`{"a":"<&>","b":1.0}`)},
		Response: &callout.Response{Status: 200, ContentType: "application/json", Body: json.RawMessage(`{"id":12345678901234567890}`), Bytes: 27},
		Attempts: 1, DurationMS: 84, CreatedAt: at, Deadline: at.Add(45 * time.Second),
		Context: map[string]string{"ticket": "T20261123.0042"},
	}
}

func (h *house) write(e *callout.Execution) *history.Record {
	h.t.Helper()
	record := &history.Record{Execution: e}
	if err := h.Write(h.t.Context(), record); err != nil {
		h.t.Fatalf("Write: %v", err)
	}
	return record
}

func (h *house) read(id string) *callout.Execution {
	h.t.Helper()
	e, err := h.Get(h.t.Context(), id)
	if err != nil {
		h.t.Fatalf("Get: %v", err)
	}
	return e
}

func wantCode(t *testing.T, err error, code string) {
	t.Helper()
	var refusal *callout.Error
	if !errors.As(err, &refusal) || refusal.Code != code {
		t.Errorf("got %v, want %s", err, code)
	}
}

// begin announces executions and writes them, many at a time.
func (h *house) begin(all []*callout.Execution) {
	h.t.Helper()
	var next atomic.Int64
	var group sync.WaitGroup
	for range 64 {
		group.Go(func() {
			for i := next.Add(1) - 1; i < int64(len(all)); i = next.Add(1) - 1 {
				if err := h.Announce(h.t.Context(), all[i]); err != nil {
					h.t.Errorf("Announce: %v", err)
				}
				if err := h.Write(h.t.Context(), &history.Record{Execution: all[i]}); err != nil {
					h.t.Errorf("Write: %v", err)
				}
			}
		})
	}
	group.Wait()
}

// begins announces an execution and writes it.
func (h *house) begins(e *callout.Execution) *history.Record {
	h.t.Helper()
	if err := h.Announce(h.t.Context(), e); err != nil {
		h.t.Fatalf("Announce: %v", err)
	}
	return h.write(e)
}

func TestWhatWasWrittenIsRead(t *testing.T) {
	h := newHouse(t)
	for name, change := range map[string]func(*callout.Execution){
		"everything": func(*callout.Execution) {},
		"no answer":  func(e *callout.Execution) { e.Response, e.Status = nil, callout.Sending },
		"an error": func(e *callout.Execution) {
			e.Status, e.Error = callout.Failed, &callout.CallError{Code: callout.RateLimited, Message: "Wait.", Retryable: true, RetryAfterSeconds: 7}
		},
		"packed": func(e *callout.Execution) {
			e.Response.Body = json.RawMessage(`"` + strings.Repeat("text", 5000) + `"`)
		},
	} {
		e := call(begin)
		change(e)
		h.write(e)
		if got := h.read(e.ID); !reflect.DeepEqual(got, e) {
			t.Errorf("%s: it reads as\n%+v\nwritten was\n%+v", name, got, e)
		}
	}
}

func TestWriteReplacesWhatItWrote(t *testing.T) {
	h := newHouse(t)
	e := call(begin)
	e.Status = callout.Sending
	record := h.write(e)
	for _, status := range []callout.Status{callout.Unknown, callout.Succeeded} {
		record.Status = status
		if err := h.Write(t.Context(), record); err != nil {
			t.Fatal(err)
		}
		if got := h.read(e.ID).Status; got != status {
			t.Errorf("the status is %s, want %s", got, status)
		}
	}
}

func TestWriteReplacesNothingElse(t *testing.T) {
	h := newHouse(t)
	e := call(begin)
	record := h.write(e)
	other := *e
	other.Status = callout.Failed
	wantCode(t, h.Write(t.Context(), &history.Record{Execution: &other}), callout.StorageUnavailable)
	if got := h.read(e.ID); got.Status != callout.Succeeded {
		t.Errorf("an execution of the same id replaced it: %s", got.Status)
	}
	if err := h.Write(t.Context(), record); err != nil {
		t.Errorf("the one who wrote it: %v", err)
	}
}

func TestAfterAFailedWriteTheNextOneCounts(t *testing.T) {
	h := newHouse(t)
	e := call(begin)
	e.Status = callout.Sending
	record := h.write(e)
	record.Status = callout.Succeeded
	h.executions.down = true
	wantCode(t, h.Write(t.Context(), record), callout.StorageUnavailable)
	h.executions.down = false
	if got := h.read(e.ID).Status; got != callout.Sending {
		t.Errorf("after the failure it is %s", got)
	}
	if err := h.Write(t.Context(), record); err != nil {
		t.Fatal(err)
	}
	if got := h.read(e.ID).Status; got != callout.Succeeded {
		t.Errorf("after the repetition it is %s", got)
	}
}

func TestWhatWasLoadedIsWrittenBack(t *testing.T) {
	h := newHouse(t)
	e := call(begin)
	e.Status, e.Deadline = callout.Sending, begin
	h.write(e)
	first, err := h.Load(t.Context(), e.ID)
	if err != nil || first.Status != callout.Sending || first.ConfigID != e.ConfigID {
		t.Fatalf("Load: %+v, %v; want it as it is stored", first, err)
	}
	second, err := h.Load(t.Context(), e.ID)
	if err != nil {
		t.Fatal(err)
	}
	first.Status, second.Status = callout.Failed, callout.Unknown
	if err := h.Write(t.Context(), first); err != nil {
		t.Fatal(err)
	}
	if err := h.Write(t.Context(), second); !errors.Is(err, store.ErrConflict) {
		t.Errorf("the second of two who loaded the same: %v", err)
	}
	if got := h.read(e.ID); got.Status != callout.Failed || !reflect.DeepEqual(got.Response, e.Response) {
		t.Errorf("it is %s, with the response %+v", got.Status, got.Response)
	}
}

func TestReadingWhatIsNotThere(t *testing.T) {
	h := newHouse(t)
	known := h.write(call(begin)).ID
	for _, id := range []string{"", "x", history.NewID(begin), strings.ToLower(known), known + "0", known[1:], "../" + known[3:],
		strings.Repeat("Z", 26), strings.Repeat("é", 13), known[:25] + "I", known[:25] + "\x00"} {
		_, err := h.Get(t.Context(), id)
		wantCode(t, err, callout.ExecutionNotFound)
		_, err = h.Load(t.Context(), id)
		wantCode(t, err, callout.ExecutionNotFound)
	}
}

func TestTheStoreIsDown(t *testing.T) {
	h := newHouse(t)
	id := h.write(call(begin)).ID
	h.executions.down, h.index.down = true, true
	_, err := h.Get(t.Context(), id)
	wantCode(t, err, callout.StorageUnavailable)
	_, err = h.Load(t.Context(), id)
	wantCode(t, err, callout.StorageUnavailable)
	wantCode(t, h.Write(t.Context(), &history.Record{Execution: call(begin)}), callout.StorageUnavailable)
	wantCode(t, h.Announce(t.Context(), call(begin)), callout.StorageUnavailable)
	for _, q := range []history.Query{{}, {ConfigID: "01CONFIG"}, {Ticket: "T"}, {Status: callout.PendingApproval}, {Status: callout.Failed}} {
		_, err = h.List(t.Context(), q)
		wantCode(t, err, callout.StorageUnavailable)
	}
	if _, err := h.Expire(t.Context(), begin.Add(time.Hour), 10); !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("Expire: %v", err)
	}
}

func TestSendingIsUnknownFromItsDeadlineOn(t *testing.T) {
	h := newHouse(t)
	sending, done := call(begin), call(begin)
	sending.Status = callout.Sending
	h.write(sending)
	h.write(done)
	tests := []struct {
		after time.Duration
		want  callout.Status
	}{{0, callout.Sending}, {45*time.Second - 1, callout.Sending}, {45 * time.Second, callout.Unknown}, {time.Hour, callout.Unknown}, {0, callout.Sending}}
	for _, test := range tests {
		h.now = begin.Add(test.after)
		got := h.read(sending.ID)
		if got.Status != test.want {
			t.Errorf("after %v it is %s, want %s", test.after, got.Status, test.want)
		}
		if told := got.Error != nil && got.Error.Code == callout.OutcomeUnknown && !got.Error.Retryable; told != (test.want == callout.Unknown) {
			t.Errorf("after %v its error is %+v", test.after, got.Error)
		}
		if other := h.read(done.ID).Status; other != callout.Succeeded {
			t.Errorf("after %v one that is done is %s", test.after, other)
		}
		for _, e := range h.list(history.Query{}).Executions {
			if e.ID == sending.ID && e.Status != test.want {
				t.Errorf("after %v the list says %s, want %s", test.after, e.Status, test.want)
			}
		}
	}
}

func TestIDsSortByTime(t *testing.T) {
	last := ""
	for i := range 1000 {
		id := history.NewID(begin.Add(time.Duration(i*i) * time.Millisecond))
		if i > 0 && id <= last && i*i != (i-1)*(i-1) {
			t.Fatalf("%s follows %s", id, last)
		}
		last = id
	}
	seen := map[string]bool{}
	for range 10000 {
		id := history.NewID(begin)
		if seen[id] || len(id) != 26 {
			t.Fatalf("the id %s is not unique or not an id", id)
		}
		seen[id] = true
	}
}

func encoded(t *testing.T, v any) string {
	t.Helper()
	data, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}
