package route

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// kind says what a segment of a route matches.
type kind int

const (
	fixed     kind = iota // its own text
	parameter             // one segment, {name}
	rest                  // whatever is left, be it nothing, {*name}
)

// segment is what stands between two slashes of a route.
type segment struct {
	kind kind
	text string // the fixed text, or the parameter's name
}

var (
	fixedPattern     = regexp.MustCompile(`^[A-Za-z0-9_-][A-Za-z0-9._-]*$`)
	parameterPattern = regexp.MustCompile(`^\{(\*?)([A-Za-z_][A-Za-z0-9_]*)\}$`)
)

// parseRoute reads the part of ASP.NET's route templates that http.ServeMux
// has too. Constraints, defaults, optional parameters and text beside a
// parameter are refused: the two would differ about them.
func parseRoute(route string) ([]segment, error) {
	var segments []segment
	for text := range strings.SplitSeq(route, "/") {
		s, err := parseSegment(text)
		if err != nil {
			return nil, fmt.Errorf("route %q: %w", route, err)
		}
		segments = append(segments, s)
	}
	if err := checkShape(segments); err != nil {
		return nil, fmt.Errorf("route %q: %w", route, err)
	}
	return segments, nil
}

func parseSegment(text string) (segment, error) {
	if fixedPattern.MatchString(text) {
		return segment{fixed, text}, nil
	}
	match := parameterPattern.FindStringSubmatch(text)
	if match == nil {
		return segment{}, errors.New("a segment must be fixed text of letters, digits, _, - and dots, or be {name}, or {*name} at the end; no slash stands at either end, and none is doubled")
	}
	if match[1] == "*" {
		return segment{rest, match[2]}, nil
	}
	return segment{parameter, match[2]}, nil
}

func checkShape(segments []segment) error {
	if segments[0].kind != fixed {
		return errors.New("the first segment must be fixed text, so that no route takes paths that are another's")
	}
	if first := strings.ToLower(segments[0].text); strings.HasPrefix(first, "admin") || strings.HasPrefix(first, "runtime") {
		return errors.New("the host keeps all routes that start with \"admin\" or \"runtime\" for itself; choose another")
	}
	for i, s := range segments {
		if s.kind == rest && i < len(segments)-1 {
			return errors.New("{*name} takes all that is left, so it must be the last segment")
		}
		if slices.ContainsFunc(segments[:i], s.sharesName) {
			return errors.New("two parameters have one name; the host ignores its letter case")
		}
	}
	return nil
}

// sharesName reports whether both are parameters that the host cannot tell
// apart.
func (s segment) sharesName(other segment) bool {
	return s.kind != fixed && other.kind != fixed && strings.EqualFold(s.text, other.text)
}

// meet reports whether some path matches both routes in the host's eyes.
func meet(a, b []segment) bool {
	if beginsWithRest(a) || beginsWithRest(b) {
		return true
	}
	if len(a) == 0 || len(b) == 0 {
		return len(a) == len(b)
	}
	bothFixed := a[0].kind == fixed && b[0].kind == fixed
	if bothFixed && !strings.EqualFold(a[0].text, b[0].text) {
		return false
	}
	return meet(a[1:], b[1:])
}

func beginsWithRest(segments []segment) bool {
	return len(segments) > 0 && segments[0].kind == rest
}

// patterns returns what http.ServeMux calls the route. A route with a rest
// needs a second pattern for the path that ends before it: the host matches
// that one too, and ServeMux would answer it with a redirect.
func patterns(segments []segment) []string {
	pattern := "/" + prefix
	for _, s := range segments {
		switch s.kind {
		case fixed:
			pattern += "/" + s.text
		case parameter:
			pattern += "/{" + s.text + "}"
		case rest:
			return []string{pattern, pattern + "/{" + s.text + "...}"}
		}
	}
	return []string{pattern}
}
