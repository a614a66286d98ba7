package egress_test

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"callout/handler/egress"
)

// row is one line of testdata/ssrf.txt, the columns of which are named there.
type row struct {
	line                                      int
	verdict, stage, kind, input, extra, notes string
}

// name is that of the configurations for a row.
func (r row) name() string { return fmt.Sprintf("row_%d", r.line) }

// rows are all rows of the corpus.
func rows(t *testing.T) []row {
	t.Helper()
	var out []row
	for i, line := range lines(t, "testdata/ssrf.txt") {
		f := strings.Split(line, "\t")
		if len(f) != 6 {
			t.Fatalf("%q has %d columns", line, len(f))
		}
		out = append(out, row{i, f[0], f[1], f[2], unquote(t, f[3]), unquote(t, f[4]), f[5]})
	}
	return out
}

// lines are those of a file that are no comments.
func lines(t *testing.T, file string) []string {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return slices.DeleteFunc(strings.Split(strings.TrimSpace(string(data)), "\n"), func(line string) bool {
		return strings.HasPrefix(line, "#")
	})
}

func unquote(t *testing.T, quoted string) string {
	t.Helper()
	s, err := strconv.Unquote(quoted)
	if err != nil {
		t.Fatalf("%s: %v", quoted, err)
	}
	return s
}

// corpusPolicy is the one that the corpus assumes.
var corpusPolicy = egress.Policy{OwnHosts: []string{"myapp.azurewebsites.net"}}

// trials say what becomes of the rows with a verdict and a kind.
var trials = map[string]func(*world, row){
	"ALLOW url":         (*world).reaches,
	"DENY url":          (*world).refusesURL,
	"DENY dns":          (*world).refusesName,
	"ALLOW hdr":         (*world).carries,
	"DENY hdr":          (*world).refusesHeader,
	"DENY arg":          (*world).refusesArgument,
	"ESCAPE arg":        (*world).escapes,
	"NOFOLLOW redirect": (*world).doesNotFollow,
}

// TestCorpus gives every row its verdict: a configuration is created, tested and
// executed.
func TestCorpus(t *testing.T) {
	w := newWorld(t, corpusPolicy, hello)
	tried := map[string]int{}
	for _, r := range rows(t) {
		t.Run(fmt.Sprintf("%s %s %q", r.verdict, r.kind, r.input), func(t *testing.T) {
			kind := r.verdict + " " + r.kind
			try := trials[kind]
			if try == nil {
				t.Fatalf("nothing is known of rows of kind %q", kind)
			}
			w.begin(t)
			try(w, r)
			tried[kind]++
		})
	}
	want := map[string]int{"ALLOW url": 3, "DENY url": 79, "DENY dns": 4, "ALLOW hdr": 2, "DENY hdr": 39,
		"DENY arg": 5, "ESCAPE arg": 7, "NOFOLLOW redirect": 1}
	if !maps.Equal(tried, want) {
		t.Errorf("tried were %v, want %v", tried, want)
	}
}

// The packages that decide keep the rows that are theirs.
func TestCorpusIsThatOfThePackages(t *testing.T) {
	var parts []string
	for _, file := range []string{"egress/testdata/ssrf.txt", "callout/testdata/headers.txt", "request/testdata/arguments.txt"} {
		parts = append(parts, lines(t, "../../handler/"+file)...)
	}
	whole := lines(t, "testdata/ssrf.txt")
	slices.Sort(parts)
	slices.Sort(whole)
	if !slices.Equal(slices.Compact(parts), whole) {
		t.Errorf("the packages have %d rows together, and the whole has %d; they are to be the same", len(parts), len(whole))
	}
}
