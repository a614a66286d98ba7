package fakehost

import (
	"crypto/rand"
	"fmt"
	"net/http"
)

// hostVersion is sent with every invocation.
const hostVersion = "4.1045.0"

const (
	invocationIDHeader = "X-Azure-Functions-InvocationId"
	hostVersionHeader  = "X-Azure-Functions-HostVersion"
)

// ServeHTTP is what a caller from outside meets: 404 without a body when no
// function has the path and the method (there is no 405), 401 without a body
// when the key does not open it, and else the handler's answer.
func (h *Host) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	path, ok := routingPath(r)
	if !ok {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	function, ok := match(h.app.functions, path, r.Method)
	if !ok {
		w.WriteHeader(http.StatusNotFound)
		return
	}
	if !h.allOpen && !h.keys.open(function, r) {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	if h.awaitWorker(w, r) {
		h.invoke(w, r, path)
	}
}

// awaitWorker lets a request wait while the handler starts again, as the host
// does. It answers 502 when the handler is dead, because the host does not know
// and finds its port closed, and 503 when the host itself has stopped, which is
// what the platform says then.
func (h *Host) awaitWorker(w http.ResponseWriter, r *http.Request) bool {
	status, err := h.worker.await(r.Context(), Status.isSettled)
	switch {
	case err != nil:
		w.WriteHeader(http.StatusServiceUnavailable)
	case status.State == Dead:
		http.Error(w, "fakehost: "+status.Why, http.StatusBadGateway)
	case status.State == Stopped:
		http.Error(w, "fakehost: "+status.Why, http.StatusServiceUnavailable)
	default:
		return true
	}
	return false
}

func (h *Host) invoke(w http.ResponseWriter, r *http.Request, path string) {
	if h.app.mode == Proxying {
		h.proxy.ServeHTTP(w, r.WithContext(withRoutingPath(r.Context(), path)))
		return
	}
	h.forward(w, r, path)
}

// badGateway answers for a handler that cannot be reached or broke the
// connection. The host's own middleware may make it a 500; 502 keeps it apart
// from a 500 that the handler gave.
func badGateway(w http.ResponseWriter, _ *http.Request, err error) {
	http.Error(w, "fakehost: the handler did not answer: "+err.Error(), http.StatusBadGateway)
}

// newTransport connects to the handler. In forwarding each request has its own
// connection, because Go sends a request again when a kept connection turns
// out to be closed, and forwarding never does.
func newTransport(mode Mode) *http.Transport {
	transport := &http.Transport{DisableCompression: true}
	if mode == Forwarding {
		transport.MaxIdleConnsPerHost = -1
	}
	return transport
}

// newID returns a random UUID, which the host uses for invocations and workers.
func newID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // It never fails.
	b[6] = b[6]&0x0f | 0x40
	b[8] = b[8]&0x3f | 0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}
