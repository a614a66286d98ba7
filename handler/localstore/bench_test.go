package localstore

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"callout/handler/store"
)

// benchmarkTable runs fn on tables of several sizes: the times should not grow
// with the number of rows. Rows are of 1 KB, about a configuration.
func benchmarkTable(b *testing.B, fn func(b *testing.B, table *Table, rows int)) {
	for _, rows := range []int{10, 1_000, 10_000} {
		b.Run(fmt.Sprintf("rows=%d", rows), func(b *testing.B) {
			table := open(b, b.TempDir()).Table(people)
			fillTable(b, table, rows)
			b.ReportAllocs()
			b.ResetTimer()
			fn(b, table, rows)
		})
	}
}

func benchmarkKey(i int) string { return fmt.Sprintf("k%07d", i) }

func fillTable(b *testing.B, table *Table, rows int) {
	b.Helper()
	var group sync.WaitGroup
	for worker := range maxBatch {
		group.Go(func() {
			for i := worker; i < rows; i += maxBatch {
				if _, err := table.Put(b.Context(), store.Row{Partition: "p", Key: benchmarkKey(i), Data: make([]byte, 1024)}); err != nil {
					b.Error(err)
				}
			}
		})
	}
	group.Wait()
}

func BenchmarkGet(b *testing.B) {
	benchmarkTable(b, func(b *testing.B, table *Table, rows int) {
		for i := range b.N {
			if _, err := table.Get(b.Context(), "p", benchmarkKey(i%rows)); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// BenchmarkPut replaces one row after another: one writer, a sync each.
func BenchmarkPut(b *testing.B) {
	benchmarkTable(b, func(b *testing.B, table *Table, rows int) {
		for i := range b.N {
			row := store.Row{Partition: "p", Key: benchmarkKey(i % rows), ETag: store.Any, Data: make([]byte, 1024)}
			if _, err := table.Put(b.Context(), row); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// BenchmarkPutTogether replaces rows with many writers, who share the syncs.
func BenchmarkPutTogether(b *testing.B) {
	benchmarkTable(b, func(b *testing.B, table *Table, rows int) {
		var next atomic.Int64
		b.SetParallelism(32)
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				row := store.Row{Partition: "p", Key: benchmarkKey(int(next.Add(1)) % rows), ETag: store.Any, Data: make([]byte, 1024)}
				if _, err := table.Put(b.Context(), row); err != nil {
					b.Error(err)
				}
			}
		})
	})
}

// BenchmarkList reads pages of at most 100 rows from the middle of the table.
func BenchmarkList(b *testing.B) {
	benchmarkTable(b, func(b *testing.B, table *Table, rows int) {
		for range b.N {
			if _, err := table.List(b.Context(), store.Range{Partition: "p", After: benchmarkKey(rows / 2), Top: 100}); err != nil {
				b.Fatal(err)
			}
		}
	})
}
