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
	"encoding/json"
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

// key finds and seals the rows of the table.
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
	// err is why there is no key, until errUntil.
	err      error
	errUntil time.Time
}

func newKeys(opts Options) *keys { return &keys{opts: opts} }

// known returns what is in memory: the key, or an error, or neither.
func (k *keys) known() (*key, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.err != nil && within(k.opts.Now(), k.errUntil, outage) {
		return nil, k.err
	}
	return k.key, nil
}

func (k *keys) prepare(ctx context.Context) {
	if known, err := k.known(); known == nil && err == nil {
		k.load(ctx)
	}
}

// get returns the key, from memory once it was read.
func (k *keys) get(ctx context.Context) (*key, error) {
	if known, err := k.known(); known != nil || err != nil {
		return known, err
	}
	select {
	case result := <-k.load(ctx):
		found, _ := result.Val.(*key)
		return found, result.Err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// keyTimeout bounds the reading and the making of the key. It is longer than the
// lease of whoever makes it: that one may have died.
const keyTimeout = leaseTime + 10*time.Second

func (k *keys) load(ctx context.Context) <-chan singleflight.Result {
	return k.flights.DoChan("", func() (any, error) {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), keyTimeout)
		defer cancel()
		found, err := k.read(ctx)
		k.learn(found, err)
		return found, err
	})
}

// learn remembers the key, or for a moment that there is none to be had: waiting
// for it again would cost every client as much.
func (k *keys) learn(found *key, err error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.key, k.err = found, err; err != nil {
		k.errUntil = k.opts.Now().Add(outage)
	}
}

// read reads the key, and has one made if there is none. A store that fails once
// is asked again.
func (k *keys) read(ctx context.Context) (*key, error) {
	nonce := rand.Text()
	for failed := 0; ; {
		value, err := k.opts.Vault.Get(ctx, KeyName, "")
		if err == nil {
			return parseKey(value, k.opts.Place)
		}
		if isMissing(err) {
			err = k.make(ctx, nonce)
		}
		if failed++; err == nil {
			failed = 0
		}
		if failed == tries || isConflict(err) {
			return nil, err
		}
		if pause(ctx, jitter(firstPoll)) != nil {
			return nil, errors.Join(ctx.Err(), err)
		}
	}
}

func isMissing(err error) bool {
	return errors.Is(err, store.ErrNotFound) || errors.Is(err, store.ErrDisabled)
}

func newKey() secret.Secret {
	var root [32]byte
	_, _ = rand.Read(root[:]) // never fails
	return secret.New(base64.StdEncoding.EncodeToString(root[:]))
}

// makerPartition has one row, which says who makes the key: a vault takes two new
// versions at the same moment, and half of the instances would go on with one of
// them, half with the other.
const makerPartition, makerKey = "key", "maker"

// maker is the row. It is not cleared when the key is there: nobody looks at it
// any more.
type maker struct {
	Owner   string `json:"owner"`
	UntilMS int64  `json:"untilMs"`
}

// make makes the key, unless somebody else is about to.
func (k *keys) make(ctx context.Context, nonce string) error {
	row, err := k.opts.Rows.Get(ctx, makerPartition, makerKey)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return err
	}
	var now maker
	_ = json.Unmarshal(row.Data, &now) // what cannot be read is nobody's
	switch {
	case now.Owner == nonce:
		_, err = k.opts.Vault.Set(ctx, KeyName, newKey())
		if isConflict(err) { // the name was deleted
			_ = k.putMaker(ctx, row.ETag, maker{}) // or the others wait for what will not be
		}
		return err
	case within(k.opts.Now(), moment(now.UntilMS), leaseTime):
		return nil
	}
	return k.putMaker(ctx, row.ETag, maker{Owner: nonce, UntilMS: millis(k.opts.Now().Add(leaseTime))})
}

// putMaker writes the row, unless somebody else was faster.
func (k *keys) putMaker(ctx context.Context, etag string, m maker) error {
	data, _ := json.Marshal(m) // cannot fail
	_, err := k.opts.Rows.Put(ctx, store.Row{Partition: makerPartition, Key: makerKey, ETag: etag, Data: data})
	if isConflict(err) {
		return nil
	}
	return err
}
