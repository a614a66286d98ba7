package redact

import (
	"bytes"
	"slices"
	"strings"
	"testing"
)

// A pattern that repeats itself is found at each repetition, and what was learnt
// at one is right at the next.
func TestPatternsThatRepeatThemselves(t *testing.T) {
	unit := strings.Repeat("ab", 50)
	tests := []struct {
		name, pattern, data string
		want                []span
	}{
		{"once", unit, "-" + unit + "-", []span{{1, 101}}},
		{"overlapping", unit, unit + "ab", []span{{0, 102}}},
		{"all but the last byte", unit, unit[:99], nil},
		{"broken off, and again", unit, unit[:99] + unit, []span{{99, 199}}},
		{"broken off, and again within", unit, unit[:98] + "x" + unit[:98] + "x" + unit, []span{{198, 298}}},
		{"apart", unit, unit + "-" + unit, []span{{0, 100}, {101, 201}}},
		{"an end that is a beginning", unit + "c" + unit, unit + "c" + unit + "c" + unit, []span{{0, 302}}},
		{"an end that is no beginning", unit + "c" + unit, unit + "c" + unit + "d" + unit, []span{{0, 201}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var p patterns
			p.add([]byte(tt.pattern))
			if got := p.scan([]byte(tt.data)); !slices.Equal(got, tt.want) {
				t.Errorf("got %v, want %v", got, tt.want)
			}
		})
	}
}

func TestAgreement(t *testing.T) {
	pattern := []byte("aabaabaaab")
	for i, got := range agreement(pattern) {
		want := 0
		for i+want < len(pattern) && pattern[i+want] == pattern[want] {
			want++
		}
		if int(got) != want {
			t.Errorf("from %d on it agrees for %d bytes, want %d", i, got, want)
		}
	}
}

// What was added twice is there once.
func TestAdd(t *testing.T) {
	var p patterns
	for _, text := range []string{"abcdefgh", "abcdefgh", "abcdefghi", "short", ""} {
		p.add([]byte(text))
	}
	if len(p.list) != 2 || p.longest != 9 || !bytes.Equal(p.text(2), []byte("abcdefghi")) {
		t.Errorf("there are %d patterns, the longest has %d bytes", len(p.list), p.longest)
	}
}
