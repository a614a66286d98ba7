package fakehost

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"sync"
)

// Level is the level that the host gives to a line.
type Level string

// The levels. The host decides by the stream and by the word "warn", and
// never reads a level inside the line.
const (
	Information Level = "Information"
	Warning     Level = "Warning"
	Error       Level = "Error"
)

// Stream says where a line came from.
type Stream string

// The streams. Invocation is the Logs of a timer's answer.
const (
	Stdout     Stream = "stdout"
	Stderr     Stream = "stderr"
	Invocation Stream = "invocation"
)

// Line is one message of the log. One line of output is one message.
type Line struct {
	Level  Level
	Text   string
	Stream Stream
}

func levelOf(stream Stream, text string) Level {
	switch {
	case stream != Stderr:
		return Information
	case strings.Contains(strings.ToLower(text), "warn"):
		return Warning
	}
	return Error
}

// recorder keeps lines in the order of their arrival.
type recorder struct {
	onLine func(Line)

	mu    sync.Mutex
	lines []Line
}

func (r *recorder) record(stream Stream, text string) {
	line := Line{Level: levelOf(stream, text), Text: text, Stream: stream}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.lines = append(r.lines, line)
	if r.onLine != nil {
		r.onLine(line)
	}
}

func (r *recorder) all() []Line {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.lines)
}

// quote writes each line on its own line, indented.
func quote(lines []Line) string {
	var b strings.Builder
	for _, line := range lines {
		fmt.Fprintf(&b, "\n\t%s: %s", line.Level, line.Text)
	}
	return b.String()
}

// lineWriter cuts a stream into lines. One goroutine writes to it.
type lineWriter struct {
	recorder *recorder
	stream   Stream
	rest     []byte
}

// Write records every line that p completes.
func (w *lineWriter) Write(p []byte) (int, error) {
	w.rest = append(w.rest, p...)
	for {
		line, rest, found := bytes.Cut(w.rest, []byte("\n"))
		if !found {
			return len(p), nil
		}
		w.recorder.record(w.stream, string(bytes.TrimSuffix(line, []byte("\r"))))
		w.rest = rest
	}
}

// flush records what a process wrote last, without the end of a line.
func (w *lineWriter) flush() {
	if len(w.rest) > 0 {
		w.recorder.record(w.stream, string(w.rest))
		w.rest = nil
	}
}
