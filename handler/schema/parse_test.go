package schema_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"

	"callout/handler/callout"
	"callout/handler/schema"
)

func parse(t testing.TB, text string) any {
	t.Helper()
	v, err := schema.Parse([]byte(text))
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return v
}

func TestParse(t *testing.T) {
	for text, want := range map[string]any{
		`null`:                      nil,
		`true`:                      true,
		`"a\u00e9\n\/"`:             "aé\n/",
		`{}`:                        map[string]any{},
		`[]`:                        []any{},
		" \t\r\n{ } \n":             map[string]any{},
		`[1, "a", null]`:            []any{json.Number("1"), "a", nil},
		`{"a": {"a": [{"a": []}]}}`: map[string]any{"a": map[string]any{"a": []any{map[string]any{"a": []any{}}}}},
		`{"": 1, " ": 2}`:           map[string]any{"": json.Number("1"), " ": json.Number("2")},
		`{"a": 1, "A": 2}`:          map[string]any{"a": json.Number("1"), "A": json.Number("2")},
	} {
		if got := parse(t, text); !reflect.DeepEqual(got, want) {
			t.Errorf("%s became %#v, want %#v", text, got, want)
		}
	}
}

func TestParseKeepsEveryDigit(t *testing.T) {
	for _, number := range []string{
		"0", "-0", "0.0", "1e5", "1E+05", "1e-308", "1e308", "9007199254740993", "-12345678901234567890.1234567890",
		"0.1000", "3.141592653589793238462643383279", strings.Repeat("9", 256),
	} {
		if got := parse(t, "["+number+"]"); !reflect.DeepEqual(got, []any{json.Number(number)}) {
			t.Errorf("%s became %v", number, got)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	const (
		syntax   = "The body is not valid JSON: the fault is near byte %d. Correct the syntax there."
		number   = "A number has more than 256 characters or an exponent over 308, near byte %d. Send it as a string."
		twice    = "A member is given twice in one object, near byte %d. Remove one."
		encoding = "The body is not valid UTF-8. Encode it as UTF-8."
		more     = "Something follows the JSON document. Send one document only."
	)
	tests := []struct {
		name, text, message string
		offset              int
	}{
		{"nothing", ``, syntax, 0},
		{"only space", ` `, syntax, 0},
		{"a word", `canary`, syntax, 0},
		{"another literal", `NaN`, syntax, 0},
		{"single quotes", `{'a': 1}`, syntax, 1},
		{"no quotes", `{a: 1}`, syntax, 1},
		{"a comment", `{"a": 1 /* canary */}`, syntax, 8},
		{"a comma at the end of an object", `{"a": 1,}`, syntax, 8},
		{"a comma at the end of an array", `[1,]`, syntax, 3},
		{"no comma", `["a" "canary"]`, syntax, 5},
		{"no colon", `{"a" "canary"}`, syntax, 5},
		{"no value", `{"a":}`, syntax, 5},
		{"a number for a name", `{1: "canary"}`, syntax, 1},
		{"an object that is not closed", `{"a": "canary"`, syntax, 14},
		{"a text that is not closed", `["canary`, syntax, 1},
		{"closed by another bracket", `["canary"}`, syntax, 9},
		{"an escape that is none", `["canary\q"]`, syntax, 1},
		{"a control character in a text", "[\"canary\n\"]", syntax, 1},
		{"a number with a leading zero", `[01]`, syntax, 2},
		{"a byte order mark", "\ufeff{}", syntax, 0},

		{"invalid UTF-8 in a text", "[\"canary\xff\"]", encoding, 0},
		{"invalid UTF-8 outside", "\xff[]", encoding, 0},
		{"a surrogate in UTF-8", "[\"\xed\xa0\x80\"]", encoding, 0},

		{"two documents", `{} {}`, more, 0},
		{"a bracket too many", `{}}`, more, 0},
		{"a word behind", `{} canary`, more, 0},

		{"a member twice", `{"canary": 1, "canary": 2}`, twice, 22},
		{"a member twice, written in two ways", `{"a": 1, "\u0061": 2}`, twice, 17},
		{"a member twice, deep down", `[{"a": {"b": 1, "b": 1}}]`, twice, 19},

		{"257 digits", `[` + strings.Repeat("9", 257) + `]`, number, 258},
		{"an exponent of 309", `[1e309]`, number, 6},
		{"an exponent of -309", `[1E-309]`, number, 7},
		{"a huge exponent", `{"a": 1e999999999}`, number, 17},
		{"an exponent that is no int", `[1e99999999999999999999]`, number, 23},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			want := tt.message
			if strings.Contains(want, "%d") {
				want = fmt.Sprintf(want, tt.offset)
			}
			v, err := schema.Parse([]byte(tt.text))
			var refusal *callout.Error
			if !errors.As(err, &refusal) || v != nil {
				t.Fatalf("got %v, %v", v, err)
			}
			if refusal.Code != schema.Invalid || refusal.Message != want {
				t.Errorf("got  %s: %s\nwant %s", refusal.Code, refusal.Message, want)
			}
			if len(refusal.Details) != 1 || refusal.Details[0].Message != want {
				t.Errorf("details: %+v", refusal.Details)
			}
		})
	}
}

func TestDepth(t *testing.T) {
	for name, bracket := range map[string][2]string{"arrays": {"[", "]"}, "objects": {`{"a":`, "}"}} {
		nested := func(n int) []byte {
			return []byte(strings.Repeat(bracket[0], n) + "1" + strings.Repeat(bracket[1], n))
		}
		if _, err := schema.Parse(nested(schema.MaxDepth)); err != nil {
			t.Errorf("%d %s: %v", schema.MaxDepth, name, err)
		}
		for _, n := range []int{schema.MaxDepth + 1, 100_000} {
			_, err := schema.Parse(nested(n))
			if err == nil || !strings.Contains(err.Error(), "nested deeper than 32 levels") {
				t.Errorf("%d %s: %v", n, name, err)
			}
		}
	}
}

// FuzzParse checks that exactly valid JSON is accepted, limits aside, and that
// nothing of it is lost.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		`{"a": [1, -0, 1e5, 9007199254740993, "\ud83d\ude00\ud800", null, true]}`, `{"a":1,"a":2}`, `[1e309]`, `[[[[`, `{"a":1,}`,
		`[1 2]`, `{"a" 1}`, "\"\xff\"", `"\u2028<>&"`, `{} x`, ``, ` `, `-`, `{"":{"":[]}}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		v, err := schema.Parse(data)
		valid := json.Valid(data) && utf8.Valid(data)
		if err != nil {
			if valid && strings.Contains(err.Error(), "not valid") {
				t.Errorf("%q is valid, and was refused: %v", data, err)
			}
			return
		}
		if !valid {
			t.Fatalf("%q is not valid, and was accepted", data)
		}
		var want any
		dec := json.NewDecoder(bytes.NewReader(data))
		dec.UseNumber()
		if err := dec.Decode(&want); err != nil || !reflect.DeepEqual(v, want) {
			t.Errorf("%q became %#v, want %#v, %v", data, v, want, err)
		}
		encoded, err := json.Marshal(v)
		if err != nil {
			t.Fatalf("%q cannot be encoded again: %v", data, err)
		}
		if again, err := schema.Parse(encoded); err != nil || !reflect.DeepEqual(v, again) {
			t.Errorf("%q became %s and then %#v, %v", data, encoded, again, err)
		}
	})
}
