package tree_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"callout/handler/draft/tree"
)

func parse(t testing.TB, text string) *tree.Node {
	t.Helper()
	n, err := tree.Parse(context.Background(), []byte(text))
	if err != nil {
		t.Fatalf("%.200q: %v", text, err)
	}
	return n
}

func written(t testing.TB, n *tree.Node) string {
	t.Helper()
	out, ok := n.JSON(1 << 20)
	if !ok {
		t.Fatal("longer than a megabyte")
	}
	return string(out)
}

// What is read keeps its order, its digits and its text.
func TestParse(t *testing.T) {
	for _, tt := range []struct{ name, text, want string }{
		{"order", `{"b": 1, "a": [true, null, {"d": "", "c": false}]}`, `{"b":1,"a":[true,null,{"d":"","c":false}]}`},
		{"many members", `{"i":1,"h":2,"g":3,"f":4,"e":5,"d":6,"c":7,"b":8,"a":9,"j":10}`, `{"i":1,"h":2,"g":3,"f":4,"e":5,"d":6,"c":7,"b":8,"a":9,"j":10}`},
		{"digits", `{"n": [9007199254740993, -0, 1.50, 1e999]}`, `{"n":[9007199254740993,-0,1.50,1e999]}`},
		{"text", `{"<a>": "\ud83d\ude00 \/ \" \u2028 &"}`, `{"<a>":"😀 / \" \u2028 &"}`},
		{"a byte order mark", "\ufeff {}", `{}`},
		{"YAML", "b: 1\na:\n- true\n- ~\n- {d: '', c: False}\n", `{"b":1,"a":[true,null,{"d":"","c":false}]}`},
		{"numbers of YAML", "[0x1F, 1_000, .5, +1, -2.50, 1e3, 0o17]", `[31,1000,0.5,1,-2.50,1e3,15]`},
		{"what is no number", "[.inf, .nan, 1.2.3, 12:30:00, !!int x, !!float true, 2020-01-01]", `[".inf",".nan","1.2.3","12:30:00","x","true","2020-01-01"]`},
		{"what is no truth", "[yes, off, 'true', !!bool x, TRUE]", `["yes","off","true","x",true]`},
		{"keys that are numbers", "200: ok\n4XX: bad\ntrue: yes\n", `{"200":"ok","4XX":"bad","true":"yes"}`},
		{"text over lines", "a: |\n  one\n  two\nb: >-\n  one\n  two\n", `{"a":"one\ntwo\n","b":"one two"}`},
		{"aliases", "a: &x {k: [1]}\nb: *x\nc: [*x, *x]\n", `{"a":{"k":[1]},"b":{"k":[1]},"c":[{"k":[1]},{"k":[1]}]}`},
		{"an alias of a key", "&k a: 1\nb: *k\n*k : 2\n", ``},
		{"a merge", "base: &b {x: 1, y: 2}\nmore:\n  <<: *b\n  y: 3\n", `{"base":{"x":1,"y":2},"more":{"y":3,"x":1}}`},
		{"merges", "a: &a {x: 1}\nb: &b {x: 2, y: 2}\nc: {<<: [*a, *b, 7], z: 3}\nd: {<<: 4}\n", `{"a":{"x":1},"b":{"x":2,"y":2},"c":{"z":3,"x":1,"y":2},"d":{}}`},
		{"a key that only looks like a merge", "\"<<\": {a: 1}", `{"<<":{"a":1}}`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			n, err := tree.Parse(context.Background(), []byte(tt.text))
			if tt.want == "" {
				if err == nil {
					t.Errorf("was accepted as %s", written(t, n))
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if got := written(t, n); got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
		})
	}
}

// bomb is the billion laughs: each line holds ten of the line before.
func bomb(lines int) string {
	var out strings.Builder
	out.WriteString("a0: &a0 ha\n")
	for i := 1; i <= lines; i++ {
		last := "*a" + string(rune('0'+i-1)) + ","
		out.WriteString("a" + string(rune('0'+i)) + ": &a" + string(rune('0'+i)) + " [" + strings.Repeat(last, 10) + "]\n")
	}
	return out.String()
}

const canary = "CaNaRy"

func TestRefused(t *testing.T) {
	for _, tt := range []struct{ name, text, want string }{
		{"nothing", "", "is empty"},
		{"only a comment", "# " + canary, "is empty"},
		{"too long", strings.Repeat(" ", tree.MaxBytes) + "{}", "longer than 4194304 bytes"},
		{"not UTF-8", "{\"a\": \"\xff\"}", "not valid UTF-8"},
		{"not JSON", "{\"" + canary + "\": }", "not valid JSON: the fault is near byte 11"},
		{"JSON cut off", `{"a": [1, 2`, "not valid JSON"},
		{"two documents of JSON", "{} {}", "Something follows"},
		{"two documents of YAML", "a: 1\n---\nb: 1\n", "Something follows"},
		{"not YAML", "a: b\n" + canary + ": [\n", "near line 2"},
		{"an alias of nothing", "a: *" + canary, "nor valid YAML"},
		{"twice in JSON", `{"` + canary + `": 1, "` + canary + `": 2}`, "given twice in one object, near byte 25"},
		{"twice in YAML", "x: 1\n" + canary + ": 1\n" + canary + ": 2\n", "given twice in one object, on line 3"},
		{"a key that is an object", "? {a: 1}\n: 2\n", "A key on line 1 is not plain text"},
		{"an alias of itself", "a: &a\n  b: *a\n", "within what it refers to, on line 2"},
		{"deep JSON", `{"a":` + strings.Repeat("[", 1000) + strings.Repeat("]", 1000) + "}", "deeper than 100 levels"},
		{"deep JSON objects", strings.Repeat(`{"a":`, 1000), "deeper than 100 levels"},
		{"deep YAML", strings.Repeat("- ", 1000) + "a", "deeper than 100 levels"},
		{"very deep YAML", strings.Repeat("[", 200_000), "nor valid YAML"},
		{"many values of JSON", `{"a":[` + strings.Repeat("0,", tree.MaxNodes) + "0]}", "more than 250000 values"},
		{"many values of YAML", "[" + strings.Repeat("0,", 260_000) + "0]", "more than 250000 values"},
		{"many separators", "[" + strings.Repeat("0,", 300_001) + "0]", "more than 300000 lines, commas"},
		{"many directives", strings.Repeat("\n%TAG !a! b", 100_000) + "\n--- a", "begin with a percent sign"},
		{"a bomb of aliases", bomb(9), "more than 250000 values"},
		{"a bomb of merges", "a: &a {" + manyKeys(1000) + "}\nb: [" + strings.Repeat("{<<: *a},", 1000) + "]", "more than 250000 values"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := tree.Parse(context.Background(), []byte(tt.text))
			var refusal *tree.Error
			if !errors.As(err, &refusal) || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want one with %q", err, tt.want)
			}
			if err != nil && strings.Contains(err.Error(), canary) {
				t.Errorf("the document is quoted: %v", err)
			}
		})
	}
}

func manyKeys(n int) string {
	var out strings.Builder
	for i := range n {
		out.WriteString("k" + strings.Repeat("a", i%7) + string(rune('a'+i%26)) + strings.Repeat("b", i/26) + ": 0, ")
	}
	return out.String()
}

// At the limits, a document is read.
func TestAtTheLimits(t *testing.T) {
	depth := tree.MaxDepth - 1
	for _, text := range []string{
		`{"a":` + strings.Repeat("[", depth) + strings.Repeat("]", depth) + "}",
		strings.Repeat("[", depth+1) + strings.Repeat("]", depth+1),
		`{"a":[` + strings.Repeat("0,", tree.MaxNodes-3) + "0]}",
		"{}" + strings.Repeat(" ", tree.MaxBytes-2),
		bomb(4),
	} {
		parse(t, text)
	}
}

func TestTheContextEndsIt(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	for _, text := range []string{"{}", "a: 1"} {
		if _, err := tree.Parse(ctx, []byte(text)); !errors.Is(err, context.Canceled) {
			t.Errorf("%q: %v", text, err)
		}
	}
}

// Whatever is not there can be asked all the same.
func TestNothing(t *testing.T) {
	var n *tree.Node
	for range n.Members() {
		t.Error("a member")
	}
	if n.Kind() != tree.None || n.Get("a").Get("b") != nil || n.Elements() != nil || n.Len() != 0 || n.Text() != "" || n.Scalar() != "" || n.True() || n.Follow("/a") != nil {
		t.Error("there is something")
	}
	if got := written(t, n); got != "null" {
		t.Errorf("written as %s", got)
	}
	whole := parse(t, `{"text": "a", "number": 3.1, "no": false, "list": [1]}`)
	for range whole.Get("list").Members() {
		t.Error("an array has members")
	}
	if whole.Get("text").Text() != "a" || whole.Get("number").Text() != "" || whole.Get("number").Scalar() != "3.1" || whole.Get("no").Scalar() != "false" || whole.Get("no").True() || whole.Elements() != nil || whole.Scalar() != "" {
		t.Error("one kind is taken for another")
	}
}

func TestFollow(t *testing.T) {
	root := parse(t, `{"paths": {"/a/{b}": {"get": 1}, "~x": {"": 2}, "a b%": 3}, "list": [4]}`)
	for pointer, want := range map[string]string{
		"":                          written(t, root),
		"/paths/~1a~1{b}/get":       "1",
		"/paths/~1a~1%7Bb%7D/get":   "1",
		"/paths/~0x/":               `2`,
		"/paths/a b%":               "3",
		"/paths/a%20b%25":           "3",
		"/list/0":                   "4",
		"/list/1":                   "null",
		"/list/-1":                  "null",
		"/list/a":                   "null",
		"/list/0/0":                 "null",
		"/missing/paths":            "null",
		"paths/~0x":                 `{"":2}`,
		strings.Repeat("/a", 10000): "null",
	} {
		if got := written(t, root.Follow(pointer)); got != want {
			t.Errorf("%.50q leads to %s, want %s", pointer, got, want)
		}
	}
}

func TestJSONHasALimit(t *testing.T) {
	n := parse(t, `{"a": ["xxxx", "yyyy"], "b": {"c": 1}}`)
	whole := written(t, n)
	if _, ok := n.JSON(len(whole)); !ok {
		t.Error("refused at its own length")
	}
	for limit := range len(whole) {
		if out, ok := n.JSON(limit); ok || out != nil {
			t.Errorf("%d bytes allow %s", limit, out)
		}
	}
}
