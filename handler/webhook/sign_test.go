package webhook

import (
	"encoding/base64"
	"strings"
	"testing"

	"callout/handler/secret"
)

// Whatever is in the vault in the place of the key, it is refused, or it is what
// the receivers read in it.
func FuzzKey(f *testing.F) {
	for _, seed := range []string{newKey().Reveal(), "whsec_", "whsec_====", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\n", "whsk_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", ""} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, value string) {
		key, ok := parseKey(secret.New(value))
		if !ok {
			return
		}
		lines := strings.NewReplacer("\r", "", "\n", "") // which base64 ignores
		if again := "whsec_" + base64.StdEncoding.EncodeToString(key); len(key) < 24 || len(key) > 64 || len(again) != len(lines.Replace(value)) || again[:len(again)-4] != lines.Replace(value)[:len(again)-4] {
			t.Errorf("%q is read as %q", value, again)
		}
	})
}
