// Package fault is a reverse proxy that breaks what passes through it, in the
// ways in which a network and a busy service do: requests that never arrive,
// answers that are lost after the work was done, refusals, silence, answers
// that stop in the middle, and pages of a list that are short or empty. It
// stands in front of a real server, so that a test sees what a client makes of
// such faults, and counts what the client sends.
//
// What happens to a request is decided by a Rule. A rule over random numbers
// draws them by the request's number, so that a seed gives the same sequence of
// faults each time.
package fault

import (
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// Request is what a rule knows of a request.
type Request struct {
	// Number counts the requests from 1, in the order in which they came.
	Number uint64
	Method string
	// Path is as it came, decoded.
	Path  string
	Query url.Values
}

// Shape tells what kind of request it is, without its values: the method and
// the path, in which (key) stands for the keys of a table's row, {name} and
// {version} for those of a secret.
func (r Request) Shape() string { return r.Method + " " + shape(r.Path) }

// IsQuery reports whether the request asks for a page of a table's rows.
func (r Request) IsQuery() bool {
	return r.Method == http.MethodGet && strings.HasSuffix(r.Path, "()")
}

// shape takes the values out of a path.
func shape(path string) string {
	if table, keys, ok := strings.Cut(path, "("); ok {
		if keys == ")" {
			return table + "()"
		}
		return table + "(key)"
	}
	segments := strings.Split(path, "/")
	if len(segments) < 2 || segments[1] != "secrets" && segments[1] != "deletedsecrets" {
		return path
	}
	for i, name := range []string{"{name}", "{version}"} {
		if at := i + 2; at < len(segments) && segments[at] != "" {
			segments[at] = name
		}
	}
	return strings.Join(segments, "/")
}

// Rule decides what happens to a request. It is called for one request at a
// time, and must not call the proxy.
type Rule func(Request) Fault

// Always lets the same fault happen to every request.
func Always(f Fault) Rule { return func(Request) Fault { return f } }

// Then lets the faults happen one after the other to the requests of a shape
// (see Request.Shape; it may end in * for every continuation of it), and
// nothing to all others.
func Then(of string, faults ...Fault) Rule {
	begin, open := strings.CutSuffix(of, "*")
	return func(r Request) Fault {
		matches := r.Shape() == of || open && strings.HasPrefix(r.Shape(), begin)
		if !matches || len(faults) == 0 {
			return Pass()
		}
		next := faults[0]
		faults = faults[1:]
		return next
	}
}

// Kind names a fault in the counts of a proxy.
type Kind string

// The kinds of faults.
const (
	None           Kind = ""
	DroppedRequest Kind = "dropped request"
	DroppedReply   Kind = "dropped reply"
	CutReply       Kind = "cut reply"
	Refused        Kind = "refused"
	Held           Kind = "held"
	ShortPage      Kind = "short page"
	EmptyPage      Kind = "empty page"
)

// Fault is what happens to one request. The zero value is nothing.
type Fault struct {
	kind   Kind
	gate   <-chan struct{}
	status int
	code   string
	after  time.Duration
	rows   int
}

// Pass lets the request pass.
func Pass() Fault { return Fault{} }

// DropRequest resets the connection; the backend never sees the request.
func DropRequest() Fault { return Fault{kind: DroppedRequest} }

// DropReply lets the backend do the work and answer, and then resets the
// connection: the client cannot know that it was done.
func DropReply() Fault { return Fault{kind: DroppedReply} }

// Cut lets the backend do the work, passes the first half of the body on, and
// then resets the connection. Where there is no body, half of the header is
// passed on.
func Cut() Fault { return Fault{kind: CutReply} }

// Refuse answers in the backend's place with a status and an error code in the
// body, as OData has it. If after is over 0 it says to come back then:
// Retry-After for whole seconds, else retry-after-ms.
func Refuse(status int, code string, after time.Duration) Fault {
	return Fault{kind: Refused, status: status, code: code, after: after}
}

// Throttle is how Table Storage and Key Vault say that there were too many
// requests.
func Throttle(after time.Duration) Fault {
	return Refuse(http.StatusTooManyRequests, "TooManyRequests", after)
}

// Busy is how Table Storage says that it cannot take requests right now.
func Busy(after time.Duration) Fault {
	return Refuse(http.StatusServiceUnavailable, "ServerBusy", after)
}

// Hold keeps the request back until gate opens (is closed, or gives a value),
// and then forwards it, whether or not the client still waits: what a network
// does with a late packet. A nil gate never opens; the request is dropped when
// its client leaves.
func Hold(gate <-chan struct{}) Fault { return Fault{kind: Held, gate: gate} }

// Shorten asks the backend for that many rows and no more, if the request is a
// query, so that the backend itself gives a short page with a continuation.
func Shorten(rows int) Fault { return Fault{kind: ShortPage, rows: rows} }

// Empty answers a query with an empty page whose continuation leads to where
// the query would have begun. To other requests it does nothing.
func Empty() Fault { return Fault{kind: EmptyPage} }

// body is the answer of a refusal.
func (f Fault) body() []byte {
	return fmt.Appendf(nil, `{"odata.error":{"code":%q,"message":{"lang":"en-US","value":"Injected by a test."}}}`, f.code)
}

// retryAfter sets the header that asks the client to wait.
func (f Fault) retryAfter(header http.Header) {
	switch {
	case f.after <= 0:
	case f.after%time.Second == 0:
		header.Set("Retry-After", strconv.FormatInt(int64(f.after/time.Second), 10))
	default:
		header.Set("Retry-After-Ms", strconv.FormatInt(f.after.Milliseconds(), 10))
	}
}
