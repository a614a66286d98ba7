package httpapi

import (
	"errors"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"callout/handler/callout"
	"callout/handler/catalog"
	"callout/handler/schema"
	"callout/handler/store"
)

// Codes of requests that could not be read.
const (
	invalidJSON     = schema.Invalid
	invalidQuery    = "InvalidQuery"
	payloadTooLarge = "PayloadTooLarge"
)

// maxBody is how large a request body may be.
const maxBody = callout.MaxConfig

func readBody(r *http.Request) ([]byte, error) {
	if r.ContentLength > maxBody { // before it is sent, where the client asks first
		return nil, tooLargeBody()
	}
	data, err := io.ReadAll(http.MaxBytesReader(nil, r.Body, maxBody))
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		return nil, tooLargeBody()
	case err != nil:
		return nil, &callout.Error{Code: invalidJSON, Message: "The body could not be read to its end. Send it again."}
	}
	return data, nil
}

func tooLargeBody() error {
	return &callout.Error{Code: payloadTooLarge, Message: "The body is larger than 262144 bytes. Send less."}
}

// document reads the body as one JSON document. An empty body counts as an
// empty object where that is allowed. What path leads to is kept as text.
func document(r *http.Request, emptyAllowed bool, path ...string) (any, error) {
	data, err := readBody(r)
	if err != nil {
		return nil, err
	}
	if len(data) == 0 {
		if emptyAllowed {
			return map[string]any{}, nil
		}
		return nil, &callout.Error{Code: invalidJSON,
			Message: "The body is empty. Send a JSON object, with a Content-Length: behind some hosts a chunked body arrives empty."}
	}
	doc, err := schema.Parse(data)
	if err == nil && len(path) > 0 {
		schema.KeepText(doc, data, path...)
	}
	return doc, err
}

// checked validates a document against a schema of the OpenAPI document.
func checked(v any, name string) error {
	return callout.Refuse(callout.InvalidRequest, component(name).Validate(schema.WithoutNulls(v), ""))
}

// query checks the parameters of a request. The function's key may be among
// them; it belongs to the host.
func query(r *http.Request, allowed ...string) (url.Values, error) {
	values, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return nil, &callout.Error{Code: invalidQuery, Message: "The query is not validly encoded. Percent-encode its values."}
	}
	for name, given := range values {
		switch {
		case name == "code" || name == "clientId":
		case !slices.Contains(allowed, name):
			return nil, &callout.Error{Code: invalidQuery,
				Message: "The query has a parameter that is not known here. These are: " + strings.Join(allowed, ", ") + "."}
		case len(given) > 1:
			return nil, &callout.Error{Code: invalidQuery, Target: name, Message: "The query gives a parameter twice. Give it once."}
		}
	}
	return values, nil
}

const defaultTop = 100

// paging reads top and after, the cursor, which has to be valid.
func paging(values url.Values, valid func(string) bool) (top int, after string, err error) {
	top = defaultTop
	if text := values.Get("top"); text != "" {
		if top, err = strconv.Atoi(text); err != nil || top < 1 || top > store.MaxTop {
			return 0, "", &callout.Error{Code: invalidQuery, Target: "top", Message: "top must be a whole number from 1 to 1000."}
		}
	}
	if after = values.Get("after"); after != "" && !valid(after) {
		return 0, "", badCursor()
	}
	return top, after, nil
}

func badCursor() error {
	return &callout.Error{Code: invalidQuery, Target: "after", Message: "after is not a cursor of this list. Follow nextLink as it was given, or begin again without after."}
}

// condition reads If-Match and If-None-Match (RFC 9110, section 13.1). Entity
// tags hold no commas here.
func condition(r *http.Request) (catalog.Condition, error) {
	var cond catalog.Condition
	for _, line := range r.Header.Values("If-Match") {
		for _, tag := range strings.Split(line, ",") {
			cond.Match = append(cond.Match, strings.TrimSpace(tag))
		}
	}
	switch none := r.Header.Get("If-None-Match"); none {
	case "":
	case "*":
		cond.Absent = true
	default:
		return cond, &callout.Error{Code: callout.InvalidRequest, Target: "If-None-Match",
			Message: "If-None-Match can only be * here. To change a known state, send its ETag in If-Match."}
	}
	return cond, nil
}
