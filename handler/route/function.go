// Package route joins the function.json files with their handlers to one
// http.Handler, which serves both under the Functions host and alone.
//
// The host decides by its own match of a path which function's key opens it,
// and that match ignores letter case, trailing slashes and some encodings. A
// path that the two could read differently would let one role in with
// another's key. So the routes must leave no choice between functions, and a
// path that is not spelled exactly as its route is refused.
package route

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
)

// prefix is extensions.http.routePrefix of host.json. It keeps the paths of
// timers, which have none, out of reach from outside.
const prefix = "api"

// Function is what one function.json says.
type Function struct {
	// Name is the folder's name.
	Name string
	// Route is the template as written, without the prefix "api", such as
	// configs/{name} or console/{*file}. It is empty for a timer.
	Route string
	// Methods are in upper case, in the order of the file.
	Methods []string
	// AuthLevel is "function" or "anonymous", and empty for a timer.
	AuthLevel string
	// Timer is the schedule, and empty for a function that is called by HTTP.
	Timer string
}

type functionKey struct{}

// FromContext returns the function whose route a request matched. It is there
// for whatever a handler from New calls, and for nothing else.
func FromContext(ctx context.Context) (Function, bool) {
	f, ok := ctx.Value(functionKey{}).(Function)
	return f, ok
}

// Path returns the path with its parameters in braces, as OpenAPI writes it:
// /api/configs/{name}. For a timer it is the path that the host posts to.
func (f Function) Path() string {
	if f.Timer != "" {
		return "/" + f.Name
	}
	return "/" + prefix + "/" + strings.ReplaceAll(f.Route, "{*", "{")
}

// methodNames are the methods that a function may list. CONNECT and TRACE have
// no use behind a proxy.
var methodNames = []string{
	http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut,
	http.MethodPatch, http.MethodDelete, http.MethodOptions,
}

// namePattern and maxName are the host's rule for the folder's name. A counted
// repetition would take half a millisecond of every start to compile.
var namePattern = regexp.MustCompile(`^[a-z][a-z0-9_-]*$`)

const maxName = 128

// check returns all that is wrong with f by itself.
func (f Function) check() error {
	faults := []error{checkName(f.Name)}
	if f.Timer == "" {
		faults = append(faults, checkRoute(f.Route), checkMethods(f.Methods), checkLevel(f.AuthLevel))
	} else if f.Route != "" || len(f.Methods) > 0 || f.AuthLevel != "" {
		faults = append(faults, errors.New("a timer has no route, methods or authLevel; leave them out"))
	}
	return named(f.Name, faults...)
}

// named puts the function's name before each fault, so that every line of a
// joined error says where to look.
func named(name string, faults ...error) error {
	var all []error
	for _, fault := range faults {
		if fault != nil {
			all = append(all, fmt.Errorf("function %s: %w", name, fault))
		}
	}
	return errors.Join(all...)
}

func checkName(name string) error {
	if name == "host" || len(name) > maxName || !namePattern.MatchString(name) {
		return errors.New("the folder's name must begin with a letter, hold only a-z, 0-9, _ and -, at most 128 of them, and not be \"host\"; rename the folder")
	}
	return nil
}

func checkRoute(route string) error {
	if route == "" {
		return errors.New("the httpTrigger has no route; write one, because the host would use the folder's name")
	}
	_, err := parseRoute(route)
	return err
}

func checkMethods(methods []string) error {
	if len(methods) == 0 {
		return errors.New("the httpTrigger lists no methods; list them, because the host would allow all")
	}
	for i, method := range methods {
		if !slices.Contains(methodNames, method) {
			return fmt.Errorf("methods: %q is none of %s", strings.ToLower(method), strings.ToLower(strings.Join(methodNames, ", ")))
		}
		if slices.Contains(methods[:i], method) {
			return fmt.Errorf("methods: %q is listed twice", strings.ToLower(method))
		}
	}
	return nil
}

func checkLevel(level string) error {
	if level != "function" && level != "anonymous" {
		return errors.New("authLevel must be \"function\" or \"anonymous\"; \"admin\" would ask every caller for the master key")
	}
	return nil
}
