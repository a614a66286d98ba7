package httpapi

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"callout/handler/schema"
)

// The seeds of all bodies: sound ones, and one of each kind of mistake. The
// canary stands for what a caller would not want to read in a log.
var seeds = []string{
	``, `null`, `{}`, `[]`, `"` + canary + `"`, `{"name":"` + canary + `"`, `{"a":1,"a":2}`, "{\"\xff\":1}", `{"a":1e400}`,
	`{"name":"crm","endpoint":"https://nowhere.invalid/v1","method":"POST","approval":"none","auth":{"type":"bearer","token":"` + canary + `"},` +
		`"headers":[{"name":"X-Key","value":"` + canary + `"}],"fields":[{"name":"a","type":"string","default":"x"},{"name":"b","type":"array","in":"query","items":{"type":"integer","minimum":1e2}}]}`,
	`{"endpoint":"https://` + canary + `@h/{x}","method":"GET","timeoutSeconds":3e1,"maxResponseBytes":1.0,"version":1.5,"createdAt":"` + canary + `"}`,
	`{"name":null,"auth":null,"headers":null,"fields":null,"labels":{"a":null},"endpoint":null,"method":null}`,
	`{"auth":{"type":"basic","username":"` + canary + `:","usernameSecret":true,"password":null}}`,
	`{"auth":{"token":null},"headers":[{"name":"X-Key","value":null,"secret":true}],"description":null}`,
	`{"endpoint":"https://hooks.slack.com/services/` + canary + `","method":"POST","endpointSecret":null}`,
	`{"name":"crm","endpoint":"https://nowhere.invalid/v1","method":"GET","approval":"none","auth":{"type":"oauth2ClientCredentials","tokenUrl":"https://nowhere.invalid/token",` +
		`"parameters":[{"name":"client_secret","value":"` + canary + `"},{"name":"resource","value":"a"},{"name":"resource","value":null}],"tokenAuth":{"type":"basic","username":"u","password":"` + canary + `"},` +
		`"refreshOn":[4.03e2,500.0],"defaultLifetimeSeconds":6e2,"tokenPath":"a.b"}}`,
	`{"auth":{"tokenUrl":null,"parameters":[{"name":"token","value":null}],"tokenAuth":{"token":null},"refreshOn":["` + canary + `",null,1e300],"defaultLifetimeSeconds":1.5}}`,
	`{"name":"crm","endpoint":"https://nowhere.invalid/{{id}}/{{secret.k}}?q={{q}}","method":"PUT","approval":"none","secretValues":{"k":"` + canary + `","l":"` + canary + `"},"bodyFormat":"json",` +
		`"body":{"z":["{{q}}",1.50,null],"a":"x {{secret.l}}"},"headers":[{"name":"X-Key","value":"` + canary + `{{id}}"},{"name":"A","value":"{{q}}"}],` +
		`"fields":[{"name":"id","type":"integer","in":"path","required":true},{"name":"q","type":"string"},{"name":"X-T","type":"string","in":"header"}]}`,
	`{"name":"crm","endpoint":"https://nowhere.invalid/{{id}}","endpointSecret":true,"method":"POST","bodyFormat":"form","secretValues":null,"body":{"a[b]":"{{id}}"},"fields":[{"name":"id","type":"string","default":"1"}]}`,
	`{"secretValues":{"a":null,"b":7,"c":"` + canary + `","d":"1"},"body":null,"bodyFormat":null}`, `{"body":{"a":{"b":null}},"secretValues":{"x":"{{` + canary + `}}"}}`,
	`{"fields":[{"name":"a","type":"number","enum":[1,1.0,"` + canary + `"],"default":{"x":[]}},{"name":"a"},null,1]}`,
	`{"arguments":{"text":"` + canary + `","count":1,"on":true,"list":[1],"any":{"a":null}},"context":{"ticket":"` + canary + `"},"send":true}`,
	`{"arguments":{"text":null,"count":1.5},"send":false}`, `{"arguments":[],"context":{"a":1}}`,
	`{"config":{"name":"d","endpoint":"https://nowhere.invalid/","method":"GET"},"send":true}`, `{"config":{"nope":1},"nope":1}`, `{"config":null}`,
	strings.Repeat(`{"a":[`, 20) + `1` + strings.Repeat(`]}`, 20),
}

func seed(f *testing.F) {
	for _, s := range seeds {
		f.Add([]byte(s))
	}
}

// serve answers a request without a network, and holds the answer against what
// is true of all: no failure of our own, the right shape, no value quoted.
func (s *service) serve(t *testing.T, method, target, body string, headers ...string) answer {
	t.Helper()
	req := httptest.NewRequest(method, "http://127.0.0.1/", strings.NewReader(body))
	var err error
	if req.URL, err = url.ParseRequestURI(target); err != nil {
		return answer{status: http.StatusBadRequest} // net/http itself refuses it
	}
	req.RequestURI = target
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	rec := httptest.NewRecorder()
	s.handler.ServeHTTP(rec, req)
	got := answer{rec.Code, rec.Header(), rec.Body.Bytes()}
	s.t = t
	s.conventional(got)
	s.promised(method, target, got)
	if got.status >= 500 {
		t.Errorf("%s %s: status %d\n%s", method, target, got.status, s.log)
	}
	if got.status >= 400 && !inNames(body, canary) && strings.Contains(string(got.body), canary) {
		t.Errorf("a submitted value is quoted in %s", got.body)
	}
	if strings.Contains(s.log.String(), canary) {
		t.Errorf("a submitted value is logged: %s", s.log)
	}
	s.log.out.b.Reset()
	s.log.errs.b.Reset()
	return got
}

// inNames reports whether a member of the document has text in its name, which
// an error may repeat to say where it is.
func inNames(body, text string) bool {
	v, err := schema.Parse([]byte(body))
	if err != nil {
		return false
	}
	return strings.Contains(strings.Join(allNames(v), " "), text)
}

func allNames(v any) []string {
	var out []string
	switch v := v.(type) {
	case doc:
		for name, member := range v {
			out = append(append(out, name), allNames(member)...)
		}
	case []any:
		for _, element := range v {
			out = append(out, allNames(element)...)
		}
	}
	return out
}

func FuzzCreate(f *testing.F) {
	seed(f)
	s := wire(f, closed)
	f.Fuzz(func(t *testing.T, body []byte) {
		got := s.serve(t, "POST", "/api/configs", string(body))
		if got.status == http.StatusCreated {
			s.serve(t, "DELETE", "/api/configs/"+got.object(t)["name"].(string), "")
		}
		s.t = t
		s.untouched()
	})
}

// What a PUT accepts, a GET gives back in a form that a PUT accepts again and
// that changes nothing.
func FuzzPut(f *testing.F) {
	seed(f)
	s := wire(f, closed)
	f.Fuzz(func(t *testing.T, body []byte) {
		if got := s.serve(t, "PUT", "/api/configs/crm", string(body)); got.status == http.StatusCreated {
			read := s.serve(t, "GET", "/api/configs/crm", "")
			again := s.serve(t, "PUT", "/api/configs/crm", string(read.body))
			if again.status != http.StatusOK {
				t.Fatalf("%s\nis refused: %s", read.body, again.body)
			}
			if string(again.body) != string(read.body) {
				t.Errorf("read  %s\nagain %s", read.body, again.body)
			}
			s.serve(t, "DELETE", "/api/configs/crm", "")
		}
		s.t = t
		s.untouched()
	})
}

func FuzzPatch(f *testing.F) {
	seed(f)
	s := wire(f, closed)
	f.Fuzz(func(t *testing.T, body []byte) {
		start := `{"endpoint":"https://api.example.com/v1","method":"POST","description":"old","labels":{"a":"1"},` +
			`"auth":{"type":"bearer","token":"the-stored-token"},"headers":[{"name":"X-Key","value":"the-stored-key {{a}}"}],` +
			`"secretValues":{"x":"the-stored-value"},"body":{"b":1.0,"a":{"x":"{{a}}{{secret.x}}"}},"fields":[{"name":"a","type":"string"}]}`
		before := s.serve(t, "PUT", "/api/configs/crm", start)
		got := s.serve(t, "PATCH", "/api/configs/crm", string(body))
		after := s.serve(t, "GET", "/api/configs/crm", "")
		if got.status >= 400 && string(after.body) != string(before.body) {
			t.Errorf("%d, and yet it changed to %s", got.status, after.body)
		}
		if strings.Contains(string(got.body)+string(after.body), "the-stored-") && !strings.Contains(string(body), "the-stored-") {
			t.Errorf("a stored secret is shown in %s", got.body)
		}
		s.serve(t, "DELETE", "/api/configs/crm", "")
	})
}

// callable is a configuration with a field of each kind, whose calls fail.
const callable = `{"endpoint":"https://nowhere.invalid/v1","method":"POST","approval":"none","auth":{"type":"bearer","token":"the-stored-token"},"fields":[` +
	`{"name":"text","type":"string","maxLength":40},{"name":"count","type":"integer","minimum":0,"in":"query"},{"name":"on","type":"boolean"},` +
	`{"name":"list","type":"array","items":{"type":"number"},"in":"query"},{"name":"any","type":"object"},{"name":"pick","type":"string","enum":["a","b"],"default":"a"}]}`

func FuzzExecute(f *testing.F) {
	seed(f)
	s := wire(f, closed)
	f.Fuzz(func(t *testing.T, body []byte) {
		s.serve(t, "PUT", "/api/configs/crm", callable)
		before := s.serve(t, "GET", "/api/executions?top=1", "")
		got := s.serve(t, "POST", "/api/execute/crm", string(body))
		after := s.serve(t, "GET", "/api/executions?top=1", "")
		if recorded := string(after.body) != string(before.body); recorded != (got.status == 200) {
			t.Errorf("status %d, in the history: %v", got.status, recorded)
		}
		if strings.Contains(string(got.body), "the-stored-token") {
			t.Errorf("the credential is shown in %s", got.body)
		}
	})
}

func FuzzTest(f *testing.F) {
	seed(f)
	s := wire(f, closed)
	f.Fuzz(func(t *testing.T, body []byte) {
		s.serve(t, "DELETE", "/api/configs/crm", "")
		s.serve(t, "PUT", "/api/configs/crm", callable)
		got := s.serve(t, "POST", "/api/configs/crm/test", string(body))
		kept := s.serve(t, "GET", "/api/configs/crm", "").object(t)["lastTest"] != nil
		if kept != (got.status == 200) {
			t.Errorf("status %d, outcome kept: %v", got.status, kept)
		}
		if strings.Contains(string(got.body), "the-stored-token") {
			t.Errorf("the credential is shown in %s", got.body)
		}
	})
}

func FuzzTestDraft(f *testing.F) {
	for _, s := range seeds {
		f.Add([]byte(s))
		f.Add([]byte(`{"config":` + s + `,"send":true,"arguments":{"a":"` + canary + `"}}`))
	}
	s := wire(f, closed)
	f.Fuzz(func(t *testing.T, body []byte) {
		s.serve(t, "POST", "/api/test", string(body))
		s.t = t
		s.untouched()
	})
}

func FuzzListQuery(f *testing.F) {
	for _, q := range []string{"", "top=1", "top=1001&after=x", "after=01J0000000000000000000000A", "after=%00", "top=%zz", canary + "=" + canary, "code=" + canary, "a;b", "top=1&top=2"} {
		f.Add(q)
	}
	s := wire(f, closed)
	f.Fuzz(func(t *testing.T, query string) {
		for _, list := range []string{"/api/configs", "/api/executions"} {
			if got := s.serve(t, "GET", list+"?"+query, ""); got.status != 200 && got.status != 400 {
				t.Errorf("%s?%q: status %d", list, query, got.status)
			}
		}
	})
}

func FuzzConditions(f *testing.F) {
	for _, c := range []string{"", "*", `"x"`, `W/"x"`, `"a","b"`, ",", `"`, canary, "* , *"} {
		f.Add(c, c)
	}
	s := wire(f, closed)
	f.Fuzz(func(t *testing.T, match, none string) {
		s.serve(t, "DELETE", "/api/configs/crm", "")
		before := s.serve(t, "PUT", "/api/configs/crm", callable)
		got := s.serve(t, "PATCH", "/api/configs/crm", `{"enabled":false}`, "If-Match", match, "If-None-Match", none)
		after := s.serve(t, "GET", "/api/configs/crm", "")
		if changed := string(after.body) != string(before.body); changed != (got.status == 200) {
			t.Errorf("status %d, changed: %v", got.status, changed)
		}
	})
}
