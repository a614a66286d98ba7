package redact

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"testing"

	"callout/handler/secret"
)

// twenty are as many secrets as a large configuration has, of the usual kinds.
func twenty() []secret.Secret {
	var out []secret.Secret
	r := rand.New(rand.NewPCG(1, 1))
	for range 20 {
		b := make([]byte, 24+r.IntN(40))
		for i := range b {
			b[i] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~+/="[r.IntN(69)]
		}
		out = append(out, secret.New(string(b)))
	}
	return out
}

// answer is JSON of about n bytes as APIs send it, some of its texts escaped.
func answer(n int) []byte {
	var b bytes.Buffer
	b.WriteString(`{"value":[`)
	for i := 0; b.Len() < n; i++ {
		fmt.Fprintf(&b, `{"id":%d,"name":"Contact %d","url":"https:\/\/api.example.com\/v1\/contacts\/%d?expand=a%%20b","notes":"He said \"call back\"\nand left \u00e9 &amp; so on"},`, i, i, i)
	}
	return append(b.Bytes()[:n-2], `]}`...)
}

func BenchmarkBytes(b *testing.B) {
	r := New(twenty()...)
	for _, size := range []int{1 << 10, 1 << 20} {
		for name, data := range map[string][]byte{
			"escaped": answer(size),
			"plain":   bytes.Repeat([]byte(`{"id":12345678,"name":"Contact"},`), size/33+1)[:size],
		} {
			b.Run(fmt.Sprintf("%s/%d", name, size), func(b *testing.B) {
				b.SetBytes(int64(size))
				b.ReportAllocs()
				for b.Loop() {
					r.Bytes(data)
				}
			})
		}
	}
}

func BenchmarkNew(b *testing.B) {
	values := twenty()
	b.ReportAllocs()
	for b.Loop() {
		New(values...)
	}
}
