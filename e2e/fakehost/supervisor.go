package fakehost

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"sync"
	"time"
)

// State is what the host makes of its handler.
type State string

// The states. Ready is the only one in which requests are answered. Requests
// wait during Starting and Restarting. Dead is for good: the handler exited
// with 0. So is Stopped: it failed three times, or Stop was called.
const (
	Starting   State = "starting"
	Ready      State = "ready"
	Restarting State = "restarting"
	Dead       State = "dead"
	Stopped    State = "stopped"
)

// Status is what is known of the handler at one moment.
type Status struct {
	State State
	// Pid is the process id, 0 when there is no process.
	Pid int
	// Restarts counts starts after the first.
	Restarts int
	// Failures counts those that the next one is added to, 3 at most.
	Failures int
	// Why says how the last process ended.
	Why string
}

// isSettled reports whether waiting is over: the handler is ready, or never
// will be.
func (s Status) isSettled() bool { return s.State != Starting && s.State != Restarting }

// Exit codes with a meaning of their own.
const (
	exitSuccess = 0
	exitRestart = 200
)

// supervisor keeps one process alive, by the rules of
// HttpFunctionInvocationDispatcher and WorkerProcess.
type supervisor struct {
	program program
	lines   *recorder
	limit   time.Duration
	now     func() time.Time

	mu      sync.Mutex
	status  Status
	process *os.Process
	changed chan struct{}
}

func newSupervisor(p program, lines *recorder, opts Options) *supervisor {
	return &supervisor{
		program: p,
		lines:   lines,
		limit:   opts.ReadyTimeout,
		now:     opts.Now,
		status:  Status{State: Starting},
		changed: make(chan struct{}),
	}
}

// run starts the process, and again as long as the rules say so.
func (s *supervisor) run(ctx context.Context) {
	// The process dies with the thread that started it (see childAttributes),
	// so the thread must be kept.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	var failed failures
	for s.runOnce(ctx, &failed) {
	}
}

// runOnce runs one process to its end, and reports whether to start another.
func (s *supervisor) runOnce(ctx context.Context, failed *failures) bool {
	end := s.runProcess(ctx)
	switch {
	case ctx.Err() != nil:
		s.ended(Stopped, *failed, "the host was stopped")
		return false
	case end.err == nil && end.code == exitSuccess:
		s.ended(Dead, *failed, "the handler exited with code 0, after which it is never started again")
		return false
	case end.err == nil && end.code == exitRestart:
		s.ended(Restarting, *failed, end.String())
		return true
	case failed.add(s.now()) < maxFailures:
		s.ended(Restarting, *failed, end.String())
		return true
	}
	s.ended(Stopped, *failed, fmt.Sprintf("the handler failed %d times, at last because %s", maxFailures, end))
	return false
}

// ended records the end of a process. A Restarting handler is counted at once,
// so that a status never shows the new process with the old count.
func (s *supervisor) ended(state State, failed failures, why string) {
	s.update(func(status *Status) {
		*status = Status{State: state, Restarts: status.Restarts, Failures: failed.count, Why: why}
		if state == Restarting {
			status.Restarts++
		}
		s.process = nil
	})
}

func (s *supervisor) started(process *os.Process) {
	s.update(func(status *Status) {
		status.Pid = process.Pid
		s.process = process
	})
}

func (s *supervisor) ready() {
	s.update(func(status *Status) { status.State = Ready })
}

// update changes the status and wakes everyone who awaits one.
func (s *supervisor) update(change func(*Status)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change(&s.status)
	close(s.changed)
	s.changed = make(chan struct{})
}

func (s *supervisor) current() Status {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.status
}

func (s *supervisor) await(ctx context.Context, ok func(Status) bool) (Status, error) {
	for {
		s.mu.Lock()
		status, changed := s.status, s.changed
		s.mu.Unlock()
		if ok(status) {
			return status, nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return status, ctx.Err()
		}
	}
}

func (s *supervisor) kill() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.process == nil {
		return os.ErrProcessDone
	}
	return s.process.Kill()
}

const (
	maxFailures = 3
	quietTime   = 30 * time.Minute
)

// failures is the host's stack of errors. It is emptied when a failure comes
// more than 30 minutes after the one before, never by time alone.
type failures struct {
	count int
	last  time.Time
}

// add counts a failure and returns how many there are now.
func (f *failures) add(now time.Time) int {
	if now.Sub(f.last) > quietTime {
		f.count = 0
	}
	f.count++
	f.last = now
	return f.count
}
