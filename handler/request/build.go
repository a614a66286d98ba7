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
// It fails when the endpoint is no URL, when a secret value cannot stand where it
// is named, and when secret values make the URL longer than 16 KiB, a header longer
// than callout.MaxSecret or the body longer than 1 MiB.
func (t *Template) Build(ctx context.Context, filled *callout.Config, args Arguments) (*http.Request, error) {
	v := t.values(filled, args)
	content, err := t.reader(v)
	if err != nil {
		return nil, err
	}
	return t.request(ctx, filled, v, content)
}

func (t *Template) values(filled *callout.Config, args Arguments) *values {
	return &values{given: args, defaults: t.defaults, secrets: filled.SecretValues}
}

// request makes the request with the body that is given, nil for none.
func (t *Template) request(ctx context.Context, filled *callout.Config, v *values, content io.Reader) (*http.Request, error) {
	target, err := t.endpointOf(filled)
	if err != nil {
		return nil, err
	}
	w := target.fill(v.limited(maxURL))
	if t.appendQuery(w, v); len(w.out) > maxURL {
		return nil, errTooLong
	}
	req, err := http.NewRequestWithContext(ctx, filled.Method, string(w.out), content)
	if err != nil || !target.admits(req.URL) { // the error quotes the URL
		return nil, errNoURL
	}
	if err := t.setHeaders(req.Header, filled, v.limited(callout.MaxSecret)); err != nil {
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

// appendQuery appends the fields that go into the query by themselves, in the
// order in which they are declared.
func (t *Template) appendQuery(w *pairWriter, v *values) {
	for i := range t.inQuery {
		w.text(t.inQuery[i].name, t.inQuery[i].values[0], v)
	}
}

// fillBody writes the body, or of one that is too long so much that this shows.
func (t *Template) fillBody(v *values) []byte {
	return t.body.write(make([]byte, 0, t.bodySize), v.limited(maxBody))
}

func (t *Template) reader(v *values) (io.Reader, error) {
	if t.body == nil {
		return nil, nil
	}
	out := t.fillBody(v)
	if len(out) > maxBody {
		return nil, errTooLong
	}
	return bytes.NewReader(out), nil
}
