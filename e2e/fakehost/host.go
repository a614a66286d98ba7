package fakehost

import (
	"cmp"
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httputil"
	"slices"
	"strconv"
	"sync"
	"time"
)

// Options say what is hosted and how. Only Dir must be set.
type Options struct {
	// Dir is the script root: the folder that holds host.json.
	Dir string
	// Env is added to the handler's environment, as KEY=value. It wins over
	// the environment of this process, which wins over local.settings.json.
	Env []string
	// Mode overrides host.json.
	Mode Mode
	// Keys are generated where they are not given.
	Keys Keys
	// DisableAuth opens every function, as Core Tools does by default.
	DisableAuth bool
	// Now is the clock that failures are counted by; time.Now by default.
	Now func() time.Time
	// Port is that of URL; 0 lets the system choose one.
	Port int
	// ReadyTimeout is how long a started handler may take to answer; 30 s by
	// default, as in the host.
	ReadyTimeout time.Duration
	// OnLine is called for each line of the log, one at a time. It must not
	// call the Host.
	OnLine func(Line)

	// backoff waits before another attempt in proxying; tests replace it.
	backoff func(ctx context.Context, attempt int) error
}

func (o Options) withDefaults() Options {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.backoff == nil {
		o.backoff = backoff
	}
	o.ReadyTimeout = cmp.Or(o.ReadyTimeout, 30*time.Second)
	return o
}

// Host is a running host with its handler. Its methods may be called from
// several goroutines.
type Host struct {
	app     app
	keys    Keys
	allOpen bool
	lines   *recorder
	worker  *supervisor
	now     func() time.Time
	client  *http.Transport
	proxy   *httputil.ReverseProxy
	server  *http.Server
	url     string
	release func() error

	cancel context.CancelFunc
	done   sync.WaitGroup
	stop   func() error
}

// Start reads opts.Dir, starts the handler and returns once it answers. When
// it does not, the error says why and repeats its last lines. The handler lives
// until Stop or until ctx is done; Stop must be called in either case.
func Start(ctx context.Context, opts Options) (*Host, error) {
	h, err := newHost(opts.withDefaults())
	if err != nil {
		return nil, fmt.Errorf("fakehost: %w", err)
	}
	ctx, h.cancel = context.WithCancel(ctx)
	if err := h.listen(ctx, opts.Port); err != nil {
		h.cancel()
		return nil, fmt.Errorf("fakehost: %w", err)
	}
	h.stop = sync.OnceValue(h.stopAll)
	h.done.Go(func() { h.worker.run(ctx) })
	if err := h.awaitFirstReady(ctx); err != nil {
		_ = h.Stop()
		lines := h.Logs()
		return nil, fmt.Errorf("fakehost: %w%s", err, quote(lines[max(0, len(lines)-5):]))
	}
	return h, nil
}

func newHost(opts Options) (*Host, error) {
	app, err := readApp(opts)
	if err != nil {
		return nil, err
	}
	keys, err := opts.Keys.withGenerated(app.functions)
	if err != nil {
		return nil, err
	}
	port, release, err := reservePort()
	if err != nil {
		return nil, err
	}
	app.program.port = port
	lines := &recorder{onLine: opts.OnLine}
	h := &Host{
		app:     app,
		keys:    keys,
		allOpen: opts.DisableAuth,
		lines:   lines,
		worker:  newSupervisor(app.program, lines, opts),
		now:     opts.Now,
		client:  newTransport(app.mode),
		release: release,
	}
	h.proxy = h.newProxy(opts.backoff)
	return h, nil
}

// listen opens the door for callers. Requests wait until the handler is ready,
// and end with ctx.
func (h *Host) listen(ctx context.Context, port int) error {
	listener, err := net.Listen("tcp4", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
	if err != nil {
		_ = h.release()
		return fmt.Errorf("choose another port, or 0: %w", err)
	}
	h.url = "http://" + listener.Addr().String()
	h.server = &http.Server{
		Handler:     h,
		ConnState:   h.trackConnection,
		BaseContext: func(net.Listener) context.Context { return ctx },
	}
	h.done.Go(func() { _ = h.server.Serve(listener) })
	return nil
}

// trackConnection lets Stop wait for the goroutine of every connection.
func (h *Host) trackConnection(_ net.Conn, state http.ConnState) {
	switch state {
	case http.StateNew:
		h.done.Add(1)
	case http.StateClosed, http.StateHijacked:
		h.done.Done()
	}
}

func (h *Host) awaitFirstReady(ctx context.Context) error {
	limit := h.worker.limit
	limited, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	status, err := h.worker.await(limited, Status.isSettled)
	switch {
	case err == nil && status.State == Ready:
		return nil
	case ctx.Err() != nil:
		return ctx.Err()
	case err != nil:
		return fmt.Errorf("the handler did not answer GET / on 127.0.0.1:%d within %v: let it listen before it does anything else", h.app.program.port, limit)
	}
	return fmt.Errorf("the handler did not start: %s", status.Why)
}

// Stop kills the handler without notice, as the host does, and returns when
// its process and every goroutine are gone. It may be called again.
func (h *Host) Stop() error { return h.stop() }

func (h *Host) stopAll() error {
	h.cancel()
	err := h.server.Close()
	h.done.Wait()
	h.client.CloseIdleConnections()
	return cmp.Or(err, h.release())
}

// URL returns the address of the host without a slash at the end.
func (h *Host) URL() string { return h.url }

// Mode returns the mode in use, never FromHostJSON.
func (h *Host) Mode() Mode { return h.app.mode }

// Functions returns what was found, by name.
func (h *Host) Functions() []Function { return slices.Clone(h.app.functions) }

// FunctionKey returns a key that opens the function and no other: the one named
// default, or else the first by name. It is empty for an unknown function.
func (h *Host) FunctionKey(function string) string { return h.keys.functionKey(function) }

// MasterKey returns the key that opens everything.
func (h *Host) MasterKey() string { return h.keys.Master }

// HostKey returns the key that opens every function below level admin.
func (h *Host) HostKey() string { return h.keys.Host }

// SystemKey returns the system key, which opens what HostKey opens.
func (h *Host) SystemKey() string { return h.keys.System }

// Logs returns every line so far.
func (h *Host) Logs() []Line { return h.lines.all() }

// Status returns what is known of the handler now.
func (h *Host) Status() Status { return h.worker.current() }

// State returns Status().State.
func (h *Host) State() State { return h.Status().State }

// Restarts returns how often the handler was started again.
func (h *Host) Restarts() int { return h.Status().Restarts }

// Pid returns the process id of the handler, 0 when there is none.
func (h *Host) Pid() int { return h.Status().Pid }

// Await returns the first status that satisfies ok, or the error of ctx. It may
// miss a status that another follows at once.
func (h *Host) Await(ctx context.Context, ok func(Status) bool) (Status, error) {
	return h.worker.await(ctx, ok)
}

// Kill kills the handler as a crash or a lack of memory would: the host counts
// a failure and starts it again.
func (h *Host) Kill() error { return h.worker.kill() }
