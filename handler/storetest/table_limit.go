package storetest

import (
	"bytes"
	"strings"

	"callout/handler/store"
)

var limitCases = []tableCase{
	{"data is any bytes, none included", func(t table) {
		all := make([]byte, 256)
		for i := range all {
			all[i] = byte(i)
		}
		for key, data := range map[string][]byte{"nil": nil, "empty": {}, "zero": {0}, "all": all, "not-utf8": {0xff, 0xfe, 0xc0}} {
			t.write(store.Row{Partition: "p", Key: key, Data: data})
			t.holds(key, string(data))
		}
	}},
	{"data of every awkward length is kept", func(t table) {
		for key, length := range map[string]int{
			"property-less": 64<<10 - 1, "property": 64 << 10, "property-more": 64<<10 + 1,
			"two-properties": 128 << 10, "largest-less": largestRow - 1, "largest": largestRow,
		} {
			data := string(pattern(length))
			t.put(key, data, "")
			t.holds(key, data)
		}
	}},
	{"a shorter row leaves nothing of the longer one before it", func(t table) {
		etag := t.put("k", string(pattern(200<<10)), "")
		t.put("k", "short", etag)
		t.holds("k", "short")
	}},
	{"data that is too large is refused before anything is written", func(t table) {
		large := string(pattern(largestRow + 1))
		t.refusesPut("new", large, "", store.ErrTooLarge)
		t.lacks("new")
		etag := t.put("k", "data", "")
		t.refusesPut("k", large, etag, store.ErrTooLarge)
		t.refusesPut("k", large, store.Any, store.ErrTooLarge)
		if got := t.holds("k", "data").ETag; got != etag {
			t.Errorf("the ETag became %s", got)
		}
	}},
	{"the characters that keys are made of", func(t table) {
		const key = "abcXYZ019-_.:~"
		etag := t.put(key, "data", "")
		t.holds(key, "data")
		t.delete(key, etag)
		t.lacks(key)
	}},
	{"the longest keys", func(t table) {
		row := store.Row{Partition: strings.Repeat("p", largestKey), Key: strings.Repeat("k", largestKey), Data: []byte("data")}
		t.write(row)
		got, err := t.rows.Get(t.Context(), row.Partition, row.Key)
		if err != nil || !bytes.Equal(got.Data, row.Data) {
			t.Errorf("Get: %q, %v", got.Data, err)
		}
	}},
	{"bad keys are refused by every call, and not quoted", badKeys},
}

// badKeys offers each key that Table Storage refuses or mangles, as a
// partition, as a key and as a bound.
func badKeys(t table) {
	for name, bad := range map[string]string{
		"slash": "seen/seen", "backslash": `seen\seen`, "hash": "seen#seen", "question mark": "seen?seen",
		"apostrophe": "seen'seen", "quotation mark": `seen"seen`,
		"NUL": "seen\x00seen", "tab": "seen\tseen", "line feed": "seen\nseen", "delete": "seen\x7fseen",
		"not ASCII": "seen\u00e9seen", "not UTF-8": "seen\xffseen", "too long": strings.Repeat("seen", 129),
	} {
		t.refusesKey(name+" as key", "p", bad)
		t.refusesKey(name+" as partition", bad, "k")
		for bound, r := range map[string]store.Range{
			"Partition": {Partition: bad}, "After": {Partition: "p", After: bad}, "Before": {Partition: "p", Before: bad},
			"one of Keys": {Partition: "p", Keys: []string{"k", bad}},
		} {
			_, err := t.rows.List(t.Context(), r)
			t.refusesUnquoted(name+" as "+bound, err)
		}
	}
	_, err := t.rows.List(t.Context(), store.Range{Partition: "p", Keys: []string{""}})
	t.refusesUnquoted("empty key as one of Keys", err)
	t.refusesKey("empty key", "p", "")
	t.refusesKey("empty partition", "", "k")
	if rows := t.walk(store.Range{Partition: "p"}); len(rows) != 0 {
		t.Errorf("%d rows were written", len(rows))
	}
}

func (t table) refusesKey(what, partition, key string) {
	t.Helper()
	_, err := t.rows.Get(t.Context(), partition, key)
	t.refusesUnquoted(what+": Get", err)
	_, err = t.rows.Put(t.Context(), store.Row{Partition: partition, Key: key})
	t.refusesUnquoted(what+": Put", err)
	err = t.rows.Delete(t.Context(), partition, key, store.Any)
	t.refusesUnquoted(what+": Delete", err)
}

func (t table) refusesUnquoted(what string, err error) {
	t.Helper()
	invalid(t.T, what, err)
	if err != nil && strings.Contains(err.Error(), "seen") {
		t.Errorf("%s: the error quotes the key: %v", what, err)
	}
}

// pattern returns n bytes in which no piece is like another of the same
// length nearby, so that pieces in the wrong order are noticed.
func pattern(n int) []byte {
	data := make([]byte, n)
	state := uint32(1)
	for i := range data {
		state = state*1664525 + 1013904223
		data[i] = byte(state >> 24)
	}
	return data
}
