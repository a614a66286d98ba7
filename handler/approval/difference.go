package approval

import (
	"bytes"
	"cmp"
	"encoding/json"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"callout/handler/callout"
)

// Difference is one part of a request that is not as it was in another.
type Difference struct {
	// Path says where: method, url, query/<name>, headers/<name>, or body and a JSON
	// Pointer (RFC 6901).
	Path string `json:"path"`
	// Before and After are absent where there was, or is, no such part.
	Before json.RawMessage `json:"before,omitempty"`
	After  json.RawMessage `json:"after,omitempty"`
}

// MaxDifferences is how many differences are given at most.
const MaxDifferences = 100

// Differences lists what is not alike in two requests as they are shown, ordered
// by path, at most MaxDifferences.
func Differences(before, after *callout.Request) []Difference {
	old, now := parts(before), parts(after)
	out := []Difference{}
	for path, value := range now {
		if was, ok := old[path]; !ok || !bytes.Equal(was, value) {
			out = append(out, Difference{Path: path, Before: was, After: value})
		}
	}
	for path, was := range old {
		if _, ok := now[path]; !ok {
			out = append(out, Difference{Path: path, Before: was})
		}
	}
	slices.SortFunc(out, func(a, b Difference) int { return cmp.Compare(a.Path, b.Path) })
	return out[:min(len(out), MaxDifferences)]
}

// parts are the values of a request by their paths.
func parts(r *callout.Request) map[string]json.RawMessage {
	out := map[string]json.RawMessage{}
	if r == nil {
		return out
	}
	out["method"] = text(r.Method)
	address, query, _ := strings.Cut(r.URL, "?")
	out["url"] = text(address)
	for pair := range strings.SplitSeq(query, "&") {
		name, value, _ := strings.Cut(pair, "=")
		if pair != "" {
			put(out, "query/"+unescaped(name), text(unescaped(value)))
		}
	}
	for _, h := range r.Headers {
		put(out, "headers/"+h.Name, text(h.Value))
	}
	if len(r.Body) > 0 {
		leaves(out, "body", r.Body, maxDepth)
	}
	return out
}

// put keeps what stands more than once apart.
func put(out map[string]json.RawMessage, path string, value json.RawMessage) {
	at := path
	for n := 2; out[at] != nil; n++ {
		at = path + "#" + strconv.Itoa(n)
	}
	out[at] = value
}

// maxDepth is how deep a body is looked into: each level is parsed again.
const maxDepth = 16

// leaves adds what is in a JSON value and holds nothing else, or lies deepest.
func leaves(out map[string]json.RawMessage, path string, value json.RawMessage, depth int) {
	value = bytes.TrimSpace(value)
	var members map[string]json.RawMessage
	var elements []json.RawMessage
	switch {
	case depth > 0 && len(value) > 2 && value[0] == '{' && json.Unmarshal(value, &members) == nil:
		for _, name := range slices.Sorted(maps.Keys(members)) {
			leaves(out, path+"/"+pointer.Replace(name), members[name], depth-1)
		}
	case depth > 0 && len(value) > 2 && value[0] == '[' && json.Unmarshal(value, &elements) == nil:
		for i, element := range elements {
			leaves(out, path+"/"+strconv.Itoa(i), element, depth-1)
		}
	default:
		out[path] = value
	}
}

// pointer escapes a name as RFC 6901, section 3, says.
var pointer = strings.NewReplacer("~", "~0", "/", "~1")

func unescaped(s string) string {
	if out, err := url.QueryUnescape(s); err == nil {
		return out
	}
	return s
}

func text(s string) json.RawMessage {
	data, _ := json.Marshal(s) // a string: cannot fail
	return data
}
