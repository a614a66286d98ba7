package history_test

import (
	"context"
	"encoding/json"
	"errors"
	"reflect"
	"slices"
	"strings"
	"sync"
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
	t     *testing.T
	table *table
	now   time.Time
}

func newHouse(t *testing.T) *house {
	t.Helper()
	opened, err := localstore.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = opened.Close() })
	h := &house{t: t, table: &table{Table: opened.Table(store.Executions)}, now: begin}
	h.History = history.New(h.table, func() time.Time { return h.now })
	return h
}

// table is the real table, which a test can make fail, and make end its pages
// early, as every store may.
type table struct {
	*localstore.Table
	down    bool
	longest int // rows of a page, if not 0
}

func (t *table) Get(ctx context.Context, partition, key string) (store.Row, error) {
	if t.down {
		return store.Row{}, store.ErrUnavailable
	}
	return t.Table.Get(ctx, partition, key)
}

func (t *table) Put(ctx context.Context, row store.Row) (string, error) {
	if t.down {
		return "", store.ErrUnavailable
	}
	return t.Table.Put(ctx, row)
}

func (t *table) List(ctx context.Context, r store.Range) (store.Page, error) {
	if t.down {
		return store.Page{}, store.ErrUnavailable
	}
	if t.longest > 0 {
		r.Top = min(r.Top, t.longest)
	}
	return t.Table.List(ctx, r)
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
	h.table.down = true
	wantCode(t, h.Write(t.Context(), record), callout.StorageUnavailable)
	h.table.down = false
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

func TestReadingWhatIsNotThere(t *testing.T) {
	h := newHouse(t)
	known := h.write(call(begin)).ID
	for _, id := range []string{"", "x", history.NewID(begin), strings.ToLower(known), known + "0", known[1:], "../" + known[3:],
		strings.Repeat("Z", 26), strings.Repeat("é", 13), known[:25] + "I", known[:25] + "\x00"} {
		_, err := h.Get(t.Context(), id)
		wantCode(t, err, callout.ExecutionNotFound)
	}
}

func TestTheStoreIsDown(t *testing.T) {
	h := newHouse(t)
	id := h.write(call(begin)).ID
	h.table.down = true
	_, err := h.Get(t.Context(), id)
	wantCode(t, err, callout.StorageUnavailable)
	_, _, err = h.List(t.Context(), "", 10)
	wantCode(t, err, callout.StorageUnavailable)
	wantCode(t, h.Write(t.Context(), &history.Record{Execution: call(begin)}), callout.StorageUnavailable)
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
		for _, e := range h.page("", 10) {
			if e.ID == sending.ID && e.Status != test.want {
				t.Errorf("after %v the list says %s, want %s", test.after, e.Status, test.want)
			}
		}
	}
}

func (h *house) page(after string, top int) []*callout.Execution {
	h.t.Helper()
	page, _, err := h.List(h.t.Context(), after, top)
	if err != nil {
		h.t.Fatalf("List: %v", err)
	}
	return page
}

// visit follows the list to its end and returns the ids in their order. between
// is called after each page.
func (h *house) visit(top int, between func()) []string {
	h.t.Helper()
	ids, after := []string{}, ""
	for more := true; more; between() {
		var page []*callout.Execution
		var err error
		if page, more, err = h.List(h.t.Context(), after, top); err != nil {
			h.t.Fatalf("List: %v", err)
		}
		if len(page) > top || more && len(page) == 0 {
			h.t.Fatalf("a page of at most %d has %d, more %t", top, len(page), more)
		}
		for _, e := range page {
			ids, after = append(ids, e.ID), e.ID
		}
	}
	return ids
}

// fill writes n executions, a millisecond apart, and returns the ids newest first.
func (h *house) fill(n int) []string {
	h.t.Helper()
	ids := make([]string, n)
	for i := range n {
		ids[n-1-i] = h.write(call(begin.Add(time.Duration(i) * time.Millisecond))).ID
	}
	return ids
}

func TestListIsNewestFirst(t *testing.T) {
	h := newHouse(t)
	if page, more, err := h.List(t.Context(), "", 10); err != nil || more || len(page) != 0 {
		t.Errorf("of an empty history: %v, %t, %v", page, more, err)
	}
	want := h.fill(40)
	for _, top := range []int{1, 2, 7, 8, 39, 40, 41, store.MaxTop} {
		if got := h.visit(top, func() {}); !slices.Equal(got, want) {
			t.Errorf("in pages of %d: %v", top, got)
		}
	}
}

// A store ends a page when it has become large, with rows left, and not in all
// partitions at the same age.
func TestListWhenTheStoreEndsItsPagesEarly(t *testing.T) {
	h := newHouse(t)
	want := h.fill(60)
	for _, longest := range []int{1, 2, 3} {
		h.table.longest = longest
		for _, top := range []int{1, 5, 20, 100} {
			if got := h.visit(top, func() {}); !slices.Equal(got, want) {
				t.Errorf("in pages of %d, of the store %d: %d of %d executions", top, longest, len(got), len(want))
			}
		}
	}
}

func TestNewExecutionsDoNotDisturbPaging(t *testing.T) {
	h := newHouse(t)
	want := h.fill(30)
	at := begin.Add(time.Hour)
	got := h.visit(4, func() {
		at = at.Add(time.Millisecond)
		h.write(call(at))
	})
	if !slices.Equal(got, want) {
		t.Errorf("visited %v, want %v", got, want)
	}
}

func TestManyWriteAtTheSameMoment(t *testing.T) {
	h := newHouse(t)
	var all sync.WaitGroup
	for range 64 {
		all.Go(func() {
			if err := h.Write(t.Context(), &history.Record{Execution: call(begin)}); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	ids := h.visit(10, func() {})
	if len(ids) != 64 || !slices.IsSortedFunc(ids, func(a, b string) int { return strings.Compare(b, a) }) {
		t.Errorf("%d ids: %v", len(ids), ids)
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
