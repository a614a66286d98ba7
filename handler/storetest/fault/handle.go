package fault

import (
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
)

// answer is what the backend said, whole.
type answer struct {
	status int
	header http.Header
	body   []byte
}

// handle reads the request whole, so that the server notices when the client
// leaves, and lets its fault happen.
func (p *Proxy) handle(w http.ResponseWriter, r *http.Request) {
	f := p.note(r)
	body, err := io.ReadAll(r.Body)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	resume(r)
	switch f.kind {
	case DroppedRequest:
		reset(w)
	case DroppedReply:
		_ = p.ask(r, body)
		reset(w)
	case CutReply:
		cut(w, p.ask(r, body))
	case Refused:
		f.retryAfter(w.Header())
		write(w, answer{f.status, http.Header{"Content-Type": {"application/json"}}, f.body()})
	case Held:
		if !p.wait(r.Context(), f.gate) {
			reset(w)
			return
		}
		write(w, p.ask(r, body))
	case ShortPage:
		shorten(r, f.rows)
		write(w, p.ask(r, body))
	case EmptyPage:
		write(w, emptyPage(r))
	default:
		write(w, p.ask(r, body))
	}
}

// ask forwards a request and reads the answer whole. The client may leave
// meanwhile: what has been forwarded is done.
func (p *Proxy) ask(r *http.Request, body []byte) answer {
	to := *r.URL
	to.Scheme, to.Host = p.backend.Scheme, p.backend.Host
	request, err := http.NewRequestWithContext(context.WithoutCancel(r.Context()), r.Method, to.String(), bytes.NewReader(body))
	if err != nil {
		return unreachable(err)
	}
	request.Host, request.Header = r.Host, r.Header.Clone()
	response, err := p.forward.RoundTrip(request)
	if err != nil {
		return unreachable(err)
	}
	defer func() { _ = response.Body.Close() }()
	content, err := io.ReadAll(response.Body)
	if err != nil {
		return unreachable(err)
	}
	return answer{response.StatusCode, response.Header, content}
}

// unreachable tells a test that its backend, not a fault, has failed.
func unreachable(err error) answer {
	return answer{http.StatusBadGateway, http.Header{}, fmt.Appendf(nil, "fault: the backend failed: %v", err)}
}

func write(w http.ResponseWriter, a answer) {
	for name, values := range a.header {
		w.Header()[name] = values
	}
	for _, name := range []string{"Connection", "Keep-Alive"} { // these are between the backend and us
		w.Header().Del(name)
	}
	if mayHaveBody(a.status) {
		w.Header().Set("Content-Length", strconv.Itoa(len(a.body)))
	}
	w.WriteHeader(a.status)
	_, _ = w.Write(a.body) // fails when the client has left
}

func mayHaveBody(status int) bool {
	return status != http.StatusNoContent && status != http.StatusNotModified
}

// reset ends a client's connection as a broken network does.
func reset(w http.ResponseWriter) { resetAfter(w, nil) }

// cut passes on what comes before the middle of the body, or of the header if
// there is no body, and resets.
func cut(w http.ResponseWriter, a answer) {
	var head bytes.Buffer
	fmt.Fprintf(&head, "HTTP/1.1 %d %s\r\n", a.status, http.StatusText(a.status))
	_ = a.header.WriteSubset(&head, map[string]bool{"Content-Length": true, "Transfer-Encoding": true, "Connection": true})
	if len(a.body) == 0 {
		resetAfter(w, head.Bytes()[:head.Len()/2])
		return
	}
	fmt.Fprintf(&head, "Content-Length: %d\r\n\r\n", len(a.body))
	resetAfter(w, append(head.Bytes(), a.body[:len(a.body)/2]...))
}

// resetAfter writes raw bytes to the client and resets the connection. Unlike
// an orderly end, a reset may overtake bytes that the client has not read.
func resetAfter(w http.ResponseWriter, raw []byte) {
	connection, _, err := w.(http.Hijacker).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	defer func() { _ = connection.Close() }()
	_, _ = connection.Write(raw)
	under := connection
	if secure, ok := connection.(*tls.Conn); ok {
		under = secure.NetConn()
	}
	if tcp, ok := under.(*net.TCPConn); ok && len(raw) == 0 {
		_ = tcp.SetLinger(0) // Close sends RST
	}
	_ = under.Close()
}

// shorten lowers the number of rows that a query asks for.
func shorten(r *http.Request, rows int) {
	query := r.URL.Query()
	if top, err := strconv.Atoi(query.Get("$top")); err == nil {
		rows = min(rows, top)
	}
	query.Set("$top", strconv.Itoa(rows))
	r.URL.RawQuery = query.Encode()
}

// The continuation of an empty page: as a header to the client, as parameters
// in the client's next query.
const (
	nextPartition = "NextPartitionKey"
	nextRow       = "NextRowKey"
	header        = "X-Ms-Continuation-"
	fromBeginning = "fault-from-the-beginning"
)

// emptyPage answers a query with no rows and with the continuation that it
// came with.
func emptyPage(r *http.Request) answer {
	next := http.Header{"Content-Type": {"application/json;odata=minimalmetadata"}}
	query := r.URL.Query()
	if !query.Has(nextPartition) && !query.Has(nextRow) {
		query = url.Values{nextPartition: {fromBeginning}, nextRow: {fromBeginning}}
	}
	for _, name := range []string{nextPartition, nextRow} {
		if query.Has(name) {
			next.Set(header+name, query.Get(name))
		}
	}
	return answer{http.StatusOK, next, []byte(`{"value":[]}`)}
}

// resume takes out of a query what an empty page has put there.
func resume(r *http.Request) {
	query := r.URL.Query()
	if query.Get(nextPartition) != fromBeginning {
		return
	}
	query.Del(nextPartition)
	query.Del(nextRow)
	r.URL.RawQuery = query.Encode()
}
