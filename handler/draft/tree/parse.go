package tree

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"unicode/utf8"
)

// Limits of a document. A large API of today takes a third of each.
const (
	MaxBytes = 4 << 20
	// MaxNodes counts every value of the document, and what an alias stands for
	// each time it is used.
	MaxNodes = 250_000
	// MaxDepth is how deeply objects and arrays may be nested.
	MaxDepth = 100
)

// Error says what is wrong with a document, where, and what to do next. It quotes
// nothing of it.
type Error struct{ message string }

// Error gives one or two sentences for whoever sent the document.
func (e *Error) Error() string { return e.message }

func fail(format string, args ...any) error { return &Error{message: fmt.Sprintf(format, args...)} }

// Parse reads one document: JSON when it begins with a brace, and else YAML. It
// fails with an *Error, or with that of ctx when ctx ends first.
func Parse(ctx context.Context, data []byte) (*Node, error) {
	data = bytes.TrimPrefix(data, []byte("\ufeff"))
	switch {
	case len(data) > MaxBytes:
		return nil, fail("The document is longer than %d bytes. Cut it into parts, for instance by tag, and import these one by one.", MaxBytes)
	case !utf8.Valid(data):
		return nil, fail("The document is not valid UTF-8. Save it as UTF-8.")
	}
	from := &source{ctx: ctx, from: bytes.NewReader(data)}
	parse := parseYAML
	if bytes.HasPrefix(bytes.TrimLeft(data, " \t\r\n"), []byte("{")) {
		parse = parseJSON
	}
	root, err := parse(from, data)
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	return root, err
}

// source ends when its context does, and so ends the reading of a document.
type source struct {
	ctx  context.Context
	from io.Reader
}

// Read reads on, unless the context has ended.
func (s *source) Read(p []byte) (int, error) {
	if err := s.ctx.Err(); err != nil {
		return 0, err
	}
	return s.from.Read(p)
}

// count keeps the number of nodes within MaxNodes.
type count int

func (c *count) add(nodes int) error {
	if *c += count(nodes); *c > MaxNodes {
		return fail("The document holds more than %d values, counting each use of an alias. Cut it into parts, for instance by tag, and import these one by one.", MaxNodes)
	}
	return nil
}

func tooDeep() error {
	return fail("The document is nested deeper than %d levels. Put the inner parts below components, and refer to them.", MaxDepth)
}
