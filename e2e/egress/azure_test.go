package egress_test

import (
	"fmt"
	"net/http"
	"net/netip"
	"slices"
	"testing"

	"callout/handler/callout"
	"callout/handler/egress"
)

// closed are addresses that stay closed on Azure, whatever the settings say.
var closed = map[string][]string{
	"loopback": {"127.0.0.1", "127.8.9.10", "127.255.255.254", "::1"},
	// IDENTITY_ENDPOINT and MSI_ENDPOINT are there, and the instance metadata.
	"link-local":         {"169.254.129.2", "169.254.130.3", "169.254.131.2", "169.254.169.254", "169.254.255.255", "fe80::1"},
	"the wire server":    {"168.63.129.16"},
	"other metadata":     {"100.100.100.200", "fd00:ec2::254", "fd20:ce::254"},
	"no host at all":     {"0.0.0.0", "::", "0.1.2.3", "255.255.255.255", "239.255.255.250", "ff02::1"},
	"mapped":             {"::ffff:127.0.0.1", "::ffff:169.254.169.254", "::ffff:168.63.129.16"},
	"IPv4 in other ways": {"::127.0.0.1", "::ffff:0:a9fe:a9fe", "64:ff9b::7f00:1", "64:ff9b:1::a83f:8110", "2002:a9fe:a9fe::", "2001:0:a83f:8110::1"},
}

// openPolicy is that of settings which open all that settings can.
func openPolicy(t *testing.T, onAzure bool) egress.Policy {
	t.Helper()
	allow, err := egress.ParseAllow("0.0.0.0/0, ::/0, 127.0.0.0/8, ::1, 10.0.0.0/8")
	if err != nil {
		t.Fatal(err)
	}
	ports, err := egress.ParsePorts("80 443 8081 32526 65535")
	if err != nil {
		t.Fatal(err)
	}
	return egress.Policy{Allow: allow, Ports: ports, PlainHTTP: true, OnAzure: onAzure}
}

func TestOnAzureNoSettingOpensTheMachine(t *testing.T) {
	w := newWorld(t, openPolicy(t, true), hello)
	n := 0
	for kind, addresses := range closed {
		t.Run(kind, func(t *testing.T) {
			w.begin(t)
			for _, address := range addresses {
				for _, to := range []string{"https://%s/", "http://%s/", "http://%s:8081/msi/token?resource=https://vault.azure.net", "https://%s:32526/"} {
					n++
					w.staysClosed(fmt.Sprintf("closed_%d", n), address, to)
				}
			}
		})
	}
	if n != 4*29 {
		t.Errorf("%d destinations were tried", n)
	}
}

// staysClosed tries an address as it is, and under a name that leads to it.
func (w *world) staysClosed(name, address, to string) {
	w.t.Helper()
	host := address
	if addr := netip.MustParseAddr(address); addr.Is6() {
		host = "[" + host + "]"
	}
	w.begin(w.t)
	w.put(http.StatusCreated, name, doc{"endpoint": fmt.Sprintf(to, host)})
	w.wantFailed(w.execute(name, `{}`), callout.DestinationNotAllowed)
	w.wantStopped(w.test(name), callout.StagePolicy, callout.DestinationNotAllowed)
	w.wantQuiet(false)
	w.lead(name+".example.com", address)
	w.put(http.StatusCreated, name+"_name", doc{"endpoint": fmt.Sprintf(to, name+".example.com")})
	w.wantFailed(w.execute(name+"_name", `{}`), callout.DestinationNotAllowed)
	w.wantStopped(w.test(name+"_name"), callout.StageDNS, callout.DestinationNotAllowed)
	w.wantQuiet(true)
}

func TestOnAzureNoNameOfTheMachineIsOpen(t *testing.T) {
	policy := openPolicy(t, true)
	policy.OwnHosts = []string{"callout.azurewebsites.net"}
	w := newWorld(t, policy, hello)
	for i, host := range []string{"localhost", "LOCALHOST.", "a.localhost", "metadata.azure.internal", "metadata", "printer.local",
		"callout.azurewebsites.net", "CALLOUT.azurewebsites.net.", "callout.scm.azurewebsites.net"} {
		t.Run(host, func(t *testing.T) {
			w.begin(t)
			name := fmt.Sprintf("name_%d", i)
			w.put(http.StatusCreated, name, doc{"endpoint": "http://" + host + ":8081/"})
			w.wantFailed(w.execute(name, `{}`), callout.DestinationNotAllowed)
			w.wantStopped(w.test(name), callout.StagePolicy, callout.DestinationNotAllowed)
			w.wantQuiet(false)
		})
	}
}

// The tests above show something only if the settings do open all else.
func TestSettingsOpenWhatTheyMay(t *testing.T) {
	for _, test := range []struct {
		onAzure bool
		to      string
		dialled string
	}{
		{true, "https://10.0.0.1/", "10.0.0.1:443"},
		{true, "http://10.0.0.1:8081/", "10.0.0.1:8081"},
		{true, "http://[fd12:3456::1]/", "[fd12:3456::1]:80"},
		{true, "https://93.184.215.14:32526/", "93.184.215.14:32526"},
		{false, "https://127.0.0.1:8443/", "127.0.0.1:8443"},
		{false, "http://[::1]:8081/", "[::1]:8081"},
		{false, "http://inside.example.com/", "127.0.0.2:80"},
	} {
		t.Run(fmt.Sprint(test.to, " on Azure ", test.onAzure), func(t *testing.T) {
			w := newWorld(t, openPolicy(t, test.onAzure), hello)
			w.lead("inside.example.com", "127.0.0.2")
			w.put(http.StatusCreated, "open", doc{"endpoint": test.to})
			e := w.execute("open", `{}`)
			w.mu.Lock()
			defer w.mu.Unlock()
			if !slices.Contains(w.dialled, test.dialled) {
				t.Errorf("dialled %q, want %q; it %s with %+v", w.dialled, test.dialled, e.Status, e.Error)
			}
		})
	}
}
