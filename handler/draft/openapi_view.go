package draft

import (
	"slices"
	"strings"

	"callout/handler/callout"
	"callout/handler/draft/tree"
)

// view is what a schema says together with all that it refers to and combines.
// What stands further out goes before what it refers to.
type view struct {
	doc  *openAPI
	seen map[*tree.Node]bool

	types                       []string
	nullable                    bool
	title, description, format  string
	properties                  []property
	index                       map[string]int // of properties, by name
	required                    map[string]bool
	items                       *tree.Node
	enum                        []*tree.Node
	fixed, preset               *tree.Node // const and default
	minimum, maximum            *tree.Node
	above, below                bool // the bound itself is excluded
	maxLength                   *tree.Node
	readOnly, deprecated, extra bool // extra: other members are welcome
	// several: there are alternatives, of which the first is taken.
	several bool
	// problem says why a part of the schema is not known.
	problem string
}

// property is a member of an object, and what the parts of the schema say of it.
type property struct {
	name    string
	schemas []*tree.Node
}

// view reads schemas that all apply.
func (o *operation) view(schemas ...*tree.Node) *view {
	v := &view{doc: o.doc}
	for _, n := range schemas {
		v.take(n)
	}
	if v.problem != "" && (len(v.properties) > 0 || len(v.types) > 0) {
		o.notes.add("A part of a schema is not known; the draft goes by the rest. %s", v.problem)
		v.problem = ""
	}
	return v
}

// take adds what n says. A schema that comes up again within itself, or twice,
// says nothing new.
func (v *view) take(n *tree.Node) {
	if n == nil || v.seen[n] {
		return
	}
	if v.doc.visits++; v.doc.visits > maxVisits {
		return
	}
	v.takeOwn(n)
	v.takeObject(n)
	ref, all, one, other := n.Get("$ref"), n.Get("allOf"), n.Get("oneOf"), n.Get("anyOf")
	if ref == nil && all == nil && one == nil && other == nil {
		return
	}
	if v.seen == nil {
		v.seen = map[*tree.Node]bool{}
	}
	v.seen[n] = true
	if ref.Kind() == tree.String {
		to, problem := v.doc.resolve(ref.Text())
		v.take(to)
		if problem != "" {
			v.problem = problem
		}
	}
	for _, part := range all.Elements() {
		v.take(part)
	}
	v.choose(one.Elements())
	v.choose(other.Elements())
}

// takeOwn adds the keywords that are about any value, or about a single one.
func (v *view) takeOwn(n *tree.Node) {
	v.takeType(n)
	for _, text := range []struct {
		into    *string
		keyword string
	}{{&v.title, "title"}, {&v.description, "description"}, {&v.format, "format"}} {
		if *text.into == "" {
			*text.into = oneText(n.Get(text.keyword).Text(), callout.MaxDescription)
		}
	}
	for _, node := range []struct {
		into    **tree.Node
		keyword string
	}{{&v.items, "items"}, {&v.fixed, "const"}, {&v.preset, "default"}, {&v.maxLength, "maxLength"}} {
		if *node.into == nil {
			*node.into = n.Get(node.keyword)
		}
	}
	v.takeList(n.Get("enum").Elements())
	v.takeBound(&v.minimum, &v.above, n.Get("minimum"), n.Get("exclusiveMinimum"))
	v.takeBound(&v.maximum, &v.below, n.Get("maximum"), n.Get("exclusiveMaximum"))
	v.nullable = v.nullable || n.Get("nullable").True()
	v.readOnly = v.readOnly || n.Get("readOnly").True()
	v.deprecated = v.deprecated || n.Get("deprecated").True()
}

// takeType reads a type, or a list of types as 3.1 allows.
func (v *view) takeType(n *tree.Node) {
	if len(v.types) > 0 {
		return
	}
	given := n.Get("type").Elements()
	if one := n.Get("type"); one.Kind() == tree.String {
		given = []*tree.Node{one}
	}
	for _, t := range given {
		switch {
		case t.Text() == "null" || t.Kind() == tree.Null:
			v.nullable = true
		case slices.Contains(fieldTypes, t.Text()):
			v.types = append(v.types, t.Text())
		}
	}
}

var fieldTypes = []string{
	callout.TypeString, callout.TypeNumber, callout.TypeInteger, callout.TypeBoolean, callout.TypeArray, callout.TypeObject,
}

// takeList reads the values that there may be. Where several lists apply, the
// shortest stands for what they have in common.
func (v *view) takeList(values []*tree.Node) {
	if len(values) > 0 && (v.enum == nil || len(values) < len(v.enum)) {
		v.enum = values
	}
}

// takeBound reads a bound. That it is excluded is a number of its own in 3.1, and
// a flag in 3.0.
func (v *view) takeBound(bound **tree.Node, excluded *bool, own, exclusive *tree.Node) {
	switch {
	case *bound != nil:
	case exclusive.Kind() == tree.Number:
		*bound, *excluded = exclusive, true
	case own.Kind() == tree.Number:
		*bound, *excluded = own, exclusive.True()
	}
}

func (v *view) takeObject(n *tree.Node) {
	for name, schema := range n.Get("properties").Members() {
		if v.doc.visits++; v.doc.visits > maxVisits {
			return
		}
		if v.index == nil {
			v.index = map[string]int{}
		}
		i, known := v.index[name]
		if !known {
			i = len(v.properties)
			v.index[name] = i
			v.properties = append(v.properties, property{name: name})
		}
		v.properties[i].schemas = append(v.properties[i].schemas, schema)
	}
	for _, name := range n.Get("required").Elements() {
		if v.required == nil {
			v.required = map[string]bool{}
		}
		v.required[name.Text()] = true
	}
	if additional := n.Get("additionalProperties"); additional.True() || additional.Len() > 0 {
		v.extra = true
	}
}

// choose takes the first of the alternatives. Those that are only null say that
// null is one; those that only list values are one list; those that only demand
// members are for the API to check.
func (v *view) choose(all []*tree.Node) {
	var others []*tree.Node
	for _, n := range all {
		if n.Get("type").Text() == "null" || n.Kind() == tree.Null {
			v.nullable = true
		} else {
			others = append(others, n)
		}
	}
	values := listed(others)
	switch {
	case len(others) == 0 || !slices.ContainsFunc(others, demandsMore):
	case len(others) > 1 && len(values) > 0:
		v.takeList(values)
		v.takeType(others[0])
	default:
		v.several = v.several || len(others) > 1
		v.take(others[0])
	}
}

// demandsMore reports whether a schema says more than which members there must be.
func demandsMore(n *tree.Node) bool {
	for keyword := range n.Members() {
		if !slices.Contains([]string{"required", "title", "description", "not"}, keyword) {
			return true
		}
	}
	return false
}

// listed returns the values of alternatives that each only list some, as in
// oneOf: [{const: a}, {const: b}], and nil when any does otherwise.
func listed(alternatives []*tree.Node) []*tree.Node {
	var out []*tree.Node
	for _, n := range alternatives {
		values := n.Get("enum").Elements()
		if fixed := n.Get("const"); fixed != nil {
			values = append(slices.Clip(values), fixed)
		}
		if len(values) == 0 {
			return nil
		}
		out = append(out, values...)
	}
	return out
}

// kind is the type of the value: what the schema says, or what it hints at.
func (v *view) kind() string {
	switch {
	case len(v.types) > 0:
		return v.types[0]
	case len(v.properties) > 0 || v.extra:
		return callout.TypeObject
	case v.items != nil:
		return callout.TypeArray
	}
	for _, value := range append(slices.Clip(v.enum), v.fixed, v.preset) {
		switch value.Kind() {
		case tree.Bool:
			return callout.TypeBoolean
		case tree.Number:
			if strings.ContainsAny(value.Scalar(), ".eE") {
				return callout.TypeNumber
			}
			return callout.TypeInteger
		case tree.Array:
			return callout.TypeArray
		case tree.Object:
			return callout.TypeObject
		}
	}
	if v.minimum != nil || v.maximum != nil {
		return callout.TypeNumber
	}
	return callout.TypeString
}

// isPlain reports whether the value is an object of which one set of members is
// known.
func (v *view) isPlain() bool {
	return v.kind() == callout.TypeObject && len(v.properties) > 0 && !v.several
}

// anything reports whether the schema accepts any value at all.
func (v *view) anything() bool {
	return len(v.types) == 0 && v.enum == nil && v.fixed == nil && v.kind() == callout.TypeString && v.maxLength == nil && v.format == ""
}

// constant returns the only value that there may be: that of const, or the only
// one of enum. It is a single value and not null.
func (v *view) constant() (*tree.Node, bool) {
	value := v.fixed
	if value == nil && len(v.enum) == 1 && !v.nullable && !v.several {
		value = v.enum[0]
	}
	return value, value.Kind() == tree.String || value.Kind() == tree.Bool || bound(value) != ""
}

// objectMember is a property that a request may have.
type objectMember struct {
	key      string
	view     *view
	required bool
}

// members lists the properties of an object that a request may have. Those that
// only answers have are not among them, unless they are required and nothing else
// would have a value to choose: then the document means a reference to something
// that exists, {"type": "service_reference", "id": ...}.
func (o *operation) members(v *view) []objectMember {
	var all []objectMember
	open := 0 // those with a value to choose
	for _, p := range v.properties {
		m := objectMember{p.name, o.view(p.schemas...), v.required[p.name]}
		if _, fixed := m.view.constant(); !fixed && !m.view.readOnly {
			open++
		}
		all = append(all, m)
	}
	if open > 0 || len(v.required) == 0 {
		return slices.DeleteFunc(all, func(m objectMember) bool { return m.view.readOnly })
	}
	return slices.DeleteFunc(all, func(m objectMember) bool { return m.view.readOnly && !m.required })
}
