package tablestore

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"callout/handler/store"
	"callout/handler/storetest/azurite"
)

// dated is a service in memory whose answers bear the date that it is given.
// Its own clock is the bubble's.
type dated struct {
	date  func() string
	delay time.Duration // before the date is written, and again after it
	fail  error
}

// Do implements policy.Transporter.
func (d *dated) Do(*http.Request) (*http.Response, error) {
	if d.fail != nil {
		return nil, d.fail
	}
	time.Sleep(d.delay)
	w := httptest.NewRecorder()
	w.Header()["Date"] = []string{d.date()}
	_, _ = io.WriteString(w, `{"value":[]}`)
	time.Sleep(d.delay)
	return w.Result(), nil
}

// trueDate is what a service with an accurate clock writes.
func trueDate() string { return time.Now().UTC().Format(http.TimeFormat) }

// skewed opens a service by a local clock that is off by what *skew says.
func skewed(t *testing.T, service *dated, skew *time.Duration) *Store {
	t.Helper()
	s, err := New(Options{
		ConnectionString: developmentStorage, Transport: service,
		Now: func() time.Time { return time.Now().Add(*skew) },
	})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// call makes one request and gets one answer.
func call(t *testing.T, s *Store) {
	t.Helper()
	if _, err := s.Table("people").List(t.Context(), store.Range{Partition: "p", Top: 1}); err != nil {
		t.Fatal(err)
	}
}

// off is how far a store's time is from the true one.
func off(s *Store) time.Duration { return s.Now().Sub(time.Now().Round(0)) }

func TestALocalClockThatIsOffIsCorrected(t *testing.T) {
	for _, skew := range []time.Duration{2 * time.Minute, -2 * time.Minute, 5 * time.Second, -5 * time.Second, time.Hour} {
		for _, within := range []time.Duration{0, time.Millisecond, 500 * time.Millisecond, 999 * time.Millisecond} {
			synctest.Test(t, func(t *testing.T) {
				service := &dated{date: trueDate}
				s := skewed(t, service, &skew)
				if got := off(s); got != skew {
					t.Errorf("before the first answer it is off by %v, want %v", got, skew)
				}
				time.Sleep(within) // the answer comes at this part of a second
				call(t, s)
				if got := off(s); got.Abs() > time.Second {
					t.Errorf("a clock that is %v off, asked at %v: still %v off", skew, within, got)
				}
				service.delay = time.Second
				for range 20 { // slow answers tell less, and spoil nothing
					time.Sleep(730 * time.Millisecond)
					call(t, s)
				}
				if got := off(s); got.Abs() > time.Second {
					t.Errorf("a clock that is %v off, asked at %v: %v off after slow answers", skew, within, got)
				}
			})
		}
	}
}

func TestAnAccurateClockStaysUntouched(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		service := &dated{date: trueDate}
		s := skewed(t, service, new(time.Duration))
		for i := range 100 {
			service.delay = time.Duration(i) * 20 * time.Millisecond
			time.Sleep(77 * time.Millisecond)
			call(t, s)
			if got := off(s); got != 0 {
				t.Fatalf("after answer %d it is off by %v", i, got)
			}
		}
	})
}

func TestAJumpOfTheLocalClockIsFollowed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		skew := time.Duration(0)
		s := skewed(t, &dated{date: trueDate}, &skew)
		for _, jump := range []time.Duration{0, 2 * time.Minute, -2 * time.Minute, time.Hour, 0} {
			time.Sleep(time.Hour + 300*time.Millisecond)
			skew = jump
			for range recent {
				call(t, s)
			}
			if got := off(s); got.Abs() > time.Second {
				t.Errorf("a jump to %v: off by %v", jump, got)
			}
		}
	})
}

// A clock that is set during a try makes the try look long, so that it tells
// nothing much, or shorter than nothing. The next one tells.
func TestAJumpDuringATryIsNotMistakenForTheService(t *testing.T) {
	for _, jump := range []time.Duration{10 * time.Minute, -10 * time.Minute} {
		synctest.Test(t, func(t *testing.T) {
			skew := time.Duration(0)
			s := skewed(t, &dated{date: func() string { skew = jump; return trueDate() }}, &skew)
			call(t, s)
			if got := off(s); got != jump {
				t.Errorf("after the try of the jump it is off by %v, want %v", got, jump)
			}
			for range recent {
				call(t, s)
			}
			if got := off(s); got.Abs() > time.Second {
				t.Errorf("after the next ones it is off by %v", got)
			}
		})
	}
}

func TestDatesThatTellNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		service := &dated{}
		s := skewed(t, service, new(time.Duration))
		for _, date := range []string{
			"", "now", "0", "2026-01-02T03:04:05Z", "Sat, 01 Jan 2000 00:00:00 +0200", "Sat, 32 Jan 2000 00:00:00 GMT",
			"Mon, 01 Jan 0001 00:00:00 GMT", "Fri, 31 Dec 9999 23:59:59 GMT", // no clock is that wrong
			time.Now().UTC().Add(25 * time.Hour).Format(http.TimeFormat),
			time.Now().UTC().Add(-25 * time.Hour).Format(http.TimeFormat),
		} {
			service.date = func() string { return date }
			// The SDK reads the date too, and some of these make it fail the call.
			_, _ = s.Table("people").Get(t.Context(), "p", "k")
			if got := off(s); got != 0 {
				t.Errorf("the date %q moves the clock by %v", date, got)
			}
		}
		service.fail = errors.New("no answer")
		_, _ = s.Table("people").Get(t.Context(), "p", "k")
		if got := off(s); got != 0 {
			t.Errorf("no answer moves the clock by %v", got)
		}
	})
}

// A refusal bears a date as well as any answer: a clock is put right by the very
// answer that refuses its signature.
func TestARefusalTellsTheTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, err := New(Options{
			ConnectionString: developmentStorage,
			Now:              func() time.Time { return time.Now().Add(20 * time.Minute) },
			Transport: transport(func(request *http.Request) (*http.Response, error) {
				response := refuse(request, http.StatusForbidden, 0)
				response.Header.Set("Date", trueDate())
				return response, nil
			}),
		})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.Table("people").Get(t.Context(), "p", "k"); !errors.Is(err, store.ErrUnavailable) {
			t.Errorf("Get: %v", err)
		}
		if got := off(s); got.Abs() > time.Second {
			t.Errorf("it is off by %v", got)
		}
	})
}

// Each instance hears the service at other moments, and many calls at once.
func TestManyCallsAgreeOnTheTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		service := &dated{date: trueDate, delay: 100 * time.Millisecond}
		skews := []time.Duration{2 * time.Minute, -2 * time.Minute, 0}
		var stores []*Store
		var all sync.WaitGroup
		for i := range skews {
			s := skewed(t, service, &skews[i])
			stores = append(stores, s)
			for j := range 50 {
				all.Go(func() {
					time.Sleep(time.Duration(j) * 37 * time.Millisecond)
					call(t, s)
				})
			}
		}
		all.Wait()
		for i, s := range stores {
			if got := off(s); got.Abs() > time.Second {
				t.Errorf("the clock that is %v off: still %v off", skews[i], got)
			}
		}
	})
}

func TestTheTimeOfAzurite(t *testing.T) {
	server, name := azurite.Shared(t), azurite.TableName()
	for _, skew := range []time.Duration{0, 2 * time.Minute, -2 * time.Minute} {
		s, err := newStore(Options{
			ConnectionString: server.ConnectionString(),
			Now:              func() time.Time { return time.Now().Add(skew) },
		}, quick)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.Table(name).Put(t.Context(), store.Row{Partition: "p", Key: skew.String()}); err != nil {
			t.Fatal(err)
		}
		if got := off(s); got.Abs() > 2*time.Second {
			t.Errorf("a clock that is %v off: still %v off", skew, got)
		}
	}
}

// A server that is too busy to look at its own clock writes old dates. They do not
// put the clock back while others say otherwise; where all do, it is so.
func TestOldDatesDoNotPutTheClockBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		old := false
		s := skewed(t, &dated{date: func() string {
			if old {
				return time.Now().Add(-6 * time.Second).UTC().Format(http.TimeFormat)
			}
			return trueDate()
		}}, new(time.Duration))
		for n := range 40 {
			old = n%recent != 0
			time.Sleep(300 * time.Millisecond)
			call(t, s)
			if got := off(s); got != 0 {
				t.Fatalf("after answer %d it is off by %v", n+1, got)
			}
		}
		old = true
		for range recent {
			call(t, s)
		}
		if got := off(s); got > -4*time.Second {
			t.Errorf("what all answers say is not believed: off by %v", got)
		}
	})
}

func FuzzTheDateOfAnAnswer(f *testing.F) {
	f.Add("Sat, 01 Jan 2000 00:00:00 GMT", int64(0), int64(0))
	f.Add("Sat Jan  1 00:00:00 2000", int64(time.Hour), int64(time.Second))
	f.Add("Fri, 31 Dec 9999 23:59:59 GMT", int64(-time.Hour), int64(-1))
	sent := time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)
	f.Fuzz(func(t *testing.T, header string, old, took int64) {
		took %= int64(time.Hour)
		c := newClock(func() time.Time { return sent })
		c.offset = time.Duration(old)
		c.learn(sent, sent.Add(time.Duration(took)), header)
		got := int64(c.offset)
		if got != old && time.Duration(got).Abs() > farthestDate+time.Duration(took)+time.Second {
			t.Errorf("%q moves the offset from %v to %v", header, time.Duration(old), time.Duration(got))
		}
		c.learn(sent, sent.Add(time.Duration(took)), header)
		if again := int64(c.offset); again != got {
			t.Errorf("%q, heard again, moves the offset from %d to %d", header, got, again)
		}
	})
}
