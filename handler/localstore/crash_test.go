package localstore

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"

	"callout/handler/secret"
	"callout/handler/store"
)

// writers is how many goroutines write when the process is killed.
const writers = 100

// dataOf returns the data that belongs to a key: up to 8 KB, so that rows
// share pages and span them.
func dataOf(key string) []byte {
	source := rand.NewChaCha8(sha256.Sum256([]byte(key)))
	data := make([]byte, 16+source.Uint64()%8000)
	_, _ = source.Read(data)
	return data
}

// secretOf returns the value that belongs to a key.
func secretOf(key string) string { return hex.EncodeToString(dataOf(key)) }

// writeUntilKilled is a process that writes with many goroutines. It prints a
// line for each write once it was acknowledged.
func writeUntilKilled(dir, round string) error {
	s, err := Open(dir)
	if err != nil {
		return err
	}
	var group sync.WaitGroup
	failed := make(chan error, writers)
	for worker := range writers {
		group.Go(func() { failed <- writeSteps(s, round, strconv.Itoa(worker)) })
	}
	group.Wait()
	return <-failed
}

// writeSteps stores in each step a secret, a row that names its version, as
// the row of a configuration does, and a new state of the one row that this
// worker replaces for ever. It ends with the first error.
func writeSteps(s *Store, round, worker string) error {
	ctx, table := context.Background(), s.Table(people)
	counter, err := table.Get(ctx, "counter", worker)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return err
	}
	counter.Partition, counter.Key = "counter", worker
	for n := countOf(counter) + 1; ; n++ {
		key := fmt.Sprintf("r%s-w%s-n%d", round, worker, n)
		version, err := s.Vault().Set(ctx, key, secret.New(secretOf(key)))
		if err != nil {
			return err
		}
		acknowledge("secret", key, version)
		if _, err = table.Put(ctx, store.Row{Partition: "row", Key: key, Data: append([]byte(version+" "), dataOf(key)...)}); err != nil {
			return err
		}
		acknowledge("row", key, version)
		counter.Data = counterData(worker, n)
		if counter.ETag, err = table.Put(ctx, counter); err != nil {
			return err
		}
		acknowledge("counter", worker, strconv.Itoa(n))
	}
}

// acknowledge prints a line at once: what was printed outlives the process.
func acknowledge(kind, name, value string) {
	_, _ = os.Stdout.WriteString(kind + " " + name + " " + value + "\n")
}

// counterData is the state of a worker's counter, of a length of its own.
func counterData(worker string, n int) []byte {
	return fmt.Appendf(nil, "%d %s", n, dataOf(worker+strconv.Itoa(n)))
}

// countOf returns the number in a counter, 0 for one that is absent.
func countOf(counter store.Row) int {
	text, _, _ := bytes.Cut(counter.Data, []byte(" "))
	n, _ := strconv.Atoi(string(text))
	return n
}

func TestKilledAmidWritesNothingAcknowledgedIsLost(t *testing.T) {
	dir := t.TempDir()
	var told []string
	for round := range 10 {
		told = append(told, killAmidWrites(t, dir, round, 90+31*round)...)
		s, err := Open(dir)
		if err != nil {
			t.Fatalf("round %d: Open: %v", round, err)
		}
		for _, line := range told {
			if err := checkTold(t.Context(), s, line); err != nil {
				t.Errorf("round %d: acknowledged was %s: %v", round, line, err)
			}
		}
		checkEveryRow(t, s)
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("%d writes were acknowledged", len(told))
}

// killAmidWrites runs a writer, kills it when it has acknowledged a number of
// writes, and returns all that it has acknowledged, up to its last whole line.
func killAmidWrites(t *testing.T, dir string, round, writes int) (told []string) {
	t.Helper()
	cmd := process(t, "write", dir, strconv.Itoa(round))
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	for reader := bufio.NewReader(stdout); ; {
		line, err := reader.ReadString('\n')
		if errors.Is(err, io.EOF) {
			break
		}
		told = append(told, strings.TrimSuffix(line, "\n"))
		if len(told) == writes {
			if err := cmd.Process.Kill(); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := cmd.Wait(); err == nil || cmd.ProcessState.Exited() {
		t.Fatalf("the writer was not killed: %v, %q", err, told)
	}
	return told
}

// checkTold checks that the store has what one line acknowledges.
func checkTold(ctx context.Context, s *Store, line string) error {
	var kind, name, value string
	if _, err := fmt.Sscan(line, &kind, &name, &value); err != nil {
		return err
	}
	if kind == "counter" {
		counter, err := s.Table(people).Get(ctx, "counter", name)
		n := countOf(counter)
		if told, _ := strconv.Atoi(value); err == nil && (n < told || !bytes.Equal(counter.Data, counterData(name, n))) {
			return fmt.Errorf("it holds %d bytes and is at %d", len(counter.Data), n)
		}
		return err
	}
	if kind == "row" {
		row, err := s.Table(people).Get(ctx, "row", name)
		if err == nil && !bytes.Equal(row.Data, append([]byte(value+" "), dataOf(name)...)) {
			return errors.New("it holds something else")
		}
		return err
	}
	found, err := s.Vault().Get(ctx, name, value)
	if err == nil && found.Reveal() != secretOf(name) {
		return errors.New("it holds something else")
	}
	return err
}

// checkEveryRow checks that each row, acknowledged or not, is whole and has
// its secret.
func checkEveryRow(t *testing.T, s *Store) {
	t.Helper()
	for r := (store.Range{Partition: "row"}); ; {
		page, err := s.Table(people).List(t.Context(), r)
		if err != nil {
			t.Fatal(err)
		}
		for _, row := range page.Rows {
			r.After = row.Key
			version, _, _ := strings.Cut(string(row.Data), " ")
			for _, kind := range []string{"row", "secret"} {
				if err := checkTold(t.Context(), s, kind+" "+row.Key+" "+version); err != nil {
					t.Errorf("the %s of %s, which was not acknowledged: %v", kind, row.Key, err)
				}
			}
		}
		if !page.More {
			return
		}
	}
}
