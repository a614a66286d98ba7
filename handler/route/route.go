package route

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
)

// Codes of the errors that this package answers with.
const (
	codeNotFound         = "NotFound"
	codeMethodNotAllowed = "MethodNotAllowed"
	codeForeignHost      = "ForeignHost"
	codeCrossOrigin      = "CrossOrigin"
)

// failFunc writes one error answer.
type failFunc = func(w http.ResponseWriter, r *http.Request, status int, code, message string)

// Options say where the handler of New runs and how it answers errors.
type Options struct {
	// Alone says that there is no Functions host in front. Then no timer can be
	// posted, and a foreign Host header and a cross-origin browser request are
	// refused on every route.
	Alone bool
	// Fail writes an error in the shape of the API. Headers that belong to the
	// status, such as Allow, are set before. It must be given.
	Fail func(w http.ResponseWriter, r *http.Request, status int, code, message string)
}

// New returns the handler that serves every function by its route, and answers
// everything else: 404 for an unknown path and for one that is not spelled
// exactly as its route, 405 with Allow for a method that is not listed. It
// must see requests as they arrived, without a path that was rewritten. A
// handler is called for every method that its function lists, and reads path
// parameters with http.Request.PathValue.
//
// It fails when a function has no handler, a handler has no function, or the
// functions are not what Load accepts; all that is wrong is reported together.
func New(functions []Function, handlers map[string]http.Handler, opts Options) (http.Handler, error) {
	faults := []error{checkAll(functions), checkPairs(functions, handlers)}
	if opts.Fail == nil {
		faults = append(faults, errors.New("route: Options.Fail is missing; errors need a shape"))
	}
	if err := errors.Join(faults...); err != nil {
		return nil, err
	}
	served := &router{mux: newMux(functions, handlers, opts), fail: opts.Fail}
	if opts.Alone {
		return onlyLocal(served, opts.Fail), nil
	}
	return served, nil
}

func checkPairs(functions []Function, handlers map[string]http.Handler) error {
	var faults []error
	known := make(map[string]bool)
	for _, f := range functions {
		known[f.Name] = true
		if handlers[f.Name] == nil {
			faults = append(faults, fmt.Errorf("function %s has no handler; register one, or remove its folder", f.Name))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(handlers)) {
		if !known[name] {
			faults = append(faults, fmt.Errorf("handler %s has no function; add a folder with its function.json, or remove the handler", name))
		}
	}
	return errors.Join(faults...)
}

// newMux expects functions that passed checkAll, so no pattern is invalid or
// in conflict with another.
func newMux(functions []Function, handlers map[string]http.Handler, opts Options) *http.ServeMux {
	mux := http.NewServeMux()
	for pattern, p := range newPlaces(functions, handlers, opts) {
		mux.Handle(pattern, p)
	}
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { notFound(w, r, opts.Fail) })
	return mux
}

func newPlaces(functions []Function, handlers map[string]http.Handler, opts Options) map[string]*place {
	places := make(map[string]*place)
	add := func(pattern string, f Function, method string) {
		if places[pattern] == nil {
			places[pattern] = &place{pattern: pattern, fail: opts.Fail, methods: make(map[string]http.Handler)}
		}
		places[pattern].methods[method] = remember(f, handlers[f.Name])
	}
	for _, f := range functions {
		f.eachPattern(opts.Alone, func(pattern, method string) { add(pattern, f, method) })
	}
	return places
}

// eachPattern yields every pattern and method that leads to f. Alone, nobody
// but the host posts timers, so they have none.
func (f Function) eachPattern(alone bool, yield func(pattern, method string)) {
	if f.Timer != "" {
		if !alone {
			yield(f.Path(), http.MethodPost)
		}
		return
	}
	segments, _ := parseRoute(f.Route) // checkAll has seen that it is sound
	for _, pattern := range patterns(segments) {
		for _, method := range f.Methods {
			yield(pattern, method)
		}
	}
}

// remember lets the handler, and the logs, know which function it serves.
func remember(f Function, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), functionKey{}, f)))
	})
}

// router keeps paths from http.ServeMux that it would clean and redirect.
type router struct {
	mux  *http.ServeMux
	fail failFunc
}

func (rt *router) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !plain(r) {
		notFound(w, r, rt.fail)
		return
	}
	rt.mux.ServeHTTP(w, r)
}

// place is one pattern with the handlers of its methods. The methods are not
// part of the pattern, because http.ServeMux answers a wrong method in its own
// shape and lets HEAD in wherever GET is.
type place struct {
	pattern string
	methods map[string]http.Handler
	fail    failFunc
}

func (p *place) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !spelled(r.URL.EscapedPath(), p.pattern) {
		notFound(w, r, p.fail)
		return
	}
	if next := p.methods[r.Method]; next != nil {
		next.ServeHTTP(w, r)
		return
	}
	p.refuseMethod(w, r)
}

func (p *place) refuseMethod(w http.ResponseWriter, r *http.Request) {
	allow := strings.Join(slices.Sorted(maps.Keys(p.methods)), ", ")
	w.Header().Set("Allow", allow)
	p.fail(w, r, http.StatusMethodNotAllowed, codeMethodNotAllowed, "This path does not take the request's method. It takes "+allow+".")
}

func notFound(w http.ResponseWriter, r *http.Request, fail failFunc) {
	fail(w, r, http.StatusNotFound, codeNotFound,
		"Nothing is served at this path. The OpenAPI document lists the paths. They are matched letter by letter, and have no empty or dot segment, no encoded slash and no slash at the end.")
}
