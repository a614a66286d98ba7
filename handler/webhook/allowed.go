package webhook

import (
	"errors"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"callout/handler/callout"
)

// maxURL is the length of the longest address, in characters.
const maxURL = 2048

// CheckPrefix reports what is wrong with an entry of CALLOUT_CALLBACK_URLS, in
// words that go on after the setting's name. An entry is an address like those
// that it allows, without a query.
func CheckPrefix(prefix string) error {
	if _, ok := parsePrefix(prefix); !ok {
		return errors.New("must be addresses such as https://hooks.example.com/callout, " +
			"without a user, a query, a fragment, percent signs, semicolons or dot segments")
	}
	return nil
}

func parsePrefix(prefix string) (*url.URL, bool) {
	u, ok := parse(prefix)
	return u, ok && u.RawQuery == "" && !u.ForceQuery
}

// AllowedURL reports why results may not be posted to an address. They may if it
// has the scheme, the host and the port of an entry, and a path that goes on where
// that of the entry ends, or behind a further slash: https://a.example/b allows
// /b and /b/c, and not /bc. An entry that CheckPrefix refuses allows nothing, nor
// do none at all. The query is free.
//
// What parsers read in different ways is refused, so that what is posted to is
// what was compared: users, fragments, backslashes, percent signs and semicolons
// in the path, dot segments, empty segments, and hosts of another form than names
// and addresses have. The error is a *callout.Error of InvalidRequest.
func AllowedURL(prefixes []string, raw string) error {
	if len(prefixes) == 0 {
		return refusal("Results cannot be posted: no address is listed for it. Leave callbackUrl out and ask for the execution later, or have an operator list the address in CALLOUT_CALLBACK_URLS.")
	}
	u, ok := parse(raw)
	if !ok {
		return refusal("The callbackUrl must be an address such as https://hooks.example.com/callout, of at most 2048 visible ASCII characters, without a user, a fragment or backslashes, without percent signs, semicolons, empty segments or dot segments in its path, and with a plain host name.")
	}
	if !slices.ContainsFunc(prefixes, func(prefix string) bool { return allows(prefix, u) }) {
		return refusal("The callbackUrl begins with none of the addresses that results may be posted to. Use one of those, or have an operator list this one in CALLOUT_CALLBACK_URLS.")
	}
	return nil
}

func refusal(message string) error {
	return &callout.Error{Code: callout.InvalidRequest, Target: "callbackUrl", Message: message}
}

func allows(prefix string, u *url.URL) bool {
	p, ok := parsePrefix(prefix)
	if !ok || p.Scheme != u.Scheme || p.Host != u.Host {
		return false
	}
	return p.Path == u.Path || strings.HasPrefix(u.Path, strings.TrimSuffix(p.Path, "/")+"/")
}

// parse reads an address, and writes its host, its port and its path in the one
// way in which they are compared.
func parse(raw string) (*url.URL, bool) {
	if len(raw) > maxURL || strings.ContainsFunc(raw, func(r rune) bool { return r <= ' ' || r > '~' || r == '\\' || r == '#' }) {
		return nil, false
	}
	u, err := url.Parse(raw)
	if err != nil || u.Opaque != "" || u.User != nil || u.Scheme != "https" && u.Scheme != "http" || !isPlainPath(u) {
		return nil, false
	}
	port, ok := portOf(u)
	if !ok || !isHost(u.Hostname()) {
		return nil, false
	}
	u.Host = strings.ToLower(u.Hostname()) + ":" + port
	if u.Path == "" {
		u.Path = "/"
	}
	return u, true
}

// isPlainPath reports whether everybody reads the path in the same way.
func isPlainPath(u *url.URL) bool {
	if u.Path == "" {
		return true
	}
	if strings.ContainsAny(u.EscapedPath(), "%;") {
		return false
	}
	segments := strings.Split(u.Path, "/")[1:]
	for i, segment := range segments {
		if segment == "." || segment == ".." || segment == "" && i < len(segments)-1 {
			return false
		}
	}
	return true
}

// portOf returns the port, or that of the scheme.
func portOf(u *url.URL) (string, bool) {
	text := u.Port()
	if text == "" {
		return map[string]string{"https": "443", "http": "80"}[u.Scheme], !strings.HasSuffix(u.Host, ":")
	}
	port, err := strconv.ParseUint(text, 10, 16)
	return text, err == nil && port > 0
}

// isHost reports whether a host is an address or has the form of a name.
func isHost(host string) bool {
	if addr, err := netip.ParseAddr(host); err == nil {
		return addr.Zone() == ""
	}
	malformed := func(label string) bool { return label == "" || strings.ContainsFunc(label, notInID) }
	return !slices.ContainsFunc(strings.Split(host, "."), malformed)
}
