// Command fakehost runs a packaged folder as `func start` would, without Core
// Tools and without a storage account. It fires no timer.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"callout/e2e/fakehost"
)

func main() {
	ctx, cancel := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer cancel()
	err := run(ctx, os.Args[1:], os.Stdout)
	if errors.Is(err, flag.ErrHelp) {
		return
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// run hosts until ctx is done, or until the host stops by itself, which is an
// error.
func run(ctx context.Context, args []string, out io.Writer) error {
	opts, err := parse(args, out)
	if err != nil {
		return err
	}
	// The lines of the handler and our own come from different goroutines.
	out = &syncWriter{w: out}
	opts.OnLine = func(line fakehost.Line) { fmt.Fprintf(out, "[%s] %s\n", line.Level, line.Text) }
	host, err := fakehost.Start(ctx, opts)
	if err != nil {
		return err
	}
	fmt.Fprint(out, banner(host, !opts.DisableAuth))
	return errors.Join(watch(ctx, host, out), host.Stop())
}

func parse(args []string, out io.Writer) (fakehost.Options, error) {
	var opts fakehost.Options
	var mode string
	var enableAuth bool
	flags := flag.NewFlagSet("fakehost", flag.ContinueOnError)
	flags.SetOutput(out)
	flags.StringVar(&opts.Dir, "script-root", "dist", "the `folder` that holds host.json")
	flags.IntVar(&opts.Port, "port", 7071, "the `port` on 127.0.0.1, 0 for any")
	flags.StringVar(&mode, "mode", "host.json", "how requests are passed on: proxying, forwarding, or what host.json says")
	flags.BoolVar(&enableAuth, "enable-auth", false, "check keys, as Azure does")
	if err := flags.Parse(args); err != nil {
		return opts, err
	}
	if flags.NArg() > 0 {
		return opts, errors.New("fakehost takes flags only: see fakehost --help")
	}
	opts.DisableAuth = !enableAuth
	for _, m := range []fakehost.Mode{fakehost.FromHostJSON, fakehost.Forwarding, fakehost.Proxying} {
		if m.String() == mode {
			opts.Mode = m
			return opts, nil
		}
	}
	return opts, errors.New("--mode must be proxying, forwarding or host.json")
}

// watch prints what becomes of the handler until there is nothing to wait for.
func watch(ctx context.Context, host *fakehost.Host, out io.Writer) error {
	seen := host.Status()
	for {
		status, err := host.Await(ctx, func(s fakehost.Status) bool { return s != seen })
		switch {
		case err != nil || ctx.Err() != nil:
			return nil // The user ended it.
		case status.State == fakehost.Stopped:
			return fmt.Errorf("fakehost: the host has stopped: %s", status.Why)
		case status.State == fakehost.Dead:
			fmt.Fprintf(out, "No more requests are answered: %s.\n", status.Why)
		case status.Restarts != seen.Restarts:
			fmt.Fprintf(out, "Restart %d of the handler: %s.\n", status.Restarts, status.Why)
		}
		seen = status
	}
}

// banner lists the functions in the way of Core Tools, and their keys if they
// are asked for.
func banner(host *fakehost.Host, auth bool) string {
	var b strings.Builder
	fmt.Fprintf(&b, "\nFunctions (%s):\n\n", host.Mode())
	for _, f := range host.Functions() {
		switch {
		case f.IsTimer():
			fmt.Fprintf(&b, "\t%s: timerTrigger %s\n", f.Name, f.Schedule)
			continue
		case len(f.Methods) == 0:
			fmt.Fprintf(&b, "\t%s: %s/%s", f.Name, host.URL(), f.Route)
		default:
			fmt.Fprintf(&b, "\t%s: [%s] %s/%s", f.Name, strings.Join(f.Methods, ","), host.URL(), f.Route)
		}
		if auth && f.AuthLevel == fakehost.AuthFunction {
			fmt.Fprintf(&b, "?code=%s", host.FunctionKey(f.Name))
		}
		b.WriteByte('\n')
	}
	if auth {
		fmt.Fprintf(&b, "\n\tHost key, opens every function: %s\n\tMaster key: %s\n\n", host.HostKey(), host.MasterKey())
	} else {
		b.WriteString("\n\tKeys are not checked; --enable-auth checks them.\n\n")
	}
	return b.String()
}
