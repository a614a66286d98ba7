package fakehost

import (
	"crypto/rand"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// Keys are the keys of the app. A key that is not given is generated.
type Keys struct {
	// Master opens everything, functions of level admin included.
	Master string
	// Host and System open every function of level function. For System that
	// is the contract's word; the host's source of 2024 lets it open none.
	Host, System string
	// Functions holds, by function and then by the key's name, keys that open
	// that function only. A function that is left out gets one named default.
	Functions map[string]map[string]string
}

// withGenerated returns a copy with the missing keys filled in.
func (k Keys) withGenerated(functions []Function) (Keys, error) {
	given := k.Functions
	k.Functions = map[string]map[string]string{}
	for _, key := range []*string{&k.Master, &k.Host, &k.System} {
		if *key == "" {
			*key = rand.Text()
		}
	}
	for _, f := range functions {
		if f.IsTimer() {
			continue
		}
		k.Functions[f.Name] = maps.Clone(given[f.Name])
		if len(given[f.Name]) == 0 {
			k.Functions[f.Name] = map[string]string{"default": rand.Text()}
		}
	}
	for name := range given {
		if _, ok := k.Functions[name]; !ok {
			return k, fmt.Errorf("keys are given for %q, which is no HTTP function of the app: correct the name", name)
		}
	}
	return k, nil
}

// functionKey returns the key named default, or else the first by name.
func (k Keys) functionKey(function string) string {
	keys := k.Functions[function]
	if key, ok := keys["default"]; ok {
		return key
	}
	names := slices.Sorted(maps.Keys(keys))
	if len(names) == 0 {
		return ""
	}
	return keys[names[0]]
}

func (k Keys) open(f Function, r *http.Request) bool {
	if f.AuthLevel == AuthAnonymous {
		return true
	}
	key := presentedKey(r)
	switch {
	case key == "":
		return false
	case key == k.Master:
		return true
	case f.AuthLevel == AuthAdmin:
		return false
	case key == k.System || key == k.Host:
		return true
	}
	return slices.Contains(slices.Collect(maps.Values(k.Functions[f.Name])), key)
}

// presentedKey is AuthenticationLevelHandler's: the header wins even when it
// is empty, and of several values the first counts.
func presentedKey(r *http.Request) string {
	if values := r.Header.Values("x-functions-key"); len(values) > 0 {
		return values[0]
	}
	for _, p := range parseQuery(r.URL.RawQuery) {
		if strings.EqualFold(p.name, "code") {
			return p.values[0]
		}
	}
	return ""
}

// queryParameter is one name with all its values.
type queryParameter struct {
	name   string
	values []string
}

// parseQuery reads a query as ASP.NET Core does: names are compared without
// case, ";" separates nothing, and an escape that is none is left alone.
func parseQuery(raw string) []queryParameter {
	var parameters []queryParameter
	for pair := range strings.SplitSeq(raw, "&") {
		if pair == "" {
			continue
		}
		name, value, _ := strings.Cut(pair, "=")
		name, value = unescapeQuery(name), unescapeQuery(value)
		i := slices.IndexFunc(parameters, func(p queryParameter) bool { return strings.EqualFold(p.name, name) })
		if i < 0 {
			parameters = append(parameters, queryParameter{name: name, values: []string{value}})
			continue
		}
		parameters[i].values = append(parameters[i].values, value)
	}
	return parameters
}

func unescapeQuery(s string) string {
	if unescaped, err := url.QueryUnescape(s); err == nil {
		return unescaped
	}
	return s
}
