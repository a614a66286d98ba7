package execute_test

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"html"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"

	"callout/handler/callout"
)

// hard is a secret with everything in it that encodings treat in a special way.
const hard = `cana/ry+S3c=ret&"<l>'\%41~?`

var escape = regexp.MustCompile(`%[0-9A-F]{2}`)

// spellings are the ways in which an API may write a value back.
func spellings(value string) map[string]string {
	inJSON, _ := json.Marshal(value)
	twice, _ := json.Marshal(string(inJSON))
	out := map[string]string{
		"raw": value, "in the query": url.QueryEscape(value), "in the path": url.PathEscape(value),
		"in the query, in lower case": escape.ReplaceAllStringFunc(url.QueryEscape(value), strings.ToLower),
		"HTML":                        html.EscapeString(value), "hex": hex.EncodeToString([]byte(value)), "HEX": strings.ToUpper(hex.EncodeToString([]byte(value))),
		"JSON": string(inJSON), "JSON in JSON": string(twice), "JSON with slashes": strings.ReplaceAll(string(inJSON), "/", `\/`),
	}
	for shift := range 3 {
		text := []byte(strings.Repeat("u", shift) + value + ":tail")
		out[fmt.Sprintf("base64 shifted by %d", shift)] = base64.StdEncoding.EncodeToString(text)
		out[fmt.Sprintf("base64url shifted by %d", shift)] = base64.RawURLEncoding.EncodeToString(text)
	}
	return out
}

// traces are what must not be left of a value in any of its spellings.
func traces(value string) []string {
	out := []string{value, value[5:12], url.QueryEscape(value), hex.EncodeToString([]byte(value))[8:24]}
	for shift := range 3 {
		// The middle of it, which no neighbour changes.
		text := base64.RawStdEncoding.EncodeToString([]byte(strings.Repeat("u", shift) + value))
		out = append(out, text[8:16], strings.NewReplacer("+", "-", "/", "_").Replace(text)[8:16])
	}
	return out
}

func TestAnEchoedCredentialIsMasked(t *testing.T) {
	for kind, auth := range map[string]string{
		"bearer": `{"type": "bearer", "token": %s}`,
		"basic":  `{"type": "basic", "username": "someone", "password": %s}`,
		"header": `{"type": "apiKey", "header": "X-Key", "key": %s}`,
		"query":  `{"type": "apiKey", "in": "query", "query": "k", "key": %s}`,
	} {
		var answer atomic.Value
		h := newHouse(t, func(u *upstream, w http.ResponseWriter, r *http.Request) {
			answer.Load().(func(*upstream, http.ResponseWriter, *http.Request))(u, w, r)
		})
		h.configure(`"auth": ` + fmt.Sprintf(auth, encode(t, hard)))
		for spelling, text := range spellings(hard) {
			for _, contentType := range []string{"text/plain", "application/json", "text/html", ""} {
				t.Run(kind+"/"+spelling+"/"+contentType, func(t *testing.T) {
					answer.Store(says(302, contentType, document(contentType, text), "Location", "/next?was="+text, "X-Echo", text))
					h.wantMasked(t, hard)
				})
			}
		}
	}
}

func document(contentType, text string) string {
	if contentType != "application/json" {
		return "before " + text + " after"
	}
	data, _ := json.Marshal(map[string]any{"echo": []string{text}})
	return string(data)
}

// wantMasked makes a call and looks for a value in all that is left of it.
func (h *house) wantMasked(t *testing.T, value string) *callout.Execution {
	t.Helper()
	e := h.call(`{}`)
	recorded, err := h.History.Get(h.t.Context(), e.ID)
	if err != nil {
		t.Fatal(err)
	}
	var body any
	if len(e.Response.Body) > 0 {
		if err := json.Unmarshal(e.Response.Body, &body); err != nil {
			t.Fatal(err)
		}
	}
	for what, text := range map[string]string{
		"the answer": encode(t, e), "the answer's body as it reads": fmt.Sprint(body), "the location": e.Response.Location,
		"the history": encode(t, recorded), "the log": h.log.String(),
	} {
		for _, trace := range traces(value) {
			if strings.Contains(text, trace) {
				t.Errorf("%s holds %q: %s", what, trace, text)
			}
		}
	}
	if len(e.Response.Body) > 0 && !strings.Contains(string(e.Response.Body), "[secret]") {
		t.Errorf("nothing is masked in %s", e.Response.Body)
	}
	return e
}

// Any letter of a JSON string may be written as an escape.
func TestAnEchoInJSONEscapesIsMasked(t *testing.T) {
	const value = "canary-token-0123456789"
	var escaped strings.Builder
	for _, letter := range value {
		fmt.Fprintf(&escaped, `\u%04x`, letter)
	}
	h := newHouse(t, says(200, "application/json", `{"`+escaped.String()+`": ["a \"\\", "x`+escaped.String()+`y", 1.50, "\u00e9"]}`))
	h.configure(`"auth": {"type": "bearer", "token": "` + value + `"}`)
	e := h.wantMasked(t, value)
	if want := `{"[secret]":["a \"\\","x[secret]y",1.50,"\u00e9"]}`; string(e.Response.Body) != want {
		t.Errorf("the body is %s, want %s", e.Response.Body, want)
	}
}

func TestTheEncodedPairOfBasicIsMasked(t *testing.T) {
	h := newHouse(t, func(_ *upstream, w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/plain; was="+strings.TrimPrefix(r.Header.Get("Authorization"), "Basic "))
		_, _ = fmt.Fprint(w, "You sent "+r.Header.Get("Authorization"))
	})
	h.configure(`"auth": {"type": "basic", "username": "someone", "password": "short"}`)
	e := h.call(`{}`)
	pair := base64.StdEncoding.EncodeToString([]byte("someone:short"))
	if all := encode(t, e); strings.Contains(all, pair) || strings.Contains(all, pair[:12]) {
		t.Errorf("the pair is in %s", all)
	}
	if got := string(e.Response.Body); got != `"You sent Basic [secret]"` {
		t.Errorf("the body is %s", got)
	}
	h.wantRecord(e)
}

// The limit may fall into the middle of a secret: no part of it is shown.
func TestACutEchoIsNotShownInPart(t *testing.T) {
	const value = "canary-0123456789-canary"
	for limit := 1; limit < 90; limit += 4 {
		h := newHouse(t, says(200, "text/plain", "some text before it "+value+" and some after it, more than enough of it"))
		h.configure(fmt.Sprintf(`"maxResponseBytes": %d, "auth": {"type": "bearer", "token": %q}`, limit, value))
		e := h.call(`{}`)
		if body := string(e.Response.Body); strings.Contains(body, "canar") || strings.Contains(body, "01234") {
			t.Errorf("with a limit of %d the body is %s", limit, body)
		}
	}
}

// A secret in an argument is masked in what is shown, too: an agent may have
// picked it up elsewhere.
func TestASecretAmongTheArgumentsIsMasked(t *testing.T) {
	h := newHouse(t, fine)
	h.configure(`"method": "POST", "auth": {"type": "bearer", "token": "canary-token"}, "fields": [{"name": "note", "type": "string"}, {"name": "q", "type": "string", "in": "query"}]`)
	e := h.call(`{"note": "it is canary-token", "q": "canary-token"}`)
	if got := h.api.requests()[0]; got.body != `{"note":"it is canary-token"}` || got.uri != "/v1/items?q=canary-token" {
		t.Errorf("sent was %v", got)
	}
	if got := string(e.Request.Body); got != `{"note":"it is [secret]"}` {
		t.Errorf("shown is %s", got)
	}
	wantClean(t, "the answer", encode(t, e))
}
