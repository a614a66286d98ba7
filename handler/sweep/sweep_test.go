package sweep_test

import (
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"callout/handler/callout"
	"callout/handler/catalog"
	"callout/handler/localstore"
	"callout/handler/store"
	"callout/handler/sweep"
)

const (
	day   = 24 * time.Hour
	month = 30 * day
)

var nothing sweep.Report

func TestAVersionIsKeptForADayAfterItWentOutOfUse(t *testing.T) {
	h := newHouse(t)
	old := h.put("crm", "token-one")
	h.clock.pass(month) // its age does not count
	now := h.put("crm", "token-two")
	h.clock.pass(day)
	h.sweep(nothing)
	h.wantEnabled(now, old.SecretVersion, now.SecretVersion)
	h.clock.pass(time.Second)
	h.sweep(sweep.Report{Disabled: 1})
	h.wantEnabled(now, now.SecretVersion)
	h.clock.pass(month)
	h.sweep(nothing)
	h.wantEnabled(now, now.SecretVersion)
}

// A version that a crash left behind must not pass for the one that took an
// older one out of use: that was in use until a moment ago.
func TestWhatWasNeverCommittedTakesNothingOutOfUse(t *testing.T) {
	h := newHouse(t)
	old := h.put("crm", "token-one")
	h.clock.pass(month)
	lost := h.lose("crm")
	h.clock.pass(day - time.Minute)
	now := h.put("crm", "token-two")
	h.clock.pass(2 * time.Minute)
	h.sweep(nothing)
	h.wantEnabled(now, old.SecretVersion, lost, now.SecretVersion)
	h.clock.pass(day)
	h.sweep(sweep.Report{Disabled: 2})
	h.wantEnabled(now, now.SecretVersion)
}

func TestAVersionThatWasNeverCommittedGoesAfterADay(t *testing.T) {
	h := newHouse(t)
	now := h.put("crm", "token-one")
	h.clock.pass(month)
	lost := h.lose("crm")
	h.clock.pass(day)
	h.sweep(nothing)
	h.wantEnabled(now, now.SecretVersion, lost)
	h.clock.pass(time.Second)
	h.sweep(sweep.Report{Disabled: 1})
	h.wantEnabled(now, now.SecretVersion)
}

func TestTheSecretOfAConfigurationThatNeverWasIsDeletedAfterADay(t *testing.T) {
	h := newHouse(t)
	stays := h.put("erp", "token-of-erp")
	h.lose("crm")
	h.clock.pass(day)
	h.sweep(nothing)
	h.clock.pass(time.Second)
	h.sweep(sweep.Report{Deleted: 1})
	h.wantNames(stays)
	h.sweep(nothing)
}

// The secret of a configuration that is gone has no reader to wait for, except
// for a version that was written within the day: its row may be on its way.
func TestTheSecretOfADeletedConfigurationIsDeleted(t *testing.T) {
	for _, age := range []time.Duration{month, time.Hour} {
		h := newHouse(t)
		h.put("crm", "token-one")
		h.clock.pass(age)
		h.vault.onDelete = down
		if err := h.Delete(t.Context(), "crm", catalog.Condition{}); err != nil {
			t.Fatal(err)
		}
		if age < day {
			h.sweep(nothing)
			h.clock.pass(day)
		}
		h.sweep(sweep.Report{Deleted: 1})
		h.wantNames()
	}
}

func TestClearedSecretsAreKeptForADayAfterTheyWereCleared(t *testing.T) {
	h := newHouse(t)
	old := h.put("crm", "token-one")
	h.clock.pass(month)
	now := h.put("crm", "null")
	h.clock.pass(day)
	h.sweep(nothing)
	h.wantEnabled(now, old.SecretVersion)
	h.clock.pass(time.Second)
	h.sweep(sweep.Report{Disabled: 1})
	h.wantEnabled(now)
	h.wantNames(now)
	h.sweep(nothing)
	if again := h.put("crm", "token-two"); again.SecretVersion == "" {
		t.Error("no secret can be given any more")
	} else {
		h.wantEnabled(again, again.SecretVersion)
	}
}

// Secrets that change all the time go out of use one after the other. The runs
// come by once an hour.
func TestSecretsThatChangeEveryHour(t *testing.T) {
	h := newHouse(t)
	var now *callout.Config
	for i := range 24 * 7 {
		now = h.put("crm", fmt.Sprintf("token-%03d", i))
		h.clock.pass(time.Hour)
		if _, err := h.sweeper().Run(t.Context()); err != nil {
			t.Fatal(err)
		}
		if n := len(h.enabled()[catalog.VaultName(now.ID)]); n != min(i+1, 73) {
			t.Fatalf("after %d changes %d versions are enabled", i+1, n)
		}
	}
	h.clock.pass(day)
	h.sweep(sweep.Report{Disabled: 72})
	h.wantEnabled(now, now.SecretVersion)
}

func TestARunTakesAwayTwoHundredAndTheNextGoesOn(t *testing.T) {
	t.Run("versions of one secret", func(t *testing.T) {
		h := newHouse(t)
		var now *callout.Config
		for i := range 451 {
			now = h.put("crm", fmt.Sprintf("token-%03d", i))
		}
		h.clock.pass(day + time.Second)
		h.sweep(sweep.Report{Disabled: 200, More: true})
		h.sweep(sweep.Report{Disabled: 200, More: true})
		h.sweep(sweep.Report{Disabled: 50})
		h.wantEnabled(now, now.SecretVersion)
	})
	t.Run("versions, and secrets", func(t *testing.T) {
		h := newHouse(t)
		for range 150 {
			h.lose("crm")
		}
		h.put("erp", "token-of-erp")
		for range 100 {
			h.lose("erp")
		}
		h.clock.pass(day + time.Second)
		first, err := h.sweeper().Run(t.Context())
		if err != nil || first.Disabled+first.Deleted != 200 || !first.More {
			t.Errorf("the first run: %+v, %v", first, err)
		}
		h.sweep(sweep.Report{Disabled: 100 - first.Disabled, Deleted: 150 - first.Deleted})
		h.sweep(nothing)
	})
	t.Run("exactly two hundred", func(t *testing.T) {
		h := newHouse(t)
		stays := h.put("erp", "token-of-erp")
		for range 200 {
			h.lose("crm")
		}
		h.clock.pass(day + time.Second)
		h.sweep(sweep.Report{Deleted: 200})
		h.wantNames(stays)
	})
}

// A catalog without configurations beside a vault full of secrets is more likely
// the wrong account than a thousand orphans.
func TestNothingIsRemovedWhenAllWouldBe(t *testing.T) {
	h := newHouse(t)
	for range 6 {
		h.lose("crm")
	}
	h.clock.pass(day + time.Second)
	h.sweep(nothing)
}

// what is in the way of sweepers: something of everything, all of it old.
func (h *house) clutter() (used []*callout.Config, disabled, deleted int) {
	h.t.Helper()
	for i := range 5 {
		name := fmt.Sprintf("config_%d", i)
		h.put(name, "token-one")
		h.lose(name)
		used = append(used, h.put(name, "token-two"))
		h.lose(fmt.Sprintf("absent_%d", i))
	}
	h.clock.pass(day + time.Second)
	return used, 10, 5
}

func (h *house) wantClean(used []*callout.Config) {
	h.t.Helper()
	h.wantNames(used...)
	for _, config := range used {
		h.wantEnabled(config, config.SecretVersion)
	}
	h.sweep(nothing)
}

func TestSweepersAtTheSameTimeDoNoHarm(t *testing.T) {
	h := newHouse(t)
	used, disabled, deleted := h.clutter()
	var wait sync.WaitGroup
	for range 4 {
		sweeper := h.sweeper()
		wait.Go(func() {
			report, err := sweeper.Run(t.Context())
			if err != nil || report.More || report.Disabled > disabled || report.Deleted > deleted {
				t.Errorf("a run beside others: %+v, %v", report, err)
			}
		})
	}
	wait.Wait()
	h.wantClean(used)
}

func TestARunStopsAtTheFirstErrorAndTheNextGoesOn(t *testing.T) {
	for what, hook := range map[string]func(h *house) *func() error{
		"the rows":      func(h *house) *func() error { return &h.table.onList },
		"the names":     func(h *house) *func() error { return &h.vault.onNames },
		"the versions":  func(h *house) *func() error { return &h.vault.onVersions },
		"the disabling": func(h *house) *func() error { return &h.vault.onDisable },
		"the deleting":  func(h *house) *func() error { return &h.vault.onDelete },
	} {
		t.Run(what, func(t *testing.T) {
			h := newHouse(t)
			used, disabled, deleted := h.clutter()
			*hook(h) = down
			report, err := h.sweeper().Run(t.Context())
			var refusal *callout.Error
			if !errors.Is(err, store.ErrUnavailable) && !(errors.As(err, &refusal) && refusal.Code == callout.StorageUnavailable) {
				t.Errorf("the run ended with %v", err)
			}
			if report.Disabled+report.Deleted >= disabled+deleted {
				t.Errorf("the run did not stop: %+v", report)
			}
			h.table.onList = nil
			h.sweep(sweep.Report{Disabled: disabled - report.Disabled, Deleted: deleted - report.Deleted})
			h.wantClean(used)
		})
	}
}

// A row that this version cannot read may name any version, so nothing is taken
// away.
func TestARowThatCannotBeReadStopsARun(t *testing.T) {
	h := newHouse(t)
	h.clutter()
	row, err := h.table.Get(t.Context(), "config", "config_3")
	if err != nil {
		t.Fatal(err)
	}
	row.Data = []byte(`{"schema": 1000}`)
	if _, err := h.table.Put(t.Context(), row); err != nil {
		t.Fatal(err)
	}
	before := fmt.Sprint(h.enabled())
	if report, err := h.sweeper().Run(t.Context()); !errors.Is(err, catalog.ErrNewerSchema) || report != nothing {
		t.Errorf("the run: %+v, %v", report, err)
	}
	if after := fmt.Sprint(h.enabled()); after != before {
		t.Errorf("the run changed\n%s\nto\n%s", before, after)
	}
}

// A configuration that changes while a run is under way keeps what it uses,
// wherever the run is.
func TestAConfigurationThatChangesDuringARun(t *testing.T) {
	moments := map[string]func(h *house) *func() error{
		"after the rows were read": func(h *house) *func() error { return &h.vault.onNames },
		"before its versions are":  func(h *house) *func() error { return &h.vault.onVersions },
		"before one is disabled":   func(h *house) *func() error { return &h.vault.onDisable },
	}
	changes := map[string]func(h *house) []*callout.Config{
		"its secret":          func(h *house) []*callout.Config { return []*callout.Config{h.put("crm", "token-three")} },
		"its secret, cleared": func(h *house) []*callout.Config { return []*callout.Config{h.put("crm", "null")} },
		"it comes beside it": func(h *house) []*callout.Config {
			return []*callout.Config{h.read("crm"), h.put("erp", "token-of-erp")}
		},
		"it is deleted": func(h *house) []*callout.Config { h.remove("crm"); return nil },
		"deleted, and another": func(h *house) []*callout.Config {
			h.remove("crm")
			return []*callout.Config{h.put("crm", "token-four")}
		},
	}
	for moment, hook := range moments {
		for what, change := range changes {
			t.Run(moment+"/"+what, func(t *testing.T) {
				h := newHouse(t)
				h.put("crm", "token-one")
				h.put("crm", "token-two")
				h.clock.pass(day + time.Second)
				var after []*callout.Config
				*hook(h) = func() error { after = change(h); return nil }
				if _, err := h.sweeper().Run(t.Context()); err != nil {
					t.Fatal(err)
				}
				for _, config := range after {
					if _, err := h.Secrets(t.Context(), config); err != nil {
						t.Errorf("%s: %v", config.Name, err)
					}
				}
				h.clock.pass(day + time.Second)
				if _, err := h.sweeper().Run(t.Context()); err != nil {
					t.Fatal(err)
				}
				h.wantUsed(after)
			})
		}
	}
}

func (h *house) read(name string) *callout.Config {
	h.t.Helper()
	config, err := h.Catalog.Get(h.t.Context(), name)
	if err != nil {
		h.t.Fatal(err)
	}
	return config
}

func (h *house) remove(name string) {
	h.t.Helper()
	if err := h.Delete(h.t.Context(), name, catalog.Condition{}); err != nil {
		h.t.Fatal(err)
	}
}

// wantUsed checks that the vault holds what the configurations use, and nothing
// else that can be read.
func (h *house) wantUsed(configs []*callout.Config) {
	h.t.Helper()
	h.wantNames(configs...)
	for _, config := range configs {
		if config.SecretVersion == "" {
			h.wantEnabled(config)
		} else {
			h.wantEnabled(config, config.SecretVersion)
		}
	}
}

// The real vault dates its versions itself.
func TestTheStoresOwnDates(t *testing.T) {
	opened, err := localstore.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = opened.Close() })
	h := newHouse(t)
	h.Catalog = catalog.New(opened.Table(store.Configs), opened.Vault(), catalog.Options{NewID: func() string { return "id" }})
	h.vault = &vault{Vault: opened.Vault()}
	h.put("crm", "token-one")
	now := h.put("crm", "token-two")
	for _, run := range []struct {
		ahead time.Duration
		want  sweep.Report
	}{{0, nothing}, {day - time.Minute, nothing}, {day + time.Minute, sweep.Report{Disabled: 1}}, {month, nothing}} {
		sweeper := h.sweeper()
		sweeper.Vault, sweeper.Now = opened.Vault(), func() time.Time { return time.Now().Add(run.ahead) }
		if report, err := sweeper.Run(t.Context()); err != nil || report != run.want {
			t.Errorf("%v ahead: %+v, %v, want %+v", run.ahead, report, err, run.want)
		}
	}
	h.wantEnabled(now, now.SecretVersion)
}
