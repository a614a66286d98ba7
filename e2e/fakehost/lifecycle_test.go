package fakehost

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"runtime"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// exit has the handler exit with a code, by a request that is not repeated.
func exit(t *testing.T, h *Host, code int) {
	t.Helper()
	statusOf(t, h, fmt.Sprintf("POST /api/exit/%d HTTP/1.1\nContent-Length: 1\n\nx", code))
}

func TestExitCodes(t *testing.T) {
	tests := []struct {
		rule             string
		codes            []int
		state            State
		restarts, failed int
		answer           int
	}{
		{"0 is never restarted", []int{0}, Dead, 0, 0, 502},
		{"200 is restarted and not counted", []int{200, 200, 200, 200}, Ready, 4, 0, 200},
		{"1 is restarted and counted", []int{1}, Ready, 1, 1, 200},
		{"so is any other", []int{201, 2}, Ready, 2, 2, 200},
		{"the third stops the host", []int{1, 2, 3}, Stopped, 2, 3, 503},
		{"200 between them changes nothing", []int{1, 200, 1, 200, 1}, Stopped, 4, 3, 503},
		{"nor is 0 restarted after them", []int{1, 0}, Dead, 1, 1, 502},
	}
	for _, test := range tests {
		t.Run(test.rule, func(t *testing.T) {
			h := start(t, "echo", everything(), Options{})
			for i, code := range test.codes {
				exit(t, h, code)
				await(t, h, func(s Status) bool { return s.Restarts > i || s.State == Dead || s.State == Stopped })
				await(t, h, Status.isSettled)
			}
			got := h.Status()
			if got.State != test.state || got.Restarts != test.restarts || got.Failures != test.failed {
				t.Errorf("got %+v", got)
			}
			if answer := statusOf(t, h, "GET /api/echo HTTP/1.1\n\n"); answer != test.answer {
				t.Errorf("then it answers %d, want %d", answer, test.answer)
			}
			if isAlive := h.Pid() != 0; isAlive != (test.state == Ready) {
				t.Errorf("pid %d", h.Pid())
			}
			if got := count(h.Logs(), "started"); got != test.restarts+1 {
				t.Errorf("started %d times", got)
			}
		})
	}
}

func TestAnAnswerSaysWhyTheHandlerIsGone(t *testing.T) {
	h := start(t, "echo", everything(), Options{})
	exit(t, h, 0)
	await(t, h, func(s Status) bool { return s.State == Dead })
	if _, body := send(t, h, "GET /api/echo HTTP/1.1\n\n"); !strings.Contains(body, "exited with code 0") {
		t.Errorf("got %q", body)
	}
}

func TestAKilledHandlerIsRestarted(t *testing.T) {
	h := start(t, "echo", everything(), Options{})
	pid := h.Pid()
	if err := h.Kill(); err != nil {
		t.Fatal(err)
	}
	got := await(t, h, func(s Status) bool { return s.Restarts == 1 && s.State == Ready })
	if got.Failures != 1 || got.Pid == pid || !strings.Contains(got.Why, "signal") {
		t.Errorf("got %+v", got)
	}
}

func TestFailuresAreForgotten(t *testing.T) {
	tests := []struct {
		rule    string
		minutes []time.Duration
		want    int
	}{
		{"three at once", []time.Duration{0, 0, 0}, 3},
		{"30 minutes are not quiet enough", []time.Duration{0, 30, 30}, 3},
		{"31 are", []time.Duration{0, 0, 31}, 1},
		{"the time since the last one counts", []time.Duration{0, 20, 20}, 3},
	}
	for _, test := range tests {
		t.Run(test.rule, func(t *testing.T) {
			now := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
			var failed failures
			for _, minutes := range test.minutes {
				now = now.Add(minutes * time.Minute)
				failed.add(now)
			}
			if failed.count != test.want {
				t.Errorf("got %d, want %d", failed.count, test.want)
			}
		})
	}
}

func TestTheClockIsThatOfOptions(t *testing.T) {
	var minutes atomic.Int64
	noon := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	h := start(t, "echo", everything(), Options{Now: func() time.Time {
		return noon.Add(time.Duration(minutes.Load()) * time.Minute)
	}})
	for i, pause := range []int64{0, 1, 31, 1} {
		minutes.Add(pause)
		exit(t, h, 1)
		await(t, h, func(s Status) bool { return s.Restarts == i+1 && s.State == Ready })
	}
	exit(t, h, 1)
	await(t, h, func(s Status) bool { return s.State == Stopped })
}

// gate is where a handler connects, and waits until it is let through.
type gate struct {
	net.Listener
	t *testing.T
}

func newGate(t *testing.T) gate {
	listener, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	return gate{listener, t}
}

func (g gate) env() []string { return []string{gateVariable + "=" + g.Addr().String()} }

// arrival returns the connection of a handler, which waits until it is closed.
func (g gate) arrival() net.Conn {
	g.t.Helper()
	until, _ := deadline(g.t).Deadline()
	_ = g.Listener.(*net.TCPListener).SetDeadline(until)
	conn, err := g.Accept()
	if err != nil {
		g.t.Fatal(err)
	}
	_ = conn.SetDeadline(until)
	return conn
}

// letOneThrough opens the gate for the next handler.
func (g gate) letOneThrough() {
	go func() {
		conn, err := g.Accept()
		if err != nil {
			g.t.Error(err)
			return
		}
		_ = conn.Close()
	}()
}

func TestStartWaitsUntilTheHandlerAnswers(t *testing.T) {
	g := newGate(t)
	started := make(chan *Host, 1)
	go func() {
		h, err := Start(context.Background(), Options{Dir: newDist(t, everything()), Env: append(g.env(), workerVariable+"=gate")})
		if err != nil {
			t.Error(err)
		}
		started <- h
	}()
	handler := g.arrival()
	select {
	case <-started:
		t.Error("Start did not wait")
	default:
	}
	_ = handler.Close()
	h := <-started
	if h == nil {
		return
	}
	defer h.Stop()
	if got := h.State(); got != Ready {
		t.Errorf("it is %s", got)
	}
}

func TestRequestsWaitForTheRestart(t *testing.T) {
	g := newGate(t)
	g.letOneThrough()
	h := start(t, "gate", everything(), Options{Env: g.env()})
	if err := h.Kill(); err != nil {
		t.Fatal(err)
	}
	handler := g.arrival()
	if got := h.State(); got != Restarting {
		t.Errorf("it is %s", got)
	}
	answered := make(chan int, 1)
	go func() {
		response, err := exchange(deadline(t), h, "POST /api/echo HTTP/1.1\nContent-Length: 2\n\n{}")
		if err != nil {
			t.Error(err)
			answered <- 0
			return
		}
		answered <- response.StatusCode
	}()
	_ = handler.Close()
	if got := <-answered; got != http.StatusOK {
		t.Errorf("got %d", got)
	}
}

func TestAHandlerThatDoesNotStart(t *testing.T) {
	tests := []struct {
		rule, worker string
		env          string
		started      int
		want         []string
	}{
		{"it never answers", "mute", "", 1, []string{"did not answer GET / on 127.0.0.1:", "within 300ms", "let it listen before"}},
		{"it fails three times", "exit", codeVariable + "=1", 3, []string{"did not start", "failed 3 times", "code 1", "Error: a setting is missing"}},
		{"it exits with 0", "exit", codeVariable + "=0", 1, []string{"did not start", "code 0", "never started again"}},
	}
	for _, test := range tests {
		t.Run(test.rule, func(t *testing.T) {
			recorder := &recorder{}
			opts := Options{
				Dir: newDist(t, everything()),
				Env: []string{workerVariable + "=" + test.worker, test.env},
				OnLine: func(line Line) {
					recorder.record(line.Stream, line.Text)
				},
			}
			if test.worker == "mute" {
				opts.ReadyTimeout = 300 * time.Millisecond
			}
			_, err := Start(t.Context(), opts)
			for _, want := range test.want {
				if err == nil || !strings.Contains(err.Error(), want) {
					t.Errorf("%q is missing in: %v", want, err)
				}
			}
			if got := count(recorder.all(), "started"); test.worker == "exit" && got != test.started {
				t.Errorf("started %d times, want %d", got, test.started)
			}
		})
	}
}

func TestAFileThatIsNoProgram(t *testing.T) {
	dir := newDist(t, everything())
	handler := dir + "/handler"
	if err := os.Remove(handler); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(handler, []byte("not a program"), 0o755); err != nil {
		t.Fatal(err)
	}
	_, err := Start(t.Context(), Options{Dir: dir})
	if err == nil || !strings.Contains(err.Error(), "could not be started") {
		t.Errorf("got %v", err)
	}
}

// A restarted handler that is not ready in time counts as a failure.
func TestARestartThatIsNotReadyInTime(t *testing.T) {
	g := newGate(t)
	g.letOneThrough()
	h := start(t, "gate", everything(), Options{Env: g.env(), ReadyTimeout: 2 * time.Second})
	h.worker.limit = 50 * time.Millisecond
	if err := h.Kill(); err != nil {
		t.Fatal(err)
	}
	got := await(t, h, func(s Status) bool { return s.State == Stopped })
	if got.Failures != 3 || !strings.Contains(got.Why, "did not answer GET / within 50ms") {
		t.Errorf("got %+v", got)
	}
}

func TestTheLimitIsThatOfTheHost(t *testing.T) {
	if got := (Options{}).withDefaults().ReadyTimeout; got != 30*time.Second {
		t.Errorf("got %v", got)
	}
}

func TestAPortThatIsTaken(t *testing.T) {
	taken, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	_, err = Start(t.Context(), Options{Dir: newDist(t, everything()), Port: taken.Addr().(*net.TCPAddr).Port})
	if err == nil || !strings.Contains(err.Error(), "choose another port") {
		t.Errorf("got %v", err)
	}
}

func TestStopLeavesNothing(t *testing.T) {
	for _, mode := range []Mode{Forwarding, Proxying} {
		t.Run(mode.String(), func(t *testing.T) {
			lines := newLineFeed()
			h := start(t, "echo", everything(), Options{Mode: mode, OnLine: lines.onLine})
			pid := h.Pid()
			cut := make(chan struct{})
			go func() {
				defer close(cut)
				if response, err := exchange(deadline(t), h, "GET /api/stream HTTP/1.1\n\n"); err == nil {
					_ = response.Body.Close()
				}
			}()
			lines.next(t, "first line sent")
			for range 2 {
				if err := h.Stop(); err != nil {
					t.Error(err)
				}
			}
			<-cut
			// Its parent, which this process is, has waited for it.
			if err := syscall.Kill(pid, 0); err != syscall.ESRCH {
				t.Errorf("the process is there: %v", err)
			}
			if got := h.Status(); got.State != Stopped || got.Pid != 0 {
				t.Errorf("got %+v", got)
			}
			if err := h.Kill(); err == nil {
				t.Error("something was killed")
			}
			noGoroutines(t)
		})
	}
}

// noGoroutines waits until no goroutine runs our code or a server's or
// client's. Those of closed client connections end a moment after Stop.
func noGoroutines(t *testing.T) {
	t.Helper()
	ctx := deadline(t)
	for {
		left := ours()
		if left == "" {
			return
		}
		select {
		case <-time.After(5 * time.Millisecond):
		case <-ctx.Done():
			t.Fatalf("still running:\n%s", left)
		}
	}
}

func ours() string {
	stacks := make([]byte, 1<<20)
	stacks = stacks[:runtime.Stack(stacks, true)]
	for stack := range strings.SplitSeq(string(stacks), "\n\n") {
		if strings.Contains(stack, "noGoroutines") || strings.Contains(stack, "testing.(*T).Run") {
			continue
		}
		for _, of := range []string{"callout/e2e/fakehost.", "net/http.", "os/exec."} {
			if strings.Contains(stack, of) {
				return stack
			}
		}
	}
	return ""
}

func TestTheEndOfTheContextEndsTheHandler(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	h, err := Start(ctx, Options{Dir: newDist(t, everything()), Env: []string{workerVariable + "=echo"}})
	if err != nil {
		t.Fatal(err)
	}
	defer h.Stop()
	cancel()
	if got := await(t, h, func(s Status) bool { return s.Pid == 0 }); got.State != Stopped {
		t.Errorf("got %+v", got)
	}
}

func TestACallerWhoGivesUpStarting(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	_, err := Start(ctx, Options{
		Dir:    newDist(t, everything()),
		Env:    []string{workerVariable + "=mute"},
		OnLine: func(Line) { cancel() },
	})
	if err == nil || !strings.Contains(err.Error(), context.Canceled.Error()) {
		t.Errorf("got %v", err)
	}
}

// The port belongs to the handler while none listens there.
func TestThePortIsReserved(t *testing.T) {
	port, release, err := reservePort()
	if err != nil {
		t.Fatal(err)
	}
	defer release()
	address := fmt.Sprintf("127.0.0.1:%d", port)
	for range 2 {
		if conn, err := net.Dial("tcp4", address); err == nil {
			t.Fatalf("someone answers: %v", conn.RemoteAddr())
		}
		listener, err := net.Listen("tcp4", address)
		if err != nil {
			t.Fatalf("the handler could not listen: %v", err)
		}
		conn, err := net.Dial("tcp4", address)
		if err != nil {
			t.Fatal(err)
		}
		_ = conn.Close()
		_ = listener.Close()
	}
}
