package approval_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"callout/handler/approval"
	"callout/handler/callout"
)

// differences are all that there are.
func differences(t *testing.T, before, after *callout.Request) []approval.Difference {
	t.Helper()
	found, truncated := approval.Differences(before, after)
	if truncated {
		t.Error("there are said to be more")
	}
	return found
}

func TestDifferences(t *testing.T) {
	request := func(url, body string, headers ...callout.HeaderValue) *callout.Request {
		return &callout.Request{Method: "POST", URL: url, Headers: headers, Body: json.RawMessage(body)}
	}
	for _, tt := range []struct {
		name          string
		before, after *callout.Request
		want          string
	}{
		{"none", request("https://a/b?c=d", `{"e":[1,{"f":null}]}`), request("https://a/b?c=d", `{"e": [1, {"f": null}] }`), ""},
		{"order of members", request("", `{"a":1,"b":2}`), request("", `{"b":2,"a":1}`), ""},
		{"path", request("https://a/b", ``), request("https://a/c", ``), `url "https://a/b" "https://a/c"`},
		{"query", request("https://a?b=c&d=e", ``), request("https://a?b=c%20d&f=g", ``), `query/b "c" "c d", query/d "e" , query/f  "g"`},
		{"query twice", request("https://a?b=c&b=d", ``), request("https://a?b=c&b=e", ``), `query/b#2 "d" "e"`},
		{"header", request("", ``, callout.HeaderValue{Name: "A", Value: "1"}), request("", ``, callout.HeaderValue{Name: "A", Value: "2"}), `headers/A "1" "2"`},
		{"member", request("", `{"a":{"b":"c"}}`), request("", `{"a":{"b":"d","e/f~g":true}}`), `body/a/b "c" "d", body/a/e~1f~0g  true`},
		{"element", request("", `[1,2]`), request("", `[1,3,4]`), `body/1 2 3, body/2  4`},
		{"emptied", request("", `{"a":{"b":1}}`), request("", `{"a":{}}`), `body/a  {}, body/a/b 1 `},
		{"a text as body", request("", `"a=b"`), request("", `"a=c"`), `body "a=b" "a=c"`},
		{"elements in their order", request("", `[0,1,2,3,4,5,6,7,8,9,10]`), request("", `[0,1,3,3,4,5,6,7,8,9,11]`), `body/2 2 3, body/10 10 11`},
		{"another kind", request("", `{"a":[1],"b":1}`), request("", `{"a":{"0":1},"b":[1]}`), `body/a [1] {"0":1}, body/b 1 [1]`},
		{"white space in nothing", request("", `{"a":{}}`), request("", `{"a":{ }}`), ""},
		{"where to comes first", request("https://a?z=1", `1`), request("https://b?z=2", `2`, callout.HeaderValue{Name: "A", Value: "1"}),
			`url "https://a" "https://b", query/z "1" "2", headers/A  "1", body 1 2`},
		{"nothing to compare with", nil, request("https://a", `1`), `method  "POST", url  "https://a", body  1`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var got []string
			for _, d := range differences(t, tt.before, tt.after) {
				got = append(got, fmt.Sprintf("%s %s %s", d.Path, d.Before, d.After))
			}
			if all := strings.Join(got, ", "); all != tt.want {
				t.Errorf("got\n%s\nwant\n%s", all, tt.want)
			}
		})
	}
}

// Bodies of any depth end.
func TestDifferencesOfWhatIsDeep(t *testing.T) {
	deep := &callout.Request{Body: json.RawMessage(strings.Repeat(`{"a":`, 9000) + "1" + strings.Repeat("}", 9000))}
	if got := differences(t, &callout.Request{}, deep); len(got) != 1 || !strings.HasPrefix(got[0].Path, "body/a/a") {
		t.Errorf("got %d differences", len(got))
	}
}

// A body with many differences does not push out where the request goes to, and
// what is left out is not passed over in silence.
func TestDifferencesAreBounded(t *testing.T) {
	before := &callout.Request{Method: "POST", URL: "https://a?b=1"}
	for n, truncated := range map[int]bool{approval.MaxDifferences - 4: false, approval.MaxDifferences - 3: true, 5000: true} {
		after := &callout.Request{Method: "PUT", URL: "https://b?b=2", Headers: []callout.HeaderValue{{Name: "X", Value: "1"}},
			Body: json.RawMessage("[1" + strings.Repeat(",1", n-1) + "]")}
		got, cut := approval.Differences(before, after)
		if len(got) != approval.MaxDifferences || cut != truncated {
			t.Fatalf("%d elements: %d differences, truncated %t", n, len(got), cut)
		}
		for i, path := range []string{"method", "url", "query/b", "headers/X", "body/0", "body/1"} {
			if got[i].Path != path {
				t.Errorf("number %d is %s, want %s", i, got[i].Path, path)
			}
		}
	}
}

func TestLongValuesAreCut(t *testing.T) {
	fits := strings.Repeat("x", approval.MaxValue-len(`""`))
	for name, tt := range map[string]struct{ body, begins string }{
		"a string that fits": {`"` + fits + `"`, `"` + fits + `"`},
		"a string":           {`"` + fits + `x"`, `"xxx`},
		"of two bytes each":  {`"é` + strings.Repeat("é", 4000) + `"`, `"éé`},
		"of escapes":         {`"` + strings.Repeat(`\u0001`, 4000) + `"`, `"\u0001`},
		"a number":           {strings.Repeat("1", 4000), `"111`},
		"an object":          {strings.Repeat(`{"a":`, 900) + "1" + strings.Repeat("}", 900), `"{\"a\":{`},
	} {
		got := differences(t, &callout.Request{}, &callout.Request{Body: json.RawMessage(tt.body)})
		value := string(got[0].After)
		if len(got) != 1 || len(value) > approval.MaxValue || !json.Valid(got[0].After) || !utf8.ValidString(value) || !strings.HasPrefix(value, tt.begins) {
			t.Errorf("%s: %d differences, the first is %s", name, len(got), value)
		}
		if cut := strings.HasSuffix(value, `…"`); cut != (value != tt.body) || cut && len(value) < approval.MaxValue/2 {
			t.Errorf("%s is shown in %d bytes, cut %t", name, len(value), cut)
		}
	}
}

// A long name above many values is not repeated for each of them.
func TestLongPathsAreCut(t *testing.T) {
	long := strings.Repeat("n", 300_000)
	wide := &callout.Request{Body: json.RawMessage(`{"` + long + `":[1` + strings.Repeat(",1", 100_000) + `]}`)}
	got := differences(t, &callout.Request{}, wide)
	if len(got) != 1 || len(got[0].Path) > approval.MaxValue+len("…") || !strings.HasSuffix(got[0].Path, "n…") {
		t.Errorf("got %d differences", len(got))
	}
}
