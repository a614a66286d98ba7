package tree

import (
	"bytes"
	"encoding/json"
	"io"
	"math"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

const (
	// maxSeparators bounds what the YAML parser makes before anything of it can be
	// counted: about 170 bytes a node, and at most two nodes for each character
	// that can stand between two of them.
	maxSeparators = 300_000
	// maxDirectives: the parser compares each %TAG with all before it.
	maxDirectives = 8
)

// parseYAML reads a document with the types of YAML's core schema.
func parseYAML(from *source, data []byte) (*Node, error) {
	separators := 0
	for _, b := range data {
		if strings.IndexByte(",:?-[{\n", b) >= 0 {
			separators++
		}
	}
	if separators > maxSeparators {
		return nil, fail("The YAML document has more than %d lines, commas, colons and the like. Cut it into parts, for instance by tag, and import these one by one.", maxSeparators)
	}
	if bytes.Count(data, []byte("\n%")) > maxDirectives {
		return nil, fail("The YAML document has more than %d lines that begin with a percent sign. Remove these directives.", maxDirectives)
	}
	dec := yaml.NewDecoder(from)
	var document, second yaml.Node
	if err := dec.Decode(&document); err != nil {
		return nil, invalidYAML(err)
	}
	if err := dec.Decode(&second); err != io.EOF {
		return nil, fail("Something follows the first YAML document. Send one document only.")
	}
	return (&yamlReader{anchors: map[*yaml.Node]anchor{}}).node(&document, 0)
}

// invalidYAML takes no more of the parser's error than the line: the rest quotes
// the document.
func invalidYAML(err error) error {
	if err == io.EOF {
		return fail("The document is empty. Send an OpenAPI document as JSON or YAML.")
	}
	_, after, _ := strings.Cut(err.Error(), "line ")
	digits, _, _ := strings.Cut(after, ":")
	if line, err := strconv.Atoi(digits); err == nil {
		return fail("The document is neither JSON, which begins with a brace, nor valid YAML: the fault is near line %d. Correct the syntax there.", line)
	}
	return fail("The document is neither JSON, which begins with a brace, nor valid YAML. Correct the syntax.")
}

// yamlReader makes nodes of the parser's. Aliases lead to the same node, and
// count as if it were written out.
type yamlReader struct {
	count   count
	anchors map[*yaml.Node]anchor
}

// anchor is what an alias may lead to; while it is read, its node is nil.
type anchor struct {
	node *Node
	size int
}

func (r *yamlReader) node(n *yaml.Node, depth int) (*Node, error) {
	if n.Kind == yaml.DocumentNode {
		return r.node(n.Content[0], depth)
	}
	if n.Kind == yaml.AliasNode {
		return r.alias(n)
	}
	if err := r.count.add(1); err != nil {
		return nil, err
	}
	if n.Anchor == "" {
		return r.value(n, depth)
	}
	before := r.count
	r.anchors[n] = anchor{}
	out, err := r.value(n, depth)
	r.anchors[n] = anchor{node: out, size: int(r.count-before) + 1}
	return out, err
}

func (r *yamlReader) alias(n *yaml.Node) (*Node, error) {
	to := r.anchors[n.Alias]
	if to.node == nil {
		return nil, fail("An alias stands within what it refers to, on line %d. A document cannot hold itself: remove the alias.", n.Line)
	}
	return to.node, r.count.add(to.size)
}

func (r *yamlReader) value(n *yaml.Node, depth int) (*Node, error) {
	if n.Kind == yaml.ScalarNode {
		return scalar(n), nil
	}
	if depth >= MaxDepth {
		return nil, tooDeep()
	}
	if n.Kind == yaml.MappingNode {
		return r.object(n, depth+1)
	}
	out := &Node{kind: Array, values: make([]*Node, 0, len(n.Content))}
	for _, element := range n.Content {
		value, err := r.node(element, depth+1)
		if err != nil {
			return nil, err
		}
		out.values = append(out.values, value)
	}
	return out, nil
}

func (r *yamlReader) object(n *yaml.Node, depth int) (*Node, error) {
	out := &Node{kind: Object}
	var merged []*Node
	for i := 0; i+1 < len(n.Content); i += 2 {
		key := n.Content[i]
		if key.Kind == yaml.AliasNode {
			key = key.Alias
		}
		if key.Kind != yaml.ScalarNode {
			return nil, fail("A key on line %d is not plain text. Write it as a word, with quotes around it if need be.", n.Content[i].Line)
		}
		if key.Anchor != "" {
			r.anchors[key] = anchor{node: scalar(key), size: 1}
		}
		value, err := r.node(n.Content[i+1], depth)
		if err != nil {
			return nil, err
		}
		if key.ShortTag() == "!!merge" {
			merged = append(merged, value)
		} else if !out.add(key.Value, value) {
			return nil, fail("A member is given twice in one object, on line %d. Remove one.", n.Content[i].Line)
		}
	}
	return out, r.merge(out, merged)
}

// merge adds the members of the objects that << gives, one or a list, unless they
// are there already.
func (r *yamlReader) merge(into *Node, merged []*Node) error {
	for _, from := range merged {
		sources := from.Elements()
		if from.Kind() == Object {
			sources = []*Node{from}
		}
		for _, source := range sources {
			if err := r.count.add(source.Len()); err != nil {
				return err
			}
			for name, value := range source.Members() {
				into.add(name, value)
			}
		}
	}
	return nil
}

// scalar reads a plain or quoted text with the type that YAML sees in it. Dates
// and the like are text.
func scalar(n *yaml.Node) *Node {
	switch n.ShortTag() {
	case "!!null":
		return &Node{kind: Null}
	case "!!bool":
		if text := strings.ToLower(n.Value); text == "true" || text == "false" {
			return &Node{kind: Bool, text: text}
		}
	case "!!int", "!!float":
		if text, ok := number(n.Value); ok {
			return &Node{kind: Number, text: text}
		}
	}
	return &Node{kind: String, text: n.Value}
}

// number writes a number of YAML (0x1F, 1_000, .5, +1) as JSON does.
func number(text string) (string, bool) {
	if strings.Trim(text, "0123456789+-.eE") == "" && json.Valid([]byte(text)) {
		return text, true
	}
	plain := strings.ReplaceAll(text, "_", "")
	if whole, err := strconv.ParseInt(plain, 0, 64); err == nil {
		return strconv.FormatInt(whole, 10), true
	}
	f, err := strconv.ParseFloat(plain, 64)
	if err != nil || math.IsInf(f, 0) || math.IsNaN(f) {
		return "", false
	}
	return strconv.FormatFloat(f, 'g', -1, 64), true
}
