package sweep_test

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"time"

	"callout/handler/callout"
	"callout/handler/catalog"
	"callout/handler/keyring"
	"callout/handler/secret"
	"callout/handler/store"
	"callout/handler/sweep"
	"callout/handler/token"
)

// provider gives out tokens that live for an hour, or refuses.
func provider(t *testing.T, refuse bool) *httptest.Server {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		if refuse {
			w.WriteHeader(http.StatusUnauthorized)
			_, _ = w.Write([]byte(`{"error": "invalid_client"}`))
			return
		}
		_, _ = w.Write([]byte(`{"access_token": "an-access-token", "expires_in": 3600}`))
	}))
	t.Cleanup(server.Close)
	return server
}

// ask gets a token by way of a cold instance, which leaves a row in the table.
func (h *house) ask(provider *httptest.Server, client string) error {
	h.t.Helper()
	transport := &http.Transport{}
	h.t.Cleanup(transport.CloseIdleConnections)
	tokens := token.New(token.Options{Rows: h.tokens, Keys: h.keys(), Place: store.Tokens, Transport: transport, Now: h.clock.now, Log: slog.New(slog.DiscardHandler)})
	_, err := tokens.Get(h.t.Context(), &callout.OAuth{TokenURL: provider.URL, Parameters: []callout.Parameter{
		{Name: "client_id", Value: client}, {Name: "client_secret", Secret: true, Hidden: secret.New("a-client-secret")},
	}}, token.Ask{})
	return err
}

func (h *house) mustAsk(provider *httptest.Server, client string) {
	h.t.Helper()
	if err := h.ask(provider, client); err != nil {
		h.t.Fatal(err)
	}
}

// rows lists the rows of tokens, not that of the key.
func (h *house) rows() []store.Row {
	h.t.Helper()
	var out []store.Row
	for i := range 256 {
		page, err := h.tokens.Table.List(h.t.Context(), store.Range{Partition: fmt.Sprintf("%02x", i), Top: store.MaxTop})
		if err != nil {
			h.t.Fatal(err)
		}
		out = append(out, page.Rows...)
	}
	return out
}

func (h *house) wantRows(n int) {
	h.t.Helper()
	if rows := h.rows(); len(rows) != n {
		h.t.Errorf("there are %d rows of tokens, want %d", len(rows), n)
	}
}

func TestATokenIsKeptForADayAfterItsEnd(t *testing.T) {
	h, giving, refusing := newHouse(t), provider(t, false), provider(t, true)
	h.mustAsk(giving, "one")
	h.clock.pass(30 * time.Minute)
	h.mustAsk(giving, "two")
	if err := h.ask(refusing, "three"); err == nil { // a row with a back-off of five minutes
		t.Fatal("there is a token")
	}
	for _, step := range []struct {
		after   time.Duration
		removed int
	}{{0, 0}, {day + 5*time.Minute, 0}, {time.Second, 1}, {25*time.Minute - 2*time.Second, 0}, {2 * time.Second, 1}, {30*time.Minute - 2*time.Second, 0}, {2 * time.Second, 1}, {day, 0}} {
		h.clock.pass(step.after)
		before := len(h.rows())
		h.sweep(sweep.Report{Tokens: step.removed})
		h.wantRows(before - step.removed)
	}
	h.wantRows(0)
}

// A token that is in use is refreshed time and again: its row is never old.
func TestATokenInUseIsKept(t *testing.T) {
	h, giving := newHouse(t), provider(t, false)
	for range 60 {
		h.mustAsk(giving, "one")
		h.clock.pass(23 * time.Hour)
		h.sweep(nothing)
	}
	h.wantRows(1)
}

// The key of the tokens is no configuration's secret, and no orphan: without it
// no token could be read any more.
func TestTheKeyOfTheTokensStays(t *testing.T) {
	h, giving := newHouse(t), provider(t, false)
	h.mustAsk(giving, "one")
	h.clock.pass(month)
	h.sweep(sweep.Report{Tokens: 1})
	want := h.put("crm", "token-one")
	h.clock.pass(month)
	h.sweep(nothing)
	names := h.enabled()
	if len(names) != 2 || len(names[keyring.KeyName]) != 1 || len(names[catalog.VaultName(want.ID)]) != 1 {
		t.Errorf("the vault holds %v", names)
	}
	h.mustAsk(giving, "one")
	h.wantRows(1)
}

// Nor does it count where many secrets without a configuration are a sign of the
// wrong tables.
func TestTheKeyOfTheTokensIsNotCounted(t *testing.T) {
	const few = 5
	h, giving := newHouse(t), provider(t, false)
	h.mustAsk(giving, "one")
	for i := range few {
		h.lose(fmt.Sprintf("lost_%d", i))
	}
	h.clock.pass(day + time.Second)
	h.sweep(sweep.Report{Deleted: few})
}

// What fails does not keep the rest from being done, and is told.
func TestOneStoreThatIsDownDoesNotStopTheOther(t *testing.T) {
	h, giving := newHouse(t), provider(t, false)
	h.put("crm", "token-one")
	h.clock.pass(month)
	h.put("crm", "token-two")
	h.mustAsk(giving, "one")
	h.clock.pass(month)
	h.vault.onNames = down
	if report, err := h.sweeper().Run(t.Context()); !errors.Is(err, store.ErrUnavailable) || report != (sweep.Report{Tokens: 1}) {
		t.Errorf("without the vault: %+v, %v", report, err)
	}
	h.mustAsk(giving, "one")
	h.clock.pass(month)
	h.tokens.onList = down
	if report, err := h.sweeper().Run(t.Context()); !errors.Is(err, store.ErrUnavailable) || report != (sweep.Report{Disabled: 1}) {
		t.Errorf("without the table of tokens: %+v, %v", report, err)
	}
	h.tokens.onList = nil
	h.sweep(sweep.Report{Tokens: 1})
}

// A row that somebody begins to use after the sweep has seen it stays.
func TestARowThatIsUsedAgainMeanwhile(t *testing.T) {
	h, giving := newHouse(t), provider(t, false)
	h.mustAsk(giving, "one")
	h.clock.pass(month)
	lists := 0
	h.tokens.onList = func() error {
		if lists++; fmt.Sprintf("%02x", lists-1) != h.rows()[0].Partition { // they are listed in turn
			return nil
		}
		return h.ask(giving, "one")
	}
	if report, err := h.sweeper().Run(t.Context()); err != nil || report != nothing || lists != 256 {
		t.Errorf("a run: %+v, %v, %d partitions", report, err, lists)
	}
	h.wantRows(1)
	h.tokens.onList = nil
	h.sweep(nothing)
}

func TestSweepersAtTheSameTimeRemoveEachRowOnce(t *testing.T) {
	const clients, sweepers = 30, 8
	h, giving := newHouse(t), provider(t, false)
	for i := range clients {
		h.mustAsk(giving, fmt.Sprint(i))
	}
	h.clock.pass(month)
	var all sync.WaitGroup
	var removed [sweepers]int
	for i := range sweepers {
		all.Go(func() {
			report, err := h.sweeper().Run(t.Context())
			if removed[i] = report.Tokens; err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	sum := 0
	for _, n := range removed {
		sum += n
	}
	if sum != clients {
		t.Errorf("%d rows were removed, %v, want %d", sum, removed, clients)
	}
	h.wantRows(0)
}

// However many rows a partition has, and whatever is in them: what cannot be read
// is of no use to anybody, and what a newer version has written is not for this
// one to judge.
func TestRowsOfEveryKind(t *testing.T) {
	const page = 100
	h := newHouse(t)
	old := h.clock.now().UnixMilli()
	write := func(key, data string) {
		t.Helper()
		if _, err := h.tokens.Put(t.Context(), store.Row{Partition: "5a", Key: key, Data: []byte(data)}); err != nil {
			t.Fatal(err)
		}
	}
	for i := range 2*page + 1 {
		write(fmt.Sprintf("v1-%03d", i), fmt.Sprintf(`{"schema": 1, "expiresMs": %d}`, old))
	}
	write("v1-050-damaged", `{`)
	write("v1-051-empty", `{}`)
	write("v1-052-newer", fmt.Sprintf(`{"schema": 1000, "expiresMs": %d}`, old))
	write("v1-053-leased", fmt.Sprintf(`{"schema": 1, "expiresMs": %d, "leaseUntilMs": %d}`, old, old+month.Milliseconds()))
	write("v1-054-backing-off", fmt.Sprintf(`{"schema": 1, "expiresMs": %d, "nextTryMs": %d}`, old, old+month.Milliseconds()))
	h.clock.pass(day + time.Second)
	h.sweep(sweep.Report{Tokens: 2*page + 1 + 2})
	var left []string
	for _, row := range h.rows() {
		left = append(left, row.Key)
	}
	if want := []string{"v1-052-newer", "v1-053-leased", "v1-054-backing-off"}; !slices.Equal(left, want) {
		t.Errorf("left are %v, want %v", left, want)
	}
}
