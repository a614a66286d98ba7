package request_test

import (
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"

	"callout/handler/callout"
	"callout/handler/request"
)

// The limits of a request, in bytes.
const (
	maxURL  = 16 << 10
	maxBody = 1 << 20
)

// Each case fills a part of the request to its limit, where it is sent, and then
// with one byte more, where it is refused.
func TestFilledRequestsAreLimited(t *testing.T) {
	const host = "https://api.example.com"
	for _, tt := range []struct {
		name    string
		changes doc
		fits    int // bytes of the argument x
		want    string
	}{
		{"body, flat", doc{}, maxBody - len(`{"x":""}`), "arguments.x"},
		{"body, template", doc{"body": list{"{{x}}"}}, maxBody - len(`[""]`), "arguments.x"},
		{"body, in a text", doc{"body": list{"a{{x}}b{{x}}"}}, (maxBody - len(`["ab"]`)) / 2, "arguments.x"},
		{"body, thousands of times", doc{"body": list{strings.Repeat("{{x}}", 12000)}}, maxBody / 12000, "arguments.x"},
		{"body, with another field", doc{"body": list{"{{x}}", "{{y}}"}}, maxBody - len(`["","why"]`), "arguments"},
		{"body, behind a secret", doc{"body": list{"{{secret.key}}{{x}}"}}, maxBody - len(`["[secret]"]`), "arguments.x"},
		{"form", doc{"bodyFormat": "form"}, maxBody - len("x="), "arguments.x"},
		{"form, template", doc{"bodyFormat": "form", "body": doc{"a": list{"{{x}}", "b{{x}}"}}}, (maxBody - len("a=&a=b")) / 2, "arguments.x"},
		{"path", doc{"endpoint": host + "/{{x}}"}, maxURL - len(host+"/"), "arguments.x"},
		{"path, hundreds of times", doc{"endpoint": host + strings.Repeat("/{{x}}", 300)}, (maxURL - len(host) - 300) / 300, "arguments.x"},
		{"query", doc{"endpoint": host + "?a={{x}}&b=c{{x}}"}, (maxURL - len(host+"?a=&b=c")) / 2, "arguments.x"},
		{"query by itself", doc{"endpoint": host, "fields": fields("x:string:query", "y:string:query")}, maxURL - len(host+"?x=&y=why"), "arguments"},
		{"secret URL", doc{"endpoint": host + "/{{x}}", "endpointSecret": true}, maxURL - len(host+"/"), "arguments.x"},
		{"header", doc{"headers": list{doc{"name": "X-A", "value": "a{{x}}"}}}, callout.MaxSecret - 1, "arguments.x"},
		{"header, hundreds of times", doc{"headers": list{doc{"name": "X-A", "value": strings.Repeat("{{x}}", 1000)}}}, callout.MaxSecret / 1000, "arguments.x"},
		{"header, with another field", doc{"headers": list{doc{"name": "X-A", "value": "{{x}}{{y}}"}}}, callout.MaxSecret - len("why"), "arguments"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := config(t, limited(tt.changes))
			args := request.Arguments{"x": strings.Repeat("x", tt.fits), "y": "why"}
			build(t, c, args)
			if args["x"] = strings.Repeat("x", tt.fits+300); tt.changes["endpointSecret"] == nil {
				args["x"] = strings.Repeat("x", tt.fits+1)
			}
			template := compile(t, c)
			faults := template.Validate(args)
			if got := found(faults); got != "TooLong "+tt.want || !strings.Contains(faults[0].Message, "bytes. Shorten") {
				t.Errorf("found %+v, want it at %s", faults, tt.want)
			}
			if req, err := template.Build(t.Context(), c, args); err == nil {
				t.Errorf("built is one of %d bytes", req.ContentLength)
			}
		})
	}
}

// limited adds the fields x and y, which go into the query where no template
// names y, and a secret value.
func limited(changes doc) doc {
	if changes["fields"] == nil {
		y := doc{"name": "y", "type": "string"}
		if !strings.Contains(fmt.Sprint(changes), "{{y}}") {
			y["in"] = "query"
		}
		changes["fields"] = list{doc{"name": "x", "type": "string", "required": true}, y}
	}
	if strings.Contains(fmt.Sprint(changes["endpoint"]), "{{x}}") { // all of the URL is x
		changes["fields"] = list{doc{"name": "x", "type": "string", "required": true}, doc{"name": "y", "type": "string", "in": "header"}}
	}
	changes["secretValues"] = doc{"key": "canary-k"}
	return changes
}

// What is too long is not written before it is refused.
func TestWhatIsTooLongCostsLittle(t *testing.T) {
	x := strings.Repeat("\"\n", 10_000)
	many := make([]any, 20_000)
	for i := range many {
		many[i] = x[:100]
	}
	named := strings.Repeat("{{x}}", 12_000)
	for name, tt := range map[string]struct {
		changes doc
		x       any
	}{
		"body":             {doc{"body": list{named}}, x},
		"elements":         {doc{"body": raw(`["{{x}}"` + strings.Repeat(`,"{{x}}"`, 7000) + `]`)}, x},
		"members of a sum": {doc{"body": doc{"a": named, "b": "{{x}}"}}, x},
		"form":             {doc{"bodyFormat": "form", "body": raw(`{"a": ["{{x}}"` + strings.Repeat(`,"{{x}}"`, 7000) + `]}`)}, x},
		"list in a form":   {doc{"bodyFormat": "form", "fields": list{doc{"name": "x", "type": "array"}}}, many},
		"header":           {doc{"headers": list{doc{"name": "X-A", "value": strings.Repeat("{{x}}", 1600)}}}, strings.Repeat("x", 8000)},
		"path":             {doc{"endpoint": "https://api.example.com/" + strings.Repeat("{{x}}", 400)}, strings.Repeat("x", 20_000)},
		"query":            {doc{"endpoint": "https://api.example.com/?a=" + strings.Repeat("{{x}}", 400)}, x},
	} {
		t.Run(name, func(t *testing.T) {
			if tt.changes["fields"] == nil {
				tt.changes["fields"] = list{doc{"name": "x", "type": "string", "required": true}}
			}
			c := config(t, tt.changes)
			template, args := compile(t, c), request.Arguments{"x": tt.x}
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			faults := template.Validate(args)
			_, err := template.Build(t.Context(), c, args)
			runtime.ReadMemStats(&after)
			if len(faults) != 1 || err == nil {
				t.Errorf("found %+v, %v", faults, err)
			}
			if used := after.TotalAlloc - before.TotalAlloc; used > 24<<20 {
				t.Errorf("%d bytes were used", used)
			}
		})
	}
}

// Of what is wrong otherwise nothing is filled in. A required field that is missing
// does not hide that the others are too long: a test of a configuration shows the
// request without it.
func TestLengthsAreFoundLast(t *testing.T) {
	c := config(t, doc{"fields": list{doc{"name": "x", "type": "string"}, doc{"name": "n", "type": "number"}, doc{"name": "m", "type": "string", "required": true}}})
	long := strings.Repeat("x", maxBody)
	for _, tt := range []struct {
		args request.Arguments
		want string
	}{
		{request.Arguments{"x": long}, "MissingValue arguments.m, TooLong arguments.x"},
		{request.Arguments{"x": long, "m": "a", "n": "no number"}, "InvalidType arguments.n"},
	} {
		if got := found(compile(t, c).Validate(tt.args)); got != tt.want {
			t.Errorf("found %q, want %q", got, tt.want)
		}
	}
}

// Secret values, which only Build sees, may make too long what was not.
func TestBuildLimitsWhatSecretsAddTo(t *testing.T) {
	key := "canary" + strings.Repeat("k", 8000)
	for name, changes := range map[string]doc{
		"body":          {"body": list{strings.Repeat("{{secret.key}}", 4000)}},
		"URL":           {"endpoint": "https://api.example.com/" + strings.Repeat("{{secret.key}}", 100)},
		"header":        {"headers": list{doc{"name": "X-A", "value": "{{secret.key}}{{secret.key}}"}}},
		"secret header": {"headers": list{doc{"name": "X-A", "value": "long enough {{secret.key}}{{x}}", "secret": true}}},
	} {
		changes["secretValues"], changes["fields"] = doc{"key": key}, fields("x:string:query")
		c := config(t, changes)
		template, args := compile(t, c), request.Arguments{"x": strings.Repeat("x", 500)}
		if faults := template.Validate(args); len(faults) > 0 {
			t.Errorf("%s: found %+v", name, faults)
		}
		var refused *callout.Error
		if _, err := template.Build(t.Context(), c, args); err == nil || errors.As(err, &refused) || strings.Contains(err.Error(), "canary") {
			t.Errorf("%s: got %v", name, err)
		}
	}
}
