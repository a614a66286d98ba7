// Package schema reads JSON that a caller sent: strictly, with limits, and with
// every fault named by its place and never by its value.
package schema

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode/utf8"

	"callout/handler/callout"
)

// MaxDepth is how deeply objects and arrays may be nested.
const MaxDepth = 32

// Invalid is the code of a body that is not acceptable JSON.
const Invalid = "InvalidJson"

// Parse reads one JSON document into maps, slices, strings, booleans, nil and
// json.Number, so that no digit is lost. It refuses invalid UTF-8, members that
// are given twice, nesting over MaxDepth, and anything after the document.
func Parse(data []byte) (any, error) {
	if !utf8.Valid(data) {
		return nil, refuse("The body is not valid UTF-8. Encode it as UTF-8.")
	}
	p := parser{dec: json.NewDecoder(bytes.NewReader(data))}
	p.dec.UseNumber()
	v, err := p.value(0)
	if err != nil {
		return nil, err
	}
	if _, err := p.dec.Token(); err != io.EOF {
		return nil, refuse("Something follows the JSON document. Send one document only.")
	}
	return v, nil
}

func refuse(format string, args ...any) error {
	message := fmt.Sprintf(format, args...)
	return &callout.Error{Code: Invalid, Message: message, Details: []callout.Fault{{Code: Invalid, Message: message}}}
}

type parser struct{ dec *json.Decoder }

func (p parser) token() (json.Token, error) {
	t, err := p.dec.Token()
	if err != nil {
		return nil, refuse("The body is not valid JSON: the fault is near byte %d. Correct the syntax there.", p.dec.InputOffset())
	}
	return t, nil
}

func (p parser) value(depth int) (any, error) {
	t, err := p.token()
	if err != nil {
		return nil, err
	}
	if n, ok := t.(json.Number); ok && !sensible(n.String()) {
		return nil, refuse("A number has more than %d characters or an exponent over %d, near byte %d. Send it as a string.", maxNumber, maxExponent, p.dec.InputOffset())
	}
	delim, nested := t.(json.Delim)
	switch {
	case !nested:
		return t, nil
	case depth >= MaxDepth:
		return nil, refuse("The body is nested deeper than %d levels. Flatten it.", MaxDepth)
	case delim == '{':
		return p.object(depth + 1)
	default:
		return p.array(depth + 1)
	}
}

// Numbers are compared exactly, as fractions, which costs memory in proportion
// to the exponent.
const (
	maxNumber   = 256
	maxExponent = 308
)

func sensible(n string) bool {
	_, exponent, ok := strings.Cut(strings.ToLower(n), "e")
	if !ok {
		return len(n) <= maxNumber
	}
	e, err := strconv.Atoi(exponent)
	return err == nil && len(n) <= maxNumber && e >= -maxExponent && e <= maxExponent
}

func (p parser) object(depth int) (any, error) {
	out := map[string]any{}
	for p.dec.More() {
		t, err := p.token()
		if err != nil {
			return nil, err
		}
		name := t.(string) // the decoder admits nothing else as a member's name
		if _, twice := out[name]; twice {
			return nil, refuse("A member is given twice in one object, near byte %d. Remove one.", p.dec.InputOffset())
		}
		if out[name], err = p.value(depth); err != nil {
			return nil, err
		}
	}
	_, err := p.token()
	return out, err
}

func (p parser) array(depth int) (any, error) {
	out := []any{}
	for p.dec.More() {
		v, err := p.value(depth)
		if err != nil {
			return nil, err
		}
		out = append(out, v)
	}
	_, err := p.token()
	return out, err
}

// WithoutNulls returns the document without the members that are null, which
// count as absent. Elements of arrays stay as they are.
func WithoutNulls(v any) any {
	switch v := v.(type) {
	case map[string]any:
		out := make(map[string]any, len(v))
		for name, member := range v {
			if member != nil {
				out[name] = WithoutNulls(member)
			}
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, element := range v {
			out[i] = WithoutNulls(element)
		}
		return out
	}
	return v
}

// MergePatch applies a JSON merge patch (RFC 7396), except that null for a
// member that the target does not have is kept: targets are read without their
// secrets, and null is how a caller clears one. What KeepText has kept is merged
// as text.
func MergePatch(target, patch any) any {
	if text, ok := patch.(json.RawMessage); ok {
		old, _ := target.(json.RawMessage)
		return mergeText(old, text)
	}
	change, ok := patch.(map[string]any)
	if !ok {
		return patch
	}
	old, _ := target.(map[string]any)
	out := make(map[string]any, len(old)+len(change))
	for name, v := range old {
		out[name] = v
	}
	for name, v := range change {
		was, had := out[name]
		if v == nil && had {
			delete(out, name)
			continue
		}
		out[name] = MergePatch(was, v)
	}
	return out
}

// shown returns a member's name as a target may show it: a name that no
// documented property has could be anything, a secret included.
func shown(name string) string {
	ok := len(name) > 0 && len(name) <= 64 && strings.IndexFunc(name, func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("_.-$", r))
	}) < 0
	if !ok {
		return "(unreadable name)"
	}
	return name
}
