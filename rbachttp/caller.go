package rbachttp

import (
	"net/http"

	"github.com/areagate/rbac"
)

// Identify finds out who makes a request: from a session, a token, a client
// certificate. It decides nothing about access.
//
// A request without credentials, or with credentials that are wrong, expired
// or revoked, is the zero Caller and nil, and is answered with 401. An error
// means that Identify could not find out, because the session store is down
// for instance. It is logged and answered with 503, so do not return it for a
// bad token. A panic goes on to whoever called the guard; the handler is not
// reached.
//
// The guard calls Identify at most once for a request, and not at all for a
// [Public] route. On a [Mux] the request has the values of the route's wildcards:
// where several are nested, those of the first that asks.
//
// Take the user's id from what the server issued or verified. A header such as
// X-User is safe only behind a proxy that removes it from what clients send.
type Identify func(*http.Request) (Caller, error)

// Caller is who makes a request. The zero Caller is nobody.
type Caller struct {
	user      string
	workspace string
	elsewhere bool // In was called: workspace counts
	key       bool // Key was called: home and most count
	home      string
	homeless  bool // Key was called with two workspaces: the key is of none
	most      rbac.Permissions
}

// User returns the caller with a user id, compared byte for byte with those
// of members. The empty id is nobody.
func User(user string) Caller { return Caller{user: user} }

// In returns the caller in a workspace other than the guard's own. The id may
// come from the request, from its host or path for instance: a user who is
// not a member there is denied.
func (c Caller) In(workspace string) Caller {
	c.workspace, c.elsewhere = workspace, true
	return c
}

// Key returns the caller by a key of theirs, which belongs to a workspace and may
// do no more there than most allows, as [rbac.Subject.Limit] says: an API key
// that may do less than its owner. The workspace is what is stored with the key.
// A nil or empty table limits to nothing. A second key applies beside the first.
//
// The request is in the key's workspace. Where [Caller.In], before or after, or
// the guard says another one, it is denied, whatever the route asks for, and
// logged as a Warn. So it is for keys of two workspaces.
//
// The routes of [SignedIn] and [Member] ask for no permission, so a limit
// does not close them: their handlers change access by
// [rbac.Workspace.AsSubject], and ask [rbac.Subject.Limited] for what the user
// has to do in person, such as making a key. Check a table that somebody writes with
// [rbac.Workspace.ValidatePermissions].
func (c Caller) Key(workspace string, most rbac.Permissions) Caller {
	if c.key {
		most = c.most.Intersect(most)
		c.homeless = c.homeless || workspace != c.home
	}
	c.key, c.home, c.most = true, workspace, most
	return c
}
