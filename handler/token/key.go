package token

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"

	"callout/handler/callout"
	"callout/handler/secret"
	"callout/handler/store"
)

// KeyName is the vault's secret that holds the key of the table: 32 random bytes
// in base64. It is made on first use. Disabling or removing it makes all tokens
// that are stored unreachable.
const KeyName = "callout-token-key"

// Key finds and seals the rows of the table.
type key struct {
	id    string // tells the key from others without showing it
	place string
	name  []byte
	seal  cipher.AEAD
}

// parseKey derives what is needed from the vault's secret.
func parseKey(value secret.Secret, place string) (*key, error) {
	root, err := base64.StdEncoding.DecodeString(value.Reveal())
	if err != nil || len(root) != 32 {
		return nil, errors.New("token: the secret " + KeyName + " is not a key; disable it, and another one is made")
	}
	k := &key{place: place, name: derive(root, "fingerprint")}
	k.id = hex.EncodeToString(derive(root, "id")[:8])
	block, err := aes.NewCipher(derive(root, "seal"))
	if err != nil {
		return nil, err
	}
	k.seal, err = cipher.NewGCMWithRandomNonce(block)
	return k, err
}

func derive(root []byte, use string) []byte {
	out, err := hkdf.Expand(sha256.New, root, "callout token "+use, 32)
	if err != nil { // only for more than 255 hashes
		panic(err)
	}
	return out
}

// address is where the row of client is. The key keeps whoever may read the
// table from guessing at secrets by computing it.
func (k *key) address(client *callout.OAuth) (partition, row string) {
	mac := hmac.New(sha256.New, k.name)
	mac.Write(canonical(client))
	sum := hex.EncodeToString(mac.Sum(nil))
	return sum[:2], "v1-" + sum
}

// binding is what a sealed token belongs to: it opens nowhere else.
func (k *key) binding(partition, row string, gen int64, t Token) []byte {
	return []byte(strings.Join([]string{k.place, partition, row, fmt.Sprint(gen), t.ID, fmt.Sprint(t.Expires.UnixMilli()), k.id}, "\x00"))
}

// keys holds the key once it was read.
type keys struct {
	opts    Options
	flights singleflight.Group

	mu  sync.Mutex
	key *key
}

func newKeys(opts Options) *keys { return &keys{opts: opts} }

func (k *keys) known() *key {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.key
}

func (k *keys) prepare(ctx context.Context) {
	if k.known() == nil {
		k.load(ctx)
	}
}

// get returns the key, from memory once it was read.
func (k *keys) get(ctx context.Context) (*key, error) {
	if known := k.known(); known != nil {
		return known, nil
	}
	select {
	case result := <-k.load(ctx):
		found, _ := result.Val.(*key)
		return found, result.Err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// keyTimeout bounds the reading and the making of the key.
const keyTimeout = 20 * time.Second

func (k *keys) load(ctx context.Context) <-chan singleflight.Result {
	return k.flights.DoChan("", func() (any, error) {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), keyTimeout)
		defer cancel()
		found, err := k.read(ctx)
		if err == nil {
			k.mu.Lock()
			k.key = found
			k.mu.Unlock()
		}
		return found, err
	})
}

// read reads the key, and has one made if there is none.
func (k *keys) read(ctx context.Context) (*key, error) {
	for {
		value, err := k.opts.Vault.Get(ctx, KeyName, "")
		switch {
		case err == nil:
			return parseKey(value, k.opts.Place)
		case !errors.Is(err, store.ErrNotFound) && !errors.Is(err, store.ErrDisabled):
			return nil, err
		}
		mine, err := k.mayMake(ctx)
		if err != nil {
			return nil, err
		}
		if mine {
			_, err = k.opts.Vault.Set(ctx, KeyName, newKey())
		} else {
			err = pause(ctx, firstPoll)
		}
		if err != nil {
			return nil, err
		}
	}
}

func newKey() secret.Secret {
	var root [32]byte
	_, _ = rand.Read(root[:]) // never fails
	return secret.New(base64.StdEncoding.EncodeToString(root[:]))
}

// makerPartition has one row, which says who may make the key: a vault takes
// two new versions at the same moment, and half of the instances would go on
// with one of them, half with the other.
const makerPartition, makerKey = "key", "maker"

// mayMake reports whether it is this process that makes the key. The row is not
// cleared: by its end the key is there, or whoever was to make it is dead.
func (k *keys) mayMake(ctx context.Context) (bool, error) {
	row, err := k.opts.Rows.Get(ctx, makerPartition, makerKey)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return false, err
	}
	until, _ := time.Parse(time.RFC3339Nano, string(row.Data))
	now := k.opts.Now()
	if now.Before(until) {
		return false, nil
	}
	next := store.Row{Partition: makerPartition, Key: makerKey, ETag: row.ETag, Data: []byte(now.Add(leaseTime).UTC().Format(time.RFC3339Nano))}
	_, err = k.opts.Rows.Put(ctx, next)
	if errors.Is(err, store.ErrConflict) {
		return false, nil
	}
	return err == nil, err
}
