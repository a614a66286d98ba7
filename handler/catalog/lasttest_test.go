package catalog_test

import (
	"errors"
	"fmt"
	"reflect"
	"testing"
	"time"

	"callout/handler/callout"
	"callout/handler/catalog"
	"callout/handler/store"
)

func (h *house) saveTest(config *callout.Config, outcome callout.LastTest) {
	h.t.Helper()
	if err := h.SaveTest(h.t.Context(), config, outcome); err != nil {
		h.t.Fatal(err)
	}
}

func TestTheNewestTestIsKeptApart(t *testing.T) {
	h := newHouse(t)
	before := h.create(crm)
	h.load("crm")
	for _, outcome := range []callout.LastTest{
		{At: h.clock.now().UTC(), OK: false, Summary: "Failed at stage dns: The host name does not exist."},
		{At: h.clock.now().UTC().Add(time.Minute), OK: true, Summary: "The API answered 200 OK."},
	} {
		h.saveTest(before, outcome)
		after := h.get("crm")
		if after.LastTest == nil || !reflect.DeepEqual(*after.LastTest, outcome) {
			t.Errorf("the newest test is %+v, want %+v", after.LastTest, outcome)
		}
		if after.ETag != before.ETag || after.Version != before.Version {
			t.Errorf("the test changed ETag or version: %s, %d", after.ETag, after.Version)
		}
	}
	if _, err := h.tryPatch(`{"description": "x"}`, before.ETag); err != nil {
		t.Errorf("the ETag from before the test: %v", err)
	}
	if now := h.get("crm"); now.LastTest == nil || !now.LastTest.OK {
		t.Errorf("after a change the newest test is %+v", now.LastTest)
	}
}

func TestTheTestGoesWithItsConfiguration(t *testing.T) {
	h := newHouse(t)
	config := h.create(crm)
	h.saveTest(config, callout.LastTest{OK: true})
	if err := h.Delete(t.Context(), "crm", catalog.Condition{}); err != nil {
		t.Fatal(err)
	}
	if _, err := h.store.Table(store.Configs).Get(t.Context(), "test", "crm"); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("the row of the test: %v", err)
	}
	h.saveTest(config, callout.LastTest{OK: true}) // a test that took longer than the configuration lived
	h.create(crm)
	if now := h.get("crm"); now.LastTest != nil {
		t.Errorf("the new configuration has the test of the old one: %+v", now.LastTest)
	}
}

func TestManyTestsEndAtTheSameMoment(t *testing.T) {
	h := newHouse(t)
	config := h.create(crm)
	outcomes := together(func(i int) error {
		return h.SaveTest(t.Context(), config, callout.LastTest{OK: true, Summary: fmt.Sprint(i)})
	})
	if err := errors.Join(outcomes...); err != nil {
		t.Fatal(err)
	}
	if now := h.get("crm"); now.LastTest == nil || !now.LastTest.OK {
		t.Errorf("the newest test is %+v", now.LastTest)
	}
}

func TestATestCannotBeKept(t *testing.T) {
	h := newHouse(t)
	config := h.create(crm)
	h.table.beforePut = down
	wantCode(t, h.SaveTest(t.Context(), config, callout.LastTest{}), callout.StorageUnavailable)
}
