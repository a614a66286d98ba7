package schema

import (
	"fmt"
	"maps"
	"math/big"
	"slices"
	"strings"

	"callout/handler/callout"
)

// Schema is a compiled JSON Schema of the subset that Callout writes: type,
// enum, const, properties, required, additionalProperties, items, anyOf, bounds,
// and references within the document. Compile refuses any other keyword, so that
// none can be silently without effect.
//
// It is not a library's, because the one that finds every fault
// (santhosh-tekuri/jsonschema) compiles all metaschemas when a program starts:
// 7 ms, more than everything else between the start of a process and its first
// answer.
type Schema struct {
	types      []string
	enum       []any
	properties map[string]*Schema
	required   []string
	closed     bool    // additionalProperties: false
	additional *Schema // additionalProperties: a schema
	items      *Schema
	anyOf      []*Schema
	minimum    *big.Rat
	maximum    *big.Rat
	limits     map[string]int // minLength, maxLength, minItems, maxItems, maxProperties
}

// violation is one thing that is wrong, at a place of the document.
type violation struct {
	at      []step
	code    string
	message string
}

// step leads to a member of an object, or to an element of an array.
type step struct {
	name    string
	index   int
	element bool
}

// Validate returns every fault of v, which Parse has read, in the order of their
// targets. Targets begin with prefix.
func (s *Schema) Validate(v any, prefix string) []callout.Fault {
	var out []callout.Fault
	for _, found := range s.check(v, nil) {
		out = append(out, callout.Fault{Code: found.code, Target: target(prefix, found.at), Message: found.message})
	}
	slices.SortStableFunc(out, func(a, b callout.Fault) int { return strings.Compare(a.Target, b.Target) })
	return out
}

// Sift returns every fault of v, and v without what is at fault, so that the
// rest can be looked at further. v itself is changed.
func (s *Schema) Sift(v any) (rest any, faults []callout.Fault) {
	faults = s.Validate(v, "")
	for _, found := range s.check(v, nil) {
		if found.code != callout.MissingValue { // there is nothing to take away
			v = without(v, found.at)
		}
	}
	return v, faults
}

// without removes what is at a place. In the place of an element stands an empty
// object then: the places of the others must not move.
func without(v any, at []step) any {
	if len(at) == 0 {
		return nil
	}
	switch v := v.(type) {
	case map[string]any:
		member, ok := v[at[0].name]
		if rest := without(member, at[1:]); ok && rest == nil {
			delete(v, at[0].name)
		}
		return v
	case []any:
		if without(v[at[0].index], at[1:]) == nil {
			v[at[0].index] = map[string]any{}
		}
		return v
	}
	return nil
}

// target writes a place as prefix.member[index].
func target(prefix string, at []step) string {
	out := prefix
	for _, s := range at {
		switch {
		case s.element:
			out += fmt.Sprintf("[%d]", s.index)
		case out == "":
			out = shown(s.name)
		default:
			out += "." + shown(s.name)
		}
	}
	return out
}

// check returns what is wrong with v, which is at the place at.
func (s *Schema) check(v any, at []step) []violation {
	if len(s.types) > 0 && !slices.ContainsFunc(s.types, func(t string) bool { return isType(v, t) }) {
		return []violation{{at, callout.InvalidType, "The value must be " + typeNames(s.types) + "."}}
	}
	if len(s.enum) > 0 && !slices.ContainsFunc(s.enum, func(e any) bool { return equal(e, v) }) {
		return []violation{{at, callout.InvalidValue, "The value must be one of " + values(s.enum) + "."}}
	}
	if len(s.anyOf) > 0 && !slices.ContainsFunc(s.anyOf, func(one *Schema) bool { return len(one.check(v, at)) == 0 }) {
		return []violation{{at, callout.InvalidValue, "The value has none of the forms that are accepted here. See the description of this property."}}
	}
	if message, code := s.bounds(v); message != "" {
		return []violation{{at, code, message}}
	}
	switch v := v.(type) {
	case map[string]any:
		return s.checkObject(v, at)
	case []any:
		return s.checkArray(v, at)
	}
	return nil
}

func (s *Schema) checkObject(v map[string]any, at []step) []violation {
	var out []violation
	for _, name := range s.required {
		if _, ok := v[name]; !ok {
			out = append(out, violation{below(at, step{name: name}), callout.MissingValue, "This property is missing. Give it."})
		}
	}
	for _, name := range slices.Sorted(maps.Keys(v)) {
		place := below(at, step{name: name})
		switch property := s.properties[name]; {
		case property != nil:
			out = append(out, property.check(v[name], place)...)
		case s.closed:
			out = append(out, violation{place, callout.UnknownProperty, "There is no property of this name here. Remove it, or correct its spelling."})
		case s.additional != nil:
			out = append(out, s.additional.check(v[name], place)...)
		}
	}
	return out
}

func (s *Schema) checkArray(v []any, at []step) []violation {
	var out []violation
	if s.items != nil {
		for i, element := range v {
			out = append(out, s.items.check(element, below(at, step{index: i, element: true}))...)
		}
	}
	return out
}

// below copies, because the places of siblings share what leads to them.
func below(at []step, s step) []step { return append(slices.Clip(at), s) }
