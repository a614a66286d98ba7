// Package secret holds values that must not be printed, logged or stored by
// accident: credentials, and whatever is derived from them.
package secret

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
)

// Mask is what is shown where a secret stands.
const Mask = "[secret]"

// ErrMarshal is returned when a Secret is about to be encoded. An error, not a
// placeholder: a placeholder would be stored and later be sent as a credential.
var ErrMarshal = errors.New("secret: a secret cannot be marshalled; reveal it on purpose or leave it out")

// Secret is a string that fmt, log/slog and the encoders cannot show. The
// value is behind a pointer, so that fmt cannot follow it from a struct that
// has the Secret in an unexported field.
//
// The zero Secret is unset. Decoding JSON null gives a cleared Secret, which
// is how a caller says that a stored value is to be removed rather than kept.
type Secret struct {
	v       *string
	cleared bool
}

// New returns a Secret that holds s, which may be empty.
func New(s string) Secret { return Secret{v: &s} }

// Reveal returns the value, "" when unset. It is the only way out: a test
// lists the packages that may call it.
func (s Secret) Reveal() string {
	if s.v == nil {
		return ""
	}
	return *s.v
}

// IsSet reports whether there is a value, be it empty.
func (s Secret) IsSet() bool { return s.v != nil }

// IsCleared reports whether null was given for it.
func (s Secret) IsCleared() bool { return s.cleared }

// IsZero reports whether nothing was given, so that omitzero leaves an unset
// Secret out of JSON, and a set one fails to encode.
func (s Secret) IsZero() bool { return s.v == nil && !s.cleared }

// Len returns the length of the value in bytes.
func (s Secret) Len() int { return len(s.Reveal()) }

// Format writes Mask for every verb.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, Mask) }

// LogValue implements slog.LogValuer with Mask.
func (s Secret) LogValue() slog.Value { return slog.StringValue(Mask) }

// MarshalJSON always fails with ErrMarshal.
func (s Secret) MarshalJSON() ([]byte, error) { return nil, ErrMarshal }

// MarshalText always fails with ErrMarshal.
func (s Secret) MarshalText() ([]byte, error) { return nil, ErrMarshal }

// UnmarshalJSON takes a string, or null for a cleared Secret.
func (s *Secret) UnmarshalJSON(data []byte) error {
	if string(data) == "null" {
		*s = Secret{cleared: true}
		return nil
	}
	var v string
	if err := json.Unmarshal(data, &v); err != nil {
		return errors.New("secret: not a JSON string")
	}
	*s = New(v)
	return nil
}
