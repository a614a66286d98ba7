package route

import (
	"net/http"
	"testing"
)

func TestAloneAnswersOnlyToItsOwnNames(t *testing.T) {
	server := startServer(t, true)
	for host, want := range map[string]int{
		"127.0.0.1": 200, "127.0.0.1:7071": 200, "localhost": 200, "LocalHost:80": 200, "[::1]": 200, "[::1]:7071": 200,
		"": 421, "evil.example": 421, "localhost.evil.example": 421, "evil.example:7071": 421, "127.0.0.1.nip.io": 421, "127.0.0.2": 421,
		"0.0.0.0": 421, "localhost.": 421, "[::1]x": 421, "[::2]": 421, "localhost:": 421, "localhost:x": 421, "localhost:123456": 421, "xlocalhost": 421,
		"127.1": 421, "2130706433": 421, "[::ffff:127.0.0.1]": 421,
	} {
		for _, target := range []string{"/api/health", "/api/configs"} {
			got := send(t, server, "GET", target, "Host: "+host)
			if got.status != want {
				t.Errorf("Host %q: got %d %s, want %d", host, got.status, got.body, want)
			}
		}
		if got := send(t, server, "GET", "/nothing//here", "Host: "+host); want == 421 {
			wantError(t, got, http.StatusMisdirectedRequest, "ForeignHost")
		}
	}
}

func TestAloneRefusesOtherOrigins(t *testing.T) {
	server := startServer(t, true)
	own := "http://" + server.Listener.Addr().String()
	host := "Host: " + server.Listener.Addr().String()
	for _, c := range []struct {
		why, method, target string
		headers             []string
		want                int
	}{
		{"a program", "POST", "/api/configs", nil, 200},
		{"its own page", "POST", "/api/configs", []string{"Origin: " + own, "Sec-Fetch-Site: same-origin"}, 200},
		{"its own page, old browser", "POST", "/api/configs", []string{"Origin: " + own}, 200},
		{"another page", "POST", "/api/configs", []string{"Origin: https://evil.example", "Sec-Fetch-Site: cross-site"}, 403},
		{"another page, old browser", "POST", "/api/configs", []string{"Origin: https://evil.example"}, 403},
		{"a page on another port", "POST", "/api/configs", []string{"Origin: http://localhost:1", "Sec-Fetch-Site: same-site"}, 403},
		{"a sandboxed page", "POST", "/api/execute/x", []string{"Origin: null"}, 403},
		{"another page deletes", "DELETE", "/api/configs/x", []string{"Sec-Fetch-Site: cross-site"}, 403},
		{"another page, no such route", "POST", "/nothing", []string{"Sec-Fetch-Site: cross-site"}, 403},
		{"a link from elsewhere", "GET", "/api/console/", []string{"Sec-Fetch-Site: cross-site"}, 200},
	} {
		got := send(t, server, c.method, c.target, append([]string{host}, c.headers...)...)
		if got.status != c.want {
			t.Errorf("%s: got %d %s, want %d", c.why, got.status, got.body, c.want)
		}
		if c.want == http.StatusForbidden {
			wantError(t, got, http.StatusForbidden, "CrossOrigin")
		}
	}
}

func TestAloneHasNoTimers(t *testing.T) {
	server := startServer(t, true)
	wantError(t, send(t, server, "POST", "/sweep"), http.StatusNotFound, "NotFound")
}

// Under the host, names are the host's affair: it drops the Host header.
func TestUnderTheHostAnyNameIsFine(t *testing.T) {
	server := startServer(t, false)
	got := send(t, server, "POST", "/api/configs", "Host: app.example", "Origin: https://portal.example", "Sec-Fetch-Site: cross-site")
	if got.status != http.StatusOK {
		t.Errorf("got %d %s", got.status, got.body)
	}
}
