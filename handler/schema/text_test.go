package schema_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"reflect"
	"testing"

	"callout/handler/schema"
)

func TestKeepText(t *testing.T) {
	for _, tt := range []struct {
		text string
		path []string
		want string // what is at the path, as %T and %s
	}{
		{`{"body": {"b": 1.0, "a": null}}`, []string{"body"}, `json.RawMessage {"b": 1.0, "a": null}`},
		{`{"body": "x", "BODY": "y"}`, []string{"body"}, `json.RawMessage "x"`},
		{`{"Body": "x"}`, []string{"body"}, `<nil> %!s(<nil>)`},
		{`{"body": false}`, []string{"body"}, `json.RawMessage false`},
		{`{"body": null}`, []string{"body"}, `<nil> %!s(<nil>)`},
		{`{}`, []string{"body"}, `<nil> %!s(<nil>)`},
		{`[{"body": 1}]`, []string{"body"}, `<nil> %!s(<nil>)`},
		{`{"config": {"body": [ ]}}`, []string{"config", "body"}, `json.RawMessage [ ]`},
		{`{"config": {"body": {"body": 1}}, "body": 2}`, []string{"config", "body"}, `json.RawMessage {"body": 1}`},
		{`{"config": [{"body": 1}]}`, []string{"config", "body"}, `<nil> %!s(<nil>)`},
		{`{"config": null}`, []string{"config", "body"}, `<nil> %!s(<nil>)`},
	} {
		doc := parse(t, tt.text)
		schema.KeepText(doc, []byte(tt.text), tt.path...)
		at := doc
		for _, name := range tt.path {
			members, _ := at.(map[string]any)
			at = members[name]
		}
		if got := fmt.Sprintf("%T %s", at, at); got != tt.want {
			t.Errorf("%s at %v is %s, want %s", tt.text, tt.path, got, tt.want)
		}
	}
}

// The examples of RFC 7396, appendix A, to the letter, and what the order of
// members becomes. What is not changed is not written anew.
func TestMergePatchOfText(t *testing.T) {
	for _, tt := range []struct{ target, patch, want string }{
		{`{"a":"b"}`, `{"a":"c"}`, `{"a":"c"}`},
		{`{"a":"b"}`, `{"b":"c"}`, `{"a":"b","b":"c"}`},
		{`{"a":"b"}`, `{"a":null}`, `{}`},
		{`{"a":"b","b":"c"}`, `{"a":null}`, `{"b":"c"}`},
		{`{"a":["b"]}`, `{"a":"c"}`, `{"a":"c"}`},
		{`{"a":"c"}`, `{"a":["b"]}`, `{"a":["b"]}`},
		{`{"a":{"b":"c"}}`, `{"a":{"b":"d","c":null}}`, `{"a":{"b":"d"}}`},
		{`{"a":[{"b":"c"}]}`, `{"a":[1]}`, `{"a":[1]}`},
		{`["a","b"]`, `["c","d"]`, `["c","d"]`},
		{`{"a":"b"}`, `["c"]`, `["c"]`},
		{`{"a":"foo"}`, `"bar"`, `"bar"`},
		{`{"e":null}`, `{"a":1}`, `{"e":null,"a":1}`},
		{`[1,2]`, `{"a":"b","c":null}`, `{"a":"b"}`},
		{`{}`, `{"a":{"bb":{"ccc":null}}}`, `{"a":{"bb":{}}}`},

		{`{"c":1,"b":2,"a":3}`, `{"d":4,"a":5,"0":6,"c":7}`, `{"c":7,"b":2,"a":5,"d":4,"0":6}`},
		{`{"c":1.50,"b":[ null ]}`, `{"c":null,"d":[null,1E+2]}`, `{"b":[ null ],"d":[null,1E+2]}`},
		{`{"c":{"z":1,"y":{}}}`, `{"c":{"x":{"q":null,"p":0.0},"y":{"w":-0}}}`, `{"c":{"z":1,"y":{"w":-0},"x":{"p":0.0}}}`},
		{`{"\u0061":1}`, `{"a":2}`, `{"a":2}`},
	} {
		target, patch := map[string]any{"body": json.RawMessage(tt.target)}, map[string]any{"body": json.RawMessage(tt.patch)}
		for range 2 { // a patch may have to be applied again
			got := schema.MergePatch(target, patch).(map[string]any)["body"]
			if text, ok := got.(json.RawMessage); !ok || string(text) != tt.want {
				t.Errorf("%s with %s became %s, want %s", tt.target, tt.patch, got, tt.want)
			}
		}
		if string(target["body"].(json.RawMessage)) != tt.target || string(patch["body"].(json.RawMessage)) != tt.patch {
			t.Errorf("%s with %s: one of the two was changed", tt.target, tt.patch)
		}
	}
}

func TestMergePatchTakesTextAway(t *testing.T) {
	target := map[string]any{"body": json.RawMessage(`{"a":1}`)}
	if got := schema.MergePatch(target, map[string]any{"body": nil}); !reflect.DeepEqual(got, map[string]any{}) {
		t.Errorf("null left %v", got)
	}
	got := schema.MergePatch(map[string]any{}, map[string]any{"body": json.RawMessage(`{"a":null,"b":1}`)})
	if text := fmt.Sprintf("%s", got); text != `map[body:{"b":1}]` {
		t.Errorf("where there was none there is %s", text)
	}
}

// ofRFC is the algorithm of RFC 7396, section 2, word for word.
func ofRFC(target, patch any) any {
	change, ok := patch.(map[string]any)
	if !ok {
		return patch
	}
	out, ok := target.(map[string]any)
	if !ok {
		out = map[string]any{}
	}
	for name, value := range change {
		if value == nil {
			delete(out, name)
		} else {
			out[name] = ofRFC(out[name], value)
		}
	}
	return out
}

func TestMergePatchOfTextIsThatOfTheRFC(t *testing.T) {
	seed := rand.Uint64()
	d := documents{rand.New(rand.NewPCG(seed, 0))}
	for range 2000 {
		target, patch := text(d.value(4)), text(d.value(4))
		if patch == "null" { // which is no text
			continue
		}
		got, _ := schema.MergePatch(json.RawMessage(target), json.RawMessage(patch)).(json.RawMessage)
		if want := ofRFC(parse(t, target), parse(t, patch)); !reflect.DeepEqual(parse(t, string(got)), want) {
			t.Fatalf("seed %d: %s with %s became %s, want %s", seed, target, patch, got, text(want))
		}
	}
}
