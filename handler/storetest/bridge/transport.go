package bridge

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"syscall"
	"time"
)

// longestReply is how long, in real time, a service may take for one answer.
const longestReply = 30 * time.Second

// Transport is an http.RoundTripper for use within a bubble. An answer takes no
// time of the bubble, and bears its date.
type Transport struct {
	Bridge *Bridge
	// Outside sends the requests. It must not have been used in a bubble.
	Outside http.RoundTripper
	// Fault says what happens to a request on the way, and is nil when nothing
	// does. A lost request is not sent; the reply to one that was sent may be lost.
	// Either way the caller hears of a connection that was reset. Fault is called
	// within the bubble, and may wait there.
	Fault func(*http.Request) (loseRequest, loseReply bool)
}

// RoundTrip implements http.RoundTripper. A caller who has given up before is
// told so; one who gives up meanwhile is not heard, since no time passes.
func (t *Transport) RoundTrip(request *http.Request) (*http.Response, error) {
	body, err := readAll(request.Body)
	if err != nil {
		return nil, err
	}
	var loseRequest, loseReply bool
	if t.Fault != nil {
		loseRequest, loseReply = t.Fault(withBody(request.Context(), request, body))
	}
	switch err := request.Context().Err(); {
	case err != nil:
		return nil, err
	case loseRequest:
		return nil, reset("write")
	}
	response, err := t.ask(request, body)
	switch {
	case err != nil:
		return nil, err
	case loseReply:
		return nil, reset("read")
	}
	response.Request = request
	response.Header.Set("Date", time.Now().UTC().Format(http.TimeFormat))
	return response, nil
}

// ask sends a request outside and reads the answer whole.
func (t *Transport) ask(request *http.Request, body []byte) (response *http.Response, err error) {
	t.Bridge.Do(func() {
		ctx, cancel := context.WithTimeout(context.Background(), longestReply)
		defer cancel()
		if response, err = t.Outside.RoundTrip(withBody(ctx, request, body)); err != nil {
			return
		}
		var content []byte
		if content, err = readAll(response.Body); err == nil {
			response.Body = io.NopCloser(bytes.NewReader(content))
		}
	})
	return response, err
}

// withBody returns a request that asks the same with a body of its own. It has
// nothing else of the bubble: a copy could hold a channel, as http.Client gives
// to requests that have a time-out.
func withBody(ctx context.Context, request *http.Request, body []byte) *http.Request {
	again := (&http.Request{
		Method: request.Method, URL: request.URL, Host: request.Host,
		Header: request.Header.Clone(), ContentLength: int64(len(body)),
	}).WithContext(ctx)
	if len(body) > 0 {
		again.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(body)), nil }
		again.Body, _ = again.GetBody() // never fails
	}
	return again
}

// readAll reads and closes a body, which may be nil.
func readAll(body io.ReadCloser) ([]byte, error) {
	if body == nil {
		return nil, nil
	}
	content, err := io.ReadAll(body)
	_ = body.Close() // it was read whole, or not
	return content, err
}

// reset is how a broken connection shows.
func reset(op string) error {
	return &net.OpError{Op: op, Net: "tcp", Err: syscall.ECONNRESET}
}
