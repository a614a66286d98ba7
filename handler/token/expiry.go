package token

import (
	"cmp"
	"encoding/json"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"callout/handler/callout"
)

const (
	// defaultLifetime is that of a token of which nobody says how long it lives.
	// Most live for an hour.
	defaultLifetime = 30 * time.Minute
	// maxLifetime has every token replaced once a day. That what the provider
	// changes about a client takes effect, and that a lifetime which was read in
	// the wrong unit does little harm, is worth a token request a day.
	maxLifetime = 24 * time.Hour
)

// lifetime returns how long from now on the token in an answer is valid. Callout
// must notice the end before the API does, so what says nothing sensible counts
// as nothing: the default of the configuration holds.
func lifetime(document any, client *callout.OAuth, now time.Time) time.Duration {
	value, unit := lifetimeIn(document, client)
	said := lifetimeOf(value, unit, now)
	fallback := time.Duration(client.DefaultLifetime) * time.Second
	return min(cmp.Or(said, max(fallback, 0), defaultLifetime), maxLifetime)
}

// lifetimeIn finds what an answer says of the lifetime, and the unit. Unless a
// path is configured, it is looked for beside the token, and then at the top.
func lifetimeIn(document any, client *callout.OAuth) (value any, unit time.Duration) {
	if client.ExpiresInPath != "" {
		names := strings.Split(client.ExpiresInPath, ".")
		return follow(document, names), unitOf(names[len(names)-1])
	}
	names := strings.Split(client.TokenPath, ".")
	for _, above := range [][]string{names[:len(names)-1], nil} {
		for _, name := range []string{"expires_in", "expiresIn"} {
			if v := follow(document, append(slices.Clip(above), name)); v != nil {
				return v, time.Second
			}
		}
	}
	return nil, time.Second
}

// unitOf returns the unit that a name such as expiresInMs tells.
func unitOf(name string) time.Duration {
	name = strings.ToLower(name)
	for _, end := range []string{"ms", "msec", "millis", "milliseconds"} {
		if strings.HasSuffix(name, end) {
			return time.Millisecond
		}
	}
	return time.Second
}

// From these numbers on, a lifetime of more than 30 years is a point in time
// instead, counted from 1970: the first is in 2001, in seconds, and so is the
// second, in milliseconds.
const (
	firstSecond = 1e9
	firstMilli  = 1e12
)

// lifetimeOf returns the lifetime that value says, a number or a string that
// holds one; 0 for everything else.
func lifetimeOf(value any, unit time.Duration, now time.Time) time.Duration {
	n := numberOf(value)
	switch {
	case n >= firstMilli:
		return max(time.UnixMilli(int64(min(n, 1e15))).Sub(now), 0)
	case n >= firstSecond && unit == time.Second:
		return max(time.UnixMilli(int64(n*1000)).Sub(now), 0)
	case n > 0:
		return time.Duration(min(n, float64(maxLifetime/unit)) * float64(unit))
	}
	return 0
}

// numberOf returns 0 for what is not a finite number.
func numberOf(value any) float64 {
	var text string
	switch value := value.(type) {
	case json.Number:
		text = value.String()
	case string:
		text = strings.TrimSpace(value)
	}
	n, err := strconv.ParseFloat(text, 64)
	if err != nil || math.IsNaN(n) || math.IsInf(n, 0) {
		return 0
	}
	return n
}
