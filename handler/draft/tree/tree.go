// Package tree reads a JSON or YAML document that a stranger wrote: in the order
// in which it was written, within limits, and with nothing looked up elsewhere.
package tree

import (
	"iter"
	"net/url"
	"strconv"
	"strings"
)

// Kind is what a Node is.
type Kind uint8

// The kinds of Node. None is that of a node that is not there.
const (
	None Kind = iota
	Null
	Bool
	Number
	String
	Array
	Object
)

// Node is a value of a document. Every method may be called on nil, which stands
// for what is not there, so that a path through an unreliable document needs no
// checks on its way.
//
// A YAML document may give one Node in several places. It never holds itself.
type Node struct {
	kind   Kind
	text   string         // of a Bool, Number (in the syntax of JSON) or String
	names  []string       // of an Object's members
	values []*Node        // of an Object's members, or an Array's elements
	index  map[string]int // of an Object with many members: where each one is
}

// indexed is the number of members from which an object is searched by index.
const indexed = 8

// Kind returns what n is.
func (n *Node) Kind() Kind {
	if n == nil {
		return None
	}
	return n.kind
}

// Get returns the member of an Object, or nil.
func (n *Node) Get(name string) *Node {
	if i := n.find(name); i >= 0 {
		return n.values[i]
	}
	return nil
}

// find returns where the member stands, or -1.
func (n *Node) find(name string) int {
	if n == nil {
		return -1
	}
	if n.index != nil {
		if i, ok := n.index[name]; ok {
			return i
		}
		return -1
	}
	for i := range n.names {
		if n.names[i] == name {
			return i
		}
	}
	return -1
}

// add appends a member; it reports false when there is one of this name.
func (n *Node) add(name string, value *Node) bool {
	if n.find(name) >= 0 {
		return false
	}
	n.names, n.values = append(n.names, name), append(n.values, value)
	switch {
	case n.index != nil:
		n.index[name] = len(n.names) - 1
	case len(n.names) > indexed:
		n.index = make(map[string]int, 2*len(n.names))
		for i := range n.names {
			n.index[n.names[i]] = i
		}
	}
	return true
}

// Members goes through the members of an Object, in their order.
func (n *Node) Members() iter.Seq2[string, *Node] {
	return func(yield func(string, *Node) bool) {
		if n.Kind() != Object {
			return
		}
		for i := range n.names {
			if !yield(n.names[i], n.values[i]) {
				return
			}
		}
	}
}

// Elements returns the elements of an Array.
func (n *Node) Elements() []*Node {
	if n.Kind() != Array {
		return nil
	}
	return n.values
}

// Len is the number of members or elements.
func (n *Node) Len() int {
	if n == nil {
		return 0
	}
	return len(n.values)
}

// Text returns a String, and "" for anything else.
func (n *Node) Text() string {
	if n.Kind() != String {
		return ""
	}
	return n.text
}

// Scalar returns a String, Number or Bool as it is written, and "" for anything
// else. It reads what YAML takes for a number without quotes around it.
func (n *Node) Scalar() string {
	if n == nil {
		return ""
	}
	return n.text
}

// True reports whether n is the Bool true.
func (n *Node) True() bool { return n.Kind() == Bool && n.text == "true" }

// Follow returns what a JSON pointer leads to (RFC 6901; percent-encoded as it
// is in a URI's fragment), or nil.
func (n *Node) Follow(pointer string) *Node {
	if pointer == "" {
		return n
	}
	for step := range strings.SplitSeq(strings.TrimPrefix(pointer, "/"), "/") {
		if n.Kind() == Array {
			n = n.element(step)
		} else {
			n = n.Get(unescape(step))
		}
	}
	return n
}

// element returns the element of an Array with the number that is written, or nil.
func (n *Node) element(number string) *Node {
	i, err := strconv.ParseUint(number, 10, 32)
	if err != nil || int(i) >= len(n.values) {
		return nil
	}
	return n.values[i]
}

func unescape(step string) string {
	if !strings.ContainsAny(step, "%~") {
		return step
	}
	if plain, err := url.PathUnescape(step); err == nil {
		step = plain
	}
	return strings.ReplaceAll(strings.ReplaceAll(step, "~1", "/"), "~0", "~")
}
