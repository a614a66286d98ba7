package draft

import (
	"slices"
	"strings"

	"callout/handler/callout"
	"callout/handler/draft/tree"
)

// readParameters takes over the parameters of the path item and of the
// operation, whose own come first where both have one.
func (o *operation) readParameters() (reason string) {
	declared := map[string]bool{}
	for _, p := range o.parameters() {
		if o.isFull(0) {
			break
		}
		if reason := o.readParameter(p, declared); reason != "" {
			return reason
		}
	}
	for _, part := range o.pathParts {
		if part.input != nil && !declared[part.input.key] {
			o.notes.add("The document does not explain %s in the path. It is taken as a text.", shown(part.input.key))
		}
	}
	return ""
}

// parameters lists those of the operation, and those of the path item that it does
// not replace.
func (o *operation) parameters() []*tree.Node {
	var out []*tree.Node
	seen := map[string]bool{}
	for _, n := range []*tree.Node{o.node, o.item} {
		for _, raw := range n.Get("parameters").Elements() {
			o.doc.visits++
			p, problem := o.doc.follow(raw)
			if problem != "" {
				o.notes.add("Left out: a parameter. %s", problem)
				continue
			}
			id := p.Get("in").Text() + " " + p.Get("name").Scalar()
			if !seen[id] {
				seen[id] = true
				out = append(out, p)
			}
		}
	}
	return out
}

// readParameter takes over one parameter. The reason is why there can be no draft
// without it.
func (o *operation) readParameter(p *tree.Node, declared map[string]bool) (reason string) {
	key, required := p.Get("name").Scalar(), p.Get("required").True()
	v := o.view(parameterSchema(p))
	switch place := p.Get("in").Text(); {
	case v.problem != "" && place == callout.InPath:
		return v.problem
	case v.problem != "":
		o.omit(place, key, required, v.problem)
	case place == callout.InPath:
		declared[key] = true
		o.readPathParameter(p, key, v)
	case place == callout.InQuery:
		o.readQueryParameter(p, key, v)
	case place == callout.InHeader:
		o.readHeaderParameter(p, key, v)
	case place == "cookie":
		o.omit("cookies", key, required, "What an agent fills in must not go into a cookie. Add a header Cookie to the configuration if the API cannot do without.")
	}
	return ""
}

// parameterSchema is the schema of a parameter, or that of its only media type.
func parameterSchema(p *tree.Node) *tree.Node {
	if schema := p.Get("schema"); schema != nil {
		return schema
	}
	for _, media := range p.Get("content").Members() {
		return media.Get("schema")
	}
	return nil
}

func (o *operation) readPathParameter(p *tree.Node, key string, v *view) {
	i := slices.IndexFunc(o.inputs, func(in *input) bool { return in.In == callout.InPath && in.key == key })
	if i < 0 {
		o.omit(callout.InPath, key, false, "The path has no place for it.")
		return
	}
	in := o.inputs[i]
	in.Shape = o.scalarShape(v)
	o.explain(in, p, v)
	o.keepDefault(in, v)
}

func (o *operation) readHeaderParameter(p *tree.Node, key string, v *view) {
	required := p.Get("required").True()
	switch strings.ToLower(key) {
	case "accept", "content-type", "authorization": // which are not parameters (OpenAPI 3.1, section 4.8.12)
		return
	}
	if o.admission.setsHeader(key) || o.keepCredential(callout.InHeader, key, required) {
		return
	}
	if value, ok := v.constant(); ok && required && validConstant(value.Scalar()) {
		o.headers = append(o.headers, callout.Header{Name: key, Value: value.Scalar()})
		return
	}
	in := o.input(callout.InHeader, key, key, "header")
	in.Required, in.Shape = required, o.scalarShape(v)
	o.explain(in, p, v)
	o.keepDefault(in, v)
}

// keepCredential keeps a header or a parameter of the query from the agent whose
// name says that it holds a credential: a required one becomes a secret. It reports
// whether it is one.
func (o *operation) keepCredential(place, key string, required bool) bool {
	hidden := isKey(key) || strings.HasSuffix(strings.ToLower(key), "access_token")
	if place == callout.InHeader {
		hidden = soundsSecret(key) && !strings.Contains(strings.ToLower(key), "idempotency")
	}
	switch {
	case !hidden:
		return false
	case !required:
		o.omit(place, key, false, "It looks like a credential, which no agent fills in. Add it as a secret if it is needed.")
		return true
	case place == callout.InHeader:
		o.headers = append(o.headers, callout.Header{Name: key, Secret: true})
	default:
		o.admission.addSecret(key)
	}
	o.notes.add("%s, in the %s, looks like a credential, so it is a secret and no field. Give its value, or make it a field.", shown(key), place)
	return true
}

func (o *operation) readQueryParameter(p *tree.Node, key string, v *view) {
	required := p.Get("required").True()
	if o.admission.setsQuery(key) || o.keepCredential(callout.InQuery, key, required) {
		return
	}
	if value, ok := v.constant(); ok && required && validConstant(value.Scalar()) {
		o.query = append(o.query, queryText(key)+"="+queryText(value.Scalar()))
		return
	}
	kind, style := v.kind(), p.Get("style").Text()
	joined := p.Get("explode").Kind() == tree.Bool && !p.Get("explode").True() || strings.HasSuffix(style, "Delimited")
	switch {
	case kind == callout.TypeObject && p.Get("content") == nil:
		o.readQueryObject(p, key, v, joined)
	case kind == callout.TypeArray && joined:
		in := o.queryInput(p, key, v)
		in.Shape = callout.Shape{Type: callout.TypeString}
		how := "Several values are written with " + delimiter(style) + " between them"
		if word := o.view(v.items).word(); strings.HasPrefix(word, "one of") {
			how += ", each " + word
		}
		in.Description = fitText(sentences(in.Description, how))
	default:
		in := o.queryInput(p, key, v)
		in.Shape = o.shape(v, 0)
		o.keepDefault(in, v)
	}
}

func (o *operation) queryInput(p *tree.Node, key string, v *view) *input {
	in := o.input(callout.InQuery, key, key, "query")
	in.Required = p.Get("required").True()
	o.explain(in, p, v)
	return in
}

// delimiter names what stands between the values of a parameter that is not
// repeated.
func delimiter(style string) string {
	switch style {
	case "spaceDelimited":
		return "spaces"
	case "pipeDelimited":
		return "bars (|)"
	}
	return "commas"
}

// readQueryObject makes an input of each member of an object: with the style
// deepObject as key[member], else as the member's name alone.
func (o *operation) readQueryObject(p *tree.Node, key string, v *view, joined bool) {
	required := p.Get("required").True()
	if joined || len(v.properties) == 0 {
		o.omit(callout.InQuery, key, required, "It is an object whose members cannot be fields of their own.")
		return
	}
	deep := p.Get("style").Text() == "deepObject"
	for _, m := range o.members(v) {
		name, label := m.key, m.key
		if deep {
			name, label = key+"["+m.key+"]", key+"_"+m.key
		}
		if o.isFull(0) {
			return
		}
		kind := m.view.kind()
		if m.view.problem != "" || kind == callout.TypeObject {
			o.omit(callout.InQuery, name, required && m.required, "It is an object within an object, or its schema cannot be found.")
			continue
		}
		in := o.input(callout.InQuery, name, label, key)
		in.Required, in.Shape = required && m.required, o.shape(m.view, 0)
		o.explain(in, nil, m.view)
		o.keepDefault(in, m.view)
	}
}

// scalarShape is the shape of what goes into the path or a header, where lists are
// written with commas.
func (o *operation) scalarShape(v *view) callout.Shape {
	s := o.shape(v, 0)
	if s.Type == callout.TypeArray || s.Type == callout.TypeObject {
		return callout.Shape{Type: callout.TypeString}
	}
	return s
}

// validConstant reports whether a fixed value can stand in a template as it is.
func validConstant(s string) bool { return s != "" && !strings.Contains(s, "{{") }
