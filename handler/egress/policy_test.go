package egress

import (
	"net/netip"
	"strings"
	"testing"

	"callout/handler/callout"
)

func prefixes(list string) []netip.Prefix {
	p, err := ParseAllow(list)
	if err != nil {
		panic(err)
	}
	return p
}

// Settings as an operator may have them.
var (
	privatePolicy     = Policy{Allow: prefixes("10.0.0.0/8 fd12::/16")}
	privateHTTPPolicy = Policy{Allow: privatePolicy.Allow, PlainHTTP: true}
	laptopPolicy      = Policy{Allow: prefixes("127.0.0.0/8"), PlainHTTP: true}
	azurePolicy       = Policy{Allow: prefixes("0.0.0.0/0 ::/0"), PlainHTTP: true, OnAzure: true}
	openPolicy        = Policy{Allow: azurePolicy.Allow, PlainHTTP: true}
	portsPolicy       = Policy{Ports: []uint16{443, 8443}}
	hostsPolicy       = Policy{Hosts: []string{"api.example.com", "*.example.org", "93.184.215.14", "127.0.0.1", "2606:2800::1"}}
	ownPolicy         = Policy{OwnHosts: []string{"MyApp.azurewebsites.net"}}
)

// What settings open and close. An empty message means that the URL is permitted.
var urlTable = []struct {
	name    string
	policy  Policy
	url     string
	message string
}{
	{"public address", Policy{}, "https://93.184.215.14/", ""},
	{"public address, IPv6", Policy{}, "https://[2606:2800:21f:cb07::1]/", ""},
	{"port 443 said", Policy{}, "https://api.example.com:443/", ""},
	{"other port", Policy{}, "https://api.example.com:8443/", "port"},
	{"other port of an address", Policy{}, "https://93.184.215.14:8443/", "port"},
	{"port in the list", portsPolicy, "https://api.example.com:8443/", ""},
	{"port in the list, address", portsPolicy, "https://93.184.215.14:8443/", ""},
	{"port not in the list", portsPolicy, "https://api.example.com:8444/", "port"},
	{"443 left out of the list", Policy{Ports: []uint16{8443}}, "https://api.example.com/", "port"},
	{"port 0", Policy{Ports: []uint16{0}}, "https://api.example.com:0/", "port"},
	{"port out of range", privatePolicy, "https://api.example.com:65536/", "port"},
	{"port with leading zero", Policy{}, "https://api.example.com:0443/", "port"},
	{"empty port", Policy{}, "https://api.example.com:/", "port"},
	{"upper case", Policy{}, "HTTPS://API.EXAMPLE.COM/", ""},
	{"underscore", Policy{}, "https://my_app.example.com/", ""},
	{"punycode", Policy{}, "https://xn--bcher-kva.example/", ""},

	{"private address, allowed", privatePolicy, "https://10.1.2.3/", ""},
	{"private address, allowed, any port", privatePolicy, "https://10.1.2.3:8080/", ""},
	{"private address, allowed, IPv6", privatePolicy, "https://[fd12::1]:8080/", ""},
	{"private address, not in the list", privatePolicy, "https://192.168.1.1/", "a private address"},
	{"private address, http not permitted", privatePolicy, "http://10.1.2.3/", "plain http"},
	{"private address, http permitted", privateHTTPPolicy, "http://10.1.2.3:8080/", ""},
	{"public address, http", privateHTTPPolicy, "http://93.184.215.14/", "plain http"},
	{"name that may be private, any port", privatePolicy, "https://erp.example.com:8080/", ""},
	{"name that may be private, http not permitted", privatePolicy, "http://erp.example.com/", "plain http"},
	{"name that may be private, http permitted", privateHTTPPolicy, "http://erp.example.com/", ""},
	{"http permitted, but nothing in Allow", Policy{PlainHTTP: true}, "http://erp.example.com/", "plain http"},

	{"localhost by default", Policy{}, "https://localhost/", "local network"},
	{"localhost on a laptop", laptopPolicy, "http://localhost:3000/", ""},
	{"localhost on a laptop, upper case", laptopPolicy, "http://LOCALHOST:3000/", ""},
	{"localhost with a dot on a laptop", laptopPolicy, "http://localhost.:3000/", "local network"},
	{"name below localhost on a laptop", laptopPolicy, "http://app.localhost:3000/", "local network"},
	{"loopback on a laptop", laptopPolicy, "http://127.0.0.1:3000/", ""},
	{"localhost, only IPv6 opened", Policy{Allow: prefixes("::1")}, "https://localhost/", ""},
	{"localhost, another range opened", privatePolicy, "https://localhost/", "local network"},
	{"localhost on Azure", azurePolicy, "http://localhost/", "local network"},
	{"loopback on Azure", azurePolicy, "http://127.0.0.1/", "closed on Azure"},
	{"loopback on Azure, IPv6", azurePolicy, "http://[::1]/", "closed on Azure"},
	{"single label, all opened", openPolicy, "http://intranet/", "local network"},

	{"metadata, all opened", openPolicy, "http://169.254.169.254/", "a link-local address"},
	{"identity endpoint, all opened", openPolicy, "http://169.254.129.2:8081/", "a link-local address"},
	{"wire server, all opened", openPolicy, "http://168.63.129.16/", "wire server"},
	{"AWS metadata, all opened", openPolicy, "http://[fd00:ec2::254]/", "cloud metadata"},
	{"multicast, all opened", openPolicy, "http://239.255.255.250/", "a multicast address"},
	{"unspecified, all opened", openPolicy, "http://0.0.0.0/", "the unspecified address"},
	{"unspecified, all opened, IPv6", openPolicy, "http://[::]/", "the unspecified address"},
	{"this network, all opened", openPolicy, "http://0.1.2.3/", `"this network"`},
	{"broadcast, all opened", openPolicy, "http://255.255.255.255/", "the broadcast address"},
	{"mapped, all opened", openPolicy, "http://[::ffff:10.0.0.1]/", "in an IPv6 form"},
	{"NAT64 of a public address, all opened", openPolicy, "http://[64:ff9b::5db8:d70e]/", "in an IPv6 form"},
	{"reserved, all opened", openPolicy, "http://198.18.0.1/", ""},

	{"listed name", hostsPolicy, "https://api.example.com/", ""},
	{"listed name with a dot", hostsPolicy, "https://api.example.com./", ""},
	{"name below a listed one", hostsPolicy, "https://v1.api.example.com/", "not among"},
	{"name below a suffix", hostsPolicy, "https://a.b.EXAMPLE.org/", ""},
	{"the suffix itself", hostsPolicy, "https://example.org/", "not among"},
	{"name that only ends like the suffix", hostsPolicy, "https://badexample.org/", "not among"},
	{"listed address", hostsPolicy, "https://93.184.215.14/", ""},
	{"listed address, other notation", hostsPolicy, "https://[2606:2800:0:0::1]/", ""},
	{"address not listed", hostsPolicy, "https://93.184.215.15/", "not among"},
	{"listed loopback is still loopback", hostsPolicy, "https://127.0.0.1/", "a loopback address"},

	{"own host", ownPolicy, "https://myapp.azurewebsites.net/api/execute/x", "this service itself"},
	{"own host with a dot", ownPolicy, "https://myapp.azurewebsites.net./", "this service itself"},
	{"own host's management", ownPolicy, "https://MYAPP.scm.azurewebsites.net/api/zipdeploy", "this service itself"},
	{"another app's management", ownPolicy, "https://otherapp.scm.azurewebsites.net/", ""},
	{"another app", ownPolicy, "https://otherapp.azurewebsites.net/", ""},

	{"user name", openPolicy, "https://user:pass@api.example.com/", "user name"},
	{"empty user name", openPolicy, "https://@api.example.com/", "user name"},
	{"fragment", openPolicy, "https://api.example.com/#top", "fragment"},
	{"empty fragment", openPolicy, "https://api.example.com/#", "fragment"},
	{"backslash", openPolicy, `https://api.example.com\@evil.example/`, "backslash"},
	{"backslash in the query", openPolicy, `https://api.example.com/?a=\`, "backslash"},
	{"space", openPolicy, "https://api.example.com/a b", "space"},
	{"tab", openPolicy, "https://api.example.com/a\tb", "control character"},
	{"no host", openPolicy, "https:///path", "not a valid one"},
	{"no scheme", openPolicy, "api.example.com/path", "neither https nor http"},
	{"empty", openPolicy, "", "neither https nor http"},
	{"name in brackets", openPolicy, "https://[api.example.com]/", "URL"},
	{"IPv6 without brackets", openPolicy, "https://2606:2800::1/", "URL"},
	{"colon only", openPolicy, "https://:443/", "host"},
	{"empty label", openPolicy, "https://api..example.com/", "host"},
	{"two dots at the end", openPolicy, "https://api.example.com../", "host"},
	{"dot only", openPolicy, "https://./", "host"},
	{"hyphen at the end of a label", openPolicy, "https://api-.example.com/", "host"},
	{"comma", openPolicy, "https://api,example.com/", "host"},
	{"label of 63", openPolicy, "https://" + strings.Repeat("a", 63) + ".example/", ""},
	{"label of 64", openPolicy, "https://" + strings.Repeat("a", 64) + ".example/", "host"},
	{"name of 253", openPolicy, "https://" + strings.Repeat("abcd.", 50) + "com/", ""},
	{"name of 254", openPolicy, "https://" + strings.Repeat("abcd.", 50) + "coma/", "host"},
	{"quad with a dot behind", openPolicy, "https://93.184.215.14./", "unusual notation"},
	{"hex at the end", openPolicy, "https://example.0x7f/", "unusual notation"},
	{"empty hex at the end", openPolicy, "https://example.0X/", "unusual notation"},
	{"letters that look like hex", openPolicy, "https://example.beef/", ""},
	{"zone on a public address", openPolicy, "https://[2606:2800::1%25eth0]/", "unusual notation"},
	{"umlaut", openPolicy, "https://bücher.example/", "ASCII"},
	{"umlaut, percent-encoded", openPolicy, "https://b%C3%BCcher.example/", "ASCII"},
}

func TestCheckURLWithSettings(t *testing.T) {
	for _, test := range urlTable {
		t.Run(test.name, func(t *testing.T) {
			_, err := test.policy.CheckURL(test.url)
			if test.message == "" {
				if err != nil {
					t.Errorf("refused: %v", err)
				}
				return
			}
			failure{code: callout.DestinationNotAllowed, stage: callout.StagePolicy, message: test.message}.check(t, err)
		})
	}
}

// url.Parse refuses most of these by itself, which this package does not rely on.
func TestNotationsOfHosts(t *testing.T) {
	for host, want := range map[string]string{
		"93.184.215.14":     "address",
		"[2606:2800::1]":    "address",
		"api.example.com":   "name",
		"2606:2800::1":      "",
		"[93.184.215.14]":   "",
		"[api.example.com]": "",
		"[fe80::1%eth0]":    "",
		"fe80::1%eth0":      "",
		"a.example:443":     "",
		"":                  "",
	} {
		_, address := literal(host)
		if name := checkNameForm(host) == nil; address != (want == "address") || name != (want == "name") {
			t.Errorf("%q: address %t, name %t, want %q", host, address, name, want)
		}
	}
}

func TestCheckAddrScheme(t *testing.T) {
	addr := netip.MustParseAddrPort("127.0.0.1:80")
	for scheme, permitted := range map[string]bool{"http": true, "https": true, "ftp": false, "": false, "HTTP": false} {
		if err := onLoopback.CheckAddr(addr, scheme); (err == nil) != permitted {
			t.Errorf("%q: %v", scheme, err)
		}
	}
	if err := onLoopback.CheckAddr(netip.AddrPortFrom(addr.Addr(), 0), "http"); err == nil {
		t.Error("port 0 is permitted")
	}
	if err := onLoopback.CheckAddr(netip.AddrPort{}, "https"); err == nil {
		t.Error("the zero address is permitted")
	}
}

// A private address can be opened and says how; what is closed for good does not
// send the reader to a setting that would not help.
func TestAdviceNamesTheSettingThatHelps(t *testing.T) {
	azure := Policy{OnAzure: true}
	for _, test := range []struct {
		policy  Policy
		url     string
		setting string // "" if none helps
	}{
		{Policy{}, "https://10.1.2.3/", "CALLOUT_EGRESS_ALLOW"},
		{Policy{}, "https://127.0.0.1/", "CALLOUT_EGRESS_ALLOW"},
		{azure, "https://127.0.0.1/", ""},
		{Policy{}, "https://169.254.169.254/", ""},
		{Policy{}, "http://api.example.com/", "CALLOUT_EGRESS_HTTP"},
		{Policy{}, "https://api.example.com:8443/", "CALLOUT_EGRESS_PORTS"},
		{Policy{Hosts: []string{"other.example"}}, "https://api.example.com/", "CALLOUT_EGRESS_HOSTS"},
	} {
		_, err := test.policy.CheckURL(test.url)
		advice := err.(*Error).Advice
		if named := strings.Contains(advice, "CALLOUT_"); named != (test.setting != "") || !strings.Contains(advice, test.setting) {
			t.Errorf("%s: advice is %q, want it to name %q", test.url, advice, test.setting)
		}
	}
}
