package callout

import (
	"fmt"
	"math/big"
	"slices"
	"strings"
	"unicode/utf8"
)

// ValidName reports whether name can be the name of a configuration.
func ValidName(name string) bool {
	return len(name) <= 40 && strings.Trim(name, lower+digits+"_") == "" && strings.IndexAny(name, lower) == 0
}

// validKey reports whether name can be that of a field, a label or a query
// parameter: what all tool dialects accept as the name of a property.
func validKey(name string) bool {
	return name != "" && len(name) <= 64 && strings.Trim(name, lower+strings.ToUpper(lower)+digits+"_.-") == ""
}

const (
	lower  = "abcdefghijklmnopqrstuvwxyz"
	digits = "0123456789"
)

// Validate returns everything that is wrong with c. The secrets whose paths are
// in kept are in the vault already and need not be given.
func (c *Config) Validate(excused []string) []Fault {
	var f faults
	f.check(ValidName(c.Name), InvalidValue, "name",
		"The name must begin with a lower-case letter and hold at most 40 lower-case letters, digits and underscores.")
	f.check(slices.Contains([]string{"GET", "POST", "PUT", "PATCH", "DELETE"}, c.Method), InvalidValue, "method",
		"The method must be GET, POST, PUT, PATCH or DELETE, in capitals.")
	checkEndpoint(&f, c.URL())
	c.checkTexts(&f)
	c.checkNumbers(&f)
	c.Auth.check(&f, excused)
	c.checkHeaders(&f)
	c.checkFields(&f)
	c.checkLabels(&f)
	c.checkSecrets(&f, excused)
	return f
}

func (c *Config) checkTexts(f *faults) {
	f.check(utf8.RuneCountInString(c.Description) <= MaxDescription, TooLong, "description",
		"The description is longer than %d characters. Move what explains the use to instructions.", MaxDescription)
	f.check(utf8.RuneCountInString(c.Instructions) <= MaxInstructions, TooLong, "instructions",
		"The instructions are longer than %d characters. Shorten them.", MaxInstructions)
	f.check(c.Approval == ApprovalRequired || c.Approval == ApprovalNone, InvalidValue, "approval",
		`Approval must be "required" or "none".`)
}

func (c *Config) checkNumbers(f *faults) {
	f.check(c.TimeoutSeconds >= 1 && c.TimeoutSeconds <= MaxTimeoutSeconds, InvalidValue, "timeoutSeconds",
		"The time-out must be from 1 to %d seconds.", MaxTimeoutSeconds)
	f.check(c.MaxResponse >= 1 && c.MaxResponse <= MaxMaxResponseBytes, InvalidValue, "maxResponseBytes",
		"The largest response must be from 1 to %d bytes.", MaxMaxResponseBytes)
}

func (c *Config) checkLabels(f *faults) {
	f.check(len(c.Labels) <= MaxLabels, TooLong, "labels", "There are more than %d labels. Remove some.", MaxLabels)
	for name, value := range c.Labels {
		if !validKey(name) || len(value) > 256 {
			f.add(InvalidValue, "labels", "A label's name must be 1 to 64 letters, digits, dots, hyphens or underscores, and its value at most 256 bytes.")
			return
		}
	}
}

func (c *Config) checkSecrets(f *faults, excused []string) {
	total := 0
	for _, s := range c.slots() {
		given := s.value.IsSet()
		f.check(given || s.needed || slices.Contains(excused, s.path), MissingValue, s.at,
			"This is a secret and no value is stored. Give the whole of it.")
		f.check(!given || s.short || s.value.Len() >= MinSecret, InvalidValue, s.at,
			`The secret is shorter than %d bytes, so it could not be taken out of answers without damaging ordinary text. Use a longer one, or, for a header or a parameter, say "secret": false if it is none.`, MinSecret)
		f.check(s.value.Len() <= MaxSecret, TooLong, s.at, "The secret is longer than %d bytes. Shorten it.", MaxSecret)
		total += s.value.Len()
	}
	f.check(total <= MaxSecrets, TooLong, "", "All secrets together are longer than %d bytes. Shorten or remove some.", MaxSecrets)
}

func (c *Config) checkFields(f *faults) {
	f.check(len(c.Fields) <= MaxFields, TooLong, "fields", "There are more than %d fields. Remove some.", MaxFields)
	seen, taken := map[string]bool{}, append(queryNames(c.URL()), c.Auth.queryName())
	for i := range c.Fields {
		field, at := &c.Fields[i], fmt.Sprintf("fields[%d]", i)
		f.check(validKey(field.Name), InvalidValue, at+".name",
			"A field's name must be 1 to 64 letters, digits, dots, hyphens or underscores.")
		f.check(!seen[field.Name], InvalidValue, at+".name", "Two fields have this name. Rename or remove one.")
		seen[field.Name] = true
		f.check(utf8.RuneCountInString(field.Description) <= MaxDescription, TooLong, at+".description",
			"The description is longer than %d characters. Shorten it.", MaxDescription)
		field.checkPlace(f, at, c.Method)
		f.check(field.Place(c.Method) != InQuery || !slices.Contains(taken, field.Name), InvalidValue, at+".name",
			"The endpoint or the credential already sets this query parameter. Rename or remove the field, or the other.")
		field.Shape.check(f, at)
	}
}

func (field *Field) checkPlace(f *faults, at, method string) {
	switch field.Place(method) {
	case InQuery:
	case InBody:
		f.check(HasBody(method), InvalidValue, at+".in", `Requests of this method have no body. Set "in" to "query", or change the method.`)
	default:
		f.add(InvalidValue, at+".in", `"in" must be "body" or "query".`)
	}
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
