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
// it is applied to everything that leaves.
func Show(req *http.Request, clean func(string) string) *callout.Request {
	// A URL escapes the brackets of the mask; people should see the mask.
	shown := strings.ReplaceAll(req.URL.String(), url.QueryEscape(secret.Mask), secret.Mask)
	out := &callout.Request{Method: req.Method, URL: clean(shown)}
	for _, name := range slices.Sorted(maps.Keys(req.Header)) {
		for _, value := range req.Header[name] {
			out.Headers = append(out.Headers, callout.HeaderValue{Name: name, Value: clean(value)})
		}
	}
	if req.GetBody != nil {
		out.Body = text(req, clean)
	}
	return out
}

func text(req *http.Request, clean func(string) string) json.RawMessage {
	body, err := req.GetBody()
	if err != nil {
		return nil
	}
	data, _ := io.ReadAll(body) // in memory
	if cleaned := clean(string(data)); json.Valid([]byte(cleaned)) {
		return json.RawMessage(cleaned)
	}
	return encode(clean(string(data)))
}

// Curl writes a shown request as a cURL command for a POSIX shell.
func Curl(r *callout.Request) string {
	parts := []string{"curl"}
	if r.Method != http.MethodGet {
		parts = append(parts, "-X "+r.Method)
	}
	// The mask is to be replaced; other brackets curl would take for a list of URLs.
	if strings.ContainsAny(strings.ReplaceAll(r.URL, secret.Mask, ""), "[]{}") {
		parts = append(parts, "--globoff")
	}
	parts = append(parts, quote(r.URL))
	for _, h := range r.Headers {
		parts = append(parts, "-H "+quote(header(h)))
	}
	if len(r.Body) > 0 {
		parts = append(parts, "--data-raw "+quote(string(r.Body)))
	}
	return strings.Join(parts, " \\\n  ")
}

// header writes a header as curl reads it: a colon with nothing behind it would
// take the header away.
func header(h callout.HeaderValue) string {
	if h.Value == "" {
		return h.Name + ";"
	}
	return h.Name + ": " + h.Value
}

func quote(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }
