package rbachttp

import (
	"context"
	"fmt"
	"slices"

	"github.com/areagate/rbac"
)

// Stream returns a context for a handler that goes on after its guard has let the
// request through: with server-sent events or a web socket. It lasts as long as
// the caller meets what every guard on the way asked for, limits included, and
// ends as [rbac.Subject.While] says: within the maximum staleness of the change
// that takes a right away, and when freshness cannot be confirmed. It also ends
// when a scope that the route needs comes to reach less than when the request was
// let through, because the handler filters by what it looked at then.
//
// What ended it is its [context.Cause]. End the answer, and let the client come
// back: the guard judges anew.
//
// The context is that of the request, or one made of it, while the handler runs.
// One in which no guard has been, as that of a [Public] route, gives a context
// that has ended. The [context.CancelFunc] must be called.
//
// [http.Server.Shutdown] waits for the handler, and does not end the context: see
// [http.Server.RegisterOnShutdown].
func Stream(ctx context.Context) (context.Context, context.CancelFunc) {
	var cancels []context.CancelFunc
	last := ctx
	for c := innermost(ctx); c != nil; c = innermost(c.Context) {
		var cancel context.CancelFunc
		last, cancel = c.subject.While(last, c.lasting())
		cancels = append(cancels, cancel)
	}
	if cancels == nil {
		return rbac.Subject{}.While(ctx, nil) // of whom nothing is known
	}
	return last, func() {
		for _, cancel := range cancels {
			cancel()
		}
	}
}

// lasting returns what the caller of a visit has to go on meeting.
func (c *visitContext) lasting() func(rbac.Subject) error {
	type reached struct {
		permissionKey
		rbac.Reach
	}
	var reaches []reached
	behind := c.all()
	for _, h := range behind {
		for _, key := range h.scopes {
			reaches = append(reaches, reached{key, c.subject.Reach(key.area, key.action)})
		}
	}
	return func(s rbac.Subject) error {
		for _, h := range behind {
			reach, denied := h.need.decide(subjectStanding{s}, enough)
			switch {
			case reach != rbac.None:
			case len(denied) > 0:
				return &rbac.DeniedError{Decision: denied[0]}
			default:
				return rbac.ErrDenied
			}
		}
		for _, before := range reaches {
			if !reachesAll(s.Reach(before.area, before.action), before.Reach) {
				return fmt.Errorf("%w: %v of %v reaches less than it did", rbac.ErrDenied, before.action, before.area)
			}
		}
		return nil
	}
}

// reachesAll reports whether a reach has every record in it that another had.
func reachesAll(now, before rbac.Reach) bool {
	return now.All || !before.All && !slices.ContainsFunc(before.Owners, func(owner string) bool { return !now.Includes(owner) })
}
