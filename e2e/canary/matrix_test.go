package canary

import (
	"encoding/json"
	"fmt"
	"hash/maphash"
	"maps"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"
)

// matrix makes the calls and looks through what comes back.
type matrix struct {
	t      *testing.T
	garden *garden
	door   door
	parrot *parrot

	mu     sync.Mutex
	seed   maphash.Seed
	seen   map[uint64]bool // texts that were looked through
	leaks  int
	masked int // answers that have a mask
}

func newMatrix(t *testing.T, g *garden, p *parrot, d door) *matrix {
	return &matrix{t: t, garden: g, parrot: p, door: d, seed: maphash.MakeSeed(), seen: map[uint64]bool{}}
}

// scan looks through data that are no text, as they are.
func (m *matrix) scan(what, data string) {
	searched.Add(int64(len(data)))
	m.garden.mu.RLock()
	owner, at := m.garden.needles.in(data)
	m.garden.mu.RUnlock()
	if owner != "" {
		m.t.Errorf("a secret of %s was seen in %s, at byte %d", owner, what, at)
	}
}

// see looks through a text. What is JSON is looked through string by string, each
// string once.
func (m *matrix) see(what, text string) {
	searched.Add(int64(len(text)))
	var value any
	if json.Unmarshal([]byte(text), &value) != nil {
		value = text
	}
	m.walk(what, value)
	if strings.Contains(text, "[secret]") {
		m.mu.Lock()
		m.masked++
		m.mu.Unlock()
	}
}

func (m *matrix) walk(what string, value any) {
	switch value := value.(type) {
	case string:
		m.look(what, value)
	case []any:
		for _, element := range value {
			m.walk(what, element)
		}
	case map[string]any:
		for name, member := range value {
			m.look(what, name)
			m.walk(what, member)
		}
	}
}

func (m *matrix) look(what, text string) {
	hash := maphash.String(m.seed, text)
	m.mu.Lock()
	known := m.seen[hash]
	m.seen[hash] = true
	m.mu.Unlock()
	if known {
		return
	}
	if found, ok := m.garden.find(text); ok {
		m.mu.Lock()
		defer m.mu.Unlock()
		if m.leaks++; m.leaks <= 20 {
			m.t.Errorf("a secret of %s was seen in %s: …%s…", found.owner, what, found.view)
		}
	}
}

// say makes a request and looks through the answer.
func (m *matrix) say(method, path, body string) answer {
	got, err := m.door.try(method, path, body)
	if err != nil || got.status >= 500 {
		m.t.Errorf("%s %s: status %d: %.300s, %v", method, path, got.status, got.body, err)
	}
	m.see("the headers of "+method+" "+path, fmt.Sprint(got.header))
	m.see("the answer of "+method+" "+path, got.body)
	return got
}

// plant stores a configuration, and reads it.
func (m *matrix) plant(c *configuration) {
	m.parrot.learn(c)
	if got := m.say("PUT", "/api/configs/"+c.name, c.doc.String()); got.status != 201 {
		m.t.Errorf("%s is not taken: %s", c.name, got.body)
	}
	m.say("GET", "/api/configs/"+c.name, "")
}

// call executes a configuration and reads what is on record.
func (m *matrix) call(c *configuration, how string) {
	got := m.say("POST", "/api/execute/"+c.name, document{"arguments": document{"how": how, "note": "n"}}.String())
	var e struct {
		ExecutionID string
		Response    struct{ Body json.RawMessage }
	}
	if err := json.Unmarshal([]byte(got.body), &e); err != nil || e.ExecutionID == "" {
		m.t.Errorf("%s %s: %d %.300s", c.name, how, got.status, got.body)
		return
	}
	if how == "text-200" {
		m.checkMasks(c, e.Response.Body)
	}
	m.say("GET", "/api/executions/"+e.ExecutionID, "")
	m.count(c, how, 2)
}

// checkMasks checks of an answer in the form text that each line of it has come
// and was masked: an answer that is lost hides everything.
func (m *matrix) checkMasks(c *configuration, body json.RawMessage) {
	var text string
	_ = json.Unmarshal(body, &text)
	lines := 0
	for line := range strings.SplitSeq(text, "\n\n") {
		if line == "" {
			continue
		}
		if lines++; !strings.Contains(line, "[secret]") {
			m.t.Errorf("%s: no mask in %.200q", c.name, line)
		}
	}
	if lines < len(encodings) {
		m.t.Errorf("%s: only %d lines came: %.200s", c.name, lines, body)
	}
}

// try tests the stored configuration, and the same as a draft.
func (m *matrix) try(c *configuration, how string) {
	arguments := document{"how": how, "note": "n"}
	m.say("POST", "/api/configs/"+c.name+"/test", document{"send": true, "arguments": arguments}.String())
	m.say("POST", "/api/test", document{"send": true, "arguments": arguments, "config": c.doc}.String())
	m.count(c, how, 2)
}

// spoil sends what is refused with the secrets in it: it is not quoted either.
func (m *matrix) spoil(c *configuration) {
	path, value := "/api/configs/"+c.name, c.grown[len(c.grown)-1]
	refused := func(method, path, body string) {
		if got := m.say(method, path, body); got.status < 400 {
			m.t.Errorf("%s %s is taken: %.300s", method, path, body)
		}
		combinations.Add(1)
	}
	for name, member := range map[string]any{"method": value, "endpoint": "https://u:" + url.PathEscape(value) + "@example.com/", value: 1,
		"auth": document{"type": value}, "timeoutSeconds": value, "headers": []document{{"name": value, "value": value}},
		"fields": []document{{"name": value, "type": value}}, "body": "{{" + value} {
		spoilt := maps.Clone(c.doc)
		spoilt[name] = member
		refused("PUT", path, spoilt.String())
		refused("PATCH", path, document{name: member}.String())
		refused("POST", "/api/test", document{"config": spoilt}.String())
	}
	refused("PUT", path, strings.TrimSuffix(c.doc.String(), "}"))
	refused("POST", "/api/execute/"+c.name, document{"arguments": document{value: value, "how": value}}.String())
	refused("POST", "/api/execute/"+c.name, document{"arguments": document{"how": []string{value}}}.String())
	refused("POST", path+"/test", document{"send": value}.String())
	refused("POST", "/api/import", document{"openapi": value}.String())
}

// count counts the combinations of an answer that was seen through so many faces.
func (m *matrix) count(c *configuration, how string, faces int) {
	if c.provider != "" {
		how = c.provider
	}
	n := 1
	switch form, _, _ := strings.Cut(how, "-"); form {
	case "text", "json", "gzip", "chunks", "same", "nowhere", "error", "code":
		n = len(encodings)
	}
	combinations.Add(int64(n * faces))
}

// together runs so many at a time.
func together(limit int, jobs []func()) {
	queue := make(chan func())
	var all sync.WaitGroup
	for range limit {
		all.Go(func() {
			for job := range queue {
				job()
			}
		})
	}
	for _, job := range jobs {
		queue <- job
	}
	close(queue)
	all.Wait()
}

// printed looks through what a process has printed, line by line.
func (m *matrix) printed(p *process) {
	for what, text := range map[string]string{"standard output": p.stdout.String(), "standard error": p.stderr.String()} {
		for line := range strings.Lines(text) {
			m.see(what, line)
		}
	}
}

// listed reads the lists.
func (m *matrix) listed() {
	for _, path := range []string{"/api/configs", "/api/executions"} {
		for next := path + "?top=1000"; next != ""; {
			var page struct{ NextLink string }
			if err := json.Unmarshal([]byte(m.say("GET", next, "").body), &page); err != nil {
				m.t.Error(err)
			}
			_, rest, more := strings.Cut(page.NextLink, path)
			if next = path + rest; !more {
				next = ""
			}
		}
	}
}

// bad sends bad input for each place.
func (m *matrix) bad() []func() {
	var jobs []func()
	for _, at := range places {
		c := m.ordinary(at, nasty, at.methods[0])
		jobs = append(jobs, func() { m.spoil(c) })
	}
	return jobs
}

// stages returns what does so many jobs at a time and says how long it took.
func (m *matrix) stages(t *testing.T) func(name string, limit int, jobs []func()) {
	return func(name string, limit int, jobs []func()) {
		t.Helper()
		begin := time.Now()
		together(limit, jobs)
		t.Logf("%s: %d jobs in %v", name, len(jobs), time.Since(begin).Round(time.Millisecond))
	}
}

// finish checks that what was to be tried was tried.
func (m *matrix) finish(t *testing.T) {
	t.Helper()
	if m.leaks > 0 {
		t.Errorf("%d texts hold secrets", m.leaks)
	}
	if m.masked < 100 {
		t.Errorf("only %d answers hold a mask: secrets were not echoed", m.masked)
	}
	m.parrot.mu.Lock()
	defer m.parrot.mu.Unlock()
	for _, at := range places {
		for _, method := range at.methods {
			if name := at.name + "_nasty_" + strings.ToLower(method); m.parrot.knows[name] != nil && !m.parrot.callers[name] {
				t.Errorf("%s never brought its secret", name)
			}
		}
	}
}
