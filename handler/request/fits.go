package request

import (
	"encoding/json"
	"fmt"
	"strings"
	"unicode"

	"callout/handler/callout"
)

// refuse says what is wrong with a value for a field that goes into the places,
// "" if nothing is. A path and a header cannot hold every value; a query and a
// body can.
func (p places) refuse(v any) string {
	s, ok := scalarText(v)
	switch {
	case !ok: // the schema or checkFields has something to say about it
	case p&inPath != 0 && !fitsPath(s):
		return "This value becomes a part of the path of the URL: it must not be empty, . or .., and must not hold a slash, a backslash or a control character."
	case p&inHeader != 0 && (s == "" || len(s) > callout.MaxSecret || !fitsHeader(s)):
		return fmt.Sprintf("This value becomes a part of a header: it must be 1 to %d printable ASCII characters without line breaks and without spaces at its ends. Leave an optional one out rather than empty.", callout.MaxSecret)
	}
	return ""
}

// scalarText writes a single value as text.
func scalarText(v any) (s string, ok bool) {
	switch v.(type) {
	case string, bool, json.Number:
		return plain(v), true
	}
	return "", false
}

// fitsPath reports whether a value can be a part of a segment. None that can
// makes the segment . or .., whatever stands beside it.
func fitsPath(s string) bool {
	return s != "" && !isDots(s) && !strings.ContainsAny(s, `/\`) && strings.IndexFunc(s, unicode.IsControl) < 0
}
