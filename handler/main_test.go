package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"callout/functions"
	"callout/handler/localstore"
)

// deadline is how long a test waits for what must happen. It is far beyond what
// it takes.
const deadline = 30 * time.Second

// process is a run of Callout within the test.
type process struct {
	url  string
	errs *output
	end  context.CancelFunc
	done chan error
}

// output is a stream that can be waited on for its first line.
type output struct {
	mu    sync.Mutex
	b     bytes.Buffer
	first chan string
}

func newOutput() *output { return &output{first: make(chan string, 1)} }

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.b.Len() == 0 {
		o.first <- string(p)
	}
	return o.b.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.String()
}

// start runs Callout with settings and waits until it says that it is up.
func start(t *testing.T, env map[string]string) *process {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	p := &process{errs: newOutput(), end: cancel, done: make(chan error, 1)}
	out := newOutput()
	go func() { p.done <- run(ctx, lookup(t, env), out, p.errs) }()
	select {
	case line := <-out.first:
		var up struct{ Address string }
		if err := json.Unmarshal([]byte(line), &up); err != nil {
			t.Fatalf("the first line is %q", line)
		}
		p.url = strings.TrimSuffix(up.Address, "/api/")
	case err := <-p.done:
		t.Fatalf("Callout ended: %v", err)
	case <-time.After(deadline):
		t.Fatal("Callout did not start")
	}
	t.Cleanup(cancel)
	return p
}

// lookup gives settings for a run: a data directory and a port of its own, and
// env.
func lookup(t *testing.T, env map[string]string) func(string) string {
	all := map[string]string{"CALLOUT_DATA_DIR": t.TempDir(), "CALLOUT_PORT": "0"}
	for name, value := range env {
		all[name] = value
	}
	return func(name string) string { return all[name] }
}

// wait returns what run returned.
func (p *process) wait(t *testing.T) error {
	t.Helper()
	select {
	case err := <-p.done:
		return err
	case <-time.After(deadline):
		t.Fatal("Callout did not end")
		return nil
	}
}

// call makes a request and returns its status and the code of its error, if any.
// headers are names and values in turn.
func (p *process) call(t *testing.T, method, path, body string, headers ...string) (int, string) {
	t.Helper()
	status, header, err := p.try(method, path, body, headers...)
	if err != nil {
		t.Fatal(err)
	}
	return status, header.Get("x-ms-error-code")
}

func (p *process) try(method, path, body string, headers ...string) (status int, header http.Header, err error) {
	req, err := http.NewRequest(method, p.url+path, strings.NewReader(body))
	if err != nil {
		return 0, nil, err
	}
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
		if headers[i] == "Host" {
			req.Host = headers[i+1]
		}
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, nil, err
	}
	defer resp.Body.Close()
	_, err = io.Copy(io.Discard, resp.Body)
	return resp.StatusCode, resp.Header, err
}

func TestRunServesUntilItIsToldToStop(t *testing.T) {
	dir := t.TempDir()
	p := start(t, map[string]string{"CALLOUT_DATA_DIR": dir})
	if status, _ := p.call(t, "GET", "/api/health", ""); status != 200 {
		t.Errorf("health is %d", status)
	}
	config := `{"name":"crm","endpoint":"https://api.example.com/v1","method":"GET","auth":{"type":"bearer","token":"long-enough"}}`
	if status, code := p.call(t, "POST", "/api/configs", config); status != 201 {
		t.Errorf("POST configs is %d %s", status, code)
	}
	p.end()
	if err := p.wait(t); err != nil {
		t.Errorf("run returned %v", err)
	}
	local, err := localstore.Open(dir)
	if err != nil {
		t.Fatalf("the data directory was not released: %v", err)
	}
	_ = local.Close()
	again := start(t, map[string]string{"CALLOUT_DATA_DIR": dir})
	if status, _ := again.call(t, "GET", "/api/configs/crm", ""); status != 200 {
		t.Errorf("after a restart the configuration is %d", status)
	}
}

func TestAPortThatIsTakenIsSaid(t *testing.T) {
	taken, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	_, port, _ := net.SplitHostPort(taken.Addr().String())
	dir := t.TempDir()
	refuses(t, map[string]string{"CALLOUT_PORT": port, "CALLOUT_DATA_DIR": dir}, "another process", port, "CALLOUT_PORT")
	local, err := localstore.Open(dir)
	if err != nil {
		t.Fatalf("the data directory is held: %v", err)
	}
	_ = local.Close()
}

// refuses runs Callout with settings with which it must not start, and demands
// words of the error.
func refuses(t *testing.T, env map[string]string, words ...string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), deadline)
	defer cancel()
	err := run(ctx, lookup(t, env), io.Discard, io.Discard)
	if err == nil {
		t.Fatal("it started")
	}
	for _, word := range words {
		if !strings.Contains(err.Error(), word) {
			t.Errorf("the error does not say %q: %v", word, err)
		}
	}
}

func TestBadSettingsAreSaidBeforeAnythingIsTouched(t *testing.T) {
	taken, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	_, port, _ := net.SplitHostPort(taken.Addr().String())
	// The port is taken as well: that is not even found out.
	refuses(t, map[string]string{"CALLOUT_PORT": port, "CALLOUT_AUTH": "none", "CALLOUT_LOG_LEVEL": "loud", "CALLOUT_DATA_DIR": "/dev/null/x"},
		"CALLOUT_AUTH", "CALLOUT_LOG_LEVEL")
}

func TestASecondProcessOnTheSameDirectoryIsRefusedAtOnce(t *testing.T) {
	dir := t.TempDir()
	first := start(t, map[string]string{"CALLOUT_DATA_DIR": dir})
	refuses(t, map[string]string{"CALLOUT_DATA_DIR": dir}, "in use by another process", "CALLOUT_DATA_DIR")
	if status, _ := first.call(t, "GET", "/api/configs", ""); status != 200 {
		t.Errorf("the first is harmed: %d", status)
	}
}

func TestADataDirectoryThatCannotBeIsSaid(t *testing.T) {
	refuses(t, map[string]string{"CALLOUT_DATA_DIR": "/dev/null/x"}, "CALLOUT_DATA_DIR")
}

// What a browser can be made to send from elsewhere is refused where no host
// asks for a key.
func TestAloneAForeignPageGetsNothing(t *testing.T) {
	alone := start(t, nil)
	host := strings.TrimPrefix(alone.url, "http://")
	_, port, _ := net.SplitHostPort(host)
	cases := []struct {
		name, method, path string
		headers            []string
		status             int
		code               string
	}{
		{"its own address", "GET", "/api/configs", nil, 200, ""},
		{"localhost", "GET", "/api/configs", []string{"Host", "localhost:" + port}, 200, ""},
		{"a name that was bent to loopback", "GET", "/api/configs", []string{"Host", "evil.example.com:" + port}, 421, "ForeignHost"},
		{"the same, where anyone may read", "GET", "/api/health", []string{"Host", "evil.example.com"}, 421, "ForeignHost"},
		{"a form on another page", "POST", "/api/test", []string{"Sec-Fetch-Site", "cross-site"}, 403, "CrossOrigin"},
		{"an older browser on another page", "POST", "/api/test", []string{"Origin", "https://evil.example.com"}, 403, "CrossOrigin"},
		{"a sandboxed page", "DELETE", "/api/configs/crm", []string{"Origin", "null"}, 403, "CrossOrigin"},
		{"its own page", "DELETE", "/api/configs/crm", []string{"Origin", "http://" + host, "Sec-Fetch-Site", "same-origin"}, 204, ""},
		{"a program", "DELETE", "/api/configs/crm", nil, 204, ""},
	}
	for _, c := range cases {
		if status, code := alone.call(t, c.method, c.path, "", c.headers...); status != c.status || code != c.code {
			t.Errorf("%s: %d %s, want %d %s", c.name, status, code, c.status, c.code)
		}
	}
}

// Under the host, the name that the caller used arrives in other headers, and
// the host has asked for a key.
func TestUnderTheHostAnyNameIsFine(t *testing.T) {
	probe, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_, port, _ := net.SplitHostPort(probe.Addr().String())
	_ = probe.Close()
	under := start(t, map[string]string{"FUNCTIONS_CUSTOMHANDLER_PORT": port})
	if status, code := under.call(t, "GET", "/api/configs", "", "Host", "callout.example.com"); status != 200 {
		t.Errorf("%d %s", status, code)
	}
	if status, _ := under.call(t, "DELETE", "/api/configs/crm", "", "Origin", "https://console.example.com"); status != 204 {
		t.Errorf("DELETE from another origin is %d", status)
	}
	config := `{"name":"crm","endpoint":"https://api.example.com/v1","method":"GET"}`
	_, header, err := under.try("POST", "/api/configs", config, "X-Forwarded-Host", "callout.example.com", "X-Forwarded-Proto", "https")
	if got := header.Get("Location"); got != "https://callout.example.com/api/configs/crm" {
		t.Errorf("Location is %q (%v)", got, err)
	}
	if status, _ := under.call(t, "GET", "/", ""); status != 404 {
		t.Errorf("the readiness probe is answered %d", status)
	}
}

// copied gives the function.json files as a map that can be changed.
func copied(t *testing.T) fstest.MapFS {
	t.Helper()
	out := fstest.MapFS{}
	err := fs.WalkDir(functions.FS, ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := functions.FS.ReadFile(path)
		out[path] = &fstest.MapFile{Data: data}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestFunctionsAndHandlersMustMatch(t *testing.T) {
	second := []byte(strings.ReplaceAll(string(copied(t)["health/function.json"].Data), "health", "second"))
	cases := []struct {
		name   string
		change func(fstest.MapFS)
		want   string
	}{
		{"a handler without a function", func(m fstest.MapFS) { delete(m, "execute/function.json") }, "handler execute has no function"},
		{"a function without a handler", func(m fstest.MapFS) { m["second/function.json"] = &fstest.MapFile{Data: second} }, "function second has no handler"},
		{"a function that cannot be read", func(m fstest.MapFS) { m["health/function.json"].Data = []byte("{") }, "health"},
		{"nothing at all", func(m fstest.MapFS) { clear(m) }, "function.json"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			files, dir := copied(t), t.TempDir()
			c.change(files)
			app, err := NewApp(&Settings{DataDir: dir}, slog.New(slog.DiscardHandler), files)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Fatalf("got %v, want an error with %q", err, c.want)
			}
			if app != nil {
				t.Error("an App beside an error")
			}
			local, err := localstore.Open(dir)
			if err != nil {
				t.Fatalf("the data directory is held: %v", err)
			}
			_ = local.Close()
		})
	}
}

func TestAServerThatFailsEndsTheRun(t *testing.T) {
	app, err := NewApp(&Settings{DataDir: t.TempDir()}, slog.New(slog.DiscardHandler), functions.FS)
	if err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = listener.Close()
	if err := app.Serve(t.Context(), listener); err == nil {
		t.Error("Serve on a closed listener ended without an error")
	}
}

func TestCallsInProgressAreFinishedBeforeTheEnd(t *testing.T) {
	entered, leave := make(chan struct{}), make(chan struct{})
	upstream, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		close(entered)
		<-leave
		_, _ = io.WriteString(w, "late")
	})}
	defer server.Close()
	go func() { _ = server.Serve(upstream) }()
	p := start(t, map[string]string{"CALLOUT_EGRESS_ALLOW": "127.0.0.1/32", "CALLOUT_EGRESS_HTTP": "true"})
	config := fmt.Sprintf(`{"endpoint":"http://%s/","method":"GET","approval":"none"}`, upstream.Addr())
	if status, code := p.call(t, "PUT", "/api/configs/slow", config); status != 201 {
		t.Fatalf("%d %s", status, code)
	}
	answered := make(chan error, 1)
	go func() {
		status, _, err := p.try("POST", "/api/execute/slow", "")
		if err == nil && status != 200 {
			err = fmt.Errorf("the call is answered %d", status)
		}
		answered <- err
	}()
	<-entered
	p.end()
	select {
	case err := <-p.done:
		t.Fatalf("Callout ended in the middle of a call: %v", err)
	default:
	}
	close(leave)
	if err := <-answered; err != nil {
		t.Error(err)
	}
	if err := p.wait(t); err != nil {
		t.Error(err)
	}
}
