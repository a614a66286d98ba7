package fakehost

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// AuthLevel is what a function.json asks of a caller.
type AuthLevel string

// The levels of authorisation. AuthFunction is the default of a function.json.
const (
	AuthAnonymous AuthLevel = "anonymous"
	AuthFunction  AuthLevel = "function"
	AuthAdmin     AuthLevel = "admin"
)

// Function is one function that was found.
type Function struct {
	// Name is that of its folder.
	Name string
	// Route is its path template without a leading slash, prefix included. It
	// is empty for a timer.
	Route string
	// Methods are in upper case. None means every method.
	Methods []string
	// AuthLevel is empty for a timer.
	AuthLevel AuthLevel
	// Schedule is the timer's, empty for an HTTP function.
	Schedule string

	binding  string
	template template
}

// IsTimer reports whether a timer triggers the function.
func (f Function) IsTimer() bool { return f.Schedule != "" }

func (f Function) takes(method string) bool {
	return len(f.Methods) == 0 || slices.Contains(f.Methods, strings.ToUpper(method))
}

type binding struct {
	Type, Direction, Name      string
	Route, AuthLevel, Schedule string
	Methods                    []string
}

// functionName is the host's rule (Utility.cs), which ignores case.
var functionName = regexp.MustCompile(`^(?i)[a-z][a-z0-9_-]{0,127}$`)

// readFunctions finds <root>/<folder>/function.json, and nothing deeper, in
// the order of their names, which is the order in which routes are tried.
func readFunctions(root, prefix string) ([]Function, error) {
	files, err := filepath.Glob(filepath.Join(root, "*", "function.json"))
	if err != nil {
		return nil, err
	}
	if len(files) == 0 {
		return nil, noFunctions(root)
	}
	var functions []Function
	var faults []error
	for _, file := range files {
		function, err := readFunction(file, prefix)
		if err == nil {
			err = conflict(function, functions)
		}
		if err != nil {
			faults = append(faults, err)
			continue
		}
		functions = append(functions, function)
	}
	return functions, errors.Join(faults...)
}

func noFunctions(root string) error {
	if deeper, _ := filepath.Glob(filepath.Join(root, "*", "*", "function.json")); len(deeper) > 0 {
		return fmt.Errorf("no function found in %s: the host looks one level deep only, and its function.json files are two deep; use the folder that `make package` writes", root)
	}
	return fmt.Errorf("no function found in %s: it holds no <name>/function.json", root)
}

func readFunction(file, prefix string) (Function, error) {
	name := filepath.Base(filepath.Dir(file))
	if !functionName.MatchString(name) || strings.EqualFold(name, "host") {
		return Function{}, fmt.Errorf("%s: rename the folder: a function's name has a letter first, then at most 127 letters, digits, - and _, and is not \"host\"", name)
	}
	data, err := os.ReadFile(file)
	if err != nil {
		return Function{}, err
	}
	function, err := parseFunction(name, prefix, data)
	if err != nil {
		return Function{}, fmt.Errorf("%s/function.json: %w", name, err)
	}
	return function, nil
}

func parseFunction(name, prefix string, data []byte) (Function, error) {
	var file struct{ Bindings []binding }
	if err := json.Unmarshal(data, &file); err != nil {
		return Function{}, err
	}
	trigger := slices.IndexFunc(file.Bindings, binding.isTrigger)
	if trigger < 0 {
		return Function{}, errors.New("add a binding of type httpTrigger or timerTrigger")
	}
	switch b := file.Bindings[trigger]; strings.ToLower(b.Type) {
	case "httptrigger":
		if !isHTTPInAndOut(file.Bindings) {
			return Function{}, errors.New(`have exactly an httpTrigger and one binding of type http, direction out: with others the host wraps requests in an envelope, which is not modelled`)
		}
		return httpFunction(name, prefix, b)
	case "timertrigger":
		return timerFunction(name, b)
	default:
		return Function{}, errors.New("use httpTrigger or timerTrigger, other triggers are not modelled")
	}
}

func (b binding) isTrigger() bool {
	return strings.HasSuffix(strings.ToLower(b.Type), "trigger")
}

// isHTTPInAndOut is the condition for either mode.
func isHTTPInAndOut(bindings []binding) bool {
	isOut := func(b binding) bool {
		return strings.EqualFold(b.Type, "http") && strings.EqualFold(b.Direction, "out")
	}
	return len(bindings) == 2 && slices.ContainsFunc(bindings, isOut)
}

func httpFunction(name, prefix string, b binding) (Function, error) {
	level := AuthLevel(strings.ToLower(b.AuthLevel))
	switch level {
	case "":
		level = AuthFunction
	case AuthAnonymous, AuthFunction, AuthAdmin:
	default:
		return Function{}, errors.New("authLevel must be anonymous, function or admin")
	}
	route := b.Route
	if strings.TrimSpace(route) == "" {
		route = name
	}
	// The host compares text, so that "administrators" is reserved too
	// (ScriptHost.ValidateHttpFunction).
	reserved := strings.ToLower(strings.Trim(route, "/"))
	if strings.HasPrefix(reserved, "admin") || strings.HasPrefix(reserved, "runtime") {
		return Function{}, errors.New("change the route: those that start with admin or runtime are the host's own")
	}
	if prefix != "" {
		route = prefix + "/" + route
	}
	parsed, err := parseTemplate(route)
	if err != nil {
		return Function{}, err
	}
	var methods []string
	for _, method := range b.Methods {
		methods = append(methods, strings.ToUpper(method))
	}
	return Function{Name: name, Route: route, Methods: methods, AuthLevel: level, template: parsed}, nil
}

// schedule takes a CRON expression of five or six fields, a time span, or the
// name of a setting between percent signs.
var schedule = regexp.MustCompile(`^(\S+( +\S+){4,5}|[\d.]+(:\d+){1,2}|%[^%]+%)$`)

func timerFunction(name string, b binding) (Function, error) {
	if b.Name == "" {
		return Function{}, errors.New(`the timerTrigger needs a "name", under which its data is sent`)
	}
	if !schedule.MatchString(b.Schedule) {
		return Function{}, errors.New("schedule must be a CRON expression of six fields, such as 0 */5 * * * *")
	}
	return Function{Name: name, Schedule: b.Schedule, binding: b.Name}, nil
}

// conflict is the host's rule: the same route text with a method in common.
// Names differ by more than case, because the host looks keys up without it.
func conflict(f Function, earlier []Function) error {
	for _, other := range earlier {
		if strings.EqualFold(f.Name, other.Name) {
			return fmt.Errorf("%s and %s: names of functions must differ by more than case", other.Name, f.Name)
		}
		if f.Route == "" || !strings.EqualFold(strings.Trim(f.Route, "/"), strings.Trim(other.Route, "/")) {
			continue
		}
		if len(f.Methods) == 0 || len(other.Methods) == 0 || slices.ContainsFunc(f.Methods, other.takes) {
			return fmt.Errorf("%s/function.json: its route and a method are those of %s: change one of them", f.Name, other.Name)
		}
	}
	return nil
}

// match returns the function that a request belongs to: the first by name
// whose template and methods fit. The host knows no better match than that.
func match(functions []Function, path, method string) (Function, bool) {
	i := slices.IndexFunc(functions, func(f Function) bool {
		return !f.IsTimer() && f.takes(method) && f.template.matches(path)
	})
	if i < 0 {
		return Function{}, false
	}
	return functions[i], true
}
