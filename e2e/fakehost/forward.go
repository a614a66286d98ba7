package fakehost

import (
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// forward is DefaultHttpWorkerService.ProcessHttpInAndOutInvocationRequest: the
// request is built anew, sent once, and its answer read to the end before the
// caller gets the first byte.
func (h *Host) forward(w http.ResponseWriter, r *http.Request, path string) {
	response, err := h.client.RoundTrip(h.rebuild(r, path))
	if err != nil {
		badGateway(w, r, err)
		return
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		badGateway(w, r, err)
		return
	}
	for name, values := range response.Header {
		if !isHopByHop(name) {
			w.Header()[name] = values
		}
	}
	w.WriteHeader(response.StatusCode)
	_, _ = w.Write(body)
}

// rebuild is HttpRequestExtensions.ToHttpRequestMessage followed by AddHeaders.
// The caller's Host header is copied like any other.
func (h *Host) rebuild(r *http.Request, path string) *http.Request {
	target := &url.URL{Scheme: "http", Host: h.app.program.address(), RawQuery: rebuildQuery(r.URL.RawQuery)}
	setPath(target, forwardedPath(path))
	out := (&http.Request{Method: r.Method, URL: target, Host: r.Host, Header: r.Header.Clone()}).WithContext(r.Context())
	for name := range out.Header {
		if isContentHeader(name) && (name != "Content-Type" || r.ContentLength <= 0) {
			out.Header.Del(name)
		}
	}
	if r.ContentLength > 0 {
		out.Body, out.ContentLength = r.Body, r.ContentLength
	}
	appendHeader(out.Header, invocationIDHeader, ", ", newID())
	appendHeader(out.Header, hostVersionHeader, ", ", hostVersion)
	appendHeader(out.Header, "User-Agent", " ", "Azure-Functions-Host/"+hostVersion)
	return out
}

// isContentHeader names the headers that .NET takes for a body's only. It drops
// them from a request without a word, except for the length and type that the
// host sets itself.
func isContentHeader(name string) bool {
	return slices.Contains([]string{
		"Allow", "Content-Disposition", "Content-Encoding", "Content-Language", "Content-Length",
		"Content-Location", "Content-Md5", "Content-Range", "Content-Type", "Expires", "Last-Modified",
	}, name)
}

func appendHeader(header http.Header, name, separator, value string) {
	header.Set(name, strings.Join(append(header.Values(name), value), separator))
}

// rebuildQuery writes each name once, its values joined by commas.
func rebuildQuery(raw string) string {
	var pairs []string
	for _, p := range parseQuery(raw) {
		pairs = append(pairs, escapeQuery(p.name)+"="+escapeQuery(strings.Join(p.values, ",")))
	}
	return strings.Join(pairs, "&")
}

func escapeQuery(s string) string {
	return strings.ReplaceAll(url.QueryEscape(s), "+", "%20")
}
