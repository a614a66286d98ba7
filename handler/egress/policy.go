package egress

import (
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"callout/handler/callout"
)

// Policy says where requests may go. Its zero value is the safe one: https, port
// 443, public addresses only. It must not be changed once it is in use.
//
// Link-local, cloud metadata, wire server, multicast, broadcast, unspecified and
// "this network" addresses, and IPv4 addresses in an IPv6 form, are closed
// whatever it says.
type Policy struct {
	// Allow lists loopback, private and reserved addresses that may be called
	// all the same (CALLOUT_EGRESS_ALLOW). What it covers, public addresses
	// included, may be called on any port.
	Allow []netip.Prefix
	// Hosts, if not empty, lists the only hosts that may be called
	// (CALLOUT_EGRESS_HOSTS): lower-case names, "*.suffix" for any name below
	// the suffix, and addresses. The rules for addresses hold in addition.
	Hosts []string
	// Ports lists the ports that may be called (CALLOUT_EGRESS_PORTS). Empty
	// means 443.
	Ports []uint16
	// PlainHTTP permits http to addresses in Allow (CALLOUT_EGRESS_HTTP).
	PlainHTTP bool
	// OwnHosts lists the host names of this service, which it must not call: a
	// call to itself would be a loop with the service's own rights.
	OwnHosts []string
	// OnAzure closes loopback whatever Allow says: there, the platform's
	// identity endpoint may listen on it.
	OnAzure bool
}

// CheckURL parses raw and judges all that can be judged before a lookup: the
// form of the URL, its scheme, host and port, and the address if the host is
// one. A host name still has to pass CheckAddr with what it leads to.
//
// The error is an *Error with code DestinationNotAllowed and stage policy.
func (p *Policy) CheckURL(raw string) (*url.URL, error) {
	u, err := parseURL(raw)
	if err != nil {
		return nil, err
	}
	port, err := portOf(u)
	if err != nil {
		return nil, err
	}
	// Not u.Hostname, which hides brackets around what is no IPv6 address.
	host := strings.TrimSuffix(u.Host, ":"+u.Port())
	if addr, ok := literal(host); ok {
		err = p.checkLiteral(netip.AddrPortFrom(addr, port), u.Scheme)
	} else {
		err = p.checkName(host, port, u.Scheme)
	}
	if err != nil {
		return nil, err
	}
	return u, nil
}

// CheckAddr judges an address that is about to be dialled for scheme, "https" or
// "http". It is a pure function. An IPv4-mapped IPv6 address is refused: unmap it
// first. The error is an *Error with code DestinationNotAllowed and stage policy.
func (p *Policy) CheckAddr(addr netip.AddrPort, scheme string) error {
	return p.checkAddr(addr, scheme, "The destination is ")
}

// checkAddr is CheckAddr with the words that a refusal begins with.
func (p *Policy) checkAddr(addr netip.AddrPort, scheme, subject string) error {
	v := classify(addr.Addr())
	switch {
	case scheme != "https" && scheme != "http":
		return errScheme
	case addr.Port() == 0:
		return errPort
	case !v.openable():
		return refused(subject+string(v)+", which can never be called.",
			"Use the public address of an API; no setting opens this one.")
	case v == loopback && p.OnAzure:
		return refused(subject+string(v)+", which is closed on Azure.",
			"Use the address under which the API is reached from other machines; no setting opens this one.")
	case p.allowed(addr.Addr()):
		return p.checkOpened(scheme)
	case v != public:
		return refused(subject+string(v)+", which may not be called.",
			"If it is meant to be called, list it in CALLOUT_EGRESS_ALLOW; otherwise check the host in the configuration.")
	}
	return p.checkPublic(addr.Port(), scheme)
}

// checkOpened judges an address in Allow, where every port is fine.
func (p *Policy) checkOpened(scheme string) error {
	if scheme == "http" && !p.PlainHTTP {
		return errPlainHTTP
	}
	return nil
}

// checkPublic judges a destination that no entry of Allow covers.
func (p *Policy) checkPublic(port uint16, scheme string) error {
	if scheme != "https" {
		return errPlainHTTP
	}
	if port == 443 && len(p.Ports) == 0 || slices.Contains(p.Ports, port) {
		return nil
	}
	return errPort
}

func (p *Policy) allowed(addr netip.Addr) bool {
	return slices.ContainsFunc(p.Allow, func(a netip.Prefix) bool { return a.Contains(addr) })
}

func (p *Policy) checkLiteral(addr netip.AddrPort, scheme string) error {
	if err := p.checkListed(addr.Addr().String()); err != nil {
		return err
	}
	return p.CheckAddr(addr, scheme)
}

func (p *Policy) checkName(host string, port uint16, scheme string) error {
	if err := checkNameForm(host); err != nil {
		return err
	}
	if err := p.checkSpecialName(host); err != nil {
		return err
	}
	if err := p.checkListed(canonical(host)); err != nil {
		return err
	}
	// What the name leads to is not known yet. If it may be an address in
	// Allow, port and scheme are judged together with the address.
	if len(p.Allow) > 0 {
		return p.checkOpened(scheme)
	}
	return p.checkPublic(port, scheme)
}

// refused returns the error for a destination that the policy closes.
func refused(message, advice string) error {
	return &Error{
		Code:    callout.DestinationNotAllowed,
		Stage:   callout.StagePolicy,
		Message: message,
		Advice:  advice,
	}
}

var (
	errScheme = refused("The URL is neither https nor http.",
		"Give the full URL of the API, beginning with https://.")
	errPlainHTTP = refused("The URL is plain http, which is not permitted for this destination.",
		"Use https; for a private address, set CALLOUT_EGRESS_HTTP to true and list the address in CALLOUT_EGRESS_ALLOW.")
	errPort = refused("The port of the URL is not permitted.",
		"Use port 443, or add the port to CALLOUT_EGRESS_PORTS.")
)
