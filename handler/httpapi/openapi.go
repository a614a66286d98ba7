package httpapi

import (
	_ "embed"
	"fmt"
	"net/http"
	"strings"
	"sync"

	"callout/handler/route"
	"callout/handler/schema"
)

// openapiJSON describes the operations by function and method. Routes are added
// from function.json, the only place where they are written.
//
//go:embed openapi.json
var openapiJSON []byte

// template is the embedded document. It is read when it is first needed: a cold
// start does not need it.
var template = sync.OnceValue(func() map[string]any {
	doc, err := schema.Parse(openapiJSON)
	if err != nil {
		panic(fmt.Sprintf("httpapi: the embedded OpenAPI document: %v", err))
	}
	return doc.(map[string]any)
})

// schemas are those of the document, by name.
func schemas() map[string]any {
	return template()["components"].(map[string]any)["schemas"].(map[string]any)
}

var components sync.Map // name -> *schema.Schema

// component returns the compiled schema of that name. A name that does not exist
// is a fault of this package, which its tests would show.
func component(name string) *schema.Schema {
	if s, ok := components.Load(name); ok {
		return s.(*schema.Schema)
	}
	s, err := schema.Compile(template(), "/components/schemas/"+name)
	if err != nil {
		panic(fmt.Sprintf("httpapi: schema %s: %v", name, err))
	}
	components.Store(name, s)
	return s
}

// Document returns the OpenAPI 3.1 document of the functions.
func Document(functions []route.Function) map[string]any {
	paths := map[string]any{}
	operations := template()["x-callout-operations"].(map[string]any)
	for _, f := range functions {
		item := map[string]any{}
		described, _ := operations[f.Name].(map[string]any)
		for _, method := range f.Methods {
			if operation, ok := described[strings.ToLower(method)]; ok {
				item[strings.ToLower(method)] = operation
			}
		}
		if names := parameters(f.Path()); len(names) > 0 {
			item["parameters"] = names
		}
		if len(described) > 0 {
			paths[f.Path()] = item
		}
	}
	doc := map[string]any{"paths": paths}
	for name, member := range template() {
		if name != "x-callout-operations" {
			doc[name] = member
		}
	}
	return doc
}

// parameters refers to what is in braces in a path.
func parameters(path string) []any {
	var out []any
	for segment := range strings.SplitSeq(path, "/") {
		if name, ok := strings.CutPrefix(segment, "{"); ok {
			out = append(out, map[string]any{"$ref": "#/components/parameters/" + strings.TrimSuffix(name, "}")})
		}
	}
	return out
}

func (a *API) openapi(*http.Request) (reply, error) {
	return reply{status: http.StatusOK, body: Document(a.Functions)}, nil
}
