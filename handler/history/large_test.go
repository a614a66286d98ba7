package history_test

import (
	"encoding/json"
	"errors"
	"math/rand/v2"
	"strings"
	"testing"

	"callout/handler/callout"
	"callout/handler/history"
	"callout/handler/store"
)

// noise is a text of so many KiB that can hardly be compressed.
func noise(kib int) string {
	random := rand.NewChaCha8([32]byte{})
	text := make([]byte, kib<<10)
	for i := range text {
		text[i] = byte('0' + random.Uint64()%75)
	}
	return string(text)
}

func quoted(text string) json.RawMessage {
	data, _ := json.Marshal(text) // a text can be encoded
	return data
}

// What a store finds too large is stored with less, and what is less says so.
func TestWriteStoresLessOfWhatIsTooLarge(t *testing.T) {
	for what, c := range map[string]struct {
		status           callout.Status
		request, sealed  int    // KiB
		response, stored string // all, part or none
		body             string // of the request
	}{
		"all fits":                        {callout.Succeeded, 100, 100, "all", "all", "all"},
		"half of the response fits":       {callout.Succeeded, 700, 0, "all", "part", "all"},
		"little of the response fits":     {callout.Succeeded, 900, 40, "all", "part", "all"},
		"none of the response fits":       {callout.Succeeded, 900, 145, "all", "none", "all"},
		"not even the request fits":       {callout.Succeeded, 1500, 0, "all", "none", "none"},
		"an intent":                       {callout.Sending, 1500, 0, "", "", "none"},
		"a request that has been decided": {callout.Approved, 1500, 0, "", "", "none"},
		"a request that waits, all of it": {callout.PendingApproval, 700, 100, "", "", "all"},
	} {
		t.Run(what, func(t *testing.T) {
			h := newHouse(t)
			e := waiting(begin)
			e.Status, e.Request.Body = c.status, quoted(noise(c.request))
			if c.response != "" {
				e.Response = &callout.Response{Status: 200, Body: quoted(noise(400)), Bytes: 400 << 10}
			}
			before := encoded(t, e)
			record := &history.Record{Execution: e, Sealed: []byte(noise(c.sealed))}
			for range 2 { // and in its place
				if err := h.Write(t.Context(), record); err != nil {
					t.Fatal(err)
				}
			}
			if encoded(t, e) != before {
				t.Error("the execution itself was changed")
			}
			got, err := h.Load(t.Context(), e.ID)
			if err != nil || len(got.Sealed) != c.sealed<<10 {
				t.Fatalf("%d bytes are sealed, %v", len(got.Sealed), err)
			}
			if part := partOf(t, got.Request.Body, e.Request.Body); part != c.body {
				t.Errorf("of the request's body is stored %s, want %s", part, c.body)
			}
			if c.response == "" {
				return
			}
			if part := partOf(t, got.Response.Body, e.Response.Body); part != c.stored || got.Response.Truncated != (part != "all") || got.Response.Bytes != 400<<10 {
				t.Errorf("of the response's body is stored %s, want %s; truncated %v, of %d", part, c.stored, got.Response.Truncated, got.Response.Bytes)
			}
		})
	}
}

// partOf says how much of a body is there.
func partOf(t *testing.T, got, whole json.RawMessage) string {
	t.Helper()
	var text, all string
	if err := errors.Join(json.Unmarshal(got, &text), json.Unmarshal(whole, &all)); err != nil {
		t.Fatal(err)
	}
	switch {
	case string(got) == "null":
		return "none"
	case text == all:
		return "all"
	case text != "" && strings.HasPrefix(all, text):
		return "part"
	}
	return "something else"
}

// What cannot be made to fit is refused, and nothing of it is stored. Nobody is asked
// to approve what is not shown.
func TestWriteRefusesWhatCannotBeMadeToFit(t *testing.T) {
	for what, c := range map[string]struct {
		status          callout.Status
		request, sealed int // KiB
	}{
		"an intent":                    {callout.Sending, 1, 1500},
		"an outcome":                   {callout.Succeeded, 1, 1500},
		"a large request that waits":   {callout.PendingApproval, 1500, 0},
		"large arguments of a request": {callout.PendingApproval, 1, 1500},
	} {
		h := newHouse(t)
		e := waiting(begin)
		e.Status, e.Request.Body = c.status, quoted(noise(c.request))
		err := h.Write(t.Context(), &history.Record{Execution: e, Sealed: []byte(noise(c.sealed))})
		wantCode(t, err, callout.InvalidArguments)
		if !errors.Is(err, store.ErrTooLarge) || !strings.Contains(err.Error(), "too large to be recorded. Send less.") {
			t.Errorf("%s: %v", what, err)
		}
		_, err = h.Get(t.Context(), e.ID)
		wantCode(t, err, callout.ExecutionNotFound)
	}
}
