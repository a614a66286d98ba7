package idempotency

import (
	"errors"
	"testing"
	"time"

	"callout/handler/callout"
)

// Whatever is in the place of a key's row, there is an error, or an id for those
// who know the digest.
func FuzzRow(f *testing.F) {
	now := time.Unix(1_800_000_000, 0)
	mine := claim{digest: seal("key", Digest{1}), proposed: "mine"}
	f.Add(mine.row("", now.Add(Kept)).Data)
	for _, seed := range []string{``, `{`, `{}`, `null`, `[]`, `{"schema": 2}`, `{"schema": 1, "execution": "e", "expiresMs": 1}`, `{"schema": -1, "execution": "e", "expiresMs": 9e18}`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var refusal *callout.Error
		r, err := decode(data)
		if err != nil {
			if !errors.As(err, &refusal) || refusal.Code != callout.StorageUnavailable {
				t.Errorf("%q: %v", data, err)
			}
			return
		}
		id, err := r.answer(mine)
		switch known := string(r.Arguments) == string(mine.digest); {
		case r.Schema > schema, known != (err == nil), (id == "") == (err == nil):
			t.Errorf("%q gives %q, %v", data, id, err)
		case err != nil && (!errors.As(err, &refusal) || refusal.Code != callout.IdempotencyKeyReused):
			t.Errorf("%q: %v", data, err)
		}
	})
}
