package server

import (
	"context"
	"log/slog"
)

// gate lets through what is at least of a level that can be set.
type gate struct {
	slog.Handler
	level *slog.LevelVar
}

func (g gate) Enabled(ctx context.Context, level slog.Level) bool {
	return level >= g.level.Level() && g.Handler.Enabled(ctx, level)
}

func (g gate) WithAttrs(attrs []slog.Attr) slog.Handler {
	return gate{g.Handler.WithAttrs(attrs), g.level}
}

func (g gate) WithGroup(name string) slog.Handler { return gate{g.Handler.WithGroup(name), g.level} }

// gated holds a log to a level, at first the least that it lets through by itself.
func gated(log *slog.Logger) (*slog.Logger, *slog.LevelVar) {
	level := new(slog.LevelVar)
	level.Set(slog.LevelError)
	for _, l := range []slog.Level{slog.LevelWarn, slog.LevelInfo, slog.LevelDebug} {
		if log.Enabled(context.Background(), l) {
			level.Set(l)
		}
	}
	return slog.New(gate{log.Handler(), level}), level
}
