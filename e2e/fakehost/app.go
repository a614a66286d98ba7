package fakehost

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// Mode says how an HTTP request reaches the handler.
type Mode int

// The modes. FromHostJSON takes what host.json enables; proxying wins when
// both are enabled, as it does in the host.
const (
	FromHostJSON Mode = iota
	Forwarding
	Proxying
)

// String returns the mode's name as the command line takes it.
func (m Mode) String() string {
	return [...]string{"host.json", "forwarding", "proxying"}[m]
}

// app is what a packaged folder says.
type app struct {
	program   program
	mode      Mode
	functions []Function
}

type hostJSON struct {
	Version    string
	Extensions struct {
		HTTP struct{ RoutePrefix *string }
	}
	CustomHandler *customHandler
}

type customHandler struct {
	Description struct {
		DefaultExecutablePath string
		WorkingDirectory      string
		Arguments             []string
	}
	EnableForwardingHTTPRequest bool
	EnableProxyingHTTPRequest   bool
	HTTP                        json.RawMessage
}

// readApp reads the folder, and reports everything that is wrong with it.
func readApp(opts Options) (app, error) {
	root, err := filepath.Abs(opts.Dir)
	if err != nil {
		return app{}, err
	}
	host, err := readHostJSON(root)
	if err != nil {
		return app{}, err
	}
	settings, settingsErr := readLocalSettings(root)
	mode, modeErr := host.mode(opts.Mode)
	prog, programErr := host.program(root)
	functions, functionsErr := readFunctions(root, host.routePrefix())
	prog.env = append(append(settings, os.Environ()...), opts.Env...)
	err = errors.Join(settingsErr, modeErr, programErr, functionsErr)
	return app{program: prog, mode: mode, functions: functions}, err
}

func readHostJSON(root string) (hostJSON, error) {
	var host hostJSON
	err := readJSON(filepath.Join(root, "host.json"), &host)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return host, fmt.Errorf("%s has no host.json: name the folder that `make package` writes, not the repository", root)
	case err != nil:
		return host, err
	case host.Version != "2.0":
		return host, errors.New(`host.json: "version" must be "2.0", the host starts with no other`)
	case host.CustomHandler == nil:
		return host, errors.New(`host.json: add "customHandler", without it the host starts no process`)
	case host.CustomHandler.HTTP != nil:
		return host, errors.New(`host.json: remove "customHandler.http": routes come from function.json files here`)
	}
	return host, nil
}

func (h hostJSON) routePrefix() string {
	if p := h.Extensions.HTTP.RoutePrefix; p != nil {
		return strings.Trim(*p, "/")
	}
	return "api"
}

func (h hostJSON) mode(asked Mode) (Mode, error) {
	switch {
	case asked != FromHostJSON:
		return asked, nil
	case h.CustomHandler.EnableProxyingHTTPRequest:
		return Proxying, nil
	case h.CustomHandler.EnableForwardingHTTPRequest:
		return Forwarding, nil
	}
	return 0, errors.New(`host.json: set "customHandler.enableProxyingHttpRequest" to true; without it the host wraps requests in an envelope, which is not modelled`)
}

// program resolves the executable. The host looks in the script root first,
// and so a handler is named without "./".
func (h hostJSON) program(root string) (program, error) {
	description := h.CustomHandler.Description
	if description.DefaultExecutablePath == "" {
		return program{}, errors.New(`host.json: name the handler in "customHandler.description.defaultExecutablePath"`)
	}
	path := within(root, description.DefaultExecutablePath)
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return program{}, fmt.Errorf("the handler that host.json names is missing, build it with `make package`: %w", err)
	case !info.Mode().IsRegular() || info.Mode().Perm()&0o111 == 0:
		return program{}, fmt.Errorf("%s is not an executable file: build it again, or set its mode to 0755", path)
	}
	return program{
		path: path,
		args: description.Arguments,
		root: root,
		dir:  within(root, description.WorkingDirectory),
	}, nil
}

func within(root, path string) string {
	if filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(root, path)
}

// readLocalSettings returns the Values of local.settings.json, which need not
// exist, as an environment. As in Core Tools the environment that is already
// there wins.
func readLocalSettings(root string) ([]string, error) {
	var settings struct {
		IsEncrypted bool
		Values      map[string]string
	}
	err := readJSON(filepath.Join(root, "local.settings.json"), &settings)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, nil
	case err != nil:
		return nil, err
	case settings.IsEncrypted:
		return nil, errors.New(`local.settings.json: run "func settings decrypt" first, encrypted settings are not read`)
	}
	var env []string
	for name, value := range settings.Values {
		env = append(env, name+"="+value)
	}
	return env, nil
}

func readJSON(path string, into any) error {
	data, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(data, into); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}
