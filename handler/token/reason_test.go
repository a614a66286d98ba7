package token

import (
	"go/ast"
	"go/parser"
	gotoken "go/token"
	"slices"
	"strconv"
	"strings"
	"testing"

	"callout/handler/callout"
	"callout/handler/egress"
)

// declared lists the reasons in error.go.
func declared(t *testing.T) []Reason {
	t.Helper()
	file, err := parser.ParseFile(gotoken.NewFileSet(), "error.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	var out []Reason
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok {
			return true
		}
		if kind, ok := spec.Type.(*ast.Ident); ok && kind.Name == "Reason" {
			for _, value := range spec.Values {
				text, err := strconv.Unquote(value.(*ast.BasicLit).Value)
				if err != nil {
					t.Fatal(err)
				}
				out = append(out, Reason(text))
			}
		}
		return true
	})
	if len(out) < 20 {
		t.Fatalf("only %d reasons were found", len(out))
	}
	return out
}

// wantSentence checks for one sentence.
func wantSentence(t *testing.T, text string) {
	t.Helper()
	if len(text) < 20 || !strings.HasSuffix(text, ".") || strings.Contains(strings.TrimSuffix(text, "."), ". ") ||
		text[:1] != strings.ToUpper(text[:1]) || strings.Contains(text, "  ") {
		t.Errorf("%q is not one sentence", text)
	}
}

func TestEveryReasonHasItsWords(t *testing.T) {
	reasons := declared(t)
	said := map[string]Reason{}
	for _, r := range reasons {
		if !r.known() {
			t.Errorf("%s is not known", r)
		}
		wantSentence(t, r.Message())
		wantSentence(t, r.Advice())
		if other, ok := said[r.Message()]; ok {
			t.Errorf("%s says the same as %s", r, other)
		}
		said[r.Message()] = r
		if e := (&Error{Reason: r}); e.Message() != r.Message() || e.Advice() != r.Advice() || e.Error() != r.Message() {
			t.Errorf("an error of %s says %q and advises %q", r, e.Message(), e.Advice())
		}
	}
	for r := range meanings {
		if !slices.Contains(reasons, r) {
			t.Errorf("%s is not declared", r)
		}
	}
	for code, r := range codes {
		if letters(code) != code || !r.known() {
			t.Errorf("the code %q can never become %q", code, r)
		}
	}
}

// A row of a newer version may hold a reason that is not known here.
func TestAReasonThatIsNotKnown(t *testing.T) {
	for _, r := range []Reason{"", "invented", "INVALID_CLIENT"} {
		if r.known() || r.Transient() || r.Message() != Refused.Message() || r.Advice() != Refused.Advice() {
			t.Errorf("%q: known %t, %q", r, r.known(), r.Message())
		}
	}
}

func TestWhatMayPassByItself(t *testing.T) {
	var got []Reason
	for _, r := range declared(t) {
		if r.Transient() {
			got = append(got, r)
		}
	}
	if want := []Reason{ServerError, TemporarilyUnavailable, RateLimited, Unreachable, TimedOut}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

// Whatever went wrong on the way, it is told in one sentence.
func TestErrorsOfTheWay(t *testing.T) {
	for _, stage := range []callout.Stage{callout.StagePolicy, callout.StageDNS, callout.StageTCP, callout.StageTLS, callout.StageRequest, callout.StageResponse} {
		for _, r := range []Reason{Unreachable, TimedOut} {
			e := &Error{Reason: r, Way: &egress.Error{Stage: stage, Message: "The road is closed for good.", Advice: "Take the other one, please."}}
			wantSentence(t, e.Message())
			wantSentence(t, e.Advice())
			if !strings.HasSuffix(e.Message(), ": the road is closed for good.") {
				t.Errorf("it says %q", e.Message())
			}
		}
	}
}
