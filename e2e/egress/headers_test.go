package egress_test

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"

	"callout/handler/callout"
)

// operatorsMay are the headers that no argument may go into and that a
// configuration may set all the same.
var operatorsMay = []string{
	"Authorization", "Cookie", "Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-HTTP-Method-Override",
	"X-Original-URL", "X-aws-ec2-metadata-token", "secret", "x-functions-key", "x-ms-client-principal", "x-ms-token-aad-access-token",
}

// Three ways lead into a header: it is configured, a template of it is filled in,
// or a field is the header.
func configured(name, value string) doc {
	return doc{"endpoint": "https://api.example.com/v1", "headers": []doc{{"name": name, "value": value, "secret": false}}}
}

func template(name string) doc {
	return doc{"endpoint": "https://api.example.com/v1", "fields": []doc{{"name": "x", "type": "string"}},
		"headers": []doc{{"name": name, "value": "{{x}}", "secret": false}}}
}

func field(name string) doc {
	return doc{"endpoint": "https://api.example.com/v1", "fields": []doc{{"name": name, "type": "string", "in": "header"}}}
}

func argument(name, value string) string {
	data, err := json.Marshal(map[string]string{name: value})
	if err != nil {
		panic(err)
	}
	return string(data)
}

// carries demands that a header arrives, whichever way it came.
func (w *world) carries(r row) {
	for suffix, way := range map[string]struct {
		members   doc
		arguments string
	}{
		"_configured": {configured(r.input, r.extra), `{}`},
		"_template":   {template(r.input), argument("x", r.extra)},
		"_field":      {field(r.input), argument(r.input, r.extra)},
	} {
		w.begin(w.t)
		w.put(http.StatusCreated, r.name()+suffix, way.members)
		if e := w.execute(r.name()+suffix, way.arguments); e.Status != callout.Succeeded {
			w.t.Fatalf("it %s: %+v", e.Status, e.Error)
		}
		w.wantCarried(r.input, r.extra)
	}
}

func (w *world) wantCarried(name, value string) {
	w.t.Helper()
	if got := w.onlyRequest().Header.Values(name); !slices.Equal(got, []string{value}) {
		w.t.Errorf("the API saw %s: %q, want %q", name, got, value)
	}
}

func (w *world) refusesHeader(r row) {
	switch {
	case r.input == "X-A":
		w.refusesHeaderValue(r)
	default:
		w.refusesHeaderName(r)
	}
}

func (w *world) refusesHeaderValue(r row) {
	w.refusesToCreate(configured(r.input, r.extra), "headers[0].value")
	w.put(http.StatusCreated, r.name()+"_template", template(r.input))
	w.refusesArguments(r.name()+"_template", argument("x", r.extra), "arguments.x")
	w.put(http.StatusCreated, r.name()+"_field", field(r.input))
	w.refusesArguments(r.name()+"_field", argument(r.input, r.extra), "arguments."+r.input)
}

// refusesHeaderName: no argument may go into the header, and unless operators may
// set it, nothing else may either.
func (w *world) refusesHeaderName(r row) {
	operator := slices.Contains(operatorsMay, r.input)
	w.refusesToCreate(field(r.input), "fields[0].name")
	if !operator {
		w.refusesToCreate(template(r.input), "headers[0].name")
		w.refusesToCreate(configured(r.input, r.extra), "headers[0].name")
		w.refusesToCreate(doc{"endpoint": "https://api.example.com/v1",
			"auth": doc{"type": "apiKey", "header": r.input, "key": "canary-api-key"}}, "auth.header")
		return
	}
	w.refusesToCreate(template(r.input), "headers[0].value")
	w.put(http.StatusCreated, r.name(), configured(r.input, r.extra))
	if e := w.execute(r.name(), `{}`); e.Status != callout.Succeeded {
		w.t.Fatalf("it %s: %+v", e.Status, e.Error)
	}
	w.wantCarried(r.input, r.extra)
}

// refusesArguments demands that a call is refused for what stands there before
// there is an execution.
func (w *world) refusesArguments(config, arguments, target string) {
	w.t.Helper()
	refused := w.want(http.StatusBadRequest, "POST", "/api/execute/"+config, `{"arguments": `+arguments+`}`)
	if refused.Error.Code != callout.InvalidArguments || !refused.at(target) {
		w.t.Errorf("it is refused with %+v, want %s for %s", refused.Error, callout.InvalidArguments, target)
	}
	w.want(http.StatusBadRequest, "POST", "/api/configs/"+config+"/test", `{"send": true, "arguments": `+arguments+`}`)
	w.wantQuiet(false)
	if _, _, list := w.Do("GET", "/api/executions?top=1000", ""); strings.Contains(list, `"`+config+`"`) {
		w.t.Error("there is an execution")
	}
}
