package rbachttp

import (
	"context"
	"errors"
	"log/slog"
	"net/http"

	"github.com/areagate/rbac"
)

// requestAttrs describe a request to the log. The path is left to the access
// log: it may hold what does not belong there.
func requestAttrs(r *http.Request) []slog.Attr {
	return []slog.Attr{slog.String("method", r.Method), slog.String("pattern", r.Pattern)}
}

// clientGone reports whether a request ended because its client went away,
// which is nothing to wake anybody for. A deadline is: it is the server's own,
// and a store that hangs would show in no other way.
func clientGone(r *http.Request) bool {
	return errors.Is(r.Context().Err(), context.Canceled)
}

// fail answers a request for which there is no safe answer.
func (g *Guard) fail(w http.ResponseWriter, r *http.Request, message string, err error) {
	level := slog.LevelError
	if clientGone(r) {
		level = slog.LevelDebug
	}
	g.options.logger.LogAttrs(r.Context(), level, message, append(requestAttrs(r), slog.Any("error", err))...)
	g.WriteProblem(w, r, problemUnavailable)
}

// unauthenticated answers nobody. Anybody can cause it, as often as they like,
// so it is not logged as more than Debug.
func (g *Guard) unauthenticated(w http.ResponseWriter, r *http.Request) {
	g.options.logger.LogAttrs(r.Context(), slog.LevelDebug, "rbachttp: no identity", requestAttrs(r)...)
	g.WriteProblem(w, r, problemUnauthenticated)
}

// deny answers somebody who does not meet the requirement. All are answered
// alike: those who may not, those who are suspended and those who are not
// known.
func (g *Guard) deny(w http.ResponseWriter, r *http.Request, s rbac.Subject, need Requirement, denied []rbac.Decision) {
	attrs := append(requestAttrs(r),
		slog.String("user", s.User()),
		slog.String("workspace", s.Workspace()),
		slog.String("role", string(s.Role())),
		slog.String("need", need.String()),
	)
	if len(denied) > 0 { // the first is enough; need has the others
		attrs = append(attrs,
			slog.String("area", string(denied[0].Area)),
			slog.String("action", denied[0].Action.String()),
			slog.String("reason", denied[0].Reason.String()),
			slog.Int64("revision", denied[0].Revision),
		)
	}
	g.options.logger.LogAttrs(r.Context(), slog.LevelInfo, "rbachttp: denied", attrs...)
	p := problemDenied
	if g.options.missing {
		p.Missing = need.missing(s.Permissions())
	}
	g.WriteProblem(w, r, p)
}

// unreadable answers a path that can be read in too many ways to ask for what
// each of them needs. Like a path that no route has, anybody can send it.
func (g *Guard) unreadable(w http.ResponseWriter, r *http.Request) {
	g.options.logger.LogAttrs(r.Context(), slog.LevelDebug, "rbachttp: a path with too many readings", requestAttrs(r)...)
	g.NotFound(w, r)
}

// denyChanged answers a request in whose context the Subject of one guard is
// not that of its caller at the next.
func (g *Guard) denyChanged(w http.ResponseWriter, r *http.Request, caller, found rbac.Subject) {
	g.options.logger.LogAttrs(r.Context(), slog.LevelWarn, "rbachttp: denied: the Subject in the context is not that of the caller", append(requestAttrs(r),
		slog.String("user", caller.User()),
		slog.String("workspace", caller.Workspace()),
		slog.String("found", found.User()),
		slog.String("found_workspace", found.Workspace()),
	)...)
	g.WriteProblem(w, r, problemDenied)
}

// denyElsewhere answers a caller whom Identify put into a workspace that the
// guard does not serve.
func (g *Guard) denyElsewhere(w http.ResponseWriter, r *http.Request, c Caller) {
	g.options.logger.LogAttrs(r.Context(), slog.LevelWarn, "rbachttp: denied a caller of another workspace", append(requestAttrs(r),
		slog.String("user", c.user),
		slog.String("workspace", c.workspace),
		slog.String("served", g.own.ID()),
	)...)
	g.WriteProblem(w, r, problemDenied)
}

// logUnusedScope is the default of WithUnusedScope.
func (o *options) logUnusedScope(r *http.Request, need Requirement) {
	o.logger.LogAttrs(r.Context(), slog.LevelError, "rbachttp: a handler did not look at the scope of its caller: it may have shown everybody's records",
		append(requestAttrs(r), slog.String("need", need.String()))...)
}
