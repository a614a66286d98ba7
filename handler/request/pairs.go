package request

import "net/url"

// pair is name=value of a query or a form.
type pair struct {
	name   string // as it is sent, with the equals sign
	values []text // as they are sent; a form's template may have several
}

// pairWriter writes pairs behind one another.
type pairWriter struct {
	out  []byte
	next string // what goes before the next pair
}

// write begins a pair.
func (w *pairWriter) write(start string) {
	w.out = append(append(w.out, w.next...), start...)
	w.next = "&"
}

// text writes a pair whose value is filled in. A value that is one argument is
// written as argument does it.
func (w *pairWriter) text(name string, t text, v *values) {
	if field := t.field(); field != "" {
		w.argument(name, field, v)
		return
	}
	w.write(name)
	w.out = t.fill(w.out, v, appendQueryEscaped)
}

// argument writes nothing for a field that is absent, and a pair for each element
// of an array, until there is too much.
func (w *pairWriter) argument(name, field string, v *values) {
	argument := v.of(field)
	if argument == nil || v.isFull(w.out) {
		return
	}
	for _, s := range texts(argument) {
		if v.isFull(w.out) {
			return
		}
		w.write(name)
		w.out = appendQueryEscaped(w.out, s)
	}
}

func appendQueryEscaped(out []byte, s string) []byte { return append(out, url.QueryEscape(s)...) }

func pairName(name string) string { return url.QueryEscape(name) + "=" }
