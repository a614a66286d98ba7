package e2e

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
)

// What opens a token endpoint here, with characters in it that encodings treat
// in a special way.
const (
	thiefsClient = "callout client/1"
	thiefsSecret = "canary-secret+/=%&-1a2b3c"
	thiefsBearer = "canary-registration-4d5e6f"
)

// The Basic forms of the client.
var (
	raw         = base64.StdEncoding.EncodeToString([]byte(thiefsClient + ":" + thiefsSecret))
	formEncoded = base64.StdEncoding.EncodeToString([]byte(url.QueryEscape(thiefsClient) + ":" + url.QueryEscape(thiefsSecret)))
)

// thief is a provider of tokens that gives away all that it is told, and an API
// that does the same.
type thief struct {
	*httptest.Server

	mu     sync.Mutex
	told   strings.Builder // all that it was told
	tokens []string        // that it has given
}

func newThief(t *testing.T) *thief {
	t.Helper()
	s := &thief{}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /token/{how}", s.token)
	mux.HandleFunc("/api/{client}/{how}", s.api)
	s.Server = httptest.NewUnstartedServer(mux)
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.Start()
	t.Cleanup(s.Close)
	return s
}

// hear notes what it is told, and returns it in several encodings, together with
// what provider and API may tell each other.
func (s *thief) hear(r *http.Request) string {
	body, _ := io.ReadAll(r.Body)
	form, _ := url.QueryUnescape(string(body))
	s.mu.Lock()
	fmt.Fprintln(&s.told, r.Header, string(body), form)
	s.mu.Unlock()
	said := fmt.Sprint(r.Header, " ", string(body), " ", form, " ", thiefsSecret, " ", raw, " ", formEncoded)
	if r.PathValue("client") == "bearer" {
		said += " " + thiefsBearer
	}
	return fmt.Sprintln(said, base64.StdEncoding.EncodeToString([]byte(said)), fmt.Sprintf("%q %x", said, said), url.QueryEscape(said))
}

// failures are the answers of a provider that gives no token, by their names.
var failures = map[string]func(w http.ResponseWriter, said string){
	"refused": func(w http.ResponseWriter, said string) {
		answerJSON(w, 401, "error", "invalid_client", "error_description", said)
	},
	"scope": func(w http.ResponseWriter, said string) {
		answerJSON(w, 400, "error", "invalid_scope", "error_uri", said)
	},
	"codes": func(w http.ResponseWriter, said string) {
		answerJSON(w, 400, "error", said, "code", thiefsSecret, "type", said)
	},
	"masked": func(w http.ResponseWriter, said string) {
		answerJSON(w, 200, "error", said, "access_token", "canary-given-0a1b2c")
	},
	"nowhere": func(w http.ResponseWriter, said string) { answerJSON(w, 200, "token", said) },
	"unsafe": func(w http.ResponseWriter, said string) {
		answerJSON(w, 200, "access_token", "canary-given-0a1b2c\r\n"+said)
	},
	"large": func(w http.ResponseWriter, said string) {
		answerJSON(w, 200, "access_token", strings.Repeat(said, 1+(1<<20)/len(said)))
	},
	"page": func(w http.ResponseWriter, said string) {
		w.Header().Set("Content-Type", "text/html; said="+thiefsSecret)
		_, _ = io.WriteString(w, "<html>"+said)
	},
	"down": func(w http.ResponseWriter, said string) { http.Error(w, said, 500) },
	"gone": func(w http.ResponseWriter, said string) { http.Error(w, said, 404) },
	"limited": func(w http.ResponseWriter, said string) {
		w.Header().Set("Retry-After", thiefsSecret)
		http.Error(w, said, http.StatusTooManyRequests)
	},
	"moved": func(w http.ResponseWriter, said string) {
		w.Header().Set("Location", "https://elsewhere.example.com/?"+url.QueryEscape(thiefsSecret))
		w.WriteHeader(307)
		_, _ = io.WriteString(w, said)
	},
	// What net/http cannot read it quotes in its errors.
	"garbled": func(w http.ResponseWriter, _ string) { answerRaw(w, thiefsSecret+" is what I was told\r\n\r\n") },
	"header":  func(w http.ResponseWriter, _ string) { answerRaw(w, "HTTP/1.1 200 OK\r\n"+thiefsSecret+"\r\n\r\n") },
	"status":  func(w http.ResponseWriter, _ string) { answerRaw(w, "HTTP/1.1 "+thiefsSecret+"\r\n\r\n") },
	"length": func(w http.ResponseWriter, _ string) {
		answerRaw(w, "HTTP/1.1 200 OK\r\nContent-Length: "+thiefsSecret+"\r\n\r\n")
	},
	"chunks": func(w http.ResponseWriter, _ string) {
		answerRaw(w, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"+thiefsSecret+"\r\n")
	},
	"cut": func(w http.ResponseWriter, _ string) {
		answerRaw(w, "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n"+`{"access_token": "canary-given-0a1b2c", "`)
	},
	"silent": func(w http.ResponseWriter, _ string) { answerRaw(w, "") },
}

func answerJSON(w http.ResponseWriter, status int, pairs ...string) {
	members := map[string]string{}
	for i := 0; i < len(pairs); i += 2 {
		members[pairs[i]] = pairs[i+1]
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("X-Said", thiefsSecret)
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(members)
}

func answerRaw(w http.ResponseWriter, raw string) {
	connection, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return
	}
	_, _ = io.WriteString(connection, raw)
	_ = connection.Close()
}

func (s *thief) token(w http.ResponseWriter, r *http.Request) {
	said := s.hear(r)
	if fail, ok := failures[r.PathValue("how")]; ok {
		fail(w, said)
		return
	}
	s.mu.Lock()
	token := fmt.Sprintf("canary-access/%d+token-7a8b9c==", len(s.tokens))
	s.tokens = append(s.tokens, token)
	s.mu.Unlock()
	answerJSON(w, 200, "access_token", token, "token_type", "Bearer", "scope", said)
}

// api gives away the token, and what it should not know.
func (s *thief) api(w http.ResponseWriter, r *http.Request) {
	said := s.hear(r)
	token := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
	w.Header().Set("Content-Type", "text/plain; said="+token)
	w.Header().Set("Location", "https://elsewhere.example.com/"+url.PathEscape(token)+"?"+token)
	w.WriteHeader(statusOf("/" + r.PathValue("how")))
	_ = json.NewEncoder(w).Encode([]string{said, token, url.PathEscape(token), fmt.Sprintf("%x", token), base64.StdEncoding.EncodeToString([]byte(":" + token))})
}

// clients are the ways of being let in at a token endpoint.
func clients() map[string]document {
	parameters := parameters("client_id", thiefsClient, "client_secret", thiefsSecret)
	return map[string]document{
		"post": {"parameters": parameters}, "json": {"parameters": parameters, "format": "json"},
		"raw": byBasic(thiefsClient, thiefsSecret, "raw"), "form": byBasic(thiefsClient, thiefsSecret, "form"),
		"bearer": {"parameters": parameters, "tokenAuth": document{"type": "bearer", "token": thiefsBearer}},
	}
}

// configurations gives one for each client and each way in which its provider or
// its API answers.
func (s *thief) configurations(t *testing.T) map[string]string {
	t.Helper()
	all := map[string]string{}
	add := func(name string, client document, tokenURL, endpoint string) {
		auth := document{"type": "oauth2ClientCredentials", "tokenUrl": tokenURL}
		for property, value := range client {
			auth[property] = value
		}
		text, err := json.Marshal(document{"endpoint": endpoint, "method": "POST", "approval": "none", "auth": auth,
			"fields": []document{{"name": "note", "type": "string"}}})
		if err != nil {
			t.Fatal(err)
		}
		all[name] = string(text)
	}
	for kind, client := range clients() {
		for how := range failures {
			add(kind+"_"+how, client, s.URL+"/token/"+how, s.URL+"/api/"+kind+"/ok")
		}
		for _, how := range []string{"ok", "redirect", "error", "refuse"} {
			add(kind+"_api_"+how, client, s.URL+"/token/given?tenant="+how, s.URL+"/api/"+kind+"/"+how)
		}
	}
	post := clients()["post"]
	add("unreachable", post, "http://127.0.0.1:1/token", s.URL+"/api/post/ok")
	add("no_tls", post, strings.Replace(s.URL, "http:", "https:", 1)+"/token/ok", s.URL+"/api/post/ok")
	add("closed", post, "https://169.254.169.254/token", s.URL+"/api/post/ok")
	return all
}

// visit makes every kind of request, and collects what comes back.
func (s *thief) visit(t *testing.T, a api, seen *strings.Builder) {
	t.Helper()
	say := func(method, path, body string) {
		got, err := a.try(method, path, body)
		if err != nil {
			t.Fatal(err)
		}
		if got.status >= 500 {
			t.Errorf("%s %s: status %d: %s", method, path, got.status, got.body)
		}
		fmt.Fprintln(seen, got.status, got.header, got.body)
	}
	for name, body := range s.configurations(t) {
		path := "/api/configs/" + name
		say("PUT", path, body)
		say("GET", path, "")
		for range 2 { // the second fails by the back-off, or has the token
			say("POST", "/api/execute/"+name, `{"arguments": {"note": "hello"}}`)
		}
		say("POST", path+"/test", `{"send": true}`)
		say("POST", "/api/test", `{"send": true, "config": {"name": "draft", `+body[1:]+`}`)
		say("POST", "/api/execute/"+name, `{"arguments": {"unknown": "`+thiefsSecret+`"}}`)
		// What is refused is not quoted either.
		say("PUT", path, strings.Replace(body, `"tokenUrl":"http`, `"tokenUrl":"http://`+url.PathEscape(thiefsSecret)+`:x@`, 1))
		say("PUT", path, strings.Replace(body, `"oauth2ClientCredentials"`, `"`+thiefsSecret+`"`, 1))
		say("PUT", path, strings.Replace(body, `"name":"client_secret"`, `"name":"`+thiefsSecret+`\n"`, 1))
	}
	say("GET", "/api/executions?top=1000", "")
	say("GET", "/api/configs?top=1000", "")
}

// TestNoTokenIsSeen lets a provider and an API give away all that they are told,
// in every way of failing, and searches the answers, the log, and what is stored:
// for the tokens, the client's secret, and the Basic forms of both.
func TestNoTokenIsSeen(t *testing.T) {
	t.Run("embedded store", func(t *testing.T) {
		t.Parallel()
		data := t.TempDir()
		c := startCallout(t, data, "CALLOUT_LOG_LEVEL=debug")
		newThief(t).rob(t, c, func(seen *strings.Builder) { readAll(t, data, seen) })
	})
	t.Run("Azure", func(t *testing.T) {
		t.Parallel()
		cloud := newCloud(t, byKey)
		c := cloud.alone(t, "CALLOUT_LOG_LEVEL=debug", "AZURE_SDK_GO_LOGGING=all")
		newThief(t).rob(t, c, func(seen *strings.Builder) {
			rows := cloud.dump(t)
			for _, text := range []string{"callouttokens", `"tokenId":"`, `"errorCode":"invalid_client"`, `"errorCode":"invalid_scope"`} {
				if !strings.Contains(rows, text) {
					t.Errorf("the rows do not hold %q: they were not read whole", text)
				}
			}
			seen.WriteString(rows)
		})
	})
}

// rob goes everywhere and searches what was left.
func (s *thief) rob(t *testing.T, c *callout, stored func(seen *strings.Builder)) {
	t.Helper()
	var seen strings.Builder
	s.visit(t, c.api, &seen)
	if err := c.stop(t); err != nil {
		t.Errorf("the end: %v", err)
	}
	seen.WriteString(c.out.String())
	for _, text := range []string{"TokenRequestFailed", "invalid_client", "[secret]", "CredentialRejected", "succeeded"} {
		if !strings.Contains(seen.String(), text) {
			t.Errorf("nothing says %q: what should be tried was not", text)
		}
	}
	stored(&seen)
	t.Logf("searched %d bytes", seen.Len())
	s.search(t, seen.String())
}

// search looks for everything that the thief was told or gave.
func (s *thief) search(t *testing.T, seen string) {
	t.Helper()
	values := map[string]string{"the client's secret": thiefsSecret, "what lets the token request in": thiefsBearer,
		"the Basic form of the client": raw, "its form-encoded Basic form": formEncoded, "a token that was refused": "canary-given-0a1b2c"}
	for i, token := range s.tokens {
		values[fmt.Sprintf("token %d", i)] = token
		values[fmt.Sprintf("the Basic form of token %d", i)] = base64.StdEncoding.EncodeToString([]byte(":" + token))
	}
	told := s.told.String()
	for _, value := range []string{thiefsSecret, thiefsBearer, raw, formEncoded, s.tokens[0]} {
		if !strings.Contains(told, value) {
			t.Errorf("the thief was not told %q", value)
		}
	}
	for name, value := range values {
		for _, form := range spellings(value) {
			if i := strings.Index(seen, form); i >= 0 {
				t.Errorf("%s was seen as %q: …%s…", name, form, seen[max(0, i-200):min(len(seen), i+80)])
			}
		}
	}
}

// spellings are the ways in which a value may be written, or what all of them
// have in common.
func spellings(value string) []string {
	inJSON, _ := json.Marshal(value) // a string: cannot fail
	out := []string{value, value[:len(value)-6], url.QueryEscape(value), url.PathEscape(value), strings.Trim(string(inJSON), `"`), fmt.Sprintf("%x", value)}
	for shift := range 3 {
		encoded := base64.RawStdEncoding.EncodeToString([]byte(strings.Repeat(" ", shift) + value))
		out = append(out, encoded[4:len(encoded)-4])
	}
	return out
}
