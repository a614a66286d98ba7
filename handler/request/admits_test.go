package request

import (
	"net/url"
	"testing"
)

// The last look at a URL, by itself: no arguments that Validate accepts get here
// with anything but the first ones.
func TestAdmits(t *testing.T) {
	e, err := parseEndpoint("https://api.example.com:8443/v1/a%2fb/{{x}}/items-{{y}}?q={{z}}")
	if err != nil {
		t.Fatal(err)
	}
	for sent, want := range map[string]bool{
		"https://api.example.com:8443/v1/a%2fb/x/items-7?q=1":          true,
		"https://api.example.com:8443/v1/a%2fb/%2Fx/items-":            true,
		"http://api.example.com:8443/v1/a%2fb/x/items-7":               false,
		"https://api.example.com/v1/a%2fb/x/items-7":                   false,
		"https://evil.example:8443/v1/a%2fb/x/items-7":                 false,
		"https://a@api.example.com:8443/v1/a%2fb/x/items-7":            false,
		"https://api.example.com:8443/v1/a%2fb/x/items-7#f":            false,
		"https:api.example.com:8443/v1/a%2fb/x/items-7":                false,
		"https://api.example.com:8443/v2/a%2fb/x/items-7":              false,
		"https://api.example.com:8443/v1/a/b/x/items-7":                false,
		"https://api.example.com:8443/v1/a%2fb/x":                      false,
		"https://api.example.com:8443/v1/a%2fb/x/items-7/":             false,
		"https://api.example.com:8443/v1/a%2fb//items-7":               false,
		"https://api.example.com:8443/v1/a%2fb/../items-7":             false,
		"https://api.example.com:8443/v1/a%2fb/./items-7":              false,
		"https://api.example.com:8443/v1/a%2fb/%2e%2E/items-7":         false,
		"https://api.example.com:8443/v1/a%2fb/.%2e/items-7?q=items-7": false,
	} {
		u, err := url.Parse(sent)
		if err != nil || e.admits(u) != want {
			t.Errorf("%s: %v, %v", sent, e.admits(u), err)
		}
	}
}
