package stores

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"callout/handler/callout"
	"callout/handler/store"
	"callout/handler/storetest/fault"
	"callout/handler/sweep"
)

// provider gives out tokens with numbers, valid for an hour.
type provider struct {
	*httptest.Server
	asked atomic.Int64
}

func newProvider(t *testing.T) *provider {
	t.Helper()
	p := &provider{}
	p.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		if r.PostFormValue("client_secret") != "the-client-secret" {
			w.WriteHeader(http.StatusUnauthorized)
			_, _ = w.Write([]byte(`{"error": "invalid_client"}`))
			return
		}
		_, _ = fmt.Fprintf(w, `{"access_token": %q, "token_type": "Bearer", "expires_in": 3600}`, issued(int(p.asked.Add(1))))
	}))
	t.Cleanup(p.Close)
	return p
}

// issued is the nth token that a provider gives.
func issued(n int) string { return fmt.Sprintf("token-number-%d", n) }

func (p *provider) wantAsked(t *testing.T, n int64) {
	t.Helper()
	if got := p.asked.Load(); got != n {
		t.Errorf("%d token requests were made, want %d", got, n)
	}
}

// createOAuth stores a configuration whose token the provider gives.
func (w *world) createOAuth(i *instance, p *provider, name, method string) *callout.Config {
	w.t.Helper()
	c := &callout.Config{}
	text := fmt.Sprintf(`{"name": %q, "endpoint": %q, "method": %q, "approval": "none", "auth": {"type": "oauth2ClientCredentials", "tokenUrl": "%s/token",
		"parameters": [{"name": "grant_type", "value": "client_credentials"}, {"name": "client_id", "value": "callout"},
			{"name": "client_secret", "value": "the-client-secret"}, {"name": "scope", "value": %[1]q}]}}`, name, w.upstream.URL, method, p.URL)
	if err := json.Unmarshal([]byte(text), c); err != nil {
		w.t.Fatal(err)
	}
	saved, err := i.Catalog.Create(w.t.Context(), c)
	if err != nil {
		w.t.Fatal(err)
	}
	return saved
}

// TestRoundTripsWithTokens is the table of what a token adds to a call.
func TestRoundTripsWithTokens(t *testing.T) {
	w, p := newWorld(t), newProvider(t)
	writer := w.instance()
	for name, method := range map[string]string{"get_it": "GET", "post_it": "POST", "later": "GET"} {
		w.createOAuth(writer, p, name, method)
	}
	w.create(writer, "bearer", "POST", "token-of-bearer")
	w.call(writer, "bearer", "token-of-bearer") // creates the table of executions
	var cold *instance
	for _, row := range []struct {
		what          string
		do            func()
		tables, vault int
		asked         int64
	}{
		{"the first call of all: the row; the bundle; the key, which is made; the token's row, lease and token; pointer, intent and outcome",
			func() { w.call(writer, "post_it", issued(1)) }, 12, 5, 1},
		{"cold POST with a valid token: the row, beside the challenge; bundle and key; pointer; token and intent; outcome",
			func() { cold = w.instance(); w.call(cold, "post_it", issued(1)) }, 5, 3, 0},
		{"warm POST: pointer, intent and outcome", func() { w.call(cold, "post_it", issued(1)) }, 3, 0, 0},
		{"warm POST with a bearer's token: the same", func() { w.call(writer, "bearer", "token-of-bearer") }, 3, 0, 0},
		{"first GET of another client: the row; the bundle; the token's row, lease and token; pointer and record",
			func() { w.call(cold, "get_it", issued(2)) }, 6, 1, 1},
		{"warm GET: pointer and record", func() { w.call(cold, "get_it", issued(2)) }, 2, 0, 0},
		{"GET that finds its token due: the row past its TTL; the token's row, lease and token; pointer and record",
			func() { w.clock.pass(58 * time.Minute); w.call(cold, "get_it", issued(3)) }, 6, 0, 1},
		{"cold GET with a valid token: the row, beside the challenge; bundle and key; token; record",
			func() { cold = w.instance(); w.call(cold, "get_it", issued(3)) }, 4, 3, 0},
	} {
		before := p.asked.Load()
		tables, vault := w.sent(row.do)
		t.Logf("%d to the tables, %d to the vault, %d to the provider: %s", len(tables), len(vault), p.asked.Load()-before, row.what)
		if len(tables) != row.tables || len(vault) != row.vault {
			t.Errorf("%s: %v to the tables, want %d; %v to the vault, want %d", row.what, tables, row.tables, vault, row.vault)
		}
		p.wantAsked(t, before+row.asked)
	}
}

// wave is what is sent to the stores at the same time: nothing of it has been
// answered when the last of it is sent.
type wave struct {
	what          string
	tables, vault []string
}

// TestWhatACallWaitsFor holds every request until those that belong together have
// all come. What has to be waited for one after the other is the table of waves.
func TestWhatACallWaitsFor(t *testing.T) {
	w, p := newWorld(t), newProvider(t)
	writer := w.instance()
	w.createOAuth(writer, p, "api", "POST")
	w.call(writer, "api", issued(1))
	of := func(method, table string) string { return method + " /devstoreaccount1/" + table }
	const keyRead = "GET /secrets/{name}/"
	pointer := of("POST", w.names[store.Index])
	row, stored, intent := of("GET", w.names[store.Configs])+"(key)", of("GET", w.names[store.Tokens])+"(key)", of("POST", w.names[store.Executions])
	lease, outcome := of("PUT", w.names[store.Tokens])+"(key)", of("PUT", w.names[store.Executions])+"(key)"
	for _, test := range []struct {
		what  string
		after time.Duration
		token string
		waves []wave
	}{
		{"a cold POST with a valid token", 0, issued(1), []wave{
			{"the row, beside the challenge", []string{row}, []string{keyRead}},
			{"the secrets, beside the key and the pointer", []string{pointer}, []string{keyRead, bundleRead}},
			{"the token, beside the intent", []string{stored, intent}, nil},
			{"the outcome", []string{outcome}, nil},
		}},
		{"a cold POST that has to ask for a token", 2 * time.Hour, issued(2), []wave{
			{"the row, beside the challenge", []string{row}, []string{keyRead}},
			{"the secrets, beside the key and the pointer", []string{pointer}, []string{keyRead, bundleRead}},
			{"the token, beside the intent", []string{stored, intent}, nil},
			{"the lease", []string{lease}, nil},
			{"the token", []string{lease}, nil},
			{"the outcome", []string{outcome}, nil},
		}},
	} {
		t.Run(test.what, func(t *testing.T) {
			w.clock.pass(test.after)
			calls := w.calls.Load()
			w.wantWaves(t, test.waves, func() { w.call(w.instance(), "api", test.token) }, func(i int) {
				if left := w.calls.Load() > calls; left != (i == len(test.waves)-1) {
					t.Errorf("before the wave %q the call has left: %t", test.waves[i].what, left)
				}
			})
		})
	}
}

// wantWaves lets f do something, and checks in which waves it asks the stores. at
// is called when all of a wave has come.
func (w *world) wantWaves(t *testing.T, waves []wave, f func(), at func(i int)) {
	t.Helper()
	w.tables.Reset()
	w.vault.Reset()
	open := w.holdAll()
	done := make(chan struct{})
	go func() { defer close(done); f() }()
	for i, wave := range waves {
		await(t, w.tables, "", len(wave.tables))
		await(t, w.vault, "", len(wave.vault))
		at(i)
		for _, side := range []struct {
			p    *fault.Proxy
			want []string
		}{{w.tables, wave.tables}, {w.vault, wave.vault}} {
			if got := side.p.Requests(); !slices.Equal(slices.Sorted(slices.Values(got)), slices.Sorted(slices.Values(side.want))) {
				t.Errorf("the wave %q is %q, want %q", wave.what, got, side.want)
			}
			side.p.Reset()
		}
		next := w.holdAll()
		open()
		open = next
	}
	open()
	w.tables.Use(nil)
	w.vault.Use(nil)
	<-done
	if rest := slices.Concat(w.tables.Requests(), w.vault.Requests()); len(rest) > 0 {
		t.Errorf("what came after the last wave: %q", rest)
	}
}

// holdAll holds whatever is sent to the stores from now on, until open.
func (w *world) holdAll() (open func()) {
	gate := make(chan struct{})
	w.tables.Use(fault.Always(fault.Hold(gate)))
	w.vault.Use(fault.Always(fault.Hold(gate)))
	return sync.OnceFunc(func() { close(gate) })
}

// TestTheSweepOfTokens reads one page of each partition, removes what has been
// over for a day, and leaves the key in the vault.
func TestTheSweepOfTokens(t *testing.T) {
	w, p := newWorld(t), newProvider(t)
	i := w.instance()
	i.sweeper.Tokens = i.Tokens
	w.createOAuth(i, p, "old", "GET")
	w.createOAuth(i, p, "new", "GET")
	w.call(i, "old", issued(1))
	w.clock.pass(2 * time.Hour)
	w.call(i, "new", issued(2))
	w.clock.pass(23 * time.Hour)
	tables, _ := w.sent(func() {
		if report, err := i.sweeper.Run(t.Context()); err != nil || report != (sweep.Report{Tokens: 1}) {
			t.Errorf("a run: %+v, %v", report, err)
		}
	})
	lists := count(w.tables, "GET /devstoreaccount1/"+w.names[store.Tokens]+"()")
	t.Logf("a sweep sends %d requests to the tables", len(tables))
	if lists != 256 || count(w.tables, "DELETE /devstoreaccount1/"+w.names[store.Tokens]+"(key)") != 1 {
		t.Errorf("%d lists, and %q", lists, tables)
	}
	w.call(w.instance(), "new", issued(3))
	w.call(w.instance(), "old", issued(4))
}
