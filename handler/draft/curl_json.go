package draft

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"

	"callout/handler/callout"
	"callout/handler/schema"
)

// takeJSON makes a field of each member of a flat object; any other body becomes a
// template with the values of the command as constants.
func (d *drafting) takeJSON(data string) error {
	if _, err := schema.Parse([]byte(data)); err != nil {
		return refuseCurl("The body of the request cannot be taken over as JSON. %s", err.(*callout.Error).Message)
	}
	root := schema.ParseOrdered([]byte(data))
	if root == nil {
		return refuseCurl("The body is null, which no template says: null in its place is the same as no template. Remove the body, or write {} if an empty object is meant.")
	}
	if members, ok := root.(schema.Object); ok && flat(members) && len(members)+len(d.config.Fields) <= callout.MaxFields {
		d.flatBody(members)
		return nil
	}
	d.note("The body is no flat object with a field for each member, so it has become a template with the values of the command. To let the agent give a part of it, declare a field and put its placeholder, such as {{name}}, in the place of the value.")
	d.config.Body = encode(d.template("", root))
	return nil
}

// flatBody makes a field of each member. Where a name is none for a field, where
// there is a credential or a null, a template joins the fields.
func (d *drafting) flatBody(members schema.Object) {
	var body schema.Object
	asTheyAre := true
	for _, m := range members {
		value, plain := m.Value, false
		text, isText := m.Value.(string)
		_, isNumber := m.Value.(json.Number)
		switch {
		case m.Value == nil:
		case isNumber && isCredential(m.Name):
			d.note("A number in the body looks like a credential. A secret is always a text, so the number stays in the body template: no agent sees it, but whoever reads the configuration does. Make it a field if it is no credential.")
		case isText && text != "" && isCredential(m.Name):
			value = d.secretValue(m.Name, text)
		default:
			name := d.field(callout.Field{Name: m.Name, Shape: callout.Shape{Type: typeOf(m.Value)}, Default: encode(m.Value)})
			value, plain = "{{"+name+"}}", name == m.Name
		}
		body = append(body, schema.Member{Name: m.Name, Value: value})
		asTheyAre = asTheyAre && plain
	}
	if !asTheyAre {
		d.config.Body = encode(body)
	}
}

// typeOf is the type of the field that a scalar stands for.
func typeOf(v any) string {
	switch v := v.(type) {
	case bool:
		return callout.TypeBoolean
	case json.Number:
		if strings.ContainsAny(v.String(), ".eE") {
			return callout.TypeNumber
		}
		return callout.TypeInteger
	}
	return callout.TypeString
}

// template returns v as a template of itself; name is that of the member that it
// belongs to. A text with {{ in it cannot be written in a template, so it becomes
// the default of a field.
func (d *drafting) template(name string, v any) any {
	switch v := v.(type) {
	case string:
		switch {
		case v != "" && isCredential(name):
			return d.secretValue(name, v)
		case strings.Contains(v, "{{"):
			return "{{" + d.field(callout.Field{Name: name, Shape: callout.Shape{Type: callout.TypeString}, Default: encode(v)}) + "}}"
		}
	case schema.Object:
		for i := range v {
			v[i].Value = d.template(v[i].Name, v[i].Value)
		}
	case []any:
		for i := range v {
			v[i] = d.template(name, v[i])
		}
	}
	return v
}

// flat reports whether no member is an object or an array.
func flat(o schema.Object) bool {
	for _, m := range o {
		switch m.Value.(type) {
		case schema.Object, []any:
			return false
		}
	}
	return true
}

// holdsBraces reports whether the name of some member has {{ in it.
func holdsBraces(v any) bool {
	switch v := v.(type) {
	case schema.Object:
		return slices.ContainsFunc(v, func(m schema.Member) bool { return strings.Contains(m.Name, "{{") || holdsBraces(m.Value) })
	case []any:
		return slices.ContainsFunc(v, holdsBraces)
	}
	return false
}

// encode writes JSON without HTML's escapes, which a reader might see.
func encode(v any) json.RawMessage {
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(v) // texts, numbers, and what is made of them: cannot fail
	return bytes.TrimSuffix(out.Bytes(), []byte("\n"))
}
