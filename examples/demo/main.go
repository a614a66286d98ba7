// Command demo starts Callout on its embedded store together with a sample API,
// makes one call through each sample configuration, and goes on serving.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"syscall"
	"time"

	"callout/examples/sampleapi"
)

func main() {
	handler := flag.String("handler", "bin/handler", "the Callout binary")
	sample := flag.String("sample", "127.0.0.1:7072", "where the sample API listens")
	port := flag.String("port", "7071", "the port that Callout listens on")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Stdout, *handler, *sample, *port); err != nil {
		fmt.Fprintln(os.Stderr, "demo:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, out io.Writer, handler, sample, port string) error {
	listener, err := net.Listen("tcp4", sample)
	if err != nil {
		return fmt.Errorf("the sample API cannot listen on %s: another process has the port; stop it, or give another with -sample", sample)
	}
	api := &http.Server{Handler: (&sampleapi.API{}).Handler(), ReadHeaderTimeout: 10 * time.Second}
	defer api.Close()
	go func() { _ = api.Serve(listener) }()

	process, ended, err := start(handler, port)
	if err != nil {
		return err
	}
	defer end(process, ended)
	client := &client{base: "http://127.0.0.1:" + port + "/api"}
	if err := client.await(ctx, ended); err != nil {
		return err
	}
	if err := tour(ctx, out, client, "http://"+listener.Addr().String()); err != nil {
		return err
	}
	select {
	case <-ctx.Done():
		return nil
	case err := <-ended:
		return fmt.Errorf("the Callout process ended by itself: %v", err)
	}
}

// start runs Callout with the one permission that the sample needs: plain http
// to this machine.
func start(handler, port string) (*exec.Cmd, chan error, error) {
	process := exec.Command(handler)
	process.Env = append(os.Environ(), "CALLOUT_PORT="+port, "CALLOUT_EGRESS_ALLOW=127.0.0.1/32", "CALLOUT_EGRESS_HTTP=true")
	if os.Getenv("CALLOUT_LOG_LEVEL") == "" {
		process.Env = append(process.Env, "CALLOUT_LOG_LEVEL=warn")
	}
	process.Stdout, process.Stderr = os.Stdout, os.Stderr
	if err := process.Start(); err != nil {
		return nil, nil, fmt.Errorf("the Callout binary cannot be started: %w; build it with make build", err)
	}
	ended := make(chan error, 1)
	go func() { ended <- process.Wait() }()
	return process, ended, nil
}

// end asks Callout to stop, and insists after a while.
func end(process *exec.Cmd, ended chan error) {
	_ = process.Process.Signal(syscall.SIGTERM)
	select {
	case <-ended:
	case <-time.After(5 * time.Second):
		_ = process.Process.Kill()
	}
}

var errNotUp = errors.New("no answer from Callout within 15 seconds; its messages above say why")
