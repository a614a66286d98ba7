package request

import (
	"bytes"
	"context"
	"io"
	"net/http"

	"callout/handler/callout"
	"callout/handler/secret"
)

// Build makes the request of the configuration with the arguments, which
// Validate has passed. filled is the configuration with its secrets in place, or
// without them for a request that is only shown: secret.Mask stands in for each.
// The credential is applied by the caller.
//
// It fails when the endpoint is no URL, and when a secret value cannot stand
// where it is named.
func (t *Template) Build(ctx context.Context, filled *callout.Config, args Arguments) (*http.Request, error) {
	v := &values{given: args, defaults: t.defaults, secrets: filled.SecretValues}
	target, err := t.endpointOf(filled)
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(ctx, filled.Method, t.url(target, v), t.reader(v))
	if err != nil || !target.admits(req.URL) { // the error quotes the URL
		return nil, errNoURL
	}
	if err := t.setHeaders(req.Header, filled, v); err != nil {
		return nil, err
	}
	return req, nil
}

// endpointOf returns the endpoint, which is only known from filled if it is a
// secret.
func (t *Template) endpointOf(filled *callout.Config) (*endpoint, error) {
	switch {
	case filled.EndpointSecret && filled.HiddenEndpoint.IsSet():
		return parseEndpoint(filled.HiddenEndpoint.Reveal())
	case filled.EndpointSecret:
		return parseEndpoint(filled.Endpoint + "/" + secret.Mask)
	case t.endpoint == nil:
		return nil, errNoURL
	}
	return t.endpoint, nil
}

// url fills in the endpoint and appends the fields that go into the query, in the
// order in which they are declared.
func (t *Template) url(target *endpoint, v *values) string {
	w := target.fill(v)
	for i := range t.inQuery {
		w.text(t.inQuery[i].name, t.inQuery[i].values[0], v)
	}
	return string(w.out)
}

func (t *Template) reader(v *values) io.Reader {
	if t.body == nil {
		return nil
	}
	return bytes.NewReader(t.body.write(make([]byte, 0, t.bodySize), v))
}
