// Package secret holds the type for tokens and passwords. It imports nothing of this module, so that bridges
// can declare settings with it and the config can fill them.
package secret

import (
	"fmt"
	"io"
	"log/slog"
)

// Mask is what is shown in place of a secret.
const Mask = "[secret]"

// Secret is a token, password or key that shows itself as [Mask] wherever it is printed, logged or encoded.
//
// Two holes cannot be closed by a string type: fmt prints an unexported field by its bare value, and
// encoding/json writes map keys so. Keep secrets in exported fields, and out of map keys.
type Secret string

// Reveal gives the value itself, for the one place that sends it.
func (s Secret) Reveal() string { return string(s) }

// String gives [Mask].
func (Secret) String() string { return Mask }

// GoString gives [Mask], for %#v.
func (Secret) GoString() string { return Mask }

// Format writes [Mask] whatever the verb: %x and %d of a plain string type would show the bytes.
func (Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, Mask) }

// MarshalText gives [Mask], for TOML and XML.
func (Secret) MarshalText() ([]byte, error) { return []byte(Mask), nil }

// MarshalJSON gives [Mask] as a JSON string.
func (Secret) MarshalJSON() ([]byte, error) { return []byte(`"` + Mask + `"`), nil }

// LogValue gives [Mask] to structured loggers.
func (Secret) LogValue() slog.Value { return slog.StringValue(Mask) }
