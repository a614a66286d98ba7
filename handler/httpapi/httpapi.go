// Package httpapi is the JSON API (design: sections 2, 6 and 7). A handler says
// what to do; how requests are read, errors become statuses and answers are
// written is the same for all and is here.
package httpapi

import (
	"bytes"
	"encoding/json"
	"errors"
	"log/slog"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"callout/handler/callout"
	"callout/handler/catalog"
	"callout/handler/draft"
	"callout/handler/execute"
	"callout/handler/history"
	"callout/handler/route"
	"callout/handler/sweep"
)

// API holds what the handlers work with.
type API struct {
	Catalog *catalog.Catalog
	Execute *execute.Executor
	History *history.History
	Sweep   *sweep.Sweeper
	Log     *slog.Logger
	Now     func() time.Time
	// Functions are what the OpenAPI document describes.
	Functions []route.Function
	// Opened is closed when Catalog, Execute and History are there. Functions that
	// need them wait for it; nil means that they are.
	Opened <-chan struct{}
	// Proxied says that a Functions host forwards the requests, so that its
	// X-Forwarded headers tell the address that the caller used.
	Proxied bool
	// PublicHost is the name under which Azure serves this, over https. It is
	// empty elsewhere.
	PublicHost string
}

// reply is what a handler answers. A nil body means none.
type reply struct {
	status int
	header map[string]string
	body   any
}

// methods are the handlers of one function by method.
type methods map[string]func(*http.Request) (reply, error)

// Handlers returns the handler of each function by its name.
func (a *API) Handlers() map[string]http.Handler {
	stored := map[string]methods{
		"configs":    {"GET": a.listConfigs, "POST": a.createConfig},
		"config":     {"GET": a.getConfig, "PUT": a.putConfig, "PATCH": a.patchConfig, "DELETE": a.deleteConfig},
		"test":       {"POST": a.test},
		"test-draft": {"POST": a.testDraft},
		"import":     {"POST": a.importDrafts},
		"execute":    {"POST": a.execute},
		"execution":  {"GET": a.getExecution},
		"executions": {"GET": a.listExecutions},
		"approvals":  {"GET": a.listApprovals},
		"approve":    {"POST": a.approve},
		"deny":       {"POST": a.deny},
		"sweep":      {"POST": a.sweep},
	}
	out := map[string]http.Handler{
		"health":  a.serve(methods{"GET": a.health}),
		"openapi": a.serve(methods{"GET": a.openapi}),
	}
	for name, m := range stored {
		out[name] = a.whenOpened(a.serve(m))
	}
	return out
}

// whenOpened holds requests back until the stores are open.
func (a *API) whenOpened(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if a.Opened != nil {
			select {
			case <-a.Opened:
			case <-r.Context().Done():
				return
			}
		}
		next.ServeHTTP(w, r)
	})
}

func (a *API) serve(m methods) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		note(w, r)
		handle, ok := m[r.Method]
		if !ok { // function.json lists a method that no handler takes
			w.Header().Set("Allow", strings.Join(slices.Sorted(maps.Keys(m)), ", "))
			Fail(w, r, http.StatusMethodNotAllowed, "MethodNotAllowed", "This function does not take the method. Use one of those in Allow.")
			return
		}
		answer, err := handle(r)
		if err != nil {
			a.refuse(w, r, err)
			return
		}
		a.send(w, r, answer)
	})
}

// send writes an answer, or none of it: what cannot be encoded may hold a
// secret by mistake.
func (a *API) send(w http.ResponseWriter, r *http.Request, answer reply) {
	var data []byte
	if answer.body != nil {
		var err error
		if data, err = encode(answer.body); err != nil {
			a.refuse(w, r, err)
			return
		}
	}
	for name, value := range answer.header {
		w.Header().Set(name, value)
	}
	write(w, answer.status, data)
}

// Statuses of the codes. What is not listed is an internal error.
var statuses = map[string]int{
	invalidJSON:                       http.StatusBadRequest,
	invalidQuery:                      http.StatusBadRequest,
	callout.InvalidCurl:               http.StatusBadRequest,
	draft.InvalidOpenAPI:              http.StatusBadRequest,
	callout.InvalidConfig:             http.StatusBadRequest,
	callout.InvalidArguments:          http.StatusBadRequest,
	callout.InvalidRequest:            http.StatusBadRequest,
	callout.SecretsRequired:           http.StatusBadRequest,
	callout.ConfigNotFound:            http.StatusNotFound,
	callout.ExecutionNotFound:         http.StatusNotFound,
	callout.ConfigExists:              http.StatusConflict,
	callout.ConfigDisabled:            http.StatusConflict,
	callout.ApprovalNotPending:        http.StatusConflict,
	string(callout.CredentialMissing): http.StatusConflict,
	callout.PreconditionFailed:        http.StatusPreconditionFailed,
	callout.IdempotencyKeyReused:      http.StatusUnprocessableEntity,
	payloadTooLarge:                   http.StatusRequestEntityTooLarge,
	callout.StorageUnavailable:        http.StatusServiceUnavailable,
}

// refuse answers an error. What the caller is not meant to see is logged by its
// text, which the stores keep free of values.
func (a *API) refuse(w http.ResponseWriter, r *http.Request, err error) {
	var known *callout.Error
	if !errors.As(err, &known) || statuses[known.Code] == 0 {
		a.Log.ErrorContext(r.Context(), "internal error", "error", err.Error())
		Fail(w, r, http.StatusInternalServerError, "InternalError",
			"Callout failed by itself. Try again; if it happens again, give the value of x-callout-request-id to whoever runs this service.")
		return
	}
	if known.Err != nil {
		a.Log.WarnContext(r.Context(), "refused", "code", known.Code, "cause", known.Err.Error())
	}
	if known.Code == callout.StorageUnavailable {
		w.Header().Set("Retry-After", "5")
	}
	fail(w, statuses[known.Code], known)
}

// Fail answers an error that no handler saw, in the shape of all errors.
func Fail(w http.ResponseWriter, _ *http.Request, status int, code, message string) {
	fail(w, status, &callout.Error{Code: code, Message: message})
}

func fail(w http.ResponseWriter, status int, e *callout.Error) {
	data, _ := encode(map[string]any{"error": e}) // strings only: cannot fail
	w.Header().Set("x-ms-error-code", e.Code)
	write(w, status, data)
}

// encode leaves out the HTML escapes: no answer is read as HTML.
func encode(body any) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	err := enc.Encode(body)
	return b.Bytes(), err
}

// write sends a JSON document, or none when data is nil.
func write(w http.ResponseWriter, status int, data []byte) {
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	if data != nil {
		w.Header().Set("Content-Type", "application/json; charset=utf-8")
	}
	w.WriteHeader(status)
	_, _ = w.Write(data) // a caller that went away is its own affair
}
