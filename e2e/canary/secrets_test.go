package canary

import (
	"math/rand/v2"
	"strings"
	"sync"
)

// nature is what is special about a secret.
type nature string

const (
	nasty    nature = "nasty"    // what every encoder writes in another way
	deceiver nature = "deceiver" // what looks as if it were encoded
	foreign  nature = "foreign"  // letters outside ASCII
	long     nature = "long"     // 1 KiB
	longest  nature = "longest"  // 8 KiB
	eight    nature = "eight"    // bytes, which is the least
	tame     nature = "tame"     // letters and digits
)

var natures = []nature{nasty, deceiver, foreign, long, eight, tame}

// room is what a place can take.
type room int

const (
	anything room = iota
	header        // printable ASCII, without spaces at the ends
	part          // of a text, as header, and not short or like an encoding
)

// garden is where canaries come from, and where it is known which there are.
type garden struct {
	mu      sync.RWMutex
	random  *rand.Rand
	needles needles
}

func newGarden(seed uint64) *garden {
	return &garden{random: rand.New(rand.NewPCG(seed, 0)), needles: needles{windows: map[uint64]string{}}}
}

// markerLength is that of what a secret can be known by in any part of it that has
// half of it.
const markerLength = 16

// marker returns letters and digits that nobody else has, and notes whose they
// are.
func (g *garden) marker(owner string) string {
	marker := g.letters(markerLength)
	g.needles.add(owner, marker)
	return marker
}

func (g *garden) letters(n int) string {
	const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
	b := make([]byte, n)
	for i := range b {
		b[i] = letters[g.random.IntN(len(letters))]
	}
	return string(b)
}

// secret returns a new one.
func (g *garden) secret(owner string, n nature, r room) string {
	g.mu.Lock()
	defer g.mu.Unlock()
	if n == foreign && r != anything || (n == eight || n == deceiver) && r == part {
		n = nasty
	}
	switch n {
	case deceiver:
		return g.marker(owner) + `\u0041\n%41%2f&amp;&#65;\/` + g.marker(owner) + `+%2B"\\u0042&lt;` + g.marker(owner)
	case foreign:
		return g.marker(owner) + `é/ü` + g.marker(owner) + `κ "🔑" &` + g.marker(owner)
	case long:
		return g.long(owner, 1<<10)
	case longest:
		return g.long(owner, 8<<10)
	case eight:
		return g.short(owner)
	case tame:
		return g.marker(owner) + g.marker(owner)
	}
	return g.marker(owner) + `/+=&<>"\% ` + g.marker(owner) + `'{}?#;:@,~` + g.marker(owner)
}

func (g *garden) long(owner string, n int) string {
	var b strings.Builder
	for b.Len() < n-2*markerLength {
		b.WriteString(g.marker(owner) + []string{`/`, `+`, `=`, `&`, `"`, `\`, `%`, ` `, `<>`}[g.random.IntN(9)])
	}
	return b.String() + g.marker(owner)
}

// short returns one that is known only as a whole.
func (g *garden) short(owner string) string {
	s := g.letters(2) + `/` + g.letters(1) + `+"` + g.letters(2)
	g.needles.add(owner, s)
	return s
}

// overlapping returns two secrets of which one ends as the other begins.
func (g *garden) overlapping(owner string) (first, second string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	both := g.marker(owner) + `"/` + g.marker(owner)
	return g.marker(owner) + "+" + both, both + "=&" + g.marker(owner)
}

// find looks for any of them in a text.
func (g *garden) find(text string) (leak, bool) {
	g.mu.RLock()
	defer g.mu.RUnlock()
	return g.needles.find(text)
}

// token returns one that a provider gives.
func (g *garden) token(owner string) string {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.marker(owner) + "/+~." + g.marker(owner) + "=="
}
