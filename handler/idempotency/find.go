package idempotency

import (
	"context"
	"errors"

	"callout/handler/callout"
	"callout/handler/store"
)

// Find returns the id that a key stands for, without claiming it: "" if it stands
// for none, or has another form than a key. It fails as Claim does.
func (k *Keys) Find(ctx context.Context, configID, key string, arguments Digest) (string, error) {
	if !valid(key) {
		return "", nil
	}
	c := claimOf(configID, key, arguments, "")
	found, err := k.rows.Get(ctx, c.partition, c.name)
	if errors.Is(err, store.ErrNotFound) {
		return "", nil
	}
	if err != nil {
		return "", callout.Unavailable(err)
	}
	r, err := decode(found.Data)
	if err != nil || !r.live(k.now()) {
		return "", err
	}
	return r.answer(c)
}
