package egress_test

import (
	"net/http"
	"net/url"
	"strings"

	"callout/handler/callout"
)

// filled are the configurations with the row's endpoint: as it is, and as one that
// is a secret, which is taken apart only when it is called.
func (r row) filled() map[string]doc {
	endpoint := strings.ReplaceAll(r.extra, "{x}", "{{x}}")
	fields := []doc{{"name": "x", "type": "string", "required": true}}
	return map[string]doc{
		r.name():             {"endpoint": endpoint, "fields": fields},
		r.name() + "_secret": {"endpoint": endpoint, "fields": fields, "endpointSecret": true},
	}
}

// refusesArgument demands that an argument is not filled in, or that nothing can
// be filled in there at all.
func (w *world) refusesArgument(r row) {
	origin, _, _ := strings.Cut(strings.TrimPrefix(r.extra, "https://"), "/")
	for name, members := range r.filled() {
		if strings.Contains(origin, "{x}") {
			w.refusesToCreate(members, "endpoint")
			continue
		}
		w.put(http.StatusCreated, name, members)
		w.refusesArguments(name, argument("x", r.input), "arguments.x")
	}
}

// escapes demands that an argument arrives as what it is, in one segment of the
// path or one value of the query, and that all else is as it was configured.
func (w *world) escapes(r row) {
	configured, err := url.Parse(strings.ReplaceAll(r.extra, "{x}", "x"))
	if err != nil {
		w.t.Fatal(err)
	}
	for name, members := range r.filled() {
		w.begin(w.t)
		w.put(http.StatusCreated, name, members)
		if e := w.execute(name, argument("x", r.input)); e.Status != callout.Succeeded {
			w.t.Fatalf("it %s: %+v", e.Status, e.Error)
		}
		w.wantDialled(anywhere + ":443")
		got := w.onlyRequest()
		if got.Host != configured.Host || got.TLS.ServerName != configured.Host {
			w.t.Errorf("the API saw a request for %s", got.Host)
		}
		w.wantEscaped(r, configured, got.RequestURI)
	}
}

func (w *world) wantEscaped(r row, configured *url.URL, sent string) {
	w.t.Helper()
	path, query, _ := strings.Cut(sent, "?")
	if configured.RawQuery != "" {
		values, err := url.ParseQuery(query)
		if err != nil || path != configured.Path || len(values) != 1 || values.Get("q") != r.input {
			w.t.Errorf("the API saw %s", sent)
		}
		return
	}
	segment, whole := strings.CutPrefix(path, strings.TrimSuffix(configured.Path, "x"))
	value, err := url.PathUnescape(segment)
	if err != nil || !whole || query != "" || strings.Contains(segment, "/") || value != r.input {
		w.t.Errorf("the API saw %s", sent)
	}
}
