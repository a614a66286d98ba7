package draft

import (
	"encoding/json"
	"math/big"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"callout/handler/callout"
	"callout/handler/draft/tree"
	"callout/handler/schema"
)

const (
	maxItems     = 3        // how deeply arrays of arrays are described
	maxEnum      = 200      // values that a field may list
	maxEnumBytes = 16 << 10 // what they take together
	maxValue     = 4 << 10  // and one of them, or a default
)

// shape says which values the view accepts, as far as a field can.
func (o *operation) shape(v *view, depth int) callout.Shape {
	s := callout.Shape{Type: v.kind()}
	switch s.Type {
	case callout.TypeNumber, callout.TypeInteger:
		if s.Minimum, s.Maximum = bound(v.minimum), bound(v.maximum); !admitsAny(&s) {
			s.Minimum, s.Maximum = "", ""
		}
	case callout.TypeString:
		if n, err := strconv.Atoi(v.maxLength.Scalar()); err == nil && n > 0 {
			s.MaxLength = &n
		}
	case callout.TypeArray:
		if v.items.Kind() == tree.Object && depth < maxItems {
			if items := o.view(v.items); items.problem == "" && !items.anything() {
				inner := o.shape(items, depth+1)
				s.Items = &inner
			}
		}
	}
	s.Enum = enumOf(v, &s)
	return s
}

// bound is a number that package schema takes, or "".
func bound(n *tree.Node) json.Number {
	if n.Kind() != tree.Number {
		return ""
	}
	if v, err := schema.Parse([]byte(n.Scalar())); err == nil {
		return v.(json.Number)
	}
	return ""
}

// admitsAny reports whether there is a number within the bounds.
func admitsAny(s *callout.Shape) bool {
	least, isLeast := new(big.Rat).SetString(s.Minimum.String())
	most, isMost := new(big.Rat).SetString(s.Maximum.String())
	if !isLeast || !isMost {
		return true
	}
	if s.Type == callout.TypeInteger { // from 1.2 to 1.8 there is none
		most.SetInt(new(big.Int).Div(most.Num(), most.Denom()))
	}
	return least.Cmp(most) <= 0
}

// enumOf lists the values that the shape accepts; nil when the schema lists none,
// or more than a field can.
func enumOf(v *view, s *callout.Shape) []json.RawMessage {
	values := v.enum
	if v.fixed != nil {
		values = []*tree.Node{v.fixed}
	}
	if len(values) == 0 || len(values) > maxEnum {
		return nil
	}
	accepts := acceptor(s)
	var out []json.RawMessage
	total := 0
	for _, n := range values {
		value, ok := valueOf(n, s.Type)
		if !ok || !accepts(value) {
			continue
		}
		if total += len(value); total > maxEnumBytes {
			return nil
		}
		out = append(out, value)
	}
	return out
}

// valueOf writes a value of the document for a field of the type. What YAML took
// for a number, for want of quotes, is text where text is asked for.
func valueOf(n *tree.Node, kind string) (json.RawMessage, bool) {
	if kind == callout.TypeString && (n.Kind() == tree.Number || n.Kind() == tree.Bool) {
		return json.RawMessage(tree.Quote(n.Scalar())), true
	}
	if n.Kind() == tree.None || n.Kind() == tree.Null {
		return nil, false
	}
	return n.JSON(maxValue)
}

// acceptor judges values as the field itself will.
func acceptor(s *callout.Shape) func(json.RawMessage) bool {
	compiled, err := schema.Compile(asSchema(s), "")
	return func(value json.RawMessage) bool {
		v, refused := schema.Parse(value)
		return err == nil && refused == nil && len(compiled.Validate(v, "")) == 0
	}
}

// asSchema is the JSON Schema of a shape.
func asSchema(s *callout.Shape) map[string]any {
	out := map[string]any{"type": s.Type}
	if s.Items != nil {
		out["items"] = asSchema(s.Items)
	}
	if s.Minimum != "" {
		out["minimum"] = s.Minimum
	}
	if s.Maximum != "" {
		out["maximum"] = s.Maximum
	}
	if s.MaxLength != nil {
		out["maxLength"] = json.Number(strconv.Itoa(*s.MaxLength))
	}
	if len(s.Enum) > 0 {
		values := make([]any, len(s.Enum))
		for i := range s.Enum {
			values[i], _ = schema.Parse(s.Enum[i]) // enumOf has read it before
		}
		out["enum"] = values
	}
	return out
}

// keepDefault takes over the default, if the field accepts it and the place where
// it goes can hold it. What cannot stand there is no value to offer either.
func (o *operation) keepDefault(in *input, v *view) {
	in.Enum = slices.DeleteFunc(in.Enum, func(value json.RawMessage) bool { return !fits(in.In, value) })
	if v.preset.Kind() == tree.None || v.preset.Kind() == tree.Null {
		return
	}
	value, ok := valueOf(v.preset, in.Type)
	if !ok || !acceptor(&in.Shape)(value) || !fits(in.In, value) {
		o.notes.add("The default of %s is not taken over: the field itself, or the place where it goes, does not accept it.", shown(in.key))
		return
	}
	in.Default = value
}

// fits reports whether a JSON value can stand in a path or in a header.
func fits(place string, value json.RawMessage) bool {
	text := string(value)
	_ = json.Unmarshal(value, &text) // anything but a string stays as it is written
	switch place {
	case callout.InPath:
		return text != "" && text != "." && text != ".." && !strings.ContainsAny(text, `/\`) && strings.IndexFunc(text, unicode.IsControl) < 0
	case callout.InHeader:
		return fitsHeader(text)
	}
	return true
}

// fitsHeader is the rule of package callout for the values of headers.
func fitsHeader(text string) bool {
	odd := func(r rune) bool { return r < 0x20 || r > 0x7e }
	return text != "" && text == strings.TrimSpace(text) && strings.IndexFunc(text, odd) < 0 && len(text) <= callout.MaxSecret
}
