package draft

import (
	"fmt"
	"slices"
	"strings"
)

// notes are sentences about a draft, each once.
type notes struct {
	sentences []string
	more      int // that were not kept
}

// maxNotes is how many are kept of one draft.
const maxNotes = 30

func (n *notes) add(format string, args ...any) {
	sentence := fmt.Sprintf(format, args...)
	switch {
	case slices.Contains(n.sentences, sentence):
	case len(n.sentences) >= maxNotes:
		n.more++
	default:
		n.sentences = append(n.sentences, sentence)
	}
}

func (n *notes) list() []string {
	out := slices.Clone(n.sentences)
	if n.more > 0 {
		out = append(out, fmt.Sprintf("%d further notes are not shown.", n.more))
	}
	return out
}

// shown returns a name of the document as a note may show it. A name that does not
// look like one could be anything, a secret included.
func shown(name string) string {
	odd := strings.IndexFunc(name, func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("_.-$[]{}/:#~@*", r))
	}) >= 0
	if odd || name == "" || len(name) > 128 {
		return "(unreadable name)"
	}
	return name
}
