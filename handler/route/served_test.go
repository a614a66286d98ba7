package route

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// everything is the whole table of the design, with those functions that are
// still to come: the rules must hold for them too.
var everything = []Function{
	{Name: "configs", Route: "configs", Methods: []string{"GET", "POST"}, AuthLevel: "function"},
	{Name: "config", Route: "configs/{name}", Methods: []string{"GET", "PUT", "PATCH", "DELETE"}, AuthLevel: "function"},
	{Name: "test", Route: "configs/{name}/test", Methods: []string{"POST"}, AuthLevel: "function"},
	{Name: "test-draft", Route: "test", Methods: []string{"POST"}, AuthLevel: "function"},
	{Name: "import", Route: "import", Methods: []string{"POST"}, AuthLevel: "function"},
	{Name: "execute", Route: "execute/{name}", Methods: []string{"POST"}, AuthLevel: "function"},
	{Name: "tools", Route: "tools", Methods: []string{"GET"}, AuthLevel: "function"},
	{Name: "mcp", Route: "mcp", Methods: []string{"POST"}, AuthLevel: "function"},
	{Name: "execution", Route: "executions/{id}", Methods: []string{"GET"}, AuthLevel: "function"},
	{Name: "executions", Route: "executions", Methods: []string{"GET"}, AuthLevel: "function"},
	{Name: "approvals", Route: "approvals", Methods: []string{"GET"}, AuthLevel: "function"},
	{Name: "approve", Route: "approvals/{id}/approve", Methods: []string{"POST"}, AuthLevel: "function"},
	{Name: "deny", Route: "approvals/{id}/deny", Methods: []string{"POST"}, AuthLevel: "function"},
	{Name: "console", Route: "console/{*file}", Methods: []string{"GET"}, AuthLevel: "anonymous"},
	{Name: "openapi", Route: "openapi.json", Methods: []string{"GET"}, AuthLevel: "anonymous"},
	{Name: "health", Route: "health", Methods: []string{"GET"}, AuthLevel: "anonymous"},
	{Name: "sweep", Timer: "0 */15 * * * *"},
}

// fail writes "<code>: <message>" as an error.
func fail(w http.ResponseWriter, _ *http.Request, status int, code, message string) {
	w.Header().Set("x-ms-error-code", code)
	w.WriteHeader(status)
	_, _ = io.WriteString(w, code+": "+message)
}

// sayWho answers with the function's name and its path parameters.
func sayWho(w http.ResponseWriter, r *http.Request) {
	f, _ := FromContext(r.Context())
	_, _ = fmt.Fprintf(w, "%s name=%q id=%q file=%q", f.Name, r.PathValue("name"), r.PathValue("id"), r.PathValue("file"))
}

func handlersFor(functions []Function) map[string]http.Handler {
	handlers := make(map[string]http.Handler)
	for _, f := range functions {
		handlers[f.Name] = http.HandlerFunc(sayWho)
	}
	return handlers
}

func newHandler(t testing.TB, functions []Function, alone bool) http.Handler {
	t.Helper()
	h, err := New(functions, handlersFor(functions), Options{Alone: alone, Fail: fail})
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// answer is what came back for one request.
type answer struct {
	status int
	header http.Header
	body   string
}

// send writes the request line as it stands, which no HTTP client would.
func send(t testing.TB, server *httptest.Server, method, target string, headers ...string) answer {
	t.Helper()
	conn, err := net.Dial("tcp", server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	if !strings.HasPrefix(strings.Join(headers, "\r\n"), "Host:") {
		headers = append([]string{"Host: localhost"}, headers...)
	}
	_, err = fmt.Fprintf(conn, "%s %s HTTP/1.1\r\n%s\r\nConnection: close\r\nContent-Length: 0\r\n\r\n", method, target, strings.Join(headers, "\r\n"))
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.ReadResponse(bufio.NewReader(conn), &http.Request{Method: method})
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer{response.StatusCode, response.Header, string(body)}
}

func startServer(t testing.TB, alone bool) *httptest.Server {
	t.Helper()
	server := httptest.NewServer(newHandler(t, everything, alone))
	t.Cleanup(server.Close)
	return server
}
