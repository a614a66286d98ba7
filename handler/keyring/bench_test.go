package keyring_test

import (
	"bytes"
	"context"
	"testing"

	"callout/handler/keyring"
)

// BenchmarkSeal is what sealing and opening the arguments of a call adds to it.
func BenchmarkSeal(b *testing.B) {
	h := embedded(b)
	at, plain := h.instance(), bytes.Repeat([]byte("x"), 1000)
	b.ReportAllocs()
	for b.Loop() {
		sealed, err := at.Seal(context.Background(), keyring.Arguments, "row", plain)
		if err == nil {
			_, err = at.Open(context.Background(), keyring.Arguments, "row", sealed)
		}
		if err != nil {
			b.Fatal(err)
		}
	}
}
