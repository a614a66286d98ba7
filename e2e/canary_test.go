package e2e

import (
	"encoding/base64"
	"fmt"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"callout/e2e/fakehost"
)

// canaries are secrets that must never be seen again, and the keys of the host,
// which reach the handler and must not be kept.
var canaries = map[string]string{
	"bearer":   "canary-bearer-1a2b3c",
	"basic":    "canary-password-4d5e6f",
	"apiKey":   "canary-key-7a8b9c",
	"query":    "canary-query-0d1e2f",
	"header":   "canary-header-3a4b5c",
	"webhook":  "canary-webhook-6d7e8f",
	"replaced": "canary-replaced-9a0b1c",
}

// parrot answers with everything that it was sent, in several encodings.
func parrot(t *testing.T) *httptest.Server {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		said := r.URL.String() + " " + fmt.Sprint(r.Header)
		w.Header().Set("X-Said", strings.ReplaceAll(said, "\n", " "))
		w.Header().Set("Content-Type", "text/plain; said="+r.Header.Get("X-Key"))
		w.Header().Set("Location", "https://elsewhere.example.com"+r.URL.RequestURI()+r.Header.Get("Authorization"))
		w.WriteHeader(statusOf(r.URL.Path))
		fmt.Fprintln(w, said, base64.StdEncoding.EncodeToString([]byte(said)), fmt.Sprintf("%q %x", said, said))
	}))
	t.Cleanup(server.Close)
	return server
}

// configurations hold every canary, one for each place where a secret may be.
func configurations(base string) map[string]string {
	all := map[string]string{}
	auths := map[string]string{
		"bearer": `{"type": "bearer", "token": "canary-bearer-1a2b3c"}`,
		"basic":  `{"type": "basic", "username": "u", "password": "canary-password-4d5e6f"}`,
		"apikey": `{"type": "apiKey", "header": "X-Key", "key": "canary-key-7a8b9c"}`,
		"query":  `{"type": "apiKey", "in": "query", "query": "key", "key": "canary-query-0d1e2f"}`,
		"none":   `{"type": "none"}`,
	}
	for kind, auth := range auths {
		for _, path := range []string{"ok", "redirect", "error", "refuse"} {
			all[kind+"_"+path] = fmt.Sprintf(`{"endpoint": "%s/%s", "method": "POST", "approval": "none", "auth": %s,
				"headers": [{"name": "X-Secret-Thing", "value": "canary-header-3a4b5c"}],
				"fields": [{"name": "note", "type": "string"}]}`, base, path, auth)
		}
	}
	all["webhook"] = fmt.Sprintf(`{"endpoint": "%s/ok?sig=canary-webhook-6d7e8f", "method": "POST", "approval": "none"}`, base)
	all["unreachable"] = strings.Replace(all["bearer_ok"], base, "http://127.0.0.1:1", 1)
	all["closed"] = strings.Replace(all["bearer_ok"], base, "https://169.254.169.254", 1)
	return all
}

// TestNoSecretIsSeenAgain plants canaries in every place, lets an upstream echo
// them, and searches the answers, the log and the data directory.
func TestNoSecretIsSeenAgain(t *testing.T) {
	upstream := parrot(t)
	for _, mode := range []fakehost.Mode{fakehost.Forwarding, fakehost.Proxying} {
		data := t.TempDir()
		host := startHost(t, mode, data)
		var seen strings.Builder
		walk(t, host, upstream.URL, &seen)
		for _, line := range host.Logs() {
			seen.WriteString(line.Text + "\n")
		}
		if err := host.Stop(); err != nil {
			t.Fatal(err)
		}
		readAll(t, data, &seen)
		t.Logf("searched %d bytes", seen.Len())
		search(t, host, seen.String())
	}
}

// walk makes every kind of request and collects what comes back.
func walk(t *testing.T, host *fakehost.Host, upstream string, seen *strings.Builder) {
	t.Helper()
	say := func(function, method, path, body string) {
		got, err := with(host, function).try(method, path, body)
		if err != nil {
			t.Fatal(err)
		}
		if got.status >= 500 {
			t.Errorf("%s %s: status %d: %s", method, path, got.status, got.body)
		}
		fmt.Fprintln(seen, got.status, got.header, got.body)
	}
	for name, body := range configurations(upstream) {
		path := "/api/configs/" + name
		say("config", "PUT", path, body)
		say("config", "PATCH", path, `{"headers": [{"name": "X-Secret-Thing", "value": "canary-replaced-9a0b1c"}]}`)
		say("config", "PUT", path, body)
		say("config", "PUT", path, strings.Replace(body, `"POST"`, `"canary-bearer-1a2b3c"`, 1))
		say("config", "GET", path, "")
		say("execute", "POST", "/api/execute/"+name, `{"arguments": {"note": "hello"}}`)
		say("execute", "POST", "/api/execute/"+name, `{"arguments": {"unknown": "canary-bearer-1a2b3c"}}`)
		say("test", "POST", path+"/test", `{"send": true}`)
		say("test-draft", "POST", "/api/test", `{"send": true, "config": {"name": "draft", `+body[1:]+`}`)
	}
	say("import", "POST", "/api/import", `{"curl": "curl `+upstream+`/ok -H 'Authorization: Bearer canary-bearer-1a2b3c' -H 'X-Secret-Thing: canary-header-3a4b5c'"}`)
	say("import", "POST", "/api/import", `{"openapi": "canary-bearer-1a2b3c"}`)
	say("configs", "GET", "/api/configs?code="+host.FunctionKey("configs"), "")
	say("configs", "POST", "/api/configs", `{"auth": {"token": "canary-bearer-1a2b3c"`)
	say("executions", "GET", "/api/executions?top=1000", "")
}

func readAll(t *testing.T, dir string, into *strings.Builder) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		into.Write(data)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// search looks for each canary as it is, and in what base64 and hexadecimal make
// of its middle.
func search(t *testing.T, host *fakehost.Host, seen string) {
	t.Helper()
	looked := map[string]string{}
	for name, canary := range canaries {
		looked[name] = canary
		looked[name+" in hex"] = fmt.Sprintf("%x", canary)
		for shift := range 3 {
			encoded := base64.RawStdEncoding.EncodeToString([]byte(strings.Repeat(" ", shift) + canary))
			looked[fmt.Sprintf("%s in base64, %d", name, shift)] = encoded[4 : len(encoded)-4]
		}
	}
	for _, f := range host.Functions() {
		if key := host.FunctionKey(f.Name); key != "" {
			looked["the key of "+f.Name] = key
		}
	}
	for name, text := range looked {
		if i := strings.Index(seen, text); i >= 0 {
			t.Errorf("%s was seen: …%s…", name, seen[max(0, i-200):min(len(seen), i+80)])
		}
	}
}

func statusOf(path string) int {
	switch path {
	case "/redirect":
		return http.StatusFound
	case "/error":
		return http.StatusInternalServerError
	case "/refuse":
		return http.StatusUnauthorized
	}
	return http.StatusOK
}
