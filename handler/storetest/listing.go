package storetest

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"callout/handler/store"
)

// listingCase is one sentence about what a vault lists and its proof.
type listingCase struct {
	name string
	test func(listing)
}

// listing is a vault that can be listed.
type listing struct {
	vault
	lister SecretLister
}

// versions returns the versions of a name by id: their order is not promised,
// for Key Vault lists them by id and dates them to the second.
func (l listing) versions(name string) map[string]store.Version {
	l.Helper()
	versions, err := l.lister.Versions(l.Context(), name)
	if err != nil {
		l.Fatalf("Versions: %v", err)
	}
	byID := map[string]store.Version{}
	for _, version := range versions {
		byID[version.ID] = version
	}
	if len(byID) != len(versions) {
		l.Errorf("%d of %d versions are listed twice", len(versions)-len(byID), len(versions))
	}
	return byID
}

// names fails the test unless exactly these are listed, in any order.
func (l listing) names(want ...string) {
	l.Helper()
	got, err := l.lister.Names(l.Context())
	if err != nil {
		l.Fatalf("Names: %v", err)
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		l.Errorf("the names are %q, want %q", got, want)
	}
}

// pages is more than Key Vault puts on one page (25).
const pages = 53

var listingCases = []listingCase{
	{"an empty vault has no names", func(l listing) { l.names() }},
	{"a name is listed once, however many versions it has", func(l listing) {
		l.set("one", "first")
		l.set("one", "second")
		l.set("two", "value")
		l.names("one", "two")
	}},
	{"a deleted name is not listed", func(l listing) {
		l.set("one", "value")
		l.set("two", "value")
		l.delete("one")
		l.names("two")
	}},
	{"names are listed past the first page", func(l listing) {
		var want []string
		for i := range pages {
			want = append(want, fmt.Sprint("name-", i))
			l.set(want[i], "value")
		}
		l.names(want...)
	}},
	{"versions are listed past the first page", func(l listing) {
		for range pages {
			l.set("name", "value")
		}
		if got := len(l.versions("name")); got != pages {
			l.Errorf("%d versions are listed, want %d", got, pages)
		}
	}},
	{"a version is listed with its time and its state", func(l listing) {
		first, second := l.set("name", "first"), l.set("name", "second")
		l.disable("name", first)
		got := l.versions("name")
		if len(got) != 2 || got[first].Enabled || !got[second].Enabled {
			l.Errorf("listed are %v", got)
		}
		if got[first].Created.IsZero() || got[second].Created.Before(got[first].Created) {
			l.Errorf("created at %v, then at %v", got[first].Created, got[second].Created)
		}
	}},
	{"a name that is absent or deleted has no versions", func(l listing) {
		l.set("name", "value")
		l.delete("name")
		if got := len(l.versions("name")) + len(l.versions("other")); got != 0 {
			l.Errorf("%d versions are listed", got)
		}
	}},
	{"a bad name is refused", func(l listing) {
		_, err := l.lister.Versions(l.Context(), "a/b")
		invalid(l.T, "Versions", err)
	}},
	{"a context that is done stops every call", func(l listing) {
		ctx, cancel := context.WithCancel(l.Context())
		cancel()
		_, versions := l.lister.Versions(ctx, "name")
		_, names := l.lister.Names(ctx)
		if !errors.Is(versions, context.Canceled) || !errors.Is(names, context.Canceled) {
			l.Errorf("Versions: %v, Names: %v; want the context's error", versions, names)
		}
	}},
}
