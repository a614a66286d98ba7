package draft

import (
	"strings"

	"callout/handler/callout"
	"callout/handler/draft/tree"
)

// explain describes an input to the agent, with the description of the parameter
// p, if it is one, or that of its schema; and notes what a field cannot say.
func (o *operation) explain(in *input, p *tree.Node, v *view) {
	text := oneText(p.Get("description").Text(), callout.MaxDescription)
	if text == "" {
		text = v.description
	}
	if text == "" && !strings.EqualFold(v.title, in.key) {
		text = v.title
	}
	if v.deprecated || p.Get("deprecated").True() {
		text = deprecated(text)
	}
	in.Description = fitText(sentences(append([]string{text}, o.hints(v)...)...))
	o.noteLoss(in, v)
}

// noteLoss notes what the field says otherwise than the document.
func (o *operation) noteLoss(in *input, v *view) {
	key := shown(in.key)
	if v.several || len(v.types) > 1 {
		o.notes.add("The document allows several kinds of value for %s. The draft goes by the first.", key)
	}
	if len(v.enum) > maxEnum {
		o.notes.add("The document lists more than %d values for %s, which is as many as a field may list. The draft takes any.", maxEnum, key)
	}
	if v.format == "password" || in.In == callout.InBody && isCredential(in.key) {
		o.notes.add("%s looks like a credential. If it is always the same, put it into secretValues, write its placeholder in place of the field's, and remove the field.", key)
	}
}

// fitText cuts what is to be the description of a field.
func fitText(text string) string {
	head, _ := cutText(text, callout.MaxDescription)
	return head
}

// hints say what the type of a field cannot.
func (o *operation) hints(v *view) []string {
	var out []string
	if v.format != "" && v.format != "password" && !strings.HasPrefix(v.format, "int") && v.format != "float" && v.format != "double" {
		out = append(out, "Format: "+shown(v.format))
	}
	if v.above && bound(v.minimum) != "" {
		out = append(out, "More than "+v.minimum.Scalar())
	}
	if v.below && bound(v.maximum) != "" {
		out = append(out, "Less than "+v.maximum.Scalar())
	}
	switch kind := v.kind(); {
	case kind == callout.TypeObject && v.several:
		out = append(out, o.summary("There are several kinds. Members of the first", v))
	case kind == callout.TypeObject:
		out = append(out, o.summary("Members", v))
	case kind == callout.TypeArray && v.items.Kind() == tree.Object:
		if items := o.view(v.items); items.kind() == callout.TypeObject {
			out = append(out, o.summary("Members of each element", items))
		}
	}
	return out
}

const (
	maxSummary = 40 // members of an object that a description lists
	maxWords   = 8  // and values that one of them may have
)

// summary lists the members of an object, as a field of type object does not say
// what these are.
func (o *operation) summary(title string, v *view) string {
	var list []string
	for i, m := range o.members(v) {
		if i == maxSummary {
			list = append(list, "and more")
			break
		}
		word := m.view.word()
		if m.required {
			word += ", required"
		}
		list = append(list, m.key+" ("+word+")")
	}
	if len(list) == 0 {
		return ""
	}
	return title + ": " + strings.Join(list, ", ")
}

// word says in a few words what a value may be.
func (v *view) word() string {
	if value, ok := v.constant(); ok {
		return "always " + value.Scalar()
	}
	if v.anything() {
		return "any value"
	}
	if len(v.enum) == 0 || len(v.enum) > maxWords {
		return v.kind()
	}
	var values []string
	for _, value := range v.enum {
		if text := value.Scalar(); text != "" {
			values = append(values, text)
		}
	}
	return "one of " + strings.Join(values, " | ")
}
