package fakehost

import (
	"errors"
	"slices"
	"strings"
)

// template is a route template of ASP.NET Core: literals, {name}, {name?} and
// {*rest}. Constraints, defaults and segments of mixed text are refused rather
// than matched wrongly.
type template []segment

type segment struct {
	kind    segmentKind
	literal string
}

type segmentKind int

const (
	literalSegment segmentKind = iota
	parameter
	optionalParameter
	catchAll
)

func parseTemplate(route string) (template, error) {
	var parsed template
	for part := range strings.SplitSeq(route, "/") {
		s, err := parseSegment(part)
		if err != nil {
			return nil, err
		}
		if n := len(parsed); n > 0 && (parsed[n-1].kind == catchAll || parsed[n-1].kind == optionalParameter) {
			return nil, errors.New("in a route, {*rest} and {name?} must be last")
		}
		parsed = append(parsed, s)
	}
	return parsed, nil
}

func parseSegment(part string) (segment, error) {
	inner, isOpen := strings.CutPrefix(part, "{")
	inner, isClosed := strings.CutSuffix(inner, "}")
	if !isOpen || !isClosed {
		if part == "" || strings.ContainsAny(part, "{}?") {
			return segment{}, errors.New("write the route without a slash at either end, without empty segments, and with each parameter alone in its segment")
		}
		return segment{literal: part}, nil
	}
	kind := parameter
	if name, ok := strings.CutPrefix(inner, "*"); ok {
		kind, inner = catchAll, name
	} else if name, ok := strings.CutSuffix(inner, "?"); ok {
		kind, inner = optionalParameter, name
	}
	if inner == "" || strings.ContainsAny(inner, "{}*?:=") {
		return segment{}, errors.New("write route parameters as {name}, {name?} or {*rest}: constraints and defaults are not modelled")
	}
	return segment{kind: kind}, nil
}

// matches follows RoutePatternMatcher: letter case is ignored, one slash at
// the end too, and an empty segment fits a catch-all only.
func (t template) matches(path string) bool {
	tokens := tokenize(path)
	for i, token := range tokens {
		switch {
		case token == "" || i >= len(t):
			return false
		case t[i].kind == catchAll:
			return true
		case t[i].kind == literalSegment && !equalASCIIFold(t[i].literal, token):
			return false
		}
	}
	return !slices.ContainsFunc(t[len(tokens):], segment.isRequired)
}

func (s segment) isRequired() bool { return s.kind == literalSegment || s.kind == parameter }

func tokenize(path string) []string {
	path = strings.TrimSuffix(strings.TrimPrefix(path, "/"), "/")
	if path == "" {
		return nil
	}
	return strings.Split(path, "/")
}

// equalASCIIFold ignores the case of ASCII letters only. strings.EqualFold
// would take the Kelvin sign for a k, which .NET's OrdinalIgnoreCase does not.
func equalASCIIFold(a, b string) bool {
	return len(a) == len(b) && lowerASCII(a) == lowerASCII(b)
}

func lowerASCII(s string) string {
	lower := []byte(s)
	for i, c := range lower {
		if 'A' <= c && c <= 'Z' {
			lower[i] = c + 'a' - 'A'
		}
	}
	return string(lower)
}
