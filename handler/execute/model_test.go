package execute_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"callout/handler/callout"
	"callout/handler/catalog"
	"callout/handler/execute"
)

// model is what may be true of one execution, as far as those who look from outside
// can know it.
type model struct {
	note     string
	key      string
	expires  time.Time
	version  string           // of the configuration that made it
	verdict  callout.Decision // the first that was acknowledged
	doubtful bool             // a step of it failed, so that it may have been taken
	end      callout.Status   // once final, for ever
	edited   string           // the note that a technician put in its place
}

// play is a run of random steps over two instances that share a store.
type play struct {
	*house
	random    *rand.Rand
	instances []*execute.Executor
	models    map[string]*model // by execution
	order     []string
	notes     int
	version   string // of the configuration, which may have been deleted and made anew
	deleted   bool
	steps     map[string]int
}

// TestRandomLives plays calls, decisions, edits, changes, deletions, waits, crashes
// and runs of the timer in random order, and checks after each step that nothing
// was sent twice, that nothing was sent without a yes, and that what was final or
// decided stays so.
func TestRandomLives(t *testing.T) {
	var mu sync.Mutex
	ends := map[callout.Status]int{}
	t.Cleanup(func() {
		t.Logf("30 lives: %v", ends)
		for _, status := range []callout.Status{callout.Succeeded, callout.Denied, callout.Expired, callout.Failed, callout.Unknown} {
			if ends[status] == 0 {
				t.Errorf("no execution is %s in the end", status)
			}
		}
	})
	for seed := range uint64(30) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			t.Parallel()
			h := newHouse(t, fine)
			p := &play{house: h, random: rand.New(rand.NewPCG(seed, 7)), models: map[string]*model{}, steps: map[string]int{}}
			p.instances = append(p.instances, h.Executor)
			h.start()
			p.instances = append(p.instances, h.Executor)
			p.change()
			for range 150 {
				p.step()
				p.check()
			}
			p.executions.failAt(-1, false)
			p.clock.pass(2 * day)
			p.timer()
			p.check()
			p.wantSettled()
			mu.Lock()
			defer mu.Unlock()
			for id := range p.models {
				ends[p.read(id).Status]++
			}
		})
	}
}

func (p *play) step() {
	steps := map[string]func(){
		"ask": p.askStep, "approve": func() { p.decide("approve") }, "deny": func() { p.decide("deny") }, "edit": func() { p.decide("edit") },
		"repeat": p.repeat, "change": p.change, "delete": p.deleteConfig, "wait": p.wait, "crash": p.crash, "timer": p.timer,
	}
	names := []string{"ask", "ask", "ask", "ask", "approve", "approve", "approve", "deny", "edit", "repeat", "change", "delete", "wait", "crash", "crash", "timer"}
	name := names[p.random.IntN(len(names))]
	p.steps[name]++
	steps[name]()
}

func (p *play) instance() *execute.Executor { return p.instances[p.random.IntN(len(p.instances))] }

// some returns an execution that there has been, by preference a young one.
func (p *play) some() string {
	if len(p.order) == 0 {
		return ""
	}
	return p.order[max(0, len(p.order)-1-p.random.IntN(min(8, len(p.order))))]
}

func (p *play) askStep() {
	p.notes++
	p.callWith(fmt.Sprintf("note %d", p.notes), fmt.Sprintf("key-%d", p.notes))
}

func (p *play) callWith(note, key string) {
	e, err := p.instance().Do(p.t.Context(), execute.Call{Config: "api", Arguments: p.arguments(`{"note": "` + note + `"}`), Key: key})
	if err != nil {
		return // refused, or the store failed: what may be on record is found by its key
	}
	if p.models[e.ID] == nil {
		p.models[e.ID] = &model{note: note, key: key, version: versionOf(e.ConfigID, e.Approval.ConfigVersion), expires: e.Approval.ExpiresAt}
		p.order = append(p.order, e.ID)
	}
}

// repeat makes a call again with its key: there must be no other execution.
func (p *play) repeat() {
	id := p.some()
	if id == "" || p.deleted {
		return
	}
	m, before := p.models[id], len(p.order)
	if p.clock.now().Sub(p.created(id)) < 23*time.Hour && m.version == p.version {
		p.callWith(m.note, m.key)
		if len(p.order) > before {
			p.t.Errorf("the key of %s made another execution", id)
		}
	}
}

func (p *play) created(id string) time.Time { return p.read(id).CreatedAt }

func (p *play) decide(how string) {
	id := p.some()
	if id == "" {
		return
	}
	m, x := p.models[id], p.instance()
	ruling := execute.Ruling{By: "kim", Reason: "no"}
	verdict, do := callout.DecisionApproved, x.Approve
	switch how {
	case "deny":
		verdict, do = callout.DecisionDenied, x.Deny
	case "edit":
		ruling.Arguments = p.arguments(`{"note": "` + m.note + ` edited"}`)
	}
	e, err := do(p.t.Context(), id, ruling)
	var refusal *callout.Error
	switch {
	case err == nil && m.verdict == "" && e.Approval.Decision == verdict:
		m.verdict = verdict
	case err == nil && e.Approval.Decision != verdict:
		p.t.Errorf("%s of %s was answered with %s", how, id, e.Approval.Decision)
	case errors.As(err, &refusal) && refusal.Code == callout.StorageUnavailable:
		m.doubtful = true
	}
	if now := p.read(id); m.edited == "" && now.Approval.OriginalDigest != "" {
		m.edited = m.note + " edited"
	}
}

// change stores the configuration anew, which makes what waits out of date.
func (p *play) change() {
	document := p.document(strings.Replace(careful, `, "auth"`, fmt.Sprintf(`, "description": "%d", "auth"`, p.random.Int()), 1))
	saved, _, err := p.Catalog.Put(p.t.Context(), p.decode(document), catalog.Condition{})
	if err != nil {
		p.t.Fatal(err)
	}
	p.version, p.deleted = versionOf(saved.ID, saved.Version), false
	p.clock.pass(2 * time.Hour) // beyond what the other instance keeps in memory
}

func versionOf(id string, n int) string { return fmt.Sprint(id, " ", n) }

func (p *play) deleteConfig() {
	p.remove()
	p.deleted = true
	p.clock.pass(2 * time.Hour)
}

func (p *play) wait() { p.clock.pass(time.Duration(p.random.Int64N(int64(8 * time.Hour)))) }

// crash makes one of the next writes fail, done or not, as a kill does; the process
// begins again with nothing in memory.
func (p *play) crash() {
	p.executions.failAt(p.random.IntN(4), p.random.IntN(2) == 0)
	if p.random.IntN(2) == 0 {
		old := p.executions
		p.start()
		p.executions, p.instances = old, []*execute.Executor{p.instances[0], p.Executor}
	}
}

func (p *play) timer() { _, _ = p.instance().Tend(p.t.Context()) }

// check compares what is on record, and what reached the API, with the models.
func (p *play) check() {
	p.t.Helper()
	sent := map[string]int{}
	for _, r := range p.api.requests() {
		sent[r.body]++
	}
	for id, m := range p.models {
		e := p.read(id)
		asked, edited := sent[`{"note":"`+m.note+`"}`], sent[`{"note":"`+m.note+` edited"}`]
		n := asked + edited
		if wrong := p.untrue(e, m, n); wrong != "" || n > 1 || edited > 0 && e.Approval.OriginalDigest == "" || asked > 0 && e.Approval.OriginalDigest != "" {
			p.t.Fatalf("%s is %s, decided %q, and was sent %d times as asked for and %d times edited: %s", id, e.Status, e.Approval.Decision, asked, edited, wrong)
		}
		if e.Status.Final() {
			m.end = e.Status
		}
	}
	if seen := len(p.api.requests()); seen > len(p.models) {
		p.t.Fatalf("%d requests of %d executions", seen, len(p.models))
	}
}

// untrue says what cannot be.
func (p *play) untrue(e *callout.Execution, m *model, n int) string {
	never := e.Status == callout.PendingApproval || e.Status == callout.Denied || e.Status == callout.Expired || e.Status == callout.Approved
	changed := e.Error != nil && e.Error.Code == callout.ConfigChanged
	switch {
	case m.end != "" && e.Status != m.end && !(m.end == callout.Unknown && e.Status.Final()):
		return "it was final as " + string(m.end)
	case m.verdict != "" && e.Approval.Decision != m.verdict:
		return "it was decided otherwise"
	case (never || changed) && n > 0:
		return "it was sent all the same"
	case e.Status == callout.Succeeded && n != 1:
		return "it succeeded without"
	case n > 0 && e.Approval.Decision != callout.DecisionApproved:
		return "nobody approved it"
	case changed && versionOf(e.ConfigID, e.Approval.ConfigVersion) == p.version && !p.deleted:
		return "nothing has changed"
	}
	return ""
}

// wantSettled checks that nothing waits any more once its time is over.
func (p *play) wantSettled() {
	p.t.Helper()
	for id := range p.models {
		if e := p.read(id); !e.Status.Final() {
			p.t.Errorf("%s is %s in the end", id, e.Status)
		}
	}
}
