package redact

// maxLayers is how many layers of escapes are undone: JSON in JSON that is then
// percent-encoded has three, and a secret may look as if it held some more. What
// was in base64 or hexadecimal digits has one of them less.
const maxLayers = 6

// maxUnpacked is how many layers of base64 and hexadecimal digits are undone.
const maxUnpacked = 2

// layer says how a text came to be.
type layer struct {
	depth int
	// unpacked is how often base64 or hexadecimal digits were among the encodings.
	unpacked int
	// cut: the end was cut off.
	cut bool
}

// found is where secrets are in a text.
type found struct {
	spans []span // a union
	// tail is where the beginning of a secret may begin that goes on behind the end
	// of the text, the length of the text if there is none.
	tail int
}

// search looks for secrets in one text.
type search struct {
	*patterns
	undoer unescaper
	// unpacked is where base64 and hexadecimal digits are read to, one text at a
	// time in each layer of them.
	unpacked [maxUnpacked][]byte
}

// find returns where the secrets are in data: as they stand there, and as they
// show when up to maxLayers layers of encodings are undone.
func (s *search) find(data []byte, l layer) found {
	out := found{spans: s.scan(data), tail: len(data)}
	if l.cut {
		out.tail = s.tail(data)
	}
	own := len(out.spans)
	if !s.findPeeled(&out, data, l) && l.unpacked < maxUnpacked {
		// Runs hold no escapes, so that those in the last layer are all there are.
		s.findUnpacked(&out, base64Both, data, l)
		s.findUnpacked(&out, hexBoth, data, l)
	}
	if len(out.spans) > own {
		out.spans = union(out.spans)
	}
	return out
}

// findPeeled adds what shows when a layer of escapes is undone, and reports
// whether there was one.
func (s *search) findPeeled(out *found, data []byte, l layer) bool {
	if l.depth == maxLayers {
		return false
	}
	plain := s.undoer.peel(data, l.cut, nil)
	if plain == nil {
		return false
	}
	inner := s.find(plain, layer{l.depth + 1, l.unpacked, l.cut})
	if l.cut { // half an escape at the end is tail as well
		tail := s.undoer.sources(data, l.cut, []span{{inner.tail, len(plain)}})[0]
		out.tail = min(out.tail, tail.start, tail.end)
	}
	if len(inner.spans) > 0 {
		out.spans = append(out.spans, s.undoer.sources(data, l.cut, inner.spans)...)
	}
	return true
}

// findUnpacked adds what shows when the runs of an alphabet are read.
func (s *search) findUnpacked(out *found, a *alphabet, data []byte, l layer) {
	for run, ok := a.next(data, 0, l.cut); ok; run, ok = a.next(data, run.end, l.cut) {
		if a == base64Both && isIdentifier(data[run.start:run.end]) {
			continue
		}
		for shift := range a.group {
			part := span{run.start + shift, run.end}
			if shift > 0 {
				part.end = min(part.end, part.start+shiftedBytes)
			}
			s.findIn(out, a, data, part, l)
		}
	}
}

// findIn adds what shows when a part of data is read as an alphabet's.
func (s *search) findIn(out *found, a *alphabet, data []byte, part span, l layer) {
	if part.start >= part.end {
		return
	}
	plain := a.unpack(s.unpacked[l.unpacked][:0], data[part.start:part.end])
	s.unpacked[l.unpacked] = plain
	inner := s.find(plain, layer{1, l.unpacked + 1, l.cut && part.end == len(data)})
	for _, in := range inner.spans {
		in = a.source(in)
		out.spans = append(out.spans, span{part.start + in.start, min(part.start+in.end, part.end)})
	}
	if inner.tail < len(plain) {
		out.tail = min(out.tail, part.start+a.source(span{start: inner.tail}).start)
	}
}
