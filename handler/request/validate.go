package request

import (
	"cmp"
	"maps"
	"slices"

	"callout/handler/callout"
)

// Validate returns every fault of the arguments, at arguments.<name>: what the
// schema refuses, and what could not stand where it goes. When there is no such
// fault, it returns what makes the URL longer than 16 KiB, the value of a header
// longer than callout.MaxSecret or the body longer than 1 MiB, at arguments where
// several fields share in that. Null for a field counts as absent.
func (t *Template) Validate(args Arguments) []callout.Fault {
	present := t.present(args)
	faults := t.schema.Validate(present, "arguments")
	for i := range t.config.Fields {
		name := t.config.Fields[i].Name
		if problem := t.places[name].refuse(present[name]); problem != "" {
			faults = append(faults, callout.Fault{Code: callout.InvalidValue, Target: "arguments." + name, Message: problem})
		}
	}
	if !slices.ContainsFunc(faults, func(f callout.Fault) bool { return f.Code != callout.MissingValue }) {
		faults = append(faults, t.tooLong(present)...)
	}
	slices.SortStableFunc(faults, func(a, b callout.Fault) int { return cmp.Compare(a.Target, b.Target) })
	return faults
}

// present leaves out the fields that are null. Any other name stays, to be found
// unknown.
func (t *Template) present(args Arguments) map[string]any {
	out := make(map[string]any, len(args))
	maps.Copy(out, args)
	for i := range t.config.Fields {
		if name := t.config.Fields[i].Name; out[name] == nil {
			delete(out, name)
		}
	}
	return out
}
