package tablestore

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"callout/handler/store"
	"callout/handler/storetest/azurite"
	"callout/handler/storetest/fault"
)

// Only what the service itself says about a row is believed; anything else is
// no answer.
func TestWhatAnAnswerMeans(t *testing.T) {
	cases := []struct {
		status        int
		code          string
		get, put, del error
	}{
		{404, "ResourceNotFound", store.ErrNotFound, store.ErrConflict, store.ErrNotFound},
		{404, "EntityNotFound", store.ErrNotFound, store.ErrConflict, store.ErrNotFound},
		{404, "TableNotFound", store.ErrNotFound, store.ErrConflict, store.ErrNotFound},
		{404, "", store.ErrUnavailable, store.ErrUnavailable, store.ErrUnavailable},
		{404, "ContainerNotFound", store.ErrUnavailable, store.ErrUnavailable, store.ErrUnavailable},
		{409, "TableBeingDeleted", store.ErrUnavailable, store.ErrUnavailable, store.ErrUnavailable},
		{409, "", store.ErrUnavailable, store.ErrUnavailable, store.ErrUnavailable},
		{412, "UpdateConditionNotSatisfied", store.ErrUnavailable, store.ErrConflict, store.ErrConflict},
		{412, "ConditionNotMet", store.ErrUnavailable, store.ErrConflict, store.ErrConflict},
		{412, "", store.ErrUnavailable, store.ErrUnavailable, store.ErrUnavailable},
		{400, "EntityTooLarge", store.ErrUnavailable, store.ErrTooLarge, store.ErrUnavailable},
		{400, "PropertyValueTooLarge", store.ErrUnavailable, store.ErrTooLarge, store.ErrUnavailable},
		{413, "RequestBodyTooLarge", store.ErrUnavailable, store.ErrTooLarge, store.ErrUnavailable},
		{400, "InvalidInput", store.ErrUnavailable, store.ErrUnavailable, store.ErrUnavailable},
		{401, "InvalidAuthenticationInfo", store.ErrUnavailable, store.ErrUnavailable, store.ErrUnavailable},
		{403, "AuthenticationFailed", store.ErrUnavailable, store.ErrUnavailable, store.ErrUnavailable},
		{429, "TooManyRequests", store.ErrUnavailable, store.ErrUnavailable, store.ErrUnavailable},
		{500, "InternalError", store.ErrUnavailable, store.ErrUnavailable, store.ErrUnavailable},
		{503, "ServerBusy", store.ErrUnavailable, store.ErrUnavailable, store.ErrUnavailable},
		{302, "", store.ErrUnavailable, store.ErrUnavailable, store.ErrUnavailable},
	}
	r := newTable(t, quick)
	etag := r.put("k", "data", "")
	for _, c := range cases {
		t.Run(fmt.Sprint(c.status, " ", c.code), func(t *testing.T) {
			r.proxy.Use(fault.Always(fault.Refuse(c.status, c.code, 0)))
			_, err := r.table.Get(t.Context(), "p", "k")
			r.is("Get", err, c.get)
			_, err = r.table.Put(t.Context(), store.Row{Partition: "p", Key: "k", ETag: etag})
			r.is("Put", err, c.put)
			r.is("Delete", r.table.Delete(t.Context(), "p", "k", etag), c.del)
			_, err = r.table.List(t.Context(), store.Range{Partition: "p"})
			if c.code != "TableNotFound" {
				r.is("List", err, store.ErrUnavailable)
			}
		})
	}
	r.holds("k", "data", etag)
}

func TestAnErrorNamesWhatIsWrongAndWhatToDo(t *testing.T) {
	r := newTable(t, quick)
	for _, c := range []struct {
		fault fault.Fault
		words []string
	}{
		{fault.Busy(0), []string{"ServerBusy 503", "try again"}},
		{fault.Throttle(0), []string{"TooManyRequests 429", "try again"}},
		{fault.Refuse(403, "AuthorizationPermissionMismatch", 0), []string{"AuthorizationPermissionMismatch 403", "Storage Table Data Contributor"}},
		{fault.DropRequest(), []string{"no answer", "try again"}},
		{fault.Refuse(400, "not a code: <b>", 0), []string{"unnamed 400"}},
	} {
		r.proxy.Use(fault.Always(c.fault))
		_, err := r.table.Get(t.Context(), "p", "k")
		for _, word := range append(c.words, r.table.name) {
			if !strings.Contains(fmt.Sprint(err), word) {
				t.Errorf("the error does not say %q: %v", word, err)
			}
		}
	}
}

// failures makes every kind of error that a row can meet.
func failures(r rig, row store.Row) []error {
	var errs []error
	call := func() {
		_, get := r.table.Get(r.Context(), row.Partition, row.Key)
		_, insert := r.table.Put(r.Context(), row)
		replacement := row
		replacement.ETag = `W/"datetime'canary'"`
		_, replace := r.table.Put(r.Context(), replacement)
		_, list := r.table.List(r.Context(), store.Range{Partition: row.Partition, After: row.Key})
		remove := r.table.Delete(r.Context(), row.Partition, row.Key, replacement.ETag)
		errs = append(errs, get, insert, replace, list, remove)
	}
	for _, f := range []fault.Fault{
		fault.DropRequest(), fault.Cut(), fault.Busy(0), fault.Throttle(0),
		fault.Refuse(403, "canary", 0), fault.Refuse(404, "http://canary/", 0), fault.Refuse(400, "InvalidInput", 0),
		fault.Refuse(404, "ResourceNotFound", 0), fault.Refuse(412, "ConditionNotMet", 0),
	} {
		r.proxy.Use(fault.Always(f))
		call()
	}
	r.proxy.Use(nil)
	call()
	row.Data = make([]byte, store.MaxData+1)
	call()
	row.Key += "/"
	call()
	return errs
}

func TestNoErrorHoldsAValue(t *testing.T) {
	r := newTable(t, quick)
	errs := failures(r, store.Row{Partition: "canary-partition", Key: "canary-key", Data: []byte("canary-data")})
	met := 0
	for _, err := range errs {
		if err == nil {
			continue
		}
		met++
		for _, text := range []string{err.Error(), fmt.Sprintf("%+v", err), fmt.Sprintf("%#v", err)} {
			for _, value := range []string{"canary-", "http", "127.0.0.1", r.proxy.Address(), azurite.Account, azurite.Key, "PartitionKey", "odata", "datetime"} {
				if strings.Contains(text, value) {
					t.Errorf("an error holds %q: %s", value, text)
				}
			}
		}
		for unwrapped := err; unwrapped != nil; unwrapped = errors.Unwrap(unwrapped) {
			if strings.Contains(fmt.Sprintf("%T", unwrapped), "ResponseError") {
				t.Errorf("an error wraps the SDK's: %T", unwrapped)
			}
		}
	}
	if met < 40 {
		t.Errorf("only %d errors were met", met)
	}
}

// stubbed opens a table of a service that says one thing.
func stubbed(t *testing.T, status int, header http.Header, body string) *Table {
	t.Helper()
	said := transport(func(request *http.Request) (*http.Response, error) {
		return &http.Response{
			StatusCode: status, Header: header.Clone(), Request: request,
			Body: io.NopCloser(strings.NewReader(body)), ContentLength: int64(len(body)),
		}, nil
	})
	s, err := newStore(Options{ConnectionString: developmentStorage, Transport: said}, quick)
	if err != nil {
		t.Fatal(err)
	}
	return s.Table("people")
}

// row is a stored row as the service gives it.
func rowJSON(partition, key, etag string) string {
	raw := string(encodeEntity(store.Row{Partition: partition, Key: key}, newMark()))
	if etag == "" {
		return raw
	}
	return fmt.Sprintf(`{"odata.etag":%q,%s`, etag, raw[1:])
}

// An answer that cannot be the one to the question is no answer: it would mix
// rows up, or lead a reader in circles.
func TestAnAnswerToAnotherQuestion(t *testing.T) {
	const etag = `W/"datetime'1'"`
	with := http.Header{"Etag": {etag}}
	for name, c := range map[string]struct {
		header http.Header
		body   string
	}{
		"another row":       {with, rowJSON("p", "other", "")},
		"another partition": {with, rowJSON("q", "k", "")},
		"no ETag":           {nil, rowJSON("p", "k", "")},
		"a web page":        {with, "<html>Sign in to the network"},
	} {
		_, err := stubbed(t, 200, c.header, c.body).Get(t.Context(), "p", "k")
		if !errors.Is(err, store.ErrUnavailable) {
			t.Errorf("Get, %s: %v", name, err)
		}
	}
	for name, rows := range map[string][]string{
		"another partition": {rowJSON("q", "k", etag)},
		"no ETag":           {rowJSON("p", "k", "")},
		"before the range":  {rowJSON("p", "a", etag)},
		"behind the range":  {rowJSON("p", "z", etag)},
		"out of order":      {rowJSON("p", "k", etag), rowJSON("p", "j", etag)},
		"twice":             {rowJSON("p", "k", etag), rowJSON("p", "k", etag)},
	} {
		table := stubbed(t, 200, nil, `{"value":[`+strings.Join(rows, ",")+`]}`)
		_, err := table.List(t.Context(), store.Range{Partition: "p", After: "a", Before: "z"})
		if !errors.Is(err, store.ErrUnavailable) {
			t.Errorf("List, %s: %v", name, err)
		}
	}
	for _, etag := range []string{"", store.Any} {
		_, err := stubbed(t, 204, nil, "").Put(t.Context(), store.Row{Partition: "p", Key: "k", ETag: etag})
		if !errors.Is(err, store.ErrUnavailable) {
			t.Errorf("Put without an ETag in the answer: %v", err)
		}
	}
}

// A continuation may have one part only.
func TestAContinuationOfOnePart(t *testing.T) {
	var queries []string
	s, err := newStore(Options{ConnectionString: developmentStorage, Transport: transport(func(request *http.Request) (*http.Response, error) {
		queries = append(queries, request.URL.RawQuery)
		w := httptest.NewRecorder()
		if len(queries) == 1 {
			w.Header().Set("X-Ms-Continuation-NextPartitionKey", "seen")
		}
		_, _ = w.WriteString(`{"value":[]}`)
		return w.Result(), nil
	})}, quick)
	if err != nil {
		t.Fatal(err)
	}
	page, err := s.Table("people").List(t.Context(), store.Range{Partition: "p"})
	if err != nil || len(page.Rows) != 0 || page.More {
		t.Errorf("%d rows, More %v, %v", len(page.Rows), page.More, err)
	}
	if len(queries) != 2 || !strings.Contains(queries[1], "NextPartitionKey=seen") {
		t.Errorf("asked was %q", queries)
	}
}

func TestARedirectIsNotFollowed(t *testing.T) {
	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("it was followed") }))
	t.Cleanup(elsewhere.Close)
	service := httptest.NewServer(http.RedirectHandler(elsewhere.URL, http.StatusTemporaryRedirect))
	t.Cleanup(service.Close)
	s, err := New(Options{ConnectionString: azurite.ConnectionString(service.URL)})
	if err != nil {
		t.Fatal(err)
	}
	_, err = s.Table("people").Get(t.Context(), "p", "k")
	if !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("Get: %v", err)
	}
	_, err = s.Table("people").Put(context.Background(), store.Row{Partition: "p", Key: "k"})
	if !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("Put: %v", err)
	}
}
