package idempotency_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"callout/handler/callout"
	"callout/handler/idempotency"
)

// known is what the model knows of a key.
type known struct {
	id       string
	argument int
	expires  time.Time
}

// TestModel does random things, with lost writes among them, and compares each
// answer with what a map would give; in the end nothing is left in the table.
func TestModel(t *testing.T) {
	seed := rand.Uint64()
	random := rand.New(rand.NewPCG(seed, 0))
	h := embedded(t)
	model, instances := map[string]known{}, []*idempotency.Keys{h.instance(), h.instance(), h.instance()}
	claims, repeats := 0, 0
	for range 4000 {
		switch n := random.IntN(20); {
		case n < 14:
			config, key, argument := fmt.Sprint("config-", random.IntN(3)), fmt.Sprint("key-", random.IntN(6)), random.IntN(2)
			if random.IntN(4) == 0 {
				h.losePuts(random.IntN(2) == 0, 1, random.IntN(2) == 0, nil)
			}
			id, err := instances[random.IntN(len(instances))].Claim(t.Context(), config, key, digest(t, argument), h.newID())
			h.hooks.onPut = nil
			was, ok := model[config+key]
			claims++
			switch ok = ok && h.clock.now().Before(was.expires); {
			case !ok && err == nil && id != was.id:
				model[config+key] = known{id, argument, h.clock.now().Add(idempotency.Kept)}
			case ok && was.argument == argument && err == nil && id == was.id:
				repeats++
			case ok && was.argument != argument && isReuse(err):
			default:
				t.Fatalf("seed %d: %s %s with %d gives %s, %v; known is %+v", seed, config, key, argument, id, err, was)
			}
		case n < 16:
			h.clock.pass(time.Duration(random.Int64N(int64(20 * time.Hour))))
		case n < 19:
			if _, _, err := instances[random.IntN(len(instances))].Sweep(t.Context(), random.IntN(10)); err != nil {
				t.Fatal(err)
			}
		default:
			instances[random.IntN(len(instances))] = h.instance()
		}
	}
	h.clock.pass(5 * day)
	h.sweep(1000)
	for _, partition := range []string{"config-0", "config-1", "config-2", "days"} {
		h.left(partition, 0)
	}
	if t.Logf("%d claims, %d of them repeats", claims, repeats); repeats < 100 {
		t.Errorf("seed %d: the sequences try too little", seed)
	}
}

func isReuse(err error) bool {
	var refusal *callout.Error
	return errors.As(err, &refusal) && refusal.Code == callout.IdempotencyKeyReused
}
