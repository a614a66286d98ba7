package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"time"
)

// starts measures the time from the start of a process to its first answer, as
// under the Functions host: Callout and the bare program in turns.
func starts(ctx context.Context, dir string, rounds int) error {
	var bare, known, empty []time.Duration
	data := filepath.Join(dir, "data")
	for i := range rounds + 1 {
		b, err := firstAnswer(ctx, filepath.Join(dir, "bare"))
		if err != nil {
			return err
		}
		k, err := firstAnswer(ctx, filepath.Join(dir, "callout"), "CALLOUT_DATA_DIR="+data)
		if err != nil {
			return err
		}
		e, err := firstAnswer(ctx, filepath.Join(dir, "callout"), "CALLOUT_DATA_DIR="+filepath.Join(dir, "new"+strconv.Itoa(i)))
		if err != nil {
			return err
		}
		if i > 0 { // the first round fills the page cache
			bare, known, empty = append(bare, b), append(known, k), append(empty, e)
		}
	}
	base := spreadOf(bare)
	fmt.Printf("\nstart to first answer, %d starts each, in turns\n", rounds)
	fmt.Printf("  bare net/http              %v\n", base)
	fmt.Printf("  Callout, existing store    %v  %.2f of bare\n", spreadOf(known), spreadOf(known).over(base))
	fmt.Printf("  Callout, store made anew   %v  %.2f of bare\n", spreadOf(empty), spreadOf(empty).over(base))
	return nil
}

func firstAnswer(ctx context.Context, program string, env ...string) (time.Duration, error) {
	p, err := launch(ctx, program, env...)
	if err != nil {
		return 0, err
	}
	defer p.kill()
	took := time.Since(p.started)
	return took, nil
}

// process is a program that has given its first answer.
type process struct {
	cmd     *exec.Cmd
	address string
	started time.Time
}

func (p *process) kill() {
	_ = p.cmd.Process.Kill()
	_ = p.cmd.Wait()
}

var errSilent = errors.New("the program gave no answer within 10 seconds")

// launch starts a program as the Functions host does and asks until it answers.
func launch(ctx context.Context, program string, env ...string) (*process, error) {
	free, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	address := free.Addr().String()
	_, port, _ := net.SplitHostPort(address)
	_ = free.Close()

	cmd := exec.CommandContext(ctx, program)
	cmd.Env = append(append(os.Environ(), env...), "FUNCTIONS_CUSTOMHANDLER_PORT="+port, "CALLOUT_LOG_LEVEL=error")
	cmd.Stderr = os.Stderr
	p := &process{cmd: cmd, address: address, started: time.Now()}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	for time.Since(p.started) < 10*time.Second {
		if answers(address) {
			return p, nil
		}
		time.Sleep(100 * time.Microsecond)
	}
	p.kill()
	return nil, errSilent
}

// answers makes one plain request: a client of net/http would add its own time.
func answers(address string) bool {
	conn, err := net.Dial("tcp4", address)
	if err != nil {
		return false
	}
	defer conn.Close()
	fmt.Fprintf(conn, "GET /api/health HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n", address)
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	return err == nil && resp.StatusCode == http.StatusOK
}
