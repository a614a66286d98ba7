package request_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"callout/handler/callout"
	"callout/handler/request"
)

func TestValidateReportsEveryFault(t *testing.T) {
	c := config(t, doc{"fields": list{
		doc{"name": "email", "type": "string", "required": true, "maxLength": 5},
		doc{"name": "age", "type": "integer", "minimum": 0, "maximum": 150},
		doc{"name": "score", "type": "number"},
		doc{"name": "vip", "type": "boolean"},
		doc{"name": "tags", "type": "array", "items": doc{"type": "array", "items": doc{"type": "string", "enum": list{"a", "b"}}}},
		doc{"name": "extra", "type": "object"},
		doc{"name": "kind", "type": "string", "required": true, "default": "note"},
	}})
	template := compile(t, c)
	for _, tt := range []struct{ name, arguments, want string }{
		{"everything fits", `{"email": "e", "age": 150, "score": 1e3, "vip": true, "tags": [["a"], []], "extra": {"a": {}}}`, ""},
		{"only what is required", `{"email": "e"}`, ""},
		{"null for what is optional", `{"email": "e", "age": null, "tags": null, "extra": null, "kind": null}`, ""},
		{"nothing", `{}`, "MissingValue arguments.email"},
		{"null for what is required", `{"email": null}`, "MissingValue arguments.email"},
		{"an unknown name", `{"email": "e", "e-mail": "canary"}`, "UnknownProperty arguments.e-mail"},
		{"an unknown name with null", `{"email": "e", "Age": null}`, "UnknownProperty arguments.Age"},
		{"a name that is unreadable", `{"email": "e", "canary\r\nX: y": 1}`, "UnknownProperty arguments.(unreadable name)"},
		{"wrong types", `{"email": 1, "age": "canary", "score": "1", "vip": "true", "tags": "a", "extra": []}`,
			"InvalidType arguments.age, InvalidType arguments.email, InvalidType arguments.extra, InvalidType arguments.score, InvalidType arguments.tags, InvalidType arguments.vip"},
		{"out of bounds", `{"email": "canary", "age": 151}`, "InvalidValue arguments.age, TooLong arguments.email"},
		{"a fraction for a whole number", `{"email": "e", "age": 1.5}`, "InvalidType arguments.age"},
		{"deep in an array", `{"email": "e", "tags": [["a", "canary"], ["b", null], 7]}`,
			"InvalidValue arguments.tags[0][1], InvalidType arguments.tags[1][1], InvalidType arguments.tags[2]"},
		{"of every kind at once", `{"age": -1, "vip": 0, "canary-name": 1}`,
			"InvalidValue arguments.age, UnknownProperty arguments.canary-name, MissingValue arguments.email, InvalidType arguments.vip"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			faults := template.Validate(arguments(t, tt.arguments))
			if got := found(faults); got != tt.want {
				t.Errorf("found\n%s, want\n%s", got, tt.want)
			}
			for _, f := range faults {
				if strings.Contains(f.Message, "canary") {
					t.Errorf("an argument is quoted: %s", f.Message)
				}
			}
		})
	}
}

func found(faults []callout.Fault) string {
	var out []string
	for _, f := range faults {
		out = append(out, strings.TrimSpace(f.Code+" "+f.Target))
	}
	return strings.Join(out, ", ")
}

func TestValidateLeavesArgumentsAlone(t *testing.T) {
	c := config(t, doc{"fields": fields("a:object")})
	args := arguments(t, `{"a": {"b": null}}`)
	if got := body(t, build(t, c, args)); got != `{"a":{"b":null}}` {
		t.Errorf("sent %s: a null inside an object is a value", got)
	}
	if len(args) != 1 || len(args["a"].(map[string]any)) != 1 {
		t.Errorf("the arguments became %v", args)
	}
}

// A default or a value that its own field would refuse is a fault of the
// configuration, and is not quoted either.
func TestCompileFindsFaults(t *testing.T) {
	for _, tt := range []struct {
		name  string
		field doc
		want  string
	}{
		{"default of another type", doc{"type": "integer", "default": "canary"}, "InvalidValue fields[1].default"},
		{"default out of bounds", doc{"type": "integer", "maximum": 5, "default": 6}, "InvalidValue fields[1].default"},
		{"default too long", doc{"type": "string", "maxLength": 3, "default": "canary"}, "InvalidValue fields[1].default"},
		{"default not listed", doc{"type": "string", "enum": list{"a", "b"}, "default": "canary"}, "InvalidValue fields[1].default"},
		{"default with a wrong element", doc{"type": "array", "items": doc{"type": "string"}, "default": list{"a", 1}}, "InvalidValue fields[1].default"},
		{"value of another type", doc{"type": "string", "enum": list{"a", 1}}, "InvalidValue fields[1].enum"},
		{"value out of bounds", doc{"type": "integer", "minimum": 2, "enum": list{2, 1}}, "InvalidValue fields[1].enum"},
		{"value of an element", doc{"type": "array", "items": doc{"type": "array", "items": doc{"type": "string", "enum": list{"a", list{}}}}}, "InvalidValue fields[1].items.items.enum"},
		{"both", doc{"type": "string", "enum": list{1}, "default": "canary"}, "InvalidValue fields[1].enum, InvalidValue fields[1].default"},
		{"null is no default", doc{"type": "string", "default": nil}, ""},
		{"all is well", doc{"type": "integer", "minimum": 1, "enum": list{1, 2.0}, "default": 2}, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tt.field["name"] = "canary"
			c := config(t, doc{"fields": append(fields("first:string"), tt.field)})
			if faults := c.Validate(nil); len(faults) > 0 {
				t.Fatalf("the domain finds %+v", faults)
			}
			_, faults := request.Compile(c)
			if got := found(faults); got != tt.want {
				t.Errorf("found %q, want %q", got, tt.want)
			}
			if strings.Contains(fmt.Sprint(faults), "canary") {
				t.Errorf("what was submitted is quoted: %+v", faults)
			}
		})
	}
}

// The catalog compiles what it is given before it knows that it is valid.
func TestCompileTakesAnything(t *testing.T) {
	seed := rand.Uint64()
	r := random{rand.New(rand.NewPCG(seed, 0))}
	for range 500 {
		c := config(t, nil)
		for range 3 {
			c.Fields = append(c.Fields, callout.Field{Name: r.text(), Shape: r.anyShape(2), Default: json.RawMessage(r.pick("", "null", "{", "1e999", `"a"`, `[[]]`))})
		}
		template, faults := request.Compile(c)
		if template == nil && len(faults) == 0 {
			t.Fatalf("seed %d: neither a template nor a fault of %+v", seed, c.Fields)
		}
	}
}

func (r random) anyShape(depth int) callout.Shape {
	n := r.IntN(10) - 5
	s := callout.Shape{Type: r.pick("string", "number", "integer", "array", "object", "boolean", "text", ""),
		Minimum: json.Number(r.pick("", "1", "1e308", "-")), Maximum: json.Number(r.pick("", "0", "x")), MaxLength: &n,
		Enum: []json.RawMessage{json.RawMessage(r.pick("1", "", "nul", `"a"`))}}
	if depth > 0 && r.IntN(2) == 0 {
		items := r.anyShape(depth - 1)
		s.Items = &items
	}
	return s
}

func TestSchema(t *testing.T) {
	c := config(t, doc{"fields": list{
		doc{"name": "email", "type": "string", "description": "Where to write to.", "required": true, "maxLength": 100},
		doc{"name": "n", "type": "integer", "minimum": json.Number("-9007199254740993"), "maximum": 5, "enum": list{1, 2}, "default": 2, "required": true},
		doc{"name": "l", "type": "array", "items": doc{"type": "array", "items": doc{"type": "number"}}, "in": "query"},
	}})
	got, err := json.Marshal(request.Schema(c))
	if err != nil {
		t.Fatal(err)
	}
	const want = `{"additionalProperties":false,"properties":{` +
		`"email":{"description":"Where to write to.","maxLength":100,"type":"string"},` +
		`"l":{"items":{"items":{"type":"number"},"type":"array"},"type":"array"},` +
		`"n":{"default":2,"enum":[1,2],"maximum":5,"minimum":-9007199254740993,"type":"integer"}},` +
		`"required":["email"],"type":"object"}`
	if string(got) != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}
