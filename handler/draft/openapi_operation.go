package draft

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"callout/handler/callout"
	"callout/handler/draft/tree"
)

// operation is one that is being turned into a draft. What is known of it is
// collected first; assemble puts it together.
type operation struct {
	doc        *openAPI
	item, node *tree.Node // the path item, and the operation in it
	path       string
	method     string // in capitals
	target     string // where faults are reported
	notes      notes

	description, instructions string
	base                      string // the server's URL
	pathParts                 []pathPart
	inputs                    []*input
	names                     map[string]bool // of inputs
	query                     []string        // fixed pairs of the query
	headers                   []callout.Header
	body                      *bodyPart // nil: none
	bodyFormat                string
	contentType               string // of the body, when it is not the usual one
	admission                 admission
}

// input is a field of the draft, and what the API calls it.
type input struct {
	callout.Field
	key string
	// out: it cannot be a field.
	out bool
}

// pathPart is literal text of the path, or else an input.
type pathPart struct {
	literal string
	input   *input
}

func newOperation(d *openAPI, path string, index int, method string, item, node *tree.Node) *operation {
	return &operation{
		doc: d, item: item, node: node, path: path, method: strings.ToUpper(method),
		target: fmt.Sprintf("paths[%d].%s", index, method), names: map[string]bool{},
	}
}

// label names the operation in a note.
func (o *operation) label() string { return o.method + " " + shown(o.path) }

// draft makes the configuration, and says how long it is as JSON. The reason is
// why the operation cannot be one.
func (o *operation) draft() (config *callout.Config, size int, reason string) {
	o.describe()
	for _, step := range []func() string{o.readServer, o.readSecurity, o.readPath, o.readParameters, o.readBody} {
		if reason := step(); reason != "" {
			return nil, 0, reason
		}
	}
	if config, reason = o.sound(); reason != "" {
		return nil, 0, reason
	}
	data, err := json.Marshal(config)
	if err != nil || len(data) > callout.MaxConfig {
		return nil, 0, fmt.Sprintf("As a configuration it would be longer than %d bytes. Shorten what the document says about its parameters and its body.", callout.MaxConfig)
	}
	config.Name = o.doc.nameFor(o)
	return config, len(data), ""
}

// nameFor makes a name that no other draft of the document has: from the
// operation's id, or else from method and path.
func (d *openAPI) nameFor(o *operation) string {
	name := configName(o.node.Get("operationId").Scalar())
	if name == "" {
		name = configName(strings.ToLower(o.method) + " " + o.path)
	}
	return free(name, maxName, d.names)
}

// maxRounds is how often a draft is put together anew without what was at fault.
const maxRounds = 4

// sound puts the draft together, and leaves out the fields that the rules for
// configurations do not allow, until nothing is at fault but missing secrets.
func (o *operation) sound() (config *callout.Config, reason string) {
	if reason := o.limitFields(); reason != "" {
		return nil, reason
	}
	for range maxRounds {
		config = o.assemble()
		faults := config.Validate(config.Unset())
		if len(faults) == 0 {
			return config, ""
		}
		reason = faults[0].Message
		if !o.withdraw(faults) {
			break
		}
	}
	return nil, "It cannot be a configuration. " + reason
}

// withdraw leaves out the inputs and fixed headers that faults are about. It
// reports false when that does not help.
func (o *operation) withdraw(faults []callout.Fault) bool {
	kept, templated := o.kept(), o.templatedHeaders()
	for _, f := range faults {
		var i int
		switch {
		case numbered(f.Target, "fields[%d]", &i) && i < len(kept) && kept[i].In != callout.InPath:
			o.leaveOut(kept[i], f.Message)
		case !numbered(f.Target, "headers[%d]", &i):
			return false
		case i < len(o.headers):
			o.omit(callout.InHeader, o.headers[i].Name, true, f.Message)
			o.headers = slices.Delete(slices.Clone(o.headers), i, i+1)
			return true // the others are numbered anew
		case i-len(o.headers) < len(templated):
			o.leaveOut(templated[i-len(o.headers)], f.Message)
		default:
			return false
		}
	}
	return true
}

func numbered(target, format string, i *int) bool {
	n, _ := fmt.Sscanf(target, format, i)
	return n == 1
}

// leaveOut leaves an input out of the draft and notes it.
func (o *operation) leaveOut(in *input, reason string) {
	if !in.out {
		in.out = true
		o.omit(in.In, in.key, in.Required, reason)
	}
}

// omit notes something of the request that the draft does not have.
func (o *operation) omit(place, key string, required bool, reason string) {
	must := ""
	if required {
		must = " The API requires it, so calls will fail until this is settled."
	}
	o.notes.add("Left out: %s, in the %s. %s%s", shown(key), place, reason, must)
}

// limitFields leaves out optional inputs, the last first, until no more are left
// than a configuration may have.
func (o *operation) limitFields() (reason string) {
	excess := len(o.kept()) - callout.MaxFields
	if excess <= 0 {
		return ""
	}
	dropped := 0
	for i := len(o.inputs) - 1; i >= 0 && dropped < excess; i-- {
		if in := o.inputs[i]; !in.out && !in.Required && in.In != callout.InPath {
			in.out = true
			dropped++
		}
	}
	if dropped < excess {
		return fmt.Sprintf("It requires more than %d values, which is as many fields as a configuration may have.", callout.MaxFields)
	}
	o.notes.add("The operation takes more than %d values, which is as many fields as a configuration may have. Optional ones left out: %d, the last of the document's.", callout.MaxFields, dropped)
	return ""
}

// maxInputs is how many values of an operation are looked at. More could not all
// be fields, and notes about them would help nobody.
const maxInputs = 500

// isFull reports, and notes, that no more inputs are looked at, nor more of those
// parts of the body of which there are some already.
func (o *operation) isFull(parts int) bool {
	if max(len(o.inputs), parts) < maxInputs {
		return false
	}
	o.notes.add("The operation takes more than %d values. Those beyond are left out.", maxInputs)
	return true
}

// kept lists the inputs that become fields, in their order.
func (o *operation) kept() []*input {
	var out []*input
	for _, in := range o.inputs {
		if !in.out {
			out = append(out, in)
		}
	}
	return out
}

// templatedHeaders lists the inputs whose header has a name that no field can
// have.
func (o *operation) templatedHeaders() []*input {
	return slices.DeleteFunc(o.kept(), func(in *input) bool { return in.In != callout.InHeader || in.Name == in.key })
}

// input adds a field for what the API calls key. hint goes before the name when
// another field has it.
func (o *operation) input(place, key, name, hint string) *input {
	name = fieldName(name)
	if o.names[name] {
		name = fieldName(hint + "_" + name)
	}
	in := &input{key: key}
	in.Name, in.In = free(name, maxFieldName, o.names), place
	o.inputs = append(o.inputs, in)
	return in
}
