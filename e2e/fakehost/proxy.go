package fakehost

import (
	"context"
	"io"
	"log"
	"net/http"
	"net/http/httputil"
	"slices"
	"time"
)

// newProxy is YARP with its default transforms, as ProxyInvocationRequest
// calls it.
func (h *Host) newProxy(backoff func(context.Context, int) error) *httputil.ReverseProxy {
	return &httputil.ReverseProxy{
		Rewrite:       h.rewrite,
		Transport:     &retryTransport{next: h.client, backoff: backoff},
		FlushInterval: -1,
		ErrorHandler:  badGateway,
		// A connection that breaks in the middle of an answer is passed on as
		// a broken connection, which says enough.
		ErrorLog: log.New(io.Discard, "", 0),
	}
}

func (h *Host) rewrite(p *httputil.ProxyRequest) {
	p.Out.URL.Scheme, p.Out.URL.Host = "http", h.app.program.address()
	p.Out.URL.RawQuery = p.In.URL.RawQuery
	setPath(p.Out.URL, proxiedPath(routingPathOf(p.In.Context())))
	p.Out.Host = ""

	// ReverseProxy also drops what the Connection header names; YARP does not.
	p.Out.Header = p.In.Header.Clone()
	for name := range p.Out.Header {
		if isHopByHop(name) {
			p.Out.Header.Del(name)
		}
	}
	p.Out.Header.Del("X-Forwarded-For")
	p.Out.Header.Del("X-Forwarded-Prefix")
	p.SetXForwarded()
	p.Out.Header.Set(invocationIDHeader, newID())
	p.Out.Header.Set(hostVersionHeader, hostVersion)
}

// isHopByHop names what YARP copies in neither direction
// (RequestUtilities.ShouldSkipRequestHeader).
func isHopByHop(name string) bool {
	return slices.Contains([]string{
		"Alpn", "Alt-Svc", "Close", "Connection", "Http2-Settings", "Keep-Alive", "Proxy-Authenticate",
		"Proxy-Authentication-Info", "Proxy-Authorization", "Proxy-Connection", "Proxy-Features",
		"Proxy-Instruction", "Security-Scheme", "Te", "Transfer-Encoding", "Upgrade", "Upgrade-Insecure-Requests",
	}, name)
}

// maxAttempts is RetryProxyHandler's MaxRetries, which counts the first one.
const maxAttempts = 10

// retryTransport sends a request without a body again when the connection
// fails, even if the handler has already seen it.
type retryTransport struct {
	next    http.RoundTripper
	backoff func(ctx context.Context, attempt int) error
}

// RoundTrip sends the request until it is answered, ten times at most.
func (t *retryTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	for attempt := 1; ; attempt++ {
		response, err := t.next.RoundTrip(r)
		if err == nil || r.Body != nil || attempt == maxAttempts {
			return response, err
		}
		if t.backoff(r.Context(), attempt) != nil {
			return nil, err
		}
	}
}

// backoff waits 50 ms, then twice as long each time, 250 ms at most.
func backoff(ctx context.Context, attempt int) error {
	wait := 250 * time.Millisecond
	if attempt <= 2 {
		wait = 50 * time.Millisecond << (attempt - 1)
	} else if attempt == 3 {
		wait = 200 * time.Millisecond
	}
	select {
	case <-time.After(wait):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

type routingPathKey struct{}

// withRoutingPath carries the path that was authorised to rewrite, so that it
// is the one that is sent.
func withRoutingPath(ctx context.Context, path string) context.Context {
	return context.WithValue(ctx, routingPathKey{}, path)
}

func routingPathOf(ctx context.Context) string {
	path, _ := ctx.Value(routingPathKey{}).(string)
	return path
}
