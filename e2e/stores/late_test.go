package stores

import (
	"context"
	"net/http"
	"slices"
	"testing"
	"time"

	"callout/handler/callout"
	"callout/handler/catalog"
	"callout/handler/storetest/azurite"
	"callout/handler/storetest/fault"
)

// beside returns the same world seen through proxies of its own, whose requests
// meet no fault of the first.
func (w *world) beside() *world {
	return &world{t: w.t, server: w.server, names: w.names, noTokens: w.noTokens, upstream: w.upstream,
		tables: fault.Start(w.t, azurite.Shared(w.t).URL(), fault.Options{}),
		vault:  fault.Start(w.t, w.server.URL(), fault.Options{TLS: true, Backend: w.server.Client().Transport})}
}

// await waits until the proxy has seen n requests of the shape, "" for any.
func await(t *testing.T, p *fault.Proxy, shape string, n int) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(time.Millisecond) {
		seen := p.Requests()
		if shape != "" {
			seen = slices.DeleteFunc(seen, func(s string) bool { return s != shape })
		}
		if len(seen) >= n {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d requests of %q, want %d: %v", len(seen), shape, n, p.Requests())
		}
	}
}

// inTurn lets the faults happen to the requests in their order, whatever they are.
func inTurn(faults ...fault.Fault) fault.Rule {
	return func(fault.Request) fault.Fault {
		if len(faults) == 0 {
			return fault.Pass()
		}
		next := faults[0]
		faults = faults[1:]
		return next
	}
}

// The row was inserted, the answer was lost, and another instance has deleted
// the configuration, secret and all, before the insert was tried again. It must
// not come back without its secret.
func TestWhatWasDeletedIsNotInsertedAgain(t *testing.T) {
	w := newWorld(t)
	here, there := w.instance(), w.beside().instance()
	w.create(here, "earlier", "GET", "token-of-earlier") // creates the table
	gate := make(chan struct{})
	w.tables.Reset()
	w.tables.Use(inTurn(fault.Pass(), fault.DropReply(), fault.Hold(gate))) // the read, the insert, and what comes then
	answer := make(chan error)
	go func() {
		_, err := here.Catalog.Create(t.Context(), w.config("get_it", "GET", "token-of-get-it"))
		answer <- err
	}()
	await(t, w.tables, "", 3)
	if err := there.Catalog.Delete(t.Context(), "get_it", catalog.Condition{}); err != nil {
		t.Fatal(err)
	}
	close(gate)
	told := (&op{err: <-answer}).code()
	_, err := w.beside().instance().Catalog.Get(t.Context(), "get_it")
	switch is := (&op{err: err}).code(); {
	case told == callout.StorageUnavailable && is == callout.ConfigNotFound:
	case told == "" || is == "":
		w.call(w.beside().instance(), "get_it", "token-of-get-it")
	default:
		t.Errorf("the creator was told %q, and a reader %q: %v", told, is, err)
	}
}

// heard tells of each answer of the backend to a request of the method.
type heard struct {
	http.RoundTripper
	method  string
	answers chan int
}

// RoundTrip implements http.RoundTripper.
func (h heard) RoundTrip(r *http.Request) (*http.Response, error) {
	response, err := h.RoundTripper.RoundTrip(r)
	if err == nil && r.Method == h.method {
		h.answers <- response.StatusCode
	}
	return response, err
}

// A write is held up on its way, its caller gives up and is told that nobody
// knows, and it arrives after all, when somebody else has been told that another
// write is done: it is refused.
func TestAWriteThatArrivesLate(t *testing.T) {
	for _, row := range []struct {
		what, method string
		write        func(context.Context, *world, *instance) error
		status       int
	}{
		{"a change", "PUT", func(ctx context.Context, w *world, i *instance) error {
			_, _, err := i.Catalog.Put(ctx, w.config("api", "GET", "the-late-token"), catalog.Condition{})
			return err
		}, http.StatusPreconditionFailed},
		{"a creation that another was faster with", "POST", func(ctx context.Context, w *world, i *instance) error {
			_, err := i.Catalog.Create(ctx, w.config("api", "GET", "the-late-token"))
			return err
		}, http.StatusConflict},
	} {
		t.Run(row.what, func(t *testing.T) {
			w := newWorld(t)
			there := w.beside().instance()
			backend := heard{azurite.Shared(t).Transport(), row.method, make(chan int, 1)}
			w.tables = fault.Start(t, azurite.Shared(t).URL(), fault.Options{Backend: backend})
			here := w.instance()
			if row.method == "PUT" {
				w.create(there, "api", "GET", "the-old-token")
			}
			gate := make(chan struct{})
			w.tables.Use(inTurn(fault.Pass(), fault.Hold(gate))) // the read, the write
			ctx, leave := context.WithCancel(t.Context())
			told := make(chan error)
			go func() { told <- row.write(ctx, w, here) }()
			await(t, w.tables, "", 2)
			leave()
			if got := (&op{err: <-told}).code(); got != callout.StorageUnavailable {
				t.Errorf("who gave up was told %q", got)
			}
			if _, _, err := there.Catalog.Put(t.Context(), w.config("api", "GET", "the-next-token"), catalog.Condition{}); err != nil {
				t.Fatal(err)
			}
			close(gate)
			if status := <-backend.answers; status != row.status {
				t.Errorf("the late write was answered %d, want %d", status, row.status)
			}
			w.call(w.beside().instance(), "api", "the-next-token")
		})
	}
}
