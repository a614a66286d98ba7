package history

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"callout/handler/callout"
	"callout/handler/store"
)

// full is an execution in which each text has n characters that JSON makes six
// bytes of.
func full(n int) *callout.Execution {
	text := strings.Repeat("\x01", n)
	e := answered(`{"id":7}`)
	e.Config, e.ConfigID, e.Status, e.CreatedAt = "crm", "01CONFIG", callout.Failed, time.UnixMilli(1767323045678).UTC()
	e.Request = &callout.Request{Method: "POST", URL: text, Headers: []callout.HeaderValue{{Name: "X", Value: text}}, Body: json.RawMessage(`{"a":1}`)}
	e.Response.ContentType, e.Response.Location = text, text
	e.Error = &callout.CallError{Code: callout.UpstreamClientError, Message: text}
	e.Approval = &callout.Approval{Digest: "digest", By: text, Reason: text, ExpiresAt: e.CreatedAt}
	e.Stages = []callout.StageTime{{Stage: callout.StageRequest, DurationMS: 1.5}}
	e.Context = map[string]string{ticketName: strings.Repeat("\x01", min(n, 1024))}
	for i := range 15 {
		e.Context[fmt.Sprint("entry", i)] = text
	}
	return e
}

// However long its texts are, an execution is stored whole, and its head has room
// for what a list shows of it, with the cut said.
func TestAHeadOfLongTexts(t *testing.T) {
	for _, n := range []int{0, 1, 100, 200, 300, 1024, 5000, 16 << 10} {
		e := full(n)
		row, err := encodeRow(e, []byte("sealed"))
		if err != nil || len(row.Head) > store.MaxHead || len(row.Data) > store.MaxData {
			t.Fatalf("%d: the head has %d bytes, the data %d, %v", n, len(row.Head), len(row.Data), err)
		}
		whole, err := decode(row.Data)
		if err != nil || !reflect.DeepEqual(whole.Execution, e) || string(whole.Sealed) != "sealed" {
			t.Errorf("%d: it reads as\n%+v, %v", n, whole, err)
		}
		summed, err := decode(row.Head)
		if err != nil || summed.Sealed != nil {
			t.Fatalf("%d: the head holds %q, %v", n, summed.Sealed, err)
		}
		head := summed.Execution
		if head.Context[ticketName] != e.Context[ticketName] || head.ConfigID != e.ConfigID || head.Status != e.Status || head.ID != e.ID {
			t.Errorf("%d: the head is of %s, with the ticket %.40q", n, head.ID, head.Context[ticketName])
		}
		cut := len(head.Request.URL) < len(e.Request.URL)
		for what, pair := range map[string][2]string{
			"URL": {head.Request.URL, e.Request.URL}, "content type": {head.Response.ContentType, e.Response.ContentType},
			"location": {head.Response.Location, e.Response.Location}, "message": {head.Error.Message, e.Error.Message},
			"who": {head.Approval.By, e.Approval.By}, "reason": {head.Approval.Reason, e.Approval.Reason}, "context": {head.Context["entry7"], e.Context["entry7"]},
		} {
			if beginning, marked := strings.CutSuffix(pair[0], "…"); marked != cut || !strings.HasPrefix(pair[1], beginning) || !cut && pair[0] != pair[1] {
				t.Errorf("%d: %s of %d is %d bytes in the head, marked %v", n, what, len(pair[1]), len(pair[0]), marked)
			}
		}
		if fits := n <= 200; fits == cut {
			t.Errorf("%d: cut %v", n, cut)
		}
		if e.Response.Body == nil || e.Context["entry7"] != e.Request.URL || e.Error.Message != e.Request.URL || e.Approval.By != e.Request.URL {
			t.Errorf("%d: the execution itself was changed", n)
		}
	}
}

// A text is cut between characters.
func TestShorten(t *testing.T) {
	for _, c := range []struct {
		text string
		most int
		want string
	}{{"", 0, ""}, {"abc", 3, "abc"}, {"abc", 2, "ab…"}, {"abc", 0, "…"}, {"aé", 2, "a…"}, {"€", 2, "…"}, {"€", 3, "€"}} {
		if got := shorten(c.text, c.most); got != c.want {
			t.Errorf("%q to %d: %q, want %q", c.text, c.most, got, c.want)
		}
	}
}

// olderRow is an execution as it was written before rows had heads.
func olderRow(t *testing.T, e *callout.Execution) []byte {
	t.Helper()
	data, err := pack(executionRow{Schema: 1, ConfigID: e.ConfigID, Deadline: e.Deadline, Execution: e})
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// Executions from before there were heads are read, listed and expired as others
// are, and get a head when they are written.
func TestOlderRows(t *testing.T) {
	h, table := open(t)
	e := answered(quote(strings.Repeat("text", packFrom)))
	e.ConfigID, e.Context = "01CONFIG", map[string]string{"who": "me"}
	plant(t, table, nil, olderRow(t, e))
	newer := answered(`{}`)
	newer.ID, newer.ConfigID = NewID(time.Now()), "01CONFIG"
	if err := h.Write(t.Context(), &Record{Execution: newer}); err != nil {
		t.Fatal(err)
	}

	got, err := h.Get(t.Context(), e.ID)
	if err != nil || !reflect.DeepEqual(got, e) {
		t.Errorf("Get: %+v, %v", got, err)
	}
	want := []*callout.Execution{newer.Row(), e.Row()}
	wantListed(t, h, want)

	record, err := h.Load(t.Context(), e.ID)
	if err != nil {
		t.Fatal(err)
	}
	if err := h.Write(t.Context(), record); err != nil {
		t.Fatal(err)
	}
	partition, key := place(e.ID)
	row, err := table.Get(t.Context(), partition, key)
	if err != nil || len(row.Head) == 0 || !strings.HasPrefix(string(row.Head), `{"schema":2,`) {
		t.Errorf("written again, its head is %q, %v", row.Head, err)
	}
	wantListed(t, h, want)
}

func wantListed(t *testing.T, h *History, want []*callout.Execution) {
	t.Helper()
	page, err := h.List(t.Context(), Query{})
	if err != nil || len(page.Executions) != len(want) || page.Next != "" {
		t.Fatalf("%d are listed, and then %q, %v", len(page.Executions), page.Next, err)
	}
	for i, e := range page.Executions {
		got, _ := encode(rowOf(e, nil))
		if expected, _ := encode(rowOf(want[i], nil)); string(got) != string(expected) {
			t.Errorf("listed is\n%s\nwant\n%s", got, expected)
		}
	}
}

func TestOlderRowsExpire(t *testing.T) {
	h, table := open(t)
	e := answered(`{}`)
	plant(t, table, nil, olderRow(t, e))
	if n, err := h.Expire(t.Context(), time.Now(), 10); n != 1 || err != nil {
		t.Errorf("%d were removed, %v", n, err)
	}
	if _, err := table.Get(t.Context(), partition(partitionOf(id)), reverse.Replace(id)); err == nil {
		t.Error("it is there")
	}
}

// Keys and bounds agree on what is when.
func TestBoundsOfKeys(t *testing.T) {
	for _, ms := range []int64{1, 1000, 1767323045678, 1<<48 - 2} {
		at := time.UnixMilli(ms)
		_, key := place(NewID(at))
		_, before := place(NewID(time.UnixMilli(ms - 1)))
		_, later := place(NewID(time.UnixMilli(ms + 1)))
		if !(later < firstKey(ms) && firstKey(ms) <= key && key <= lastKey(ms) && lastKey(ms) < before) {
			t.Errorf("%d: %s, %s … %s … %s, %s", ms, later, firstKey(ms), key, lastKey(ms), before)
		}
		if !createdAt(key).Equal(at) {
			t.Errorf("%d: the key says %v", ms, createdAt(key))
		}
	}
	if at := createdAt("x"); !at.IsZero() {
		t.Errorf("what is no key says %v", at)
	}
}
