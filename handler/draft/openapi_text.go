package draft

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"callout/handler/callout"
)

// describe sets description and instructions from what the document says about
// the operation, and its name.
func (o *operation) describe() {
	const most = callout.MaxDescription + callout.MaxInstructions
	summary, text := oneText(o.node.Get("summary").Scalar(), most), oneText(o.node.Get("description").Scalar(), most)
	if text == "" {
		text = oneText(o.item.Get("description").Scalar(), most)
	}
	if text == "" || !strings.HasPrefix(strings.ToLower(text), strings.ToLower(summary)) {
		text = sentences(summary, text)
	}
	if o.node.Get("deprecated").True() {
		text = deprecated(text)
		o.notes.add("The document calls this operation deprecated.")
	}
	if text == "" {
		text = o.method + " " + o.path
	}
	var rest string
	o.description, rest = cutText(text, callout.MaxDescription)
	o.instructions, rest = cutText(rest, callout.MaxInstructions)
	if rest != "" {
		o.notes.add("The description of the operation is longer than description and instructions may be together. What follows is left out.")
	}
}

// deprecated says so at the beginning of the text, if it does not do so itself.
func deprecated(text string) string {
	if strings.HasPrefix(strings.ToLower(text), "deprecated") {
		return text
	}
	return sentences("Deprecated", text)
}

// oneText tidies a text of the document: no control characters, no space at its
// ends, and not much more of it than most characters.
func oneText(s string, most int) string {
	if long := 4*most + utf8.UTFMax; len(s) > long { // a character has at most four bytes
		s = strings.ToValidUTF8(s[:long], "")
	}
	s = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) && r != '\n' && r != '\t' {
			return -1
		}
		return r
	}, s)
	return strings.TrimSpace(s)
}

// sentences puts texts behind one another, each with a full stop.
func sentences(texts ...string) string {
	var out strings.Builder
	for _, text := range texts {
		if text == "" {
			continue
		}
		if out.Len() > 0 {
			out.WriteByte(' ')
		}
		out.WriteString(text)
		if last, _ := utf8.DecodeLastRuneInString(text); unicode.IsLetter(last) || unicode.IsDigit(last) || strings.ContainsRune(")`\"'", last) {
			out.WriteByte('.')
		}
	}
	return out.String()
}

// cutText cuts a text after at most most characters: behind a sentence if that
// leaves half of what is possible, else behind a word, else anywhere.
func cutText(text string, most int) (head, rest string) {
	if utf8.RuneCountInString(text) <= most {
		return text, ""
	}
	end := 0
	for range most {
		_, size := utf8.DecodeRuneInString(text[end:])
		end += size
	}
	for _, mark := range []string{"\n\n", ". ", ".\n", "! ", "? ", "\n", " "} {
		if i := strings.LastIndex(text[:end], mark); i > end/2 {
			end = i + len(mark)
			break
		}
	}
	return strings.TrimSpace(text[:end]), strings.TrimSpace(text[end:])
}
