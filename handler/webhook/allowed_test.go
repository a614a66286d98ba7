package webhook_test

import (
	"errors"
	"net/http"
	"path"
	"slices"
	"strings"
	"testing"

	"callout/handler/callout"
	"callout/handler/webhook"
)

func TestAllowedURL(t *testing.T) {
	for _, c := range []struct {
		prefix  string
		allowed []string
		refused []string
	}{
		{"https://ok.example.com/hooks",
			[]string{
				"https://ok.example.com/hooks", "https://ok.example.com/hooks/", "https://ok.example.com/hooks/a/b", "https://ok.example.com/hooks/a/",
				"https://ok.example.com:443/hooks", "HTTPS://OK.Example.COM/hooks", "https://ok.example.com/hooks?code=a/../%2e@b", "https://ok.example.com/hooks/...",
				"https://ok.example.com/hooks/a:b@c=d,e+f!$&'()*~",
			},
			[]string{
				"", "/hooks", "ok.example.com/hooks", "//ok.example.com/hooks", "https:ok.example.com/hooks", "https:///hooks", "https:/ok.example.com/hooks",
				"http://ok.example.com/hooks", "ftp://ok.example.com/hooks", "https://ok.example.com:8443/hooks", "https://ok.example.com:0443/hooks", "https://ok.example.com:/hooks",
				"https://ok.example.com", "https://ok.example.com/", "https://ok.example.com/hooksx", "https://ok.example.com/hooks.evil", "https://ok.example.com/Hooks", "https://ok.example.com/hook",
				"https://ok.example.com.evil.example/hooks", "https://ok.example.com.:443/hooks", "https://ok.example.com./hooks", "https://evil.example/hooks", "https://evil.example/https://ok.example.com/hooks",
				"https://evil.ok.example.com/hooks", "https://okXexample.com/hooks", "https://ok.example.com@evil.example/hooks", "https://ok.example.com:443@evil.example/hooks",
				"https://user@ok.example.com/hooks", "https://user:password@ok.example.com/hooks", "https://@ok.example.com/hooks", "https://evil.example#@ok.example.com/hooks",
				`https://evil.example\@ok.example.com/hooks`, `https://ok.example.com\@evil.example/hooks`, `https://ok.example.com\.evil.example/hooks`, `https:\\ok.example.com\hooks`, `https://ok.example.com/hooks\..\x`, `https://ok.example.com/hooks?a\b`,
				"https://ok.example.com/hooks/../x", "https://ok.example.com/hooks/..", "https://ok.example.com/hooks/./a", "https://ok.example.com/x/../hooks", "https://ok.example.com/hooks/..;/x", "https://ok.example.com/hooks;x",
				"https://ok.example.com/hooks/%2e%2e/x", "https://ok.example.com/hooks/%2E%2E%2Fx", "https://ok.example.com/hooks/..%2fx", "https://ok.example.com/hooks/..%5cx", "https://ok.example.com/hook%73", "https://ok.example.com/hooks%2fa",
				"https://ok.example.com/hooks/%252e%252e/x", "https://ok.example.com/hooks/%00", "https://ok.example.com//hooks", "https://ok.example.com/hooks//a", "https://ok.example.com/hooks//",
				"https://ok%2eexample.com/hooks", "https://ok.example.com%2f.evil.example/hooks", "https://ok.example.com%00.evil.example/hooks", "https://ok。example。com/hooks", "https://ók.example.com/hooks",
				"https://ok.example.com/hooks#x", "https://ok.example.com/hooks#", " https://ok.example.com/hooks", "https://ok.example.com/hooks ", "https://ok.example.com/ho\noks", "https://ok.example.com\t/hooks", "https://ok.example.com/hooks/\x00", "https://ok.example.com/hooks/ü",
				"https://ok.example.com/hooks/" + strings.Repeat("a", 2048), "javascript://ok.example.com/hooks",
			}},
		{"https://ok.example.com/hooks/",
			[]string{"https://ok.example.com/hooks/", "https://ok.example.com/hooks/a"},
			[]string{"https://ok.example.com/hooks", "https://ok.example.com/hooksx"}},
		{"https://ok.example.com", []string{"https://ok.example.com", "https://ok.example.com/", "https://ok.example.com/a?b", "https://ok.example.com?b"}, []string{"https://ok.example.company/"}},
		{"https://OK.example.com:443/", []string{"https://ok.example.com", "https://ok.example.com/a"}, []string{"https://ok.example.com:4430/a", "http://ok.example.com:443/a"}},
		{"http://127.0.0.1:8080/in", []string{"http://127.0.0.1:8080/in/a"}, []string{"http://127.0.0.1/in/a", "http://127.0.0.1:80800/in", "http://127.1:8080/in", "http://[127.0.0.1]:8080/in", "http://[::ffff:127.0.0.1]:8080/in"}},
		{"https://[2001:db8::1]/in", []string{"https://[2001:db8::1]:443/in"}, []string{"https://[2001:db8::1%25eth0]/in", "https://[2001:db8::2]/in", "https://2001:db8::1/in"}},
	} {
		if err := webhook.CheckPrefix(c.prefix); err != nil {
			t.Errorf("%s: %v", c.prefix, err)
		}
		for _, url := range c.allowed {
			if err := webhook.AllowedURL([]string{"https://another.example.com", c.prefix}, url); err != nil {
				t.Errorf("with %s, %q: %v", c.prefix, url, err)
			}
		}
		for _, url := range c.refused {
			wantRefusal(t, []string{c.prefix}, url)
		}
	}
}

// wantRefusal checks that an address is refused, and not quoted.
func wantRefusal(t *testing.T, prefixes []string, url string) {
	t.Helper()
	var refusal *callout.Error
	err := webhook.AllowedURL(prefixes, url)
	if !errors.As(err, &refusal) || refusal.Code != callout.InvalidRequest || refusal.Target != "callbackUrl" {
		t.Errorf("with %q, %q: %v", prefixes, url, err)
		return
	}
	if len(url) > 10 && strings.Contains(refusal.Message, url) {
		t.Errorf("%q is quoted: %v", url, err)
	}
}

// Without a setting nothing is allowed, and an entry that cannot be used allows
// nothing.
func TestEntriesThatAllowNothing(t *testing.T) {
	const url = "https://ok.example.com/hooks"
	wantRefusal(t, nil, url)
	wantRefusal(t, []string{}, url)
	for _, entry := range []string{
		"", "*", "https://*", "https://*.example.com", "https://", "ok.example.com", "/", "https://ok.example.com?a=b", "https://ok.example.com/hooks?", "https://ok.example.com#",
		"https://user@ok.example.com", "https://ok.example.com/%68ooks", "https://ok.example.com/x/../hooks", "https://ok.example.com//", " https://ok.example.com", "ftp://ok.example.com",
	} {
		if err := webhook.CheckPrefix(entry); err == nil || entry != "" && entry != "*" && entry != "/" && strings.Contains(err.Error(), entry+" ") {
			t.Errorf("%q: %v", entry, err)
		}
		wantRefusal(t, []string{entry}, url)
		if entry != "" {
			wantRefusal(t, []string{entry}, entry+"/hooks")
		}
	}
}

// What is allowed is, for net/http and for whoever reads addresses as browsers do,
// at the host of an entry and below its path, whatever a server makes of dots.
func FuzzAllowedURL(f *testing.F) {
	prefixes := []string{"https://ok.example.com/hooks", "http://127.0.0.1:8080/", "https://[2001:db8::1]/in/"}
	for _, seed := range []string{
		"https://ok.example.com/hooks/a?b=c", "https://ok.example.com.evil.example/hooks", "https://ok.example.com@evil.example/hooks", `https://evil.example\@ok.example.com/hooks`,
		"https://ok.example.com/hooks/%2e%2e/x", "https://ok.example.com/hooks/..;/x", "http://127.0.0.1:8080/x", "https://[2001:db8::1]:443/in/x", "https://ok.example.com:443/hooks/\t../x", "https://ok.example.com?/hooks/../",
	} {
		f.Add(seed)
	}
	ends := map[string]string{"https://ok.example.com:443": "/hooks", "http://127.0.0.1:8080": "/", "https://[2001:db8::1]:443": "/in/"}
	f.Fuzz(func(t *testing.T, raw string) {
		if webhook.AllowedURL(prefixes, raw) != nil {
			return
		}
		req, err := http.NewRequest(http.MethodPost, raw, nil)
		if err != nil {
			t.Fatalf("%q: %v", raw, err)
		}
		origin, at := asBrowsers(raw)
		end, ok := ends[origin]
		base := strings.TrimSuffix(end, "/")
		for _, seen := range []string{at, path.Clean("/" + req.URL.Path)} {
			if !ok || seen != base && !strings.HasPrefix(seen+"/", base+"/") {
				t.Errorf("%q leads to %q, %q", raw, origin, seen)
			}
		}
		host := strings.ToLower(req.URL.Hostname())
		if !slices.ContainsFunc(prefixes, func(p string) bool {
			return strings.Contains(p, "/"+host) || strings.Contains(p, "["+host+"]")
		}) {
			t.Errorf("%q leads net/http to %q", raw, host)
		}
	})
}

// asBrowsers reads an address as the WHATWG's URL standard does, as far as it
// matters here: tabs and line ends are left out, backslashes are slashes, the user
// ends at the last @, and the host where the path, the query or the fragment
// begins.
func asBrowsers(raw string) (origin, at string) {
	raw = strings.NewReplacer("\t", "", "\n", "", "\r", "", `\`, "/").Replace(strings.Trim(raw, "\x00 "))
	scheme, rest, _ := strings.Cut(raw, ":")
	scheme, rest = strings.ToLower(scheme), strings.TrimLeft(rest, "/")
	rest, _, _ = strings.Cut(rest, "#")
	rest, _, _ = strings.Cut(rest, "?")
	host, at, _ := strings.Cut(rest, "/")
	host = strings.ToLower(host[strings.LastIndexByte(host, '@')+1:])
	if port := map[string]string{"https": ":443", "http": ":80"}[scheme]; strings.LastIndexByte(host, ':') <= strings.LastIndexByte(host, ']') {
		host += port
	}
	at = strings.NewReplacer("%2e", ".", "%2E", ".", "%2f", "/", "%2F", "/", "%5c", "/", "%5C", "/").Replace("/" + at)
	return scheme + "://" + host, path.Clean(at)
}
