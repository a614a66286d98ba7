package fault

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"io"
	"log"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"sync"
	"testing"
)

// Options of a proxy. The zero value speaks plain HTTP on both sides and lets
// everything pass.
type Options struct {
	// Rule is what happens to requests until Use says otherwise; nil is nothing.
	Rule Rule
	// TLS serves HTTPS, with a certificate of the proxy's own (see Transport).
	TLS bool
	// Backend reaches the backend; nil is a plain transport. One for https must
	// trust the backend's certificate.
	Backend http.RoundTripper
}

// Proxy is a running proxy. Its methods may be called at any time from any
// goroutine.
type Proxy struct {
	server  *httptest.Server
	backend *url.URL
	forward http.RoundTripper
	closing chan struct{}

	mu       sync.Mutex
	rule     Rule
	number   uint64
	requests []string
	faults   map[Kind]int
}

// Start starts a proxy on a free port of 127.0.0.1 that forwards to the server
// at backend, an http or https URL without a path, and ends with the test.
func Start(t testing.TB, backend string, options Options) *Proxy {
	t.Helper()
	to, err := url.Parse(backend)
	if err != nil {
		t.Fatalf("fault: the backend's address is not a URL: %v", err)
	}
	p := &Proxy{backend: to, forward: options.Backend, closing: make(chan struct{}), faults: map[Kind]int{}}
	if p.forward == nil {
		transport := &http.Transport{MaxIdleConnsPerHost: 64, DisableCompression: true}
		t.Cleanup(transport.CloseIdleConnections)
		p.forward = transport
	}
	p.Use(options.Rule)
	p.serve(options.TLS)
	t.Cleanup(p.close)
	return p
}

func (p *Proxy) serve(withTLS bool) {
	p.server = httptest.NewUnstartedServer(http.HandlerFunc(p.handle))
	p.server.Config.ErrorLog = log.New(io.Discard, "", 0) // resets are meant
	if withTLS {
		p.server.StartTLS()
	} else {
		p.server.Start()
	}
}

func (p *Proxy) close() {
	close(p.closing)
	p.server.CloseClientConnections()
	p.server.Close()
}

// URL returns the proxy's address, without a path.
func (p *Proxy) URL() string { return p.server.URL }

// Address returns host and port of the proxy, for clients that dial it in place
// of another host.
func (p *Proxy) Address() string { return p.server.Listener.Addr().String() }

// Transport returns a transport that trusts the proxy's certificate, whatever
// name the proxy is called by. The caller closes its idle connections.
func (p *Proxy) Transport() *http.Transport {
	transport := &http.Transport{MaxIdleConnsPerHost: 64}
	if certificate := p.server.Certificate(); certificate != nil {
		roots := x509.NewCertPool()
		roots.AddCert(certificate)
		transport.TLSClientConfig = &tls.Config{RootCAs: roots, ServerName: "example.com"} // a name that httptest certifies
	}
	return transport
}

// Use sets what happens to requests from now on; nil is nothing.
func (p *Proxy) Use(rule Rule) {
	if rule == nil {
		rule = Always(Pass())
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.rule = rule
}

// Requests returns the shapes of the requests that came since the start or the
// last Reset, in their order.
func (p *Proxy) Requests() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.requests)
}

// Faults returns how many faults of each kind happened since the start or the
// last Reset.
func (p *Proxy) Faults() map[Kind]int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return maps.Clone(p.faults)
}

// Reset forgets what Requests and Faults count. The numbers of the requests go
// on, and with them the dice.
func (p *Proxy) Reset() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.requests = nil
	clear(p.faults)
}

// note counts a request and decides on it.
func (p *Proxy) note(r *http.Request) Fault {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.number++
	request := Request{Number: p.number, Method: r.Method, Path: r.URL.Path, Query: r.URL.Query()}
	p.requests = append(p.requests, request.Shape())
	f := p.rule(request)
	if !request.IsQuery() && (f.kind == ShortPage || f.kind == EmptyPage) {
		f = Pass()
	}
	if f.kind != None {
		p.faults[f.kind]++
	}
	return f
}

// wait returns true when the gate opens, and false when the client has left
// without a gate to wait for, or the proxy ends.
func (p *Proxy) wait(ctx context.Context, gate <-chan struct{}) bool {
	left := ctx.Done()
	if gate != nil {
		left = nil
	}
	select {
	case <-gate:
		return true
	case <-left:
		return false
	case <-p.closing:
		return false
	}
}
