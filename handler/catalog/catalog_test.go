package catalog_test

import (
	"fmt"
	"reflect"
	"slices"
	"testing"
	"time"

	"callout/handler/callout"
	"callout/handler/catalog"
	"callout/handler/store"
)

func TestCreate(t *testing.T) {
	h := newHouse(t)
	saved := h.create(crm)
	if saved.ID != "id-1" || saved.Version != 1 || saved.ETag == "" || saved.SecretVersion == "" {
		t.Errorf("id %q, version %d, etag %q, secret version %q", saved.ID, saved.Version, saved.ETag, saved.SecretVersion)
	}
	if !saved.CreatedAt.Equal(h.clock.now()) || !saved.UpdatedAt.Equal(h.clock.now()) {
		t.Errorf("created %v, updated %v; it is %v", saved.CreatedAt, saved.UpdatedAt, h.clock.now())
	}
	if read := h.get("crm"); !reflect.DeepEqual(read, saved) {
		t.Errorf("it reads as\n%+v\nwhat was answered is\n%+v", read, saved)
	}
	h.wantSecrets("crm", map[string]string{"auth.token": "canary-token-1", "headers/X-Api-Key": "canary-header-1"})
}

func TestCreateRefusesATakenName(t *testing.T) {
	h := newHouse(t)
	before := h.create(crm)
	_, err := h.Create(t.Context(), decode(t, plain("crm")))
	if refusal := wantCode(t, err, callout.ConfigExists); refusal.Target != "name" {
		t.Errorf("the target is %q", refusal.Target)
	}
	if after := h.get("crm"); !reflect.DeepEqual(after, before) {
		t.Errorf("what was there has changed: %+v", after)
	}
}

func TestInvalidConfigurationIsNotStored(t *testing.T) {
	h := newHouse(t)
	_, err := h.Create(t.Context(), decode(t, `{"name": "Bad Name", "method": "FETCH", "endpoint": "ftp://example.com", "timeoutSeconds": 0}`))
	got := targets(wantCode(t, err, callout.InvalidConfig))
	if want := []string{"endpoint", "method", "name", "timeoutSeconds"}; !slices.Equal(got, want) {
		t.Errorf("the faults are at %v, want %v", got, want)
	}
	_, err = h.Create(t.Context(), decode(t, `{"name": "a", "method": "GET", "endpoint": "https://example.com",
		"fields": [{"name": "n", "type": "integer", "minimum": 5, "default": 1}]}`))
	wantCode(t, err, callout.InvalidConfig)
	if configs, _, err := h.List(t.Context(), "", 10); err != nil || len(configs) != 0 {
		t.Errorf("List gives %v, %v; want nothing", configs, err)
	}
}

func TestReadingWhatIsNotThere(t *testing.T) {
	h := newHouse(t)
	for _, name := range []string{"nope", "", "Nope", "a/b", "'", "a\x00"} {
		_, err := h.Get(t.Context(), name)
		wantCode(t, err, callout.ConfigNotFound)
		_, err = h.Load(t.Context(), name)
		wantCode(t, err, callout.ConfigNotFound)
	}
	_, err := h.tryPatch(`{"description": "x"}`)
	wantCode(t, err, callout.ConfigNotFound)
}

func TestPutCreatesThenReplaces(t *testing.T) {
	h := newHouse(t)
	first, created, err := h.Put(t.Context(), decode(t, crm), catalog.Condition{})
	if err != nil || !created {
		t.Fatalf("the first Put: created %t, %v", created, err)
	}
	h.clock.pass(time.Minute)
	second, created, err := h.Put(t.Context(), decode(t, plain("crm")), catalog.Condition{})
	if err != nil || created {
		t.Fatalf("the second Put: created %t, %v", created, err)
	}
	if second.ID != first.ID || !second.CreatedAt.Equal(first.CreatedAt) {
		t.Errorf("id and creation changed from %s, %v to %s, %v", first.ID, first.CreatedAt, second.ID, second.CreatedAt)
	}
	if second.Version != 2 || second.ETag == first.ETag || !second.UpdatedAt.Equal(h.clock.now()) {
		t.Errorf("version %d, etag %s (was %s), updated %v", second.Version, second.ETag, first.ETag, second.UpdatedAt)
	}
	if read := h.get("crm"); !reflect.DeepEqual(read, second) {
		t.Errorf("it reads as %+v", read)
	}
}

// What the catalog decides cannot be set from outside.
func TestReadOnlyMembersAreIgnored(t *testing.T) {
	h := newHouse(t)
	saved := h.create(`{"name": "a", "method": "GET", "endpoint": "https://example.com", "id": "mine", "version": 77, "etag": "\"mine\"",
		"createdAt": "2001-01-01T00:00:00Z", "updatedAt": "2001-01-01T00:00:00Z", "lastTest": {"at": "2001-01-01T00:00:00Z", "ok": true, "summary": "mine"},
		"secrets": [{"path": "auth.token", "updatedAt": "2001-01-01T00:00:00Z"}]}`)
	read := h.get("a")
	if !reflect.DeepEqual(read, saved) {
		t.Errorf("it reads as %+v", read)
	}
	if read.ID != "id-1" || read.Version != 1 || read.ETag == `"mine"` || !read.CreatedAt.Equal(h.clock.now()) || read.LastTest != nil || len(read.Secrets) > 0 {
		t.Errorf("it took over what it must decide by itself: %+v", read)
	}
}

func TestDelete(t *testing.T) {
	h := newHouse(t)
	saved := h.create(crm)
	for range 2 { // the second time there is nothing to delete, which is no error
		if err := h.Delete(t.Context(), "crm", catalog.Condition{}); err != nil {
			t.Fatal(err)
		}
		_, err := h.Get(t.Context(), "crm")
		wantCode(t, err, callout.ConfigNotFound)
	}
	if left := h.versions(saved); len(left) != 0 {
		t.Errorf("the vault still holds %v", left)
	}
}

// The secrets of former days go as well.
func TestDeleteAfterTheSecretsWereCleared(t *testing.T) {
	h := newHouse(t)
	saved := h.create(crm)
	h.put(plain("crm"))
	if err := h.Delete(t.Context(), "crm", catalog.Condition{}); err != nil {
		t.Fatal(err)
	}
	if left := h.versions(saved); len(left) != 0 {
		t.Errorf("the vault still holds %v", left)
	}
}

func TestADeletedNameBeginsAnew(t *testing.T) {
	h := newHouse(t)
	first := h.create(crm)
	if err := h.SaveTest(t.Context(), first, callout.LastTest{OK: true, Summary: "fine"}); err != nil {
		t.Fatal(err)
	}
	if err := h.Delete(t.Context(), "crm", catalog.Condition{}); err != nil {
		t.Fatal(err)
	}
	second := h.create(`{"name": "crm", "method": "GET", "endpoint": "https://api.example.com/v1/contacts",
		"headers": [{"name": "X-Api-Key", "value": "canary-header-2"}]}`)
	if second.ID == first.ID || second.Version != 1 {
		t.Errorf("id %s (was %s), version %d", second.ID, first.ID, second.Version)
	}
	h.wantSecrets("crm", map[string]string{"headers/X-Api-Key": "canary-header-2"})
	if read := h.get("crm"); read.LastTest != nil {
		t.Errorf("it has the test of its predecessor: %+v", read.LastTest)
	}
}

func TestListPages(t *testing.T) {
	h := newHouse(t)
	want := []string{}
	for i := range 7 {
		name := fmt.Sprintf("c%d", i)
		saved := h.create(plain(name))
		if err := h.SaveTest(t.Context(), saved, callout.LastTest{Summary: "not in a list"}); err != nil {
			t.Fatal(err)
		}
		want = append(want, name)
	}
	for top := 1; top <= 8; top++ {
		if got := h.pages(top); !slices.Equal(got, want) {
			t.Errorf("pages of %d give %v, want %v", top, got, want)
		}
	}
	if configs, more, err := h.List(t.Context(), "c6", 3); err != nil || more || len(configs) != 0 {
		t.Errorf("after the last: %v, %t, %v", configs, more, err)
	}
}

// pages follows a list to its end.
func (h *house) pages(top int) []string {
	h.t.Helper()
	names, after := []string{}, ""
	for more := true; more; {
		var page []*callout.Config
		var err error
		if page, more, err = h.List(h.t.Context(), after, top); err != nil {
			h.t.Fatal(err)
		}
		if len(page) > top || more && len(page) == 0 {
			h.t.Fatalf("a page of %d has %d, more %t", top, len(page), more)
		}
		for _, config := range page {
			names, after = append(names, config.Name), config.Name
		}
	}
	return names
}

func TestConditions(t *testing.T) {
	const present, stale = "the present ETag", `"stale"`
	tests := []struct {
		name    string
		exists  bool
		match   []string
		absent  bool
		refused bool
	}{
		{name: "nothing asked, there", exists: true},
		{name: "nothing asked, not there"},
		{name: "present", exists: true, match: []string{present}},
		{name: "stale", exists: true, match: []string{stale}, refused: true},
		{name: "several with the present one", exists: true, match: []string{stale, present}},
		{name: "several stale", exists: true, match: []string{stale, `"older"`}, refused: true},
		{name: "any, there", exists: true, match: []string{store.Any}},
		{name: "any, not there", match: []string{store.Any}, refused: true},
		{name: "an ETag, not there", match: []string{stale}, refused: true},
		{name: "absent, there", exists: true, absent: true, refused: true},
		{name: "absent, not there", absent: true},
		{name: "weak", exists: true, match: []string{"W/" + present}, refused: true},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			h := newHouse(t)
			cond := catalog.Condition{Match: slices.Clone(test.match), Absent: test.absent}
			if test.exists {
				etag := h.create(plain("crm")).ETag
				if i := slices.Index(cond.Match, present); i >= 0 {
					cond.Match[i] = etag
				}
			}
			_, _, err := h.Put(t.Context(), decode(t, crm), cond)
			if test.refused {
				wantCode(t, err, callout.PreconditionFailed)
			} else if err != nil {
				t.Errorf("Put: %v", err)
			}
			config, err := h.Get(t.Context(), "crm")
			if stored := err == nil && config.Auth.Type == callout.AuthBearer; stored == test.refused {
				t.Errorf("refused %t, stored %t", test.refused, stored)
			}
		})
	}
}

func TestConditionsOfDelete(t *testing.T) {
	h := newHouse(t)
	old := h.create(crm).ETag
	present := h.patch(`{"description": "newer"}`).ETag
	for _, match := range [][]string{{old}, {`"x"`, old}} {
		wantCode(t, h.Delete(t.Context(), "crm", catalog.Condition{Match: match}), callout.PreconditionFailed)
	}
	h.wantSecrets("crm", map[string]string{"auth.token": "canary-token-1", "headers/X-Api-Key": "canary-header-1"})
	if err := h.Delete(t.Context(), "crm", catalog.Condition{Match: []string{old, present}}); err != nil {
		t.Error(err)
	}
	wantCode(t, h.Delete(t.Context(), "crm", catalog.Condition{Match: []string{store.Any}}), callout.PreconditionFailed)
}

func TestAPatchThatMakesNoValidConfiguration(t *testing.T) {
	h := newHouse(t)
	before := h.create(crm)
	_, err := h.tryPatch(`{"method": "FETCH"}`)
	wantCode(t, err, callout.InvalidConfig)
	if after := h.get("crm"); !reflect.DeepEqual(after, before) {
		t.Errorf("it reads as %+v", after)
	}
}
