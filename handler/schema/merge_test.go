package schema_test

import (
	"encoding/json"
	"reflect"
	"testing"

	"callout/handler/schema"
)

// The examples are those of RFC 7396, appendix A, in their order. Where the
// result is not that of the RFC, it stands behind: a null for what the target
// does not have is kept, because it clears a secret that targets never show.
func TestMergePatch(t *testing.T) {
	for _, tt := range []struct{ target, patch, want, ofRFC string }{
		{`{"a":"b"}`, `{"a":"c"}`, `{"a":"c"}`, ""},
		{`{"a":"b"}`, `{"b":"c"}`, `{"a":"b","b":"c"}`, ""},
		{`{"a":"b"}`, `{"a":null}`, `{}`, ""},
		{`{"a":"b","b":"c"}`, `{"a":null}`, `{"b":"c"}`, ""},
		{`{"a":["b"]}`, `{"a":"c"}`, `{"a":"c"}`, ""},
		{`{"a":"c"}`, `{"a":["b"]}`, `{"a":["b"]}`, ""},
		{`{"a":{"b":"c"}}`, `{"a":{"b":"d","c":null}}`, `{"a":{"b":"d","c":null}}`, `{"a":{"b":"d"}}`},
		{`{"a":[{"b":"c"}]}`, `{"a":[1]}`, `{"a":[1]}`, ""},
		{`["a","b"]`, `["c","d"]`, `["c","d"]`, ""},
		{`{"a":"b"}`, `["c"]`, `["c"]`, ""},
		{`{"a":"foo"}`, `null`, `null`, ""},
		{`{"a":"foo"}`, `"bar"`, `"bar"`, ""},
		{`{"e":null}`, `{"a":1}`, `{"e":null,"a":1}`, ""},
		{`[1,2]`, `{"a":"b","c":null}`, `{"a":"b","c":null}`, `{"a":"b"}`},
		{`{}`, `{"a":{"bb":{"ccc":null}}}`, `{"a":{"bb":{"ccc":null}}}`, `{"a":{"bb":{}}}`},
	} {
		target, patch := parse(t, tt.target), parse(t, tt.patch)
		got := schema.MergePatch(target, patch)
		if !reflect.DeepEqual(got, parse(t, tt.want)) {
			t.Errorf("%s with %s became %v, want %s", tt.target, tt.patch, got, tt.want)
		}
		if tt.ofRFC != "" && !reflect.DeepEqual(schema.WithoutNulls(got), parse(t, tt.ofRFC)) {
			t.Errorf("%s with %s: without nulls it is not what the RFC says", tt.target, tt.patch)
		}
		if !reflect.DeepEqual(target, parse(t, tt.target)) || !reflect.DeepEqual(patch, parse(t, tt.patch)) {
			t.Errorf("%s with %s: one of the two was changed", tt.target, tt.patch)
		}
	}
}

// A patch may have to be applied again to a newer state.
func TestMergePatchTwice(t *testing.T) {
	patch := parse(t, `{"auth":{"type":"bearer","token":null},"headers":[{"name":"X"}]}`)
	for _, target := range []string{`{"auth":{"type":"none"},"v":1}`, `{"auth":{"type":"basic","username":"u"},"v":2}`, `{}`} {
		got := schema.MergePatch(parse(t, target), patch).(map[string]any)
		auth := got["auth"].(map[string]any)
		if token, given := auth["token"]; !given || token != nil || auth["type"] != "bearer" {
			t.Errorf("%s: auth became %v", target, auth)
		}
		auth["type"], got["headers"] = "changed", nil
	}
}

func TestWithoutNulls(t *testing.T) {
	for text, want := range map[string]string{
		`null`:                              `null`,
		`1`:                                 `1`,
		`{"a":null}`:                        `{}`,
		`{"a":1,"b":null}`:                  `{"a":1}`,
		`{"a":{"b":null,"c":{"d":null}}}`:   `{"a":{"c":{}}}`,
		`[null,{"a":null},[null]]`:          `[null,{},[null]]`,
		`{"a":[{"b":null,"c":false},null]}`: `{"a":[{"c":false},null]}`,
	} {
		before := parse(t, text)
		got, _ := json.Marshal(schema.WithoutNulls(before))
		if string(got) != want {
			t.Errorf("%s became %s, want %s", text, got, want)
		}
		if !reflect.DeepEqual(before, parse(t, text)) {
			t.Errorf("%s was changed", text)
		}
	}
}
