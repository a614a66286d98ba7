package egress

import "net/netip"

// verdict says what kind of place an address is. Its text completes the
// sentence "the destination is …".
type verdict string

// The verdicts. Only public, loopback, private and reserved addresses can be
// called at all: the first as it is, the others where the operator allows it.
const (
	public      verdict = "a public address"
	loopback    verdict = "a loopback address"
	private     verdict = "a private address"
	reserved    verdict = "a reserved address"
	invalid     verdict = "not a plain address"
	unspecified verdict = "the unspecified address"
	thisNetwork verdict = `an address of "this network"`
	linkLocal   verdict = "a link-local address"
	metadata    verdict = "a cloud metadata address"
	wireServer  verdict = "the address of Azure's wire server"
	multicast   verdict = "a multicast address"
	broadcast   verdict = "the broadcast address"
	translated  verdict = "an IPv4 address in an IPv6 form"
)

// openable reports whether the operator's list may open addresses with this
// verdict. All others stay closed whatever the list says, the zero verdict too.
func (v verdict) openable() bool {
	switch v {
	case public, loopback, private, reserved:
		return true
	}
	return false
}

// block is one range of addresses that is not the public Internet.
type block struct {
	prefix  netip.Prefix
	verdict verdict
}

// blocks is searched from the top and the first match counts, which matters
// only where a small block lies in a larger one. Sources, if not named:
//
//   - https://www.iana.org/assignments/iana-ipv4-special-registry
//   - https://www.iana.org/assignments/iana-ipv6-special-registry
//   - https://www.iana.org/assignments/ipv6-address-space
//
// A block that is not globally reachable is listed whole. The few reachable
// addresses in 192.0.0.0/24 and 2001::/23 (PCP, TURN, AMT, AS112, ORCHID) serve
// no HTTP API, so they are not cut out.
var blocks = []block{
	// Services that a cloud gives to the machine itself.
	in("168.63.129.16/32", wireServer),  // public by number: learn.microsoft.com, "What is IP address 168.63.129.16?"
	in("169.254.0.0/16", linkLocal),     // RFC 3927; IMDS and the identity endpoints of App Service are here
	in("fe80::/10", linkLocal),          // RFC 4291
	in("100.100.100.200/32", metadata),  // Alibaba Cloud, in the shared address space
	in("fd00:ec2::/32", metadata),       // AWS: metadata, DNS, time, pod identity
	in("fd20:ce::254/128", metadata),    // Google Cloud
	in("255.255.255.255/32", broadcast), // RFC 919
	in("0.0.0.0/32", unspecified),       // RFC 1122
	in("::/128", unspecified),           // RFC 4291
	in("0.0.0.0/8", thisNetwork),        // RFC 791
	in("224.0.0.0/4", multicast),        // RFC 5771
	in("ff00::/8", multicast),           // RFC 4291
	in("127.0.0.0/8", loopback),         // RFC 1122
	in("::1/128", loopback),             // RFC 4291
	in("::/96", translated),             // IPv4-compatible, RFC 4291
	in("::ffff:0:0/96", translated),     // IPv4-mapped, RFC 4291
	in("::ffff:0:0:0/96", translated),   // SIIT, RFC 2765
	in("64:ff9b::/96", translated),      // NAT64, RFC 6052: also when a public address is inside
	in("64:ff9b:1::/48", translated),    // local NAT64, RFC 8215
	in("2001::/32", translated),         // Teredo, RFC 4380
	in("2002::/16", translated),         // 6to4, RFC 3056
	in("10.0.0.0/8", private),           // RFC 1918
	in("172.16.0.0/12", private),        // RFC 1918
	in("192.168.0.0/16", private),       // RFC 1918
	in("100.64.0.0/10", private),        // shared address space, RFC 6598
	in("fc00::/7", private),             // unique local, RFC 4193
	in("192.0.0.0/24", reserved),        // IETF protocol assignments, RFC 6890
	in("192.0.2.0/24", reserved),        // documentation, RFC 5737
	in("192.88.99.0/24", reserved),      // 6to4 relays, RFC 7526
	in("198.18.0.0/15", reserved),       // benchmarking, RFC 2544
	in("198.51.100.0/24", reserved),     // documentation, RFC 5737
	in("203.0.113.0/24", reserved),      // documentation, RFC 5737
	in("240.0.0.0/4", reserved),         // RFC 1112
	in("2001::/23", reserved),           // IETF protocol assignments, RFC 2928
	in("2001:db8::/32", reserved),       // documentation, RFC 3849
	in("3fff::/20", reserved),           // documentation, RFC 9637
}

// globalUnicast is the only part of IPv6 that is handed out for use on the
// public Internet (ipv6-address-space registry). Discard-only 100::/64, segment
// routing 5f00::/16 and the rest of the registry lie outside of it.
var globalUnicast = netip.MustParsePrefix("2000::/3")

func in(prefix string, v verdict) block {
	return block{prefix: netip.MustParsePrefix(prefix), verdict: v}
}

// classify says what kind of place addr is. It is a pure function of the
// number. An IPv4-mapped address is judged as such and not as what is inside:
// who means the IPv4 address has to unmap it first.
func classify(addr netip.Addr) verdict {
	if !addr.IsValid() || addr.Zone() != "" {
		return invalid
	}
	for _, b := range blocks {
		if b.prefix.Contains(addr) {
			return b.verdict
		}
	}
	if addr.Is6() && !globalUnicast.Contains(addr) {
		return reserved
	}
	return public
}

// closedBlock returns the verdict for a prefix that lies wholly in a block that
// nothing can open, and whether it does.
func closedBlock(p netip.Prefix) (verdict, bool) {
	for _, b := range blocks {
		if b.prefix.Bits() <= p.Bits() && b.prefix.Contains(p.Addr()) {
			return b.verdict, !b.verdict.openable()
		}
	}
	return "", false
}
