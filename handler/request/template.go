// Package request turns a configuration and arguments into one HTTP request
// (design: section 4). What is made from a configuration alone is made once.
package request

import (
	"callout/handler/callout"
	"callout/handler/schema"
)

// Arguments are what the agent filled in, read by schema.Parse.
type Arguments map[string]any

// Template is what a configuration alone decides about its requests. It holds
// no secret and may be shared by any number of goroutines.
type Template struct {
	config   *callout.Config
	document map[string]any
	schema   *schema.Schema
	defaults Arguments

	endpoint *endpoint // nil for one that is a secret
	headers  []header  // in the order of the configuration
	body     body      // nil for none
	bodySize int       // about how many bytes it will have
	places   map[string]places
	// The fields that a secret endpoint names.
	inSecretURL []string
	// The fields that go there without a template that says so.
	inQuery  []pair
	inHeader []string
}

// Compile prepares a configuration. The faults it returns are those that only
// show when the parts of a configuration are put together: a default that its own
// field would refuse, a field that no request would carry, a body that cannot be
// filled in. They quote nothing of it.
func Compile(c *callout.Config) (*Template, []callout.Fault) {
	t := &Template{config: c, document: Schema(c), defaults: Arguments{}, places: map[string]places{}}
	compiled, err := schema.Compile(t.document, "")
	if err != nil {
		return nil, []callout.Fault{{Code: callout.InvalidValue, Target: "fields",
			Message: "The fields do not make a valid JSON Schema. Check minimum, maximum and enum of each."}}
	}
	t.schema = compiled
	w := &compiler{config: c, template: t}
	if !c.EndpointSecret {
		t.endpoint, _ = parseEndpoint(c.Endpoint) // callout.Config.Validate tells what is wrong
	}
	w.nameFields()
	w.compileHeaders()
	w.compileBody()
	w.placeFields()
	w.checkFields()
	t.estimate()
	return t, w.faults
}

// Schema is the JSON Schema (draft 2020-12) of the arguments, which Compile has
// made. It is shared: nothing of it may be changed.
func (t *Template) Schema() map[string]any { return t.document }

// estimate says how large the bodies will be if arguments are of a usual length.
func (t *Template) estimate() {
	const usual = 64
	if t.body != nil {
		t.bodySize = len(t.body.write(nil, (&values{defaults: t.defaults}).limited(maxBody))) + usual*len(t.config.Fields)
	}
}

// compiler fills in a Template and collects what is wrong.
type compiler struct {
	config   *callout.Config
	template *Template
	faults   []callout.Fault
}

func (w *compiler) fault(code, target, message string) {
	w.faults = append(w.faults, callout.Fault{Code: code, Target: target, Message: message})
}
