package bridge

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"callout/handler/localstore"
	"callout/handler/store"
	"callout/handler/storetest"
	"callout/handler/storetest/azurite"
	"callout/handler/tablestore"
)

// year2000 is when all bubbles begin.
var year2000 = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)

// azuriteFrom opens Azurite by a transport for a bubble, whose local clock is
// off by skew.
func azuriteFrom(t *testing.T, transport *Transport, skew time.Duration) *tablestore.Store {
	t.Helper()
	s, err := tablestore.New(tablestore.Options{
		ConnectionString: azurite.Shared(t).ConnectionString(),
		Transport:        &http.Client{Transport: transport},
		Now:              func() time.Time { return time.Now().Add(skew) },
	})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// newTransport must be called outside.
func newTransport(t *testing.T) *Transport {
	outside := &http.Transport{MaxIdleConnsPerHost: parallel}
	t.Cleanup(outside.CloseIdleConnections)
	azurite.Shared(t) // its process is watched from outside
	return &Transport{Bridge: New(t), Outside: outside}
}

// What the rows of a real service hold, hours and years of the bubble apart. The
// service's own clock stays in the present, and nobody notices: Azurite does not
// look at the date that a request by the account's key is signed with.
func TestAzuriteInABubble(t *testing.T) {
	transport := newTransport(t)
	synctest.Test(t, func(t *testing.T) {
		for _, skew := range []time.Duration{0, 2 * time.Minute, -2 * time.Minute} {
			s := azuriteFrom(t, transport, skew)
			table, etag := s.Table(azurite.TableName()), ""
			for i, pause := range []time.Duration{0, time.Hour, 30 * 24 * time.Hour, 10 * 366 * 24 * time.Hour, time.Hour} {
				time.Sleep(pause)
				begin, data := time.Now(), fmt.Sprint("after ", pause)
				var err error
				if etag, err = table.Put(t.Context(), store.Row{Partition: "p", Key: "k", ETag: etag, Data: []byte(data)}); err != nil {
					t.Fatalf("%d: Put: %v", i, err)
				}
				row, err := table.Get(t.Context(), "p", "k")
				if err != nil || string(row.Data) != data || row.ETag != etag {
					t.Errorf("%d: Get: %q %s, %v", i, row.Data, row.ETag, err)
				}
				if took := time.Since(begin); took != 0 {
					t.Errorf("%d: the calls took %v of the bubble's time", i, took)
				}
				if off := s.Now().Sub(time.Now().Round(0)); off.Abs() > time.Second {
					t.Errorf("%d: the store's time is off by %v, with a local clock off by %v", i, off, skew)
				}
			}
		}
		if now := time.Now(); now.Year() < 2030 {
			t.Errorf("it is only %v", now)
		}
	})
}

// More callers than may be outside at a time, and all of them at one row: time
// stands still until the last is served.
func TestACrowdInABubble(t *testing.T) {
	transport := newTransport(t)
	synctest.Test(t, func(t *testing.T) {
		table := azuriteFrom(t, transport, 0).Table(azurite.TableName())
		var all sync.WaitGroup
		var first, conflicts atomic.Int64
		for range 5 * parallel {
			all.Go(func() {
				switch _, err := table.Put(t.Context(), store.Row{Partition: "p", Key: "k"}); {
				case err == nil:
					first.Add(1)
				case errors.Is(err, store.ErrConflict):
					conflicts.Add(1)
				default:
					t.Errorf("Put: %v", err)
				}
			})
		}
		all.Wait()
		if first.Load() != 1 || conflicts.Load() != 5*parallel-1 {
			t.Errorf("%d were first, and %d not", first.Load(), conflicts.Load())
		}
	})
}

func TestTheEmbeddedStoreInABubble(t *testing.T) {
	local, err := localstore.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = local.Close() })
	rows := Rows{Bridge: New(t), Outside: local.Table("people")}
	synctest.Test(t, func(t *testing.T) {
		var all sync.WaitGroup
		for i := range 200 {
			all.Go(func() {
				time.Sleep(time.Duration(i%3) * time.Hour)
				if _, err := rows.Put(t.Context(), store.Row{Partition: "p", Key: fmt.Sprint("k", i)}); err != nil {
					t.Errorf("Put: %v", err)
				}
			})
		}
		all.Wait()
		page, err := rows.List(t.Context(), store.Range{Partition: "p"})
		if err != nil || len(page.Rows) != 200 {
			t.Errorf("List: %d rows, %v", len(page.Rows), err)
		}
		if got := time.Since(year2000); got != 2*time.Hour {
			t.Errorf("%v have passed", got)
		}
	})
}

// Rows keep the promises of the table behind them.
func TestRows(t *testing.T) {
	local, err := localstore.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = local.Close() })
	b, n := New(t), 0
	storetest.Tables(t, func(*testing.T) storetest.Rows {
		n++
		return Rows{Bridge: b, Outside: local.Table(fmt.Sprint("people", n))}
	})
}

func TestWhoHasGivenUpIsToldSo(t *testing.T) {
	sent := 0
	b := New(t)
	transport := &Transport{Bridge: b, Outside: outside(func(*http.Request) (*http.Response, error) { sent++; return nil, nil })}
	rows := Rows{Bridge: b}
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		time.Sleep(time.Minute)
		synctest.Wait()
		request, err := http.NewRequestWithContext(ctx, "GET", "http://127.0.0.1/", nil)
		if err != nil {
			t.Fatal(err)
		}
		_, trip := transport.RoundTrip(request)
		_, get := rows.Get(ctx, "p", "k")
		_, put := rows.Put(ctx, store.Row{})
		_, list := rows.List(ctx, store.Range{})
		for i, err := range []error{trip, get, put, list, rows.Delete(ctx, "p", "k", store.Any)} {
			if !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("call %d: %v", i, err)
			}
		}
	})
	if sent != 0 {
		t.Errorf("%d requests were sent", sent)
	}
}

// outside is a service in memory.
type outside func(*http.Request) (*http.Response, error)

func (f outside) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// What is sent outside is what was asked for inside, and so is the answer; but
// for the date, and the caller's context.
func TestARequestAndItsAnswer(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := readAll(r.Body)
		w.Header().Set("Said", fmt.Sprintf("%s %s %s %d %q", r.Method, r.URL, r.Header.Get("Asked"), r.ContentLength, body))
		w.WriteHeader(http.StatusTeapot)
		_, _ = w.Write(body)
	}))
	t.Cleanup(server.Close)
	transport := newTransport(t)
	var shown string
	transport.Fault = func(r *http.Request) (bool, bool) {
		body, _ := readAll(r.Body)
		shown = string(body)
		return false, false
	}
	synctest.Test(t, func(t *testing.T) {
		client := &http.Client{Transport: transport, Timeout: time.Hour} // a timer of the bubble's
		for _, content := range []string{"", "some"} {
			time.Sleep(time.Minute)
			request, err := http.NewRequestWithContext(t.Context(), "POST", server.URL+"/path?q=1", strings.NewReader(content))
			if err != nil {
				t.Fatal(err)
			}
			request.Header.Set("Asked", "this")
			response, err := client.Do(request)
			if err != nil {
				t.Fatal(err)
			}
			body, err := readAll(response.Body)
			want := fmt.Sprintf("POST /path?q=1 this %d %q", len(content), content)
			if got := response.Header.Get("Said"); got != want || shown != content {
				t.Errorf("sent was %s, want %s; Fault saw %q", got, want, shown)
			}
			if err != nil || response.StatusCode != http.StatusTeapot || string(body) != content || response.Request.URL != request.URL {
				t.Errorf("the answer is %s with %q, %v", response.Status, body, err)
			}
			if got := response.Header.Get("Date"); got != time.Now().UTC().Format(http.TimeFormat) {
				t.Errorf("it is dated %s", got)
			}
		}
	})
}

func TestFaults(t *testing.T) {
	var arrived atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { arrived.Add(1) }))
	t.Cleanup(server.Close)
	transport := newTransport(t)
	for _, c := range []struct {
		name                   string
		loseRequest, loseReply bool
		arrived                int64
		op                     string // of the error
	}{
		{"nothing is lost", false, false, 1, ""},
		{"the request is lost", true, false, 0, "write"},
		{"the reply is lost", false, true, 1, "read"},
		{"both are", true, true, 0, "write"},
	} {
		t.Run(c.name, func(t *testing.T) {
			arrived.Store(0)
			transport.Fault = func(*http.Request) (bool, bool) {
				time.Sleep(time.Minute)
				return c.loseRequest, c.loseReply
			}
			synctest.Test(t, func(t *testing.T) {
				request, err := http.NewRequestWithContext(t.Context(), "GET", server.URL, nil)
				if err != nil {
					t.Fatal(err)
				}
				_, err = transport.RoundTrip(request)
				var network *net.OpError
				if c.op == "" && err != nil || c.op != "" && !(errors.As(err, &network) && network.Op == c.op && errors.Is(err, syscall.ECONNRESET)) {
					t.Errorf("RoundTrip: %v", err)
				}
				if got := arrived.Load(); got != c.arrived {
					t.Errorf("%d requests arrived, want %d", got, c.arrived)
				}
				if got := time.Since(year2000); got != time.Minute {
					t.Errorf("it took %v", got)
				}
			})
		})
	}
}

// The store deals with lost answers here as it does elsewhere: it tries again,
// waiting in the bubble's time, and reads back.
func TestAStoreAmongFaults(t *testing.T) {
	transport := newTransport(t)
	for _, first := range [][2]bool{{true, false}, {false, true}} {
		synctest.Test(t, func(t *testing.T) {
			table := azuriteFrom(t, transport, 0).Table(azurite.TableName())
			if _, err := table.Put(t.Context(), store.Row{Partition: "p", Key: "before"}); err != nil {
				t.Fatal(err)
			}
			begin, sent := time.Now(), 0
			transport.Fault = func(*http.Request) (bool, bool) {
				if sent++; sent > 1 {
					return false, false
				}
				return first[0], first[1]
			}
			etag, err := table.Put(t.Context(), store.Row{Partition: "p", Key: "k", Data: []byte("data")})
			transport.Fault = nil
			row, get := table.Get(t.Context(), "p", "k")
			if err != nil || get != nil || row.ETag != etag || string(row.Data) != "data" {
				t.Errorf("Put: %s, %v; Get: %v, %v", etag, err, row, get)
			}
			if sent < 2 || time.Since(begin) == 0 {
				t.Errorf("%d requests were sent, %v apart", sent, time.Since(begin))
			}
		})
	}
}

func TestThePresent(t *testing.T) {
	b, before := New(t), time.Now()
	synctest.Test(t, func(t *testing.T) {
		if now := time.Now(); !now.Equal(year2000) {
			t.Errorf("it begins at %v", now)
		}
		b.Present()
		if now := time.Now(); now.Before(before.Round(0)) || now.Sub(before.Round(0)) > time.Hour {
			t.Errorf("it is %v", now)
		}
	})
}
