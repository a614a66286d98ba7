package tablestore

import (
	"testing"
	"time"

	"callout/handler/storetest"
	"callout/handler/storetest/azurite"
	"callout/handler/storetest/fault"
)

func TestTables(t *testing.T) {
	s, err := New(Options{ConnectionString: azurite.Shared(t).ConnectionString()})
	if err != nil {
		t.Fatal(err)
	}
	storetest.Tables(t, func(*testing.T) storetest.Rows { return s.Table(azurite.TableName()) })
}

// Refusals and odd pages leave nothing in doubt, so that everything must hold
// as if they were not there. What lost answers do to the promises is told in
// retry_test.go and doubt_test.go.
func TestTablesOfABusyService(t *testing.T) {
	proxy := fault.Start(t, azurite.Shared(t).URL(), fault.Options{Rule: fault.Random(1, fault.Rates{
		Throttle: .1, Shorten: .1, Empty: .1, RetryAfter: time.Millisecond,
	})})
	s := openStore(t, proxy.URL(), stubborn)
	storetest.Tables(t, func(*testing.T) storetest.Rows { return s.Table(azurite.TableName()) })
	for _, kind := range []fault.Kind{fault.Refused, fault.ShortPage, fault.EmptyPage} {
		if proxy.Faults()[kind] == 0 {
			t.Errorf("no fault was %q", kind)
		}
	}
}
