package draft_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"callout/handler/callout"
	"callout/handler/credential"
	"callout/handler/request"
	"callout/handler/schema"
	"callout/handler/secret"
)

// world has the two senders whose requests are compared, real curl and Callout,
// and a server that both take for any host of the Internet.
type world struct {
	encrypted, plain *httptest.Server
	arrived          chan arrival
	home             string // of curl
	client           *http.Client
}

// arrival is a request as the server got it.
type arrival struct {
	host, method, target string
	header               http.Header
	body                 []byte
}

func newWorld(t *testing.T) *world {
	t.Helper()
	if _, err := exec.LookPath("curl"); err != nil {
		t.Fatal("these tests compare with curl itself: install it, as with apt-get install curl")
	}
	w := &world{arrived: make(chan arrival, 16), home: t.TempDir()}
	serve := http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		w.arrived <- arrival{r.Host, r.Method, r.RequestURI, r.Header, body}
	})
	w.encrypted, w.plain = httptest.NewTLSServer(serve), httptest.NewServer(serve)
	t.Cleanup(w.encrypted.Close)
	t.Cleanup(w.plain.Close)
	// What curl reads before its arguments: every address leads to the two servers.
	config := fmt.Sprintf("silent\ninsecure\nnoproxy = \"*\"\nconnect-to = \":443:%s\"\nconnect-to = \":80:%s\"\nconnect-to = \":9200:%s\"\n",
		w.encrypted.Listener.Addr(), w.plain.Listener.Addr(), w.plain.Listener.Addr())
	if err := os.WriteFile(filepath.Join(w.home, ".curlrc"), []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	w.client = &http.Client{Transport: &http.Transport{
		DisableCompression: true,
		TLSClientConfig:    &tls.Config{InsecureSkipVerify: true}, // the one certificate is not that of any host
		DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, network, w.plain.Listener.Addr().String())
		},
		DialTLSContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			d := tls.Dialer{Config: &tls.Config{InsecureSkipVerify: true}}
			return d.DialContext(ctx, network, w.encrypted.Listener.Addr().String())
		},
	}}
	t.Cleanup(w.client.CloseIdleConnections)
	return w
}

// byShell lets bash run the command as it stands.
func (w *world) byShell(t *testing.T, command string, variables []string) arrival {
	t.Helper()
	return w.run(t, exec.Command("bash", "-c", command), variables)
}

// byArguments runs curl with the arguments.
func (w *world) byArguments(t *testing.T, arguments []string) arrival {
	t.Helper()
	return w.run(t, exec.Command("curl", arguments...), nil)
}

func (w *world) run(t *testing.T, cmd *exec.Cmd, variables []string) arrival {
	t.Helper()
	cmd.Dir = t.TempDir() // for -o
	cmd.Env = append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + w.home, "CURL_HOME=" + w.home, "LC_ALL=C.UTF-8"}, variables...)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("curl: %v: %s", err, out)
	}
	return w.next(t)
}

// byCallout sends what the configuration makes of the arguments, as execute does.
func (w *world) byCallout(t *testing.T, c *callout.Config, given callout.Bundle, args request.Arguments) arrival {
	t.Helper()
	template, faults := request.Compile(c)
	if len(faults) > 0 {
		t.Fatalf("the draft does not compile: %v", faults)
	}
	if faults := template.Validate(args); len(faults) > 0 {
		t.Fatalf("the draft refuses its arguments: %v", faults)
	}
	filled := c.WithSecrets(given)
	if unset := filled.Unset(); len(unset) > 0 {
		t.Fatalf("the draft lacks %q", unset)
	}
	req, err := template.Build(t.Context(), filled, args)
	if err != nil {
		t.Fatal(err)
	}
	cred, err := credential.New(&filled.Auth)
	if err != nil {
		t.Fatal(err)
	}
	cred.Apply(req)
	answer, err := w.client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	_ = answer.Body.Close()
	return w.next(t)
}

func (w *world) next(t *testing.T) arrival {
	t.Helper()
	select {
	case a := <-w.arrived:
		return a
	case <-time.After(20 * time.Second):
		t.Fatal("no request arrived")
		return arrival{}
	}
}

// same compares what arrived from curl with what arrived from Callout. Names and
// values are compared after decoding, in their order, since clients differ in what
// they encode; a JSON body by value.
func same(t *testing.T, curl, ours arrival) {
	t.Helper()
	path, query, _ := strings.Cut(curl.target, "?")
	ourPath, ourQuery, _ := strings.Cut(ours.target, "?")
	check := func(what string, want, got any) {
		t.Helper()
		if !reflect.DeepEqual(want, got) {
			t.Errorf("%s\ncurl    %v\nCallout %v", what, want, got)
		}
	}
	check("host", curl.host, ours.host)
	check("method", curl.method, ours.method)
	check("path", capitals(path), capitals(ourPath))
	check("query", pairs(query), pairs(ourQuery))
	check("headers", headers(curl), headers(ours))
	check("body", body(curl), body(ours))
	if text := string(curl.body); isForm(curl) && canonical(text) {
		check("bytes of the form", text, string(ours.body))
	}
}

// canonical reports whether a form is encoded in the one way in which Callout does.
func canonical(text string) bool {
	return !slices.ContainsFunc(strings.Split(text, "&"), func(pair string) bool {
		name, value, found := strings.Cut(pair, "=")
		plain, err := url.QueryUnescape(name)
		decoded, err2 := url.QueryUnescape(value)
		return !found || err != nil || err2 != nil || url.QueryEscape(plain) != name || url.QueryEscape(decoded) != value
	})
}

func isForm(a arrival) bool {
	return strings.HasPrefix(a.header.Get("Content-Type"), "application/x-www-form-urlencoded") && !bytes.HasPrefix(bytes.TrimSpace(a.body), []byte("{"))
}

var encoded = regexp.MustCompile(`%[0-9a-fA-F]{2}`)

// capitals writes percent-encodings in one of two equal ways (RFC 3986, 6.2.2.1).
func capitals(s string) string { return encoded.ReplaceAllStringFunc(s, strings.ToUpper) }

// pairs decodes a query or a form.
func pairs(text string) []string {
	var out []string
	for pair := range strings.SplitSeq(text, "&") {
		if pair == "" {
			continue
		}
		name, value, _ := strings.Cut(pair, "=")
		name, err := url.QueryUnescape(name)
		value, err2 := url.QueryUnescape(value)
		if err != nil || err2 != nil {
			return []string{text}
		}
		out = append(out, name+"="+value)
	}
	return out
}

// headers leaves out what each client says about itself and its connection.
func headers(a arrival) []string {
	own := map[string][]string{
		"User-Agent": {"curl/", request.UserAgent}, "Accept": {"*/*", "application/json, */*;q=0.5"},
		"Accept-Encoding": {""}, "Content-Length": {""}, "Connection": {""},
	}
	var out []string
	for _, name := range slices.Sorted(maps.Keys(a.header)) {
		value := strings.Join(a.header[name], " | ")
		if !slices.ContainsFunc(own[name], func(prefix string) bool { return strings.HasPrefix(value, prefix) }) {
			out = append(out, name+": "+value)
		}
	}
	return out
}

func body(a arrival) any {
	switch {
	case isForm(a):
		return pairs(string(a.body))
	case len(a.body) == 0:
		return nil
	}
	v, err := schema.Parse(a.body)
	if err != nil {
		return string(a.body)
	}
	return v
}

// bundle is what the configuration holds, and what is given besides.
func bundle(c *callout.Config, more map[string]string) callout.Bundle {
	out := c.Given()
	for path, value := range more {
		out[path] = secret.New(value)
	}
	return out
}
