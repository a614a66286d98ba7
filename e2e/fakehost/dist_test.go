package fakehost

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

const proxyingHostJSON = `{
	"version": "2.0",
	"customHandler": {
		"description": {"defaultExecutablePath": "handler"},
		"enableProxyingHttpRequest": true
	}
}`

// files of a packaged folder by path.
type files map[string]string

// newDist writes a packaged folder whose handler is the test binary. A file
// that is empty is left out, so that a test can take host.json away.
func newDist(t testing.TB, given files) string {
	t.Helper()
	dir := t.TempDir()
	binary, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(binary, filepath.Join(dir, "handler")); err != nil {
		t.Fatal(err)
	}
	all := files{"host.json": proxyingHostJSON}
	maps.Copy(all, given)
	for name, content := range all {
		if content == "" {
			continue
		}
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

// httpTrigger is a function.json for a level, a route and methods.
func httpTrigger(level, route string, methods ...string) string {
	trigger := map[string]any{"type": "httpTrigger", "direction": "in", "name": "req", "authLevel": level}
	if route != "" {
		trigger["route"] = route
	}
	if methods != nil {
		trigger["methods"] = methods
	}
	out := map[string]any{"type": "http", "direction": "out", "name": "res"}
	data, _ := json.Marshal(map[string]any{"bindings": []any{trigger, out}})
	return string(data)
}

const timerTrigger = `{"bindings": [{"type": "timerTrigger", "direction": "in", "name": "timer", "schedule": "0 */5 * * * *"}]}`

// everything is an app in which anybody can call what the test handler offers.
func everything() files {
	return files{
		"all/function.json":     httpTrigger("anonymous", "{*rest}"),
		"tick/function.json":    timerTrigger,
		"broken/function.json":  timerTrigger,
		"garbled/function.json": timerTrigger,
	}
}

// start hosts the files with the test handler doing as worker says.
func start(t testing.TB, worker string, given files, opts Options) *Host {
	t.Helper()
	opts.Dir = newDist(t, given)
	opts.Env = append(opts.Env, workerVariable+"="+worker)
	return New(t, opts)
}

// deadline bounds what should take milliseconds, so that a fault ends the test.
func deadline(t testing.TB) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	t.Cleanup(cancel)
	return ctx
}

// send writes the request as it stands, which http.Client would not, and
// returns the answer with its whole body. Lines end in "\n" in request.
func send(t testing.TB, h *Host, request string) (*http.Response, string) {
	t.Helper()
	response, err := exchange(deadline(t), h, request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response, string(body)
}

func exchange(ctx context.Context, h *Host, request string) (*http.Response, error) {
	conn, err := net.Dial("tcp4", strings.TrimPrefix(h.URL(), "http://"))
	if err != nil {
		return nil, err
	}
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	head, body, _ := strings.Cut(request, "\n\n")
	if !strings.Contains(head, "\nHost:") {
		head += "\nHost: callout.example"
	}
	head = strings.ReplaceAll(head, "\n", "\r\n")
	if _, err := fmt.Fprintf(conn, "%s\r\n\r\n%s", head, body); err != nil {
		return nil, err
	}
	method, _, _ := strings.Cut(request, " ")
	response, err := http.ReadResponse(bufio.NewReader(conn), &http.Request{Method: method})
	if err != nil {
		return nil, err
	}
	response.Body = closeBoth{response.Body, conn, stop}
	return response, nil
}

// closeBoth closes the connection with the body.
type closeBoth struct {
	io.Reader
	conn net.Conn
	stop func() bool
}

func (c closeBoth) Close() error {
	c.stop()
	return c.conn.Close()
}

// ask sends a request to the echoing handler and returns what it received.
func ask(t testing.TB, h *Host, request string) received {
	t.Helper()
	response, body := send(t, h, request)
	if response.StatusCode != http.StatusOK {
		t.Fatalf("%d %s", response.StatusCode, body)
	}
	var got received
	if err := json.Unmarshal([]byte(body), &got); err != nil {
		t.Fatalf("%v in %s", err, body)
	}
	return got
}

// statusOf sends a request and returns the status of the answer.
func statusOf(t testing.TB, h *Host, request string) int {
	t.Helper()
	response, _ := send(t, h, request)
	return response.StatusCode
}

// await waits for a status of the handler.
func await(t testing.TB, h *Host, ok func(Status) bool) Status {
	t.Helper()
	status, err := h.Await(deadline(t), ok)
	if err != nil {
		t.Fatalf("%v: the handler is %+v", err, status)
	}
	return status
}

// lineFeed makes OnLine a channel, on which next waits for a text.
type lineFeed chan Line

func newLineFeed() lineFeed { return make(chan Line, 1000) }

func (f lineFeed) onLine(line Line) { f <- line }

func (f lineFeed) next(t testing.TB, text string) {
	t.Helper()
	ctx := deadline(t)
	for {
		select {
		case line := <-f:
			if line.Text == text {
				return
			}
		case <-ctx.Done():
			t.Fatalf("no line %q came", text)
		}
	}
}

// count returns how many lines of the log have the text.
func count(lines []Line, text string) int {
	n := 0
	for _, line := range lines {
		if line.Text == text {
			n++
		}
	}
	return n
}
