package httpapi

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"
)

// follow reads a list from its first page to its last, and returns what a
// member of each element says.
func (s *service) follow(t *testing.T, path, member string) (values []string, pages int) {
	t.Helper()
	for {
		page := s.want(200, "GET", path, "").object(t)
		pages++
		for _, element := range page["value"].([]any) {
			values = append(values, fmt.Sprint(element.(doc)[member]))
		}
		link, more := page["nextLink"].(string)
		if !more {
			return values, pages
		}
		below, ok := strings.CutPrefix(link, s.url+"/api")
		if !ok {
			t.Fatalf("nextLink leads to %s", link)
		}
		path = below
	}
}

func TestAnEmptyListIsAnEmptyArray(t *testing.T) {
	s := newService(t)
	for _, path := range []string{"/configs", "/executions"} {
		if got := strings.TrimSpace(string(s.want(200, "GET", path, "").body)); got != `{"value":[]}` {
			t.Errorf("%s is %s", path, got)
		}
	}
}

func TestConfigurationsAreListedByNameToTheEnd(t *testing.T) {
	s := newService(t)
	var names []string
	for i := range 7 {
		names = append(names, fmt.Sprintf("c%02d", 6-i))
		s.want(201, "POST", "/configs", s.config(names[i], "/ok", secretive["bearer"]))
	}
	slices.Sort(names)
	for top, pages := range map[string]int{"": 1, "?top=1": 7, "?top=3": 3, "?top=7": 1, "?top=1000": 1} {
		got, n := s.follow(t, "/configs"+top, "name")
		if !slices.Equal(got, names) || n != pages {
			t.Errorf("%q: %q on %d pages, want %d", top, got, n, pages)
		}
	}
}

func TestExecutionsAreListedNewestFirstToTheEnd(t *testing.T) {
	s := newService(t)
	s.want(201, "POST", "/configs", s.config("crm", "/ok", nil))
	var ids []string
	for range 7 {
		ids = append(ids, s.want(200, "POST", "/execute/crm", "").object(t)["executionId"].(string))
	}
	slices.Sort(ids)
	slices.Reverse(ids)
	for top, pages := range map[string]int{"": 1, "?top=2": 4, "?top=7": 1} {
		got, n := s.follow(t, "/executions"+top, "executionId")
		if !slices.Equal(got, ids) || n != pages {
			t.Errorf("%q: %q on %d pages, want %q on %d", top, got, n, ids, pages)
		}
	}
}

func TestAListShowsNoBodies(t *testing.T) {
	s := newService(t)
	s.want(201, "POST", "/configs", s.config("crm", "/ok", nil))
	s.want(200, "POST", "/execute/crm", "")
	got := s.want(200, "GET", "/executions", "").object(t)["value"].([]any)[0].(doc)
	if body := got["response"].(doc)["body"]; body != nil {
		t.Errorf("the list shows the body %v", body)
	}
	one := s.want(200, "GET", "/executions/"+got["executionId"].(string), "").object(t)
	if body := one["response"].(doc)["body"]; body == nil {
		t.Error("the execution itself has lost its body")
	}
}

// A request that was made can be repeated by hand: as a command, without its
// secrets.
func TestARecordedRequestIsAlsoACommand(t *testing.T) {
	s := newService(t)
	s.want(201, "POST", "/configs", s.config("crm", "/ok", secretive["bearer"]))
	id := s.want(200, "POST", "/execute/crm", "").object(t)["executionId"].(string)
	got := s.want(200, "GET", "/executions/"+id, "").object(t)
	curl, _ := got["curl"].(string)
	for _, part := range []string{"curl ", got["request"].(doc)["url"].(string), "Authorization: Bearer [secret]"} {
		if !strings.Contains(curl, part) {
			t.Errorf("the command lacks %q: %s", part, curl)
		}
	}
}

func TestQueriesThatAreRefused(t *testing.T) {
	s := newService(t)
	const canary = "canary4711"
	for _, list := range []string{"/configs", "/executions"} {
		for query, target := range map[string]string{
			"top=0": "top", "top=-1": "top", "top=1001": "top", "top=1e2": "top", "top=" + canary: "top", "top=1.0": "top",
			"top=99999999999999999999": "top", "top=5&top=6": "top",
			"after=" + canary + "!": "after", "after=%00": "after", "after=..%2F": "after", "after=b0%2F01J": "after",
			"after=" + strings.Repeat("a", 5000): "after",
			canary + "=1":                        "", "TOP=5": "", "$top=5": "", "filter=" + canary: "", "top=%zz": "", "a;b": "",
		} {
			got := s.want(400, "GET", list+"?"+query, "")
			if p := got.problem(); p.Code != "InvalidQuery" || p.Target != target {
				t.Errorf("%s?%s: %+v", list, query, p)
			}
			if strings.Contains(string(got.body)+s.log.String(), canary) {
				t.Errorf("%s?%s is quoted: %s", list, query, got.body)
			}
		}
	}
	s.want(400, "GET", "/executions?after="+strings.ToLower("01J0000000000000000000000A"), "")
	s.want(400, "GET", "/executions?after=8ZZZZZZZZZZZZZZZZZZZZZZZZZ", "")
	s.want(200, "GET", "/executions?after=01J0000000000000000000000A&top=", "")
	s.want(200, "GET", "/configs?after=zzz&code=key&clientId=default", "")
}

func TestANextLinkLeadsBackToWhereTheCallerCameFrom(t *testing.T) {
	proxied := func(a *API) { a.Proxied = true }
	azure := func(a *API) { a.Proxied, a.PublicHost = true, "callout.azurewebsites.net" }
	alone := func(*API) {}
	forwarded := []string{"X-Forwarded-Host", "callout.example.com", "X-Forwarded-Proto", "https"}
	cases := []struct {
		name    string
		change  func(*API)
		headers []string
		origin  string
	}{
		{"alone", alone, nil, ""},
		{"alone, the headers of a proxy are not believed", alone, forwarded, ""},
		{"under Core Tools", proxied, []string{"X-Forwarded-Host", "localhost:7071", "X-Forwarded-Proto", "http"}, "http://localhost:7071"},
		{"under a host that says nothing", proxied, nil, ""},
		{"under a host behind TLS", proxied, forwarded, "https://callout.example.com"},
		{"on Azure", azure, []string{"X-Forwarded-Proto", "http"}, "https://callout.azurewebsites.net"},
		{"on Azure with a domain of one's own", azure, forwarded, "https://callout.example.com"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			s := newService(t, c.change)
			if c.origin == "" {
				c.origin = s.url
			}
			created := s.want(201, "POST", "/configs", s.config("a", "/ok", nil), c.headers...)
			s.want(201, "POST", "/configs", s.config("b", "/ok", nil))
			if got := created.header.Get("Location"); got != c.origin+"/api/configs/a" {
				t.Errorf("Location is %s", got)
			}
			page := s.want(200, "GET", "/configs?top=1&code=host-key", "", append(c.headers, "x-functions-key", "host-key")...)
			if got := page.object(t)["nextLink"]; got != c.origin+"/api/configs?after=a&top=1" {
				t.Errorf("nextLink is %v", got)
			}
		})
	}
}

func TestAForwardedHostCannotBendAPath(t *testing.T) {
	s := newService(t, func(a *API) { a.Proxied = true })
	s.want(201, "POST", "/configs", s.config("a", "/ok", nil))
	s.want(201, "POST", "/configs", s.config("b", "/ok", nil))
	page := s.want(200, "GET", "/configs?top=1", "", "X-Forwarded-Host", "evil.example.com/x?y#")
	link, err := url.Parse(page.object(t)["nextLink"].(string))
	if err != nil || s.url != link.Scheme+"://"+link.Host || link.Path != "/api/configs" || link.Fragment != "" {
		t.Errorf("nextLink is %v (%v)", link, err)
	}
}
