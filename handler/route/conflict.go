package route

import (
	"errors"
	"fmt"
	"slices"
)

// checkAll returns all that is wrong with the functions, one by one and
// between each other.
func checkAll(functions []Function) error {
	var faults []error
	for i, f := range functions {
		if err := f.check(); err != nil {
			faults = append(faults, err)
			continue
		}
		for _, other := range functions[:i] {
			faults = append(faults, f.conflict(other))
		}
	}
	return errors.Join(faults...)
}

// conflict says why a request could mean both functions. The host tries routes
// in the order in which it registered them, not the most specific one first,
// so routes that overlap are refused even where http.ServeMux could choose.
func (f Function) conflict(other Function) error {
	if f.Name == other.Name {
		return fmt.Errorf("functions %s and %s: one name names one function; rename one", other.Name, f.Name)
	}
	if f.Timer != "" || other.Timer != "" {
		return nil
	}
	if f.Route != other.Route {
		return f.overlap(other)
	}
	shared := slices.ContainsFunc(f.Methods, func(m string) bool { return slices.Contains(other.Methods, m) })
	if shared {
		return fmt.Errorf("functions %s and %s: both have route %q and share a method; give it to one of them", other.Name, f.Name, f.Route)
	}
	return nil
}

// overlap compares routes that are written differently. A route that check
// refused has no segments, so it meets none.
func (f Function) overlap(other Function) error {
	mine, _ := parseRoute(f.Route)
	theirs, _ := parseRoute(other.Route)
	if !meet(mine, theirs) {
		return nil
	}
	return fmt.Errorf("functions %s and %s: one path can match both %q and %q, letter case aside; change one, or write both the same", other.Name, f.Name, other.Route, f.Route)
}
