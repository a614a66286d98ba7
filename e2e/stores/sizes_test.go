package stores

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"callout/functions"
	"callout/handler/assembly"
	"callout/handler/callout"
	"callout/handler/egress"
	"callout/handler/execute"
	"callout/handler/history"
	"callout/handler/httpapi"
	"callout/handler/localstore"
	"callout/handler/route"
)

type object = map[string]any

// desk is the JSON API over stores, and an API that it calls.
type desk struct {
	*execute.Executor
	t        *testing.T
	handler  http.Handler
	upstream *httptest.Server
	arrived  atomic.Pointer[http.Request] // the newest that the upstream has seen
	sent     func(f func()) (tables, vault []string)
}

// eachStore runs a test over Azure's services and over the local store.
func eachStore(t *testing.T, test func(t *testing.T, d *desk)) {
	t.Run("azure", func(t *testing.T) {
		w := newWorld(t)
		d := newDesk(t, w.instance().Executor)
		d.sent = w.sent
		test(t, d)
	})
	t.Run("local", func(t *testing.T) {
		opened, err := localstore.Open(t.TempDir())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = opened.Close() })
		out := egress.New(egress.Options{Policy: egress.Policy{Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}, PlainHTTP: true}})
		t.Cleanup(out.CloseIdleConnections)
		all := assembly.New(assembly.Parts{Table: func(name string) history.Rows { return opened.Table(name) }, Vault: opened.Vault(),
			Client: out, Log: slog.New(slog.DiscardHandler), ConfigTTL: ttl})
		d := newDesk(t, all.Execute)
		d.sent = func(f func()) (tables, vault []string) { f(); return nil, nil }
		test(t, d)
	})
}

func newDesk(t *testing.T, executor *execute.Executor) *desk {
	t.Helper()
	d := &desk{Executor: executor, t: t}
	d.upstream = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		d.arrived.Store(r)
		_, _ = io.WriteString(w, "ok")
	}))
	t.Cleanup(d.upstream.Close)
	api := &httpapi.API{Catalog: executor.Catalog, Execute: executor, History: executor.History, Log: executor.Log, Now: time.Now}
	var err error
	if api.Functions, err = route.Load(functions.FS); err != nil {
		t.Fatal(err)
	}
	routes, err := route.New(api.Functions, api.Handlers(), route.Options{Alone: true, Fail: httpapi.Fail})
	if err != nil {
		t.Fatal(err)
	}
	d.handler = api.Observe(routes)
	return d
}

// ask sends a request to the API and returns status and body.
func (d *desk) ask(method, path string, body []byte) (int, []byte) {
	d.t.Helper()
	r := httptest.NewRequestWithContext(d.t.Context(), method, "http://127.0.0.1/api/"+path, bytes.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	if method == http.MethodPatch {
		r.Header.Set("Content-Type", "application/merge-patch+json")
	}
	w := httptest.NewRecorder()
	d.handler.ServeHTTP(w, r)
	return w.Code, w.Body.Bytes()
}

// What bounds a configuration besides the limits of package callout.
const (
	maxBundle   = 25000 // bytes of all secrets with their names in JSON, in one secret of the vault
	maxEnum     = 200
	secretCount = 26 // of largest
)

// largest is a configuration that is at every limit, but for the size of the
// whole document: fill sees to that.
func (d *desk) largest() object {
	endpoint := d.upstream.URL + "/"
	doc := object{
		"name":         "n" + strings.Repeat("_", 39),
		"description":  strings.Repeat("é", callout.MaxDescription),
		"endpoint":     endpoint + strings.Repeat("p", callout.MaxEndpoint-len(endpoint)),
		"method":       "POST",
		"approval":     "none",
		"instructions": strings.Repeat("ü", callout.MaxInstructions),
		"auth":         object{"type": "basic", "username": "user", "password": strings.Repeat("é", callout.MaxSecret/2)},
		"labels":       labels(),
		"headers":      headers(),
		"fields":       fields(),
	}
	escape(doc)
	return doc
}

func labels() object {
	out := object{}
	for i := range callout.MaxLabels {
		out[fmt.Sprintf("label_%02d", i)] = strings.Repeat("v", 256)
	}
	return out
}

// headers are all that there may be. Those that are secret bring the secrets to
// their limit.
func headers() []any {
	var out []any
	left := callout.MaxSecrets - callout.MaxSecret
	for i := range callout.MaxHeaders {
		h := object{"name": fmt.Sprintf("X-H%02d", i), "value": strings.Repeat("v", 100), "secret": i < secretCount-1}
		if i < secretCount-1 {
			size := left / (secretCount - 1 - i)
			h["value"] = strings.Repeat("s", size)
			left -= size
		}
		out = append(out, h)
	}
	return out
}

func fields() []any {
	var out []any
	for i := range callout.MaxFields {
		out = append(out, object{"name": fmt.Sprintf("field_%02d", i), "type": "string", "required": false, "in": "body",
			"description": strings.Repeat("d", callout.MaxDescription), "enum": []any{"a value", "another"}})
	}
	return out
}

// escape puts quotes and backslashes, of which each takes two bytes in JSON, in
// the place of letters until the secrets are as long as the vault takes.
func escape(doc object) {
	values := bundleOf(doc)
	room := maxBundle - len(encoded(values))
	h := doc["headers"].([]any)[0].(object)
	h["value"] = strings.Repeat(`"\`, room)[:room] + h["value"].(string)[room:]
}

func bundleOf(doc object) map[string]string {
	values := map[string]string{"auth.password": doc["auth"].(object)["password"].(string)}
	for _, h := range doc["headers"].([]any) {
		if h := h.(object); h["secret"] == true {
			values["headers/"+h["name"].(string)] = h["value"].(string)
		}
	}
	return values
}

func encoded(v any) []byte {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		panic(err) // strings, numbers and booleans
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}

// fill makes the document that many bytes long by the values of enums.
func (d *desk) fill(doc object, size int) []byte {
	d.t.Helper()
	last := doc["fields"].([]any)[callout.MaxFields-1].(object)
	last["enum"] = []any{"x"}
	room := size - len(encoded(doc))
	if room < 0 {
		d.t.Fatalf("the document is %d bytes too long already", -room)
	}
	last["enum"] = []any{"x" + strings.Repeat("e", room)}
	return encoded(doc)
}

// asRead is how much longer a configuration is when it is read, with what the
// catalog adds.
const asRead = 8 << 10

func TestTheLargestConfigurationIsStoredAndCalled(t *testing.T) {
	eachStore(t, func(t *testing.T, d *desk) {
		doc := d.largest()
		body := d.fill(doc, callout.MaxConfig-asRead)
		total := 0
		for _, value := range bundleOf(doc) {
			total += len(value)
		}
		if n := len(encoded(bundleOf(doc))); total != callout.MaxSecrets || n != maxBundle {
			t.Fatalf("the secrets have %d bytes, and %d as they are stored", total, n)
		}
		if status, answer := d.ask("POST", "configs", body); status != http.StatusCreated {
			t.Fatalf("it is not taken: %d %.500s", status, answer)
		}
		status, read := d.ask("GET", "configs/"+doc["name"].(string), nil)
		if status != http.StatusOK {
			t.Fatalf("it is not read: %d %.500s", status, read)
		}
		d.wantAsGiven(doc, read)
		if status, answer := d.ask("PUT", "configs/"+doc["name"].(string), bytes.TrimSpace(read)); status != http.StatusOK {
			t.Errorf("what was read (%d bytes) is not taken: %d %.500s", len(read), status, answer)
		}
		d.wantCalled(doc)
	})
}

// wantAsGiven compares what was read with what was given.
func (d *desk) wantAsGiven(doc object, read []byte) {
	d.t.Helper()
	var got object
	if err := json.Unmarshal(read, &got); err != nil {
		d.t.Fatal(err)
	}
	for _, name := range []string{"name", "description", "endpoint", "instructions", "labels", "fields"} {
		if a, b := encoded(got[name]), encoded(doc[name]); !bytes.Equal(a, b) {
			d.t.Errorf("%s is not as it was given: %d bytes, %d were given", name, len(a), len(b))
		}
	}
	if n := len(got["secrets"].([]any)); n != secretCount {
		d.t.Errorf("%d secrets are set, want %d", n, secretCount)
	}
}

// wantCalled makes a call and checks that every header, secret or not, arrives.
func (d *desk) wantCalled(doc object) {
	d.t.Helper()
	status, answer := d.ask("POST", "execute/"+doc["name"].(string), []byte(`{"arguments": {"field_00": "another"}}`))
	if status != http.StatusOK || !bytes.Contains(answer, []byte(`"succeeded"`)) {
		d.t.Fatalf("the call: %d %.500s", status, answer)
	}
	r := d.arrived.Load()
	if got := d.upstream.URL + r.URL.Path; got != doc["endpoint"] {
		d.t.Errorf("the endpoint was another, of %d bytes", len(got))
	}
	if _, password, ok := r.BasicAuth(); !ok || password != doc["auth"].(object)["password"] {
		d.t.Errorf("the password was another, of %d bytes", len(password))
	}
	for _, h := range doc["headers"].([]any) {
		if h := h.(object); r.Header.Get(h["name"].(string)) != h["value"] {
			d.t.Errorf("%s had another value", h["name"])
		}
	}
}

// beyond lists what is one too many.
var beyond = map[string]struct {
	change func(doc object)
	target string
}{
	"name":         {func(doc object) { doc["name"] = doc["name"].(string) + "_" }, "name"},
	"description":  {func(doc object) { doc["description"] = doc["description"].(string) + "é" }, "description"},
	"endpoint":     {func(doc object) { doc["endpoint"] = doc["endpoint"].(string) + "p" }, "endpoint"},
	"instructions": {func(doc object) { doc["instructions"] = doc["instructions"].(string) + "ü" }, "instructions"},
	"label":        {func(doc object) { doc["labels"].(object)["label_00"] = strings.Repeat("v", 257) }, "labels.label_00"},
	"labels":       {func(doc object) { doc["labels"].(object)["one_more"] = "v" }, "labels"},
	"headers":      {func(doc object) { appendTo(doc, "headers", object{"name": "X-One-More", "value": "v"}) }, "headers"},
	"fields": {func(doc object) {
		appendTo(doc, "fields", object{"name": "one_more", "type": "string", "description": "d", "required": false})
	}, "fields"},
	"field description": {func(doc object) { field(doc)["description"] = strings.Repeat("d", callout.MaxDescription+1) }, "fields[0].description"},
	"enum":              {func(doc object) { field(doc)["enum"] = values(maxEnum + 1) }, "fields[0].enum"},
	"header value":      {func(doc object) { header(doc, 49)["value"] = strings.Repeat("v", callout.MaxSecret+1) }, "headers[49].value"},
	"a secret":          {func(doc object) { header(doc, 0)["value"] = strings.Repeat("s", callout.MaxSecret+1); spare(doc) }, "headers[0].value"},
	"secrets":           {func(doc object) { header(doc, 1)["value"] = header(doc, 1)["value"].(string) + "s"; unescape(doc) }, ""},
	"secrets as stored": {func(doc object) { header(doc, 1)["value"] = `"` + header(doc, 1)["value"].(string)[1:] }, ""},
	"time-out":          {func(doc object) { doc["timeoutSeconds"] = callout.MaxTimeoutSeconds + 1 }, "timeoutSeconds"},
	"response":          {func(doc object) { doc["maxResponseBytes"] = callout.MaxMaxResponseBytes + 1 }, "maxResponseBytes"},
}

func appendTo(doc object, list string, v any) { doc[list] = append(doc[list].([]any), v) }
func field(doc object) object                 { return doc["fields"].([]any)[0].(object) }
func header(doc object, i int) object         { return doc["headers"].([]any)[i].(object) }
func spare(doc object)                        { doc["auth"].(object)["password"] = "short" }

func unescape(doc object) {
	h := header(doc, 0)
	h["value"] = strings.Repeat("s", len(h["value"].(string)))
}

func values(n int) []any {
	var out []any
	for i := range n {
		out = append(out, fmt.Sprint(i))
	}
	return out
}

func TestOneMoreIsRefusedBeforeAnythingIsWritten(t *testing.T) {
	eachStore(t, func(t *testing.T, d *desk) {
		for what, b := range beyond {
			t.Run(what, func(t *testing.T) {
				doc := d.largest()
				b.change(doc)
				d.wantRefused("POST", "configs", encoded(doc), b.target)
			})
		}
		t.Run("whole", func(t *testing.T) {
			body := append(d.fill(d.largest(), callout.MaxConfig), ' ')
			tables, vault := d.sent(func() {
				if status, answer := d.ask("POST", "configs", body); status != http.StatusRequestEntityTooLarge {
					t.Errorf("it was answered %d %.500s", status, answer)
				}
			})
			if len(tables)+len(vault) != 0 {
				t.Errorf("the stores were sent %v and %v", tables, vault)
			}
		})
		d.wantNothingStored()
	})
}

// wantRefused expects a clear refusal at a place, and that nothing is written.
func (d *desk) wantRefused(method, path string, body []byte, target string) {
	d.t.Helper()
	tables, vault := d.sent(func() {
		status, answer := d.ask(method, path, body)
		var got struct{ Error callout.Error }
		if err := json.Unmarshal(answer, &got); err != nil || status != http.StatusBadRequest || got.Error.Code != callout.InvalidConfig {
			d.t.Errorf("it was answered %d %.500s", status, answer)
		}
		elsewhere := func(f callout.Fault) bool { return f.Target != target || f.Message == "" }
		if len(got.Error.Details) == 0 || slices.ContainsFunc(got.Error.Details, elsewhere) {
			d.t.Errorf("these faults were found: %+v, want one at %q", got.Error.Details, target)
		}
	})
	for _, request := range tables {
		if !strings.HasPrefix(request, "GET ") {
			d.t.Errorf("the tables were sent %s", request)
		}
	}
	if len(vault) != 0 {
		d.t.Errorf("the vault was sent %v", vault)
	}
}

func (d *desk) wantNothingStored() {
	d.t.Helper()
	configs, _, err := d.Catalog.List(d.t.Context(), "", 1000)
	if err != nil || len(configs) != 0 {
		d.t.Errorf("%d configurations are stored, %v", len(configs), err)
	}
}

// A value that is kept counts as much as one that is given.
func TestKeptAndGivenSecretsThatTheVaultDoesNotTake(t *testing.T) {
	eachStore(t, func(t *testing.T, d *desk) {
		doc := d.largest()
		if status, answer := d.ask("POST", "configs", encoded(doc)); status != http.StatusCreated {
			t.Fatalf("it is not taken: %d %.500s", status, answer)
		}
		path := "configs/" + doc["name"].(string)
		_, before := d.ask("GET", path, nil)
		for _, h := range doc["headers"].([]any)[:secretCount-1] {
			delete(h.(object), "value")
		}
		header(doc, 0)["value"] = strings.Repeat("s", callout.MaxSecret)
		d.sent(func() {})
		status, answer := d.ask("PUT", path, encoded(doc))
		var got struct{ Error callout.Error }
		if err := json.Unmarshal(answer, &got); err != nil || status != http.StatusBadRequest ||
			got.Error.Code != callout.InvalidConfig || !strings.Contains(got.Error.Message, "the stored ones included") {
			t.Errorf("it was answered %d %.500s", status, answer)
		}
		if _, after := d.ask("GET", path, nil); !bytes.Equal(before, after) {
			t.Error("the configuration has changed")
		}
	})
}

// A document may be taken in parts, or be longer as it is stored than as it was
// given. The whole may not: what is read can be put back.
func TestTheWholeIsBoundedHoweverItIsGiven(t *testing.T) {
	eachStore(t, func(t *testing.T, d *desk) {
		t.Run("in parts", func(t *testing.T) {
			doc := object{"name": "grown", "endpoint": d.upstream.URL, "method": "POST", "fields": []any{large("e", 200<<10)}}
			if status, answer := d.ask("POST", "configs", encoded(doc)); status != http.StatusCreated {
				t.Fatalf("it is not taken: %d %.500s", status, answer)
			}
			patch := object{"auth": object{"type": "bearer", "token": "token-of-grown"}, "headers": longHeaders()}
			d.wantRefused("PATCH", "configs/grown", encoded(patch), "")
		})
		t.Run("in characters that grow", func(t *testing.T) {
			doc := object{"name": "angles", "endpoint": d.upstream.URL, "method": "POST",
				"auth": object{"type": "bearer", "token": "token-of-angles"}, "fields": []any{large("<", 240<<10)}}
			if status, answer := d.ask("POST", "configs", encoded(doc)); status != http.StatusCreated {
				t.Fatalf("it is not taken: %d %.500s", status, answer)
			}
			status, read := d.ask("GET", "configs/angles", nil)
			if status != http.StatusOK || len(read) > callout.MaxConfig {
				t.Errorf("it is read as %d bytes, %d", len(read), status)
			}
			if status, answer := d.ask("PUT", "configs/angles", bytes.TrimSpace(read)); status != http.StatusOK {
				t.Errorf("what was read is not taken: %d %.500s", status, answer)
			}
		})
	})
}

// large is a field whose enum takes that many bytes.
func large(character string, size int) object {
	return object{"name": "large", "type": "string", "description": "d", "required": false, "enum": []any{strings.Repeat(character, size)}}
}

// longHeaders take 200 KB, none of them a secret.
func longHeaders() []any {
	var out []any
	for i := range callout.MaxHeaders {
		out = append(out, object{"name": fmt.Sprintf("X-H%02d", i), "value": strings.Repeat("v", 4<<10)})
	}
	return out
}
