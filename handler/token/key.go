package token

import (
	"crypto/cipher"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"

	"callout/handler/callout"
	"callout/handler/keyring"
)

// key finds and seals the rows of the table.
type key struct {
	id    string // tells the key from others without showing it
	place string
	name  []byte
	seal  cipher.AEAD
}

// newKey derives what is needed from the deployment's key.
func newKey(of *keyring.Key, place string) *key {
	return &key{id: of.ID(), place: place, name: of.Subkey("token fingerprint"), seal: of.AEAD(keyring.Tokens)}
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
