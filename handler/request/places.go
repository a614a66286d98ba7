package request

import (
	"fmt"

	"callout/handler/callout"
	"callout/handler/schema"
)

// places is a set of the places of a request into which a field goes.
type places uint8

const (
	inPath places = 1 << iota
	inQuery
	inHeader
	inBody
)

// nameFields notes which fields endpoint and headers name. The body template has
// been looked at by itself.
func (w *compiler) nameFields() {
	for _, ref := range w.config.References() {
		if ref.Field == "" {
			continue
		}
		w.template.places[ref.Field] |= placeOf(ref.In)
		if w.config.EndpointSecret && ref.In != callout.InHeader {
			w.template.inSecretURL = append(w.template.inSecretURL, ref.Field)
		}
	}
}

func placeOf(in string) places {
	switch in {
	case callout.InPath:
		return inPath
	case callout.InQuery:
		return inQuery
	case callout.InHeader:
		return inHeader
	}
	return inBody
}

// placeFields decides where the fields go: into the templates that name them, and
// where each says itself, unless a template names it in that place. One that says
// nothing and that no template names goes where Field.Place says.
func (w *compiler) placeFields() {
	var flat []schema.Member
	for i := range w.config.Fields {
		field, at := &w.config.Fields[i], fmt.Sprintf("fields[%d]", i)
		w.checkIn(field, at)
		if !w.goesByItself(field) {
			continue
		}
		place := field.Place(w.config.Method)
		switch place {
		case callout.InQuery:
			w.template.inQuery = append(w.template.inQuery, pair{pairName(field.Name), []text{{{Field: field.Name}}}})
		case callout.InHeader:
			w.template.inHeader = append(w.template.inHeader, field.Name)
		case callout.InBody:
			flat = append(flat, schema.Member{Name: field.Name, Value: "{{" + field.Name + "}}"})
		default: // the path, where callout.Config.Validate misses it
			continue
		}
		w.template.places[field.Name] |= placeOf(place)
	}
	w.flatBody(flat)
}

// goesByItself reports whether the field goes into a place in which no template
// names it.
func (w *compiler) goesByItself(field *callout.Field) bool {
	named := w.template.places[field.Name]
	return named == 0 || field.In != "" && named&placeOf(field.In) == 0
}

// flatBody makes the body that has no template: an object of the fields that go
// there, in the order in which they are declared.
func (w *compiler) flatBody(members schema.Object) {
	c := w.config
	switch {
	case hasTemplate(c) || c.BodyFormat == callout.BodyNone || !callout.HasBody(c.Method):
	case c.BodyFormat == callout.BodyForm:
		w.template.body = w.compileForm(members)
	default:
		w.template.body = jsonBody{w.compilePiece(members, "body")}
	}
}

// checkIn finds a field that no request would carry, or not where it says. Those
// of paths callout.Config.Validate finds.
func (w *compiler) checkIn(field *callout.Field, at string) {
	c, named := w.config, w.template.places[field.Name]
	switch {
	case named != 0 && field.In != callout.InBody, field.Place(c.Method) != callout.InBody, !callout.HasBody(c.Method):
	case c.BodyFormat == callout.BodyNone:
		w.fault(callout.InvalidValue, at+".in", `The field goes into the body, and "bodyFormat" is "none". Set "in" to "query" or "header", name the field in the endpoint, or change bodyFormat.`)
	case hasTemplate(c) && named&inBody == 0:
		w.fault(callout.InvalidValue, at+".in", `The body template does not name this field, so its body would not carry it. Put {{name}} with its name there, or set "in" to "query" or "header".`)
	}
}
