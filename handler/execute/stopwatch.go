package execute

import (
	"log/slog"
	"sync"
	"time"

	"callout/handler/callout"
)

// Stages of a call that a test has not.
const (
	stageIntent  callout.Stage = "intent"  // the record of what is about to be done
	stageWait    callout.Stage = "wait"    // between two attempts
	stageOutcome callout.Stage = "outcome" // the record of what came of it
)

// stopwatch adds up how long each stage of a call takes. One stage begins where
// the one before ends. A nil stopwatch measures nothing.
type stopwatch struct {
	now func() time.Time

	mu    sync.Mutex
	stage callout.Stage
	since time.Time
	order []callout.Stage
	spent map[callout.Stage]time.Duration
}

// begin ends the present stage and begins another; "" begins none.
func (w *stopwatch) begin(stage callout.Stage) {
	if w == nil {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	now := w.now()
	if w.stage != "" {
		w.add(w.stage, now.Sub(w.since))
	}
	w.stage, w.since = stage, now
}

func (w *stopwatch) add(stage callout.Stage, took time.Duration) {
	if w.spent == nil {
		w.spent = map[callout.Stage]time.Duration{}
	}
	if _, known := w.spent[stage]; !known {
		w.order = append(w.order, stage)
	}
	w.spent[stage] += took
}

// times returns what has been added up, in the order in which the stages ended
// first.
func (w *stopwatch) times() []callout.StageTime {
	w.mu.Lock()
	defer w.mu.Unlock()
	var out []callout.StageTime
	for _, stage := range w.order {
		out = append(out, callout.StageTime{Stage: stage, DurationMS: float64(w.spent[stage].Microseconds()) / 1000})
	}
	return out
}

// attrs is times for the log.
func (w *stopwatch) attrs() slog.Attr {
	var out []any
	for _, s := range w.times() {
		out = append(out, slog.Float64(string(s.Stage), s.DurationMS))
	}
	return slog.Group("stagesMs", out...)
}
