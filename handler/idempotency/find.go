package idempotency

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
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
	sum := sha256.Sum256([]byte(key))
	c := claim{partition: configID, name: hex.EncodeToString(sum[:]), digest: seal(key, arguments)}
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
