package token_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"callout/handler/keyring"
	"callout/handler/secret"
	"callout/handler/store"
	"callout/handler/token"
)

// stored lists the rows of tokens.
func (w *world) stored() []store.Row {
	w.t.Helper()
	var out []store.Row
	for n := range 256 {
		page, err := w.table.List(w.t.Context(), store.Range{Partition: fmt.Sprintf("%02x", n)})
		if err != nil {
			w.t.Fatal(err)
		}
		out = append(out, page.Rows...)
	}
	return out
}

// only returns the one row of tokens.
func (w *world) only() store.Row {
	w.t.Helper()
	rows := w.stored()
	if len(rows) != 1 {
		w.t.Fatalf("there are %d rows", len(rows))
	}
	return rows[0]
}

// put writes a row in the place of what is there.
func (w *world) put(row store.Row) {
	w.t.Helper()
	if _, err := w.table.Put(w.t.Context(), row); err != nil {
		w.t.Fatal(err)
	}
}

// What is stored shows neither token nor secret, nor what they could be guessed
// from: the fingerprint is keyed.
func TestNothingIsStoredInTheClear(t *testing.T) {
	embedded(t, func(t *testing.T, w *world) {
		i := w.instance()
		i.get(t, client("canary-secret"))
		w.provider.refuses(400, `{"error": "invalid_scope", "error_description": "canary-description"}`)
		_, err := i.Get(t.Context(), client("canary-secret-2"), token.Ask{})
		wantReason(t, err, token.InvalidScope)
		rows := w.stored()
		if len(rows) != 2 {
			t.Fatalf("there are %d rows", len(rows))
		}
		for _, row := range rows {
			text := row.Partition + row.Key + string(row.Data)
			for _, form := range []string{"canary", "Y2FuYX", "callout", base64.StdEncoding.EncodeToString([]byte("canary-token-1"))} {
				if strings.Contains(text, form) {
					t.Errorf("the row shows %q: %s", form, text)
				}
			}
			if !strings.HasPrefix(row.Key, "v1-") || row.Partition != row.Key[3:5] {
				t.Errorf("the row is at %s / %s", row.Partition, row.Key)
			}
		}
	})
}

// A row that is damaged, altered or moved is as if there were none: it is
// written over, and nobody gets a token that is not theirs.
func TestARowThatDoesNotOpen(t *testing.T) {
	field := func(name string, change func(any) any) func(*world, store.Row) store.Row {
		return func(w *world, row store.Row) store.Row {
			var fields map[string]any
			if err := json.Unmarshal(row.Data, &fields); err != nil || fields[name] == nil {
				w.t.Fatalf("%s: %v, %s", name, err, row.Data)
			}
			fields[name] = change(fields[name])
			row.Data, _ = json.Marshal(fields)
			return row
		}
	}
	changes := map[string]func(*world, store.Row) store.Row{
		"no JSON":         func(_ *world, row store.Row) store.Row { row.Data = []byte("{"); return row },
		"nothing":         func(_ *world, row store.Row) store.Row { row.Data = []byte("{}"); return row },
		"another token":   field("token", func(any) any { return base64.StdEncoding.EncodeToString(make([]byte, 60)) }),
		"longer lived":    field("expiresMs", func(v any) any { return v.(float64) + 3600_000 }),
		"another id":      field("tokenId", func(any) any { return "other" }),
		"another number":  field("gen", func(v any) any { return v.(float64) + 1 }),
		"of another type": field("gen", func(any) any { return "one" }),
		"of another request": func(w *world, row store.Row) store.Row {
			w.instance().get(w.t, client("canary-secret-2"))
			rows := slices.DeleteFunc(w.stored(), func(r store.Row) bool { return r.Key == row.Key })
			row.Data = rows[0].Data
			return row
		},
	}
	for name, change := range changes {
		t.Run(name, func(t *testing.T) {
			embedded(t, func(t *testing.T, w *world) {
				c := client("canary-secret")
				first := w.instance().get(t, c)
				w.put(change(w, w.only()))
				before := len(w.provider.times())
				if again := w.instance().get(t, c); again.ID == first.ID || again.Value.Reveal() == first.Value.Reveal() {
					t.Error("the token came out of the row")
				}
				w.provider.wantRequests(t, before+1)
				w.instance().get(t, c)
				w.provider.wantRequests(t, before+1)
			})
		})
	}
}

// A row of a newer version is neither read nor written over: each instance goes
// on alone.
func TestARowOfANewerVersion(t *testing.T) {
	embedded(t, func(t *testing.T, w *world) {
		c := client("canary-secret")
		w.instance().get(t, c)
		row := w.only()
		row.Data = bytes.Replace(row.Data, []byte(`"schema":1`), []byte(`"schema":2`), 1)
		w.put(row)
		w.instance().get(t, c)
		w.provider.wantRequests(t, 2)
		if got := w.only(); !bytes.Equal(got.Data, row.Data) {
			t.Errorf("the row became %s", got.Data)
		}
	})
}

// What the first version of Callout has stored is found and opened.
func TestARowOfTheFirstVersion(t *testing.T) {
	embedded(t, func(t *testing.T, w *world) {
		w.bridge.Do(func() {
			_, err := w.vault.outside.Set(w.vault.context, keyring.KeyName, secret.New("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="))
			if err != nil {
				t.Error(err)
			}
		})
		w.put(store.Row{Partition: "65", Key: "v1-65992230c57d21a2966b6d06bdcf3d0583764fd7cbcc04c344aa4e3255a1886b",
			Data: []byte(`{"schema":1,"gen":3,"tokenId":"THE-ID","token":"38gDQDsklChOV8rkdEEwDnCA9qyqH4WJPjNzQPAPMFb5zdQpf9Vk3g==","keyVersion":"db54f12bed285537","obtainedMs":1767323045678,"refreshMs":1767326345678,"expiresMs":1767326645678}`)})
		got, err := w.instance().Get(t.Context(), client("canary-secret"), token.Ask{})
		if err != nil || got.Value.Reveal() != "canary-token" || got.ID != "THE-ID" || got.Expires.UnixMilli() != 1767326645678 {
			t.Errorf("the token is %+v, %v", got, err)
		}
		w.provider.wantRequests(t, 0)
	})
}

// Somebody who switches the key off makes what is stored unreachable; another
// key is made.
func TestAKeyThatWasDisabled(t *testing.T) {
	embedded(t, func(t *testing.T, w *world) {
		c := client("canary-secret")
		w.instance().get(t, c)
		w.bridge.Do(func() {
			versions, err := w.vault.outside.Versions(w.vault.context, keyring.KeyName)
			if err == nil {
				err = w.vault.outside.Disable(w.vault.context, keyring.KeyName, versions[0].ID)
			}
			if err != nil {
				t.Error(err)
			}
		})
		time.Sleep(time.Minute)
		for range 3 {
			w.instance().get(t, c)
		}
		w.provider.wantRequests(t, 2)
		if n := w.vault.sets.Load(); n != 2 {
			t.Errorf("%d keys were made", n)
		}
	})
}

// A token of 48 KiB is used, but not stored: each instance asks for its own.
func TestATokenTooLargeToBeStored(t *testing.T) {
	embedded(t, func(t *testing.T, w *world) {
		c := client("canary-secret")
		for size, requests := range map[int]int{48<<10 - 1: 1, 48 << 10: 2} {
			w.provider.requests = nil
			w.provider.refuses(200, fmt.Sprintf(`{"access_token": %q, "expires_in": 600}`, strings.Repeat("t", size)))
			c.TokenURL += "/other"
			for range 2 {
				i := w.instance()
				for range 3 {
					if got, err := i.Get(t.Context(), c, token.Ask{}); err != nil || got.Value.Len() != size {
						t.Fatalf("%d bytes, %v", got.Value.Len(), err)
					}
				}
			}
			w.provider.wantRequests(t, requests)
		}
	})
}

// Rows go a day after they were of use; the others stay.
func TestSweep(t *testing.T) {
	everywhere(t, func(t *testing.T, w *world) {
		i := w.instance()
		for n := range 5 {
			i.get(t, client(fmt.Sprintf("canary-secret-%d", n)))
		}
		sweep := func(want int) {
			t.Helper()
			if n, err := i.Sweep(t.Context()); n != want || err != nil {
				t.Errorf("%d rows were removed, %v, want %d", n, err, want)
			}
		}
		sweep(0)
		time.Sleep(24 * time.Hour)
		i.get(t, client("canary-secret-0"))
		sweep(0)
		time.Sleep(15 * time.Minute)
		sweep(4)
		sweep(0)
		time.Sleep(24 * time.Hour)
		sweep(1)
		w.fault = func() (bool, bool) { return true, false }
		i.get(t, client("canary-secret-0")) // in spite of it
	})
}
