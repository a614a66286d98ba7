package canary

import (
	"encoding/json"
	"fmt"
	"strings"
	"sync"
)

// How an API answers when there is an answer, and when there is not a proper one.
var (
	statuses = []int{200, 400, 401, 403, 404, 429, 500, 503}
	broken   = []string{"reset", "half", "garbled", "length", "header-200", "header-302", "header-307", "header-401", "header-429"}
)

// everyWay are all ways of answering, fewer are one of each kind, and some are
// the most telling.
var (
	everyWay = answers([]string{"text", "json"}, []string{"html", "gzip", "chunks"})
	fewer    = append(answers([]string{"text"}, nil), "json-200", "html-404", "gzip-401", "chunks-500")
	some     = []string{"text-200", "json-400"}
)

// answers combines all statuses with some forms, and some of them with others.
func answers(always, sometimes []string) []string {
	out := append([]string(nil), broken...)
	for i, status := range statuses {
		for _, form := range always {
			out = append(out, fmt.Sprintf("%s-%d", form, status))
		}
		if i%3 == 0 {
			for _, form := range sometimes {
				out = append(out, fmt.Sprintf("%s-%d", form, status))
			}
		}
	}
	return out
}

// atAPI plants a secret in each place, calls it with each method and lets the API
// answer in every way; then secrets of other natures, with some.
func (m *matrix) atAPI(first, further, others []string) []func() {
	var jobs []func()
	for _, at := range places {
		for i, method := range at.methods {
			hows := further
			if i == 0 {
				hows = first
			}
			jobs = append(jobs, m.visits(m.ordinary(at, nasty, method), hows)...)
		}
		for _, n := range natures[1:] {
			jobs = append(jobs, m.visits(m.ordinary(at, n, at.methods[0]), others)...)
		}
		if at.name == "bearer" || at.name == "value_body" {
			jobs = append(jobs, m.visits(m.ordinary(at, longest, at.methods[0]), others)...)
		}
	}
	return jobs
}

func (m *matrix) ordinary(at place, n nature, method string) *configuration {
	name := fmt.Sprintf("%s_%s_%s", at.name, n, strings.ToLower(method))
	return m.garden.configure(name, at, n, method, m.parrot.URL+"/api/"+name, m.parrot.URL+"/token/"+name+"?as=given")
}

// visits are the calls of one configuration, which the first of them stores.
func (m *matrix) visits(c *configuration, hows []string) []func() {
	var once sync.Once
	var jobs []func()
	for i, how := range hows {
		jobs = append(jobs, func() {
			once.Do(func() { m.plant(c) })
			m.call(c, how)
			if i%4 == 0 {
				m.try(c, how)
			}
		})
	}
	return jobs
}

// origins are where nothing can be had.
func (m *matrix) origins() map[string]string {
	return map[string]string{
		"untrusted": m.parrot.untrusted.URL, "misnamed": m.parrot.misnamed.URL, "no_tls": strings.Replace(m.parrot.URL, "http:", "https:", 1),
		"closed": "http://127.0.0.1:1", "forbidden": "https://169.254.169.254",
	}
}

// astray plants secrets in each place of configurations that lead nowhere, by
// their endpoints or by their token URLs.
func (m *matrix) astray() []func() {
	var jobs []func()
	for _, at := range places {
		for name, origin := range m.origins() {
			name = at.name + "_" + name
			api := m.garden.configure(name, at, nasty, at.methods[0], origin+"/api/"+name, m.parrot.URL+"/token/"+name+"?as=given")
			jobs = append(jobs, m.fails(api, "none")...)
			if at.token {
				name += "_token"
				token := m.garden.configure(name, at, nasty, at.methods[0], m.parrot.URL+"/api/"+name, origin+"/token/"+name+"?as=given")
				jobs = append(jobs, m.fails(token, "none")...)
			}
		}
	}
	return jobs
}

// fails are the calls, one after the other, of a configuration that never gets a
// proper answer.
func (m *matrix) fails(c *configuration, how string) []func() {
	return []func(){func() {
		m.plant(c)
		m.call(c, how)
		m.try(c, how)
	}}
}

// unsayable are arguments with which an endpoint is not a URL that can be called.
var unsayable = []string{"", ".", "..", "%2e%2e", strings.Repeat("x", 20_000), "\x00", "a\r\nHost: b"}

// outOfShape plants secrets in configurations whose endpoints become invalid with
// their arguments.
func (m *matrix) outOfShape() []func() {
	var jobs []func()
	for _, at := range places {
		name := at.name + "_shape"
		c := m.garden.configure(name, at, nasty, at.methods[0], m.parrot.URL+"/api/"+name+"/{{segment}}", m.parrot.URL+"/token/"+name+"?as=given")
		c.doc["fields"] = append(c.doc["fields"].([]document), document{"name": "segment", "type": "string", "in": "path", "required": true})
		jobs = append(jobs, func() {
			m.plant(c)
			for _, segment := range unsayable {
				arguments := document{"how": "text-200", "segment": segment}
				m.say("POST", "/api/execute/"+name, document{"arguments": arguments}.String())
				m.say("POST", "/api/configs/"+name+"/test", document{"send": true, "arguments": arguments}.String())
				m.say("POST", "/api/test", document{"send": true, "arguments": arguments, "config": c.doc}.String())
				combinations.Add(3)
			}
		})
	}
	return jobs
}

// tokenAnswers are how a provider answers, besides with a token.
var tokenAnswers = []string{"same", "nowhere", "unsafe", "error", "code", "text-200", "json-200", "json-400", "gzip-401", "html-404", "header-302", "header-429",
	"text-500", "chunks-503", "reset", "half", "garbled", "length"}

// atProvider lets the provider say in every way what it was told.
func (m *matrix) atProvider() []func() {
	var jobs []func()
	for _, at := range places {
		for _, as := range tokenAnswers {
			if at.token {
				name := at.name + "_as_" + strings.ToLower(strings.ReplaceAll(as, "-", "_"))
				c := m.garden.configure(name, at, nasty, at.methods[0], m.parrot.URL+"/api/"+name, m.parrot.URL+"/token/"+name+"?as="+as)
				c.provider = as
				jobs = append(jobs, func() {
					m.plant(c)
					for range 2 { // the second time by the back-off
						m.call(c, "json-200")
					}
					m.try(c, "json-200")
				})
			}
		}
	}
	return jobs
}

// slow are calls of which an answer does not come in time. Each takes a second.
func (m *matrix) slow() []func() {
	var jobs []func()
	for _, at := range places {
		name := at.name + "_slow"
		c := m.garden.configure(name, at, nasty, at.methods[0], m.parrot.URL+"/api/"+name, m.parrot.URL+"/token/"+name+"?as=given")
		c.doc["timeoutSeconds"] = 1
		jobs = append(jobs, m.inParallel(c, "hang")...)
		if at.token {
			name += "_token"
			c := m.garden.configure(name, at, nasty, at.methods[0], m.parrot.URL+"/api/"+name, m.parrot.URL+"/token/"+name+"?as=hang")
			c.provider = "hang"
			c.doc["timeoutSeconds"] = 1
			jobs = append(jobs, m.inParallel(c, "json-200")...)
		}
	}
	return jobs
}

func (m *matrix) inParallel(c *configuration, how string) []func() {
	var once sync.Once
	plant := func() { once.Do(func() { m.plant(c) }) }
	return []func(){func() { plant(); m.call(c, how) }, func() { plant(); m.try(c, how) }}
}

// cuts are answers that are cut off at the limit, everywhere in a secret in each
// encoding.
func (m *matrix) cuts() []func() {
	var jobs []func()
	for _, at := range places {
		if at.name != "bearer" && at.name != "key_query" {
			continue
		}
		name := at.name + "_cut"
		c := m.garden.configure(name, at, tame, "GET", m.parrot.URL+"/api/"+name, "")
		c.doc["maxResponseBytes"] = limit
		var once sync.Once
		for n, e := range encodings {
			length := len(e.encode(c.grown[0]))
			step := 1 + length/12
			if n == 0 {
				step = 1
			}
			for before := range length + 2 {
				if before%step == n%step {
					jobs = append(jobs, func() {
						once.Do(func() { m.plant(c) })
						m.cutAt(c, n, before)
					})
				}
			}
		}
	}
	return jobs
}

// cutAt calls for an answer of which the limit is so many bytes behind the
// beginning of the secret. What comes is what stands around the secret, and masks.
func (m *matrix) cutAt(c *configuration, number, before int) {
	got := m.say("POST", "/api/execute/"+c.name, document{"arguments": document{"how": fmt.Sprintf("cut-%d-%d", number, before)}}.String())
	var e struct{ Response struct{ Body string } }
	if err := json.Unmarshal([]byte(got.body), &e); err != nil {
		m.t.Errorf("%s: %v in %.300s", c.name, err, got.body)
	}
	left := strings.TrimLeft(e.Response.Body, ".")
	left = strings.TrimRight(left, "!")
	for mask := "[secret]"; mask != ""; mask = mask[:len(mask)-1] {
		left = strings.ReplaceAll(left, mask, "")
	}
	if len(e.Response.Body) < limit/2 || len(left) > len(frames[encodings[number].name]) {
		m.t.Errorf("%s, cut %d bytes after its beginning: %q is left of %.900s", encodings[number].name, before, left, got.body)
	}
	combinations.Add(1)
}
