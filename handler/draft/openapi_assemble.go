package draft

import (
	"encoding/json"
	"slices"
	"strings"

	"callout/handler/callout"
	"callout/handler/draft/tree"
)

// placeholder stands for the input in a template.
func (in *input) placeholder() string { return "{{" + in.Name + "}}" }

// assemble makes the configuration of what has been collected, under a name that
// is not yet its own.
func (o *operation) assemble() *callout.Config {
	config := &callout.Config{}
	endpoint := tree.Quote(o.endpoint())
	_ = json.Unmarshal([]byte(`{"endpoint":`+endpoint+`}`), config) // the decoder knows webhooks
	if config.EndpointSecret {
		o.notes.add("The endpoint is a webhook, and its URL may be all that is needed to call it. If so, set endpointSecret.")
	}
	_ = json.Unmarshal([]byte(`{"name":"draft","method":"`+o.method+`","endpointSecret":false,"endpoint":`+endpoint+`}`), config)
	config.Description, config.Instructions = o.description, o.instructions
	for _, in := range o.kept() {
		config.Fields = append(config.Fields, in.Field)
	}
	config.Headers = append(config.Headers, o.headers...)
	for _, in := range o.templatedHeaders() {
		config.Headers = append(config.Headers, callout.Header{Name: in.key, Value: in.placeholder()})
	}
	o.admission.apply(config)
	o.assembleBody(config)
	return config
}

func (o *operation) endpoint() string {
	var out strings.Builder
	out.WriteString(o.base)
	for _, part := range o.pathParts {
		out.WriteString(part.literal)
		if part.input != nil {
			out.WriteString(part.input.placeholder())
		}
	}
	pairs := slices.Concat(o.query, o.admission.query)
	for _, in := range o.kept() {
		if in.In == callout.InQuery && in.Name != in.key {
			pairs = append(pairs, queryText(in.key)+"="+in.placeholder())
		}
	}
	if len(pairs) > 0 {
		out.WriteString("?" + strings.Join(pairs, "&"))
	}
	return out.String()
}

func (o *operation) assembleBody(config *callout.Config) {
	switch {
	case !callout.HasBody(o.method):
		return
	case o.body == nil || o.body.isOut():
		config.BodyFormat = callout.BodyNone
		return
	}
	config.BodyFormat = o.bodyFormat
	if !o.body.isFlat() {
		config.Body = json.RawMessage(o.body.template())
	}
	if o.contentType != "" {
		config.Headers = append(config.Headers, callout.Header{Name: "Content-Type", Value: o.contentType})
	}
}

// bodyPart is a value in the body: fixed, an input, or an object of members.
type bodyPart struct {
	key     string // its name, when it is a member
	fixed   json.RawMessage
	input   *input
	members []*bodyPart
}

// isFlat reports whether the body is the object that fields make by themselves.
func (b *bodyPart) isFlat() bool {
	if b.fixed != nil || b.input != nil {
		return false
	}
	return !slices.ContainsFunc(b.members, func(m *bodyPart) bool {
		return m.input == nil || !m.input.out && m.input.Name != m.key
	})
}

// has reports whether there is a member of the name.
func (b *bodyPart) has(key string) bool {
	return slices.ContainsFunc(b.members, func(m *bodyPart) bool { return m.key == key })
}

// isOut reports whether nothing of the part is in the draft.
func (b *bodyPart) isOut() bool { return b.input != nil && b.input.out }

// template writes the part as a template.
func (b *bodyPart) template() string {
	switch {
	case b.fixed != nil:
		return string(b.fixed)
	case b.input != nil:
		return tree.Quote(b.input.placeholder())
	}
	var members []string
	for _, m := range b.members {
		if !m.isOut() {
			members = append(members, tree.Quote(m.key)+":"+m.template())
		}
	}
	return "{" + strings.Join(members, ",") + "}"
}
