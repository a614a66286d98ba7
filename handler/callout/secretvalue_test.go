package callout_test

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"callout/handler/callout"
)

func TestSecretValues(t *testing.T) {
	values := func(v any) doc { return doc{"secretValues": v} }
	many := func(n, size int) doc {
		out := doc{}
		for i := range n {
			out[fmt.Sprintf("k%d", i)] = text(size)
		}
		return values(out)
	}
	const bad = "InvalidValue secretValues"
	tests{
		{"one that nothing names", values(doc{"key": "canary-key"}), ""},
		{"none", values(doc{}), ""},
		{"null", values(nil), ""},
		{"null for one", values(doc{"key": nil}), ""},
		{"every sign that a name may have", values(doc{"a.b-c_D9": "canary-key"}), ""},
		{"a name of 64", values(doc{text(64): "canary-key"}), ""},
		{"a name of 65", values(doc{text(65): "canary-key"}), bad},
		{"an empty name", values(doc{"": "canary-key"}), bad},
		{"a name with a space", values(doc{"a b": "canary-key"}), bad},
		{"two names that are none", values(doc{"a b": "canary-key", "é": "canary-key"}), bad},
		{"null for a name that is none", values(doc{"a b": nil}), bad},
		{"50", many(50, 8), ""},
		{"51", many(51, 8), "TooLong secretValues"},
		{"8 bytes of 4 characters", values(doc{"key": "éééé"}), ""},
		{"7 bytes", values(doc{"key": "1234567"}), "InvalidValue secretValues.key"},
		{"nothing", values(doc{"key": ""}), "InvalidValue secretValues.key"},
		{"7 bytes under a name that is none", values(doc{"a b": "1234567"}), bad + ", " + bad},
		{"8 KiB", values(doc{"key": text(8192)}), ""},
		{"8 KiB and one", values(doc{"key": text(8193)}), "TooLong secretValues.key"},
		{"24,000 bytes in all", many(3, 8000), ""},
		{"24,003 bytes in all", many(3, 8001), "TooLong"},
		{"with a placeholder, which is text", values(doc{"key": "{{nobody}} {{"}), ""},
	}.run(t)
}

func TestSecretValuesAreInOrder(t *testing.T) {
	c := parse(t, `{"secretValues": {"b": "canary-b", "a": null, "C": "canary-c"}}`)
	var got []string
	for _, v := range c.SecretValues {
		got = append(got, fmt.Sprintf("%s %t %t", v.Name, v.Value.IsSet(), v.Value.IsCleared()))
	}
	if want := []string{"C true false", "a false true", "b true false"}; !slices.Equal(got, want) {
		t.Errorf("read as %v, want %v", got, want)
	}
	if shown := fmt.Sprintf("%v %+v %#v", c, c, *c); strings.Contains(shown, "canary") {
		t.Errorf("a secret value is shown: %s", shown)
	}
	if data := encode(t, c); strings.Contains(data, "canary") || strings.Contains(data, "secretValues") {
		t.Errorf("it is encoded as %s", data)
	}
}

func TestAWrongMapOfSecretValuesQuotesNothing(t *testing.T) {
	for _, values := range []string{`"canary"`, `["canary"]`, `{"a": ["canary"]}`, `{"a": 1}`, `{"a": {"canary": 1}}`} {
		err := (&callout.Config{}).UnmarshalJSON([]byte(`{"secretValues": ` + values + `}`))
		if err == nil || strings.Contains(err.Error(), "canary") {
			t.Errorf("%s: %v", values, err)
		}
	}
}

// What a configuration leaves out is kept by name; what it clears is gone.
func TestWhichSecretValuesAreKept(t *testing.T) {
	row := stored(decode(t, with(doc{"secretValues": doc{"a": "canary-a", "b": "canary-b"}, "headers": list{doc{"name": "X-Key", "value": "canary-key"}}})))
	for _, tt := range []struct {
		name       string
		change     doc
		has, kept  string
		storedNone bool
	}{
		{name: "left out", change: doc{}, has: "[a b]", kept: "[secretValues/a secretValues/b]"},
		{name: "an empty map", change: doc{"secretValues": doc{}}, has: "[a b]", kept: "[secretValues/a secretValues/b]"},
		{name: "one given", change: doc{"secretValues": doc{"a": "canary-c"}}, has: "[a b]", kept: "[secretValues/b]"},
		{name: "one added", change: doc{"secretValues": doc{"aa": "canary-c"}}, has: "[a aa b]", kept: "[secretValues/a secretValues/b]"},
		{name: "one cleared", change: doc{"secretValues": doc{"a": nil}}, has: "[b]", kept: "[secretValues/b]"},
		{name: "one cleared that is not there", change: doc{"secretValues": doc{"A": nil}}, has: "[a b]", kept: "[secretValues/a secretValues/b]"},
		{name: "all cleared", change: doc{"secretValues": nil}, has: "[]", kept: "[]"},
		{name: "nothing stored", change: doc{"secretValues": doc{"a": nil, "c": "canary-c"}}, has: "[c]", kept: "[]", storedNone: true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			from := row
			if tt.storedNone {
				from = nil
			}
			given := decode(t, with(tt.change))
			c := given.Replacing(from)
			var names []string
			for _, v := range c.SecretValues {
				names = append(names, v.Name)
			}
			if got := fmt.Sprint(names); got != tt.has {
				t.Errorf("it has %s, want %s", got, tt.has)
			}
			if got := fmt.Sprint(c.Kept(from)); got != tt.kept {
				t.Errorf("it keeps %s, want %s", got, tt.kept)
			}
			if got := found(c.Validate(c.Excused(from))); got != "" {
				t.Errorf("found %q", got)
			}
			if again := given.Replacing(from); !reflect.DeepEqual(again, c) {
				t.Errorf("the second time it becomes %+v, the first %+v", again, c)
			}
		})
	}
}

// What the secret texts name is known without them, as long as they are kept.
func TestTheReferencesOfSecretTexts(t *testing.T) {
	fields := list{doc{"name": "id", "type": "string", "required": true}, doc{"name": "q", "type": "string"}}
	header := func(members doc) list { members["name"] = "X-Key"; return list{members} }
	row := stored(decode(t, with(doc{
		"endpoint": "https://api.example.com/{{id}}/{{secret.a}}", "endpointSecret": true, "fields": fields,
		"headers":      header(doc{"value": "canary {{q}} {{secret.b}}"}),
		"secretValues": doc{"a": "canary-a", "b": "canary-b"},
	})))
	kept := func(changes doc) doc {
		out := doc{"endpoint": "https://api.example.com", "fields": fields, "headers": header(doc{})}
		for name, v := range changes {
			out[name] = v
		}
		return out
	}
	for _, tt := range []struct {
		name   string
		change doc
		want   string
	}{
		{"both are kept", kept(nil), ""},
		{"the name of the header in another case", kept(doc{"headers": list{doc{"name": "x-KEY"}}}), ""},
		{"a field that the endpoint names is taken away", kept(doc{"fields": fields[1:]}), "InvalidValue endpoint"},
		{"a field that the header names is taken away", kept(doc{"fields": fields[:1]}), "InvalidValue headers[0].value"},
		{"a field of the path becomes optional", kept(doc{"fields": list{doc{"name": "id", "type": "string"}, fields[1]}}), "InvalidValue fields[0].required"},
		{"a field of the path becomes an array", kept(doc{"fields": list{doc{"name": "id", "type": "array", "required": true}, fields[1]}}), "InvalidValue fields[0].type"},
		{"a field of the header becomes an array", kept(doc{"fields": list{fields[0], doc{"name": "q", "type": "array"}}}), "InvalidValue fields[1].type"},
		{"a field is said to be of the path", kept(doc{"fields": list{doc{"name": "id", "type": "string", "required": true, "in": "path"}, fields[1]}}), ""},
		{"a secret value that the endpoint names is cleared", kept(doc{"secretValues": doc{"a": nil}}), "MissingValue endpoint"},
		{"all secret values are cleared", kept(doc{"secretValues": nil}), "MissingValue endpoint, MissingValue headers[0].value"},
		{"together with the texts that name them", doc{"fields": list{}, "secretValues": nil, "headers": header(doc{"value": "canary-new"}), "endpoint": "https://api.example.com/x", "endpointSecret": true}, ""},
		{"together with a header that is cleared", kept(doc{"fields": fields[:1], "secretValues": doc{"b": nil}, "headers": header(doc{"value": nil})}), ""},
		{"a new text that names another field", kept(doc{"headers": header(doc{"value": "canary-{{id}}"})}), ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := decode(t, with(tt.change)).Replacing(row)
			if got := found(c.Validate(c.Excused(row))); got != tt.want {
				t.Errorf("found %q, want %q", got, tt.want)
			}
		})
	}
}

func TestReplacingKeepsASecretEndpoint(t *testing.T) {
	row := stored(decode(t, with(doc{"endpoint": "https://hooks.example.com/canary", "endpointSecret": true})))
	for name, tt := range map[string]struct {
		change doc
		want   bool
	}{
		"as it is read":          {doc{"endpoint": "https://hooks.example.com"}, true},
		"said to be none":        {doc{"endpoint": "https://hooks.example.com", "endpointSecret": false}, false},
		"another of that origin": {doc{"endpoint": "https://hooks.example.com/x"}, false},
	} {
		if c := decode(t, with(tt.change)).Replacing(row); c.EndpointSecret != tt.want {
			t.Errorf("%s: it is a secret: %t", name, c.EndpointSecret)
		}
	}
}
