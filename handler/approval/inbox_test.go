package approval_test

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"callout/handler/approval"
	"callout/handler/callout"
	"callout/handler/history"
	"callout/handler/localstore"
	"callout/handler/store"
)

// table is the real one. It counts what it is asked, and a test can remove a row
// from under a reader.
type table struct {
	*localstore.Table
	gone        string       // the key of the row that is removed
	last        atomic.Value // the key of the row that was put last
	gets, lists atomic.Int64
}

func (t *table) Get(ctx context.Context, partition, key string) (store.Row, error) {
	t.gets.Add(1)
	if key == t.gone {
		return store.Row{}, store.ErrNotFound
	}
	return t.Table.Get(ctx, partition, key)
}

func (t *table) List(ctx context.Context, r store.Range) (store.Page, error) {
	t.lists.Add(1)
	return t.Table.List(ctx, r)
}

func (t *table) Put(ctx context.Context, row store.Row) (string, error) {
	t.last.Store(row.Key)
	return t.Table.Put(ctx, row)
}

// desk is an inbox over a real store.
type desk struct {
	approval.Inbox
	t                 *testing.T
	executions, index *table
	keys              map[string]string // of executions, by id
	config            string            // the id of the configuration of what is asked
	made              int
}

func newDesk(t *testing.T) *desk {
	t.Helper()
	opened, err := localstore.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = opened.Close() })
	d := &desk{t: t, config: "01CONFIG", keys: map[string]string{}, executions: &table{Table: opened.Table(store.Executions)}, index: &table{Table: opened.Table(store.Index)}}
	d.History = history.New(d.executions, d.index, func() time.Time { return begin.Add(time.Minute) })
	return d
}

// asks writes an execution that waits, or is decided, and returns its id. Each is
// newer than the one before it.
func (d *desk) asks(decision callout.Decision, body string) string {
	d.t.Helper()
	d.made++
	at := begin.Add(time.Duration(d.made) * time.Millisecond)
	e := &callout.Execution{ID: history.NewID(at), Config: "crm", ConfigID: d.config, CreatedAt: at,
		Request: &callout.Request{Method: "POST", URL: "https://api.example.com", Body: json.RawMessage(body)}}
	approval.Ask(e, "digest", 1, begin.Add(time.Hour))
	if decision != "" {
		if _, err := approval.Decide(e, approval.Verdict{Decision: decision}, begin); err != nil {
			d.t.Fatal(err)
		}
		e.Status, e.Response = callout.Succeeded, &callout.Response{Status: 200, Body: json.RawMessage(`"answer"`), Bytes: 8}
	}
	err := d.History.Announce(d.t.Context(), e)
	if err == nil {
		err = d.History.Write(d.t.Context(), &history.Record{Execution: e})
	}
	if err != nil {
		d.t.Fatal(err)
	}
	d.keys[e.ID] = d.executions.last.Load().(string)
	return e.ID
}

func (d *desk) page(at approval.Cursor, top int) ([]approval.Item, *approval.Cursor) {
	d.t.Helper()
	items, next, err := d.List(d.t.Context(), at, top)
	if err != nil {
		d.t.Fatal(err)
	}
	return items, next
}

func TestWhatManyAreComparedWithIsReadOnce(t *testing.T) {
	d := newDesk(t)
	last := d.asks(callout.DecisionApproved, `0`)
	for n := range 40 {
		d.asks("", fmt.Sprint(n+1))
	}
	items, _ := d.page(approval.Cursor{}, 40)
	for _, item := range items {
		if item.LastApproved != last || len(item.Changes) != 1 || item.ChangesTruncated {
			t.Errorf("%s is compared with %s: %v", item.ID, item.LastApproved, item.Changes)
		}
	}
	// What waits is one list, and what was approved last another.
	if gets, lists := d.executions.gets.Load(), d.index.lists.Load(); len(items) != 40 || gets != 41 || lists != 2 {
		t.Errorf("%d items took %d rows and %d lists", len(items), gets, lists)
	}
}

// What is decided is compared with what is older, which is mostly on the page too.
func TestEachDecidedIsComparedWithAnOlderOne(t *testing.T) {
	d := newDesk(t)
	var ids []string
	for n := range 40 {
		ids = append([]string{d.asks(callout.DecisionApproved, fmt.Sprint(n))}, ids...)
	}
	items, next := d.page(approval.Cursor{Decided: true}, 39)
	for n, item := range items {
		if item.ID != ids[n] || item.LastApproved != ids[n+1] || len(item.Changes) != 1 {
			t.Errorf("number %d is %s, compared with %s: %v", n, item.ID, item.LastApproved, item.Changes)
		}
		if string(item.Request.Body) != fmt.Sprint(39-n) || item.Response.Body != nil || item.Response.Bytes != 8 {
			t.Errorf("%s is shown as %s, %+v", item.ID, item.Request.Body, item.Response)
		}
	}
	if gets := d.executions.gets.Load(); len(items) != 39 || next == nil || gets != 40 {
		t.Errorf("%d items took %d rows", len(items), gets)
	}
}

// A page ends before its requests are more than MaxPage, but has one at least, and
// the next one goes on where it ended, be it among those that wait or not.
func TestAPageIsNotLargerThanItMayBe(t *testing.T) {
	d := newDesk(t)
	large := `"` + strings.Repeat("x", 850<<10) + `"`
	var ids, got []string
	for range 7 {
		ids = append([]string{d.asks(callout.DecisionDenied, large)}, ids...)
	}
	for range 7 {
		ids = append([]string{d.asks("", large)}, ids...)
	}
	sizes := []int{}
	for next := (&approval.Cursor{}); next != nil; {
		var items []approval.Item
		items, next = d.page(*next, 100)
		size := 0
		for _, item := range items {
			got, size = append(got, item.ID), size+len(item.Request.Body)
		}
		if sizes = append(sizes, len(items)); size > approval.MaxPage {
			t.Errorf("a page has %d bytes", size)
		}
	}
	if !slices.Equal(got, ids) || !slices.Equal(sizes, []int{4, 4, 4, 2}) {
		t.Errorf("in pages of %d:\n%q, want\n%q", sizes, got, ids)
	}
}

func TestAPageHasOneAtLeast(t *testing.T) {
	d := newDesk(t)
	huge := `"` + strings.Repeat("x", approval.MaxPage) + `"`
	want := []string{d.asks("", huge), d.asks("", huge)}
	slices.Reverse(want)
	first, next := d.page(approval.Cursor{}, 100)
	second, _ := d.page(*next, 100)
	if len(first) != 1 || len(second) != 1 || first[0].ID != want[0] || second[0].ID != want[1] {
		t.Errorf("the pages have %d and %d", len(first), len(second))
	}
}

// What is read only to be compared with counts too, when the next are to be read.
func TestAPageDoesNotReadMoreThanItMay(t *testing.T) {
	d := newDesk(t)
	for n := range 20 {
		d.config = fmt.Sprintf("01CONFIG%d", n)
		d.asks(callout.DecisionApproved, `"`+strings.Repeat("x", 300<<10)+`"`)
		d.asks("", `0`)
	}
	first, next := d.page(approval.Cursor{}, 20)
	second, _ := d.page(*next, 4)
	if len(first) != 16 || len(second) != 4 || second[0].ID >= first[15].ID {
		t.Errorf("the pages have %d and %d", len(first), len(second))
	}
}

// What is removed between two reads is not there, and nothing else suffers.
func TestWhatIsRemovedMeanwhileIsPassedOver(t *testing.T) {
	d := newDesk(t)
	last := d.asks(callout.DecisionApproved, `0`)
	first, second := d.asks("", `1`), d.asks("", `2`)
	for _, tt := range []struct {
		name, gone string
		want       []string // each with what it is compared with
	}{
		{"nothing", "", []string{second + " " + last, first + " " + last, last + " "}},
		{"one that waits", second, []string{first + " " + last, last + " "}},
		{"what was approved last", last, []string{second + " ", first + " "}},
	} {
		d.executions.gone = d.keys[tt.gone]
		for _, top := range []int{1, 100} {
			var got []string
			for next := (&approval.Cursor{}); next != nil; {
				var items []approval.Item
				items, next = d.page(*next, top)
				for _, item := range items {
					got = append(got, item.ID+" "+item.LastApproved)
				}
			}
			if !slices.Equal(got, tt.want) {
				t.Errorf("%s is removed: in pages of %d there is\n%q, want\n%q", tt.name, top, got, tt.want)
			}
		}
	}
}
