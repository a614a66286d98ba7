package secret_test

import (
	"bytes"
	"encoding/gob"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"html/template"
	"log/slog"
	"strings"
	"testing"
	texttemplate "text/template"

	"callout/handler/secret"
)

const canary = "canary-7f3a9c"

// holder has a Secret wherever a type can have one.
type holder struct {
	Exported   secret.Secret
	Pointer    *secret.Secret
	Slice      []secret.Secret
	Map        map[string]secret.Secret
	Any        any
	unexported secret.Secret
	pointer    *secret.Secret
	slice      []secret.Secret
	nested     struct{ deep [1]secret.Secret }
}

func newHolder(value string) holder {
	s := secret.New(value)
	h := holder{
		Exported: s, Pointer: &s, Slice: []secret.Secret{s}, Map: map[string]secret.Secret{"k": s}, Any: s,
		unexported: s, pointer: &s, slice: []secret.Secret{s},
	}
	h.nested.deep[0] = s
	return h
}

// carrier is an error that has a Secret.
type carrier struct {
	Token secret.Secret
	token secret.Secret
}

func (c carrier) Error() string { return fmt.Sprintf("refused %v %+v", c.Token, c.token) }

// things are a Secret and all that may hold one.
func things(value string) map[string]any {
	s, h := secret.New(value), newHolder(value)
	return map[string]any{
		"Secret":           s,
		"*Secret":          &s,
		"struct":           h,
		"*struct":          &h,
		"slice":            []secret.Secret{s},
		"slice of structs": []holder{h},
		"map":              map[string]secret.Secret{"k": s},
		"map key":          map[secret.Secret]int{s: 1},
		"array":            [2]secret.Secret{s, s},
		"interface":        []any{s, &s, h},
		"error":            carrier{Token: s, token: s},
		"wrapped error":    fmt.Errorf("call: %w", carrier{Token: s, token: s}),
		"function result":  func() any { return s }(),
	}
}

// forms are the ways in which a value can be recognised in output.
func forms(value string) []string {
	return []string{value, fmt.Sprintf("%x", value), fmt.Sprintf("%X", value), fmt.Sprintf("% x", value), fmt.Sprintf("%d", []byte(value))}
}

func checkHidden(t *testing.T, where, output string) {
	t.Helper()
	for _, form := range forms(canary) {
		if strings.Contains(output, form) {
			t.Errorf("%s shows the secret: %s", where, output)
		}
	}
}

func TestNoVerbShowsIt(t *testing.T) {
	verbs := []string{"%v", "%+v", "%#v", "%s", "%+s", "%#s", "%q", "%#q", "%x", "%X", "% x", "%#x", "%d", "%o", "%b", "%c",
		"%U", "%t", "%e", "%g", "%p", "%T", "%w", "%z", "%40v", "%-40s", "%.3s", "%[1]v %[1]s"}
	for name, thing := range things(canary) {
		for _, verb := range verbs {
			checkHidden(t, verb+" of "+name, fmt.Sprintf(verb, thing))
			checkHidden(t, "Errorf "+verb+" of "+name, fmt.Errorf(verb, thing).Error())
		}
		checkHidden(t, "Sprint of "+name, fmt.Sprint(thing))
		checkHidden(t, "Sprintln of "+name, fmt.Sprintln(thing))
	}
}

func TestTheMaskIsShown(t *testing.T) {
	for _, s := range []secret.Secret{secret.New(canary), secret.New(""), {}} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
			if got := fmt.Sprintf(verb, s); got != secret.Mask {
				t.Errorf("%s gives %s, want %s", verb, got, secret.Mask)
			}
		}
	}
}

func TestNoLogShowsIt(t *testing.T) {
	var out bytes.Buffer
	all := &slog.HandlerOptions{Level: slog.LevelDebug}
	for kind, handler := range map[string]slog.Handler{"text": slog.NewTextHandler(&out, all), "JSON": slog.NewJSONHandler(&out, all)} {
		for name, thing := range things(canary) {
			out.Reset()
			log := slog.New(handler)
			log.Info("a", "k", thing)
			log.With("k", thing).Info("b")
			log.WithGroup("g").Error("c", slog.Any("k", thing), slog.Group("h", "k", thing))
			log.Debug(fmt.Sprint(thing), "pair", []any{"k", thing})
			checkHidden(t, kind+" log of "+name, out.String())
		}
	}
	out.Reset()
	slog.New(slog.NewJSONHandler(&out, nil)).Info("m", "k", secret.New(canary))
	if !strings.Contains(out.String(), `"k":"[secret]"`) {
		t.Errorf("the log has no mask: %s", out.String())
	}
}

func TestNoEncoderShowsIt(t *testing.T) {
	for name, thing := range things(canary) {
		for _, encode := range []func(any) ([]byte, error){json.Marshal, xml.Marshal, gobEncode} {
			data, err := encode(thing)
			checkHidden(t, name, string(data))
			if err != nil {
				checkHidden(t, "the error of "+name, err.Error())
			}
		}
	}
}

func gobEncode(v any) ([]byte, error) {
	gob.Register(secret.Secret{})
	var b bytes.Buffer
	err := gob.NewEncoder(&b).Encode(v)
	return b.Bytes(), err
}

func TestNoTemplateShowsIt(t *testing.T) {
	const text = `{{.Exported}} {{.Pointer}} {{.Slice}} {{.Map}} {{.Any}} {{.}} {{printf "%v %#v" .Exported .}} {{len .Slice}}`
	h := newHolder(canary)
	var out bytes.Buffer
	if err := texttemplate.Must(texttemplate.New("t").Parse(text)).Execute(&out, h); err != nil {
		t.Fatal(err)
	}
	_ = template.Must(template.New("t").Parse(`<a onclick="f({{.}})">`+text)).Execute(&out, h)
	checkHidden(t, "a template", out.String())
}

func TestMarshalFails(t *testing.T) {
	s := secret.New(canary)
	type body struct {
		Token secret.Secret `json:"token,omitzero"`
	}
	for name, v := range map[string]any{
		"itself": s, "in a struct": body{Token: s}, "in a slice": []secret.Secret{s}, "empty": secret.New(""),
		"in an interface": map[string]any{"k": &s},
		"unset":           secret.Secret{}, "cleared": body{Token: decode(t, "null")},
	} {
		if _, err := json.Marshal(v); !errors.Is(err, secret.ErrMarshal) {
			t.Errorf("%s: got %v, want ErrMarshal", name, err)
		}
	}
	if _, err := s.MarshalText(); !errors.Is(err, secret.ErrMarshal) {
		t.Errorf("MarshalText: got %v, want ErrMarshal", err)
	}
}

func TestUnsetIsLeftOut(t *testing.T) {
	type body struct {
		Name  string        `json:"name"`
		Token secret.Secret `json:"token,omitzero"`
	}
	if data, err := json.Marshal(body{Name: "n"}); err != nil || string(data) != `{"name":"n"}` {
		t.Errorf("got %s, %v", data, err)
	}
}

func decode(t *testing.T, text string) secret.Secret {
	t.Helper()
	var s secret.Secret
	if err := json.Unmarshal([]byte(text), &s); err != nil {
		t.Fatal(err)
	}
	return s
}

func TestDecode(t *testing.T) {
	tests := []struct {
		name, text           string
		value                string
		set, cleared, isZero bool
	}{
		{"absent", `{}`, "", false, false, true},
		{"null", `{"token": null}`, "", false, true, false},
		{"empty", `{"token": ""}`, "", true, false, false},
		{"text", `{"token": "abc"}`, "abc", true, false, false},
		{"escapes", `{"token": "a\u00e9\n\"\/\ud83d\ude00"}`, "aé\n\"/😀", true, false, false},
		{"given after null", `{"token": null, "token": "abc"}`, "abc", true, false, false},
		{"null after given", `{"token": "abc", "token": null}`, "", false, true, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var in struct {
				Token secret.Secret `json:"token"`
			}
			if err := json.Unmarshal([]byte(tt.text), &in); err != nil {
				t.Fatal(err)
			}
			s := in.Token
			if s.Reveal() != tt.value || s.Len() != len(tt.value) {
				t.Errorf("holds %q (%d), want %q", s.Reveal(), s.Len(), tt.value)
			}
			if s.IsSet() != tt.set || s.IsCleared() != tt.cleared || s.IsZero() != tt.isZero {
				t.Errorf("set %t, cleared %t, zero %t; want %t, %t, %t", s.IsSet(), s.IsCleared(), s.IsZero(), tt.set, tt.cleared, tt.isZero)
			}
		})
	}
}

func TestDecodeRefusesOtherTypes(t *testing.T) {
	for _, text := range []string{`12345678`, `true`, `["canary-7f3a9c"]`, `{"v": "canary-7f3a9c"}`} {
		var s secret.Secret
		err := json.Unmarshal([]byte(text), &s)
		if err == nil || s.IsSet() {
			t.Errorf("%s was accepted", text)
			continue
		}
		checkHidden(t, "the error", err.Error())
		if strings.Contains(err.Error(), "12345678") {
			t.Errorf("the error quotes the value: %v", err)
		}
	}
}

// FuzzSecret checks that whatever is decoded is held as it is, and shown by
// nothing.
func FuzzSecret(f *testing.F) {
	for _, seed := range []string{`"` + canary + `"`, `null`, `""`, `"\u0000\ud800"`, `1e9`, `{"v":"x"}`, `"`, `"%v%!s(int)"`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var s secret.Secret
		var want *string
		err, wantErr := json.Unmarshal(data, &s), json.Unmarshal(data, &want)
		if (err == nil) != (wantErr == nil) {
			t.Fatalf("got %v, want %v", err, wantErr)
		}
		if err != nil {
			return
		}
		if s.IsSet() != (want != nil) || want != nil && s.Reveal() != *want || s.IsCleared() != (want == nil) {
			t.Fatalf("%q became %q", data, s.Reveal())
		}
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
			if got := fmt.Sprintf(verb, s); got != secret.Mask {
				t.Errorf("%s gives %s", verb, got)
			}
			if got := fmt.Sprintf(verb, struct{ s secret.Secret }{s}); len(s.Reveal()) > 20 && strings.Contains(got, s.Reveal()) {
				t.Errorf("%s of an unexported field gives %s", verb, got)
			}
		}
		if _, err := json.Marshal(s); !errors.Is(err, secret.ErrMarshal) {
			t.Errorf("it was marshalled: %v", err)
		}
	})
}
