package egress

import (
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"unicode"
)

// ParseAllow reads a list of address ranges such as "10.1.0.0/16, fd12::/16"; a
// single address stands for itself. Entries are separated by commas or white
// space. The error names every faulty entry by its position, counted from 1, and
// quotes none.
func ParseAllow(list string) ([]netip.Prefix, error) {
	return parseList(list, parseRange)
}

// ParsePorts reads a list of ports such as "443, 8443", with separators and
// errors as in ParseAllow.
func ParsePorts(list string) ([]uint16, error) {
	return parseList(list, func(entry string) (uint16, error) {
		port, err := strconv.ParseUint(entry, 10, 16)
		if err != nil || port == 0 {
			return 0, errors.New("is not a port: write a number from 1 to 65535")
		}
		return uint16(port), nil
	})
}

// ParseHosts reads a list of hosts such as "api.example.com, *.example.org", with
// separators and errors as in ParseAllow. Names are returned in lower case and
// without a trailing dot, addresses in their usual notation.
func ParseHosts(list string) ([]string, error) {
	return parseList(list, parseHost)
}

func parseList[T any](list string, parse func(string) (T, error)) ([]T, error) {
	var (
		values []T
		faults []error
	)
	entries := strings.FieldsFunc(list, func(r rune) bool { return r == ',' || unicode.IsSpace(r) })
	for i, entry := range entries {
		value, err := parse(entry)
		if err != nil {
			faults = append(faults, fmt.Errorf("entry %d %w", i+1, err))
			continue
		}
		values = append(values, value)
	}
	if len(faults) > 0 {
		return nil, errors.Join(faults...)
	}
	return values, nil
}

func parseRange(entry string) (netip.Prefix, error) {
	prefix, err := netip.ParsePrefix(entry)
	if addr, e := netip.ParseAddr(entry); e == nil && addr.Zone() == "" {
		prefix, err = netip.PrefixFrom(addr, addr.BitLen()), nil
	}
	if err != nil {
		return netip.Prefix{}, errors.New("is not an address range: write it like 10.1.0.0/16 or fd12:3456::/32")
	}
	if prefix != prefix.Masked() {
		return netip.Prefix{}, errors.New("has bits set behind its length: write the first address of the range, as in 10.1.0.0/16")
	}
	if v, closed := closedBlock(prefix); closed {
		return netip.Prefix{}, fmt.Errorf("covers %s, which nothing can open: take it out", v)
	}
	return prefix, nil
}

func parseHost(entry string) (string, error) {
	if addr, err := netip.ParseAddr(entry); err == nil && addr.Zone() == "" {
		return addr.String(), nil
	}
	if checkNameForm(strings.TrimPrefix(entry, "*.")) != nil {
		return "", errors.New("is not a host: write a name like api.example.com, or *.example.com for all names below it")
	}
	return canonical(entry), nil
}
