package egress_test

import (
	"net/http"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"strings"
	"sync"
	"testing"
	"time"

	"callout/handler/callout"
)

// hostile is an upstream that does what it must not.
type hostile struct {
	name   string
	answer func(*wire)
	end    ending
}

// ending is how a call ends: with an error of that code, which says that; or, if
// there is no code, with an answer in which that is said.
type ending struct {
	code callout.Code
	says string
	cut  bool
}

var (
	isFine      = ending{says: `"hello"`}
	isEmpty     = ending{says: `null`}
	isCut       = ending{cut: true}
	grows       = ending{code: callout.ResponseTooLarge, says: "grows more than a hundredfold"}
	manyHeaders = ending{code: callout.ResponseTooLarge, says: "headers of the answer are larger than 64 KiB"}
	noGzip      = ending{code: callout.InvalidResponse, says: "not valid gzip"}
	otherCode   = ending{code: callout.InvalidResponse, says: "an encoding other than gzip"}
	breaksOff   = ending{code: callout.InvalidResponse, says: "ended before its body was complete"}
	unreadable  = ending{code: callout.InvalidResponse, says: "body of the answer could not be read"}
	noHTTP      = ending{code: callout.InvalidResponse, says: "not valid HTTP"}
	switches    = ending{code: callout.InvalidResponse, says: "switched to another protocol"}
	noStatus    = ending{code: callout.InvalidResponse, says: "a status that HTTP does not know"}
	serverError = ending{code: callout.UpstreamServerError, says: "an error of its own"}
	hangsUp     = ending{code: callout.RequestFailed, says: "closed the connection before it answered"}
	lasts       = ending{code: callout.TimedOut, says: "not finished within its time limit"} // nothing else ends it
)

// maxGrowth is by how much the heap may grow during a call that reads up to
// maxResponseBytes, 1 MiB: what is read, decoded, cleaned of secrets, written as
// JSON, packed for the history and answered are copies of it, some of them while
// they grow by doubling, and some not collected yet. 7 MiB are usual, 14 were seen.
// What an upstream sends beyond its megabyte must not show.
const maxGrowth = 24 << 20

func tryHostile(t *testing.T, all []hostile) {
	for _, h := range all {
		t.Run(h.name, func(t *testing.T) {
			before := runtime.NumGoroutine()
			t.Run("call", h.try)
			wantGoroutines(t, before)
		})
	}
}

// try calls, and looks how the calls ended and what they took.
func (h *hostile) try(t *testing.T) {
	a := newAuthority(t)
	upstream := serveRaw(t, a, h.answer)
	w := newWorldAround(t, corpusPolicy, a, upstream)
	h.call(w, "GET", "hostile_get")
	if h.end != lasts { // the time of a POST runs out as well
		h.call(w, "POST", "hostile_post")
	}
}

func (h *hostile) call(w *world, method, name string) {
	w.t.Helper()
	timeout := 30
	if h.end == lasts {
		timeout = 1
	}
	w.put(http.StatusCreated, name, doc{"endpoint": "https://api.example.com/v1", "method": method, "timeoutSeconds": timeout})
	var e *callout.Execution
	if grown := growth(func() { e = w.execute(name, `{}`) }); grown > maxGrowth {
		w.t.Errorf("the heap grew by %d KiB, want at most %d", grown>>10, maxGrowth>>10)
	}
	switch {
	case h.end.code == "":
		h.wantAnswer(w, e)
	case method == "POST" && e.Response == nil || method == "POST" && e.Response.Status == http.StatusOK:
		if e.Status != callout.Unknown || e.Error == nil || e.Error.Code != callout.OutcomeUnknown {
			w.t.Errorf("it %s with %+v, want it unknown: the change may have been made", e.Status, e.Error)
		}
	default:
		w.wantFailed(e, h.end.code)
		if !strings.Contains(e.Error.Message, h.end.says) {
			w.t.Errorf("it says %q, want %q in it", e.Error.Message, h.end.says)
		}
	}
}

func (h *hostile) wantAnswer(w *world, e *callout.Execution) {
	w.t.Helper()
	if e.Status != callout.Succeeded || !strings.Contains(string(e.Response.Body), h.end.says) || e.Response.Truncated != h.end.cut {
		w.t.Fatalf("it %s with %+v and %.80s, want %s, cut %t", e.Status, e.Error, e.Response.Body, h.end.says, h.end.cut)
	}
	if h.end.cut && e.Response.Bytes != 1<<20 {
		w.t.Errorf("%d bytes were read, want what may be read unless maxResponseBytes says otherwise", e.Response.Bytes)
	}
}

// growth is by how many bytes the objects of the heap grew at most while do ran,
// those that are not collected yet among them.
func growth(do func()) int64 {
	defer debug.SetGCPercent(debug.SetGCPercent(20))
	runtime.GC()
	start, most := heap(), int64(0)
	var sampling sync.WaitGroup
	done := make(chan struct{})
	sampling.Go(func() {
		tick := time.NewTicker(time.Millisecond)
		defer tick.Stop()
		for {
			most = max(most, heap()-start)
			select {
			case <-tick.C:
			case <-done:
				return
			}
		}
	})
	do()
	close(done)
	sampling.Wait()
	return most
}

func heap() int64 {
	sample := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
	metrics.Read(sample)
	return int64(sample[0].Value.Uint64())
}

// wantGoroutines demands that no more goroutines are left than there were.
func wantGoroutines(t *testing.T, before int) {
	t.Helper()
	for deadline := time.Now().Add(patience); runtime.NumGoroutine() > before; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			stacks := make([]byte, 64<<10)
			t.Fatalf("%d goroutines are left of %d\n%s", runtime.NumGoroutine(), before, stacks[:runtime.Stack(stacks, true)])
		}
	}
}
