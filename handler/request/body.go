package request

import (
	"fmt"
	"slices"
	"strings"

	"callout/handler/callout"
	"callout/handler/schema"
)

// body writes the body of a request.
type body interface {
	write(out []byte, v *values) []byte
	contentType() string
}

// compileBody prepares the body template. Without one, placeFields does with the
// fields.
func (w *compiler) compileBody() {
	c := w.config
	if !hasTemplate(c) || c.BodyFormat == callout.BodyNone || !callout.HasBody(c.Method) {
		return // callout.Config.Validate tells what is wrong
	}
	if _, err := schema.Parse(c.Body); err != nil {
		w.fault(callout.InvalidValue, "body", err.(*callout.Error).Message)
		return
	}
	root := schema.ParseOrdered(c.Body)
	if c.BodyFormat == callout.BodyForm {
		w.template.body = w.compileForm(root)
	} else {
		w.template.body = jsonBody{w.compilePiece(root, "body")}
	}
}

// hasTemplate reports whether the configuration says what its body looks like.
func hasTemplate(c *callout.Config) bool { return len(c.Body) > 0 && string(c.Body) != "null" }

// compileTemplateText takes a text of the body template apart, and checks the
// names in it.
func (w *compiler) compileTemplateText(s, at string, literal escape) text {
	t, problem := compileText(s, literal)
	if problem != "" {
		w.fault(callout.InvalidValue, at, problem)
	}
	for _, part := range t {
		switch {
		case part.Field != "" && w.hasField(part.Field):
			w.template.places[part.Field] |= inBody
		case part.Field != "":
			w.fault(callout.InvalidValue, at, "This placeholder names no field. Add the field, or correct its spelling.")
		case part.Secret != "" && !w.hasSecret(part.Secret):
			w.fault(callout.MissingValue, at, "This placeholder names none of secretValues. Give the secret value, or correct the spelling.")
		}
	}
	return t
}

func (w *compiler) hasField(name string) bool {
	return slices.ContainsFunc(w.config.Fields, func(f callout.Field) bool { return f.Name == name })
}

func (w *compiler) hasSecret(name string) bool {
	return slices.ContainsFunc(w.config.SecretValues, func(s callout.SecretValue) bool { return s.Name == name && !s.Value.IsCleared() })
}

// checkKey refuses placeholders in the names of members: no argument decides
// about the structure.
func (w *compiler) checkKey(name, at string) {
	if strings.Contains(name, "{{") {
		w.fault(callout.InvalidValue, at, "The name of a member holds {{. Placeholders may stand in values only: write the name out.")
	}
}

// below is the place of a member of a template. A name that could not be that of
// a field might be anything, and is not shown.
func below(at, name string) string {
	if !plainName(name) {
		name = "(unreadable name)"
	}
	return at + "." + name
}

func plainName(name string) bool {
	return name != "" && len(name) <= 64 && strings.IndexFunc(name, func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("_.-$", r))
	}) < 0
}

func element(at string, i int) string { return fmt.Sprintf("%s[%d]", at, i) }
