package request

import (
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// appendJSON writes a value of schema.Parse as JSON: every digit of a number, the
// members of an object by name, and no more escapes than JSON asks for, because a
// reader of the other side might show them.
func appendJSON(out []byte, v any) []byte {
	switch v := v.(type) {
	case nil:
		return append(out, "null"...)
	case bool:
		return strconv.AppendBool(out, v)
	case json.Number:
		return append(out, v...)
	case string:
		return appendQuoted(out, v)
	case []any:
		return appendArray(out, v)
	case map[string]any:
		return appendObject(out, v)
	}
	data, _ := json.Marshal(v) // what a Go program gave, not JSON
	return append(out, data...)
}

func appendArray(out []byte, elements []any) []byte {
	out = append(out, '[')
	for i, element := range elements {
		if i > 0 {
			out = append(out, ',')
		}
		out = appendJSON(out, element)
	}
	return append(out, ']')
}

func appendObject(out []byte, members map[string]any) []byte {
	out = append(out, '{')
	for i, name := range slices.Sorted(maps.Keys(members)) {
		if i > 0 {
			out = append(out, ',')
		}
		out = append(appendQuoted(out, name), ':')
		out = appendJSON(out, members[name])
	}
	return append(out, '}')
}

func appendQuoted(out []byte, s string) []byte {
	out = append(out, '"')
	out = appendEscaped(out, s)
	return append(out, '"')
}

const hexDigits = "0123456789abcdef"

// appendEscaped writes what stands between the quotes of a JSON string (RFC 8259,
// section 7).
func appendEscaped(out []byte, s string) []byte {
	if !utf8.ValidString(s) {
		s = strings.ToValidUTF8(s, string(utf8.RuneError))
	}
	done := 0
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c >= 0x20 && c != '"' && c != '\\' {
			continue
		}
		out = append(out, s[done:i]...)
		done = i + 1
		switch c {
		case '"', '\\':
			out = append(out, '\\', c)
		case '\n':
			out = append(out, '\\', 'n')
		case '\r':
			out = append(out, '\\', 'r')
		case '\t':
			out = append(out, '\\', 't')
		default:
			out = append(out, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&0xf])
		}
	}
	return append(out, s[done:]...)
}
