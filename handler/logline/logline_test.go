package logline_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"callout/handler/logline"
	"callout/handler/secret"
)

// streams are what a logger writes to.
type streams struct{ out, errs bytes.Buffer }

func (s *streams) logger(level slog.Leveler) *slog.Logger { return logline.New(&s.out, &s.errs, level) }

// line reads the only line of a stream.
func line(t *testing.T, stream *bytes.Buffer) map[string]any {
	t.Helper()
	var out map[string]any
	if err := json.Unmarshal(stream.Bytes(), &out); err != nil {
		t.Fatalf("%q is no line of JSON: %v", stream, err)
	}
	if !strings.HasSuffix(stream.String(), "}\n") || strings.Count(stream.String(), "\n") != 1 {
		t.Errorf("%q is not one line", stream)
	}
	return out
}

func TestLevelsAndStreams(t *testing.T) {
	const debug, info, warn, erring = slog.LevelDebug, slog.LevelInfo, slog.LevelWarn, slog.LevelError
	for _, tt := range []struct {
		least, level slog.Level
		out, errs    int // lines
	}{
		{info, debug, 0, 0}, {info, info, 1, 0}, {info, warn - 1, 1, 0}, {info, warn, 0, 1}, {info, erring, 0, 1},
		{debug, debug, 1, 0}, {debug, debug - 1, 0, 0}, {debug, erring, 0, 1},
		{warn, info, 0, 0}, {warn, warn, 0, 1},
		{erring, warn, 0, 0}, {erring, erring, 0, 1}, {erring, erring + 4, 0, 1},
	} {
		var s streams
		log := s.logger(tt.least)
		log.Log(t.Context(), tt.level, "m")
		out, errs := strings.Count(s.out.String(), "\n"), strings.Count(s.errs.String(), "\n")
		if out != tt.out || errs != tt.errs {
			t.Errorf("%s from %s on: %d lines out and %d errors, want %d and %d", tt.level, tt.least, out, errs, tt.out, tt.errs)
		}
		if log.Enabled(t.Context(), tt.level) != (tt.out+tt.errs > 0) {
			t.Errorf("%s from %s on: Enabled says otherwise", tt.level, tt.least)
		}
	}
}

func TestLine(t *testing.T) {
	var s streams
	s.logger(slog.LevelInfo).Warn("a message\nof two lines", "config", "crm", "durationMs", 84, "token", secret.New("canary"))
	got := line(t, &s.errs)
	at, err := time.Parse(time.RFC3339Nano, fmt.Sprint(got["time"]))
	if err != nil || time.Since(at) > time.Hour {
		t.Errorf("the time is %v", got["time"])
	}
	delete(got, "time")
	want := map[string]any{"level": "WARN", "msg": "a message\nof two lines", "config": "crm", "durationMs": 84.0, "token": "[secret]"}
	if !maps.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

// The attributes of the context are on every line of either stream, in front of
// nobody's and in nobody's place.
func TestContext(t *testing.T) {
	request := logline.With(context.Background(), slog.String("service", "callout"))
	request = logline.With(request, slog.String("a", "1"))
	request = logline.With(request, slog.String("requestId", "r1")) // leaves room behind it, which siblings must not share
	call := logline.With(request, slog.String("config", "crm"), slog.Int("attempt", 1))
	another := logline.With(request, slog.String("config", "another"))
	other := logline.With(request, slog.String("config", "other"))
	for _, tt := range []struct {
		name string
		ctx  context.Context
		want map[string]any
	}{
		{"none", context.Background(), map[string]any{"k": "v"}},
		{"one", request, map[string]any{"k": "v", "service": "callout", "a": "1", "requestId": "r1"}},
		{"more are added", call, map[string]any{"k": "v", "service": "callout", "a": "1", "requestId": "r1", "config": "crm", "attempt": 1.0}},
		{"a sibling", another, map[string]any{"k": "v", "service": "callout", "a": "1", "requestId": "r1", "config": "another"}},
		{"its sibling", other, map[string]any{"k": "v", "service": "callout", "a": "1", "requestId": "r1", "config": "other"}},
	} {
		for _, level := range []slog.Level{slog.LevelInfo, slog.LevelError} {
			t.Run(fmt.Sprint(tt.name, " ", level), func(t *testing.T) {
				var s streams
				s.logger(slog.LevelInfo).Log(tt.ctx, level, "m", "k", "v")
				stream := &s.out
				if level == slog.LevelError {
					stream = &s.errs
				}
				got := line(t, stream)
				maps.DeleteFunc(got, func(name string, _ any) bool { return slices.Contains([]string{"time", "level", "msg"}, name) })
				if !maps.Equal(got, tt.want) {
					t.Errorf("got %v, want %v", got, tt.want)
				}
			})
		}
	}
}

func TestWithAttrsAndGroups(t *testing.T) {
	var s streams
	log := s.logger(slog.LevelInfo).With("service", "callout")
	log.Info("m")
	log.With("part", "sweep").Error("m")
	if got := line(t, &s.out); got["service"] != "callout" || got["part"] != nil {
		t.Errorf("got %v", got)
	}
	if got := line(t, &s.errs); got["service"] != "callout" || got["part"] != "sweep" {
		t.Errorf("got %v", got)
	}
	s = streams{}
	s.logger(slog.LevelInfo).WithGroup("call").Warn("m", "attempt", 1)
	if got := line(t, &s.errs); !maps.Equal(got["call"].(map[string]any), map[string]any{"attempt": 1.0}) {
		t.Errorf("got %v", got)
	}
}

// A fan-out hands the same record to several handlers.
func TestRecordsMayBeShared(t *testing.T) {
	ctx := logline.With(context.Background(), slog.String("requestId", "r1"))
	for n := range 64 { // some of these numbers leave room behind the attributes, which is shared
		var s streams
		handler := s.logger(slog.LevelInfo).Handler()
		record := slog.NewRecord(time.Now(), slog.LevelInfo, "m", 0)
		for i := range n {
			record.AddAttrs(slog.Int("k", i))
		}
		_, _ = handler.Handle(ctx, record), handler.Handle(ctx, record)
		first, second, _ := strings.Cut(strings.TrimSuffix(s.out.String(), "\n"), "\n")
		if first == "" || first != second || strings.Count(first, "requestId") != 1 {
			t.Fatalf("%d attributes: got\n%s\nand\n%s", n, first, second)
		}
	}
}

func TestLinesAreWhole(t *testing.T) {
	var s streams
	log := s.logger(slog.LevelInfo)
	ctx := logline.With(context.Background(), slog.String("requestId", "r1"))
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			for range 50 {
				log.InfoContext(ctx, "m", "writer", i)
				log.ErrorContext(ctx, "m", "writer", i)
			}
		})
	}
	wg.Wait()
	for name, stream := range map[string]*bytes.Buffer{"out": &s.out, "errs": &s.errs} {
		lines := strings.Split(strings.TrimSuffix(stream.String(), "\n"), "\n")
		for _, l := range lines {
			if !json.Valid([]byte(l)) {
				t.Errorf("%s: a line is not whole: %s", name, l)
			}
		}
		if len(lines) != 400 {
			t.Errorf("%s: %d lines, want 400", name, len(lines))
		}
	}
}
