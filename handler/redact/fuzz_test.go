package redact

import (
	"encoding/base64"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"callout/handler/secret"
)

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
		// The mask has brackets: beside them a text could become the secret.
		if len(value) < minimum || len(value) > 200 || !utf8.ValidString(value) || strings.ContainsAny(value, "[]") {
			t.Skip("too short, too long, not text, or with a bracket of the mask")
		}
		r := of(value)
		for _, e := range encoders {
			form := e.encode(value)
			text := before + form + after
			if !slices.Contains(forms(value), form) {
				if peel([]byte(value), nil) != nil {
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
