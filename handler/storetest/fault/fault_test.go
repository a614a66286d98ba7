package fault

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// backend counts what reaches it, and answers with what it was sent.
type backend struct {
	*httptest.Server
	reached atomic.Int64
	queries chan string // of what reached it; nobody needs to read them
}

func newBackend(t *testing.T) *backend {
	t.Helper()
	b := &backend{queries: make(chan string, 100)}
	b.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b.reached.Add(1)
		b.queries <- r.URL.RawQuery
		body, _ := io.ReadAll(r.Body)
		w.Header().Set("X-Host", r.Host)
		w.Header().Set("Etag", `"1"`)
		if len(body) == 0 {
			w.WriteHeader(http.StatusNoContent)
			return
		}
		_, _ = w.Write(body)
	}))
	t.Cleanup(b.Close)
	return b
}

// client returns a client of p that never sends a request twice.
func client(t *testing.T, p *Proxy) *http.Client {
	t.Helper()
	transport := p.Transport()
	transport.DisableKeepAlives = true
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}
}

// send sends a request and returns the answer's body, or the error with which
// it broke.
func send(t *testing.T, p *Proxy, method, path, body string) (*http.Response, string, error) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, p.URL()+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	response, err := client(t, p).Do(request)
	if err != nil {
		return nil, "", err
	}
	defer func() { _ = response.Body.Close() }()
	content, err := io.ReadAll(response.Body)
	return response, string(content), err
}

func TestWhatPassesIsUnchanged(t *testing.T) {
	for _, withTLS := range []bool{false, true} {
		t.Run(fmt.Sprintf("TLS=%v", withTLS), func(t *testing.T) {
			b := newBackend(t)
			p := Start(t, b.URL, Options{TLS: withTLS})
			response, body, err := send(t, p, http.MethodPost, "/a%2Fb?c=d%20e", "hello")
			if err != nil || body != "hello" || response.StatusCode != http.StatusOK || response.Header.Get("Etag") != `"1"` {
				t.Fatalf("%v %q, %v", response, body, err)
			}
			if got := response.Header.Get("X-Host"); got != p.Address() {
				t.Errorf("the backend is called %s, want the name that the client used, %s", got, p.Address())
			}
			if got := <-b.queries; got != "c=d%20e" {
				t.Errorf("the query became %s", got)
			}
			if response, _, err := send(t, p, http.MethodDelete, "/a", ""); err != nil || response.StatusCode != http.StatusNoContent {
				t.Errorf("DELETE: %v, %v", response, err)
			}
		})
	}
}

func TestABackendWithTLS(t *testing.T) {
	b := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "secure") }))
	t.Cleanup(b.Close)
	p := Start(t, b.URL, Options{Backend: b.Client().Transport})
	if _, body, err := send(t, p, http.MethodGet, "/", ""); err != nil || body != "secure" {
		t.Errorf("%q, %v", body, err)
	}
}

func TestABackendThatIsGoneIsNotTakenForAFault(t *testing.T) {
	b := newBackend(t)
	p := Start(t, b.URL, Options{})
	b.Close()
	response, body, err := send(t, p, http.MethodGet, "/", "")
	if err != nil || response.StatusCode != http.StatusBadGateway || !strings.Contains(body, "the backend failed") {
		t.Errorf("%v %q, %v", response, body, err)
	}
}

func TestWhatBreaks(t *testing.T) {
	cases := []struct {
		name    string
		fault   Fault
		body    string
		reached int64
		kind    Kind
	}{
		{"a dropped request reaches nobody", DropRequest(), "hello", 0, DroppedRequest},
		{"a dropped reply comes after the work is done", DropReply(), "hello", 1, DroppedReply},
		{"an answer is cut in its body", Cut(), strings.Repeat("hello", 1000), 1, CutReply},
		{"an answer without a body is cut in its header", Cut(), "", 1, CutReply},
	}
	for _, withTLS := range []bool{false, true} {
		for _, c := range cases {
			t.Run(fmt.Sprintf("%s, TLS=%v", c.name, withTLS), func(t *testing.T) {
				b := newBackend(t)
				p := Start(t, b.URL, Options{TLS: withTLS, Rule: Always(c.fault)})
				response, body, err := send(t, p, http.MethodPost, "/", c.body)
				if err == nil {
					t.Errorf("it came through: %v %q", response, body)
				}
				if len(body) > len(c.body)/2 {
					t.Errorf("%d bytes of %d came through", len(body), len(c.body))
				}
				if got := b.reached.Load(); got != c.reached {
					t.Errorf("the backend got %d requests, want %d", got, c.reached)
				}
				if got := p.Faults(); got[c.kind] != 1 || len(got) != 1 {
					t.Errorf("counted are %v", got)
				}
			})
		}
	}
}

func TestACutAnswerBeginsAsTheWholeOne(t *testing.T) {
	b := newBackend(t)
	p := Start(t, b.URL, Options{Rule: Always(Cut())})
	response, body, err := send(t, p, http.MethodPost, "/", "hello there")
	if !errors.Is(err, io.ErrUnexpectedEOF) || response.StatusCode != http.StatusOK || body != "hello" {
		t.Errorf("%v %q, %v", response, body, err)
	}
}

func TestWhatIsRefused(t *testing.T) {
	cases := []struct {
		fault         Fault
		status        int
		code          string
		header, value string
	}{
		{Throttle(2 * time.Second), 429, "TooManyRequests", "Retry-After", "2"},
		{Throttle(1500 * time.Millisecond), 429, "TooManyRequests", "Retry-After-Ms", "1500"},
		{Busy(0), 503, "ServerBusy", "Retry-After", ""},
		{Refuse(409, "TableBeingDeleted", 0), 409, "TableBeingDeleted", "Retry-After-Ms", ""},
	}
	for _, c := range cases {
		t.Run(c.code, func(t *testing.T) {
			b := newBackend(t)
			p := Start(t, b.URL, Options{Rule: Always(c.fault)})
			response, body, err := send(t, p, http.MethodGet, "/", "")
			if err != nil || response.StatusCode != c.status || response.Header.Get(c.header) != c.value {
				t.Fatalf("%v, %v", response, err)
			}
			var said struct {
				Error struct{ Code string } `json:"odata.error"`
			}
			if err := json.Unmarshal([]byte(body), &said); err != nil || said.Error.Code != c.code {
				t.Errorf("it says %s (%v)", body, err)
			}
			if b.reached.Load() != 0 {
				t.Error("the backend was asked")
			}
		})
	}
}

// heldCall is a request that a proxy holds.
type heldCall struct {
	backend *backend
	proxy   *Proxy
	leave   func()         // the client gives up
	done    <-chan heldEnd // what the client saw
}

type heldEnd struct {
	body string
	err  error
}

// holdOne sends a request and returns when it is held.
func holdOne(t *testing.T, gate <-chan struct{}) heldCall {
	t.Helper()
	b, held, done := newBackend(t), make(chan struct{}, 1), make(chan heldEnd, 1)
	p := Start(t, b.URL, Options{Rule: func(Request) Fault {
		held <- struct{}{}
		return Hold(gate)
	}})
	ctx, leave := context.WithCancel(t.Context())
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, p.URL(), strings.NewReader("hello"))
	if err != nil {
		t.Fatal(err)
	}
	c := client(t, p)
	go func() {
		response, err := c.Do(request)
		if err != nil {
			done <- heldEnd{err: err}
			return
		}
		content, err := io.ReadAll(response.Body)
		_ = response.Body.Close()
		done <- heldEnd{string(content), err}
	}()
	<-held
	return heldCall{b, p, leave, done}
}

func TestAHeldRequest(t *testing.T) {
	t.Run("is forwarded when the gate opens", func(t *testing.T) {
		gate := make(chan struct{})
		call := holdOne(t, gate)
		if call.backend.reached.Load() != 0 {
			t.Error("it was forwarded before")
		}
		close(gate)
		if got := <-call.done; got.err != nil || got.body != "hello" {
			t.Errorf("%q, %v", got.body, got.err)
		}
	})
	t.Run("is forwarded late if its client has left", func(t *testing.T) {
		gate := make(chan struct{})
		call := holdOne(t, gate)
		call.leave()
		if got := <-call.done; got.err == nil {
			t.Error("it was answered")
		}
		close(gate)
		<-call.backend.queries
	})
	t.Run("without a gate is dropped when its client leaves", func(t *testing.T) {
		call := holdOne(t, nil)
		call.leave()
		<-call.done
		call.proxy.server.Close() // returns when nothing is held any more
		if call.backend.reached.Load() != 0 {
			t.Error("it was forwarded")
		}
	})
	t.Run("does not outlive the proxy", func(t *testing.T) {
		var call heldCall
		t.Run("which ends", func(t *testing.T) { call = holdOne(t, make(chan struct{})) })
		if got := <-call.done; got.err == nil {
			t.Error("it was answered")
		}
	})
}

func TestPages(t *testing.T) {
	const query = "/account/people()?%24filter=a&%24top=10"
	b := newBackend(t)
	p := Start(t, b.URL, Options{Rule: Then("GET /account/people()", Shorten(3), Shorten(30), Empty(), Pass(), Empty())})
	reaches := func(path, want string) {
		t.Helper()
		if _, _, err := send(t, p, http.MethodGet, path, ""); err != nil {
			t.Fatal(err)
		}
		if got := <-b.queries; got != want {
			t.Errorf("the backend got %s, want %s", got, want)
		}
	}
	empty := func(path, partition, row string) {
		t.Helper()
		response, body, err := send(t, p, http.MethodGet, path, "")
		if err != nil || body != `{"value":[]}` {
			t.Fatalf("%q, %v", body, err)
		}
		gotPartition, gotRow := response.Header.Get("x-ms-continuation-NextPartitionKey"), response.Header.Get("x-ms-continuation-NextRowKey")
		if gotPartition != partition || gotRow != row {
			t.Errorf("it continues at %s %s", gotPartition, gotRow)
		}
	}
	reaches(query, "%24filter=a&%24top=3")
	reaches(query, "%24filter=a&%24top=10")
	empty(query, fromBeginning, fromBeginning)
	reaches(query+"&NextPartitionKey="+fromBeginning+"&NextRowKey="+fromBeginning, "%24filter=a&%24top=10")
	empty(query+"&NextPartitionKey=p&NextRowKey=r", "p", "r")
}

func TestFaultsOfPagesDoNothingToOtherRequests(t *testing.T) {
	b := newBackend(t)
	for _, f := range []Fault{Empty(), Shorten(1)} {
		p := Start(t, b.URL, Options{Rule: Always(f)})
		if _, body, err := send(t, p, http.MethodPost, "/people", "hello"); err != nil || body != "hello" {
			t.Errorf("%q, %v", body, err)
		}
		if got := p.Faults(); len(got) != 0 {
			t.Errorf("counted are %v", got)
		}
	}
}

func TestShapesHoldNoValues(t *testing.T) {
	for path, want := range map[string]string{
		"/Tables":           "/Tables",
		"/account/people":   "/account/people",
		"/account/people()": "/account/people()",
		"/account/people(PartitionKey='p',RowKey='r')": "/account/people(key)",
		"/people(PartitionKey='p)',RowKey='(r/s')":     "/people(key)",
		"/secrets":             "/secrets",
		"/secrets/":            "/secrets/",
		"/secrets/name":        "/secrets/{name}",
		"/secrets/name/":       "/secrets/{name}/",
		"/secrets/name/0123":   "/secrets/{name}/{version}",
		"/deletedsecrets/name": "/deletedsecrets/{name}",
	} {
		if got := shape(path); got != want {
			t.Errorf("%s: %s, want %s", path, got, want)
		}
	}
}

func TestRequestsAreCounted(t *testing.T) {
	b := newBackend(t)
	p := Start(t, b.URL, Options{Rule: Then("PUT *", DropReply())})
	put := func() { _, _, _ = send(t, p, http.MethodPut, "/people(PartitionKey='p',RowKey='r')", "hello") }
	put()
	put()
	_, _, _ = send(t, p, http.MethodGet, "/people()", "")
	if got, want := p.Requests(), []string{"PUT /people(key)", "PUT /people(key)", "GET /people()"}; !slices.Equal(got, want) {
		t.Errorf("counted are %q, want %q", got, want)
	}
	if got := p.Faults(); got[DroppedReply] != 1 {
		t.Errorf("counted are %v", got)
	}
	p.Reset()
	if len(p.Requests()) != 0 || len(p.Faults()) != 0 {
		t.Errorf("after Reset: %q, %v", p.Requests(), p.Faults())
	}
}

func TestASeedGivesTheSameFaults(t *testing.T) {
	rates := Rates{DropRequest: .1, DropReply: .1, Cut: .1, Throttle: .1, Busy: .1, Hold: .1, Shorten: .1, Empty: .1}
	draw := func(seed uint64) []Fault {
		rule := Random(seed, rates)
		faults := make([]Fault, 2000)
		for i := range faults {
			faults[i] = rule(Request{Number: uint64(i + 1)})
		}
		return faults
	}
	first := draw(1)
	if !slices.Equal(first, draw(1)) {
		t.Error("the same seed gives others")
	}
	if slices.Equal(first, draw(2)) {
		t.Error("another seed gives the same")
	}
	counts := map[Kind]int{}
	for _, f := range first {
		counts[f.kind]++
	}
	for kind, want := range map[Kind]int{None: 400, DroppedRequest: 200, DroppedReply: 200, CutReply: 200, Refused: 400, Held: 200, ShortPage: 200, EmptyPage: 200} {
		if got := counts[kind]; got < want*3/4 || got > want*5/4 {
			t.Errorf("%d are %q, want about %d", got, kind, want)
		}
	}
}

func TestManyClientsAtOnce(t *testing.T) {
	b := newBackend(t)
	p := Start(t, b.URL, Options{Rule: Random(1, Rates{DropRequest: .1, DropReply: .1, Cut: .1, Throttle: .1})})
	go func() {
		for range b.queries {
		}
	}()
	t.Cleanup(func() { close(b.queries) })
	c := client(t, p)
	const clients, each = 8, 25
	var group sync.WaitGroup
	for range clients {
		group.Go(func() {
			for range each {
				response, err := c.Post(p.URL(), "text/plain", strings.NewReader("hello"))
				if err == nil {
					_, _ = io.Copy(io.Discard, response.Body)
					_ = response.Body.Close()
				}
				p.Faults()
			}
		})
	}
	group.Wait()
	if got := len(p.Requests()); got != clients*each {
		t.Errorf("%d requests were counted, want %d", got, clients*each)
	}
	kept := p.Faults()[DroppedRequest] + p.Faults()[Refused]
	if got := b.reached.Load(); int(got) != clients*each-kept {
		t.Errorf("%d requests reached the backend, want %d", got, clients*each-kept)
	}
}
