package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"callout/handler/callout"
	"callout/handler/history"
	"callout/handler/localstore"
	"callout/handler/store"
	"callout/handler/storetest/azurite"
	"callout/handler/tablestore"
)

var (
	executions = flag.Int("executions", 10_000, "executions in the largest history of the embedded store")
	onAzurite  = flag.Int("azurite", 1_000, "executions in the largest history on Azurite")
)

// What a history is made of.
const (
	configs   = 10 // each called as often as the others
	perTicket = 20
	span      = 30 * 24 * time.Hour
	pageSize  = 100
)

// counting is a table that counts what it is asked.
type counting struct {
	history.Rows
	calls *atomic.Int64
}

func (c counting) List(ctx context.Context, r store.Range) (store.Page, error) {
	if r.Keys != nil {
		c.calls.Add(int64(len(r.Keys))) // Table Storage is asked for each
	} else {
		c.calls.Add(1)
	}
	return c.Rows.List(ctx, r)
}

// past is a history that grows.
type past struct {
	*history.History
	calls atomic.Int64
	begin time.Time
	size  int
}

func newPast(executions, index history.Rows) *past {
	p := &past{begin: time.Now().Add(-span)}
	p.History = history.New(counting{executions, &p.calls}, counting{index, &p.calls}, time.Now)
	return p
}

// grow writes executions up to a number, in the order in which they happened.
func (p *past) grow(b *testing.B, to, writers int) {
	b.Helper()
	start, next := time.Now(), atomic.Int64{}
	next.Store(int64(p.size))
	var all sync.WaitGroup
	for range writers {
		all.Go(func() {
			for i := int(next.Add(1)) - 1; i < to; i = int(next.Add(1)) - 1 {
				if err := p.add(b.Context(), i); err != nil {
					b.Error(err)
				}
			}
		})
	}
	all.Wait()
	b.Logf("%d executions were written in %v", to-p.size, time.Since(start).Round(time.Second))
	p.size = to
}

// add announces and writes the i-th execution, which is over.
func (p *past) add(ctx context.Context, i int) error {
	at := p.begin.Add(time.Duration(i) * time.Second)
	e := &callout.Execution{
		ID: history.NewID(at), Config: "crm_update_contact", ConfigID: configID(i), Status: callout.Succeeded,
		Request: &callout.Request{Method: "POST", URL: "https://api.example.com/v1/contacts",
			Headers: []callout.HeaderValue{{Name: "Authorization", Value: "Bearer [secret]"}, {Name: "Content-Type", Value: "application/json"}},
			Body:    json.RawMessage(`{"email":"ada@example.com","name":"Ada Lovelace","notes":"asked to be called back"}`)},
		Response: &callout.Response{Status: 200, ContentType: "application/json", Body: json.RawMessage(`{"id":7,"email":"ada@example.com"}`), Bytes: 35},
		Attempts: 1, DurationMS: 84, CreatedAt: at, Deadline: at.Add(45 * time.Second),
		Context: map[string]string{"ticket": ticketOf(i)},
	}
	if err := p.Announce(ctx, e); err != nil {
		return err
	}
	return p.Write(ctx, &history.Record{Execution: e})
}

func configID(i int) string { return fmt.Sprintf("01JDCONFIG%016d", i%configs) }
func ticketOf(i int) string { return fmt.Sprint("T", i/perTicket) }

// lists are the pages that are measured. i is the number of a reader's turn.
var lists = []struct {
	name  string
	query func(p *past, i int) history.Query
}{
	{"newest", func(*past, int) history.Query { return history.Query{} }},
	{"middle", func(p *past, _ int) history.Query {
		return history.Query{To: p.begin.Add(time.Duration(p.size/2) * time.Second)}
	}},
	{"configuration", func(_ *past, i int) history.Query { return history.Query{ConfigID: configID(i)} }},
	{"ticket", func(p *past, i int) history.Query { return history.Query{Ticket: ticketOf(i * 7919 % p.size)} }},
	{"failed", func(*past, int) history.Query { return history.Query{Status: callout.Failed} }}, // which none has
}

// measure reads pages while the history grows tenfold at a time. It reports the
// requests of a page, and its time as a ratio to that in the smallest history.
func (p *past) measure(b *testing.B, largest, writers int) {
	first := map[string]float64{}
	for size := min(1000, largest); ; size = min(10*size, largest) {
		p.grow(b, size, writers)
		for _, list := range lists {
			b.Run(fmt.Sprintf("executions=%d/%s", size, list.name), func(b *testing.B) {
				p.calls.Store(0)
				turn := 0
				for b.Loop() {
					q := list.query(p, turn)
					q.Top = pageSize
					if _, err := p.List(b.Context(), q); err != nil {
						b.Fatal(err)
					}
					turn++
				}
				each := float64(b.Elapsed()) / float64(b.N)
				if first[list.name] == 0 {
					first[list.name] = each
				}
				b.ReportMetric(float64(p.calls.Load())/float64(b.N), "requests/page")
				b.ReportMetric(each/first[list.name], "of-smallest")
			})
		}
		if size == largest {
			return
		}
	}
}

// BenchmarkHistory needs about 3 GB of disk and some minutes for a million.
func BenchmarkHistory(b *testing.B) {
	dir := b.TempDir()
	opened, err := localstore.Open(dir)
	if err != nil {
		b.Fatal(err)
	}
	defer opened.Close()
	newPast(opened.Table(store.Executions), opened.Table(store.Index)).measure(b, *executions, 256)
	info, err := os.Stat(filepath.Join(dir, "callout.db"))
	if err != nil {
		b.Fatal(err)
	}
	b.Logf("the store has %d MB", info.Size()>>20)
}

// BenchmarkHistoryOnAzurite shows the requests. Azurite itself looks through all
// rows of a table for each of them, which Table Storage does not.
func BenchmarkHistoryOnAzurite(b *testing.B) {
	rows, err := tablestore.New(tablestore.Options{ConnectionString: azurite.Start(b).ConnectionString()})
	if err != nil {
		b.Fatal(err)
	}
	newPast(rows.Table(store.Executions), rows.Table(store.Index)).measure(b, *onAzurite, 32)
}
