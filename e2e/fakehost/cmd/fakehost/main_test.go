package main

import (
	"context"
	"errors"
	"flag"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"callout/e2e/fakehost"
)

// The test binary is also the handler.
const workerVariable = "FAKEHOST_TEST_WORKER"

func TestMain(m *testing.M) {
	if os.Getenv(workerVariable) == "" {
		// A handler that ran the tests would start handlers that run the tests.
		if os.Getenv("FUNCTIONS_CUSTOMHANDLER_PORT") != "" {
			panic("a handler is started without " + workerVariable)
		}
		os.Exit(m.Run())
	}
	os.Stdout.WriteString("listening\n")
	os.Stderr.WriteString("warning: a test\n")
	http.HandleFunc("/api/exit", func(_ http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			os.Exit(1)
		}
		os.Exit(0)
	})
	panic(http.ListenAndServe("127.0.0.1:"+os.Getenv("FUNCTIONS_CUSTOMHANDLER_PORT"), nil))
}

func newDist(t *testing.T) string {
	dir := t.TempDir()
	binary, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(binary, filepath.Join(dir, "handler")); err != nil {
		t.Fatal(err)
	}
	const http = `{"bindings": [{"type": "httpTrigger", "name": "req", "authLevel": "function", "methods": ["get", "post"]}, {"type": "http", "direction": "out", "name": "res"}]}`
	for name, content := range map[string]string{
		"host.json":           `{"version": "2.0", "customHandler": {"description": {"defaultExecutablePath": "handler"}, "enableForwardingHttpRequest": true}}`,
		"local.settings.json": `{"Values": {"` + workerVariable + `": "yes"}}`,
		"exit/function.json":  http,
		"sweep/function.json": `{"bindings": [{"type": "timerTrigger", "name": "timer", "schedule": "0 */5 * * * *"}]}`,
	} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// output collects what is printed, and lets a test wait for a text in it.
type output struct {
	mu      sync.Mutex
	text    strings.Builder
	changed chan struct{}
}

func newOutput() *output { return &output{changed: make(chan struct{}, 1)} }

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	select {
	case o.changed <- struct{}{}:
	default:
	}
	return o.text.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

func (o *output) find(t *testing.T, pattern string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	for {
		if found := regexp.MustCompile(pattern).FindString(o.String()); found != "" {
			return found
		}
		select {
		case <-o.changed:
		case <-ctx.Done():
			t.Fatalf("no %s in:\n%s", pattern, o)
		}
	}
}

// serve runs the command. The test may end it, or wait for its own end.
func serve(t *testing.T, args ...string) (out *output, interrupt func(), result func() error) {
	out = newOutput()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- run(ctx, append([]string{"--script-root", newDist(t), "--port", "0"}, args...), out) }()
	result = sync.OnceValue(func() error { return <-done })
	t.Cleanup(func() {
		cancel()
		_ = result()
	})
	return out, cancel, result
}

// call returns the status, or 0 when the host stopped before it could answer.
func call(t *testing.T, method, url string) int {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader("x"))
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.DefaultTransport.RoundTrip(request)
	if err != nil {
		return 0
	}
	defer response.Body.Close()
	_, _ = io.Copy(io.Discard, response.Body)
	return response.StatusCode
}

func TestFunctionsAndLinesArePrinted(t *testing.T) {
	out, interrupt, result := serve(t)
	for _, want := range []string{
		`Functions \(forwarding\):`,
		`\texit: \[GET,POST\] http://127\.0\.0\.1:\d+/api/exit\n`,
		`\tsweep: timerTrigger 0 \*/5 \* \* \* \*\n`,
		`Keys are not checked`,
		`\[Information\] listening\n`,
		`\[Warning\] warning: a test\n`,
	} {
		out.find(t, want)
	}
	interrupt()
	if err := result(); err != nil {
		t.Error(err)
	}
}

func TestKeysArePrintedAndChecked(t *testing.T) {
	out, _, _ := serve(t, "--enable-auth", "--mode", "proxying")
	out.find(t, `Functions \(proxying\):`)
	url := out.find(t, `http://\S+/api/exit\?code=\w+`)
	out.find(t, `Host key, opens every function: \w+\n\tMaster key: \w+`)
	open, _, _ := strings.Cut(url, "?")
	if got := call(t, "GET", open); got != 401 {
		t.Errorf("without the key it answers %d", got)
	}
	call(t, "POST", url)
	out.find(t, `Restart 1 of the handler: it exited with code 1\.`)
	call(t, "GET", url)
	out.find(t, `No more requests are answered: the handler exited with code 0`)
}

func TestTheHostStopsByItself(t *testing.T) {
	out, _, result := serve(t)
	url := out.find(t, `http://\S+/api/exit`)
	call(t, "POST", url)
	out.find(t, `Restart 1 of`)
	call(t, "POST", url)
	out.find(t, `Restart 2 of`)
	call(t, "POST", url)
	if err := result(); err == nil || !strings.Contains(err.Error(), "failed 3 times") {
		t.Errorf("got %v", err)
	}
}

func TestFlags(t *testing.T) {
	tests := []struct {
		args []string
		want string
	}{
		{[]string{"--mode", "streaming"}, "--mode must be"},
		{[]string{"dist"}, "takes flags only"},
		{[]string{"--script-root", t.TempDir()}, "has no host.json"},
		{[]string{"--unknown"}, "not defined"},
	}
	for _, test := range tests {
		if err := run(t.Context(), test.args, io.Discard); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%q: got %v, want … %s …", test.args, err, test.want)
		}
	}
	if err := run(t.Context(), []string{"--help"}, io.Discard); !errors.Is(err, flag.ErrHelp) {
		t.Errorf("--help: %v", err)
	}
	opts, err := parse(nil, io.Discard)
	if err != nil || opts.Dir != "dist" || opts.Port != 7071 || !opts.DisableAuth || opts.Mode != fakehost.FromHostJSON {
		t.Errorf("by default %+v, %v", opts, err)
	}
}
