package localstore

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"callout/handler/store"

	bolt "go.etcd.io/bbolt"
	"golang.org/x/sync/errgroup"
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

// BenchmarkPutOfCalls writes as calls do that change something: two small rows at
// once, then a row of 1 KB, then another state of it. Beside the time it tells how
// many of the writes shared a sync.
func BenchmarkPutOfCalls(b *testing.B) {
	for _, callers := range []int{1, 8, 32, 64, 256} {
		b.Run(fmt.Sprintf("callers=%d", callers), func(b *testing.B) {
			s := open(b, b.TempDir())
			var next atomic.Int64
			before := commits(b, s)
			b.ResetTimer()
			var group sync.WaitGroup
			for range callers {
				group.Go(func() {
					for i := int(next.Add(1)); i <= b.N; i = int(next.Add(1)) {
						if err := putCall(b.Context(), s, i); err != nil {
							b.Error(err)
						}
					}
				})
			}
			group.Wait()
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "calls/s")
			b.ReportMetric(float64(4*b.N)/float64(commits(b, s)-before), "writes/sync")
		})
	}
}

// putCall writes what a call does.
func putCall(ctx context.Context, s *Store, i int) error {
	var group errgroup.Group
	for _, partition := range []string{"configuration", "ticket"} {
		group.Go(func() error {
			_, err := s.Table("pointers").Put(ctx, store.Row{Partition: partition, Key: benchmarkKey(i)})
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return err
	}
	row := store.Row{Partition: fmt.Sprint("b", i%8), Key: benchmarkKey(i), Head: make([]byte, 400), Data: make([]byte, 600)}
	var err error
	if row.ETag, err = s.Table(people).Put(ctx, row); err != nil {
		return err
	}
	_, err = s.Table(people).Put(ctx, row)
	return err
}

func commits(b *testing.B, s *Store) (number int) {
	b.Helper()
	if err := s.db.View(func(tx *bolt.Tx) error { number = tx.ID(); return nil }); err != nil {
		b.Fatal(err)
	}
	return number
}
