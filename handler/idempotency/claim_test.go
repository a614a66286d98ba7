package idempotency_test

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"callout/handler/callout"
	"callout/handler/idempotency"
	"callout/handler/store"
)

func clientOf(transport http.RoundTripper) *http.Client { return &http.Client{Transport: transport} }

func TestAKeyFixesTheExecution(t *testing.T) {
	everywhere(t, func(t *testing.T, h *house) {
		first := h.claim(h.instance(), "config-1", "key-1", 1)
		for _, c := range []struct {
			what, config, key string
			argument          any
			same              bool
		}{
			{"the same call", "config-1", "key-1", 1, true},
			{"another key", "config-1", "key-2", 1, false},
			{"another letter case", "config-1", "KEY-1", 1, false},
			{"the key in quotes", "config-1", `"key-1"`, 1, false},
			{"another configuration", "config-2", "key-1", 1, false},
			{"another configuration's other arguments", "config-3", "key-1", 2, false},
		} {
			if got := h.claim(h.instance(), c.config, c.key, c.argument); (got == first) != c.same {
				t.Errorf("%s is given %s, the first was given %s", c.what, got, first)
			}
		}
		h.refused(h.instance(), "config-1", "key-1", 2, callout.IdempotencyKeyReused)
		h.refused(h.instance(), "config-1", "key-1", nil, callout.IdempotencyKeyReused)
		if got := h.claim(h.instance(), "config-1", "key-1", 1); got != first {
			t.Errorf("after the refusals it is given %s", got)
		}
	})
}

// What a claim costs: one write; a read if the key is known; one write more for
// the first of a day under a configuration.
func TestWhatAClaimTakes(t *testing.T) {
	h := embedded(t)
	at := h.instance()
	h.claim(at, "config", "key-1", 1)
	h.took("insert a day", "insert")
	h.claim(at, "config", "key-2", 1)
	h.took("insert")
	h.claim(at, "config", "key-1", 1)
	h.took("insert", "read")
	h.refused(at, "config", "key-1", 2, callout.IdempotencyKeyReused)
	h.took("insert", "read")
	h.refused(at, "config", "two words", 1, callout.InvalidRequest)
	h.took()
	h.claim(h.instance(), "config", "key-1", 1)
	h.took("insert a day", "insert", "read")
	h.clock.pass(12 * time.Hour)
	h.claim(at, "config", "key-1", 1)
	h.took("insert a day", "insert", "read")
	h.clock.pass(12 * time.Hour)
	h.claim(at, "config", "key-1", 2)
	h.took("insert", "read", "replace")
}

func TestAKeyIsKeptForADay(t *testing.T) {
	everywhere(t, func(t *testing.T, h *house) {
		first := h.claim(h.instance(), "config", "key", 1)
		h.clock.pass(idempotency.Kept - time.Millisecond)
		if got := h.claim(h.instance(), "config", "key", 1); got != first {
			t.Errorf("before the end of a day it is given %s, and was given %s", got, first)
		}
		h.refused(h.instance(), "config", "key", 2, callout.IdempotencyKeyReused)
		h.clock.pass(time.Millisecond)
		second := h.claim(h.instance(), "config", "key", 2)
		if second == first {
			t.Error("after a day it is given the same")
		}
		if got := h.claim(h.instance(), "config", "key", 2); got != second {
			t.Errorf("the day that begins then gives %s and %s", second, got)
		}
	})
}

func TestTheFormOfKeys(t *testing.T) {
	h := embedded(t)
	at := h.instance()
	for _, key := range []string{"k", "8e03978e-40d5-43dd-bc93-6894a57f9324", `"quoted"`, "!~/\\#?'", strings.Repeat("k", 255)} {
		h.claim(at, "config", key, 1)
	}
	for _, key := range []string{"", " ", "two words", "k\n", "\tk", "k\x00", "k\x7f", "schlüssel", "k\xff", strings.Repeat("k", 256)} {
		h.refused(at, "config", key, 1, callout.InvalidRequest)
	}
}

// Fifty callers on four processes with one key, which is new or has expired, get
// one id.
func TestClaimsAtTheSameTime(t *testing.T) {
	everywhere(t, func(t *testing.T, h *house) {
		const rounds, processes, callers = 5, 4, 50
		for range rounds {
			ids := make([]string, callers)
			at := []*idempotency.Keys{}
			for range processes {
				at = append(at, h.instance())
			}
			var all sync.WaitGroup
			for i := range callers {
				all.Go(func() { ids[i] = h.claim(at[i%processes], "config", "key", 1) })
			}
			all.Wait()
			if got := slices.Compact(slices.Sorted(slices.Values(ids))); len(got) != 1 {
				t.Errorf("the callers were given %q", got)
			}
			h.clock.pass(idempotency.Kept)
		}
	})
}

// Nothing in the table shows a key or arguments, nor do rows of equal arguments
// look alike; keys are found by the SHA-256 that the design names.
func TestNothingIsStoredInTheClear(t *testing.T) {
	h := embedded(t)
	h.claim(h.instance(), "config", "canary-key-1", "canary-argument")
	h.claim(h.instance(), "config", "canary-key-2", "canary-argument")
	plain := digest(t, "canary-argument")
	rows, seen := h.stored("config"), map[string]bool{}
	for _, row := range rows {
		var fields struct{ Arguments string }
		if err := json.Unmarshal(row.Data, &fields); err != nil || fields.Arguments == "" || seen[fields.Arguments] {
			t.Errorf("the row is %s, %v", row.Data, err)
		}
		seen[fields.Arguments] = true
		text := row.Key + string(row.Data)
		for _, trace := range []string{"canary", "Y2FuYX", hex.EncodeToString(plain[:])} {
			if strings.Contains(text, trace) {
				t.Errorf("a row shows %q: %s", trace, text)
			}
		}
	}
	const sha256OfTheFirst = "f9b387360171252f7b1baeb7a5118cf5eb64cda7d0fd6de4d3300f4dbd04e74d"
	if len(rows) != 2 || !slices.ContainsFunc(rows, func(r store.Row) bool { return r.Key == sha256OfTheFirst }) {
		t.Errorf("the rows are %+v", rows)
	}
}

// What is in a row that this version cannot read may stand for a call that was
// made: nobody gets another id for it.
func TestRowsThatCannotBeRead(t *testing.T) {
	for name, data := range map[string]string{
		"of a newer version": `{"schema": 2, "arguments": "", "execution": "e", "expiresMs": 1}`, "of one that cannot be read": `{"schema": 2, "arguments": 7}`, "no JSON": `{`, "empty": ``, "of another type": `[]`,
		"without an execution": `{"schema": 1, "expiresMs": 1}`,
	} {
		t.Run(name, func(t *testing.T) {
			h := embedded(t)
			h.claim(h.instance(), "config", "key", 1)
			row := h.stored("config")[0]
			row.Data = []byte(data)
			if _, err := h.rows.Put(t.Context(), row); err != nil {
				t.Fatal(err)
			}
			h.refused(h.instance(), "config", "key", 1, callout.StorageUnavailable)
			if got := h.stored("config")[0]; string(got.Data) != data {
				t.Errorf("the row became %s", got.Data)
			}
		})
	}
}

// A write of which nobody knows whether it was done ends in what is in the table.
func TestWritesInDoubt(t *testing.T) {
	for _, c := range []struct {
		what  string
		times int
		done  bool
		// meanwhile is what another instance does before the error arrives.
		meanwhile func(*house)
		own       bool // the claim is given the id that it proposed
	}{
		{"done", 1, true, nil, true},
		{"not done", 1, false, nil, true},
		{"not done, twice", 2, false, nil, true},
		{"not done, and another was faster", 1, false, func(h *house) { h.claim(h.instance(), "config", "key", 1) }, false},
		{"done, and another has claimed it too", 1, true, func(h *house) { h.claim(h.instance(), "config", "key", 1) }, true},
	} {
		for name, expired := range map[string]bool{"an insert": false, "a replacement": true} {
			t.Run(name+" "+c.what, func(t *testing.T) {
				h := embedded(t)
				if expired {
					h.claim(h.instance(), "config", "key", 0)
					h.clock.pass(idempotency.Kept)
				}
				h.losePuts(expired, c.times, c.done, c.meanwhile)
				id, err := h.instance().Claim(t.Context(), "config", "key", digest(t, 1), "mine")
				if err != nil || (id == "mine") != c.own {
					t.Errorf("it is given %q, %v", id, err)
				}
				if again := h.claim(h.instance(), "config", "key", 1); again != id {
					t.Errorf("it was given %s, and the next %s", id, again)
				}
			})
		}
	}
}

// losePuts lets the answers of the next few inserts or replacements be lost.
func (h *house) losePuts(replacements bool, times int, done bool, meanwhile func(*house)) {
	h.hooks.onPut = func(row store.Row, do func() (string, error)) (string, error) {
		if (row.ETag != "") != replacements {
			return do()
		}
		lose := h.hooks.onPut
		if h.hooks.onPut = nil; done {
			_, _ = do()
		}
		if meanwhile != nil {
			meanwhile(h)
		}
		if times--; times > 0 {
			h.hooks.onPut = lose
		}
		return "", errLost
	}
}

// A write that arrives after the claim was given up harms nobody: whoever claims
// the key then goes on with its id.
func TestAWriteThatArrivesLate(t *testing.T) {
	h := embedded(t)
	var late func() (string, error)
	h.hooks.onPut = func(_ store.Row, do func() (string, error)) (string, error) { late = do; return "", errLost }
	h.hooks.onGet = func() error { return errLost }
	h.refused(h.instance(), "config", "key", 1, callout.StorageUnavailable)
	h.hooks.onPut, h.hooks.onGet = nil, nil
	if _, err := late(); err != nil {
		t.Fatal(err)
	}
	first := h.claim(h.instance(), "config", "key", 1)
	if again := h.claim(h.instance(), "config", "key", 1); again != first || first != "execution-1" {
		t.Errorf("given are %s and %s", first, again)
	}
}

func TestATableThatIsDown(t *testing.T) {
	h := embedded(t)
	h.claim(h.instance(), "config", "key", 1)
	h.hooks.onPut = func(store.Row, func() (string, error)) (string, error) { return "", errLost }
	h.refused(h.instance(), "config", "another-key", 1, callout.StorageUnavailable)
	h.claim(h.instance(), "config", "key", 1) // can be read
	h.hooks.onGet = func() error { return errLost }
	h.refused(h.instance(), "config", "key", 1, callout.StorageUnavailable)
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	h.hooks.onPut, h.hooks.onGet = nil, nil
	if _, err := h.instance().Claim(gone, "config", "key", digest(t, 1), "mine"); !errors.Is(err, context.Canceled) {
		t.Errorf("to who has left: %v", err)
	}
}
