package request_test

import (
	"fmt"
	"net/http"
	"reflect"
	"strings"
	"testing"

	"callout/handler/callout"
	"callout/handler/request"
	"callout/handler/secret"
)

// headersOf are those of a request besides what every one has.
func headersOf(req *http.Request) map[string]string {
	out := map[string]string{}
	for name, values := range req.Header {
		out[name] = strings.Join(values, " and ")
	}
	for name, usual := range map[string]string{"User-Agent": "Callout/1", "Accept": "application/json, */*;q=0.5", "Content-Type": "application/json"} {
		if out[name] == usual {
			delete(out, name)
		}
	}
	return out
}

func TestHeaders(t *testing.T) {
	for _, tt := range []struct {
		name, header, arguments string
		want                    map[string]string
	}{
		{"a value", "{{s}}", `{"s": "v"}`, map[string]string{"X-A": "v"}},
		{"inside a text", "id={{s}}; n={{n}}", `{"s": "v", "n": 1.50}`, map[string]string{"X-A": "id=v; n=1.50"}},
		{"true or false", "{{b}}", `{"b": false}`, map[string]string{"X-A": "false"}},
		{"absent", "id={{s}}", `{}`, map[string]string{}},
		{"one of two is absent", "id={{s}}; n={{n}}", `{"s": "v"}`, map[string]string{}},
		{"a secret", "token={{secret.key}}", `{}`, map[string]string{"X-A": "token=canary-key"}},
		{"a secret and a value", "{{secret.key}}:{{s}}", `{"s": "a\tb"}`, map[string]string{"X-A": "canary-key:a\tb"}},
		{"arguments are not looked at again", "{{s}}", `{"s": "{{n}}{{secret.key}}", "n": 1}`, map[string]string{"X-A": "{{n}}{{secret.key}}"}},
		{"a field that is a header", "fixed", `{"X-Request-Id": "abc"}`, map[string]string{"X-A": "fixed", "X-Request-Id": "abc"}},
		{"a number that is a header", "fixed", `{"x_n": 1E5}`, map[string]string{"X-A": "fixed", "X_n": "1E5"}},
		{"in the place of what is usual", "fixed", `{"accept": "text/csv"}`, map[string]string{"X-A": "fixed", "Accept": "text/csv"}},
	} {
		for _, hidden := range []bool{false, true} { // it is filled in in the same way
			t.Run(fmt.Sprint(tt.name, ", secret ", hidden), func(t *testing.T) {
				c := config(t, doc{"secretValues": doc{"key": "canary-key"}, "headers": list{doc{"name": "X-A", "value": tt.header, "secret": hidden}},
					"fields": fields("s:string:query", "n:number:query", "b:boolean:query", "X-Request-Id:string:header", "x_n:number:header", "accept:string:header")})
				if hidden && len(tt.header) < callout.MinSecret {
					c.Headers[0].Hidden = secret.New(tt.header + "; long")
					if tt.want["X-A"] != "" {
						tt.want["X-A"] += "; long"
					}
				}
				if got := headersOf(build(t, c, arguments(t, tt.arguments))); !reflect.DeepEqual(got, tt.want) {
					t.Errorf("got  %q\nwant %q", got, tt.want)
				}
			})
		}
	}
}

func TestArgumentsThatDoNotFitAHeader(t *testing.T) {
	refused := []string{"", " ", " a", "a ", "\ta", "a\t", "a\r\nX-B: c", "a\nb", "a\rb", "a\x00b", "a\x0bb", "a\x7fb", "café", "a\u010ab", "a\u2028b", "a\u560a\u560db", strings.Repeat("x", callout.MaxSecret+1)}
	for _, changes := range []doc{
		{"fields": fields("x:string:header")},
		{"fields": fields("x:string"), "headers": list{doc{"name": "X-A", "value": "{{x}}"}}},
		{"fields": fields("x:string"), "headers": list{doc{"name": "X-A", "value": "before {{x}} behind"}}},
		{"fields": fields("x:string"), "headers": list{doc{"name": "X-A", "value": "before {{x}} behind", "secret": true}}},
	} {
		c := config(t, changes)
		stored, faults := request.Compile(c.WithoutSecrets())
		if len(faults) > 0 {
			t.Fatalf("found %+v", faults)
		}
		for _, template := range []*request.Template{compile(t, c), stored} {
			for _, x := range refused {
				if got := found(template.Validate(request.Arguments{"x": x})); got != "InvalidValue arguments.x" {
					t.Errorf("%v, %q: found %q", changes, x, got)
				}
			}
			for _, x := range []string{"a", "a b", "a\tb", `"~!`, "{{x}}", strings.Repeat("x", callout.MaxSecret-len("before  behind"))} {
				if got := found(template.Validate(request.Arguments{"x": x})); got != "" {
					t.Errorf("%v, %q: found %q", changes, x, got)
				}
			}
		}
	}
}

// A secret header is shown where it is sent, also when its text is not at hand.
func TestAStoredHeaderIsShownWhereItIsSent(t *testing.T) {
	c := config(t, doc{"fields": fields("x:string"), "headers": list{doc{"name": "X-Key", "value": "canary-key {{x}}"}}})
	stored := c.WithoutSecrets()
	template, _ := request.Compile(stored)
	for args, want := range map[string]string{`{"x": "a"}`: "[secret]", `{}`: ""} {
		req, err := template.Build(t.Context(), stored, arguments(t, args))
		if err != nil || req.Header.Get("X-Key") != want {
			t.Errorf("%s: shown is %v, %v", args, req.Header, err)
		}
		req, err = template.Build(t.Context(), c, arguments(t, args))
		if err != nil || (req.Header.Get("X-Key") != "") != (want != "") {
			t.Errorf("%s: sent is %v, %v", args, req.Header, err)
		}
	}
}

// Build is the last to look here as well, and quotes nothing.
func TestBuildRefusesWhatNoHeaderHolds(t *testing.T) {
	hard := secret.New("canary\r\nX-Evil: 1")
	own := config(t, doc{"fields": fields("x:string:header")})
	named := config(t, doc{"headers": list{doc{"name": "X-A", "value": "{{secret.key}}", "secret": false}}})
	named.SecretValues = []callout.SecretValue{{Name: "key", Value: hard}}
	hidden := config(t, doc{"headers": list{doc{"name": "X-Key", "value": "canary-key"}}})
	hidden.Headers[0].Hidden = hard
	broken := config(t, doc{"headers": list{doc{"name": "X-Key", "value": "canary {{"}}})
	for name, c := range map[string]*callout.Config{"argument": own, "secret value": named, "secret header": hidden, "no placeholder": broken} {
		template, _ := request.Compile(c)
		req, err := template.Build(t.Context(), c, request.Arguments{"x": "canary\r\nX-Evil: 1"})
		if err == nil || req != nil || strings.Contains(err.Error(), "canary") {
			t.Errorf("%s: got %v, %v", name, req, err)
		}
	}
}
