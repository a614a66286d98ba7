package fakehost

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// The test binary is also the handler: newDist links it under that name, and
// this variable says what it is to do.
const (
	workerVariable = "FAKEHOST_TEST_WORKER"
	codeVariable   = "FAKEHOST_TEST_CODE"
	gateVariable   = "FAKEHOST_TEST_GATE"
)

func TestMain(m *testing.M) {
	switch os.Getenv(workerVariable) {
	case "":
		// A handler that ran the tests would start handlers that run the tests.
		if os.Getenv("FUNCTIONS_CUSTOMHANDLER_PORT") != "" {
			panic("a handler is started without " + workerVariable)
		}
		os.Exit(m.Run())
	case "echo":
		serveWorker()
	case "exit":
		fmt.Println("started")
		fmt.Fprint(os.Stderr, "a setting is missing")
		os.Exit(exitCode(os.Getenv(codeVariable)))
	case "mute":
		fmt.Println("started")
		listenElsewhere()
	case "gate":
		_, _ = io.Copy(io.Discard, dialGate())
		serveWorker()
	case "hold":
		go func(held net.Conn) { _, _ = io.Copy(io.Discard, held) }(dialGate())
		serveWorker()
	case "parent":
		hostThenWait()
	}
}

func exitCode(text string) int {
	code, err := strconv.Atoi(text)
	if err != nil {
		panic(err)
	}
	return code
}

// listenElsewhere is a process that never answers where the host asks.
func listenElsewhere() {
	listener, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	_, _ = listener.Accept()
}

func dialGate() net.Conn {
	conn, err := net.Dial("tcp4", os.Getenv(gateVariable))
	if err != nil {
		panic(err)
	}
	return conn
}

// hostThenWait is a process with a host that nobody will stop.
func hostThenWait() {
	_, err := Start(context.Background(), Options{Dir: os.Args[1], Env: []string{workerVariable + "=hold"}})
	fmt.Println("hosting", err)
	_, _ = io.Copy(io.Discard, os.Stdin)
}

// received is what the handler saw of a request.
type received struct {
	Method, URI, Host, Body, From string
	Length                        int64
	Header                        http.Header
}

func serveWorker() {
	fmt.Println("started")
	released := sync.OnceFunc(func() { close(release) })
	mux := http.NewServeMux()
	mux.HandleFunc("/api/exit/{code}", exitWorker)
	mux.HandleFunc("/api/once", dieOnce)
	mux.HandleFunc("/api/stream", streamWorker)
	mux.HandleFunc("/api/release", func(http.ResponseWriter, *http.Request) { released() })
	mux.HandleFunc("/api/upload", uploadWorker)
	mux.HandleFunc("/api/log", logWorker)
	mux.HandleFunc("/api/environment", environmentWorker)
	mux.HandleFunc("POST /tick", tickWorker)
	mux.HandleFunc("POST /broken", func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusInternalServerError)
		_, _ = io.WriteString(w, `{"Outputs":{},"Logs":["never seen"],"ReturnValue":null}`)
	})
	mux.HandleFunc("POST /garbled", func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, "done") })
	panic(http.ListenAndServe("127.0.0.1:"+os.Getenv("FUNCTIONS_CUSTOMHANDLER_PORT"), echoOr(mux)))
}

// echoOr keeps ServeMux away from the other paths, which it would clean.
func echoOr(mux *http.ServeMux) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(strings.ToLower(r.URL.Path), "/api/echo") || r.URL.Path == "/" {
			echoWorker(w, r)
			return
		}
		mux.ServeHTTP(w, r)
	})
}

func echoWorker(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	w.Header().Set("X-Answer", "yes")
	w.Header().Set("Keep-Alive", "timeout=9")
	if status, err := strconv.Atoi(r.Header.Get("X-Status")); err == nil {
		w.WriteHeader(status)
	}
	_ = json.NewEncoder(w).Encode(received{
		Method: r.Method, URI: r.RequestURI, Host: r.Host, Body: string(body), From: r.RemoteAddr, Length: r.ContentLength, Header: r.Header,
	})
}

func exitWorker(_ http.ResponseWriter, r *http.Request) {
	fmt.Println("asked to exit")
	os.Exit(exitCode(r.PathValue("code")))
}

// dieOnce dies in the first process and answers in the next.
func dieOnce(w http.ResponseWriter, r *http.Request) {
	fmt.Println("asked once")
	if _, err := os.Stat("died"); err == nil {
		echoWorker(w, r)
		return
	}
	if err := os.WriteFile("died", nil, 0o600); err != nil {
		panic(err)
	}
	os.Exit(1)
}

var release = make(chan struct{})

// streamWorker sends its second line only after /api/release was called. The
// query says whether it tells the length beforehand.
func streamWorker(w http.ResponseWriter, r *http.Request) {
	if length := r.URL.Query().Get("length"); length != "" {
		w.Header().Set("Content-Length", length)
	}
	_, _ = io.WriteString(w, "first\n")
	_ = http.NewResponseController(w).Flush()
	fmt.Println("first line sent")
	<-release
	_, _ = io.WriteString(w, "second\n")
}

// uploadWorker says what it has read as soon as it has.
func uploadWorker(w http.ResponseWriter, r *http.Request) {
	lines := bufio.NewScanner(r.Body)
	for lines.Scan() {
		fmt.Println("read " + lines.Text())
	}
}

// logWorker writes the body to the stream that the query names.
func logWorker(w http.ResponseWriter, r *http.Request) {
	stream := os.Stdout
	if r.URL.Query().Get("to") == "stderr" {
		stream = os.Stderr
	}
	_, _ = io.Copy(stream, r.Body)
}

func environmentWorker(w http.ResponseWriter, _ *http.Request) {
	environment := map[string]string{}
	for _, pair := range os.Environ() {
		name, value, _ := strings.Cut(pair, "=")
		environment[name] = value
	}
	environment["working directory"], _ = os.Getwd()
	environment["arguments"] = strings.Join(os.Args[1:], " ")
	_ = json.NewEncoder(w).Encode(environment)
}

// tickWorker returns the envelope that it was sent.
func tickWorker(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	_ = json.NewEncoder(w).Encode(map[string]any{
		"Outputs":     map[string]any{"path": r.RequestURI},
		"Logs":        []string{"swept 3 rows", "warn: one was locked"},
		"ReturnValue": json.RawMessage(body),
	})
}
