package request

import (
	"errors"
	"fmt"
	"slices"

	"callout/handler/callout"
)

// Limits of a request that is filled in, in bytes. A header's value is limited as
// a configured one is, by callout.MaxSecret.
const (
	maxURL  = 16 << 10
	maxBody = 1 << 20
)

// errTooLong says nothing of what is too long, which may be a secret. Validate has
// refused the arguments that alone are; secret values may still add to them.
var errTooLong = errors.New("request: filled in, the URL, a header or the body is longer than it may be")

// tooLong finds the parts of the request that the arguments make too long. Of a
// secret text it sees the arguments only. It costs no more than a request that is
// not too long.
func (t *Template) tooLong(args Arguments) []callout.Fault {
	var out []callout.Fault
	v := &values{given: args, defaults: t.defaults}
	check := func(length, most int, what string, fields []string) {
		if length > most {
			out = append(out, callout.Fault{Code: callout.TooLong, Target: blame(args, fields), Message: fmt.Sprintf(
				"With these arguments, the %s would be longer than %d bytes. Shorten the longest of them, or split the work into several calls.", what, most)})
		}
	}
	check(t.urlLength(v.limited(maxURL)), maxURL, "URL", t.fieldsIn(inPath|inQuery))
	v.limited(callout.MaxSecret)
	for i := range t.headers {
		if h := &t.headers[i]; !h.lacks(v) {
			check(h.length(v), callout.MaxSecret, "value of a header", h.fields)
		}
	}
	if t.body != nil {
		check(len(t.fillBody(v)), maxBody, "body of the request", t.fieldsIn(inBody))
	}
	return out
}

// urlLength is that of the URL; of one that is a secret, that of the arguments in
// it.
func (t *Template) urlLength(v *values) int {
	w := &pairWriter{next: "?"}
	if t.endpoint != nil {
		w = t.endpoint.fill(v)
	}
	for _, name := range t.inSecretURL {
		w.argument("", name, v)
	}
	t.appendQuery(w, v)
	return len(w.out)
}

// length is that of the value; of a secret one, that of the arguments in it.
func (h *header) length(v *values) int {
	out := h.value.fill(nil, v, asItIs)
	if h.value == nil {
		for _, name := range h.fields {
			out = append(out, plain(v.of(name))...)
		}
	}
	return len(out)
}

// fieldsIn lists the fields that go into one of the places.
func (t *Template) fieldsIn(where places) []string {
	var out []string
	for i := range t.config.Fields {
		if name := t.config.Fields[i].Name; t.places[name]&where != 0 {
			out = append(out, name)
		}
	}
	return out
}

// blame says where a fault is that one of the fields has, or several together.
func blame(args Arguments, fields []string) string {
	given := slices.DeleteFunc(slices.Clone(fields), func(name string) bool { return args[name] == nil })
	slices.Sort(given)
	if given = slices.Compact(given); len(given) != 1 {
		return "arguments"
	}
	return "arguments." + given[0]
}
