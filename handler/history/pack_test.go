package history

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/oklog/ulid/v2"

	"callout/handler/callout"
	"callout/handler/localstore"
	"callout/handler/store"
)

const id = "01JDAAAAAAAAAAAAAAAAAAAAAA"

// stored writes an execution into a real store and reads it.
func stored(t *testing.T, e *callout.Execution) *callout.Execution {
	t.Helper()
	h, _ := open(t)
	if err := h.Write(t.Context(), &Record{Execution: e}); err != nil {
		t.Fatal(err)
	}
	got, err := h.Get(t.Context(), e.ID)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func open(t *testing.T) (*History, *localstore.Table) {
	t.Helper()
	opened, err := localstore.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = opened.Close() })
	table := opened.Table(store.Executions)
	return New(table, opened.Table(store.Index), time.Now), table
}

func answered(body string) *callout.Execution {
	return &callout.Execution{ID: id, Status: callout.Succeeded,
		Response: &callout.Response{Status: 200, Body: json.RawMessage(body), Bytes: int64(len(body))}}
}

func quote(text string) string {
	data, err := encode(text)
	if err != nil {
		panic(err)
	}
	return string(data)
}

func TestALongBodyIsCutAndSaysSo(t *testing.T) {
	const long = maxBody + maxBody/8
	tests := []struct {
		name, body string
		text       string // that is cut: the body's own if it is a string
		least      int    // bytes of it that must be left
	}{
		{"JSON of 4 MiB", `[` + strings.Repeat("1,", 2<<20) + `1]`, `[` + strings.Repeat("1,", long), maxBody},
		{"text", quote(strings.Repeat("x", long)), strings.Repeat("x", long), maxBody},
		{"HTML", quote(strings.Repeat("<&>", long/3)), strings.Repeat("<&>", long/3), maxBody},
		{"text of long characters", quote(strings.Repeat("€", long/3)), strings.Repeat("€", long/3), maxBody - 3},
		{"control characters", quote(strings.Repeat("\x01", long)), strings.Repeat("\x01", long), maxBody / 12},
		{"quotes", quote(strings.Repeat(`"`, long)), strings.Repeat(`"`, long), maxBody / 4},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			e := answered(test.body)
			got := stored(t, e).Response
			var text string
			if err := json.Unmarshal(got.Body, &text); err != nil {
				t.Fatalf("what is left is no JSON string: %v", err)
			}
			if !strings.HasPrefix(test.text, text) || len(text) < test.least || len(got.Body) > maxBody+2 {
				t.Errorf("%d bytes of text are left in %d bytes of JSON", len(text), len(got.Body))
			}
			if !got.Truncated || got.Bytes != int64(len(test.body)) {
				t.Errorf("truncated %t, of %d bytes", got.Truncated, got.Bytes)
			}
			if len(e.Response.Body) != len(test.body) || e.Response.Truncated {
				t.Error("the caller's own answer was cut")
			}
		})
	}
}

func TestABodyThatFitsIsKeptAsItIs(t *testing.T) {
	for _, body := range []string{`""`, `{"a": 1.10, "b": "<\u0001>"}`, quote(strings.Repeat("\x01", maxBody/6-1)), quote(strings.Repeat("x", maxBody-2))} {
		var want bytes.Buffer
		if err := json.Compact(&want, []byte(body)); err != nil {
			t.Fatal(err)
		}
		if got := stored(t, answered(body)).Response; got.Truncated || !bytes.Equal(got.Body, want.Bytes()) {
			t.Errorf("a body of %d bytes is %d bytes, truncated %t", len(body), len(got.Body), got.Truncated)
		}
	}
}

// What packs is shared: what it packed before, and what others pack meanwhile, is
// in no row.
func TestManyPackAtTheSameTime(t *testing.T) {
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			for n := range 20 {
				want := quote(strings.Repeat(fmt.Sprintf("%d-%d ", i, n), 500*(1+(i+n)%5)))
				row, err := encodeRow(answered(want), nil)
				if err != nil {
					t.Error(err)
				}
				got, err := decode(row.Data)
				if err != nil || string(got.Execution.Response.Body) != want {
					t.Errorf("%d-%d: %.40q, %v", i, n, row.Data, err)
				}
			}
		})
	}
	all.Wait()
}

// The worst that can come: nothing of it can be compressed, and every part is as
// large as it may be.
func TestTheLargestExecutionFitsIntoARow(t *testing.T) {
	random := rand.NewChaCha8([32]byte{})
	noise := func(n int) string {
		text := make([]byte, n)
		for i := range text {
			text[i] = byte(' ' + random.Uint64()%95)
		}
		return quote(string(text))
	}
	e := answered(noise(1 << 20))
	e.Request = &callout.Request{Method: "POST", URL: "https://api.example.com", Body: json.RawMessage(noise(callout.MaxConfig))}
	if got := stored(t, e); string(got.Request.Body) != string(e.Request.Body) {
		t.Error("the request is not as it was")
	}
}

func TestRowsOfANewerVersionAreRefused(t *testing.T) {
	for _, data := range []string{`{"schema": 3, "execution": {"executionId": "x"}}`, `{"schema": 3}`, `{"schema": 4, "execution": "elsewhere", "deadline": 7}`} {
		h, table := open(t)
		plant(t, table, nil, []byte(data))
		_, err := h.Get(t.Context(), id)
		var refusal *callout.Error
		if !errors.As(err, &refusal) || refusal.Code != callout.StorageUnavailable || !strings.Contains(refusal.Message, "newer version") {
			t.Errorf("%s: %v", data, err)
		}
		wantStub(t, data, h, "newer version")
	}
}

// wantStub checks that what cannot be read is listed, with what is known of it.
func wantStub(t *testing.T, what string, h *History, message string) {
	t.Helper()
	page, err := h.List(t.Context(), Query{})
	if err != nil || len(page.Executions) != 1 {
		t.Fatalf("%s: %d are listed, %v", what, len(page.Executions), err)
	}
	e := page.Executions[0]
	if e.ID != id || e.CreatedAt.UnixMilli() != int64(ulid.MustParse(id).Time()) || e.Status != callout.Unknown || e.Request == nil ||
		e.Error == nil || e.Error.Code != callout.OutcomeUnknown || e.Error.Retryable || !strings.Contains(e.Error.Message, message) {
		t.Errorf("%s: listed is %+v, with the error %+v", what, e, e.Error)
	}
}

func plant(t *testing.T, table *localstore.Table, head, data []byte) {
	t.Helper()
	partition, key := place(id)
	if _, err := table.Put(t.Context(), store.Row{Partition: partition, Key: key, Head: head, Data: data}); err != nil {
		t.Fatal(err)
	}
}

func TestDamagedRowsAreErrors(t *testing.T) {
	whole, err := pack(executionRow{Schema: 1, Execution: answered(quote(strings.Repeat("text", packFrom)))})
	if err != nil {
		t.Fatal(err)
	}
	flipped := slices.Clone(whole)
	flipped[len(flipped)/2] ^= 0xff
	for name, data := range map[string][]byte{
		"empty": nil, "null": []byte("null"), "an array": []byte("[]"), "nothing in it": []byte("{}"), "half a document": []byte(`{"schema": 1, "exec`),
		"no execution": []byte(`{"schema": 1, "execution": null}`), "other types": []byte(`{"schema": 1, "execution": {"attempts": "x"}}`),
		"a header of gzip alone": {0x1f, 0x8b}, "half of it": whole[:len(whole)/2], "a bit flipped": flipped, "gzip of something else": squeeze(t, []byte("text")),
		"waiting for nothing": []byte(`{"schema": 1, "execution": {"status": "pendingApproval"}}`),
		"a bomb":              squeeze(t, []byte(`{"schema": 1, "execution": {}}`+strings.Repeat(" ", maxUnpacked))),
	} {
		h, table := open(t)
		plant(t, table, []byte("{"), data)
		if _, err := h.Get(t.Context(), id); err == nil {
			t.Errorf("%s: Get gives no error", name)
		}
		wantStub(t, name, h, "is not readable")
	}
}

func squeeze(t *testing.T, data []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	if _, err := z.Write(data); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestWhereAnExecutionIsKept(t *testing.T) {
	used := map[string]int{}
	for i := range 4000 {
		older, newer := NewID(time.UnixMilli(int64(i))), NewID(time.UnixMilli(int64(i+1)))
		partition, key := place(older)
		if _, back := place(key); back != older {
			t.Fatalf("the key %s of %s leads back to %s", key, older, back)
		}
		if _, other := place(newer); other >= key {
			t.Fatalf("the key %s of the newer %s does not come before %s of %s", other, newer, key, older)
		}
		used[partition]++
	}
	for i := range partitions {
		if n := used[partition(i)]; n < 300 {
			t.Errorf("partition %d holds %d of 4000", i, n)
		}
	}
	if len(used) != partitions {
		t.Errorf("the partitions are %v", used)
	}
}

func FuzzUnpack(f *testing.F) {
	for _, n := range []int{0, 10, packFrom, 10 * packFrom} {
		data, err := pack(executionRow{Schema: 1, Execution: answered(quote(strings.Repeat("x", n)))})
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Add([]byte{0x1f, 0x8b, 8, 0})
	f.Fuzz(func(t *testing.T, data []byte) {
		out, err := unpack(data)
		if err == nil && len(out) > max(maxUnpacked, len(data)) {
			t.Fatalf("%d bytes became %d", len(data), len(out))
		}
		r, err := decode(data)
		if (r.Execution == nil) == (err == nil) {
			t.Fatalf("the execution is %v, the error %v", r.Execution, err)
		}
		if err == nil {
			r.Execution.At(time.Now()).Row()
		}
	})
}

// Whatever an upstream answers, what is kept is a JSON string of bounded length
// that holds the beginning of it.
func FuzzCut(f *testing.F) {
	for _, seed := range []string{"x", "€", "\x00", `"`, "\u2028", `{"a":1}`, "\xff"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, seed string) {
		if seed == "" {
			return
		}
		text := strings.ToValidUTF8(strings.Repeat(seed, maxBody/len(seed)+1), "?")
		kept := cut(json.RawMessage(quote(text)), maxBody)
		var got string
		if err := json.Unmarshal(kept, &got); err != nil {
			t.Fatalf("%q is no JSON string: %v", kept, err)
		}
		if len(kept) > maxBody+2 || got == "" || !utf8.ValidString(got) || !strings.HasPrefix(text, got) {
			t.Fatalf("%d bytes are kept as %d: %.40q", len(text), len(kept), got)
		}
	})
}
