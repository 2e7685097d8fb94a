package rbachttp

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
)

// log describes a request to the log, before attrs. The path is left to the
// access log: it may hold what does not belong there.
func (o *options) log(r *http.Request, level slog.Level, message string, attrs ...slog.Attr) {
	attrs = append([]slog.Attr{slog.String("method", cut(r.Method)), slog.String("pattern", r.Pattern)}, attrs...)
	o.logger.LogAttrs(r.Context(), level, message, attrs...)
}

// cut bounds what a request brings into the log. Ids that exist are shorter.
func cut(s string) string {
	const most = 255
	if len(s) > most {
		return s[:most] + "…"
	}
	return s
}

// logUnusedScope is the default of WithUnusedScope.
func (o *options) logUnusedScope(r *http.Request, need Requirement) {
	o.log(r, slog.LevelError, "rbachttp: a handler did not look at the scope of its caller: it may have shown everybody's records",
		slog.String("need", need.String()))
}

// clientGone reports whether a request ended because its client went away,
// which is nothing to wake anybody for. A deadline is: it is the server's own,
// and a store that hangs would show in no other way.
func clientGone(r *http.Request) bool {
	return errors.Is(r.Context().Err(), context.Canceled)
}
