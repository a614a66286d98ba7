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
	see    func(callout.Stage) // is told each stage; may be nil
	mu     sync.Mutex
	stage  callout.Stage
	handed bool // the request was given to a connection
	wrote  bool // its headers were written, if only to a buffer
}

type (
	progressKey struct{}
	seeKey      struct{}
)

// Watching returns a context whose requests tell see when they come to a stage:
// dns, tcp and tls if there is no connection yet, request, and response once the
// request has been written. A request that net/http sends again begins anew. see
// is called on the goroutine that does the work, and must return at once.
func Watching(ctx context.Context, see func(callout.Stage)) context.Context {
	return context.WithValue(ctx, seeKey{}, see)
}

// watch returns a context for a request that reports to p. Values of the context
// reach the dialer, its deadline and cancellation do not.
func (p *progress) watch(ctx context.Context) context.Context {
	p.see, _ = ctx.Value(seeKey{}).(func(callout.Stage))
	p.to(callout.StageDNS)
	ctx = context.WithValue(ctx, progressKey{}, p)
	return httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GotConn: func(httptrace.GotConnInfo) {
			p.mu.Lock()
			p.handed = true
			p.mu.Unlock()
			p.to(callout.StageRequest)
		},
		WroteHeaders: func() {
			p.mu.Lock()
			defer p.mu.Unlock()
			p.wrote = true
		},
		WroteRequest: func(httptrace.WroteRequestInfo) { p.to(callout.StageResponse) },
	})
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
	if p.see != nil {
		p.see(stage)
	}
}

func (p *progress) now() (stage callout.Stage, handed, wrote bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.stage, p.handed, p.wrote
}
