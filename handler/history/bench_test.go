package history_test

import (
	"encoding/json"
	"fmt"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"callout/handler/callout"
	"callout/handler/history"
	"callout/handler/localstore"
	"callout/handler/store"
)

// BenchmarkRecording is what the record of a call that changes something costs in
// the embedded store: it is announced, its intent is written, then its outcome,
// with an answer of 2 KB.
func BenchmarkRecording(b *testing.B) {
	for _, writers := range []int{1, 8, 32, 64, 256} {
		b.Run(fmt.Sprintf("writers=%d", writers), func(b *testing.B) {
			opened, err := localstore.Open(b.TempDir())
			if err != nil {
				b.Fatal(err)
			}
			b.Cleanup(func() { _ = opened.Close() })
			h := history.New(opened.Table(store.Executions), opened.Table(store.Index), time.Now)
			b.SetParallelism((writers + runtime.GOMAXPROCS(0) - 1) / runtime.GOMAXPROCS(0))
			var n atomic.Int64
			b.ResetTimer()
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					if err := record(b, h, int(n.Add(1))); err != nil {
						b.Error(err)
					}
				}
			})
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "calls/s")
		})
	}
}

// answer is what the API says.
var answer = json.RawMessage(`{"id":7,"email":"ada@example.com","notes":"` + strings.Repeat("asked to be called back; ", 80) + `"}`)

// record writes all that is written of the i-th call.
func record(b *testing.B, h *history.History, i int) error {
	now := time.Now()
	e := &callout.Execution{ID: history.NewID(now), Config: "crm_update_contact", ConfigID: fmt.Sprint("01CONFIG", i%100), Status: callout.Sending,
		Request: &callout.Request{Method: "POST", URL: "https://api.example.com/v1/contacts", Body: json.RawMessage(`{"email":"ada@example.com","name":"Ada"}`),
			Headers: []callout.HeaderValue{{Name: "Authorization", Value: "Bearer [secret]"}, {Name: "Content-Type", Value: "application/json"}}},
		CreatedAt: now, Deadline: now.Add(45 * time.Second), Context: map[string]string{"ticket": fmt.Sprint("T", i)}}
	r := &history.Record{Execution: e}
	if err := h.Announce(b.Context(), e); err != nil {
		return err
	}
	if err := h.Write(b.Context(), r); err != nil {
		return err
	}
	e.Status, e.Attempts, e.DurationMS = callout.Succeeded, 1, 84
	e.Response = &callout.Response{Status: 200, ContentType: "application/json", Body: answer, Bytes: int64(len(answer))}
	return h.Write(b.Context(), r)
}
