package canary

import (
	"context"
	"net"
	"net/netip"
	"strings"
	"testing"

	"callout/e2e/whole"
	"callout/handler/egress"
	"callout/handler/localstore"
)

// lost is a resolver that fails for every name, with the name in its error.
type lost struct{}

// LookupNetIP implements egress.Resolver.
func (lost) LookupNetIP(_ context.Context, _, host string) ([]netip.Addr, error) {
	return nil, &net.DNSError{Err: "no such host", Name: host, Server: "192.0.2.53:53", IsNotFound: host[0] != 't', IsTimeout: host[0] == 't'}
}

// inProcess is a door to a Callout in this process: the names that it looks up
// are the test's to answer.
type inProcess struct{ *whole.Program }

func (p inProcess) try(method, path, body string) (answer, error) {
	status, header, text := p.Do(method, path, body)
	return answer{status, header, text}, nil
}

// TestMatrixWithoutNames is the part of the matrix in which names lead nowhere.
func TestMatrixWithoutNames(t *testing.T) {
	t.Parallel()
	g := newGarden(3)
	p := whole.New(t, localstore.Open, whole.Options{Egress: egress.Options{Resolver: lost{}}})
	m := newMatrix(t, g, newParrot(t, g), inProcess{p})
	var jobs []func()
	for _, at := range places {
		for _, host := range []string{"api.example.com", "timeout.example.com"} {
			for _, method := range at.methods {
				name := strings.ToLower(at.name + "_" + host[:3] + "_" + method)
				jobs = append(jobs, m.fails(g.configure(name, at, nasty, method, "https://"+host+"/api/"+name, "https://"+host+"/token/"+name+"?as=given"), "none")...)
			}
		}
	}
	m.stages(t)("DNS", 8, jobs)
	m.listed()
	out, errs := p.Logs()
	m.see("standard output", out)
	m.see("standard error", errs)
	m.finish(t)
}
