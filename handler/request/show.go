package request

import (
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"callout/handler/callout"
	"callout/handler/secret"
)

// Show returns a request as people and agents may see it. clean masks secrets;
// it is applied to everything that leaves. A body that is no JSON, such as a form,
// is shown as a JSON string.
func Show(req *http.Request, clean func(string) string) *callout.Request {
	out := &callout.Request{Method: req.Method, URL: clean(unescapeMasks(req.URL.String()))}
	for _, name := range slices.Sorted(maps.Keys(req.Header)) {
		for _, value := range req.Header[name] {
			out.Headers = append(out.Headers, callout.HeaderValue{Name: name, Value: clean(value)})
		}
	}
	if req.GetBody != nil {
		out.Body = showBody(req, clean)
	}
	return out
}

// unescapeMasks undoes what URLs and forms make of the brackets of a mask, so that
// people see the mask.
func unescapeMasks(s string) string {
	return strings.ReplaceAll(s, url.QueryEscape(secret.Mask), secret.Mask)
}

func showBody(req *http.Request, clean func(string) string) json.RawMessage {
	body, err := req.GetBody()
	if err != nil {
		return nil
	}
	data, _ := io.ReadAll(body) // in memory
	cleaned := clean(string(data))
	if json.Valid([]byte(cleaned)) {
		return json.RawMessage(cleaned)
	}
	return appendQuoted(nil, unescapeMasks(cleaned))
}
