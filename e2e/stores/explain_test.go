package stores

import (
	"cmp"
	"encoding/json"
	"errors"
	"slices"
	"strings"

	"callout/handler/callout"
	"callout/handler/catalog"
	"callout/handler/execute"
	"callout/handler/request"
)

// documented are the codes that each operation may fail with.
var documented = map[string][]string{
	create:  {callout.ConfigExists, callout.StorageUnavailable},
	put:     {callout.StorageUnavailable},
	patch:   {callout.ConfigNotFound, callout.StorageUnavailable},
	renew:   {callout.ConfigNotFound, callout.StorageUnavailable, callout.SecretsRequired},
	remove:  {callout.StorageUnavailable},
	calling: {callout.ConfigNotFound, callout.StorageUnavailable, string(callout.CredentialMissing)},
}

// wantAnswersDocumented: every error is one of those that a caller can expect.
// That secrets are gone is one of them only where configurations are deleted: a
// call or a change may meet the deletion half way.
func (s *storm) wantAnswersDocumented() {
	for _, o := range s.ops {
		gone := o.code() == callout.SecretsRequired || o.code() == string(callout.CredentialMissing)
		if !o.ok() && !slices.Contains(documented[o.kind], o.code()) || gone && strings.HasPrefix(o.name, "patched") {
			s.t.Errorf("%s %s of %s: %v (%v)", o.kind, o.mark, o.name, o.err, errors.Unwrap(o.err))
		}
	}
}

// wantNoLostUpdate: the versions of one configuration that callers were given are
// theirs alone, each contains those before it, and none contains what was
// refused.
func (s *storm) wantNoLostUpdate() {
	byID := map[string][]*op{}
	for _, o := range s.ops {
		if o.writes() && o.ok() {
			byID[o.saved.ID] = append(byID[o.saved.ID], o)
			s.wantMarks(o.name, o.saved.Description)
			if marks := strings.Fields(o.saved.Description); marks[len(marks)-1] != o.mark {
				s.t.Errorf("%s %s was told that it saved %v", o.kind, o.mark, marks)
			}
		}
	}
	for _, writes := range byID {
		slices.SortFunc(writes, func(a, b *op) int { return cmp.Compare(a.saved.Version, b.saved.Version) })
		for i, after := range writes[1:] {
			before := writes[i]
			switch {
			case before.saved.Version == after.saved.Version:
				s.t.Errorf("%s: both %s and %s were told that they made version %d", after.name, before.mark, after.mark, after.saved.Version)
			case after.end < before.start:
				s.t.Errorf("%s: %s made version %d before %s made version %d", after.name, after.mark, after.saved.Version, before.mark, before.saved.Version)
			case first(before) == first(after) && !strings.HasPrefix(after.saved.Description, before.saved.Description+" "):
				s.t.Errorf("%s: %q became %q", after.name, before.saved.Description, after.saved.Description)
			}
		}
	}
}

// wantMarks: what is seen was written once, by somebody who was not told that it
// was refused, and for this configuration.
func (s *storm) wantMarks(name, seen string) {
	marks := strings.Fields(seen)
	for i, mark := range marks {
		at := slices.IndexFunc(s.ops, func(o *op) bool { return o.mark == mark })
		if at < 0 || s.ops[at].refused() || s.ops[at].name != name || slices.Contains(marks[:i], mark) {
			s.t.Errorf("%s: the mark %q is in %q", name, mark, seen)
		}
	}
}

func first(o *op) string { return strings.Fields(o.saved.Description)[0] }

// wantAnswersExplained: what a change or a call found was there at some moment of
// it. A call may find what the other instance has replaced meanwhile.
func (s *storm) wantAnswersExplained() {
	anybody := func(*op) bool { return true }
	for _, o := range s.ops {
		sameInstance := func(x *op) bool { return x.by == o.by }
		switch absent := o.code() == callout.ConfigNotFound; {
		case absent && o.kind == calling:
			s.wantExplained(o, "", sameInstance)
		case absent:
			s.wantExplained(o, "", anybody)
		case o.ok() && (o.kind == patch || o.kind == renew):
			s.wantExplained(o, first(o), anybody)
		case o.execution != nil:
			s.wantExplained(o, s.wantCredentials(o), sameInstance)
		}
	}
}

// wantCredentials: the upstream got the secrets that belong to what it got of the
// row. It returns the row's first mark.
func (s *storm) wantCredentials(o *op) string {
	var got echo
	if o.execution.Response == nil || json.Unmarshal(o.execution.Response.Body, &got) != nil || got.Marks == "" {
		s.t.Fatalf("%s of %s: %+v, %+v", o.mark, o.name, o.execution, o.execution.Error)
	}
	s.wantMarks(o.name, got.Marks)
	marks := strings.Fields(got.Marks)
	newest := ""
	for _, mark := range marks {
		if !strings.HasPrefix(mark, "p") {
			newest = mark
		}
	}
	if token := backwards(got.Token); token != "Bearer "+tokenOf(newest) || backwards(got.First) != firstOf(marks[0]) {
		s.t.Errorf("%s: with %q were sent %q and %q", o.name, got.Marks, token, backwards(got.First))
	}
	return marks[0]
}

// wantExplained: the state that begins with the mark, "" for none, was written by
// somebody before the reader had ended, and nobody of those who count was told
// of another state after that and before the reader began.
func (s *storm) wantExplained(reader *op, mark string, counts func(*op) bool) {
	nobody := &op{kind: remove, name: reader.name} // at the beginning there is nothing
	var because *op
	for _, w := range append([]*op{nobody}, s.ops...) {
		if w.name != reader.name || w.refused() || !w.leads(mark) || w.start > reader.end {
			continue
		}
		at := slices.IndexFunc(s.ops, func(x *op) bool {
			return x.name == reader.name && x != reader && counts(x) && x.start > w.end && x.end < reader.start && x.contradicts(mark)
		})
		if at < 0 {
			return
		}
		because = s.ops[at]
	}
	if because == nil {
		s.t.Errorf("%s: %s %s found %q, which nobody wrote", reader.name, reader.kind, reader.mark, mark)
		return
	}
	s.t.Errorf("%s: %s %s found %q, although %s %s came between: %q, %v",
		reader.name, reader.kind, reader.mark, mark, because.kind, because.mark, because.code(), because.saved)
}

// leads reports whether o, if it was done, leaves the state that begins with the
// mark.
func (o *op) leads(mark string) bool {
	if o.kind == create || o.kind == put {
		return o.mark == mark
	}
	return o.kind == remove && mark == ""
}

// contradicts reports whether the answer to o says that the state was another.
func (o *op) contradicts(mark string) bool {
	switch {
	case o.ok() && o.writes():
		return first(o) != mark
	case o.ok() && o.kind == remove, o.kind != calling && o.code() == callout.ConfigNotFound:
		return mark != ""
	}
	return false
}

// wantCallsSentAndRecorded: a call that was refused was not sent, any other once,
// and the history says of it what its caller was told.
func (s *storm) wantCallsSentAndRecorded() {
	cold := s.instance()
	for _, o := range s.ops {
		if o.kind != calling {
			continue
		}
		if want := map[bool]int{true: 1}[o.ok()]; s.seen[o.mark] != want {
			s.t.Errorf("%s of %s was sent %d times: %v", o.mark, o.name, s.seen[o.mark], o.err)
		}
		if !o.ok() || o.execution.Recorded != nil {
			continue
		}
		recorded, err := cold.History.Get(s.t.Context(), o.execution.ID)
		if err != nil || recorded.Status != callout.Succeeded || o.execution.Status != callout.Succeeded {
			s.t.Errorf("%s of %s has %s, and recorded is %+v, %v", o.mark, o.name, o.execution.Status, recorded, err)
		}
	}
}

// wantStateExplained: what is there in the end is what the answers say. It
// returns the marks by name, "" for none.
func (s *storm) wantStateExplained(i *instance) map[string]string {
	found := map[string]string{}
	for _, o := range s.ops {
		found[o.name] = ""
	}
	all := slices.Clone(s.ops)
	for name := range found {
		config, err := i.Catalog.Get(s.t.Context(), name)
		reader := &op{kind: calling, name: name, mark: "the end", start: s.ticks.Add(1), end: s.ticks.Add(1), err: err}
		switch {
		case reader.code() == callout.ConfigNotFound:
			s.wantExplained(reader, "", func(*op) bool { return true })
			continue
		case err != nil:
			s.t.Fatal(err)
		}
		found[name] = config.Description
		s.wantMarks(name, config.Description)
		marks := strings.Fields(config.Description)
		s.wantExplained(reader, marks[0], func(*op) bool { return true })
		for _, o := range all {
			if o.name == name && o.writes() && o.ok() && first(o) == marks[0] && !slices.Contains(marks, o.mark) {
				s.t.Errorf("%s: %s was acknowledged and is not in %q", name, o.mark, config.Description)
			}
		}
	}
	s.wantFound(i, found)
	return found
}

// wantFound: the configurations are those that were found, whole, and can be
// called.
func (s *storm) wantFound(i *instance, found map[string]string) {
	for name, marks := range found {
		o := &op{kind: calling, name: name, mark: "at the end"}
		o.execution, o.err = i.Do(s.t.Context(), execute.Call{Config: name, Arguments: request.Arguments{"mark": o.mark}})
		switch {
		case marks == "" && o.code() == callout.ConfigNotFound:
		case marks == "" || !o.ok():
			s.t.Errorf("%s with %q: %v, %v", name, marks, o.err, o.execution)
		default:
			s.wantCredentials(o)
			if config, err := i.Catalog.Get(s.t.Context(), name); err != nil || config.Description != marks {
				s.t.Errorf("%s has become %+v, %v; it was %q", name, config, err, marks)
			}
		}
	}
}

// wantVaultTidy: after a sweep there is one version in use for each configuration
// and no other.
func (s *storm) wantVaultTidy(i *instance) {
	configs, _, err := i.Catalog.List(s.t.Context(), "", 1000)
	if err != nil {
		s.t.Fatal(err)
	}
	inUse := map[string]string{}
	for _, config := range configs {
		inUse[catalog.VaultName(config.ID)] = config.SecretVersion
	}
	names, err := s.straight.Names(s.t.Context())
	if err != nil || len(names) != len(inUse) {
		s.t.Errorf("%d secrets for %d configurations, %v", len(names), len(inUse), err)
	}
	for name, version := range inUse {
		versions, err := s.straight.Versions(s.t.Context(), name)
		for _, v := range versions {
			if v.Enabled != (v.ID == version) {
				s.t.Errorf("a version is enabled: %t, and in use: %t", v.Enabled, v.ID == version)
			}
		}
		if err != nil || len(versions) == 0 {
			s.t.Errorf("%d versions, %v", len(versions), err)
		}
	}
}
