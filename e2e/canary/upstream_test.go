package canary

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"html"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// parrot is a provider of tokens, and an API, that say all that they are told and
// know.
type parrot struct {
	*httptest.Server
	garden *garden
	// untrusted has a certificate that nobody trusts, misnamed one for another name
	// that is signed by trusted.
	untrusted, misnamed *httptest.Server
	trusted             *authority

	mu      sync.Mutex
	knows   map[string]*configuration // by name
	echoes  map[string][]byte         // what was made of what was told
	callers map[string]bool           // who was here with a secret
	hiding  map[string]bool           // pieces that hold one, or do not
}

func newParrot(t *testing.T, g *garden) *parrot {
	t.Helper()
	p := &parrot{garden: g, knows: map[string]*configuration{}, echoes: map[string][]byte{}, callers: map[string]bool{}, hiding: map[string]bool{}}
	mux := http.NewServeMux()
	mux.HandleFunc("/api/{name}", p.api)
	mux.HandleFunc("/api/{name}/", p.api)
	mux.HandleFunc("POST /token/{name}", p.token)
	p.Server = httptest.NewUnstartedServer(mux)
	p.Config.ErrorLog = log.New(io.Discard, "", 0)
	p.Start()
	t.Cleanup(func() { p.CloseClientConnections(); p.Close() })
	p.trusted = newAuthority(t, "trusted")
	p.misnamed = p.trusted.serve(t, nil, "elsewhere.example.com")
	p.untrusted = newAuthority(t, "unknown").serve(t, []net.IP{net.IPv4(127, 0, 0, 1)})
	return p
}

func (p *parrot) learn(c *configuration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.knows[c.name] = c
}

// told returns what a request says that is or holds a secret, and what is known
// about the caller.
func (p *parrot) told(r *http.Request) []string {
	body, _ := io.ReadAll(r.Body)
	how := r.URL.Query().Get("how")
	if how == "" {
		how = "none"
	}
	// In the same words however it is to answer, so that they are encoded once.
	pieces := []string{strings.Replace(r.URL.RequestURI(), "how="+how, "how=x", 1), r.URL.Path, string(body)}
	for _, list := range r.Header {
		pieces = append(pieces, list...)
	}
	for _, scheme := range []string{"Basic ", "Bearer ", "Token token="} {
		pieces = append(pieces, strings.TrimPrefix(r.Header.Get("Authorization"), scheme))
	}
	for _, list := range r.URL.Query() {
		pieces = append(pieces, list...)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if c := p.knows[r.PathValue("name")]; c != nil {
		pieces = append(pieces, c.grown...)
	}
	slices.Sort(pieces)
	return slices.DeleteFunc(slices.Compact(pieces), func(piece string) bool { return !p.hides(piece) })
}

// hides reports whether a piece of a request holds a secret in any form.
func (p *parrot) hides(piece string) bool {
	holds, known := p.hiding[piece]
	if !known {
		_, holds = p.garden.find(piece)
		p.hiding[piece] = holds
	}
	return holds
}

// api answers as the argument how says: a form and a status.
func (p *parrot) api(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("name")
	how, told := r.URL.Query().Get("how"), p.told(r)
	p.mu.Lock()
	p.callers[name] = p.callers[name] || len(told) > 0
	if c := p.knows[name]; strings.HasPrefix(how, "cut-") {
		told = c.grown
	}
	p.mu.Unlock()
	p.answer(w, r, how, told)
}

// answer writes what was told in a form, or does not answer at all.
func (p *parrot) answer(w http.ResponseWriter, r *http.Request, how string, told []string) {
	form, rest, _ := strings.Cut(how, "-")
	status, _ := strconv.Atoi(rest)
	switch form {
	case "hang":
		<-r.Context().Done()
	case "reset":
		hangUp(w, "")
	case "half":
		hangUp(w, "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 100000\r\n\r\n"+strings.Join(told, " "))
	case "garbled":
		hangUp(w, strings.Join(told, " ")+"\r\n\r\n")
	case "length":
		hangUp(w, "HTTP/1.1 200 OK\r\nContent-Length: "+oneLine(told[0])+"\r\n\r\n")
	case "cut":
		p.cut(w, rest, told)
	default:
		p.echo(w, form, status, told)
	}
}

func oneLine(s string) string { return strings.NewReplacer("\r", " ", "\n", " ").Replace(s) }

// hangUp writes this in the place of an answer, and breaks the connection.
func hangUp(w http.ResponseWriter, instead string) {
	connection, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return
	}
	_, _ = io.WriteString(connection, instead)
	if tcp, ok := connection.(*net.TCPConn); ok && instead == "" {
		_ = tcp.SetLinger(0)
	}
	_ = connection.Close()
}

// forms are the forms of an answer with a body.
var forms = map[string]struct {
	contentType string
	write       func(told []string) []byte
}{
	"text":   {"text/plain; charset=utf-8", asText},
	"json":   {"application/json", asJSON},
	"html":   {"text/html", asPage},
	"gzip":   {"application/json", func(told []string) []byte { return zipped(asJSON(told)) }},
	"chunks": {"text/plain", asText},
	"header": {"text/plain", asText},
}

func (p *parrot) echo(w http.ResponseWriter, form string, status int, told []string) {
	body := p.written(form, told)
	w.Header().Set("Content-Type", forms[form].contentType)
	switch form {
	case "gzip":
		w.Header().Set("Content-Encoding", "gzip")
	case "header":
		inHeader(w.Header(), told)
		body = nil
	case "chunks":
		w.WriteHeader(status)
		begin := body[:min(len(body), 500)] // the secret as it is, and in base64
		for part := range slices.Chunk(begin, 7) {
			_, _ = w.Write(part)
			_ = http.NewResponseController(w).Flush()
		}
		body = body[len(begin):]
		status = 0
	}
	if status != 0 {
		w.WriteHeader(status)
	}
	_, _ = w.Write(body)
}

// written writes what was told in a form, once.
func (p *parrot) written(form string, told []string) []byte {
	key := form + "\n" + strings.Join(told, "\n")
	p.mu.Lock()
	defer p.mu.Unlock()
	if _, ok := p.echoes[key]; !ok {
		p.echoes[key] = forms[form].write(told)
	}
	return p.echoes[key]
}

// asText has a line for each encoding of each piece.
func asText(told []string) []byte {
	var b bytes.Buffer
	for i, e := range encodings {
		for _, piece := range told {
			fmt.Fprintf(&b, "%s: <%s>\n\n", e.name, encoded(piece)[i])
		}
	}
	return b.Bytes()
}

// asJSON has each encoding of each piece as a value, and as the name of a member.
func asJSON(told []string) []byte {
	out, names := map[string]any{}, map[string]string{}
	for i, e := range encodings {
		var list []string
		for _, piece := range told {
			list = append(list, encoded(piece)[i])
			names[encoded(piece)[i]] = e.name
		}
		out[e.name] = list
	}
	out["names"] = names
	text, _ := json.Marshal(out) // strings: cannot fail
	return text
}

// asPage is the page that a framework shows when something fails.
func asPage(told []string) []byte {
	var b bytes.Buffer
	b.WriteString("<!DOCTYPE html><html><head><title>Error</title></head><body>\n")
	for _, piece := range told {
		fmt.Fprintf(&b, "<h1>Exception at %s</h1><pre>%s</pre><input value=\"%s\"><!-- %s --><script>var request = {\"raw\": \"%s\"}</script>\n",
			html.EscapeString(piece), html.EscapeString(piece), strings.ReplaceAll(piece, `"`, "&quot;"), strings.ReplaceAll(piece, "--", "- -"), inJSON(piece))
		fmt.Fprintf(&b, "<a href=\"/retry?%s\">%+q %x</a>\n", url.QueryEscape(piece), piece, piece)
	}
	return b.Bytes()
}

func zipped(data []byte) []byte {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, _ = z.Write(data)
	_ = z.Close()
	return b.Bytes()
}

// inHeader writes what was told into all headers that are ever shown or acted on.
func inHeader(h http.Header, told []string) {
	for _, piece := range told {
		if len(piece) > 4<<10 {
			piece = piece[:4<<10] // of 64 KiB for all
		}
		h.Add("Location", "https://elsewhere.example.com/"+url.PathEscape(piece)+"?raw="+oneLine(piece)+"&b="+inBase64Std(piece))
		h.Set("Content-Type", "text/plain; said=\""+strings.NewReplacer(`"`, `\"`, `\`, `\\`).Replace(oneLine(piece))+"\"")
		for _, name := range []string{"Retry-After", "X-Said", "Www-Authenticate", "Set-Cookie", "X-Ratelimit-Reset"} {
			h.Add(name, oneLine(piece))
		}
	}
}

func inBase64Std(s string) string { return encodings[1].encode(s) }

// limit is the maxResponseBytes of a configuration whose answers are cut.
const limit = 700

// cut writes the encoding of that number of the first piece so that it begins so
// many bytes before the limit.
func (p *parrot) cut(w http.ResponseWriter, how string, told []string) {
	number, before, _ := strings.Cut(how, "-")
	n, _ := strconv.Atoi(number)
	k, _ := strconv.Atoi(before)
	w.Header().Set("Content-Type", "text/plain")
	_, _ = io.WriteString(w, strings.Repeat(".", limit-k)+encodings[n].encode(told[0])+strings.Repeat("!", 200<<10))
}

// token answers a token request as the query of the token URL says: with a token,
// which is a secret as well, or with what it was told.
func (p *parrot) token(w http.ResponseWriter, r *http.Request) {
	how, told := r.URL.Query().Get("as"), p.told(r)
	p.mu.Lock()
	c := p.knows[r.PathValue("name")]
	p.mu.Unlock()
	token := p.garden.token(c.owner)
	members := document{"access_token": token, "token_type": "Bearer", "expires_in": 3600, "scope": told, "said": p.said(told)}
	switch how {
	case "given":
	case "same": // the client's secret is the token
		members["access_token"] = oneASCII(told)
	case "nowhere":
		delete(members, "access_token")
	case "unsafe":
		members["access_token"] = token + "\r\n" + told[0]
	case "error":
		w.WriteHeader(http.StatusUnauthorized)
		members = document{"error": "invalid_client", "error_description": p.said(told), "error_uri": told}
	case "code":
		w.WriteHeader(http.StatusBadRequest)
		members = document{"error": told[0], "code": told, "type": p.said(told)}
	default:
		p.answer(w, r, how, told)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = io.WriteString(w, members.String())
}

// said is what was told in all encodings, as far as a provider may say it.
func (p *parrot) said(told []string) string {
	text := p.written("text", told)
	return strings.ToValidUTF8(string(text[:min(len(text), 60<<10)]), "")
}

// oneASCII returns the first piece that a header can carry.
func oneASCII(told []string) string {
	for _, piece := range told {
		if strings.Trim(piece, unreservedAndMore) == "" {
			return piece
		}
	}
	return inBase64Std(told[0])
}

const unreservedAndMore = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~+/="
