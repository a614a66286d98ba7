// Command peers is an OAuth server for the tests: ory/fosite, which holds its
// clients to the way of authentication, the scopes and the audience that they are
// registered for. It reads them as one JSON value from its standard input,
// listens on a free port of 127.0.0.1, prints its address as one line of JSON,
// and ends when its standard input does.
//
// It is a module of its own, because fosite brings eighty others with it that
// Callout must not depend on.
package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
)

// registration is what the server is told at the start.
type registration struct {
	Clients []client `json:"clients"`
	// LifetimeSeconds is that of the tokens.
	LifetimeSeconds int `json:"lifetimeSeconds"`
}

// client is what one is registered for.
type client struct {
	ID     string `json:"id"`
	Secret string `json:"secret"`
	// Method is client_secret_basic or client_secret_post.
	Method   string   `json:"method"`
	Scopes   []string `json:"scopes"`
	Audience []string `json:"audience"`
}

func main() {
	if err := run(os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// run serves until in ends.
func run(in io.Reader, out io.Writer) error {
	decoder := json.NewDecoder(in)
	var r registration
	if err := decoder.Decode(&r); err != nil {
		return fmt.Errorf("the clients on standard input: %w", err)
	}
	server, err := newServer(r)
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		return err
	}
	if err := json.NewEncoder(out).Encode(map[string]string{"address": "http://" + listener.Addr().String()}); err != nil {
		return err
	}
	failed := make(chan error, 1)
	go func() { failed <- http.Serve(listener, server) }()
	go func() {
		_, err := io.Copy(io.Discard, in)
		failed <- err
	}()
	return <-failed
}
