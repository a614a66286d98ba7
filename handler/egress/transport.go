package egress

import (
	"context"
	"crypto/x509"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"callout/handler/callout"
)

// MaxHeaderBytes is how many bytes the headers of an answer may have.
const MaxHeaderBytes = 64 << 10

const (
	defaultTimeout = 5 * time.Second
	// maxIdle is below the four minutes after which Azure's load balancer
	// forgets an idle connection without telling either end.
	maxIdle        = 90 * time.Second
	maxIdlePerHost = 16
)

// Options say how a Client reaches the network. The zero value is ready to use.
type Options struct {
	Policy      Policy
	Resolver    Resolver       // nil: net.DefaultResolver
	RootCAs     *x509.CertPool // authorities to trust; nil: those of the system
	DialTimeout time.Duration  // for a lookup, and again for connecting; 0: 5 s
	TLSTimeout  time.Duration  // for a TLS handshake; 0: 5 s
	// Dial opens a connection in place of a socket, for tests. It is given
	// addresses only, after the policy has permitted each. nil: a net.Dialer whose
	// sockets ask the policy themselves.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
}

// Client sends requests to the destinations that its Policy permits. It is an
// http.RoundTripper and may be used by many goroutines at once.
type Client struct {
	policy *Policy
	lanes  map[string]*pools // by scheme
}

// New returns a Client. It opens nothing until it is used.
func New(o Options) *Client {
	if o.Resolver == nil {
		o.Resolver = net.DefaultResolver
	}
	if o.DialTimeout <= 0 {
		o.DialTimeout = defaultTimeout
	}
	if o.TLSTimeout <= 0 {
		o.TLSTimeout = defaultTimeout
	}
	c := &Client{policy: &o.Policy, lanes: map[string]*pools{}}
	// The schemes have transports of their own, so that a dial guard knows for which
	// of the two it decides.
	for _, scheme := range []string{"https", "http"} {
		c.lanes[scheme] = newPools(newDialer(c.policy, scheme, o))
	}
	return c
}

func newTransport(d *dialer) *http.Transport {
	return &http.Transport{
		Proxy:                  nil, // the environment's proxy would dial for us, unguarded
		DialContext:            d.DialContext,
		DialTLSContext:         d.DialTLSContext,
		Protocols:              onlyHTTP1(),
		DisableCompression:     true, // its decompression has no limit
		MaxResponseHeaderBytes: MaxHeaderBytes,
		MaxIdleConnsPerHost:    maxIdlePerHost,
		IdleConnTimeout:        maxIdle,
	}
}

// onlyHTTP1 leaves HTTP/2 out, which every API can do without: the usual clients
// of Python and Node speak none. In net/http of Go 1.26.8 a single frame of a
// hostile upstream, a WINDOW_UPDATE over the limit, stops the requests to all hosts
// for good, whatever their contexts say, and a server that goes away before each
// request has it sent again without end.
func onlyHTTP1() *http.Protocols {
	p := &http.Protocols{}
	p.SetHTTP1(true)
	return p
}

// CheckURL is Policy.CheckURL with the client's policy.
func (c *Client) CheckURL(raw string) (*url.URL, error) { return c.policy.CheckURL(raw) }

// RoundTrip sends one request and returns the answer, whatever its status; a
// redirect is returned and never followed. It asks for gzip itself, and the body
// of the answer is decoded as it is read. The Host header is always that of the
// URL. Each step of connecting has its own time limit; the context of the
// request limits the whole, the reading of the body included.
//
// Every error is an *Error. Reading the body gives one too if the decoding
// fails; pass other errors of reading to Classify, or use ReadBody.
//
// Like every http.Transport, it sends a request again by itself, on a new
// connection, if a reused one broke and nothing had been written, or the method is
// GET; a GET no more than once. Watch tells of it.
func (c *Client) RoundTrip(req *http.Request) (*http.Response, error) {
	out, progress, err := c.prepare(req)
	if err != nil {
		if req.Body != nil {
			_ = req.Body.Close() // a RoundTripper closes it, also when it fails
		}
		return nil, err
	}
	transport := c.lanes[out.URL.Scheme].of(req.Context())
	progress.again = transport.CloseIdleConnections
	resp, err := transport.RoundTrip(out)
	if err != nil {
		return nil, progress.failed(req.Context(), err)
	}
	resp.Request = req
	if err := unusable(resp.StatusCode); err != nil {
		_ = resp.Body.Close()
		return nil, err
	}
	decode(resp)
	return resp, nil
}

// unusable returns an error for a status that is no end of a request. One above
// 599 is for the caller to take for a failure of the server (RFC 9110, section 15).
func unusable(status int) error {
	switch {
	case status == http.StatusSwitchingProtocols:
		return responseError(callout.InvalidResponse,
			"The server switched to another protocol without being asked.",
			"Check that the endpoint is an HTTP API.")
	case status < http.StatusOK: // net/http reads three digits of any kind
		return responseError(callout.InvalidResponse,
			"The answer has a status that HTTP does not know.",
			"Check that the endpoint is an HTTP API.")
	}
	return nil
}

// prepare returns the request that goes out in place of req, which a
// RoundTripper must not change. Its URL is the very one that was checked.
func (c *Client) prepare(req *http.Request) (*http.Request, *progress, error) {
	if req.URL == nil {
		return nil, nil, errSyntax
	}
	u, err := c.policy.CheckURL(req.URL.String())
	if err != nil {
		return nil, nil, err
	}
	progress := &progress{safe: req.Method == http.MethodGet}
	out := req.Clone(progress.watching(req.Context()))
	out.URL, out.Host = u, ""
	if out.Header == nil {
		out.Header = http.Header{}
	}
	out.Header.Set("Accept-Encoding", "gzip")
	out.Header.Set(LoopHeader, "1")
	sendOnce(out)
	return out, progress, nil
}

// LoopHeader is in every request that goes out. Callout refuses requests that
// carry it: a configuration that leads back to Callout, by whatever name, would
// call itself without end, and with the rights of this service.
const LoopHeader = "Callout-Loop"

// sendOnce keeps net/http from sending a change again when a reused connection
// breaks, which it does where the request has one of two headers. It knows them by
// their usual spelling, and to the server the spelling means nothing (RFC 9110,
// section 5.1).
func sendOnce(req *http.Request) {
	if req.Method == http.MethodGet {
		return
	}
	for _, name := range []string{"Idempotency-Key", "X-Idempotency-Key"} {
		if values, ok := req.Header[name]; ok {
			delete(req.Header, name)
			req.Header[strings.ToLower(name)] = values
		}
	}
}

// CloseIdleConnections closes the connections that wait for another request.
func (c *Client) CloseIdleConnections() {
	for _, lane := range c.lanes {
		lane.closeIdle()
	}
}

// failed classifies the error of a transport. If the context is done, that is
// the reason, whatever error it surfaced as.
func (p *progress) failed(ctx context.Context, err error) *Error {
	stage, handed, wrote := p.now()
	if done := ctx.Err(); done != nil {
		// The transport returns at once and leaves the connection to a goroutine
		// that may be writing the headers this very moment.
		return Classify(done, stage, handed)
	}
	return Classify(err, stage, wrote)
}
