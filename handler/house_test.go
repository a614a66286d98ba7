package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
)

// below is the path of the packages of this repository's handler.
const below = "callout/handler/"

// layers are the packages of the house (design: section 1), those that are yet
// to be built among them. A package may use what stands in the layers below its
// own, and nothing beside it or above it.
var layers = [][]string{
	{"secret", "store", "logline", "route", "azure"},
	{"callout", "keyring"},
	{"schema", "redact", "egress", "history", "localstore", "tablestore", "keyvault", "storetest", "idempotency"},
	{"request", "credential", "token", "draft", "webhook"},
	{"catalog", "approval"},
	{"execute"},
	{"sweep"},
	{"assembly"},
	{"httpapi", "mcpapi", "console"},
	{"", "cmd"},
}

// adapters are the packages that only main, and tests, may know.
var adapters = []string{"localstore", "tablestore", "keyvault", "storetest"}

// listed is what go list says about a package, tests aside.
type listed struct {
	ImportPath, Name string
	Imports, Deps    []string
}

// packages is what the go tool says about everything in this module.
func packages(t *testing.T) []listed {
	t.Helper()
	list, err := listPackages()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	return list
}

var listPackages = sync.OnceValues(func() ([]listed, error) {
	list := exec.Command("go", "list", "-deps", "-json=ImportPath,Name,Imports,Deps", "./...")
	list.Dir, list.Stderr = "..", os.Stderr
	data, err := list.Output()
	if err != nil {
		return nil, err
	}
	var out []listed
	for decoder := json.NewDecoder(bytes.NewReader(data)); ; {
		var p listed
		err := decoder.Decode(&p)
		if errors.Is(err, io.EOF) {
			return out, nil
		}
		if err != nil {
			return nil, err
		}
		if strings.HasPrefix(p.ImportPath, "callout/") {
			out = append(out, p)
		}
	}
})

// short returns the name of a package of the handler as layers has it; what
// stands in the folder of another is a part of that one.
func short(path string) (name string, ok bool) {
	if path == strings.TrimSuffix(below, "/") {
		return "", true
	}
	name, ok = strings.CutPrefix(path, below)
	name, _, _ = strings.Cut(name, "/")
	return name, ok
}

func layer(name string) int {
	return slices.IndexFunc(layers, func(names []string) bool { return slices.Contains(names, name) })
}

func TestCallsGoDown(t *testing.T) {
	for _, p := range packages(t) {
		name, ok := short(p.ImportPath)
		if !ok {
			continue
		}
		if layer(name) < 0 {
			t.Errorf("the package %q has no place in the house; give it one in layers", name)
		}
		for _, path := range p.Imports {
			if other, ok := short(path); ok && other != name && layer(other) >= layer(name) {
				t.Errorf("%s imports %s, which does not stand below it", p.ImportPath, path)
			}
		}
	}
}

func TestTheDomainKnowsNobody(t *testing.T) {
	found := 0
	for _, p := range packages(t) {
		name, ours := short(p.ImportPath)
		if !ours || name != "callout" && name != "secret" {
			continue
		}
		found++
		for _, path := range p.Deps {
			sibling, ok := short(path)
			if ok && !(name == "callout" && sibling == "secret") {
				t.Errorf("%s imports its sibling %s", name, sibling)
			}
			if path == "net/http" || strings.HasPrefix(path, "github.com/Azure/") {
				t.Errorf("%s reaches %s", name, path)
			}
		}
	}
	if found != 2 {
		t.Errorf("%d of 2 packages of the domain were found", found)
	}
}

func TestOnlyMainKnowsTheStores(t *testing.T) {
	wired := false
	for _, p := range packages(t) {
		name, ours := short(p.ImportPath)
		for _, path := range p.Imports {
			adapter, ok := short(path)
			switch {
			case !ok || !slices.Contains(adapters, adapter) || ours && name == adapter:
			case ours && name == "" && adapter != "storetest":
				wired = true
			default:
				t.Errorf("%s imports %s, which only main and tests may", p.ImportPath, adapter)
			}
		}
	}
	if !wired {
		t.Error("main imports no store")
	}
}

func TestPackagesHaveNamesThatSaySomething(t *testing.T) {
	for _, p := range packages(t) {
		for _, word := range []string{"util", "utils", "common", "helper", "helpers", "misc", "shared", "base", "lib"} {
			if p.Name == word {
				t.Errorf("%s: a package named %s says nothing; put what is in it beside its caller", p.ImportPath, word)
			}
		}
	}
}

// The settings that ReadSettings asks for are those that an operator finds in
// local.settings.json.example, and a few that are not for that file.
func TestEverySettingIsInTheExample(t *testing.T) {
	asked := map[string]bool{}
	for _, instance := range []string{"", "on Azure"} {
		_, _ = ReadSettings(func(name string) string {
			asked[name] = true
			if name == "WEBSITE_INSTANCE_ID" {
				return instance
			}
			return ""
		})
	}
	data, err := os.ReadFile("../local.settings.json.example")
	if err != nil {
		t.Fatal(err)
	}
	var example struct{ Values map[string]string }
	if err := json.Unmarshal(data, &example); err != nil {
		t.Fatal(err)
	}
	want := slices.Collect(maps.Keys(example.Values))
	want = slices.DeleteFunc(want, func(name string) bool { // for the host
		return name == "FUNCTIONS_WORKER_RUNTIME" || name == "AzureWebJobsStorage"
	})
	want = append(want, "CALLOUT_PORT", "FUNCTIONS_CUSTOMHANDLER_PORT")                 // without a host; from the host
	want = append(want, "WEBSITE_INSTANCE_ID", "WEBSITE_HOSTNAME", "WEBSITE_SITE_NAME") // from Azure
	want = append(want, "CALLOUT_AUTH")                                                 // goes with how dist/ was packaged
	slices.Sort(want)
	if got := slices.Sorted(maps.Keys(asked)); !slices.Equal(got, want) {
		t.Errorf("asked for\n%q\nexplained\n%q", got, want)
	}
}
