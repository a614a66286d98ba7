package callout

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"callout/handler/secret"
)

// SecretValue is a secret for {{secret.name}}. In JSON, secretValues is a map from
// name to value, which is never read back; null clears one, or all.
type SecretValue struct {
	Name  string
	Value secret.Secret
}

// secretValues is the JSON form.
type secretValues struct {
	list    []SecretValue
	cleared bool
}

// UnmarshalJSON takes a map, or null for a map of which all are cleared.
func (v *secretValues) UnmarshalJSON(data []byte) error {
	var values map[string]secret.Secret
	if err := json.Unmarshal(data, &values); err != nil {
		return err
	}
	*v = secretValues{cleared: bytes.Equal(data, []byte("null"))}
	for _, name := range slices.Sorted(maps.Keys(values)) {
		v.list = append(v.list, SecretValue{Name: name, Value: values[name]})
	}
	return nil
}

const secretValuesPrefix = "secretValues/"

func secretValuePath(name string) string { return secretValuesPrefix + name }

// at is where faults of the value are reported. A name that could be anything is
// not quoted.
func (v *SecretValue) at() string {
	if !validKey(v.Name) {
		return "secretValues"
	}
	return "secretValues." + v.Name
}

// Replacing returns c with what it leaves out and a read does not show, taken over
// from the stored configuration that it replaces, nil for none: that the endpoint
// is a secret, the names of secret values, and what the secret texts name that are
// kept.
func (c *Config) Replacing(stored *Config) *Config {
	out := *c
	out.SecretValues = c.remaining(stored)
	if stored != nil {
		out.EndpointSecret = c.EndpointSecret || c.showsTheSecretOf(stored)
		out.HiddenReferences = stored.HiddenReferences // of texts that are not kept, the text itself is there
	}
	return &out
}

// showsTheSecretOf reports whether only what a read shows of a secret endpoint was
// given, and nothing was said about its being a secret.
func (c *Config) showsTheSecretOf(stored *Config) bool {
	return stored.EndpointSecret && c.Endpoint == stored.Endpoint && !c.endpointSaid
}

// remaining lists the secret values of c and, without a value, those that are kept,
// in the order of their names.
func (c *Config) remaining(stored *Config) []SecretValue {
	given := map[string]bool{}
	for _, v := range c.SecretValues {
		given[v.Name] = true
	}
	out := slices.DeleteFunc(slices.Clone(c.SecretValues), func(v SecretValue) bool { return v.Value.IsCleared() })
	if stored != nil && !c.valuesCleared {
		for _, ref := range stored.Secrets {
			if name, ok := strings.CutPrefix(ref.Path, secretValuesPrefix); ok && !given[name] {
				out = append(out, SecretValue{Name: name})
			}
		}
	}
	slices.SortFunc(out, func(a, b SecretValue) int { return strings.Compare(a.Name, b.Name) })
	return out
}
