package egress

import (
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// Limits of host names in DNS (RFC 1035, section 2.3.4), in bytes without the
// trailing dot.
const (
	maxName  = 253
	maxLabel = 63
)

// parseURL parses raw and refuses every part that an API's URL does not need
// and that parsers read in different ways.
func parseURL(raw string) (*url.URL, error) {
	if err := checkText(raw); err != nil {
		return nil, err
	}
	u, err := url.Parse(raw)
	switch {
	case err != nil:
		return nil, errSyntax
	case u.Scheme != "https" && u.Scheme != "http":
		return nil, errScheme
	case u.User != nil:
		return nil, refused("The URL has a user name or an @ before the host.",
			"Take it out; a user name and password belong in auth of type basic.")
	case u.Host == "": // so it is in https:api.example.com, too
		return nil, errSyntax
	}
	return u, nil
}

// checkText refuses characters anywhere in the URL. url.Parse drops an empty
// fragment and lets a backslash through.
func checkText(raw string) error {
	for i := 0; i < len(raw); i++ {
		switch c := raw[i]; {
		case c <= ' ' || c == 0x7f:
			return refused("The URL holds a space or a control character.",
				"Take it out, or percent-encode it if it belongs to the path or the query.")
		case c == '\\':
			return refused("The URL holds a backslash.",
				"Use forward slashes, or percent-encode it if it belongs to the path or the query.")
		case c == '#':
			return refused("The URL has a fragment, which is never sent to a server.",
				"Take out the # and what follows, or write it as %23 if it belongs to the path or the query.")
		}
	}
	return nil
}

// portOf returns the port of u, or that of its scheme.
func portOf(u *url.URL) (uint16, error) {
	text := u.Port()
	switch {
	case text == "" && strings.HasSuffix(u.Host, ":"):
		return 0, errPortForm
	case text == "" && u.Scheme == "http":
		return 80, nil
	case text == "":
		return 443, nil
	}
	port, err := strconv.ParseUint(text, 10, 16)
	if err != nil || port == 0 || text[0] == '0' {
		return 0, errPortForm
	}
	return uint16(port), nil
}

// literal returns the address that a URL's host is, if it is one in its usual
// notation: a dotted quad, or an IPv6 address in brackets. All other notations
// of addresses are left for checkNameForm to refuse.
func literal(host string) (netip.Addr, bool) {
	inner, bracketed := strings.CutPrefix(host, "[")
	if bracketed {
		inner = strings.TrimSuffix(inner, "]")
	}
	addr, err := netip.ParseAddr(inner)
	if err != nil || addr.Is6() != bracketed || addr.Zone() != "" {
		return netip.Addr{}, false
	}
	return addr, true
}

// checkNameForm refuses a host that has not the form of a name in DNS. One
// trailing dot is fine: it says that the name is complete.
func checkNameForm(host string) error {
	if strings.ContainsAny(host, "[]%") {
		return errAddressForm
	}
	if strings.ContainsFunc(host, func(r rune) bool { return r >= 0x80 }) {
		return refused("The host name has characters outside of ASCII.",
			"Write the name in its punycode form, which begins with xn--.")
	}
	name := strings.TrimSuffix(host, ".")
	labels := strings.Split(name, ".")
	if len(name) > maxName || slices.ContainsFunc(labels, badLabel) {
		return errHostForm
	}
	if isNumber(labels[len(labels)-1]) {
		return errAddressForm
	}
	return nil
}

// badLabel reports whether a label has another form than letters, digits and
// inner hyphens. The underscore is let through: some APIs have it in their name.
func badLabel(label string) bool {
	if label == "" || len(label) > maxLabel || label[0] == '-' || label[len(label)-1] == '-' {
		return true
	}
	return strings.ContainsFunc(label, func(r rune) bool {
		letter := r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z'
		return !letter && (r < '0' || r > '9') && r != '-' && r != '_'
	})
}

// isNumber reports whether a last label makes a host a number for inet_aton and
// for browsers (WHATWG URL, "ends in a number"): 127.1, 0x7f000001, 2130706433.
func isNumber(label string) bool {
	digits, hex := strings.CutPrefix(strings.ToLower(label), "0x")
	return !strings.ContainsFunc(digits, func(r rune) bool {
		return (r < '0' || r > '9') && (!hex || r < 'a' || r > 'f')
	})
}

// canonical returns a name in the form in which names are compared.
func canonical(name string) string {
	return strings.ToLower(strings.TrimSuffix(name, "."))
}

// localSuffixes are kept for names that mean something only within one machine
// or one network: RFC 6761, RFC 6762, and ICANN's resolution of July 2024.
var localSuffixes = []string{".localhost", ".local", ".internal"}

// checkSpecialName refuses names that lead to this machine, its network or this
// service, wherever they point.
func (p *Policy) checkSpecialName(written string) error {
	name := canonical(written)
	if strings.EqualFold(written, "localhost") && p.opensLoopback() {
		return nil
	}
	local := !strings.Contains(name, ".") ||
		slices.ContainsFunc(localSuffixes, func(s string) bool { return strings.HasSuffix(name, s) })
	if local {
		return refused("The host name is one of this machine or of its local network.",
			"Use the full public name of the API, or its address if that is listed in CALLOUT_EGRESS_ALLOW.")
	}
	own := func(host string) bool { return name == canonical(host) || name == management(canonical(host)) }
	if slices.ContainsFunc(p.OwnHosts, own) {
		return refused("The host is this service itself.",
			"Use the URL of the API; a call of Callout to itself would be a loop.")
	}
	return nil
}

// management returns the name of the site by which App Service lets an app be
// managed: app.scm.azurewebsites.net beside app.azurewebsites.net
// (learn.microsoft.com, "Kudu service overview").
func management(host string) string {
	app, domain, _ := strings.Cut(host, ".")
	return app + ".scm." + domain
}

// opensLoopback reports whether Allow covers any part of loopback.
func (p *Policy) opensLoopback() bool {
	return !p.OnAzure && slices.ContainsFunc(p.Allow, func(a netip.Prefix) bool {
		return a.Overlaps(netip.MustParsePrefix("127.0.0.0/8")) || a.Contains(netip.IPv6Loopback())
	})
}

// checkListed judges a canonical name or address by Hosts.
func (p *Policy) checkListed(host string) error {
	listed := func(entry string) bool {
		suffix, wild := strings.CutPrefix(entry, "*")
		return entry == host || wild && strings.HasSuffix(host, suffix)
	}
	if len(p.Hosts) == 0 || slices.ContainsFunc(p.Hosts, listed) {
		return nil
	}
	return refused("The host is not among those that may be called.",
		"Add the host to CALLOUT_EGRESS_HOSTS if it is meant to be called.")
}

var (
	errSyntax = refused("The URL is not a valid one.",
		"Give the full URL of the API, such as https://api.example.com/v1.")
	errHostForm = refused("The host of the URL is not a valid host name.",
		"Check the host: labels of letters, digits and hyphens with dots between, each of at most 63 characters and 253 in all.")
	errAddressForm = refused("The host of the URL is an address in an unusual notation.",
		"Write an IPv4 address as four decimal numbers with dots between and an IPv6 address in brackets, without a zone.")
	errPortForm = refused("The port of the URL is not a number from 1 to 65535.",
		"Correct the port, or take it out together with its colon.")
)
