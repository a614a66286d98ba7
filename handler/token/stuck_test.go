package token_test

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"callout/handler/keyring"
	"callout/handler/token"
)

// A vault that takes no key, because the name was deleted, costs the first client
// a moment and the others nothing: each instance goes on alone.
func TestAKeyThatCannotBeMade(t *testing.T) {
	embedded(t, func(t *testing.T, w *world) {
		w.instance().get(t, client("canary-secret"))
		w.bridge.Do(func() {
			if err := w.vault.outside.Delete(w.vault.context, keyring.KeyName); err != nil {
				t.Error(err)
			}
		})
		time.Sleep(time.Minute)
		for range 3 {
			i, begin := w.instance(), time.Now()
			for n := range 5 {
				i.get(t, client(fmt.Sprintf("canary-secret-%d", n)))
			}
			if took := time.Since(begin); took > 10*time.Second {
				t.Errorf("five tokens took %v", took)
			}
		}
	})
}

// Who finds a token due does not wait long for the next: what is good for another
// minute will do.
func TestADueTokenIsNotWaitedForLong(t *testing.T) {
	embedded(t, func(t *testing.T, w *world) {
		i, c := w.instance(), client("canary-secret")
		first := i.get(t, c)
		time.Sleep(9 * time.Minute)
		w.provider.latency = 9 * time.Second
		begin := time.Now()
		if got := i.get(t, c); got.ID != first.ID || time.Since(begin) > 3*time.Second {
			t.Errorf("it took %v", time.Since(begin))
		}
		time.Sleep(10 * time.Second)
		if got := i.get(t, c); got.ID == first.ID {
			t.Error("the next token was lost")
		}
		w.provider.wantRequests(t, 2)
	})
}

// Who comes when the due token has ended, while another caller's request for the
// next is still under way, waits for that.
func TestADueTokenIsNotUsedAfterItsEnd(t *testing.T) {
	embedded(t, func(t *testing.T, w *world) {
		i, c := w.instance(), client("canary-secret")
		first := i.get(t, c)
		time.Sleep(9*time.Minute + 28*time.Second) // it is usable for two seconds more
		w.provider.latency = 9 * time.Second
		go func() { _, _ = i.Get(t.Context(), c, token.Ask{}) }()
		time.Sleep(3 * time.Second)
		if got := i.get(t, c); got.ID == first.ID {
			t.Errorf("the old token was given %v after it could be used", time.Until(got.Expires))
		}
		w.provider.wantRequests(t, 2)
	})
}

// An API that refuses a token while the provider is down does not take it away
// from the others.
func TestARefusalHarmsNoOther(t *testing.T) {
	embedded(t, func(t *testing.T, w *world) {
		i, c := w.instance(), client("canary-secret")
		first := i.get(t, c)
		time.Sleep(8*time.Minute + 30*time.Second)
		w.provider.refuses(500, ``)
		_, err := i.Get(t.Context(), c, token.Ask{Rejected: first.ID})
		wantReason(t, err, token.ServerError)
		i.get(t, c)
	})
}

// What a clock wrote that was a day ahead does not bind anybody once it has been
// put right.
func TestAClockThatWasPutBack(t *testing.T) {
	for name, write := range map[string]func(row map[string]any){
		"a lease":    func(row map[string]any) { row["leaseOwner"], row["leaseUntilMs"] = "x", ahead(24*time.Hour) },
		"a back-off": func(row map[string]any) { row["nextTryMs"], row["fails"] = ahead(24*time.Hour), 3 },
		"less than no failure": func(row map[string]any) {
			row["nextTryMs"], row["fails"], row["errorCode"] = ahead(-time.Hour), -9, "of another version"
		},
	} {
		t.Run(name, func(t *testing.T) {
			embedded(t, func(t *testing.T, w *world) {
				c := client("canary-secret")
				w.instance().get(t, c)
				row := w.only()
				fields := map[string]any{"schema": 1}
				write(fields)
				row.Data, _ = json.Marshal(fields)
				w.put(row)
				w.provider.refuses(500, ``)
				_, err := w.instance().Get(t.Context(), c, token.Ask{})
				wantReason(t, err, token.ServerError)
				w.provider.gives()
				time.Sleep(time.Minute)
				w.instance().get(t, c)
			})
		})
	}
	t.Run("a token", func(t *testing.T) {
		embedded(t, func(t *testing.T, w *world) {
			ahead := &instance{world: w}
			rows, _ := w.rows(ahead)
			tomorrow := func() time.Time { return time.Now().Add(24 * time.Hour) }
			ahead.Cache = token.New(token.Options{Rows: rows, Keys: w.keys(rows, tomorrow), Place: "a table", Transport: w.provider,
				Now: tomorrow, Log: w.log()})
			c := client("canary-secret")
			old, err := ahead.Get(t.Context(), c, token.Ask{})
			if err != nil {
				t.Fatal(err)
			}
			if next, err := w.instance().Get(t.Context(), c, token.Ask{Rejected: old.ID}); err != nil || next.ID == old.ID {
				t.Errorf("after a refusal: %v", err)
			}
		})
	})
}

func ahead(d time.Duration) int64 { return time.Now().Add(d).UnixMilli() }

// A table that takes reads and swallows writes keeps nobody from a token for
// long.
func TestWritesThatHang(t *testing.T) {
	embedded(t, func(t *testing.T, w *world) {
		w.instance().get(t, client("another-secret")) // makes the key
		i, begin := w.instance(), time.Now()
		i.hang.Store(true)
		i.get(t, client("canary-secret"))
		if took := time.Since(begin); took > 30*time.Second {
			t.Errorf("it took %v", took)
		}
	})
}
