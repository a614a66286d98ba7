package tree_test

import (
	"bytes"
	"context"
	"encoding/json"
	"reflect"
	"testing"
	"unicode/utf8"

	"callout/handler/draft/tree"
)

// FuzzParse checks that whatever is read can be written as JSON, which is read as
// the same again; and that of valid JSON nothing is lost.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		`{"a": [1, -0, 1e5, "\ud83d\ude00", null, true], "b": {"a": {}}}`, `{"a":1,"a":2}`, "a: &x {b: *x}", "- &a b\n- *a\n- <<: *a\n",
		"a: !!int 0x1F\nb: !!bool yes\nc: !!null x\n", "? a\n: |\n b\n", "%YAML 1.1\n---\na: 'b'\n...\n", "{a: b, ? c}", "\ufeff[]", bomb(3),
		"a: {<<: [{b: 1}, {b: 2}]}", "&a a: *a", "!!float -.5", "a: .inf", "- 0b1_0\n- 1__\n- _1", "{\"\\/\": 1}",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		n, err := tree.Parse(context.Background(), data)
		if err != nil {
			return
		}
		out, ok := n.JSON(16 << 20)
		if !ok {
			return
		}
		if !json.Valid(out) {
			t.Fatalf("%q became %q, which is not JSON", data, out)
		}
		whole := append(append([]byte(`{"whole":`), out...), '}') // so that it is taken for JSON
		if again, err := tree.Parse(context.Background(), whole); err != nil {
			t.Errorf("%q cannot be read again: %v", out, err)
		} else if second, _ := again.Get("whole").JSON(16 << 20); !bytes.Equal(out, second) {
			t.Errorf("%q became %q", out, second)
		}
		if want, is := decoded(data); is && data[0] == '{' {
			if got, _ := decoded(out); !reflect.DeepEqual(got, want) {
				t.Errorf("%q became %q", data, out)
			}
		}
	})
}

// decoded is what the standard library reads.
func decoded(data []byte) (v any, ok bool) {
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	err := dec.Decode(&v)
	return v, err == nil && utf8.Valid(data)
}
