package callout

import (
	"fmt"
	"math/big"
	"slices"
	"strings"
	"unicode/utf8"
)

func (c *Config) checkFields(f *faults) {
	f.check(len(c.Fields) <= MaxFields, TooLong, "fields", "There are more than %d fields. Remove some.", MaxFields)
	seen, places := map[string]bool{}, c.fieldPlaces()
	for i := range c.Fields {
		field, at := &c.Fields[i], fmt.Sprintf("fields[%d]", i)
		f.check(validKey(field.Name), InvalidValue, at+".name",
			"A field's name must be 1 to 64 letters, digits, dots, hyphens or underscores.")
		f.check(!strings.HasPrefix(field.Name, secretPrefix), InvalidValue, at+".name",
			`A name that begins with "secret." stands for a secret value in a template. Rename the field.`)
		f.check(!seen[field.Name], InvalidValue, at+".name", "Two fields have this name. Rename or remove one.")
		seen[field.Name] = true
		f.check(utf8.RuneCountInString(field.Description) <= MaxDescription, TooLong, at+".description",
			"The description is longer than %d characters. Shorten it.", MaxDescription)
		places.check(f, at, field)
		field.Shape.check(f, at)
	}
}

// fieldPlaces is what decides where fields may go.
type fieldPlaces struct {
	method string
	// named says of each field where templates name it.
	named   map[string][]string
	read    bool              // the endpoint's placeholders are known
	queries []string          // parameters that are set already
	headers map[string]string // and headers, in lower case: by what
}

func (c *Config) fieldPlaces() *fieldPlaces {
	p := &fieldPlaces{method: c.Method, named: map[string][]string{}, queries: append(queryNames(c.URL()), c.Auth.queryName()), headers: map[string]string{}}
	inBody, _ := referencesIn(InBody, string(c.Body)) // between two braces of JSON itself there is always something
	for _, ref := range slices.Concat(c.References(), inBody) {
		p.named[ref.Field] = append(p.named[ref.Field], ref.In)
	}
	_, problem := ParseText(c.URL())
	p.read = problem == ""
	for _, h := range c.Headers {
		p.headers[strings.ToLower(h.Name)] = "A configured header"
	}
	if name := c.IdempotencyHeader; name != "" {
		p.headers[strings.ToLower(name)] = "The idempotencyHeader"
	}
	if name := c.Auth.headerName(); name != "" {
		p.headers[name] = "The credential"
	}
	return p
}

func (p *fieldPlaces) check(f *faults, at string, field *Field) {
	named := p.named[field.Name]
	switch field.Place(p.method) {
	case InQuery:
		appended := len(named) == 0 || field.In == InQuery && !slices.Contains(named, InQuery)
		f.check(!appended || !slices.Contains(p.queries, field.Name), InvalidValue, at+".name",
			"The endpoint or the credential already sets this query parameter. Rename or remove the field, or the other.")
	case InBody:
		f.check(HasBody(p.method), InvalidValue, at+".in", `Requests of this method have no body. Set "in" to "query", or change the method.`)
	case InPath: // what only the stored endpoint names is found when it is known
		f.check(slices.Contains(named, InPath) || !p.read, MissingValue, at+".in",
			"The endpoint's path has no placeholder for this field. Write one there, as in https://api.example.com/items/{{name}}.")
	case InHeader:
		if !slices.Contains(named, InHeader) {
			p.checkHeader(f, at, field)
		}
	default:
		f.add(InvalidValue, at+".in", `"in" must be "body", "query", "path" or "header".`)
	}
	if slices.Contains(named, InPath) {
		f.check(field.Required || len(field.Default) > 0, InvalidValue, at+".required",
			"The endpoint's path names this field, and there is no path without it. Require it, or give it a default.")
	}
	inHeader := slices.Contains(named, InHeader) || field.In == InHeader
	f.check(!(inHeader || slices.Contains(named, InPath)) || field.Type != TypeArray && field.Type != TypeObject, InvalidValue, at+".type",
		"A field that goes into the path or into a header must be a string, a number, an integer or a boolean. Change the type, or where it goes.")
}

// checkHeader checks a field whose header has its name.
func (p *fieldPlaces) checkHeader(f *faults, at string, field *Field) {
	name := strings.ToLower(field.Name)
	f.check(!keptFromAgents(name), InvalidValue, at+".name", agentHeaderAdvice+" Rename the field, or put it elsewhere.")
	by, taken := p.headers[name]
	f.check(!taken, InvalidValue, at+".name", "%s already sets this header. Rename or remove the field, or the other.", by)
	p.headers[name] = "Another field"
}

var shapeTypes = []string{TypeString, TypeNumber, TypeInteger, TypeBoolean, TypeArray, TypeObject}

func (s *Shape) check(f *faults, at string) {
	f.check(slices.Contains(shapeTypes, s.Type), InvalidValue, at+".type", "The type must be one of %s.", strings.Join(shapeTypes, ", "))
	numeric := s.Type == TypeNumber || s.Type == TypeInteger
	f.check(numeric || s.Minimum == "" && s.Maximum == "", InvalidValue, at, "minimum and maximum are for numbers. Remove them, or change the type.")
	f.check(s.MaxLength == nil || s.Type == TypeString, InvalidValue, at+".maxLength", "maxLength is for strings. Remove it, or change the type.")
	f.check(s.MaxLength == nil || *s.MaxLength >= 0, InvalidValue, at+".maxLength", "maxLength must not be negative.")
	f.check(s.satisfiable(), InvalidValue, at, "No number lies between minimum and maximum. Correct one of them.")
	f.check(s.Items == nil || s.Type == TypeArray, InvalidValue, at+".items", "items is for arrays. Remove it, or change the type.")
	f.check(len(s.Enum) <= 200, TooLong, at+".enum", "enum lists more than 200 values. Remove some.")
	if s.Items != nil {
		s.Items.check(f, at+".items")
	}
}

// satisfiable reports whether some number lies within the bounds.
func (s *Shape) satisfiable() bool {
	least, ok := new(big.Rat).SetString(s.Minimum.String())
	most, both := new(big.Rat).SetString(s.Maximum.String())
	if !ok || !both {
		return true
	}
	if s.Type == TypeInteger { // from 1.2 to 1.8 there is none
		below := new(big.Int).Div(most.Num(), most.Denom())
		most.SetInt(below)
	}
	return least.Cmp(most) <= 0
}
