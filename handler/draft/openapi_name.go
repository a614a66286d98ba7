package draft

import (
	"strconv"
	"strings"
)

// maxName is the length of the longest name of a configuration.
const maxName = 40

// configName makes of a text in any script and case a name for a configuration,
// getTicketByID becoming get_ticket_by_id; "" when nothing of it can be used.
func configName(text string) string {
	var out strings.Builder
	previous := rune('_')
	runes := []rune(text)
	for i, r := range runes {
		next := rune(0)
		if i+1 < len(runes) {
			next = runes[i+1]
		}
		if out.Len() > maxName+1 {
			break
		}
		if isUpper(r) && (isLower(previous) || isDigit(previous) || isUpper(previous) && isLower(next)) {
			out.WriteByte('_')
		}
		switch {
		case isUpper(r):
			out.WriteRune(r - 'A' + 'a')
		case isLower(r) || isDigit(r):
			out.WriteRune(r)
		case !strings.HasSuffix(out.String(), "_"):
			out.WriteByte('_')
		}
		previous = r
	}
	name := strings.Trim(out.String(), "_")
	if name != "" && isDigit(rune(name[0])) {
		name = "op_" + name
	}
	return shortened(name, maxName)
}

func isUpper(r rune) bool { return r >= 'A' && r <= 'Z' }
func isLower(r rune) bool { return r >= 'a' && r <= 'z' }
func isDigit(r rune) bool { return r >= '0' && r <= '9' }

// shortened cuts a name, behind a word if that leaves more than half of it.
func shortened(name string, length int) string {
	if len(name) <= length {
		return strings.TrimRight(name, "_-.")
	}
	if word := strings.LastIndexByte(name[:length+1], '_'); word > length/2 {
		length = word
	}
	return strings.TrimRight(name[:length], "_-.")
}

// free returns the name, with a number behind it if it is taken, and takes it.
func free(name string, length int, taken map[string]bool) string {
	out := name
	for n := 2; taken[out]; n++ {
		suffix := "_" + strconv.Itoa(n)
		out = shortened(name, length-len(suffix)) + suffix
	}
	taken[out] = true
	return out
}

// maxFieldName is the length of the longest name of a field.
const maxFieldName = 64

// comparisons are how some APIs write a range: created<=2026-01-01.
var comparisons = strings.NewReplacer("<", "_before_", ">", "_after_")

// fieldName makes of what the API calls something the name of a field. What can
// be one stays as it is.
func fieldName(key string) string {
	var out strings.Builder
	for _, r := range comparisons.Replace(key) {
		if out.Len() > maxFieldName {
			break
		}
		switch {
		case isUpper(r) || isLower(r) || isDigit(r) || strings.ContainsRune("_.-", r):
			out.WriteRune(r)
		case !strings.HasSuffix(out.String(), "_"):
			out.WriteByte('_')
		}
	}
	name := out.String()
	if name != key {
		name = strings.Trim(name, "_")
	}
	if rest, ok := strings.CutPrefix(name, "secret."); ok { // which is a secret value in a template
		name = "secret_" + rest
	}
	if len(name) > maxFieldName {
		name = shortened(name, maxFieldName)
	}
	if name == "" {
		return "value"
	}
	return name
}
