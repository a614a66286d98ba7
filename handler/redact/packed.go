package redact

import "slices"

// shortestPacked is the length from which a run of characters is taken for base64
// or hexadecimal digits with more in it than a secret. One that holds a secret as
// it is, is found by patterns.
const shortestPacked = 12

// shiftedBytes is how much of a run is read with its groups shifted: what stands
// before the first of them, such as the rest of a path, is short.
const shiftedBytes = 16 << 10

// alphabet is a way to write bytes in characters.
type alphabet struct {
	value [256]uint8 // of each character, none for those that do not belong
	bits  int        // that a character holds
	group int        // characters until a character begins with a byte again
}

const none = 0xff

// base64Both reads the standard and the URL alphabet.
var (
	base64Both = newAlphabet(6, 4, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/", "-_")
	hexBoth    = newAlphabet(4, 2, "0123456789abcdef", "ABCDEF")
)

// newAlphabet takes the characters by their values, and others for the last ones.
func newAlphabet(bits, group int, characters, others string) *alphabet {
	a := &alphabet{bits: bits, group: group}
	for c := range a.value {
		a.value[c] = none
	}
	for i := range len(characters) {
		a.value[characters[i]] = uint8(i)
	}
	for i := range len(others) {
		a.value[others[i]] = uint8(len(characters) - len(others) + i)
	}
	return a
}

func (a *alphabet) has(c byte) bool { return a.value[c] != none }

// next returns the next run of the alphabet's characters, at or after i, that is
// long enough. At the end of data that was cut off, any is.
func (a *alphabet) next(data []byte, i int, cut bool) (run span, ok bool) {
	for i < len(data) {
		last := i + shortestPacked - 1
		if last >= len(data) {
			if !cut {
				break
			}
			last = len(data) - 1
		}
		before := last
		for before >= i && a.has(data[before]) {
			before--
		}
		if before >= i {
			i = before + 1
			continue
		}
		for last++; last < len(data) && a.has(data[last]); last++ {
		}
		return span{i, last}, true
	}
	return span{}, false
}

// isIdentifier reports whether a run of base64 has only hexadecimal digits and
// hyphens, as hashes and UUIDs have: of text in base64, none that is so long does.
func isIdentifier(run []byte) bool {
	for _, c := range run {
		if c != '-' && !hexBoth.has(c) {
			return false
		}
	}
	return len(run) >= 2*shortestPacked
}

// unpack appends the bytes that characters hold, those that are whole.
func (a *alphabet) unpack(out, characters []byte) []byte {
	out = slices.Grow(out, len(characters))
	if a.bits == 6 { // most of what is ever read
		for ; len(characters) >= 4; characters = characters[4:] {
			v := uint(a.value[characters[0]])<<18 | uint(a.value[characters[1]])<<12 | uint(a.value[characters[2]])<<6 | uint(a.value[characters[3]])
			out = append(out, byte(v>>16), byte(v>>8), byte(v))
		}
	}
	var held uint
	n := 0
	for _, c := range characters {
		held = held<<a.bits | uint(a.value[c])
		if n += a.bits; n >= 8 {
			n -= 8
			out = append(out, byte(held>>n))
		}
	}
	return out
}

// source returns where in the characters the bytes of a span are.
func (a *alphabet) source(s span) span {
	return span{s.start * 8 / a.bits, (s.end*8 + a.bits - 1) / a.bits}
}
