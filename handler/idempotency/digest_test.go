package idempotency_test

import (
	"bytes"
	"encoding/json"
	"math"
	"testing"

	"callout/handler/idempotency"
)

// parse reads arguments as they are read from a call: numbers as they are written.
func parse(t testing.TB, text string) map[string]any {
	t.Helper()
	decoder := json.NewDecoder(bytes.NewReader([]byte(text)))
	decoder.UseNumber()
	var out map[string]any
	if err := decoder.Decode(&out); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return out
}

func TestWhichArgumentsAreTheSame(t *testing.T) {
	for _, c := range []struct {
		a, b string
		same bool
	}{
		{`{"a":1,"b":2}`, `{ "b" : 2,	"a" : 1 }`, true},
		{`{"a":{"x":1,"y":[1,2]}}`, `{"a":{"y":[1,2],"x":1}}`, true},
		{`{"a":"é/<"}`, `{"a":"\u00e9\/\u003c"}`, true},
		{`{"a":1,"b":null}`, `{"a":1}`, true},
		{`{}`, `{"a":null}`, true},

		{`{"a":1}`, `{"a":2}`, false},
		{`{"a":1}`, `{"b":1}`, false},
		{`{"a":1}`, `{"a":"1"}`, false},
		{`{"a":1}`, `{"a":1.0}`, false},
		{`{"a":1}`, `{"a":true}`, false},
		{`{"a":9007199254740992}`, `{"a":9007199254740993}`, false},
		{`{"a":0.1}`, `{"a":0.10000000000000000001}`, false},
		{`{"a":1e2}`, `{"a":100}`, false},
		{`{"a":[1,2]}`, `{"a":[2,1]}`, false},
		{`{"a":[null]}`, `{"a":[]}`, false},
		{`{"a":{"x":null}}`, `{"a":{}}`, false},
		{`{"a":"x"}`, `{"a":"X"}`, false},
		{`{"a":"é"}`, `{"a":"e\u0301"}`, false},
		{`{"a":""}`, `{}`, false},
		{`{"a":1,"b":2}`, `{"a":1}`, false},
		{`{"a,b":1}`, `{"a":1,"b":1}`, false},
	} {
		a, errA := idempotency.DigestOf(parse(t, c.a))
		b, errB := idempotency.DigestOf(parse(t, c.b))
		if errA != nil || errB != nil || (a == b) != c.same {
			t.Errorf("%s and %s are the same: %t, want %t (%v, %v)", c.a, c.b, a == b, c.same, errA, errB)
		}
	}
}

func TestNoArgumentsAreTheSameAsNone(t *testing.T) {
	none, err := idempotency.DigestOf(nil)
	empty, err2 := idempotency.DigestOf(map[string]any{})
	if err != nil || err2 != nil || none != empty {
		t.Errorf("%x, %v and %x, %v", none, err, empty, err2)
	}
}

// What is not made of JSON values has no digest, rather than that of something
// else.
func TestWhatIsNoJSON(t *testing.T) {
	for _, value := range []any{math.NaN(), func() {}, json.Number("1 or 2")} {
		if d, err := idempotency.DigestOf(map[string]any{"a": value}); err == nil || d != (idempotency.Digest{}) {
			t.Errorf("%T has the digest %x, %v", value, d, err)
		}
	}
}
