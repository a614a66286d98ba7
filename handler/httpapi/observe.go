package httpapi

import (
	"context"
	"log/slog"
	"net/http"
	"runtime/debug"
	"time"

	"callout/handler/egress"
	"callout/handler/history"
	"callout/handler/logline"
	"callout/handler/route"
)

// Observe gives every request an id, returns it and the host's, logs how the
// request ended, and turns a panic into an error. No header value, query, body
// or path is logged: any of them can hold a credential.
func (a *API) Observe(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		start := a.Now()
		id := history.NewID(start)
		w.Header().Set("x-callout-request-id", id)
		ctx := logline.With(r.Context(), slog.String("requestId", id))
		if call := invocation(r); call != "" {
			w.Header().Set(invocationHeader, call)
			ctx = logline.With(ctx, slog.String("invocationId", call))
		}
		rec := &recorder{ResponseWriter: w}
		defer a.log(ctx, r, rec, start)
		if r.Header.Get(egress.LoopHeader) != "" {
			Fail(rec, r, http.StatusLoopDetected, "LoopDetected",
				"This request comes from a configuration of Callout, which must not call Callout. Change the endpoint of that configuration.")
			return
		}
		next.ServeHTTP(rec, r.WithContext(ctx))
	})
}

// invocationHeader carries the host's id of a call. Log lines of a handler are
// not tied to their call unless they name it.
const invocationHeader = "X-Azure-Functions-Invocationid"

// invocation returns the host's id of the call, if it looks like one: the header
// of a client that calls without a host could hold anything.
func invocation(r *http.Request) string {
	id := r.Header.Get(invocationHeader)
	for _, c := range id {
		if !(c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F' || c >= '0' && c <= '9' || c == '-' || c == ',' || c == ' ') {
			return ""
		}
	}
	return id[:min(len(id), 128)]
}

func (a *API) log(ctx context.Context, r *http.Request, rec *recorder, start time.Time) {
	if p := recover(); p != nil {
		a.Log.ErrorContext(ctx, "panic", "stack", string(debug.Stack()))
		if rec.status == 0 {
			Fail(rec, r, http.StatusInternalServerError, "InternalError", "Callout failed by itself. Try again.")
		}
	}
	function := rec.function
	if function == "" && rec.status == http.StatusNotFound {
		return // the host's readiness probe, and scanners
	}
	a.Log.InfoContext(ctx, "answered", "function", function, "status", rec.status, "durationMs", a.Now().Sub(start).Milliseconds())
}

// recorder remembers the status, and which function answered.
type recorder struct {
	http.ResponseWriter
	status   int
	function string
}

// WriteHeader implements http.ResponseWriter.
func (r *recorder) WriteHeader(status int) {
	r.status = status
	r.ResponseWriter.WriteHeader(status)
}

// Unwrap lets http.ResponseController reach the connection.
func (r *recorder) Unwrap() http.ResponseWriter { return r.ResponseWriter }

// note tells the recorder which function was found.
func note(w http.ResponseWriter, r *http.Request) {
	if rec, ok := w.(*recorder); ok {
		if f, found := route.FromContext(r.Context()); found {
			rec.function = f.Name
		}
	}
}
