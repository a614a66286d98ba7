// Command handler is Callout: the custom handler that the Functions host starts,
// or a server of its own on loopback.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	stdlog "log"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"callout/functions"
	"callout/handler/assembly"
	"callout/handler/egress"
	"callout/handler/httpapi"
	"callout/handler/logline"
	"callout/handler/route"
)

func main() {
	// net/http logs the bytes of an answer that it did not expect, and they may
	// echo a credential.
	stdlog.SetOutput(io.Discard)
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Getenv, os.Stdout, os.Stderr); err != nil {
		// Not 0: the host never restarts a handler that ended well.
		fmt.Fprintln(os.Stderr, "Callout cannot start or go on:\n"+err.Error())
		os.Exit(1)
	}
}

// run serves until ctx ends.
func run(ctx context.Context, env func(string) string, out, errs io.Writer) error {
	settings, err := ReadSettings(env)
	if err != nil {
		return err
	}
	listener, err := listen(settings.Address)
	if err != nil {
		return err
	}
	log := logline.New(out, errs, settings.LogLevel)
	app, err := NewApp(settings, log, functions.FS)
	if err != nil {
		_ = listener.Close()
		return err
	}
	return app.Serve(ctx, listener)
}

func listen(address string) (net.Listener, error) {
	listener, err := net.Listen("tcp4", address)
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return nil, fmt.Errorf("another process listens on %s. Stop that process, or set CALLOUT_PORT to a free port", address)
	case err != nil:
		return nil, fmt.Errorf("the port cannot be listened on. Set CALLOUT_PORT to a free port above 1023: %w", err)
	}
	return listener, nil
}

// App is Callout with everything wired.
type App struct {
	settings *Settings
	log      *slog.Logger
	server   *http.Server
	api      *httpapi.API
	opened   chan struct{}
}

// NewApp wires the packages as the settings say. The function.json files in
// files must be those of the handlers. No store is opened yet.
func NewApp(settings *Settings, log *slog.Logger, files fs.FS) (*App, error) {
	list, err := route.Load(files)
	if err != nil {
		return nil, err
	}
	app := &App{settings: settings, log: log, opened: make(chan struct{})}
	app.api = &httpapi.API{
		Log: log, Now: time.Now, Functions: list, Opened: app.opened,
		Proxied: settings.UnderHost, PublicHost: settings.PublicHost,
	}
	routes, err := route.New(list, app.api.Handlers(), route.Options{Alone: !settings.UnderHost, Fail: httpapi.Fail})
	if err != nil {
		return nil, err
	}
	app.server = newServer(app.api.Observe(routes), log)
	return app, nil
}

// wire gives the API what stands on the stores. Nothing of it is used before
// opened is closed.
func (a *App) wire(s *stores, client *egress.Client) {
	all := assembly.New(assembly.Parts{
		Table: s.table, Vault: s.vault, Client: client, Log: a.log, SharedNow: s.now, Account: s.account, Prepare: s.prepare,
		ConfigTTL: a.settings.ConfigTTL, HistoryTime: a.settings.HistoryTime, ApprovalTime: a.settings.ApprovalTime, CallbackURLs: a.settings.CallbackURLs,
	})
	a.api.Catalog, a.api.History, a.api.Execute, a.api.Sweep = all.Catalog, all.History, all.Execute, all.Sweep
	close(a.opened)
}

func newServer(handler http.Handler, log *slog.Logger) *http.Server {
	return &http.Server{
		Handler: handler,
		// OPTIONS * is a request like any other.
		DisableGeneralOptionsHandler: true,
		ReadHeaderTimeout:            10 * time.Second,
		// The host keeps idle connections for a minute and must never meet one
		// that this end has closed.
		IdleTimeout: 2 * time.Minute,
		ErrorLog:    slog.NewLogLogger(log.Handler(), slog.LevelWarn),
	}
}

// shutdownTimeout is what calls in progress have when Callout is asked to stop.
// The Functions host does not ask: it kills.
const shutdownTimeout = 20 * time.Second

// Serve answers requests until ctx ends, then lets those in progress finish. It
// answers before the stores are open, because the host waits for an answer and
// opening them takes longer than all else.
func (a *App) Serve(ctx context.Context, listener net.Listener) (err error) {
	failed := make(chan error, 1)
	go func() { failed <- a.server.Serve(listener) }()
	opened, err := openStores(a.settings)
	if err != nil {
		return errors.Join(err, a.server.Close())
	}
	client := egress.New(egress.Options{Policy: a.settings.Egress})
	a.wire(opened, client)
	a.log.Info("Callout is up", "address", "http://"+listener.Addr().String()+"/api/")
	if !a.settings.UnderHost {
		go a.sweepInTurn(ctx)
	}
	select {
	case err = <-failed:
	case <-ctx.Done():
		err = a.shutDown(ctx)
	}
	client.CloseIdleConnections()
	return errors.Join(err, opened.close())
}

const (
	// firstSweep is when what a process that was killed has left behind counts as
	// left behind.
	firstSweep = 40 * time.Second
	sweepEvery = 5 * time.Minute // as in functions/sweep
)

// sweepInTurn is the timer where no host has one.
func (a *App) sweepInTurn(ctx context.Context) {
	timer := time.NewTimer(firstSweep)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
			if _, err := a.api.Sweep.Run(ctx); err != nil {
				a.log.WarnContext(ctx, "the sweep did not end", "cause", err.Error())
			}
			timer.Reset(sweepEvery)
		}
	}
}

func (a *App) shutDown(ctx context.Context) error {
	ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownTimeout)
	defer cancel()
	return a.server.Shutdown(ending)
}
