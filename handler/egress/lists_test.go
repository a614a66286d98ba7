package egress

import (
	"fmt"
	"strings"
	"testing"
)

func TestParseLists(t *testing.T) {
	allow := func(s string) (any, error) { return ParseAllow(s) }
	ports := func(s string) (any, error) { return ParsePorts(s) }
	hosts := func(s string) (any, error) { return ParseHosts(s) }
	for _, test := range []struct {
		name  string
		parse func(string) (any, error)
		list  string
		want  string
	}{
		{"ranges", allow, "10.0.0.0/8, fd12::/16\n127.0.0.1 ::1", "[10.0.0.0/8 fd12::/16 127.0.0.1/32 ::1/128]"},
		{"no ranges", allow, " , ", "[]"},
		{"everything", allow, "0.0.0.0/0", "[0.0.0.0/0]"},
		{"ports", ports, "443,8443 65535", "[443 8443 65535]"},
		{"no ports", ports, "", "[]"},
		{"hosts", hosts, "API.example.com., *.Example.org 10.1.2.3 ::0:1 localhost",
			"[api.example.com *.example.org 10.1.2.3 ::1 localhost]"},
	} {
		got, err := test.parse(test.list)
		if err != nil || fmt.Sprint(got) != test.want {
			t.Errorf("%s: got %v, %v, want %s", test.name, got, err, test.want)
		}
	}
}

// A fault is named by the place of its entry, and quoted not at all.
func TestParseListFaults(t *testing.T) {
	allow := func(s string) error { _, err := ParseAllow(s); return err }
	ports := func(s string) error { _, err := ParsePorts(s); return err }
	hosts := func(s string) error { _, err := ParseHosts(s); return err }
	for _, test := range []struct {
		parse func(string) error
		entry string
		wants string
	}{
		{allow, "ten", "10.1.0.0/16"},
		{allow, "10.0.0.0/33", "10.1.0.0/16"},
		{allow, "fe80::1%eth0", "10.1.0.0/16"},
		{allow, "10.1.2.3/8", "first address of the range"},
		{allow, "169.254.169.254", "link-local"},
		{allow, "169.254.0.0/17", "link-local"},
		{allow, "168.63.129.16/32", "wire server"},
		{allow, "fe80::/64", "link-local"},
		{allow, "::ffff:10.0.0.0/104", "IPv6 form"},
		{allow, "100.100.100.200", "metadata"},
		{ports, "0", "1 to 65535"},
		{ports, "65536", "1 to 65535"},
		{ports, "https", "1 to 65535"},
		{ports, "-1", "1 to 65535"},
		{hosts, "https://api.example.com/", "*.example.com"},
		{hosts, "api.example.com:443", "*.example.com"},
		{hosts, "*", "*.example.com"},
		{hosts, "*.", "*.example.com"},
		{hosts, "api.*.com", "*.example.com"},
		{hosts, "*example.com", "*.example.com"},
		{hosts, "127.1", "*.example.com"},
		{hosts, "fe80::1%eth0", "*.example.com"},
	} {
		err := test.parse(test.entry + ", " + test.entry)
		if err == nil {
			t.Errorf("%s is taken", test.entry)
			continue
		}
		text := err.Error()
		if !strings.Contains(text, "entry 1 ") || !strings.Contains(text, "entry 2 ") || !strings.Contains(text, test.wants) {
			t.Errorf("%s: %q, want both entries and %q", test.entry, text, test.wants)
		}
		if len(test.entry) > 2 && test.entry != "*example.com" && strings.Contains(text, test.entry) {
			t.Errorf("%q quotes the entry", text)
		}
	}
}
