package schema

import (
	"encoding/json"
	"fmt"
	"math/big"
	"strconv"
	"strings"
	"unicode/utf8"

	"callout/handler/callout"
)

// isType tells the types of JSON Schema (core, section 4.2.1). A number without
// a fraction is an integer however it is written.
func isType(v any, name string) bool {
	switch v := v.(type) {
	case nil:
		return name == "null"
	case bool:
		return name == "boolean"
	case string:
		return name == "string"
	case []any:
		return name == "array"
	case map[string]any:
		return name == "object"
	case json.Number:
		return name == "number" || name == "integer" && rational(v).IsInt()
	}
	return false
}

// rational gives the exact value; Parse has bounded its size.
func rational(n json.Number) *big.Rat {
	r, ok := new(big.Rat).SetString(n.String())
	if !ok {
		return new(big.Rat)
	}
	return r
}

// equal compares as JSON Schema does: numbers by value, objects without order.
func equal(a, b any) bool {
	switch a := a.(type) {
	case json.Number:
		n, ok := b.(json.Number)
		return ok && rational(a).Cmp(rational(n)) == 0
	case []any:
		other, ok := b.([]any)
		if !ok || len(a) != len(other) {
			return false
		}
		for i := range a {
			if !equal(a[i], other[i]) {
				return false
			}
		}
		return true
	case map[string]any:
		return equalObjects(a, b)
	}
	switch b.(type) {
	case []any, map[string]any:
		return false
	}
	return a == b
}

func equalObjects(a map[string]any, b any) bool {
	other, ok := b.(map[string]any)
	if !ok || len(a) != len(other) {
		return false
	}
	for name, v := range a {
		if w, ok := other[name]; !ok || !equal(v, w) {
			return false
		}
	}
	return true
}

// bounds words the first bound that v breaks, "" if none.
func (s *Schema) bounds(v any) (message, code string) {
	switch v := v.(type) {
	case json.Number:
		return s.boundsOfNumber(v), callout.InvalidValue
	case string:
		return s.length(utf8.RuneCountInString(v), "minLength", "maxLength", "characters")
	case []any:
		return s.length(len(v), "minItems", "maxItems", "elements")
	case map[string]any:
		return s.length(len(v), "minProperties", "maxProperties", "members")
	}
	return "", ""
}

func (s *Schema) boundsOfNumber(n json.Number) string {
	if s.minimum == nil && s.maximum == nil {
		return ""
	}
	value := rational(n)
	switch {
	case s.minimum != nil && value.Cmp(s.minimum) < 0:
		return "The number must be at least " + digits(s.minimum) + "."
	case s.maximum != nil && value.Cmp(s.maximum) > 0:
		return "The number must be at most " + digits(s.maximum) + "."
	}
	return ""
}

// digits writes a number as people do: 0.1, and not 1/10.
func digits(r *big.Rat) string {
	if r.IsInt() && r.Num().BitLen() < 64 {
		return r.Num().String()
	}
	f, _ := r.Float64()
	return strconv.FormatFloat(f, 'g', -1, 64)
}

func (s *Schema) length(n int, least, most, what string) (message, code string) {
	if limit, ok := s.limits[least]; ok && n < limit {
		return fmt.Sprintf("There must be at least %d %s.", limit, what), callout.InvalidValue
	}
	if limit, ok := s.limits[most]; ok && n > limit {
		return fmt.Sprintf("There may be at most %d %s. Shorten it.", limit, what), callout.TooLong
	}
	return "", ""
}

// values writes what the schema permits, which is the operator's own text and
// not the caller's.
func values(vs []any) string {
	var out []string
	for _, v := range vs {
		data, _ := json.Marshal(v) // came out of JSON: cannot fail
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
