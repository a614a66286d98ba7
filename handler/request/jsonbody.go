package request

import "callout/handler/schema"

// jsonBody fills in a JSON template. The template has been parsed before
// anything is filled in, so that whatever an argument holds is data.
type jsonBody struct{ root piece }

func (b jsonBody) contentType() string { return "application/json" }

// write fills the template in. There is no member or element to drop at the
// root: null stands there for an absent argument.
func (b jsonBody) write(out []byte, v *values) []byte {
	out, present := b.root.write(out, v)
	if !present {
		return append(out, "null"...)
	}
	return out
}

// piece is a value of a JSON template. write reports whether there is anything to
// write, and leaves out as it was if there is not.
type piece interface {
	write(out []byte, v *values) ([]byte, bool)
}

type (
	// literalPiece is JSON as it is sent.
	literalPiece []byte
	// fieldPiece is the name of a field whose argument keeps its type.
	fieldPiece string
	// textPiece is a JSON string with something filled in.
	textPiece text
	// objectPiece holds the members of an object, in their order.
	objectPiece []memberPiece
	arrayPiece  []piece
)

type memberPiece struct {
	key   []byte // with quotes and colon
	value piece
}

func (p literalPiece) write(out []byte, _ *values) ([]byte, bool) { return append(out, p...), true }

func (p fieldPiece) write(out []byte, v *values) ([]byte, bool) {
	argument := v.of(string(p))
	switch {
	case argument == nil:
		return out, false
	case v.isFull(out):
		return out, true
	}
	return appendJSON(out, argument), true
}

func (p textPiece) write(out []byte, v *values) ([]byte, bool) {
	out = append(out, '"')
	out = text(p).fill(out, v, appendEscaped)
	return append(out, '"'), true
}

func (p objectPiece) write(out []byte, v *values) ([]byte, bool) {
	out = append(out, '{')
	start := len(out)
	for i := range p {
		mark := len(out)
		if mark > start {
			out = append(out, ',')
		}
		present := false
		if out, present = p[i].value.write(append(out, p[i].key...), v); !present {
			out = out[:mark]
		}
	}
	return append(out, '}'), true
}

func (p arrayPiece) write(out []byte, v *values) ([]byte, bool) {
	out = append(out, '[')
	start := len(out)
	for i := range p {
		mark := len(out)
		if mark > start {
			out = append(out, ',')
		}
		present := false
		if out, present = p[i].write(out, v); !present {
			out = out[:mark]
		}
	}
	return append(out, ']'), true
}

// compilePiece prepares a value of the template, which is at the place at.
func (w *compiler) compilePiece(v any, at string) piece {
	switch v := v.(type) {
	case string:
		return w.compileString(v, at)
	case schema.Object:
		return w.compileObject(v, at)
	case []any:
		return w.compileArray(v, at)
	}
	return literalPiece(appendJSON(nil, v))
}

func (w *compiler) compileString(s, at string) piece {
	t := w.compileTemplateText(s, at, appendEscaped)
	switch {
	case t.field() != "":
		return fieldPiece(t.field())
	case t.isLiteral():
		return literalPiece(appendQuoted(nil, s))
	}
	return textPiece(t)
}

func (w *compiler) compileObject(members schema.Object, at string) piece {
	out, fixed := make(objectPiece, len(members)), true
	for i, m := range members {
		place := below(at, m.Name)
		w.checkKey(m.Name, place)
		out[i] = memberPiece{append(appendQuoted(nil, m.Name), ':'), w.compilePiece(m.Value, place)}
		fixed = fixed && isFixed(out[i].value)
	}
	return folded(out, fixed)
}

func (w *compiler) compileArray(elements []any, at string) piece {
	out, fixed := make(arrayPiece, len(elements)), true
	for i, v := range elements {
		out[i] = w.compilePiece(v, element(at, i))
		fixed = fixed && isFixed(out[i])
	}
	return folded(out, fixed)
}

func isFixed(p piece) bool {
	_, ok := p.(literalPiece)
	return ok
}

// folded makes one literal of what is always the same.
func folded(p piece, fixed bool) piece {
	if !fixed {
		return p
	}
	out, _ := p.write(nil, nil)
	return literalPiece(out)
}
