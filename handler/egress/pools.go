package egress

import (
	"container/list"
	"context"
	"net/http"
	"sync"
)

// maxPools is how many pools of connections are kept: those that were used last.
const maxPools = 256

type poolKey struct{}

// Pooled returns a context whose requests share connections with those of the same
// name only. An answer that an upstream sends too much of waits in its connection,
// and would be taken for that of the next request: it must not be one with another
// credential, whose secrets nobody would look for in it.
func Pooled(ctx context.Context, name string) context.Context {
	return context.WithValue(ctx, poolKey{}, name)
}

// pools are the ways out for one scheme, each with connections of its own.
type pools struct {
	dialer *dialer

	mu     sync.Mutex
	byName map[string]*list.Element
	recent list.List // of *pool, the last used first
}

type pool struct {
	name      string
	transport *http.Transport
}

func newPools(d *dialer) *pools { return &pools{dialer: d, byName: map[string]*list.Element{}} }

// of returns the transport of the pool that ctx names.
func (p *pools) of(ctx context.Context) *http.Transport {
	name, _ := ctx.Value(poolKey{}).(string)
	p.mu.Lock()
	defer p.mu.Unlock()
	if known := p.byName[name]; known != nil {
		p.recent.MoveToFront(known)
		return known.Value.(*pool).transport
	}
	made := &pool{name: name, transport: newTransport(p.dialer)}
	p.byName[name] = p.recent.PushFront(made)
	if p.recent.Len() > maxPools {
		last := p.recent.Remove(p.recent.Back()).(*pool)
		delete(p.byName, last.name)
		go last.transport.CloseIdleConnections() // what is in use ends by itself
	}
	return made.transport
}

func (p *pools) closeIdle() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for e := p.recent.Front(); e != nil; e = e.Next() {
		e.Value.(*pool).transport.CloseIdleConnections()
	}
}
