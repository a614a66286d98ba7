package e2e

import (
	"bytes"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// process is a program under test with what it printed.
type process struct {
	cmd    *exec.Cmd
	out    output
	ended  chan struct{}
	status error
}

// output collects what a process prints.
type output struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

// start runs a program that is killed when the test ends.
func start(t *testing.T, program string, env []string, args ...string) *process {
	t.Helper()
	p := &process{cmd: exec.Command(program, args...), ended: make(chan struct{})}
	p.cmd.Env = append([]string{"PATH=/usr/bin:/bin", "HOME=" + t.TempDir()}, env...)
	p.cmd.Stdout, p.cmd.Stderr = &p.out, &p.out
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		p.status = p.cmd.Wait()
		close(p.ended)
	}()
	t.Cleanup(p.kill)
	return p
}

func (p *process) kill() {
	_ = p.cmd.Process.Signal(syscall.SIGKILL)
	<-p.ended
}

// stop asks the process to end, and returns how it did.
func (p *process) stop(t *testing.T) error {
	t.Helper()
	_ = p.cmd.Process.Signal(syscall.SIGINT)
	select {
	case <-p.ended:
		return p.status
	case <-time.After(30 * time.Second):
		t.Fatalf("the process did not end when it was asked to; it printed:\n%s", p.out.String())
		return nil
	}
}

// freePort returns a port that nobody has at the moment.
func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, port, _ := net.SplitHostPort(l.Addr().String())
	return port
}

// callout is Callout running alone.
type callout struct {
	*process
	api
}

// api is an address with the headers that open it.
type api struct {
	base   string
	header map[string]string
}

// startCallout runs Callout alone on a data directory. It may call loopback
// over plain http.
func startCallout(t *testing.T, data string, env ...string) *callout {
	t.Helper()
	port := freePort(t)
	p := start(t, handler(), append([]string{"CALLOUT_PORT=" + port, "CALLOUT_DATA_DIR=" + data,
		"CALLOUT_EGRESS_ALLOW=127.0.0.1/32", "CALLOUT_EGRESS_HTTP=true"}, env...))
	c := &callout{process: p, api: api{base: "http://127.0.0.1:" + port}}
	c.await(t, p)
	return c
}

// await waits until the API answers.
func (a api) await(t *testing.T, p *process) {
	t.Helper()
	deadline := time.Now().Add(30 * time.Second)
	for time.Now().Before(deadline) {
		if resp, err := http.Get(a.base + "/api/health"); err == nil {
			resp.Body.Close()
			return
		}
		select {
		case <-p.ended:
			t.Fatalf("the process ended: %v\n%s", p.status, p.out.String())
		case <-time.After(5 * time.Millisecond):
		}
	}
	t.Fatalf("no answer within 30 s; the process printed:\n%s", p.out.String())
}

// answer is a response with its body.
type answer struct {
	status int
	header http.Header
	body   string
}

// try sends a request, and says when it could not.
func (a api) try(method, path, body string) (answer, error) {
	req, err := http.NewRequest(method, a.base+path, strings.NewReader(body))
	if err != nil {
		return answer{}, err
	}
	for name, value := range a.header {
		req.Header.Set(name, value)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return answer{}, err
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	return answer{resp.StatusCode, resp.Header, string(data)}, err
}

// call sends a request and expects the status.
func (a api) call(t *testing.T, status int, method, path, body string) answer {
	t.Helper()
	got, err := a.try(method, path, body)
	if err != nil {
		t.Fatalf("%s %s: %v", method, path, err)
	}
	if got.status != status {
		t.Fatalf("%s %s: status %d, want %d: %s", method, path, got.status, status, got.body)
	}
	return got
}

// decode reads the body of an answer.
func (got answer) decode(t *testing.T, into any) {
	t.Helper()
	if err := json.Unmarshal([]byte(got.body), into); err != nil {
		t.Fatalf("%v in %s", err, got.body)
	}
}
