package workspacetest

import (
	"context"
	"log/slog"
	"strings"
	"sync"

	"github.com/areagate/rbac"
)

// Log is a slog.Handler that keeps what an Authorizer reports: a line each of
// its level, message and attributes.
type Log struct {
	mu    sync.Mutex
	lines []string
}

// Option makes an Authorizer report to l.
func (l *Log) Option() rbac.Option { return rbac.WithLogger(slog.New(l)) }

// Enabled implements [slog.Handler].
func (l *Log) Enabled(context.Context, slog.Level) bool { return true }

// WithAttrs implements [slog.Handler].
func (l *Log) WithAttrs([]slog.Attr) slog.Handler { return l }

// WithGroup implements [slog.Handler].
func (l *Log) WithGroup(string) slog.Handler { return l }

// Handle implements [slog.Handler].
func (l *Log) Handle(_ context.Context, r slog.Record) error {
	line := r.Level.String() + " " + r.Message
	r.Attrs(func(a slog.Attr) bool {
		line += " " + a.String()
		return true
	})
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lines = append(l.lines, line)
	return nil
}

// Containing returns the lines that have all these parts.
func (l *Log) Containing(parts ...string) []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	var found []string
	for _, line := range l.lines {
		has := true
		for _, part := range parts {
			has = has && strings.Contains(line, part)
		}
		if has {
			found = append(found, line)
		}
	}
	return found
}

// String returns all lines.
func (l *Log) String() string { return strings.Join(l.Containing(), "\n") }
