package redact

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strings"
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

// repeated fills n bytes with a text.
func repeated(text string, n int) []byte {
	return bytes.Repeat([]byte(text), n/len(text)+1)[:n]
}

// bodies are answers with the secrets of twenty to look for: ordinary ones, and
// those on which a search of this kind could lose its time.
func bodies() []struct{ name, text string } {
	first := twenty()[0].Reveal()
	return []struct{ name, text string }{
		{"plain", `{"id":12345678,"name":"Contact"},`},
		{"indented", "    {\n        \"id\": 12345678,\n        \"name\": \"Contact\"\n    },\n"},
		{"ids", `{"id":"550e8400-e29b-41d4-a716-446655440000"},`},
		{"base64", "SGVsbG8gd29ybGQhIQ+/"},
		{"base64 of base64", std(strings.Repeat(std("Hello world! "), 20)) + " "},
		{"runs in runs", strings.Repeat("V", 100) + " "},
		{"lines of base64", strings.Repeat("SGVsbG8gd29ybGQh", 4) + "\r\n"},
		{"backslashes", `\`},
		{"percent signs", "%"},
		{"percent-encoded percent signs", "%25"},
		{"percent-encoded many times", "%" + strings.Repeat("25", 500)},
		{"ampersands", "&"},
		{"entities", "&amp;"},
		{"entities with names", "&eacute;"},
		{"entities that are none", "&xyz;"},
		{"characters by number", `\u0041`},
		{"one letter", "A"},
		{"line breaks", "\n"},
		{"beginnings of a secret", first[:window-1]},
		{"a secret but for its end", first[:len(first)-1]},
		{"a secret", first + " "},
	}
}

func BenchmarkBytes(b *testing.B) {
	r := New(twenty()...)
	for _, size := range []int{1 << 10, 256 << 10, 1 << 20} {
		texts := map[string][]byte{"escaped": answer(size)}
		for _, body := range bodies() {
			texts[body.name] = repeated(body.text, size)
		}
		for name, data := range texts {
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

// A secret that repeats itself is like the text at every place.
func BenchmarkRepeating(b *testing.B) {
	const long = 8 << 10
	r := New(secret.New(strings.Repeat("A", long)))
	for name, text := range map[string]string{"alike": "A", "nearly alike": strings.Repeat("A", long-1) + "B"} {
		for _, size := range []int{256 << 10, 1 << 20} {
			data := repeated(text, size)
			b.Run(fmt.Sprintf("%s/%d", name, size), func(b *testing.B) {
				for b.Loop() {
					r.Bytes(data)
				}
			})
		}
	}
}

func BenchmarkHead(b *testing.B) {
	r := New(twenty()...)
	data := answer(1 << 20)
	for b.Loop() {
		r.Head(data)
	}
}

func BenchmarkNew(b *testing.B) {
	for _, n := range []int{2, 20} {
		values := twenty()[:n]
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				New(values...)
			}
		})
	}
}
