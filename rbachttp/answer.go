package rbachttp

import (
	"log/slog"
	"net/http"

	"github.com/areagate/rbac"
)

// fail answers a request for which there is no safe answer.
func (g *Guard) fail(w http.ResponseWriter, r *http.Request, message string, err error) {
	level := slog.LevelError
	if clientGone(r) {
		level = slog.LevelDebug
	}
	g.options.log(r, level, message, slog.Any("error", err))
	g.WriteProblem(w, r, problemUnavailable)
}

// unauthenticated answers nobody. Anybody can cause it, as often as they like,
// so it is not logged as more than Debug.
func (g *Guard) unauthenticated(w http.ResponseWriter, r *http.Request) {
	g.options.log(r, slog.LevelDebug, "rbachttp: no identity")
	g.WriteProblem(w, r, problemUnauthenticated)
}

// deny answers somebody who does not meet the requirement. All are answered
// alike: those who may not, those who are suspended and those who are not
// known.
func (g *Guard) deny(w http.ResponseWriter, r *http.Request, s rbac.Subject, need Requirement, denied []rbac.Decision) {
	attrs := []slog.Attr{
		slog.String("user", cut(s.User())),
		slog.String("workspace", cut(s.Workspace())),
		slog.String("role", string(s.Role())),
		slog.String("need", need.String()),
	}
	if len(denied) > 0 { // the first is enough; need has the others
		attrs = append(attrs,
			slog.String("area", string(denied[0].Area)),
			slog.String("action", denied[0].Action.String()),
			slog.String("reason", denied[0].Reason.String()),
			slog.Int64("revision", denied[0].Revision),
		)
	}
	g.options.log(r, slog.LevelInfo, "rbachttp: denied", attrs...)
	p := problemDenied
	if g.options.missing {
		p.Missing = need.missing(s.Permissions())
	}
	g.WriteProblem(w, r, p)
}

// unreadable answers a path that can be read in too many ways to ask for what
// each of them needs. Like a path that no route has, anybody can send it.
func (g *Guard) unreadable(w http.ResponseWriter, r *http.Request) {
	g.options.log(r, slog.LevelDebug, "rbachttp: a path with too many readings")
	g.NotFound(w, r)
}

// denyChanged answers a request in whose context the Subject of one guard is
// not that of its caller at the next.
func (g *Guard) denyChanged(w http.ResponseWriter, r *http.Request, caller, found rbac.Subject) {
	g.options.log(r, slog.LevelWarn, "rbachttp: denied: the Subject in the context is not that of the caller",
		slog.String("user", cut(caller.User())),
		slog.String("workspace", cut(caller.Workspace())),
		slog.String("found", cut(found.User())),
		slog.String("found_workspace", cut(found.Workspace())),
	)
	g.WriteProblem(w, r, problemDenied)
}

// denyElsewhere answers a caller whom Identify put into a workspace that the
// guard does not serve, or that is not the one of their key.
func (g *Guard) denyElsewhere(w http.ResponseWriter, r *http.Request, c Caller) {
	attrs := []slog.Attr{slog.String("user", cut(c.user)), slog.String("workspace", cut(c.workspace))}
	if c.key {
		attrs = append(attrs, slog.String("key_workspace", cut(c.home)))
	}
	if g.az == nil {
		attrs = append(attrs, slog.String("served", g.own.ID()))
	}
	g.options.log(r, slog.LevelWarn, "rbachttp: denied a caller of another workspace", attrs...)
	g.WriteProblem(w, r, problemDenied)
}
