package idempotency_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"

	"callout/handler/callout"
	"callout/handler/idempotency"
)

// A key is refused for its form, with an error that does not quote it, or it is
// remembered.
func FuzzKey(f *testing.F) {
	h := embedded(f)
	at := h.instance()
	for _, seed := range []string{"", "key", "'/\\#?\"", "a b", "\x00", "\x7f", "ü", strings.Repeat("k", 256)} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, key string) {
		first, err := at.Claim(t.Context(), "config", key, digest(t, 1), h.newID())
		allowed := len(key) >= 1 && len(key) <= 255 && !strings.ContainsFunc(key, func(r rune) bool { return r < '!' || r > '~' })
		if (err == nil) != allowed {
			t.Fatalf("%q: %v", key, err)
		}
		if err != nil {
			var refusal *callout.Error
			if !errors.As(err, &refusal) || refusal.Code != callout.InvalidRequest || len(key) > 40 && strings.Contains(err.Error(), key) {
				t.Errorf("%q: %v", key, err)
			}
			return
		}
		if again, err := at.Claim(t.Context(), "config", key, digest(t, 1), h.newID()); err != nil || again != first {
			t.Errorf("%q was given %s, and then %s, %v", key, first, again, err)
		}
	})
}

// The digest does not change when JSON is written in another way, and is that of
// no other JSON.
func FuzzDigest(f *testing.F) {
	for _, seed := range []string{`{}`, `{"a": 1}`, `{"b": [1, {"x": null}], "a": "é<>&\u2028"}`, `{"a": 1e400, "": null}`} {
		f.Add([]byte(seed), []byte(`{"a": 1}`))
	}
	f.Fuzz(func(t *testing.T, a, b []byte) {
		first, second := arguments(a), arguments(b)
		if first == nil || second == nil {
			return
		}
		text, err := json.MarshalIndent(first, "", "\t")
		if err != nil {
			t.Fatal(err)
		}
		of, err1 := idempotency.DigestOf(first)
		again, err2 := idempotency.DigestOf(arguments(text))
		if err1 != nil || err2 != nil || of != again {
			t.Errorf("%s: %x, %v, and %x, %v", a, of, err1, again, err2)
		}
		other, err := idempotency.DigestOf(second)
		if err != nil || (of == other) != bytes.Equal(canonical(first), canonical(second)) {
			t.Errorf("%s and %s are the same: %t, %v", a, b, of == other, err)
		}
	})
}

// arguments reads an object, or gives nil.
func arguments(data []byte) map[string]any {
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.UseNumber()
	var out map[string]any
	if decoder.Decode(&out) != nil {
		return nil
	}
	return out
}

// canonical writes arguments without those that are null.
func canonical(of map[string]any) []byte {
	var out bytes.Buffer
	for _, name := range slices.Sorted(maps.Keys(of)) {
		if of[name] != nil {
			text, _ := json.Marshal([]any{name, of[name]})
			out.Write(text)
		}
	}
	return out.Bytes()
}
