package redact

import (
	"bytes"
	"encoding/base64"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"callout/handler/secret"
)

// plantable skips what cannot be told from the text around it: the mask and the
// parentheses in which secrets are planted have characters of their own.
func plantable(t *testing.T, value string) {
	t.Helper()
	if len(value) < minimum || len(value) > 200 || !utf8.ValidString(value) || strings.ContainsAny(value, "[]()") {
		t.Skip("too short, too long, not text, or with a bracket")
	}
}

// FuzzBytes plants a secret in a text, in each of the encodings, and looks for
// it in what comes out.
func FuzzBytes(f *testing.F) {
	f.Add(awkward, "{\"a\": \"", "\"}")
	f.Add("8letters", "", "")
	f.Add(`a\u0041b%41c&#65;d`, `\`, `u0041`)
	f.Add("aaaaaaaa", "aaaa", "aaaa")
	f.Add("%%%%25&&&&\\\\", "%", "25")
	f.Add(" spaces at the ends ", "&", ";")
	f.Add("κλειδί-🔑", "\xff", "\x80")
	f.Fuzz(func(t *testing.T, value, before, after string) {
		plantable(t, value)
		r := of(value)
		for _, e := range encoders {
			form := e.encode(value)
			text := before + form + after
			if !slices.Contains(listed(value), form) {
				if holdsEscapes(value) {
					continue // a secret that holds escapes, in an encoding that is not listed
				}
				text = "(" + form + ")" // else the text around it could join an escape
			}
			if got := r.String(text); strings.Contains(got, form) {
				t.Errorf("%s: %q is still in %q", e.name, form, got)
			}
		}
		got := r.String(before + value + after)
		if strings.Contains(got, value) || !strings.Contains(got, secret.Mask) {
			t.Errorf("%q is still in %q", value, got)
		}
		got = r.String(base64.StdEncoding.EncodeToString([]byte(before + value + after)))
		if !strings.Contains(got, secret.Mask) {
			t.Errorf("%q was not found in base64 between %q and %q", value, before, after)
		}
	})
}

func listed(value string) []string {
	var out []string
	forms(value, func(form []byte) { out = append(out, string(form)) })
	return out
}

func holdsEscapes(value string) bool { return (&unescaper{}).peel([]byte(value), false, nil) != nil }

// escapers are those encoders that make one layer of escapes, whatever they are
// given.
func escapers() []func(string) string {
	var out []func(string) string
	for _, e := range encoders {
		several := strings.Contains(e.name, "in JSON") || strings.HasPrefix(e.name, "query") // a plus may be a space
		if !several && !strings.HasPrefix(e.name, "hexadecimal") && !strings.HasPrefix(e.name, "base64") {
			out = append(out, e.encode)
		}
	}
	return out
}

// write encodes a value as choices say: layers of escapes, a document in base64
// or hexadecimal digits around it, and layers around that. frame is that document
// without the value and with some characters and a line break more, as much as may be left of it.
func write(value string, choices []byte) (text, frame string) {
	all := escapers()
	text = value
	for layers := 0; len(choices) > 0 && layers < maxLayers-1; choices = choices[1:] {
		n := int(choices[0]) % (len(all) + len(packings))
		switch {
		case n < len(all):
			text, frame = all[n](text), all[n](frame)
			layers++
		case frame == "" && !packings[n-len(all)].twice:
			p := packings[n-len(all)]
			text, frame = p.pack("k="+text+"&v=1"), p.pack("k=&v=12")+"0123456789==\r\n    "
			layers = p.layers
		}
	}
	return text, frame
}

// FuzzNested plants a secret in several encodings on top of each other between
// other texts. Parentheses keep these apart, so that the whole can be foretold.
func FuzzNested(f *testing.F) {
	f.Add(awkward, "before ", " after", []byte{1, 2, 3})
	f.Add("8letters", `\`, `u0041`, []byte{40, 5})
	f.Add(`8"tt/rs!`, "%252525252541", "&amp;amp;", []byte{5, 35, 9})
	f.Add("κλειδί-🔑", "QUJDREVGR0g", "\r\n", []byte{30})
	f.Fuzz(func(t *testing.T, value, before, after string, choices []byte) {
		plantable(t, value)
		if holdsEscapes(value) {
			t.Skip("what it holds is undone as well")
		}
		r := of(value)
		planted, frame := write(value, choices)
		got := r.String(before + "(" + planted + ")" + after)
		left, ok := strings.CutPrefix(got, r.String(before)+"(")
		left, ok2 := strings.CutSuffix(left, ")"+r.String(after))
		if !ok || !ok2 || !strings.Contains(left, secret.Mask) {
			t.Fatalf("%q between %q and %q became %q", planted, before, after, got)
		}
		if left = strings.ReplaceAll(left, secret.Mask, ""); len(left) > len(frame) {
			t.Errorf("of %q is left %q", planted, left)
		}
	})
}

// FuzzHead cuts off the end of a text with a secret. What is left of an encoded
// one is nothing, or the mask of as much of it as is a secret by itself.
func FuzzHead(f *testing.F) {
	f.Add(awkward, "before ", []byte{1, 2}, 20)
	f.Add("8letters", `\`, []byte{14, 14, 14}, 40)
	f.Add(" a key with spaces ", "", []byte{}, 12)
	f.Add("🔑🔑🔑", "", []byte{14}, 17)
	f.Fuzz(func(t *testing.T, value, before string, choices []byte, n int) {
		plantable(t, value)
		planted, frame := write(value, choices)
		if holdsEscapes(value) || frame != "" || n < 0 {
			t.Skip("what is left of a document cannot be foretold")
		}
		r := of(value)
		got := string(r.Head([]byte(before + "(" + planted[:min(n, len(planted))])))
		want := r.String(before) + "("
		if got != want && got != want+secret.Mask {
			t.Errorf("%q was cut at %d to %q, want %q", planted, n, got, want)
		}
	})
}

// FuzzUnchanged gives texts that nobody made with the secret in mind. They are not
// even copied.
func FuzzUnchanged(f *testing.F) {
	for _, body := range bodies() {
		f.Add([]byte(body.text))
	}
	f.Add(answer(1000))
	f.Add([]byte(lines(std(strings.Repeat("text ", 100)), 76, `\r\n`)))
	r := of("\x13\xfe\x9a"+awkward+"\xd1\x07", "Vq3/kT+9zR=mW8xL2pYc7")
	f.Fuzz(func(t *testing.T, data []byte) {
		if got := r.Bytes(data); len(got) != len(data) || len(got) > 0 && &got[0] != &data[0] {
			t.Errorf("%q became %q", data, got)
		}
		// Half an escape may be in as many layers as are undone.
		if got := r.Head(data); !bytes.HasPrefix(data, got) || len(got) < len(data)-longestEscape<<maxLayers {
			t.Errorf("of %q is left %q", data, got)
		}
	})
}

// FuzzScan compares the search with the one that looks for each pattern at each
// place. Patterns that repeat themselves are long.
func FuzzScan(f *testing.F) {
	f.Add([]byte("abcdefghabcdefgh"), []byte("abcdefgh"), []byte("efghabcd"), uint8(1))
	f.Add(repeated("ab", 400), []byte("ab"), []byte("aab"), uint8(60))
	f.Add(append(repeated("a", 150), append([]byte("b"), repeated("a", 150)...)...), []byte("a"), []byte("ab"), uint8(100))
	f.Fuzz(func(t *testing.T, data, first, second []byte, times uint8) {
		var p patterns
		var list [][]byte
		for _, text := range [][]byte{bytes.Repeat(first, int(times)+1), second} {
			if p.add(text); len(text) >= window {
				list = append(list, text)
			}
		}
		var want []span
		for i := range data {
			for _, text := range list {
				if bytes.HasPrefix(data[i:], text) {
					want = join(want, span{i, i + len(text)})
				}
			}
		}
		if got := p.scan(data); !slices.Equal(got, want) {
			t.Errorf("%q in %q: got %v, want %v", list, data, got, want)
		}
	})
}
