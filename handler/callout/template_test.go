package callout_test

import (
	"slices"
	"strings"
	"testing"

	"callout/handler/callout"
)

func literal(s string) callout.Part  { return callout.Part{Literal: s} }
func field(name string) callout.Part { return callout.Part{Field: name} }
func value(name string) callout.Part { return callout.Part{Secret: name} }

func TestParseText(t *testing.T) {
	for s, want := range map[string]callout.Text{
		"":                             nil,
		"plain":                        {literal("plain")},
		"{a} }} } {":                   {literal("{a} }} } {")},
		"{{a}}":                        {field("a")},
		"{{  a }}":                     {field("a")},
		"x{{a}}y":                      {literal("x"), field("a"), literal("y")},
		"{{a}}{{b}}":                   {field("a"), field("b")},
		"{{secret.a}}":                 {value("a")},
		"{{ secret.a }}":               {value("a")},
		"{{secret.secret.a}}":          {value("secret.a")},
		"{{secret}}":                   {field("secret")},
		"{{secrets.a}}":                {field("secrets.a")},
		"{{a.b-c_D9}}":                 {field("a.b-c_D9")},
		"{{a}}}}":                      {field("a"), literal("}}")},
		"{{" + text(64) + "}}":         {field(text(64))},
		"é{{secret." + text(64) + "}}": {literal("é"), value(text(64))},
	} {
		got, problem := callout.ParseText(s)
		if problem != "" || !slices.Equal(got, want) {
			t.Errorf("%q is taken for %+v, want %+v (%s)", s, got, want, problem)
		}
		if wanted := strings.Contains(s, "{{"); got.HasPlaceholders() != wanted {
			t.Errorf("%q has placeholders: %t", s, !wanted)
		}
	}
}

func TestWhatBeginsAPlaceholderMustBeOne(t *testing.T) {
	for _, s := range []string{
		"{{", "{{a", "{{a}", "{{a} }", "{{}}", "{{ }}", "{{secret.}}", "{{a b}}", "{{\ta}}", "{{a\n}}", "{{é}}", "{{{a}}}", "{{a}} {{b",
		"{{a[0]}}", "{{#if a}}", "{{secret .a}}", "{{a|upper}}", "{{\x00}}", "{{" + text(65) + "}}", "{{secret." + text(65) + "}}",
	} {
		if got, problem := callout.ParseText(s); got != nil || !strings.HasSuffix(problem, ".") {
			t.Errorf("%q is taken for %+v, and %q", s, got, problem)
		}
	}
}

// What is taken apart makes the same text again, and literal text holds no
// beginning of a placeholder.
func FuzzParseText(f *testing.F) {
	for _, s := range []string{"", "a{{b}}c{{ secret.d }}", "{{{{a}}}}", "{{a}}}}{{", "{ {a}}", "}}{{"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		parts, problem := callout.ParseText(s)
		var again strings.Builder
		for _, part := range parts {
			switch {
			case part.Field != "":
				again.WriteString("{{" + part.Field + "}}")
			case part.Secret != "":
				again.WriteString("{{secret." + part.Secret + "}}")
			default:
				again.WriteString(part.Literal)
			}
			if strings.Contains(part.Literal, "{{") || part == (callout.Part{}) {
				t.Errorf("%q has the part %+v", s, part)
			}
		}
		if second, _ := callout.ParseText(again.String()); problem == "" && !slices.Equal(second, parts) {
			t.Errorf("%q is %+v and, written again, %+v", s, parts, second)
		}
	})
}
