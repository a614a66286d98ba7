package redact

// escape is what became of one escape: its place before, and where that is in
// the text without escapes.
type escape struct{ before, plain span }

// peel returns data with one layer of the escapes of JSON, HTML and URLs undone,
// and of the lines of base64, or nil when there are none. Encoders differ in what
// they escape and how (\/ or \u002F, %2f or %2F, &#39; or &apos;), so undoing it
// finds what no list of spellings would. Of data that was cut off, the escape that
// was cut in the middle is left out.
//
// note is told of every escape; it may be nil.
func (u *unescaper) peel(data []byte, cut bool, note func(escape)) []byte {
	i := u.first(data, cut)
	if i == len(data) {
		return nil
	}
	out := append(make([]byte, 0, len(data)), data[:i]...) // no escape is shorter than what it stands for
	for i < len(data) {
		if !mayEscape(data, i) {
			out = append(out, data[i])
			i++
			continue
		}
		plain, n := u.undo(out, data, i, cut)
		if n == 0 {
			out = append(out, data[i])
			i++
			continue
		}
		if note != nil {
			note(escape{before: span{i, i + n}, plain: span{len(out), len(plain)}})
		}
		out = plain
		i += n
	}
	return out
}

// first returns the place of the first escape, the length of data if there is
// none.
func (u *unescaper) first(data []byte, cut bool) int {
	var scratch [longestEscape]byte
	for i := range data {
		if mayEscape(data, i) {
			if _, n := u.undo(scratch[:0], data, i, cut); n > 0 {
				return i
			}
		}
	}
	return len(data)
}

// sources returns the places in data that became the spans of peel(data, cut,
// nil). The spans are a union. An escape of which a span has a part counts as a
// whole.
func (u *unescaper) sources(data []byte, cut bool, spans []span) []span {
	out := append([]span(nil), spans...)
	starts, ends, shift := out, out, 0
	u.peel(data, cut, func(e escape) {
		for len(starts) > 0 && starts[0].start < e.plain.end {
			if starts[0].start += shift; starts[0].start > e.before.start {
				starts[0].start = e.before.start
			}
			starts = starts[1:]
		}
		for len(ends) > 0 && ends[0].end <= e.plain.end {
			if ends[0].end += shift; ends[0].end > e.before.start {
				ends[0].end = e.before.end
			}
			ends = ends[1:]
		}
		shift = e.before.end - e.plain.end
	})
	for i := range starts {
		starts[i].start += shift
	}
	for i := range ends {
		ends[i].end += shift
	}
	return out
}
