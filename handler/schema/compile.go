package schema

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/big"
	"slices"
	"strconv"
	"strings"
)

// Compile compiles the part of doc that pointer names, a JSON pointer without
// escapes, or "" for all of it. doc is made of maps, slices and json.Number. The
// error names the keyword that cannot be used; references to other documents are
// among them.
func Compile(doc any, pointer string) (*Schema, error) {
	c := compiler{doc: doc, done: map[string]*Schema{}}
	return c.reference("#" + pointer)
}

type compiler struct {
	doc  any
	done map[string]*Schema // by reference, so that a schema may refer to itself
}

func (c *compiler) reference(ref string) (*Schema, error) {
	if s, ok := c.done[ref]; ok {
		return s, nil
	}
	pointer, local := strings.CutPrefix(ref, "#")
	if !local {
		return nil, fmt.Errorf("schema: a reference leads to another document")
	}
	node := c.doc
	for _, name := range strings.Split(strings.TrimPrefix(pointer, "/"), "/") {
		if pointer != "" {
			members, _ := node.(map[string]any)
			node = members[name]
		}
	}
	s := &Schema{limits: map[string]int{}}
	c.done[ref] = s
	return s, c.into(s, node)
}

func (c *compiler) schema(node any) (*Schema, error) {
	if members, ok := node.(map[string]any); ok {
		if ref, ok := members["$ref"].(string); ok {
			return c.reference(ref)
		}
	}
	s := &Schema{limits: map[string]int{}}
	return s, c.into(s, node)
}

func (c *compiler) into(s *Schema, node any) error {
	members, ok := node.(map[string]any)
	if !ok {
		return fmt.Errorf("schema: a schema is not an object")
	}
	for _, keyword := range slices.Sorted(maps.Keys(members)) {
		if err := c.keyword(s, keyword, members[keyword]); err != nil {
			return err
		}
	}
	return nil
}

// keyword takes up one keyword of a schema.
func (c *compiler) keyword(s *Schema, keyword string, v any) (err error) {
	switch keyword {
	case "type":
		err = s.setTypes(v)
	case "required":
		s.required, err = words(v)
	case "const":
		s.enum = []any{v}
	case "enum":
		if s.enum != nil {
			return fmt.Errorf("schema: const and enum stand side by side")
		}
		s.enum, _ = v.([]any)
	case "properties":
		err = c.properties(s, v)
	case "additionalProperties":
		if v == false {
			s.closed = true
		} else {
			s.additional, err = c.schema(v)
		}
	case "items":
		s.items, err = c.schema(v)
	case "anyOf":
		err = c.anyOf(s, v)
	case "minimum", "maximum":
		err = s.setBound(keyword, v)
	case "minLength", "maxLength", "minItems", "maxItems", "minProperties", "maxProperties":
		err = s.setLimit(keyword, v)
	case "description", "title", "default", "format", "readOnly", "writeOnly", "examples":
		// says something, demands nothing
	default:
		err = fmt.Errorf("schema: the keyword %q is not known here", keyword)
	}
	return err
}

func (s *Schema) setTypes(v any) (err error) {
	s.types, err = words(v)
	for _, name := range s.types {
		if typeName[name] == "" {
			return fmt.Errorf("schema: a type is not one of JSON")
		}
	}
	return err
}

func (c *compiler) properties(s *Schema, v any) (err error) {
	members, _ := v.(map[string]any)
	s.properties = make(map[string]*Schema, len(members))
	for name, node := range members {
		if s.properties[name], err = c.schema(node); err != nil {
			return err
		}
	}
	return nil
}

func (c *compiler) anyOf(s *Schema, v any) error {
	nodes, _ := v.([]any)
	for _, node := range nodes {
		one, err := c.schema(node)
		if err != nil {
			return err
		}
		s.anyOf = append(s.anyOf, one)
	}
	return nil
}

func (s *Schema) setBound(keyword string, v any) error {
	n, ok := v.(json.Number)
	if !ok {
		return fmt.Errorf("schema: %s is not a number", keyword)
	}
	for name, bound := range map[string]**big.Rat{"minimum": &s.minimum, "maximum": &s.maximum} {
		if name == keyword {
			*bound = rational(n)
		}
	}
	return nil
}

func (s *Schema) setLimit(keyword string, v any) error {
	n, _ := v.(json.Number)
	limit, err := strconv.Atoi(n.String())
	if err != nil {
		return fmt.Errorf("schema: %s is not a whole number", keyword)
	}
	s.limits[keyword] = limit
	return nil
}

// words reads a string or an array of strings.
func words(v any) ([]string, error) {
	if one, ok := v.(string); ok {
		return []string{one}, nil
	}
	list, ok := v.([]any)
	out := make([]string, 0, len(list))
	for _, element := range list {
		word, isWord := element.(string)
		ok = ok && isWord
		out = append(out, word)
	}
	if !ok {
		return nil, fmt.Errorf("schema: not a list of words")
	}
	return out, nil
}
