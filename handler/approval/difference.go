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
	// Pointer (RFC 6901). One over MaxValue ends early, in an ellipsis.
	Path string `json:"path"`
	// Before and After are absent where there was, or is, no such part. Of one that
	// would be over MaxValue there is the beginning, as a string that ends in an
	// ellipsis.
	Before json.RawMessage `json:"before,omitempty"`
	After  json.RawMessage `json:"after,omitempty"`
}

const (
	// MaxDifferences is how many differences are given at most.
	MaxDifferences = 100
	// MaxValue is how long a value of a difference is at most, in bytes of JSON.
	MaxValue = 1 << 10
)

// Differences lists what is not alike in two requests as they are shown: first where
// they go to, which is method, url, query and headers, then the body. It gives at
// most MaxDifferences, and reports whether there are more.
func Differences(before, after *callout.Request) (found []Difference, truncated bool) {
	all := differences{found: []Difference{}}
	old, now := parts(before), parts(after)
	for _, path := range paths(old, now, order) {
		if !bytes.Equal(old[path], now[path]) {
			all.add(path, old[path], now[path])
		}
	}
	all.walk("body", body(before), body(after), maxDepth)
	return all.found, all.truncated
}

// differences are those that were found so far.
type differences struct {
	found     []Difference
	truncated bool
}

func (d *differences) add(path string, before, after json.RawMessage) {
	if len(d.found) == MaxDifferences {
		d.truncated = true
		return
	}
	if len(path) > MaxValue {
		path = beginning(path, MaxValue)
	}
	d.found = append(d.found, Difference{Path: path, Before: short(before), After: short(after)})
}

// maxDepth is how deep a body is looked into: each level is parsed again.
const maxDepth = 16

// walk goes through two values side by side, down to what holds nothing else or
// lies deepest. What is alike is not looked into, and a path that has become long
// is not multiplied by what lies below it.
func (d *differences) walk(path string, before, after json.RawMessage, depth int) {
	before, after = bytes.TrimSpace(before), bytes.TrimSpace(after)
	if d.truncated || bytes.Equal(before, after) {
		return
	}
	old, oldOK := members(before)
	now, nowOK := members(after)
	kind := container(before, after)
	if depth == 0 || len(path) > MaxValue || kind == 0 || !oldOK || !nowOK {
		d.add(path, before, after)
		return
	}
	if was, is := empty(before, old), empty(after, now); (was == nil) != (is == nil) {
		d.add(path, was, is)
	}
	sorted := strings.Compare
	if kind == '[' {
		sorted = byIndex
	}
	for _, name := range paths(old, now, sorted) {
		d.walk(path+"/"+pointer.Replace(name), old[name], now[name], depth-1)
	}
}

// container is the bracket that opens both values, or the only one; 0 if there is
// none.
func container(before, after json.RawMessage) byte {
	for _, open := range []byte("{[") {
		if (len(before) == 0 || before[0] == open) && (len(after) == 0 || after[0] == open) {
			return open
		}
	}
	return 0
}

// members are what lies in an object or an array, whose elements are named by their
// index. Of nothing, or a plain value, there are none.
func members(value json.RawMessage) (out map[string]json.RawMessage, ok bool) {
	if len(value) == 0 || value[0] != '{' && value[0] != '[' {
		return nil, true
	}
	if value[0] == '{' {
		err := json.Unmarshal(value, &out)
		return out, err == nil
	}
	var elements []json.RawMessage
	err := json.Unmarshal(value, &elements)
	out = make(map[string]json.RawMessage, len(elements))
	for i, element := range elements {
		out[strconv.Itoa(i)] = element
	}
	return out, err == nil
}

// empty is the value itself if it is there and has no members.
func empty(value json.RawMessage, members map[string]json.RawMessage) json.RawMessage {
	if len(members) > 0 || len(value) == 0 {
		return nil
	}
	return value
}

// parts are the values of a request but its body, by their paths.
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
	return out
}

func body(r *callout.Request) json.RawMessage {
	if r == nil {
		return nil
	}
	return r.Body
}

// put keeps what stands more than once apart.
func put(out map[string]json.RawMessage, path string, value json.RawMessage) {
	at := path
	for n := 2; out[at] != nil; n++ {
		at = path + "#" + strconv.Itoa(n)
	}
	out[at] = value
}

// paths are those of two sets of values, each once.
func paths(old, now map[string]json.RawMessage, compare func(a, b string) int) []string {
	all := slices.AppendSeq(slices.Collect(maps.Keys(old)), maps.Keys(now))
	slices.SortFunc(all, compare)
	return slices.Compact(all)
}

// order puts where a request goes to before what else it says.
func order(a, b string) int {
	rank := func(path string) int {
		kind, _, _ := strings.Cut(path, "/")
		return slices.Index([]string{"method", "url", "query", "headers"}, kind)
	}
	return cmp.Or(cmp.Compare(rank(a), rank(b)), cmp.Compare(a, b))
}

// byIndex orders numbers without leading zeros.
func byIndex(a, b string) int { return cmp.Or(cmp.Compare(len(a), len(b)), cmp.Compare(a, b)) }

// pointer escapes a name as RFC 6901, section 3, says.
var pointer = strings.NewReplacer("~", "~0", "/", "~1")

func unescaped(s string) string {
	if out, err := url.QueryUnescape(s); err == nil {
		return out
	}
	return s
}
