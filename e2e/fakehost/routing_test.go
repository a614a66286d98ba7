package fakehost

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
)

func TestTemplates(t *testing.T) {
	tests := []struct {
		template, path string
		want           bool
	}{
		{"api/configs", "/api/configs", true},
		{"api/configs", "/API/Configs", true},
		{"api/configs", "/api/configs/", true},
		{"api/configs", "/api/configs//", false},
		{"api/configs", "//api/configs", false},
		{"api/configs", "/api/configsx", false},
		{"api/configs", "/api", false},
		{"api/configs", "/", false},
		{"api/tokens", "/api/to\u212Aens", false}, // The Kelvin sign.
		{"api/configs/{name}", "/api/configs/crm", true},
		{"api/configs/{name}", "/api/configs/", false},
		{"api/configs/{name}", "/api/configs", false},
		{"api/configs/{name}", "/api/configs/a/b", false},
		{"api/configs/{name}", "/api/configs/a%2Fb", true},
		{"api/configs/{name}/test", "/api/configs/crm/TEST", true},
		{"api/configs/{name}/test", "/api/configs//test", false},
		{"api/configs/{name?}", "/api/configs", true},
		{"api/configs/{name?}", "/api/configs/crm", true},
		{"api/configs/{name?}", "/api/configs/crm/x", false},
		{"api/console/{*file}", "/api/console", true},
		{"api/console/{*file}", "/api/console/js/app.js", true},
		{"api/console/{*file}", "/api/console/js//app.js", true},
		{"api/console/{*file}", "/api/consoles", false},
		{"{*rest}", "/", true},
		{"{*rest}", "/a/b", true},
	}
	for _, test := range tests {
		parsed, err := parseTemplate(test.template)
		if err != nil {
			t.Fatal(err)
		}
		if got := parsed.matches(test.path); got != test.want {
			t.Errorf("%s matches %s: %v", test.template, test.path, got)
		}
	}
}

func TestPathsOnTheirWay(t *testing.T) {
	tests := []struct{ rule, sent, routed, forwarded, proxied string }{
		{"an ordinary path stays", "/api/configs/crm", "/api/configs/crm", "/api/configs/crm", "/api/configs/crm"},
		{"letter case stays", "/API/Configs", "/API/Configs", "/API/Configs", "/API/Configs"},
		{"a slash at the end stays", "/api/configs/", "/api/configs/", "/api/configs/", "/api/configs/"},
		{"two slashes stay", "/api//configs", "/api//configs", "/api//configs", "/api//configs"},
		{"a space stays escaped", "/api/a%20b", "/api/a b", "/api/a%20b", "/api/a%20b"},
		{"UTF-8 stays escaped", "/api/%C3%A9", "/api/é", "/api/%C3%A9", "/api/%C3%A9"},
		{"a plus is no space", "/api/a+b", "/api/a+b", "/api/a+b", "/api/a+b"},
		{"what may stand unescaped loses its escape", "/api/%61%2D", "/api/a-", "/api/a-", "/api/a-"},
		{"dot segments are removed", "/api/x/../configs", "/api/configs", "/api/configs", "/api/configs"},
		{"escaped ones as well", "/api/x/%2e%2E/configs", "/api/configs", "/api/configs", "/api/configs"},
		{"they do not climb above the root", "/../../api/.", "/api/", "/api/", "/api/"},
		{"an escaped slash is escaped again by the proxy", "/api/a%2Fb", "/api/a%2Fb", "/api/a%2Fb", "/api/a%252Fb"},
		{"one that was escaped twice cannot be told from it", "/api/a%252Fb", "/api/a%2Fb", "/api/a%2Fb", "/api/a%252Fb"},
		{"what is no UTF-8 is not decoded", "/api/%FF", "/api/%FF", "/api/%FF", "/api/%25FF"},
		{"forwarding decodes twice", "/api/x/%252e%252e/y", "/api/x/%2e%2e/y", "/api/y", "/api/x/%252e%252e/y"},
		{"forwarding makes slashes of backslashes", "/api/x%5C..%5Cy", `/api/x\..\y`, "/api/y", "/api/x%5C..%5Cy"},
		{"forwarding ends at a question mark", "/api/x%3Fy", "/api/x?y", "/api/x", "/api/x%3Fy"},
		{"forwarding ends at a number sign", "/api/x%23y", "/api/x#y", "/api/x", "/api/x%23y"},
		{"a percent sign stays", "/api/100%25", "/api/100%", "/api/100%25", "/api/100%25"},
	}
	for _, test := range tests {
		t.Run(test.rule, func(t *testing.T) {
			routed, ok := routingPath(&http.Request{RequestURI: test.sent + "?q=1"})
			if !ok || routed != test.routed {
				t.Errorf("routed as %q, %v, want %q", routed, ok, test.routed)
			}
			if got := forwardedPath(routed); got != test.forwarded {
				t.Errorf("forwarded as %q, want %q", got, test.forwarded)
			}
			if got := proxiedPath(routed); got != test.proxied {
				t.Errorf("proxied as %q, want %q", got, test.proxied)
			}
		})
	}
}

func TestPathWithNUL(t *testing.T) {
	if _, ok := routingPath(&http.Request{RequestURI: "/api/%00"}); ok {
		t.Error("a NUL was let through")
	}
}

func TestPathOfAnAbsoluteTarget(t *testing.T) {
	target, err := url.Parse("http://callout.example/api/configs?q=1")
	if err != nil {
		t.Fatal(err)
	}
	if got, ok := routingPath(&http.Request{RequestURI: target.String(), URL: target}); !ok || got != "/api/configs" {
		t.Errorf("got %q", got)
	}
}

func TestWhichFunctionIsCalled(t *testing.T) {
	methods := func(m ...string) []string { return m }
	functions := []Function{
		{Name: "all", Route: "api/all"},
		{Name: "config", Route: "api/configs/{name}", Methods: methods("GET", "DELETE")},
		{Name: "latest", Route: "api/configs/latest", Methods: methods("GET", "POST")},
		{Name: "sweep", Schedule: "0 0 * * * *"},
	}
	for i, f := range functions {
		if !f.IsTimer() {
			functions[i].template, _ = parseTemplate(f.Route)
		}
	}
	tests := []struct{ rule, method, path, want string }{
		{"path and method", "GET", "/api/configs/crm", "config"},
		{"another method of it", "DELETE", "/api/configs/crm", "config"},
		{"a method that is not listed is not found", "PUT", "/api/configs/crm", ""},
		{"HEAD must be listed", "HEAD", "/api/configs/crm", ""},
		{"OPTIONS must be listed", "OPTIONS", "/api/configs/crm", ""},
		{"no methods are all methods", "OPTIONS", "/api/all", "all"},
		{"the first by name wins, not the best", "GET", "/api/configs/latest", "config"},
		{"unless it does not take the method", "POST", "/api/configs/latest", "latest"},
		{"a timer has no path", "POST", "/sweep", ""},
		{"nor one under the prefix", "POST", "/api/sweep", ""},
	}
	for _, test := range tests {
		t.Run(test.rule, func(t *testing.T) {
			if got, _ := match(functions, test.path, test.method); got.Name != test.want {
				t.Errorf("got %q, want %q", got.Name, test.want)
			}
		})
	}
}

func TestQueries(t *testing.T) {
	tests := []struct{ rule, sent, want string }{
		{"nothing", "", ""},
		{"order stays", "b=2&a=1", "b=2&a=1"},
		{"repeated names are joined by commas", "a=1&b=x&a=2", "a=1%2C2&b=x"},
		{"names differ by more than case", "a=1&A=2", "a=1%2C2"},
		{"a name without a value gets an empty one", "flag", "flag="},
		{"empty pairs go", "&a=1&&", "a=1"},
		{"a plus is a space", "a=x+y%20z", "a=x%20y%20z"},
		{"a semicolon separates nothing", "a=1;b=2", "a=1%3Bb%3D2"},
		{"an escape that is none stays as text", "a=%zz", "a=%25zz"},
	}
	for _, test := range tests {
		t.Run(test.rule, func(t *testing.T) {
			if got := rebuildQuery(test.sent); got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

// What was authorised is what a proxied handler sees, whatever was sent.
func FuzzPath(f *testing.F) {
	for _, seed := range []string{"/api/configs/crm", "/a/%2e%2e/b", "/%252e/x%5C..%2F", "/%C3%A9%FF%zz%", "//./..", "/%E2%82%", "/?"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, sent string) {
		if !strings.HasPrefix(sent, "/") {
			sent = "/" + sent
		}
		routed, ok := routingPath(&http.Request{RequestURI: sent})
		if !ok {
			return
		}
		seen, err := url.PathUnescape(proxiedPath(routed))
		if err != nil || seen != routed {
			t.Errorf("authorised %q, proxied %q, %v", routed, seen, err)
		}
		forwarded := forwardedPath(routed)
		if _, err := url.ParseRequestURI(forwarded); err != nil {
			t.Errorf("%q is forwarded as %q: %v", sent, forwarded, err)
		}
		if removeDotSegments(forwarded) != forwarded {
			t.Errorf("%q keeps dot segments", forwarded)
		}
	})
}

// A rebuilt query says the same when it is read again, and each name once.
func FuzzQuery(f *testing.F) {
	for _, seed := range []string{"a=1&a=2&A=3", "flag&=&==", "a=%zz;b=1", "%2C=+&code=x"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, sent string) {
		rebuilt := rebuildQuery(sent)
		if again := rebuildQuery(rebuilt); again != rebuilt {
			t.Errorf("%q becomes %q, then %q", sent, rebuilt, again)
		}
		if values, err := url.ParseQuery(rebuilt); err != nil || len(values) != len(parseQuery(sent)) {
			t.Errorf("%q becomes %q: %v", sent, rebuilt, err)
		}
	})
}
