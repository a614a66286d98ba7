package callout

import "strings"

// Text is configured text with placeholders in it (design: section 4).
type Text []Part

// Part is a piece of a Text: literal text, or else the name of what is put in its
// place. One of the three is set.
type Part struct {
	Literal string
	Field   string // {{name}}: an argument
	Secret  string // {{secret.name}}: one of the configuration's secretValues
}

const secretPrefix = "secret."

// ParseText takes text apart. Within a placeholder, spaces around the name do not
// count. It fails, and says what to do, where {{ does not begin a placeholder:
// there is no way to write it as text, other than in an argument or a secret
// value, which are filled in as they are.
func ParseText(s string) (text Text, problem string) {
	for s != "" {
		literal, rest, found := strings.Cut(s, "{{")
		if literal != "" {
			text = append(text, Part{Literal: literal})
		}
		if !found {
			return text, ""
		}
		name, after, closed := strings.Cut(rest, "}}")
		name = strings.Trim(name, " ")
		hidden, isSecret := strings.CutPrefix(name, secretPrefix)
		switch {
		case !closed || !validKey(strings.TrimPrefix(name, secretPrefix)):
			return nil, "{{ begins a placeholder: write {{name}} with the name of a field, or {{secret.name}} with that of a secret value. A text that is to hold {{ itself can be a secret value."
		case isSecret:
			text = append(text, Part{Secret: hidden})
		default:
			text = append(text, Part{Field: name})
		}
		s = after
	}
	return text, ""
}

// name is what stands between the braces.
func (p Part) name() string {
	if p.Secret != "" {
		return secretPrefix + p.Secret
	}
	return p.Field
}

// with writes the text with the same word for each placeholder.
func (t Text) with(word string) string {
	var out strings.Builder
	for _, part := range t {
		if part.Literal == "" {
			out.WriteString(word)
		}
		out.WriteString(part.Literal)
	}
	return out.String()
}

// HasPlaceholders reports whether anything is to be filled in.
func (t Text) HasPlaceholders() bool {
	for _, part := range t {
		if part.Literal == "" {
			return true
		}
	}
	return false
}
