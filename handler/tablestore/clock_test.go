package tablestore

import (
	"bytes"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"callout/handler/store"
)

// inMemory opens a table of a service in memory, which tries as New does.
// Within a synctest bubble, all waiting takes no time.
func inMemory(t *testing.T, service transport) *Table {
	t.Helper()
	s, err := New(Options{ConnectionString: developmentStorage, Transport: service})
	if err != nil {
		t.Fatal(err)
	}
	return s.Table("people")
}

// refuse is an answer of the service that asks to come back.
func refuse(request *http.Request, status, seconds int) *http.Response {
	w := httptest.NewRecorder()
	if seconds > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(seconds))
	}
	w.WriteHeader(status)
	response := w.Result()
	response.Request = request
	return response
}

func TestRetryAfterIsHonoured(t *testing.T) {
	for _, status := range []int{http.StatusTooManyRequests, http.StatusServiceUnavailable} {
		synctest.Test(t, func(t *testing.T) {
			var at []time.Time
			table := inMemory(t, func(request *http.Request) (*http.Response, error) {
				if at = append(at, time.Now()); len(at) == 1 {
					return refuse(request, status, 2), nil
				}
				w := httptest.NewRecorder()
				_, _ = io.WriteString(w, `{"value":[]}`)
				return w.Result(), nil
			})
			if _, err := table.List(t.Context(), store.Range{Partition: "p"}); err != nil {
				t.Fatal(err)
			}
			if len(at) != 2 || at[1].Sub(at[0]) != 2*time.Second {
				t.Errorf("%d: asked at %v", status, at)
			}
		})
	}
}

// Who is asked to wait longer than the caller can is told at once.
func TestALongRetryAfterIsNotWaitedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		asked, begin := 0, time.Now()
		table := inMemory(t, func(request *http.Request) (*http.Response, error) {
			asked++
			return refuse(request, http.StatusTooManyRequests, 3), nil
		})
		_, err := table.Put(t.Context(), store.Row{Partition: "p", Key: "k"})
		if !errors.Is(err, store.ErrUnavailable) || asked != 1 || time.Since(begin) != 0 {
			t.Errorf("%v after %d requests and %v", err, asked, time.Since(begin))
		}
	})
}

// A service that takes requests and never answers costs four tries of 5 s and
// the waits between them; a write, one more try to read it back.
func TestASilentServiceIsGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var methods []string
		table := inMemory(t, func(request *http.Request) (*http.Response, error) {
			methods = append(methods, request.Method)
			<-request.Context().Done()
			return nil, request.Context().Err()
		})
		for _, c := range []struct {
			call  func() error
			tries int
		}{
			{func() error { _, err := table.Get(t.Context(), "p", "k"); return err }, 4},
			{func() error { _, err := table.Put(t.Context(), store.Row{Partition: "p", Key: "k"}); return err }, 5},
			{func() error { return table.Delete(t.Context(), "p", "k", store.Any) }, 5},
		} {
			begin := time.Now()
			methods = nil
			err := c.call()
			took := time.Since(begin) - time.Duration(c.tries)*5*time.Second
			if !errors.Is(err, store.ErrUnavailable) || len(methods) != c.tries || took < time.Second || took > 3*time.Second {
				t.Errorf("%v after %q, with %v of waits", err, methods, took)
			}
		}
	})
}

// The reader of one try must not be that of the next: net/http may still use it.
func TestEachTryHasItsOwnBody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var bodies []io.Reader
		table := inMemory(t, func(request *http.Request) (*http.Response, error) {
			again, err := request.GetBody()
			if err != nil {
				t.Fatal(err)
			}
			bodies = append(bodies, request.Body, again)
			return refuse(request, http.StatusTooManyRequests, 0), nil
		})
		_, err := table.Put(t.Context(), store.Row{Partition: "p", Key: "k", Data: []byte("data")})
		if !errors.Is(err, store.ErrUnavailable) || len(bodies) != 8 {
			t.Fatalf("%v with %d bodies", err, len(bodies))
		}
		var first []byte
		for i, body := range bodies {
			content, err := io.ReadAll(body)
			if first == nil {
				first = content
			}
			if err != nil || len(content) == 0 || !bytes.Equal(content, first) {
				t.Errorf("body %d has %d bytes, %v", i, len(content), err)
			}
		}
	})
}

// A connection that was never made leaves no doubt, and nothing to read back.
func TestAServiceThatCannotBeReached(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		asked := 0
		table := inMemory(t, func(*http.Request) (*http.Response, error) {
			asked++
			return nil, &net.OpError{Op: "dial", Net: "tcp", Err: syscall.ECONNREFUSED}
		})
		_, err := table.Put(t.Context(), store.Row{Partition: "p", Key: "k"})
		if !errors.Is(err, store.ErrUnavailable) || asked != 4 {
			t.Errorf("%v after %d tries", err, asked)
		}
	})
}
