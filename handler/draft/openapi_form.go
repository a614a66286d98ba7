package draft

import (
	"encoding/json"
	"strings"

	"callout/handler/callout"
	"callout/handler/draft/tree"
)

// readForm takes over a body that is a form. Its entries are single values and
// lists of them; an object becomes entries such as address[city].
func (o *operation) readForm(v *view, encoding *tree.Node) {
	o.body = &bodyPart{}
	if v.extra || len(v.properties) == 0 {
		o.notes.add("The API accepts entries of the form that the document does not name. Add fields for those that you need.")
	}
	o.readEntries(v, encoding, nesting{}, func(name string) string { return name })
}

func (o *operation) readEntries(v *view, encoding *tree.Node, at nesting, entry func(string) string) {
	for _, m := range o.members(v) {
		if o.isFull(len(o.body.members)) {
			return
		}
		key := entry(m.key)
		if m.view.kind() == callout.TypeObject && len(m.view.properties) > 0 && at.depth < maxNesting {
			inner := nesting{at.depth + 1, at.prefix + m.key + "_", at.optional || !m.required}
			o.readEntries(m.view, nil, inner, func(name string) string { return key + "[" + name + "]" })
			continue
		}
		if m.view.kind() == callout.TypeArray && encoding.Get(m.key).Get("style").Text() == "deepObject" {
			key += "[]"
		}
		m.required = m.required && !at.optional
		if part := o.readEntry(m, at, key); part != nil {
			o.body.members = append(o.body.members, part)
		}
	}
}

// readEntry makes of a member an entry of a form; nil when it can be none.
func (o *operation) readEntry(m objectMember, at nesting, key string) *bodyPart {
	kind := m.view.kind()
	value, fixed := m.view.constant()
	switch {
	case strings.Contains(key, "{{") || m.view.problem != "" || o.body.has(key):
		o.omit(callout.InBody, key, m.required, "Its name or its schema cannot be used. "+m.view.problem)
		return nil
	case kind == callout.TypeObject || kind == callout.TypeArray && o.view(m.view.items).kind() == callout.TypeObject:
		o.omit(callout.InBody, key, m.required, "A form holds single values and lists of them. Add a field for each entry that you need, and name it in a body template.")
		return nil
	case fixed && m.required && validConstant(value.Scalar()):
		o.notes.add(fixedNote, shown(m.key))
		return &bodyPart{key: key, fixed: json.RawMessage(tree.Quote(value.Scalar()))}
	case m.required && isKey(m.key):
		return o.keepSecret(key)
	}
	return o.bodyInput(m, at, key)
}
