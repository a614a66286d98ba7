package callout_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"strconv"
	"strings"
	"testing"

	"callout/handler/callout"
)

// codes reads the constants of type Code out of the source, so that none can be
// forgotten here.
func codes(t *testing.T) []callout.Code {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "codes.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	var out []callout.Code
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok {
			return true
		}
		if typ, ok := spec.Type.(*ast.Ident); ok && typ.Name == "Code" {
			code, err := strconv.Unquote(spec.Values[0].(*ast.BasicLit).Value)
			if err != nil {
				t.Fatal(err)
			}
			out = append(out, callout.Code(code))
		}
		return true
	})
	if len(out) < 10 {
		t.Fatalf("only %d codes were found in codes.go", len(out))
	}
	return out
}

// isSentence reports whether s is what can stand behind another sentence.
func isSentence(s string) bool {
	return strings.HasSuffix(s, ".") && s == strings.TrimSpace(s) && strings.ToUpper(s[:1]) == s[:1]
}

func TestEveryCodeHasAdvice(t *testing.T) {
	all := codes(t)
	for _, code := range all {
		if s := callout.Advice(code); s == "" || !isSentence(s) {
			t.Errorf("the advice of %s is %q", code, s)
		}
		if s := callout.OperatorAdvice(code, 0); s == "" || !isSentence(s) {
			t.Errorf("the advice of %s for operators is %q", code, s)
		}
		e := callout.NewCallError(code, "Something was wrong.")
		if e.Code != code || e.Reason != "Something was wrong." || e.Message != "Something was wrong. "+callout.Advice(code) {
			t.Errorf("the error of %s is %+v", code, e)
		}
	}
	if listed := callout.Codes(); len(listed) != len(all) {
		t.Errorf("%d codes have advice, %d exist", len(listed), len(all))
	}
}

// Who is told that a retry may help must not be told otherwise by the advice.
func TestRetryable(t *testing.T) {
	want := map[callout.Code]bool{callout.ConnectFailed: true, callout.TimedOut: true, callout.RequestFailed: true,
		callout.RateLimited: true, callout.UpstreamServerError: true}
	for _, code := range codes(t) {
		e := callout.NewCallError(code, "Wrong.")
		if e.Retryable != want[code] {
			t.Errorf("%s: retryable %t", code, e.Retryable)
		}
		if e.Retryable && strings.HasPrefix(callout.Advice(code), "Do not") {
			t.Errorf("%s is retryable, and its advice is: %s", code, callout.Advice(code))
		}
	}
}

func TestAdviceByStatus(t *testing.T) {
	for _, status := range []int{400, 401, 403, 404, 405, 415, 422} {
		special := callout.OperatorAdvice(callout.UpstreamClientError, status)
		if !isSentence(special) || special == callout.OperatorAdvice(callout.UpstreamClientError, 418) {
			t.Errorf("%d has the advice %q", status, special)
		}
	}
	if callout.OperatorAdvice(callout.RateLimited, 403) != callout.OperatorAdvice(callout.RateLimited, 429) {
		t.Error("a limit that is answered with 403 is taken for a matter of permissions")
	}
}

// Who changes what the list gives does not change the advice.
func TestCodesIsACopy(t *testing.T) {
	clear(callout.Codes())
	if callout.Advice(callout.TimedOut) == "" {
		t.Error("the advice is gone")
	}
}
