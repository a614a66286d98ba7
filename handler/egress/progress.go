package egress

import (
	"context"
	"net/http/httptrace"
	"sync"

	"callout/handler/callout"
)

// progress knows how far a request has come. net/http dials on a context of its
// own and reports a time-out without saying during what.
type progress struct {
	safe  bool   // what was written may be written again
	again func() // makes the next connection a new one
	watch Watch  // is told
	mu    sync.Mutex
	stage callout.Stage
	// conns is how often a connection was asked for.
	conns  int
	handed bool // the request was given to a connection
	wrote  bool // its headers were written, if only to a buffer
}

// Watch is told how far a request comes. Its functions are called on the goroutine
// that does the work, and must return at once; each may be nil.
type Watch struct {
	// Stage is told of dns, tcp and tls if there is no connection yet, of request, and
	// of response once the request has been written. A request that net/http sends
	// again begins anew.
	Stage func(callout.Stage)
	// Sent is told each time that the request was written, and with a negative number
	// if it turns out that nothing of it had left.
	Sent func(n int)
}

type (
	progressKey struct{}
	watchKey    struct{}
)

// Watching returns a context whose requests tell w.
func Watching(ctx context.Context, w Watch) context.Context {
	return context.WithValue(ctx, watchKey{}, w)
}

// watching returns a context for a request that reports to p. Values of the context
// reach the dialer, its deadline and cancellation do not.
func (p *progress) watching(ctx context.Context) context.Context {
	p.watch, _ = ctx.Value(watchKey{}).(Watch)
	p.to(callout.StageDNS)
	ctx = context.WithValue(ctx, progressKey{}, p)
	return httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GetConn: func(string) { p.connects() },
		GotConn: func(httptrace.GotConnInfo) {
			p.mu.Lock()
			p.handed = true
			p.mu.Unlock()
			p.to(callout.StageRequest)
		},
		WroteHeaders: func() { p.writes(1) },
		WroteRequest: func(httptrace.WroteRequestInfo) { p.to(callout.StageResponse) },
	})
}

// connects is called before each connection. From the second on, the one before was
// broken: it had been idle, and so may be the others. What changes something is only
// given another if nothing of it was written, whatever a buffer took.
func (p *progress) connects() {
	p.mu.Lock()
	p.conns++
	repeated, taken := p.conns > 1, p.wrote && !p.safe
	if repeated && !p.safe {
		p.handed, p.wrote = false, false
	}
	p.mu.Unlock()
	if repeated {
		p.again()
	}
	if repeated && taken && p.watch.Sent != nil {
		p.watch.Sent(-1)
	}
}

func (p *progress) writes(n int) {
	p.mu.Lock()
	p.wrote = true
	p.mu.Unlock()
	if p.watch.Sent != nil {
		p.watch.Sent(n)
	}
}

// at reports to the progress in ctx, if there is one, that dialling comes to a
// stage. It changes nothing once the request has a connection: a dial that lost
// against a connection which became free goes on in the background.
func at(ctx context.Context, stage callout.Stage) {
	p, ok := ctx.Value(progressKey{}).(*progress)
	if !ok {
		return
	}
	if _, handed, _ := p.now(); !handed {
		p.to(stage)
	}
}

func (p *progress) to(stage callout.Stage) {
	p.mu.Lock()
	p.stage = stage
	p.mu.Unlock()
	if p.watch.Stage != nil {
		p.watch.Stage(stage)
	}
}

func (p *progress) now() (stage callout.Stage, handed, wrote bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.stage, p.handed, p.wrote
}
