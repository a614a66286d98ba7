package redact

import (
	"bytes"
	"encoding/binary"
)

const (
	window = minimum // every pattern is at least as long
	block  = 4
	bits   = 14
)

// patterns finds any number of byte strings in one pass, after Wu and Manber (A
// Fast Algorithm for Multi-Pattern Searching, 1994): the last block of a window
// tells how far the window can move on without missing a beginning, which in
// most texts is a whole window.
type patterns struct {
	// near holds by hash where in the first window of any pattern a block is:
	// 0 for nowhere, else one more than the last such place.
	near   [1 << bits]uint8
	byHead map[uint32][][]byte
}

func blockAt(data []byte, i int) uint32 { return binary.LittleEndian.Uint32(data[i:]) }

func hash(block uint32) uint32 { return block * 0x9E3779B1 >> (32 - bits) }

func (p *patterns) add(pattern []byte) {
	for i := range window - block + 1 {
		h := hash(blockAt(pattern, i))
		p.near[h] = max(p.near[h], uint8(i+1))
	}
	head := blockAt(pattern, 0)
	p.byHead[head] = append(p.byHead[head], pattern)
}

// scan returns every place where a pattern is, in the order of their starts. Of
// several that begin at one place it gives the longest.
func (p *patterns) scan(data []byte) []span {
	var out []span
	for i := 0; i+window <= len(data); {
		if step := window - block + 1 - int(p.near[hash(blockAt(data, i+window-block))]); step > 0 {
			i += step
			continue
		}
		if n := longest(p.byHead[blockAt(data, i)], data[i:]); n > 0 {
			out = append(out, span{i, i + n})
		}
		i++
	}
	return out
}

func longest(candidates [][]byte, data []byte) int {
	n := 0
	for _, c := range candidates {
		if len(c) > n && bytes.HasPrefix(data, c) {
			n = len(c)
		}
	}
	return n
}
