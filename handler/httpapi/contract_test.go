package httpapi

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"callout/functions"
	"callout/handler/callout"
	"callout/handler/route"
	"callout/handler/schema"
	"callout/handler/secret"
)

// contract is the OpenAPI document as it is served, read by a JSON Schema
// library that shares no code with Callout.
type contract struct {
	document doc
	compiler *jsonschema.Compiler
	mu       sync.Mutex
}

var promises = sync.OnceValues(func() (*contract, error) {
	list, err := route.Load(functions.FS)
	if err != nil {
		return nil, err
	}
	data, err := json.Marshal(Document(list))
	if err != nil {
		return nil, err
	}
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(data))
	if err != nil {
		return nil, err
	}
	c := jsonschema.NewCompiler()
	c.DefaultDraft(jsonschema.Draft2020)
	c.AssertFormat()
	return &contract{document: document.(doc), compiler: c}, c.AddResource("callout:openapi", document)
})

// validate holds a JSON document against the schema at a JSON pointer.
func (c *contract) validate(pointer string, data []byte) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	s, err := c.compiler.Compile("callout:openapi#" + pointer)
	if err != nil {
		return err
	}
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(data))
	if err != nil {
		return err
	}
	return s.Validate(v)
}

// find returns the template of a path, and what the document says about it.
func (c *contract) find(path string) (template string, item doc) {
	path, _, _ = strings.Cut(path, "?")
	for template, item := range c.document["paths"].(doc) {
		got, want := strings.Split(path, "/"), strings.Split(template, "/")
		if slices.EqualFunc(got, want, func(g, w string) bool { return g == w || w[:min(1, len(w))] == "{" && g != "" }) {
			return template, item.(doc)
		}
	}
	return "", nil
}

// promised fails the test unless the document declares the answer.
func (s *service) promised(method, path string, a answer) {
	s.t.Helper()
	c, err := promises()
	if err != nil {
		s.t.Fatal(err)
	}
	if err := c.check(method, path, a); err != nil {
		s.t.Errorf("%s %s breaks the OpenAPI document: %v\n%s", method, path, err, a.body)
	}
}

func (c *contract) check(method, path string, a answer) error {
	template, item := c.find(path)
	operation, declared := item[strings.ToLower(method)].(doc)
	switch {
	case declared:
		pointer := "/paths/" + escape(template) + "/" + strings.ToLower(method) + "/responses/" + fmt.Sprint(a.status)
		return c.checkResponse(operation["responses"].(doc), pointer, a)
	case item == nil && a.status != http.StatusNotFound, item != nil && a.status != http.StatusMethodNotAllowed:
		return fmt.Errorf("status %d for what is not declared", a.status)
	}
	return c.validate("/components/schemas/Error", a.body)
}

func (c *contract) checkResponse(responses doc, pointer string, a answer) error {
	response, ok := responses[fmt.Sprint(a.status)].(doc)
	if !ok {
		return fmt.Errorf("status %d is not declared", a.status)
	}
	if ref, ok := response["$ref"].(string); ok {
		pointer = strings.TrimPrefix(ref, "#")
		response = c.document["components"].(doc)["responses"].(doc)[ref[strings.LastIndex(ref, "/")+1:]].(doc)
	}
	headers, _ := response["headers"].(doc)
	for name := range headers {
		if a.header.Get(name) == "" {
			return fmt.Errorf("the header %s is missing", name)
		}
	}
	if response["content"] == nil {
		if len(a.body) > 0 {
			return fmt.Errorf("no body is declared")
		}
		return nil
	}
	return c.validate(pointer+"/content/"+escape("application/json")+"/schema", a.body)
}

// escape writes a name for a JSON pointer within a URL fragment.
func escape(name string) string {
	return strings.NewReplacer("~", "~0", "/", "~1", "{", "%7B", "}", "%7D").Replace(name)
}

func TestTheServedDocumentIsTheOneThatTestsHoldAnswersAgainst(t *testing.T) {
	s := newService(t)
	c, err := promises()
	if err != nil {
		t.Fatal(err)
	}
	served, err := jsonschema.UnmarshalJSON(bytes.NewReader(s.want(200, "GET", "/openapi.json", "").body))
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(served, any(c.document)) {
		t.Error("GET openapi.json gives another document")
	}
	if strings.Contains(string(openapiJSON), "/api/") {
		t.Error("openapi.json holds a path; functions/*/function.json is the only place for them")
	}
}

func TestEveryDeclaredOperationIsServedAndTheOtherWayRound(t *testing.T) {
	list, err := route.Load(functions.FS)
	if err != nil {
		t.Fatal(err)
	}
	var served, declared []string
	for _, f := range list {
		for _, method := range f.Methods {
			served = append(served, f.Name+" "+method)
		}
	}
	for name, methods := range template()["x-callout-operations"].(doc) {
		for method := range methods.(doc) {
			declared = append(declared, name+" "+strings.ToUpper(method))
		}
	}
	slices.Sort(served)
	slices.Sort(declared)
	if !slices.Equal(served, declared) {
		t.Errorf("functions/ serves\n%q\nopenapi.json declares\n%q", served, declared)
	}
}

// Agents and programs branch on codes, so the document lists them all.
func TestEveryCodeIsDocumented(t *testing.T) {
	ofRoutes := []string{"NotFound", "MethodNotAllowed", "ForeignHost", "CrossOrigin", "InternalError"}
	for description, codes := range map[string][]string{
		described("Error", "error", "code"): slices.AppendSeq(ofRoutes, maps.Keys(statuses)),
		described("CallError", "code"):      codesOfCalls(),
	} {
		_, list, _ := strings.Cut(strings.TrimSuffix(description, "."), ": ")
		slices.Sort(codes)
		if got := strings.Split(list, ", "); !slices.Equal(got, codes) {
			t.Errorf("documented are\n%q\nthe codes are\n%q", got, codes)
		}
	}
}

// described returns what the document says about a property.
func described(name string, path ...string) string {
	node := schemas()[name].(doc)
	for _, step := range path {
		node = node["properties"].(doc)[step].(doc)
	}
	return node["description"].(string)
}

func codesOfCalls() []string {
	var out []string
	for code := range callout.Codes() {
		out = append(out, string(code))
	}
	return out
}

func TestEveryDeclaredParameterAndReferenceExists(t *testing.T) {
	c, err := promises()
	if err != nil {
		t.Fatal(err)
	}
	for name := range schemas() {
		if _, err := c.compiler.Compile("callout:openapi#/components/schemas/" + name); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	var walk func(v any)
	walk = func(v any) {
		switch v := v.(type) {
		case doc:
			if ref, ok := v["$ref"].(string); ok && !resolves(c.document, ref) {
				t.Errorf("the reference %s leads nowhere", ref)
			}
			for _, member := range v {
				walk(member)
			}
		case []any:
			for _, element := range v {
				walk(element)
			}
		}
	}
	walk(c.document)
}

func resolves(document doc, ref string) bool {
	var at any = document
	for name := range strings.SplitSeq(strings.TrimPrefix(ref, "#/"), "/") {
		members, _ := at.(doc)
		at = members[name]
	}
	return at != nil
}

// What the types encode and what the document declares must be the same, or a
// client that was generated from the document loses something.
func TestEveryPropertyOfAnAnswerIsDeclaredAndTheOtherWayRound(t *testing.T) {
	for name, v := range map[string]any{
		"Config": callout.Config{}, "Execution": recorded{}, "TestReport": callout.TestReport{}, "Error": struct {
			Error *callout.Error `json:"error"`
		}{},
	} {
		full := reflect.New(reflect.TypeOf(v))
		fill(full.Elem(), 0)
		data, err := json.Marshal(full.Interface())
		if err != nil {
			t.Fatal(err)
		}
		encodes, err := schema.Parse(data)
		if err != nil {
			t.Fatal(err)
		}
		got, want := memberPaths(encodes), propertyPaths(schemas()[name], nil)
		recursive := func(path string) bool { return strings.Contains(path, "items.items") } // a shape holds shapes
		got, want = slices.DeleteFunc(got, recursive), slices.DeleteFunc(want, recursive)
		for _, path := range got {
			if !slices.Contains(want, path) {
				t.Errorf("%s: %s is encoded and not declared", name, path)
			}
		}
		for _, path := range want {
			if !slices.Contains(got, path) {
				t.Errorf("%s: %s is declared and not encoded", name, path)
			}
		}
	}
}

// fill gives every field of v a value. Secrets stay unset: they cannot be encoded.
func fill(v reflect.Value, depth int) {
	if !v.CanSet() { // not exported, so not encoded
		return
	}
	switch v.Interface().(type) {
	case secret.Secret:
		return
	case time.Time:
		v.Set(reflect.ValueOf(time.Unix(1, 0)))
		return
	case json.RawMessage:
		v.SetBytes([]byte("1"))
		return
	case json.Number:
		v.SetString("1")
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).Name != "Err" { // a cause, which is not encoded
				fill(v.Field(i), depth)
			}
		}
	case reflect.Pointer:
		if depth < 2 { // or a shape would hold shapes without end
			v.Set(reflect.New(v.Type().Elem()))
			fill(v.Elem(), depth+1)
		}
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		fill(v.Index(0), depth)
	case reflect.Map:
		if m, ok := v.Addr().Interface().(*map[string]string); ok { // any other is not encoded
			*m = map[string]string{"any": "x"}
		}
	case reflect.String:
		v.SetString("x")
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int, reflect.Int64:
		v.SetInt(1)
	}
}

// memberPaths lists the members of a document at every level, the elements of
// arrays aside.
func memberPaths(v any) []string {
	switch v := v.(type) {
	case doc:
		var out []string
		for name, member := range v {
			out = append(out, name)
			for _, below := range memberPaths(member) {
				out = append(out, name+"."+below)
			}
		}
		return out
	case []any:
		return memberPaths(v[0])
	}
	return nil
}

// propertyPaths lists the properties that a schema declares for reading. Each
// schema is followed twice at most, as deep as fill goes.
func propertyPaths(node any, seen []string) []string {
	s, _ := node.(doc)
	if ref, ok := s["$ref"].(string); ok {
		if len(slices.DeleteFunc(slices.Clone(seen), func(r string) bool { return r != ref })) == 2 {
			return nil
		}
		seen = append(slices.Clone(seen), ref)
		return propertyPaths(schemas()[strings.TrimPrefix(ref, "#/components/schemas/")], seen)
	}
	var out []string
	if choices, ok := s["anyOf"].([]any); ok {
		out = propertyPaths(choices[0], seen)
	}
	if s["additionalProperties"] != nil && s["additionalProperties"] != false {
		out = append(out, "any")
	}
	properties, _ := s["properties"].(doc)
	for name, property := range properties {
		if property.(doc)["writeOnly"] == true {
			continue
		}
		out = append(out, name)
		for _, below := range propertyPaths(property, seen) {
			out = append(out, name+"."+below)
		}
	}
	if s["items"] != nil {
		out = append(out, propertyPaths(s["items"], seen)...)
	}
	return out
}
