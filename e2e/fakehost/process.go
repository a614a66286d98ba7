package fakehost

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os/exec"
	"strconv"
	"time"
)

// program is what is started, and where it is told to listen.
type program struct {
	path string
	args []string
	// root is the script root, dir the working directory: the same unless
	// host.json says otherwise.
	root, dir string
	env       []string
	// port stays the same over restarts, as in the host.
	port int
}

func (p program) address() string {
	return net.JoinHostPort("127.0.0.1", strconv.Itoa(p.port))
}

// environment adds what the host sets. Of a name that is given twice the last
// value counts.
func (p program) environment() []string {
	return append(p.env[:len(p.env):len(p.env)],
		"FUNCTIONS_CUSTOMHANDLER_PORT="+strconv.Itoa(p.port),
		"FUNCTIONS_CUSTOMHANDLER_WORKER_ID="+newID(),
		"FUNCTIONS_APP_ROOT_PATH="+p.root,
	)
}

// ending says how a process ended.
type ending struct {
	code int
	// err is set when the process could not be started, or was killed because
	// it did not become ready.
	err error
}

// String completes "because …".
func (e ending) String() string {
	switch {
	case e.err != nil:
		return e.err.Error()
	case e.code < 0:
		return "it was killed by a signal"
	}
	return fmt.Sprintf("it exited with code %d", e.code)
}

// holdingPipes is how long a process that the handler left behind may keep its
// output open.
const holdingPipes = 2 * time.Second

// runProcess starts the program and returns when it has ended, its lines are
// recorded and nobody asks for readiness any more. When ctx is done it is killed.
func (s *supervisor) runProcess(ctx context.Context) ending {
	ctx, kill := context.WithCancelCause(ctx)
	defer kill(nil)
	stdout := &lineWriter{recorder: s.lines, stream: Stdout}
	stderr := &lineWriter{recorder: s.lines, stream: Stderr}
	cmd := exec.CommandContext(ctx, s.program.path, s.program.args...)
	cmd.Dir, cmd.Env = s.program.dir, s.program.environment()
	cmd.Stdout, cmd.Stderr = stdout, stderr
	cmd.SysProcAttr = childAttributes()
	cmd.WaitDelay = holdingPipes
	if err := cmd.Start(); err != nil {
		return ending{err: fmt.Errorf("it could not be started: %w", err)}
	}
	s.started(cmd.Process)
	stopAsking := s.askReadiness(ctx, kill)
	// The exit code says what the error does.
	_ = cmd.Wait()
	stopAsking()
	stdout.flush()
	stderr.flush()
	if cause := context.Cause(ctx); errors.Is(cause, errNotReady) {
		return ending{err: cause}
	}
	return ending{code: cmd.ProcessState.ExitCode()}
}

var errNotReady = errors.New("it did not answer GET /")

// askReadiness marks the handler as ready when it answers, or kills it when the
// time is over. The function it returns ends this and waits for the end.
func (s *supervisor) askReadiness(ctx context.Context, kill context.CancelCauseFunc) (stop func()) {
	ctx, cancel := context.WithTimeout(ctx, s.limit)
	done := make(chan struct{})
	go func() {
		defer close(done)
		switch err := awaitAnswer(ctx, "http://"+s.program.address()+"/"); {
		case err == nil:
			s.ready()
		case errors.Is(err, context.DeadlineExceeded):
			kill(fmt.Errorf("%w within %v", errNotReady, s.limit))
		}
	}()
	return func() {
		cancel()
		<-done
	}
}

// pollInterval is WorkerReadyCheckPollingIntervalMilliseconds.
const pollInterval = 25 * time.Millisecond

// awaitAnswer asks until there is an answer, whatever its status.
func awaitAnswer(ctx context.Context, url string) error {
	transport := &http.Transport{DisableKeepAlives: true}
	for {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
		if err != nil {
			return err
		}
		if response, err := transport.RoundTrip(request); err == nil {
			_, _ = io.Copy(io.Discard, response.Body)
			return response.Body.Close()
		}
		select {
		case <-time.After(pollInterval):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
