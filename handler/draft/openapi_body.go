package draft

import (
	"encoding/json"
	"mime"
	"strings"

	"callout/handler/callout"
	"callout/handler/draft/tree"
)

const typeForm = "application/x-www-form-urlencoded"

// readBody takes over the body of the request. The reason is why there can be no
// draft without it.
func (o *operation) readBody() (reason string) {
	declared := o.node.Get("requestBody")
	if declared == nil {
		return ""
	}
	if !callout.HasBody(o.method) {
		o.notes.add("The document gives this operation a body. A configuration sends none with %s.", o.method)
		return ""
	}
	given, problem := o.doc.follow(declared)
	if problem != "" {
		return problem
	}
	kind, media := mediaOf(given.Get("content"))
	if media == nil {
		o.noteMedia(given)
		return ""
	}
	v := o.view(media.Get("schema"))
	if v.problem != "" {
		return v.problem
	}
	if kind == typeForm {
		o.bodyFormat = callout.BodyForm
		o.readForm(v, media.Get("encoding"))
		return ""
	}
	if kind != "application/json" && !strings.Contains(kind, "*") {
		o.contentType = kind
	}
	o.readJSON(v)
	return ""
}

func (o *operation) noteMedia(given *tree.Node) {
	if given.Get("content").Len() == 0 {
		o.notes.add("The document gives the operation a body, and does not say what it is. The draft sends none.")
		return
	}
	must := ""
	if given.Get("required").True() {
		must = " The API requires a body, so calls will fail without one."
	}
	o.notes.add("The body is neither JSON nor a simple form (it may be an upload of files), so the draft sends none.%s", must)
}

// mediaOf returns the form of the body that a configuration can have: JSON first,
// then any kind of JSON, then a form.
func mediaOf(content *tree.Node) (kind string, media *tree.Node) {
	best := 0
	for name, m := range content.Members() {
		plain, _, err := mime.ParseMediaType(name)
		if err != nil {
			continue
		}
		if rank := mediaRank(plain); rank > best {
			best, kind, media = rank, plain, m
		}
	}
	return kind, media
}

func mediaRank(kind string) int {
	switch {
	case kind == "application/json":
		return 4
	case strings.HasSuffix(kind, "+json"):
		return 3
	case kind == typeForm:
		return 2
	case kind == "*/*" || kind == "application/*":
		return 1
	}
	return 0
}

// readJSON takes over a body that is JSON: the members of an object, or else one
// field for the whole of it.
func (o *operation) readJSON(v *view) {
	if v.several {
		o.notes.add("The document allows several kinds of body. The draft takes the first.")
	}
	kind := v.kind()
	if v.anything() {
		kind = callout.TypeObject
	}
	switch {
	case kind == callout.TypeArray:
		o.body = &bodyPart{input: o.wholeBody("items", kind, v)}
	case kind != callout.TypeObject || len(v.properties) == 0:
		o.body = &bodyPart{input: o.wholeBody("body", kind, v)}
	default:
		o.body = &bodyPart{members: o.readMembers(v, nesting{})}
		if v.extra {
			o.notes.add("The API accepts further members in the body, which have no fields. Add those that you need.")
		}
	}
}

// wholeBody is the one field of a body that is no object with known members. It
// is required: null is sent for a body that is absent.
func (o *operation) wholeBody(name, kind string, v *view) *input {
	in := o.input(callout.InBody, name, name, "body")
	in.Shape = o.shape(v, 0)
	in.Type, in.Required = kind, true
	o.explain(in, nil, v)
	if in.Description == "" {
		in.Description = "The body of the request."
	}
	return in
}

// nesting is where an object stands in the body.
type nesting struct {
	depth int
	// prefix goes before the names of fields, so that project.key and
	// parent.key are two.
	prefix string
	// optional: something around it may be absent. Only a form takes such an object
	// apart.
	optional bool
}

// maxNesting is how deeply objects are taken apart.
const maxNesting = 3

func (o *operation) readMembers(v *view, at nesting) []*bodyPart {
	var out []*bodyPart
	members := o.members(v)
	for _, m := range members {
		if o.isFull(len(out)) {
			break
		}
		if strings.Contains(m.key, "{{") {
			o.omit(callout.InBody, m.key, m.required, "A template cannot have a member of this name.")
			continue
		}
		if part := o.readMember(m, at, len(members) == 1); part != nil {
			out = append(out, part)
		}
	}
	return out
}

// readMember makes of a member a constant, an object that is taken apart, or a
// field; nil when it can be none.
func (o *operation) readMember(m objectMember, at nesting, only bool) *bodyPart {
	if value, ok := m.view.constant(); ok && m.required && validConstant(value.Scalar()) {
		o.notes.add(fixedNote, shown(m.key))
		fixed, _ := valueOf(value, m.view.kind())
		return &bodyPart{key: m.key, fixed: fixed}
	}
	if m.view.problem != "" {
		o.omit(callout.InBody, m.key, m.required, m.view.problem)
		return nil
	}
	if m.required && isKey(m.key) && m.view.kind() == callout.TypeString {
		return o.keepSecret(m.key)
	}
	wrapper := only && at.depth == 0
	if at.depth < maxNesting && m.view.isPlain() && (wrapper || m.required && o.holdsConstant(m.view, at.depth+1)) {
		inner := nesting{depth: at.depth + 1, prefix: at.prefix + m.key + "_"}
		if wrapper { // which is sent even if it is optional: there is no other body
			inner.prefix = ""
		}
		return &bodyPart{key: m.key, members: o.readMembers(m.view, inner)}
	}
	return o.bodyInput(m, at, m.key)
}

const fixedNote = "The body holds a fixed value, which the agent neither sees nor can change: %s."

// bodyInput makes a field of a member, which the API calls key.
func (o *operation) bodyInput(m objectMember, at nesting, key string) *bodyPart {
	in := o.input(callout.InBody, key, at.prefix+m.key, "body")
	in.Required, in.Shape = m.required, o.shape(m.view, 0)
	o.explain(in, nil, m.view)
	o.keepBodyDefault(in, m.view)
	return &bodyPart{key: key, input: in}
}

// keepSecret makes a secret value of a member that is a credential.
func (o *operation) keepSecret(key string) *bodyPart {
	o.notes.add("%s, in the body, looks like a credential, so it is a secret and no field. Give its value, or make it a field.", shown(key))
	return &bodyPart{key: key, fixed: json.RawMessage(tree.Quote(o.admission.newSecret(key)))}
}

// isKey reports whether a member of the body is a credential of the caller. Passwords
// and tokens may as well be those of somebody else, whom the call is about.
func isKey(name string) bool {
	lower := strings.ToLower(name)
	return spellsCredential(name) && !strings.Contains(lower, "pass") && !strings.Contains(lower, "pwd") && !strings.Contains(lower, "token")
}

// holdsConstant reports whether a required member, or one within it, has only one
// value. A field of type object would leave that to the agent.
func (o *operation) holdsConstant(v *view, depth int) bool {
	for _, m := range o.members(v) {
		if !m.required {
			continue
		}
		if _, ok := m.view.constant(); ok || depth < maxNesting && o.holdsConstant(m.view, depth+1) {
			return true
		}
	}
	return false
}

// keepBodyDefault takes over the default of a required member. That of an optional
// one is only said: the API applies it by itself where that is right, and sent along
// with a change of something else it would overwrite what is there.
func (o *operation) keepBodyDefault(in *input, v *view) {
	if in.Required {
		o.keepDefault(in, v)
		return
	}
	const long = 100
	if value, ok := v.preset.JSON(long); ok && v.preset.Kind() != tree.None && v.preset.Kind() != tree.Null {
		in.Description = fitText(sentences(in.Description, "The API's default: "+string(value)))
	}
}
