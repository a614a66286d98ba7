package schema_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"callout/handler/schema"
)

// documents makes random schemas and values. Both draw from few names, numbers
// and texts, so that values often fit, and often miss by one thing.
type documents struct{ *rand.Rand }

func (d documents) one(of ...any) any { return of[d.IntN(len(of))] }

func (d documents) value(depth int) any {
	if depth == 0 {
		return d.one(nil, true, false, "", "a", "ab", "é😀", number("0"), number("1"), number("1.0"), number("-2.5"), number("3e1"), number("30"))
	}
	switch d.IntN(4) {
	case 0:
		out := []any{}
		for range d.IntN(4) {
			out = append(out, d.value(depth-1))
		}
		return out
	case 1, 2:
		out := map[string]any{}
		for range d.IntN(4) {
			out[d.one("a", "b", "c", "d").(string)] = d.value(depth - 1)
		}
		return out
	}
	return d.value(0)
}

func number(digits string) json.Number { return json.Number(digits) }

func (d documents) schema(depth int) map[string]any {
	out := map[string]any{}
	for keyword, v := range map[string]func() any{
		"type": func() any {
			return d.one("null", "boolean", "string", "number", "integer", "array", "object", []any{"string", "number", "array"})
		},
		"enum":          func() any { return []any{d.value(0), d.value(1), d.value(2)} },
		"const":         func() any { return d.value(1) },
		"minimum":       func() any { return d.one(number("-2.5"), number("1")) },
		"maximum":       func() any { return d.one(number("1"), number("3E1")) },
		"minLength":     func() any { return d.one(number("1"), number("2")) },
		"maxLength":     func() any { return d.one(number("1"), number("2")) },
		"minItems":      func() any { return d.one(number("1"), number("2")) },
		"maxItems":      func() any { return d.one(number("1"), number("2")) },
		"minProperties": func() any { return d.one(number("1"), number("2")) },
		"maxProperties": func() any { return d.one(number("1"), number("2")) },
		"required":      func() any { return []any{d.one("a", "b", "c")} },
		"properties": func() any {
			return map[string]any{"a": d.schema(depth - 1), "b": d.schema(depth - 1)}
		},
		"additionalProperties": func() any { return d.one(false, d.schema(depth-1)) },
		"items":                func() any { return d.schema(depth - 1) },
		"anyOf":                func() any { return []any{d.schema(depth - 1), d.schema(depth - 1)} },
	} {
		nested := keyword == "properties" || keyword == "additionalProperties" || keyword == "items" || keyword == "anyOf"
		if d.IntN(6) == 0 && (depth > 0 || !nested) {
			out[keyword] = v()
		}
	}
	if _, ok := out["const"]; ok { // which Compile does not take together
		delete(out, "enum")
	}
	return out
}

// What is accepted here is what a JSON Schema library accepts that shares no
// code with this package.
func TestAgreesWithALibrary(t *testing.T) {
	seed := rand.Uint64()
	d := documents{rand.New(rand.NewPCG(seed, 0))}
	accepted, refused := 0, 0
	for range 2000 {
		doc := d.schema(3)
		ours, err := schema.Compile(doc, "")
		if err != nil {
			t.Fatalf("seed %d: %s: %v", seed, text(doc), err)
		}
		theirs := library(t, doc)
		for range 10 {
			v := d.value(3)
			faults, refusal := ours.Validate(v, ""), theirs.Validate(v)
			if (len(faults) == 0) != (refusal == nil) {
				t.Fatalf("seed %d: %s of %s: found %+v, the library says %v", seed, text(v), text(doc), faults, refusal)
			}
			if refusal == nil {
				accepted++
			} else {
				refused++
			}
		}
	}
	if accepted < 1000 || refused < 1000 {
		t.Errorf("%d accepted, %d refused: the values do not try both", accepted, refused)
	}
}

func library(t *testing.T, doc any) *jsonschema.Schema {
	t.Helper()
	c := jsonschema.NewCompiler()
	c.DefaultDraft(jsonschema.Draft2020)
	if err := c.AddResource("callout:document", doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("callout:document")
	if err != nil {
		t.Fatalf("%s: %v", text(doc), err)
	}
	return s
}

func text(v any) string {
	data, err := json.Marshal(v)
	if err != nil {
		return fmt.Sprint(v)
	}
	return string(data)
}
