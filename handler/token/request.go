package token

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"net/url"

	"callout/handler/callout"
)

// userAgent is that of all requests of Callout.
const userAgent = "Callout/1"

// parameters are those of the token request, in the clear.
func parameters(client *callout.OAuth) url.Values {
	values := url.Values{}
	for _, p := range client.Parameters {
		value := p.Value
		if p.Secret {
			value = p.Hidden.Reveal()
		}
		values.Add(p.Name, value)
	}
	return values
}

// shape returns the token request of x/oauth2 in the form that the provider
// wants.
func shape(req *http.Request, client *callout.OAuth) *http.Request {
	body, _ := io.ReadAll(req.Body) // from memory: cannot fail
	_ = req.Body.Close()
	out := req.Clone(req.Context())
	out.Header.Set("User-Agent", userAgent)
	out.Header.Set("Accept", "application/json")
	if client.Format == callout.FormatJSON {
		body = asJSON(body)
		out.Header.Set("Content-Type", "application/json")
	}
	if value := authorization(&client.TokenAuth); value != "" {
		out.Header.Set("Authorization", value)
	}
	// For the connection that was closed before anything was written to it.
	out.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(body)), nil }
	out.Body, _ = out.GetBody() // cannot fail
	out.ContentLength = int64(len(body))
	return out
}

// asJSON writes a form as a JSON object of strings. What the form says several
// times becomes an array.
func asJSON(form []byte) []byte {
	values, _ := url.ParseQuery(string(form)) // was just written
	object := make(map[string]any, len(values))
	for name, list := range values {
		if object[name] = list; len(list) == 1 {
			object[name] = list[0]
		}
	}
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(object) // strings: cannot fail
	return bytes.TrimSuffix(out.Bytes(), []byte("\n"))
}

// authorization is the header of that name, "" for none. Basic joins user name
// and password as they are (RFC 7617), unless they are to be form-encoded before
// (RFC 6749, section 2.3.1).
func authorization(auth *callout.TokenAuth) string {
	switch auth.Type {
	case callout.AuthBearer:
		return "Bearer " + auth.Token.Reveal()
	case callout.AuthBasic:
		username, password := auth.Username, auth.Password.Reveal()
		if auth.Encoding == callout.EncodingForm {
			username, password = url.QueryEscape(username), url.QueryEscape(password)
		}
		return "Basic " + base64.StdEncoding.EncodeToString([]byte(username+":"+password))
	}
	return ""
}
