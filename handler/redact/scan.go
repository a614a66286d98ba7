package redact

import (
	"bytes"
	"encoding/binary"
)

const (
	window = minimum // every pattern is at least as long
	block  = 4
	bits   = 14
	// headBits are those of the table of heads, which has few entries.
	headBits = 10
	// longPattern is the length from which comparing is worth remembering.
	longPattern = 64
)

// patterns finds any number of byte strings in one pass, after Wu and Manber (A
// Fast Algorithm for Multi-Pattern Searching, 1994): the last block of a window
// tells how far the window can move on without missing a beginning, which in
// most texts is a whole window.
type patterns struct {
	// near holds by hash where in the first window of any pattern a block is:
	// 0 for nowhere, else one more than the last such place.
	near [1 << bits]uint8
	// heads holds by hash of its first block one more than the number of a
	// pattern, 0 for none. The others of the same hash follow by next.
	heads   [1 << headBits]int32
	list    []pattern
	texts   []byte // of all patterns
	longest int
}

type pattern struct {
	span       // in texts
	next int32 // as in heads
}

func (p *patterns) text(number int32) []byte {
	at := p.list[number-1].span
	return p.texts[at.start:at.end]
}

func blockAt(data []byte, i int) uint32 { return binary.LittleEndian.Uint32(data[i:]) }

func hash(block uint32) uint32 { return block * 0x9E3779B1 >> (32 - bits) }

func headOf(data []byte) uint32 { return hash(blockAt(data, 0)) >> (bits - headBits) }

// add takes over a pattern, unless it is shorter than a window or there already.
func (p *patterns) add(text []byte) {
	if len(text) < window {
		return
	}
	head := &p.heads[headOf(text)]
	for at := *head; at > 0; at = p.list[at-1].next {
		if bytes.Equal(p.text(at), text) {
			return
		}
	}
	p.texts = append(p.texts, text...)
	p.list = append(p.list, pattern{span{len(p.texts) - len(text), len(p.texts)}, *head})
	*head = int32(len(p.list))
	p.longest = max(p.longest, len(text))
	for i := range window - block + 1 {
		h := hash(blockAt(text, i))
		p.near[h] = max(p.near[h], uint8(i+1))
	}
}

// scan returns where patterns are, in order. Those that touch or overlap are one
// span.
func (p *patterns) scan(data []byte) []span {
	var out []span
	var boxes boxes
	for i := 0; i+window <= len(data); {
		if step := window - block + 1 - int(p.near[hash(blockAt(data, i+window-block))]); step > 0 {
			i += step
			continue
		}
		for at := p.heads[headOf(data[i:])]; at > 0; at = p.list[at-1].next {
			if text := p.text(at); adds(out, span{i, i + len(text)}) && boxes.match(at, text, data, i) {
				out = join(out, span{i, i + len(text)})
			}
		}
		i++
	}
	return out
}

// adds reports whether the spans, of which s begins last, do not cover s yet.
func adds(spans []span, s span) bool { return len(spans) == 0 || spans[len(spans)-1].end < s.end }

// join adds a span that begins where the last one does, or behind that.
func join(spans []span, s span) []span {
	if n := len(spans); n > 0 && s.start <= spans[n-1].end {
		spans[n-1].end = max(spans[n-1].end, s.end)
		return spans
	}
	return append(spans, s)
}

// boxes remember, by the numbers of long patterns, how far each was found to
// agree with the data. Without them, a pattern that repeats itself would be
// compared with the same bytes again at each repetition.
type boxes map[int32]*box

// box is a place where data agrees with a pattern. As in the Z algorithm
// (Gusfield, Algorithms on Strings, Trees, and Sequences, section 1.4), no byte
// of it is looked at again.
type box struct {
	start, end int
	agrees     []int32 // for each place of the pattern, how far the rest agrees with the pattern itself
}

// match reports whether a pattern is at i, which never goes back.
func (b *boxes) match(number int32, pattern, data []byte, i int) bool {
	if len(pattern) < longPattern || len(data)-i < len(pattern) || !bytes.HasPrefix(data[i:], pattern[:longPattern]) {
		return bytes.HasPrefix(data[i:], pattern)
	}
	if *b == nil {
		*b = boxes{}
	}
	if (*b)[number] == nil {
		(*b)[number] = &box{agrees: agreement(pattern)}
	}
	return (*b)[number].match(pattern, data, i)
}

func (b *box) match(pattern, data []byte, i int) bool {
	known := 0
	if i < b.end {
		if known = int(b.agrees[i-b.start]); known < b.end-i {
			return false
		}
		known = b.end - i
	}
	rest := data[i:min(len(data), i+len(pattern))]
	b.start, b.end = i, i+known+common(rest[known:], pattern[known:])
	return b.end-i == len(pattern)
}

// common returns how many bytes a and b begin with together.
func common(a, b []byte) int {
	n := 0
	for n < len(a) && n < len(b) && a[n] == b[n] {
		n++
	}
	return n
}

func agreement(pattern []byte) []int32 {
	out := make([]int32, len(pattern))
	out[0] = int32(len(pattern))
	for i, start, end := 1, 0, 0; i < len(pattern); i++ {
		n := 0
		if i < end {
			n = min(int(out[i-start]), end-i)
		}
		n += common(pattern[i+n:], pattern[n:])
		if out[i] = int32(n); i+n > end {
			start, end = i, i+n
		}
	}
	return out
}

// tail returns the place from which data may be the beginning of a pattern that
// goes on behind its end, its length if there is none.
func (p *patterns) tail(data []byte) int {
	for i := max(0, len(data)-p.longest+1); i < len(data); i++ {
		if p.goesOn(data[i:]) {
			return i
		}
	}
	return len(data)
}

// goesOn reports whether a pattern begins with all of rest, and is longer.
func (p *patterns) goesOn(rest []byte) bool {
	begins := func(number int32) bool {
		text := p.text(number)
		return len(text) > len(rest) && bytes.HasPrefix(text, rest)
	}
	if len(rest) < block {
		for i := range p.list {
			if begins(int32(i + 1)) {
				return true
			}
		}
		return false
	}
	for at := p.heads[headOf(rest)]; at > 0; at = p.list[at-1].next {
		if begins(at) {
			return true
		}
	}
	return false
}
