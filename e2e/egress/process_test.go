package egress_test

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"callout/handler/callout"
	"callout/handler/storetest/azurite"
)

// process is the real program.
type process struct {
	t    *testing.T
	base string
	out  printed
}

// printed is what a process prints.
type printed struct {
	mu   sync.Mutex
	text bytes.Buffer
}

// Write implements io.Writer.
func (p *printed) Write(data []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.text.Write(data)
}

// startProcess builds Callout and runs it with these settings.
func startProcess(t *testing.T, settings ...string) *process {
	t.Helper()
	program := filepath.Join(t.TempDir(), "handler")
	build := exec.Command("go", "build", "-o", program, "callout/handler")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	port := freePort(t)
	p := &process{t: t, base: "http://127.0.0.1:" + port}
	cmd := exec.Command(program)
	cmd.Env = append([]string{"PATH=/usr/bin:/bin", "HOME=" + t.TempDir(), "CALLOUT_PORT=" + port}, settings...)
	cmd.Stdout, cmd.Stderr = &p.out, &p.out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGKILL)
		_ = cmd.Wait()
	})
	p.await()
	return p
}

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

func (p *process) await() {
	p.t.Helper()
	for deadline := time.Now().Add(patience); ; time.Sleep(5 * time.Millisecond) {
		resp, err := http.Get(p.base + "/api/health")
		if err == nil {
			_ = resp.Body.Close()
			return
		}
		if time.Now().After(deadline) {
			p.out.mu.Lock()
			defer p.out.mu.Unlock()
			p.t.Fatalf("no answer: %v\n%s", err, p.out.text.String())
		}
	}
}

// do makes a request and demands a status.
func (p *process) do(status int, method, path, body string) string {
	p.t.Helper()
	req, err := http.NewRequest(method, p.base+path, strings.NewReader(body))
	if err != nil {
		p.t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		p.t.Fatal(err)
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != status {
		p.t.Fatalf("%s %s: status %d, %v\n%s", method, path, resp.StatusCode, err, data)
	}
	return string(data)
}

// The program, told by its environment that it is on Azure and that all may be
// called, calls nothing of the machine that it is on. The vault is never needed; its
// name is none that anybody could be asked for.
func TestProcessOnAzureCallsNothingOfItsMachine(t *testing.T) {
	var calls atomic.Int64
	identity := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { calls.Add(1) }))
	t.Cleanup(identity.Close)
	_, port, err := net.SplitHostPort(identity.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	p := startProcess(t, "WEBSITE_INSTANCE_ID=1", "WEBSITE_HOSTNAME=callout.azurewebsites.net",
		"CALLOUT_TABLES="+azurite.ConnectionString(azurite.Start(t).URL()), "CALLOUT_VAULT=https://"+strings.Repeat("a", 64)+".vault.azure.net",
		"IDENTITY_ENDPOINT="+identity.URL+"/msi/token", "IDENTITY_HEADER=canary-identity",
		"CALLOUT_EGRESS_ALLOW=0.0.0.0/0, ::/0, 127.0.0.1", "CALLOUT_EGRESS_HTTP=true", "CALLOUT_EGRESS_PORTS=80 443 8081 "+port)
	for i, to := range []string{
		"http://127.0.0.1:" + port + "/msi/token?resource=https://vault.azure.net", "https://127.0.0.1/", "http://[::1]:" + port + "/",
		"http://localhost:" + port + "/", "http://169.254.169.254/metadata/instance", "http://169.254.129.2:8081/msi/token",
		"http://168.63.129.16/machine?comp=goalstate", "http://168.63.129.16:32526/vmSettings", "http://[fe80::1]/",
		"https://callout.azurewebsites.net/api/configs", "https://callout.scm.azurewebsites.net/",
	} {
		name := fmt.Sprintf("closed_%d", i)
		p.do(http.StatusCreated, "PUT", "/api/configs/"+name, document(doc{"endpoint": to}))
		if answer := p.do(http.StatusOK, "POST", "/api/execute/"+name, `{}`); !strings.Contains(answer, `"`+string(callout.DestinationNotAllowed)+`"`) {
			t.Errorf("%s: %s", to, answer)
		}
	}
	if calls.Load() > 0 {
		t.Errorf("the identity endpoint was called %d times", calls.Load())
	}
}
