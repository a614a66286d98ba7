package canary

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

// process is Callout running alone, with what it printed.
type process struct {
	cmd            *exec.Cmd
	base           string
	stdout, stderr journal
	ended          chan struct{}
	status         error
}

// journal collects what a process prints.
type journal struct {
	mu   sync.Mutex
	text bytes.Buffer
}

// Write implements io.Writer.
func (j *journal) Write(p []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.Write(p)
}

func (j *journal) String() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.String()
}

// start runs Callout, which may call loopback over plain http and tells all that
// it ever logs. It is killed when the test ends.
func start(t *testing.T, env ...string) *process {
	t.Helper()
	port := freePort(t)
	p := &process{cmd: exec.Command(handler()), base: "http://127.0.0.1:" + port, ended: make(chan struct{})}
	p.cmd.Env = append([]string{"PATH=/usr/bin:/bin", "HOME=" + t.TempDir(), "CALLOUT_PORT=" + port,
		"CALLOUT_EGRESS_ALLOW=127.0.0.1/32", "CALLOUT_EGRESS_HTTP=true", "CALLOUT_LOG_LEVEL=debug", "AZURE_SDK_GO_LOGGING=all"}, env...)
	p.cmd.Stdout, p.cmd.Stderr = &p.stdout, &p.stderr
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		p.status = p.cmd.Wait()
		close(p.ended)
	}()
	t.Cleanup(func() {
		_ = p.cmd.Process.Signal(syscall.SIGKILL)
		<-p.ended
	})
	p.await(t)
	return p
}

// await waits until the API answers.
func (p *process) await(t *testing.T) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); {
		if got, err := p.try("GET", "/api/health", ""); err == nil && got.status == http.StatusOK {
			return
		}
		select {
		case <-p.ended:
			t.Fatalf("the process ended: %v\n%s", p.status, p.stderr.String())
		case <-time.After(5 * time.Millisecond):
		}
	}
	t.Fatalf("no answer within 30 s; the process printed:\n%s", p.stderr.String())
}

// stop asks the process to end, and waits until it has.
func (p *process) stop(t *testing.T) {
	t.Helper()
	_ = p.cmd.Process.Signal(syscall.SIGINT)
	select {
	case <-p.ended:
		if p.status != nil {
			t.Errorf("the end: %v", p.status)
		}
	case <-time.After(30 * time.Second):
		t.Fatal("the process did not end when it was asked to")
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

// answer is a response of Callout.
type answer struct {
	status int
	header http.Header
	body   string
}

// door is where requests to Callout go.
type door interface {
	try(method, path, body string) (answer, error)
}

var client = &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64}}

// try sends a request, and says when it could not.
func (p *process) try(method, path, body string) (answer, error) {
	req, err := http.NewRequest(method, p.base+path, strings.NewReader(body))
	if err != nil {
		return answer{}, err
	}
	resp, err := client.Do(req)
	if err != nil {
		return answer{}, err
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	return answer{resp.StatusCode, resp.Header, string(data)}, err
}

// document is JSON in the making.
type document map[string]any

func (d document) String() string {
	text, err := json.Marshal(d)
	if err != nil {
		panic(err) // of strings, numbers and other documents
	}
	return string(text)
}
