package tree

import (
	"encoding/json"
	"io"
	"strconv"
)

// parseJSON reads a document token by token, so that the limits apply on the
// way.
func parseJSON(from *source, _ []byte) (*Node, error) {
	p := jsonParser{dec: json.NewDecoder(from)}
	p.dec.UseNumber()
	root, err := p.value(0)
	if err != nil {
		return nil, err
	}
	if _, err := p.dec.Token(); err != io.EOF {
		return nil, fail("Something follows the JSON document. Send one document only.")
	}
	return root, nil
}

type jsonParser struct {
	dec   *json.Decoder
	count count
}

func (p *jsonParser) token() (json.Token, error) {
	t, err := p.dec.Token()
	if err != nil {
		return nil, fail("The document is not valid JSON: the fault is near byte %d. Correct the syntax there.", p.dec.InputOffset())
	}
	return t, nil
}

func (p *jsonParser) value(depth int) (*Node, error) {
	t, err := p.token()
	if err == nil {
		err = p.count.add(1)
	}
	if err != nil {
		return nil, err
	}
	switch t := t.(type) {
	case json.Delim:
		if depth >= MaxDepth {
			return nil, tooDeep()
		}
		if t == '{' {
			return p.object(depth + 1)
		}
		return p.array(depth + 1)
	case string:
		return &Node{kind: String, text: t}, nil
	case json.Number:
		return &Node{kind: Number, text: t.String()}, nil
	case bool:
		return &Node{kind: Bool, text: strconv.FormatBool(t)}, nil
	}
	return &Node{kind: Null}, nil
}

func (p *jsonParser) object(depth int) (*Node, error) {
	out := &Node{kind: Object}
	for p.dec.More() {
		t, err := p.token()
		if err != nil {
			return nil, err
		}
		value, err := p.value(depth)
		if err != nil {
			return nil, err
		}
		if !out.add(t.(string), value) { // the decoder admits nothing else as a name
			return nil, fail("A member is given twice in one object, near byte %d. Remove one.", p.dec.InputOffset())
		}
	}
	_, err := p.token()
	return out, err
}

func (p *jsonParser) array(depth int) (*Node, error) {
	out := &Node{kind: Array}
	for p.dec.More() {
		value, err := p.value(depth)
		if err != nil {
			return nil, err
		}
		out.values = append(out.values, value)
	}
	_, err := p.token()
	return out, err
}
