package request

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"callout/handler/callout"
	"callout/handler/secret"
)

// UserAgent is sent unless a configured header says otherwise.
const UserAgent = "Callout/1"

// Build makes the request of the configuration with the arguments, which
// Validate has passed. filled is the configuration with its secrets in place, or
// without them for a request that is only shown: secret.Mask stands in for each.
// The credential is applied by the caller.
func (t *Template) Build(ctx context.Context, filled *callout.Config, args Arguments) (*http.Request, error) {
	args = t.complete(args)
	var reader io.Reader
	body := t.body(args)
	if body != nil {
		reader = bytes.NewReader(body)
	}
	req, err := http.NewRequestWithContext(ctx, filled.Method, endpoint(filled), reader)
	if err != nil { // the error quotes the URL
		return nil, fmt.Errorf("request: the endpoint is not a URL that can be called")
	}
	t.addQuery(req.URL, args)
	setHeaders(req, filled, body != nil)
	return req, nil
}

func endpoint(c *callout.Config) string {
	if c.EndpointSecret && !c.HiddenEndpoint.IsSet() {
		return c.Endpoint + "/" + secret.Mask
	}
	return c.URL()
}

func setHeaders(req *http.Request, filled *callout.Config, hasBody bool) {
	req.Header.Set("User-Agent", UserAgent)
	req.Header.Set("Accept", "application/json, */*;q=0.5")
	if hasBody {
		req.Header.Set("Content-Type", "application/json")
	}
	for _, h := range filled.Headers {
		value := h.Value
		switch {
		case h.Hidden.IsSet():
			value = h.Hidden.Reveal()
		case h.Secret:
			value = secret.Mask
		}
		req.Header.Set(h.Name, value)
	}
}

// body makes the flat JSON object of the fields that go into the body, in the
// order in which they are declared; nil for methods that have none.
func (t *Template) body(args Arguments) []byte {
	if !callout.HasBody(t.config.Method) {
		return nil
	}
	var out writer
	next := byte('{')
	for i := range t.config.Fields {
		field := &t.config.Fields[i]
		if v, ok := args[field.Name]; ok && field.Place(t.config.Method) == callout.InBody {
			out.WriteByte(next)
			out.value(field.Name)
			out.WriteByte(':')
			out.value(v)
			next = ','
		}
	}
	if next == '{' {
		return []byte("{}")
	}
	out.WriteByte('}')
	return out.Bytes()
}

// writer writes JSON without HTML escapes, which a reader of the other side
// might show.
type writer struct {
	bytes.Buffer
	enc *json.Encoder
}

// value writes a value of schema.Parse.
func (w *writer) value(v any) {
	if w.enc == nil {
		w.enc = json.NewEncoder(&w.Buffer)
		w.enc.SetEscapeHTML(false)
	}
	_ = w.enc.Encode(v) // maps, slices, strings, numbers: cannot fail
	w.Truncate(len(bytes.TrimSuffix(w.Bytes(), []byte("\n"))))
}

func encode(v any) []byte {
	var out writer
	out.value(v)
	return out.Bytes()
}

// addQuery appends the fields that go into the query, in the order in which
// they are declared, and leaves the configured query as it was written.
func (t *Template) addQuery(u *url.URL, args Arguments) {
	var pairs []string
	if u.RawQuery != "" {
		pairs = append(pairs, u.RawQuery)
	}
	for _, field := range t.config.Fields {
		if v, ok := args[field.Name]; ok && field.Place(t.config.Method) == callout.InQuery {
			for _, text := range texts(v) {
				pairs = append(pairs, url.QueryEscape(field.Name)+"="+url.QueryEscape(text))
			}
		}
	}
	u.RawQuery = strings.Join(pairs, "&")
}

// texts writes a value for a query: an array as a parameter for each element,
// an object as JSON.
func texts(v any) []string {
	switch v := v.(type) {
	case string:
		return []string{v}
	case []any:
		var out []string
		for _, element := range v {
			out = append(out, strings.Join(texts(element), ","))
		}
		return out
	}
	return []string{string(encode(v))}
}
