// Package whole is Callout in one process for tests: wired as handler/main.go
// and handler/stores.go do it, over a real store on disk, with a way out that
// the test decides on. What main sets for the process, such as where the package
// log writes, is not set.
package whole

import (
	"bytes"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"callout/functions"
	"callout/handler/assembly"
	"callout/handler/egress"
	"callout/handler/history"
	"callout/handler/httpapi"
	"callout/handler/logline"
	"callout/handler/route"
	"callout/handler/sweep"
)

// Options say how a Program differs from one that has no settings.
type Options struct {
	// Egress is the way out: policy, resolver, authorities, dial.
	Egress egress.Options
	// Now is the clock of everything but time-outs; nil means time.Now.
	Now func() time.Time
	// ConfigTTL is how long a configuration is served from memory.
	ConfigTTL time.Duration
	// LogLevel is the least level that is logged. The zero value is INFO, as in
	// settings.
	LogLevel slog.Level
}

// Store is the embedded store. Only main and files of tests may import the
// package that it is in, so New is given it.
type Store[R history.Rows, V assembly.Vault] interface {
	Table(name string) R
	Vault() V
	Close() error
}

// Program is a Callout that runs alone, without a Functions host.
type Program struct {
	// Handler serves the routes of all functions. It refuses requests that are
	// not for 127.0.0.1.
	Handler http.Handler
	// DataDir is where the store keeps its files.
	DataDir string
	// Table opens one of the tables that package store names.
	Table func(name string) history.Rows
	// Vault is where secrets are kept.
	Vault assembly.Vault
	// Sweeper does what the timer does under a host.
	Sweeper *sweep.Sweeper

	out, errs journal
}

// New starts a Program with an empty data directory. All of it ends with the
// test. open is localstore.Open.
func New[R history.Rows, V assembly.Vault, S Store[R, V]](t testing.TB, open func(dir string) (S, error), o Options) *Program {
	t.Helper()
	p := &Program{DataDir: t.TempDir()}
	opened, err := open(p.DataDir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := opened.Close(); err != nil {
			t.Errorf("the store does not close: %v", err)
		}
	})
	p.Table, p.Vault = func(name string) history.Rows { return opened.Table(name) }, opened.Vault()
	if o.Now == nil {
		o.Now = time.Now
	}
	client := egress.New(o.Egress)
	t.Cleanup(client.CloseIdleConnections)
	if err := p.wire(client, o); err != nil {
		t.Fatal(err)
	}
	return p
}

// wire is main.NewApp and App.wire.
func (p *Program) wire(client *egress.Client, o Options) error {
	log := logline.New(&p.out, &p.errs, o.LogLevel)
	list, err := route.Load(functions.FS)
	if err != nil {
		return err
	}
	all := assembly.New(assembly.Parts{Table: p.Table, Vault: p.Vault, Client: client, Log: log, Now: o.Now, ConfigTTL: o.ConfigTTL})
	p.Sweeper = all.Sweep
	api := &httpapi.API{
		Catalog: all.Catalog, History: all.History, Execute: all.Execute, Sweep: all.Sweep, Log: log, Now: o.Now, Functions: list,
	}
	routes, err := route.New(list, api.Handlers(), route.Options{Alone: true, Fail: httpapi.Fail})
	if err != nil {
		return err
	}
	p.Handler = api.Observe(routes)
	return nil
}

// Do makes a request to the Program, without a network between. path is that of
// the URL, from /api on, with a query if there is one; headers are names and
// values in turn.
func (p *Program) Do(method, path, body string, headers ...string) (status int, header http.Header, answer string) {
	r := httptest.NewRequest(method, "http://127.0.0.1"+path, strings.NewReader(body))
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Add(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	p.Handler.ServeHTTP(w, r)
	return w.Code, w.Header(), w.Body.String()
}

// Logs returns what was logged so far: INFO and below, and WARN and above.
func (p *Program) Logs() (stdout, stderr string) { return p.out.String(), p.errs.String() }

// journal is one stream of the log.
type journal struct {
	mu   sync.Mutex
	text bytes.Buffer
}

// Write implements io.Writer.
func (j *journal) Write(data []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.Write(data)
}

// String returns what was written so far.
func (j *journal) String() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.String()
}
