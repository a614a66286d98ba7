package request

import (
	"encoding/json"
	"maps"
	"math/big"

	"callout/handler/callout"
)

// Examples returns args with a plain value for each required field that is
// absent, for a request that is shown before anybody has filled it in. The
// values are such as Validate accepts.
func (t *Template) Examples(args Arguments) Arguments {
	out := maps.Clone(t.defaults)
	maps.Copy(out, t.present(args))
	for i := range t.config.Fields {
		field := &t.config.Fields[i]
		if _, ok := out[field.Name]; !ok && field.Required {
			out[field.Name] = example(&field.Shape)
		}
	}
	return out
}

func example(s *callout.Shape) any {
	if len(s.Enum) > 0 {
		return decode(s.Enum[0])
	}
	switch s.Type {
	case callout.TypeNumber, callout.TypeInteger:
		return exampleNumber(s)
	case callout.TypeBoolean:
		return true
	case callout.TypeArray:
		return []any{}
	case callout.TypeObject:
		return map[string]any{}
	}
	const word = "example"
	if s.MaxLength != nil && *s.MaxLength < len(word) {
		return word[:*s.MaxLength]
	}
	return word
}

// exampleNumber gives 1, or the number next to it that the bounds permit.
func exampleNumber(s *callout.Shape) json.Number {
	one := big.NewRat(1, 1)
	least, bounded := new(big.Rat).SetString(s.Minimum.String())
	if bounded && least.Cmp(one) > 0 {
		if s.Type == callout.TypeInteger && !least.IsInt() {
			return json.Number(new(big.Int).Add(floor(least), big.NewInt(1)).String())
		}
		return s.Minimum
	}
	most, bounded := new(big.Rat).SetString(s.Maximum.String())
	if bounded && most.Cmp(one) < 0 {
		if s.Type == callout.TypeInteger && !most.IsInt() {
			return json.Number(floor(most).String())
		}
		return s.Maximum
	}
	return "1"
}

func floor(r *big.Rat) *big.Int { return new(big.Int).Div(r.Num(), r.Denom()) }
