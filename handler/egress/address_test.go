package egress

import (
	"net/netip"
	"testing"
)

// blockTable has each block from its first address to its last, and what lies
// just outside of both: the end of the numbers where that is empty.
var blockTable = []struct {
	before      verdict
	first, last string
	want        verdict
	after       verdict
}{
	{"", "0.0.0.0", "0.0.0.0", unspecified, thisNetwork},
	{unspecified, "0.0.0.1", "0.255.255.255", thisNetwork, public},
	{public, "10.0.0.0", "10.255.255.255", private, public},
	{public, "100.64.0.0", "100.100.100.199", private, metadata},
	{private, "100.100.100.200", "100.100.100.200", metadata, private},
	{metadata, "100.100.100.201", "100.127.255.255", private, public},
	{public, "127.0.0.0", "127.255.255.255", loopback, public},
	{public, "168.63.129.16", "168.63.129.16", wireServer, public},
	{public, "169.254.0.0", "169.254.255.255", linkLocal, public},
	{public, "172.16.0.0", "172.31.255.255", private, public},
	{public, "192.0.0.0", "192.0.0.255", reserved, public},
	{public, "192.0.2.0", "192.0.2.255", reserved, public},
	{public, "192.88.99.0", "192.88.99.255", reserved, public},
	{public, "192.168.0.0", "192.168.255.255", private, public},
	{public, "198.18.0.0", "198.19.255.255", reserved, public},
	{public, "198.51.100.0", "198.51.100.255", reserved, public},
	{public, "203.0.113.0", "203.0.113.255", reserved, public},
	{public, "224.0.0.0", "239.255.255.255", multicast, reserved},
	{multicast, "240.0.0.0", "255.255.255.254", reserved, broadcast},
	{reserved, "255.255.255.255", "255.255.255.255", broadcast, ""},

	{"", "::", "::", unspecified, loopback},
	{unspecified, "::1", "::1", loopback, translated},
	{loopback, "::2", "::ffff:ffff", translated, reserved},
	{reserved, "::ffff:0.0.0.0", "::ffff:255.255.255.255", translated, reserved},
	{reserved, "::ffff:0:0.0.0.0", "::ffff:0:255.255.255.255", translated, reserved},
	{reserved, "64:ff9b::", "64:ff9b::255.255.255.255", translated, reserved},
	{reserved, "64:ff9b:1::", "64:ff9b:1:ffff:ffff:ffff:ffff:ffff", translated, reserved},
	{reserved, "100::", "100::ffff:ffff:ffff:ffff", reserved, reserved},
	{public, "2001::", "2001:0:ffff:ffff:ffff:ffff:ffff:ffff", translated, reserved},
	{translated, "2001:1::", "2001:1ff:ffff:ffff:ffff:ffff:ffff:ffff", reserved, public},
	{public, "2001:db8::", "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff", reserved, public},
	{public, "2002::", "2002:ffff:ffff:ffff:ffff:ffff:ffff:ffff", translated, public},
	{public, "3fff::", "3fff:fff:ffff:ffff:ffff:ffff:ffff:ffff", reserved, public},
	{public, "4000::", "fbff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", reserved, private},
	{reserved, "fc00::", "fd00:ec1:ffff:ffff:ffff:ffff:ffff:ffff", private, metadata},
	{private, "fd00:ec2::", "fd00:ec2:ffff:ffff:ffff:ffff:ffff:ffff", metadata, private},
	{private, "fd20:ce::254", "fd20:ce::254", metadata, private},
	{metadata, "fd20:ce::255", "fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", private, reserved},
	{reserved, "fe80::", "febf:ffff:ffff:ffff:ffff:ffff:ffff:ffff", linkLocal, reserved},
	{reserved, "ff00::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", multicast, ""},
}

func TestClassify(t *testing.T) {
	for _, test := range blockTable {
		first, last := netip.MustParseAddr(test.first), netip.MustParseAddr(test.last)
		for _, at := range []struct {
			addr netip.Addr
			want verdict
		}{{first.Prev(), test.before}, {first, test.want}, {last, test.want}, {last.Next(), test.after}} {
			if at.want == "" {
				at.want = invalid
			}
			if got := classify(at.addr); got != at.want {
				t.Errorf("%v is %s, want %s", at.addr, got, at.want)
			}
		}
	}
}

func TestClassifySingleAddresses(t *testing.T) {
	for text, want := range map[string]verdict{
		"93.184.215.14":              public,
		"2606:2800:21f:cb07::1":      public,
		"2000::":                     public,
		"1fff:ffff::":                reserved,
		"169.254.169.254":            linkLocal,
		"169.254.129.2":              linkLocal,
		"100::1":                     reserved,
		"100:0:0:1::1":               reserved,
		"5f00::1":                    reserved,
		"fec0::1":                    reserved,
		"fe80::1%eth0":               invalid,
		"2606:2800:21f:cb07::1%eth0": invalid,
		"::ffff:93.184.215.14":       translated,
		"64:ff9b::93.184.215.14":     translated,
		"2002:5db8:d70e::1":          translated,
	} {
		if got := classify(netip.MustParseAddr(text)); got != want {
			t.Errorf("%s is %s, want %s", text, got, want)
		}
	}
	if got := classify(netip.Addr{}); got != invalid {
		t.Errorf("the zero address is %s, want %s", got, invalid)
	}
}

func TestZeroVerdictIsClosed(t *testing.T) {
	if verdict("").openable() {
		t.Error("the zero verdict can be opened")
	}
}
