package storetest

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"testing"

	"callout/handler/secret"
	"callout/handler/store"
)

// vaultCase is one sentence about vaults and its proof.
type vaultCase struct {
	name string
	test func(vault)
}

// vault is an open vault together with the test that it serves.
type vault struct {
	*testing.T
	secrets SecretVault
}

// set stores a value that must be accepted.
func (v vault) set(name, value string) string {
	v.Helper()
	version, err := v.secrets.Set(v.Context(), name, secret.New(value))
	if err != nil {
		v.Fatalf("Set: %v", err)
	}
	return version
}

func (v vault) disable(name, version string) {
	v.Helper()
	if err := v.secrets.Disable(v.Context(), name, version); err != nil {
		v.Fatalf("Disable: %v", err)
	}
}

func (v vault) delete(name string) {
	v.Helper()
	if err := v.secrets.Delete(v.Context(), name); err != nil {
		v.Fatalf("Delete: %v", err)
	}
}

// holds fails the test unless the version has exactly that value.
func (v vault) holds(name, version, value string) {
	v.Helper()
	got, err := v.secrets.Get(v.Context(), name, version)
	if err != nil {
		v.Errorf("Get: %v", err)
	} else if !got.IsSet() || got.Reveal() != value {
		v.Errorf("Get gave another value, of %d bytes; want %d", got.Len(), len(value))
	}
}

// refusesGet fails the test unless reading gives that error and no value.
func (v vault) refusesGet(name, version string, want error) {
	v.Helper()
	got, err := v.secrets.Get(v.Context(), name, version)
	refused(v.T, "Get", err, want)
	if got.IsSet() {
		v.Error("a refused Get gave a value")
	}
}

// absentVersion has the form of a version that no vault has given out.
const absentVersion = "00000000000000000000000000000000"

var versionForm = regexp.MustCompile(`^[0-9a-f]{32}$`)

var vaultCases = []vaultCase{
	{"a value is read back by its version and as the latest", func(v vault) {
		version := v.set("name", "value")
		v.holds("name", version, "value")
		v.holds("name", "", "value")
	}},
	{"a version is 32 hexadecimal digits, and another each time", func(v vault) {
		first, second := v.set("name", "same"), v.set("name", "same")
		if !versionForm.MatchString(first) || !versionForm.MatchString(second) || first == second {
			v.Errorf("versions %q and %q", first, second)
		}
	}},
	{"a version never changes, and the latest is the last that was set", func(v vault) {
		first, second := v.set("name", "first"), v.set("name", "second")
		v.holds("name", first, "first")
		v.holds("name", second, "second")
		v.holds("name", "", "second")
	}},
	{"secrets are apart from each other", func(v vault) {
		one, two := v.set("one", "value of one"), v.set("two", "value of two")
		v.refusesGet("one", two, store.ErrNotFound)
		v.refusesGet("two", one, store.ErrNotFound)
		v.holds("one", "", "value of one")
	}},
	{"what is absent is not found", func(v vault) {
		v.set("name", "value")
		v.refusesGet("name", absentVersion, store.ErrNotFound)
		v.refusesGet("other", "", store.ErrNotFound)
		v.refusesGet("other", absentVersion, store.ErrNotFound)
	}},
	{"any text is kept as it is", func(v vault) {
		for i, value := range []string{" ", "\x00\n\t", `{"a":"\"\\"}`, "Grüße, 世界 🔑", "</script>&amp;"} {
			name := fmt.Sprint("text-", i)
			v.set(name, value)
			v.holds(name, "", value)
		}
	}},
	{"what is no text is refused", func(v vault) {
		for what, value := range map[string]secret.Secret{"unset": {}, "empty": secret.New(""), "not UTF-8": secret.New("\xff\xfe")} {
			_, err := v.secrets.Set(v.Context(), "name", value)
			invalid(v.T, what, err)
		}
		v.refusesGet("name", "", store.ErrNotFound)
	}},
	{"a value that is too large is refused before anything is written", func(v vault) {
		large := strings.Repeat("s", tooLongSecret)
		_, err := v.secrets.Set(v.Context(), "new", secret.New(large))
		refused(v.T, "Set", err, store.ErrTooLarge)
		v.refusesGet("new", "", store.ErrNotFound)

		largest := strings.Repeat("s", largestSecret)
		v.set("name", largest)
		_, err = v.secrets.Set(v.Context(), "name", secret.New(large))
		refused(v.T, "Set", err, store.ErrTooLarge)
		v.holds("name", "", largest)
	}},
	{"names differ in more than case", func(v vault) {
		version := v.set("Name-1", "value")
		v.holds("name-1", version, "value")
		v.holds("NAME-1", "", "value")
	}},
	{"the longest name", func(v vault) {
		name := strings.Repeat("n", 127)
		v.set(name, "value")
		v.holds(name, "", "value")
	}},
	{"bad names are refused by every call", badNames},
	{"a disabled version is not read", func(v vault) {
		first, second := v.set("name", "first"), v.set("name", "second")
		v.disable("name", first)
		v.refusesGet("name", first, store.ErrDisabled)
		v.holds("name", second, "second")
		v.holds("name", "", "second")
	}},
	{"no older version takes the place of a disabled latest one", func(v vault) {
		first, second := v.set("name", "first"), v.set("name", "second")
		v.disable("name", second)
		v.refusesGet("name", "", store.ErrDisabled)
		v.holds("name", first, "first")
	}},
	{"after a disabled version a new one is read", func(v vault) {
		v.disable("name", v.set("name", "first"))
		v.set("name", "second")
		v.holds("name", "", "second")
	}},
	{"disabling twice is once", func(v vault) {
		version := v.set("name", "value")
		v.disable("name", version)
		v.disable("name", version)
		v.refusesGet("name", version, store.ErrDisabled)
	}},
	{"only a version that is named and there can be disabled", func(v vault) {
		v.set("name", "value")
		for _, at := range [][2]string{{"name", ""}, {"name", absentVersion}, {"other", absentVersion}} {
			refused(v.T, "Disable", v.secrets.Disable(v.Context(), at[0], at[1]), store.ErrNotFound)
		}
		v.holds("name", "", "value")
	}},
	{"deleting removes all versions, and only of that name", func(v vault) {
		first, second := v.set("name", "first"), v.set("name", "second")
		v.set("other", "value")
		v.delete("name")
		for _, version := range []string{first, second, ""} {
			v.refusesGet("name", version, store.ErrNotFound)
		}
		refused(v.T, "Disable", v.secrets.Disable(v.Context(), "name", first), store.ErrNotFound)
		v.holds("other", "", "value")
	}},
	{"a deleted name is not used again", func(v vault) {
		v.set("name", "value")
		v.delete("name")
		for _, name := range []string{"name", "NAME"} {
			_, err := v.secrets.Set(v.Context(), name, secret.New("another"))
			refused(v.T, "Set", err, store.ErrConflict)
		}
		v.refusesGet("name", "", store.ErrNotFound)
	}},
	{"what is absent cannot be deleted", func(v vault) {
		refused(v.T, "Delete", v.secrets.Delete(v.Context(), "name"), store.ErrNotFound)
		v.set("name", "value")
		v.delete("name")
		refused(v.T, "Delete again", v.secrets.Delete(v.Context(), "name"), store.ErrNotFound)
	}},
	{"many callers set one name, and each has its own version", manySets},
	{"a context that is done stops every call before it does anything", doneVault},
	{"no error holds a value", quietErrors},
}

func badNames(v vault) {
	for what, name := range map[string]string{
		"empty": "", "too long": strings.Repeat("n", 128), "slash": "a/b", "dot": "a.b", "underscore": "a_b",
		"space": "a b", "not ASCII": "\u00e4", "line feed": "name\n", "percent": "a%2fb",
	} {
		_, err := v.secrets.Set(v.Context(), name, secret.New("value"))
		invalid(v.T, what+": Set", err)
		_, err = v.secrets.Get(v.Context(), name, "")
		invalid(v.T, what+": Get", err)
		invalid(v.T, what+": Disable", v.secrets.Disable(v.Context(), name, absentVersion))
		invalid(v.T, what+": Delete", v.secrets.Delete(v.Context(), name))
	}
}

func manySets(v vault) {
	versions := make([]string, workers)
	together(v.T, func(worker int) (err error) {
		versions[worker], err = v.secrets.Set(v.Context(), "name", secret.New(fmt.Sprint("value ", worker)))
		return err
	})
	seen := map[string]bool{}
	for worker, version := range versions {
		v.holds("name", version, fmt.Sprint("value ", worker))
		seen[version] = true
	}
	if len(seen) != workers {
		v.Errorf("there are %d versions", len(seen))
	}
}

func doneVault(v vault) {
	version := v.set("name", "value")
	ctx, cancel := context.WithCancel(v.Context())
	cancel()
	_, set := v.secrets.Set(ctx, "name", secret.New("another"))
	_, get := v.secrets.Get(ctx, "name", version)
	disable := v.secrets.Disable(ctx, "name", version)
	remove := v.secrets.Delete(ctx, "name")
	for i, err := range []error{set, get, disable, remove} {
		if !errors.Is(err, context.Canceled) {
			v.Errorf("%s: %v; want the context's error", []string{"Set", "Get", "Disable", "Delete"}[i], err)
		}
	}
	v.holds("name", "", "value")
}

func quietErrors(v vault) {
	const canary = "canary-7c1f"
	quiet := func(name string, value secret.Secret) {
		v.Helper()
		_, err := v.secrets.Set(v.Context(), name, value)
		if err == nil {
			v.Fatal("Set was not refused")
		}
		for _, text := range []string{err.Error(), fmt.Sprintf("%+v", err), fmt.Sprintf("%#v", err)} {
			if strings.Contains(text, canary) {
				v.Errorf("the error holds the value: %s", text)
			}
		}
	}
	v.set("name", canary)
	v.delete("name")
	quiet("name", secret.New(canary))
	quiet("not a name", secret.New(canary))
	quiet("large", secret.New(strings.Repeat(canary, tooLongSecret)))
	quiet("binary", secret.New(canary+"\xff"))
}
