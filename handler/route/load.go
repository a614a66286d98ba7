package route

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"
)

// Load reads <name>/function.json for every folder of fsys, sorted by name.
// It is stricter than the host, which ignores what it does not know: a
// property, a kind of binding or a form of route that this package does not
// understand is an error, and so are two functions that one request could
// mean. All errors are reported together, each with the function's name.
func Load(fsys fs.FS) ([]Function, error) {
	files, err := fs.Glob(fsys, "*/function.json")
	if err != nil {
		return nil, fmt.Errorf("list the functions: %w", err)
	}
	if len(files) == 0 {
		return nil, errors.New("there is no <name>/function.json; every function has one")
	}
	slices.SortFunc(files, func(a, b string) int { return strings.Compare(path.Dir(a), path.Dir(b)) })
	functions, unread := loadFunctions(fsys, files)
	if err := errors.Join(unread, checkAll(functions)); err != nil {
		return nil, err
	}
	return functions, nil
}

// loadFunctions returns the functions that could be read, and why the others
// could not.
func loadFunctions(fsys fs.FS, files []string) ([]Function, error) {
	var functions []Function
	var faults []error
	for _, file := range files {
		f, err := loadFunction(fsys, file)
		if err != nil {
			faults = append(faults, named(path.Dir(file), err))
			continue
		}
		functions = append(functions, f)
	}
	return functions, errors.Join(faults...)
}

func loadFunction(fsys fs.FS, file string) (Function, error) {
	data, err := fs.ReadFile(fsys, file)
	if err != nil {
		return Function{}, err
	}
	var document struct {
		Bindings []json.RawMessage `json:"bindings"`
	}
	if err := decodeStrictly(data, &document); err != nil {
		return Function{}, fmt.Errorf("function.json: %w", err)
	}
	return fromBindings(path.Dir(file), document.Bindings)
}

// The bindings that a custom handler's function may have here. A function has
// either one httpTrigger and one http, which is what the host proxies, or one
// timerTrigger.
type (
	anyBinding struct {
		Type      string `json:"type"`
		Direction string `json:"direction"`
		Name      string `json:"name"`
	}
	httpTrigger struct {
		anyBinding
		Route     string   `json:"route"`
		Methods   []string `json:"methods"`
		AuthLevel string   `json:"authLevel"`
	}
	timerTrigger struct {
		anyBinding
		Schedule string `json:"schedule"`
	}
)

func fromBindings(name string, bindings []json.RawMessage) (Function, error) {
	f := Function{Name: name}
	var types []string
	for i, data := range bindings {
		b, err := f.take(data)
		if err != nil {
			return Function{}, fmt.Errorf("function.json: bindings[%d]: %w", i, err)
		}
		types = append(types, b.Type)
	}
	slices.Sort(types)
	if got := strings.Join(types, " + "); got != "http + httpTrigger" && got != "timerTrigger" {
		return Function{}, errors.New("function.json: bindings must be one httpTrigger and one http, or one timerTrigger; the host passes on no other as it came")
	}
	return f, nil
}

// take reads one binding into f.
func (f *Function) take(data json.RawMessage) (anyBinding, error) {
	var b anyBinding
	if err := json.Unmarshal(data, &b); err != nil {
		return b, err
	}
	switch b.Type {
	case "httpTrigger":
		return b, f.takeHTTP(data, b)
	case "timerTrigger":
		return b, f.takeTimer(data, b)
	case "http":
		return b, errors.Join(decodeStrictly(data, &b), b.check("out"))
	}
	return b, errors.New("type must be \"httpTrigger\", \"http\" or \"timerTrigger\"")
}

func (f *Function) takeHTTP(data json.RawMessage, b anyBinding) error {
	var t httpTrigger
	if err := errors.Join(decodeStrictly(data, &t), b.check("in"), lowerCase(t.Methods)); err != nil {
		return err
	}
	f.Route, f.AuthLevel, f.Methods = t.Route, t.AuthLevel, nil
	for _, method := range t.Methods {
		f.Methods = append(f.Methods, strings.ToUpper(method))
	}
	return nil
}

func lowerCase(methods []string) error {
	for _, method := range methods {
		if method != strings.ToLower(method) {
			return errors.New("methods are written in lower case")
		}
	}
	return nil
}

func (f *Function) takeTimer(data json.RawMessage, b anyBinding) error {
	var t timerTrigger
	if err := errors.Join(decodeStrictly(data, &t), b.check("in")); err != nil {
		return err
	}
	if t.Schedule == "" {
		return errors.New("the timerTrigger has no schedule; write one with six fields, seconds first")
	}
	f.Timer = t.Schedule
	return nil
}

func (b anyBinding) check(direction string) error {
	if b.Direction != direction {
		return fmt.Errorf("the direction of %s must be %q", b.Type, direction)
	}
	if b.Name == "" {
		return fmt.Errorf("the %s has no name; write one, such as \"req\", \"res\" or \"timer\"", b.Type)
	}
	return nil
}

// decodeStrictly refuses unknown properties and anything after the document.
func decodeStrictly(data []byte, into any) error {
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(into); err != nil {
		return err
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return errors.New("something follows the JSON document; remove it")
	}
	return nil
}
