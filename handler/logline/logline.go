// Package logline writes the log: JSON, one line a message, INFO and below to
// one stream and WARN and above to another, because the Functions host reads
// the level off the stream and not off the line.
package logline

import (
	"context"
	"io"
	"log/slog"
)

// New returns a logger that writes lines of at least level to out, or to errs
// from WARN on. Lines carry the attributes that With put into their context.
func New(out, errs io.Writer, level slog.Leveler) *slog.Logger {
	opts := &slog.HandlerOptions{Level: level}
	return slog.New(&split{low: slog.NewJSONHandler(out, opts), high: slog.NewJSONHandler(errs, opts)})
}

type contextKey struct{}

// With returns a context whose log lines carry attrs besides those that ctx has.
func With(ctx context.Context, attrs ...slog.Attr) context.Context {
	old, _ := ctx.Value(contextKey{}).([]slog.Attr)
	return context.WithValue(ctx, contextKey{}, append(old[:len(old):len(old)], attrs...))
}

// split hands each line to the stream of its level.
type split struct{ low, high slog.Handler }

func (s *split) of(level slog.Level) slog.Handler {
	if level >= slog.LevelWarn {
		return s.high
	}
	return s.low
}

// Enabled implements slog.Handler.
func (s *split) Enabled(ctx context.Context, level slog.Level) bool {
	return s.of(level).Enabled(ctx, level)
}

// Handle implements slog.Handler.
func (s *split) Handle(ctx context.Context, r slog.Record) error {
	if attrs, ok := ctx.Value(contextKey{}).([]slog.Attr); ok {
		r = r.Clone() // another handler may hold the same record
		r.AddAttrs(attrs...)
	}
	return s.of(r.Level).Handle(ctx, r)
}

// WithAttrs implements slog.Handler.
func (s *split) WithAttrs(attrs []slog.Attr) slog.Handler {
	return &split{low: s.low.WithAttrs(attrs), high: s.high.WithAttrs(attrs)}
}

// WithGroup implements slog.Handler.
func (s *split) WithGroup(name string) slog.Handler {
	return &split{low: s.low.WithGroup(name), high: s.high.WithGroup(name)}
}
