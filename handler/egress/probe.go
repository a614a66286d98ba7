package egress

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"time"

	"callout/handler/callout"
)

// Step is the outcome of one stage of a Probe.
type Step struct {
	Stage    callout.Stage
	Duration time.Duration
	Detail   string // what was found, in a few words; empty if the step failed
	Err      *Error // nil if it went well
}

// Probe goes the way to u step by step on a connection of its own, under the
// same guard and limits as a request, and closes it without sending anything:
// the stages dns, tcp and tls, up to and including the first that fails. If u
// itself is not permitted, the only step is a failed one of stage policy.
func (c *Client) Probe(ctx context.Context, u *url.URL) []Step {
	p := &probe{ctx: ctx}
	u, err := c.policy.CheckURL(u.String())
	if err != nil {
		p.run(callout.StagePolicy, func() (string, error) { return "", err })
		return p.steps
	}
	p.dialer, p.host = c.lanes[u.Scheme].dialer, u.Hostname()
	_ = p.run(callout.StageDNS, p.resolve(u)) &&
		p.run(callout.StageTCP, p.connect) &&
		p.run(callout.StageTLS, p.secure)
	if p.conn != nil {
		_ = p.conn.Close()
	}
	return p.steps
}

// probe is one way to one destination. Each step leaves what the next one needs.
type probe struct {
	ctx    context.Context
	dialer *dialer
	host   string
	addrs  []netip.AddrPort
	conn   net.Conn
	steps  []Step
}

// run takes down the outcome of one step and reports whether it went well.
func (p *probe) run(stage callout.Stage, do func() (string, error)) bool {
	start := time.Now()
	detail, err := do()
	step := Step{Stage: stage, Duration: time.Since(start), Detail: detail}
	step.Err = Classify(err, stage, false)
	p.steps = append(p.steps, step)
	return err == nil
}

func (p *probe) resolve(u *url.URL) func() (string, error) {
	return func() (string, error) {
		port, err := portOf(u)
		if err != nil {
			return "", err
		}
		found, err := p.dialer.lookup(p.ctx, p.host)
		if err != nil {
			return "", err
		}
		if p.addrs, err = p.dialer.permitted(found, p.host, port); err != nil {
			return "", err
		}
		return fmt.Sprintf("%d of %d addresses may be called", len(p.addrs), len(found)), nil
	}
}

func (p *probe) connect() (string, error) {
	var err error
	if p.conn, err = p.dialer.connect(p.ctx, p.addrs); err != nil {
		return "", err
	}
	remote, err := netip.ParseAddrPort(p.conn.RemoteAddr().String())
	if err != nil {
		return "connected", nil
	}
	return "connected to " + string(classify(remote.Addr().Unmap())), nil
}

func (p *probe) secure() (string, error) {
	if p.dialer.scheme != "https" {
		return "none: the URL is plain http", nil
	}
	secured, err := p.dialer.handshake(p.ctx, p.conn, p.host)
	if err != nil {
		return "", err
	}
	p.conn = secured
	state := secured.ConnectionState()
	return fmt.Sprintf("%s, certificate valid until %s", tls.VersionName(state.Version),
		state.PeerCertificates[0].NotAfter.UTC().Format(time.DateOnly)), nil
}
