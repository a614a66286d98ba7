package schema_test

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"callout/handler/callout"
	"callout/handler/schema"
)

func compile(t testing.TB, text string) *schema.Schema {
	t.Helper()
	s, err := schema.Compile(parse(t, text), "")
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return s
}

// Every keyword has words of its own, which never quote the value.
func TestWords(t *testing.T) {
	const missing, unknown = "This property is missing. Give it.", "There is no property of this name here. Remove it, or correct its spelling."
	for _, tt := range []struct {
		schema, value         string
		code, target, message string
	}{
		{`{"type": "string"}`, `7`, callout.InvalidType, "", "The value must be a string."},
		{`{"type": "number"}`, `"7"`, callout.InvalidType, "", "The value must be a number."},
		{`{"type": "integer"}`, `7.5`, callout.InvalidType, "", "The value must be a whole number."},
		{`{"type": "boolean"}`, `0`, callout.InvalidType, "", "The value must be true or false."},
		{`{"type": "array"}`, `{}`, callout.InvalidType, "", "The value must be an array."},
		{`{"type": "object"}`, `[]`, callout.InvalidType, "", "The value must be an object."},
		{`{"type": "null"}`, `false`, callout.InvalidType, "", "The value must be null."},
		{`{"type": ["string", "null"]}`, `7`, callout.InvalidType, "", "The value must be a string or null."},
		{`{"enum": ["a", 1.50, null, {"b": []}]}`, `"canary"`, callout.InvalidValue, "", `The value must be one of "a", 1.50, null, {"b":[]}.`},
		{`{"const": "a"}`, `"canary"`, callout.InvalidValue, "", `The value must be one of "a".`},
		{`{"minimum": 0.1}`, `0`, callout.InvalidValue, "", "The number must be at least 0.1."},
		{`{"minimum": -3}`, `-3.0000001`, callout.InvalidValue, "", "The number must be at least -3."},
		{`{"maximum": 9007199254740993}`, `9007199254740994`, callout.InvalidValue, "", "The number must be at most 9007199254740993."},
		{`{"maximum": 1e300}`, `1e301`, callout.InvalidValue, "", "The number must be at most 1e+300."},
		{`{"minLength": 2}`, `"é"`, callout.InvalidValue, "", "There must be at least 2 characters."},
		{`{"maxLength": 2}`, `"ééé"`, callout.TooLong, "", "There may be at most 2 characters. Shorten it."},
		{`{"minItems": 1}`, `[]`, callout.InvalidValue, "", "There must be at least 1 elements."},
		{`{"maxItems": 1}`, `[1, 2]`, callout.TooLong, "", "There may be at most 1 elements. Shorten it."},
		{`{"minProperties": 1}`, `{}`, callout.InvalidValue, "", "There must be at least 1 members."},
		{`{"maxProperties": 0}`, `{"a": 1}`, callout.TooLong, "", "There may be at most 0 members. Shorten it."},
		{`{"required": ["a"]}`, `{}`, callout.MissingValue, "a", missing},
		{`{"additionalProperties": false}`, `{"a": 1}`, callout.UnknownProperty, "a", unknown},
		{`{"additionalProperties": {"type": "string"}}`, `{"a": 1}`, callout.InvalidType, "a", "The value must be a string."},
		{`{"properties": {"a": {"type": "string"}}}`, `{"a": 1}`, callout.InvalidType, "a", "The value must be a string."},
		{`{"items": {"type": "string"}}`, `["a", 1]`, callout.InvalidType, "[1]", "The value must be a string."},
		{`{"anyOf": [{"type": "string"}, {"type": "null"}]}`, `7`, callout.InvalidValue, "",
			"The value has none of the forms that are accepted here. See the description of this property."},
	} {
		want := []callout.Fault{{Code: tt.code, Target: tt.target, Message: tt.message}}
		if got := compile(t, tt.schema).Validate(parse(t, tt.value), ""); !reflect.DeepEqual(got, want) {
			t.Errorf("%s of %s:\ngot  %+v\nwant %+v", tt.value, tt.schema, got, want)
		}
	}
}

func TestAccepts(t *testing.T) {
	for schema, values := range map[string][]string{
		`{}`:                               {`null`, `1`, `"a"`, `[]`, `{"a": 1}`},
		`{"type": "integer"}`:              {`7`, `7.0`, `7e2`, `-0`, `9007199254740993`},
		`{"enum": [1, {"a": [1, 2]}]}`:     {`1`, `1.0`, `10e-1`, `{"a": [1.0, 2]}`},
		`{"const": {"a": 1, "b": null}}`:   {`{"b": null, "a": 1}`},
		`{"minimum": 1, "maximum": 1}`:     {`1`, `1.00`, `"a text has no bounds"`},
		`{"minLength": 2, "maxLength": 2}`: {`"éé"`, `"😀😀"`, `12345`},
		`{"minItems": 1, "maxItems": 2}`:   {`[1]`, `[1, 2]`, `{}`},
		`{"required": ["a"]}`:              {`{"a": null}`, `"no object"`},
		`{"type": "string", "description": "d", "title": "t", "default": 1, "format": "uri", "readOnly": true, "writeOnly": false, "examples": []}`: {`"x"`},
	} {
		for _, value := range values {
			if faults := compile(t, schema).Validate(parse(t, value), ""); len(faults) > 0 {
				t.Errorf("%s of %s: %+v", value, schema, faults)
			}
		}
	}
}

const nested = `{
	"type": "object", "additionalProperties": false, "required": ["name"],
	"properties": {
		"name": {"type": "string"},
		"rows": {"type": "array", "items": {"type": "array", "items": {
			"type": "object", "additionalProperties": false, "required": ["id"], "properties": {"id": {"type": "integer"}, "tags": {"items": {"maxLength": 3}}}}}},
		"tree": {"$ref": "#"}
	}
}`

// All faults are found at once, each with its place, in the order of the places.
func TestTargets(t *testing.T) {
	value := parse(t, `{"rows": [[{"id": 1}, {"id": "canary", "x": 1}], 7, [{"tags": ["abc", "canary"]}]],
		"tree": {"name": 1, "tree": {"bad name\r\n": 1, "`+strings.Repeat("x", 65)+`": 1, "": 1}}, "$odd-but.readable_": 1}`)
	want := []string{
		"MissingValue name",
		"InvalidType rows[0][1].id", "UnknownProperty rows[0][1].x", "InvalidType rows[1]",
		"MissingValue rows[2][0].id", "TooLong rows[2][0].tags[1]",
		"InvalidType tree.name",
		"UnknownProperty tree.tree.(unreadable name)", "UnknownProperty tree.tree.(unreadable name)", "UnknownProperty tree.tree.(unreadable name)",
		"MissingValue tree.tree.name",
		"UnknownProperty $odd-but.readable_",
	}
	for _, prefix := range []string{"", "arguments"} {
		got := map[string]int{}
		for _, f := range compile(t, nested).Validate(value, prefix) {
			got[f.Code+" "+f.Target]++
			if strings.Contains(f.Message+f.Target, "canary") {
				t.Errorf("a fault quotes a value: %+v", f)
			}
		}
		wanted := map[string]int{}
		for _, fault := range want {
			if prefix != "" {
				fault = strings.Replace(fault, " ", " "+prefix+".", 1)
			}
			wanted[fault]++
		}
		if !reflect.DeepEqual(got, wanted) {
			t.Errorf("prefix %q:\ngot  %v\nwant %v", prefix, got, wanted)
		}
	}
}

func TestSift(t *testing.T) {
	for _, tt := range []struct{ name, value, rest, faults string }{
		{"nothing wrong", `{"name": "a", "rows": [[{"id": 1}]]}`, `{"name":"a","rows":[[{"id":1}]]}`, ""},
		{"a member", `{"name": 1, "tree": {"name": "b"}}`, `{"tree":{"name":"b"}}`, "name"},
		{"a member deep down", `{"name": "a", "tree": {"name": 1, "tree": {"name": "c"}}}`, `{"name":"a","tree":{"tree":{"name":"c"}}}`, "tree.name"},
		{"an unknown member", `{"name": "a", "x": 1, "tree": {"name": "b", "y": {}}}`, `{"name":"a","tree":{"name":"b"}}`, "tree.y x"},
		{"an element leaves its place", `{"name": "a", "rows": [[], 7]}`, `{"name":"a","rows":[[],{}]}`, "rows[1]"},
		{"two elements", `{"name": "a", "rows": [[{"id": "x"}], 7]}`, `{"name":"a","rows":[[{}],{}]}`, "rows[0][0].id rows[1]"},
		{"what is missing takes nothing along", `{"rows": [[{}]]}`, `{"rows":[[{}]]}`, "name rows[0][0].id"},
		{"everything", `7`, `null`, ""},
		{"everything", `[{"name": "a"}]`, `null`, ""},
	} {
		rest, faults := compile(t, nested).Sift(parse(t, tt.value))
		got, err := json.Marshal(rest)
		if err != nil || string(got) != tt.rest {
			t.Errorf("%s: %s is left of %s, want %s", tt.name, got, tt.value, tt.rest)
		}
		var targets []string
		for _, f := range faults {
			targets = append(targets, f.Target)
		}
		if strings.Join(targets, " ") != tt.faults {
			t.Errorf("%s: faults at %q, want %q", tt.name, targets, tt.faults)
		}
	}
}

func TestPointer(t *testing.T) {
	doc := parse(t, `{"components": {"schemas": {"A": {"items": {"$ref": "#/components/schemas/B"}}, "B": {"type": "string"}}}}`)
	s, err := schema.Compile(doc, "/components/schemas/A")
	if err != nil {
		t.Fatal(err)
	}
	if got := s.Validate(parse(t, `["a", 1]`), ""); len(got) != 1 || got[0].Target != "[1]" {
		t.Errorf("got %+v", got)
	}
}

// What Compile cannot honour it refuses: nothing is fetched, read or ignored.
func TestCompileRefuses(t *testing.T) {
	for _, text := range []string{
		`{"$ref": "https://example.com/schema.json"}`,
		`{"$ref": "http://127.0.0.1/schema.json#/a"}`,
		`{"$ref": "file:///etc/passwd"}`,
		`{"$ref": "other.json"}`,
		`{"$ref": "https://json-schema.org/draft/2020-12/schema"}`,
		`{"items": {"$ref": "file:///etc/passwd"}}`,
		`{"properties": {"a": {"anyOf": [{"$ref": "//example.com/x"}]}}}`,
		`{"$ref": "#/nowhere"}`,
		`{"pattern": "a+"}`,
		`{"oneOf": []}`,
		`{"const": 1, "enum": [1]}`,
		`{"properties": {"a": {"uniqueItems": true}}}`,
		`{"type": "text"}`,
		`{"type": ["string", "date"]}`,
		`{"type": 1}`,
		`{"required": "a", "properties": {"a": 1}}`,
		`{"required": [1]}`,
		`{"minimum": "1"}`,
		`{"maxLength": 1.5}`,
		`{"maxItems": "1"}`,
		`{"items": []}`,
		`7`,
		`null`,
	} {
		if _, err := schema.Compile(parse(t, text), ""); err == nil || !strings.HasPrefix(err.Error(), "schema: ") {
			t.Errorf("%s: got %v", text, err)
		}
	}
}
