package schema

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"

	"callout/handler/callout"
)

// Schema is a compiled JSON Schema (draft 2020-12).
type Schema struct{ s *jsonschema.Schema }

// base names the document that a schema is part of. Nothing is ever loaded
// from there.
const base = "callout:document"

// Compile compiles the part of doc that pointer names, a JSON pointer or "" for
// all of it. doc is made of maps, slices and json.Number. References to other
// documents are refused.
func Compile(doc any, pointer string) (*Schema, error) {
	c := jsonschema.NewCompiler()
	c.DefaultDraft(jsonschema.Draft2020)
	c.UseLoader(closed{})
	if err := c.AddResource(base, doc); err != nil {
		return nil, fmt.Errorf("schema: %w", err)
	}
	s, err := c.Compile(base + "#" + pointer)
	if err != nil {
		return nil, fmt.Errorf("schema: %w", err)
	}
	return &Schema{s: s}, nil
}

// closed is the loader that loads nothing: the library's own opens files.
type closed struct{}

func (closed) Load(string) (any, error) {
	return nil, errors.New("references to other documents are not followed")
}

// Validate returns every fault of v, which Parse has read. Targets begin with
// prefix.
func (s *Schema) Validate(v any, prefix string) []callout.Fault {
	var out []callout.Fault
	for _, leaf := range s.leaves(v) {
		out = append(out, word(leaf, target(prefix, v, leaf.InstanceLocation))...)
	}
	slices.SortStableFunc(out, func(a, b callout.Fault) int { return strings.Compare(a.Target, b.Target) })
	return slices.Compact(out)
}

// Sift returns every fault of v, and v without what is at fault, so that the
// rest can be looked at further. v itself is changed.
func (s *Schema) Sift(v any) (rest any, faults []callout.Fault) {
	faults = s.Validate(v, "")
	for _, leaf := range s.leaves(v) {
		if extra, ok := leaf.ErrorKind.(*kind.AdditionalProperties); ok {
			for _, name := range extra.Properties {
				v = without(v, append(slices.Clone(leaf.InstanceLocation), name))
			}
		} else if _, missing := leaf.ErrorKind.(*kind.Required); !missing {
			v = without(v, leaf.InstanceLocation)
		}
	}
	return v, faults
}

// without removes what is at a location; with an element of an array the whole
// array, since the places of the others would move.
func without(v any, location []string) any {
	members, ok := v.(map[string]any)
	if !ok || len(location) == 0 {
		return nil
	}
	rest := without(members[location[0]], location[1:])
	if rest == nil {
		delete(members, location[0])
	}
	return v
}

// leaves are the violations that say what is wrong; their parents say only
// where.
func (s *Schema) leaves(v any) []*jsonschema.ValidationError {
	var invalid *jsonschema.ValidationError
	if !errors.As(s.s.Validate(v), &invalid) {
		return nil
	}
	var out []*jsonschema.ValidationError
	var walk func(*jsonschema.ValidationError)
	walk = func(e *jsonschema.ValidationError) {
		for _, cause := range e.Causes {
			walk(cause)
		}
		if len(e.Causes) == 0 {
			out = append(out, e)
		}
	}
	walk(invalid)
	return out
}

// target writes a location as prefix.member[index]. Members are told from
// indexes by looking at v, since both are strings in the location.
func target(prefix string, v any, location []string) string {
	out := prefix
	for _, step := range location {
		switch at := v.(type) {
		case []any:
			i, _ := strconv.Atoi(step)
			out += "[" + step + "]"
			v = at[i]
		case map[string]any:
			out = join(out, step)
			v = at[step]
		}
	}
	return out
}

func join(at, name string) string {
	if at == "" {
		return shown(name)
	}
	return at + "." + shown(name)
}

// word says what is wrong. The library's own messages quote values.
func word(e *jsonschema.ValidationError, at string) []callout.Fault {
	switch k := e.ErrorKind.(type) {
	case *kind.Required:
		return each(k.Missing, at, callout.MissingValue, "This property is missing. Give it.")
	case *kind.AdditionalProperties:
		return each(k.Properties, at, callout.UnknownProperty, "There is no property of this name here. Remove it, or correct its spelling.")
	case *kind.Type:
		return one(callout.InvalidType, at, "The value must be %s.", typeNames(k.Want))
	case *kind.MaxLength:
		return one(callout.TooLong, at, "The value is longer than %d characters. Shorten it.", k.Want)
	case *kind.MaxItems:
		return one(callout.TooLong, at, "There are more than %d elements. Remove some.", k.Want)
	case *kind.MaxProperties:
		return one(callout.TooLong, at, "There are more than %d members. Remove some.", k.Want)
	}
	return one(callout.InvalidValue, at, "%s", wording(e.ErrorKind))
}

func wording(e jsonschema.ErrorKind) string {
	switch k := e.(type) {
	case *kind.Enum:
		return "The value must be one of " + values(k.Want) + "."
	case *kind.Const:
		return "The value must be " + values([]any{k.Want}) + "."
	case *kind.Minimum:
		return "The number must be at least " + k.Want.RatString() + "."
	case *kind.Maximum:
		return "The number must be at most " + k.Want.RatString() + "."
	case *kind.MinLength:
		return fmt.Sprintf("The value must have at least %d characters.", k.Want)
	case *kind.MinItems:
		return fmt.Sprintf("There must be at least %d elements.", k.Want)
	case *kind.Pattern:
		return "The value must match the pattern " + k.Want + "."
	}
	return "The value is not allowed here. See the description of this property."
}

func one(code, at, format string, args ...any) []callout.Fault {
	return []callout.Fault{{Code: code, Target: at, Message: fmt.Sprintf(format, args...)}}
}

func each(names []string, at, code, message string) []callout.Fault {
	var out []callout.Fault
	for _, name := range names {
		out = append(out, callout.Fault{Code: code, Target: join(at, name), Message: message})
	}
	return out
}

// values writes what the schema permits, which is the operator's own text and
// not the caller's.
func values(vs []any) string {
	var out []string
	for _, v := range vs {
		data, _ := json.Marshal(v)
		out = append(out, string(data))
	}
	return strings.Join(out, ", ")
}

var typeName = map[string]string{
	"string": "a string", "number": "a number", "integer": "a whole number", "boolean": "true or false",
	"array": "an array", "object": "an object", "null": "null",
}

func typeNames(want []string) string {
	var out []string
	for _, t := range want {
		out = append(out, typeName[t])
	}
	return strings.Join(out, " or ")
}
